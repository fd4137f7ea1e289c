"""What epsilon costs in exactness, on the demonstration's residents: a program that prints a table.

    python tests/benchmarks/statistics_errors.py [--rows 200000] [--draws 200] [--json FILE]

Each question is counted once and answered many times; the error that 95 of 100 answers keep is
compared with what the price said before. The residents are made up (gateway.testing), with the seed
of the demonstration. docs/privacy-budgets.md shows the table.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

sys.path.append(str(Path(__file__).parents[1] / "property"))

from _asked import Asking, SystemEntropy, described

from gateway.execute.statistics.answer import answer
from gateway.testing import residents_batches

SEED = 20250101
EPSILONS = ("0.05", "0.1", "0.3", "1", "3")
DELTA = "1e-9"
QUESTIONS = {
    "a count of all": "SELECT COUNT(*) AS n FROM residents",
    "a count by district": "SELECT district, COUNT(*) AS n FROM residents GROUP BY district",
    "a mean of all": "SELECT AVG(CLAMP(income, 0, 500000)) AS n FROM residents",
    "a mean by district": (
        "SELECT district, AVG(CLAMP(income, 0, 500000)) AS n FROM residents GROUP BY district"
    ),
    "a median of all": "SELECT MEDIAN(CLAMP(income, 0, 500000)) AS n FROM residents",
}


def truth(residents: pa.Table, sql: str) -> dict[str, float]:
    """The exact answer, by group; "" where there is but one."""
    income = np.clip(np.array(residents["income"].to_pylist(), dtype=float), 0, 500_000)
    districts = np.asarray(residents["district"].to_pylist())
    how = {"COUNT": len, "AVG": np.nanmean, "MEDIAN": np.nanmedian}
    name = next(word for word in how if f"{word}(" in sql)
    if "GROUP BY" not in sql:
        return {"": float(how[name](income))}
    return {d: float(how[name](income[districts == d])) for d in np.unique(districts)}


def errors(asking: Asking, true: dict[str, float], draws: int) -> np.ndarray:
    """Absolute errors of all groups in all draws."""
    exact, entropy = asking.exact(), SystemEntropy()
    answers = [answer(asking.plan, exact, entropy) for _ in range(draws)]
    return np.array(
        [
            abs(float(row["n"]) - true[row.get("district", "")])
            for table in answers
            for row in table.to_pylist()
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    residents = pa.Table.from_batches(residents_batches(options.rows, SEED))
    residents = residents.select(["resident_id", "district", "income"])
    districts = sorted(pc.unique(residents["district"]).to_pylist())
    dataset = described(
        "residents", residents, groups={"district": districts}, person="resident_id"
    )
    found: list[dict[str, Any]] = []
    print(f"{options.rows:,} residents in {len(districts)} districts, {options.draws} draws each")
    print(f"{'question':22} {'truth':>12} " + "".join(f"{f'eps {e}':>22}" for e in EPSILONS))
    with tempfile.TemporaryDirectory() as folder:
        for name, sql in QUESTIONS.items():
            true = truth(residents, sql)
            typical = float(np.median(list(true.values())))
            cells = []
            for epsilon in EPSILONS:
                asking = Asking(
                    sql,
                    {"residents": (dataset, residents)},
                    Path(folder),
                    epsilon=epsilon,
                    delta=DELTA,
                )
                measured = float(np.quantile(errors(asking, true, options.draws), 0.95))
                (expected,) = asking.plan.expected
                said = expected.half_width
                cells.append((measured, said))
                found.append(
                    {
                        "question": name,
                        "sql": sql,
                        "epsilon": epsilon,
                        "typical": typical,
                        "error_95": measured,
                        "said": said,
                    }
                )
            line = "".join(f"{f'{m:,.3g} (said {s or chr(8211)})':>22}" for m, s in cells)
            print(f"{name:22} {typical:>12,.0f} {line}", flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
