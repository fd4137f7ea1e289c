"""What verifying a long table costs: k, l and t over nine quasi-identifiers, read from Parquet.

    python _anonymity_verify.py [--adult FOLDER] [--rows N]

Two tables, so that both ends are seen: records of Adult drawn with replacement, with as many classes
as Adult has, and the same with each cell taken from another record with a chance of one in ten, in
which many records stand alone. Each has a made-up sensitive column of eight values. Writing
the file is not part of the time, reading it is. Each is verified in a process of its own, whose peak
of memory is told.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gateway.cli.microdata import read_microdata
from gateway.model.anonymity import KAnonymity, LDiversity, TCloseness
from gateway.risk.privacy.verify import verify

ADULT = Path(__file__).parents[2] / "../shared/data/adult"
AIM_SECONDS = 20
SENSITIVE = "diagnosis"
CHANGED = {"few classes": 0.0, "many classes": 0.1}
MODELS = (
    KAnonymity(k=5),
    LDiversity(column=SENSITIVE, l="3"),
    TCloseness(column=SENSITIVE, t="0.2"),
)
_BATCH = 250_000


def run(adult: Path, rows: int) -> list[dict[str, Any]]:
    """One row a table: seconds by the clock, peak of memory in MiB, and the verdicts."""
    table = read_microdata(adult / "adult.csv", delimiter=";")
    found = []
    with tempfile.TemporaryDirectory(prefix="gateway-verify-") as folder:
        for name, changed in CHANGED.items():
            file = Path(folder) / "table.parquet"
            _write(file, table, rows, changed)
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                found.append({"table": name, "rows": rows} | pool.submit(measured, file).result())
    return found


def measured(file: Path) -> dict[str, Any]:
    """In a process of its own."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    with pq.ParquetFile(file) as opened:
        columns = [name for name in opened.schema_arrow.names if name != SENSITIVE]
        verdicts = verify(opened.iter_batches(65_536), columns, MODELS, memory_mib=1536)
    return {
        "seconds": time.perf_counter() - begun,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "before_mib": before / 1024,
        "figures": [verdict.figure for verdict in verdicts],
    }


def _write(file: Path, table: pa.Table, rows: int, changed: float) -> None:
    rng = np.random.default_rng(7)
    kinds = pa.array(["flu", "cold", "burn", "fracture", "cough", "fever", "none", "other"])
    schema = table.schema.append(pa.field(SENSITIVE, pa.string()))
    with pq.ParquetWriter(file, schema) as writer:
        for start in range(0, rows, _BATCH):
            count = min(_BATCH, rows - start)
            record = rng.integers(0, table.num_rows, count)
            drawn = {}
            for name in table.column_names:
                other = rng.integers(0, table.num_rows, count)
                taken = np.where(rng.random(count) < changed, other, record)
                drawn[name] = table.column(name).combine_chunks().take(pa.array(taken))
            drawn[SENSITIVE] = kinds.take(pa.array(rng.integers(0, len(kinds), count)))
            writer.write_table(pa.table(drawn, schema))


def main() -> None:
    """Measure both tables and print a line each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--adult", type=Path, default=ADULT, help="folder of the Adult extract")
    parser.add_argument("--rows", type=int, default=10_000_000)
    options = parser.parse_args()
    for row in run(options.adult, options.rows):
        print(
            f"{row['table']}: {row['rows']:,} rows, {row['seconds']:.1f} s (aim {AIM_SECONDS}), "
            f"peak {row['peak_mib']:,.0f} MiB, of it {row['before_mib']:,.0f} before; smallest "
            f"class, values, distance: {', '.join(row['figures'])}"
        )


if __name__ == "__main__":
    main()
