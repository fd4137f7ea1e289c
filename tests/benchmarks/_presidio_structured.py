"""presidio-structured on the masks of the release benchmark; prints rows a second.

    python _presidio_structured.py FILE.csv PASSES

Runs with an interpreter of its own, which needs presidio-structured and nothing of the gateway.
The frame is loaded and the columns are named beforehand: what is timed is `anonymize` alone, the
best of the passes, with the operators that presidio ships where it ships one (mask), and a plain
function where it does not. Text is kept as Python objects, in which single cells are set fastest.
"""

import hmac
import json
import sys
import time
from importlib.metadata import version

import pandas as pd
from presidio_anonymizer.entities import OperatorConfig
from presidio_structured import PandasDataProcessor, StructuredAnalysis, StructuredEngine

COLUMNS = {
    "name": "NAME",
    "phone": "PHONE",
    "email": "EMAIL",
    "address": "ADDRESS",
    "resident_id": "TOKEN",
    "bank_card": "TOKEN",
    "birth_date": "YEAR",
    "income": "BAND",
}


def masked(characters: int, *, from_end: bool) -> OperatorConfig:
    """The mask that presidio ships."""
    settings = {"masking_char": "*", "chars_to_mask": characters, "from_end": from_end}
    return OperatorConfig("mask", settings)


def token(value: str) -> str:
    """A keyed token of a value."""
    return hmac.digest(bytes(16), value.encode(), "sha256").hex()[:26]


def band(value: str) -> str:
    """The ten thousand that an income lies in."""
    low = int(value or 0) // 10_000 * 10_000
    return f"{low}-{low + 9_999}"


OPERATORS = {
    "NAME": masked(3, from_end=True),
    "PHONE": masked(6, from_end=True),
    "EMAIL": masked(8, from_end=False),
    "ADDRESS": masked(20, from_end=True),
    "TOKEN": OperatorConfig("custom", {"lambda": token}),
    "YEAR": OperatorConfig("custom", {"lambda": lambda value: value[:4]}),
    "BAND": OperatorConfig("custom", {"lambda": band}),
}


def main() -> None:
    """Time the passes."""
    file, passes = sys.argv[1], int(sys.argv[2])
    frame = pd.read_csv(file, dtype=str, keep_default_na=False).astype(object)
    engine = StructuredEngine(PandasDataProcessor())
    seconds = []
    for _ in range(passes):
        data = frame.copy()
        start = time.perf_counter()
        engine.anonymize(data, StructuredAnalysis(entity_mapping=COLUMNS), dict(OPERATORS))
        seconds.append(time.perf_counter() - start)
    packages = ("presidio-structured", "presidio-anonymizer", "pandas")
    report = {
        "rows": len(frame),
        "rows_per_second": len(frame) / min(seconds),
        "versions": {package: version(package) for package in packages},
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
