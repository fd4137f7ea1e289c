"""The figures of statistics.py: how fast questions are counted, and how far they are from the truth.

Rows are made up: 10 million of 3 million persons in 1,000 groups (and once more with a row a person),
in Parquet. Beside each figure stands, of the same run and in turns with it, what it is compared with:
the same query in plain DuckDB where a person has one row, and DuckDB's bare GROUP BY of person and
group where contributions are bounded. Errors are mean absolute errors of many draws, beside those of
`diffprivlib.tools` and, by an interpreter of another environment that has it, of `opendp`.
"""

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import diffprivlib.tools
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from diffprivlib.accountant import BudgetAccountant
from rich.console import Console
from rich.table import Table

from gateway.execute.parquet_source import ParquetFiles
from gateway.execute.statistics.answer import answer
from gateway.execute.statistics.run import StatisticsExecutor
from gateway.model.catalog import Bounds, Column, Contributions, DataSet, ParquetSource
from gateway.model.decision import Outcome, Reason
from gateway.model.mechanisms import Sensitivity
from gateway.model.statistics import StatisticsRequest
from gateway.model.statistics_decision import StatisticsDecision
from gateway.planning.accounting import calibrate, half_width
from gateway.planning.questions.parse import parse
from gateway.planning.statistics import compile_statistics
from gateway.transform.noise import add_noise

QUESTION = "SELECT grp, COUNT(*) AS n, SUM(value) AS s FROM made_up GROUP BY grp"
GROUPS = 1000
UPPER = 100_000


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure beside what it is compared with; ``aim``: the most that it may be times that."""

    name: str
    unit: str
    value: float
    beside: str
    other: float
    aim: float | None

    @property
    def ratio(self) -> float:
        return self.value / self.other


class SystemEntropy:
    """ports.Entropy."""

    def bytes(self, count: int) -> bytes:
        return os.urandom(count)


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description="Measures statistics.")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--draws", type=int, default=8000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--packages-python", type=Path)
    given = parser.parse_args()
    load = os.getloadavg()
    with tempfile.TemporaryDirectory() as folder:
        figures = [
            *_speed(Path(folder), given.rows, given.passes),
            *_errors(given.draws, given.packages_python),
            _hundred_counts(),
        ]
    Console().print(_table(figures))
    if given.json:
        report = {
            "rows": given.rows,
            "load_before": load,
            "load_after": os.getloadavg(),
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "figures": [{**asdict(f), "ratio": f.ratio} for f in figures],
        }
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(report, indent=2) + "\n")


# ---- speed ---------------------------------------------------------------------------------------


def _speed(folder: Path, rows: int, passes: int) -> Iterator[Figure]:
    draw = np.random.default_rng(1)
    persons = {"single": draw.permutation(rows), "many": draw.integers(0, 3 * rows // 10, rows)}
    group = draw.integers(0, GROUPS, rows).astype(np.int32)
    value = draw.integers(0, UPPER, rows)
    for name, person in persons.items():
        columns = {"person": person, "grp": group, "value": value}
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    del persons, group, value
    engine = duckdb.connect()
    single, many = (f"'{folder}/{name}.parquet'" for name in ("single", "many"))
    plain = f"SELECT grp, count(*), sum(value) FROM {single} GROUP BY grp"  # noqa: S608
    bare = (
        f"SELECT count(*), sum(n), sum(s) FROM (SELECT person, grp, count(*) n, sum(value) s "  # noqa: S608
        f"FROM {many} GROUP BY person, grp)"
    )
    executor = StatisticsExecutor(folder)
    one_row = Contributions(one_row_per_person=True)
    bounded = Contributions(groups=3, rows=2)
    cases = [
        (
            f"{rows:,} rows, one a person",
            lambda: _asked(executor, folder, "single", one_row),
            "the same in DuckDB",
            lambda: engine.execute(plain).fetchall(),
            3.0,
        ),
        (
            f"{rows:,} rows, contributions bounded",
            lambda: _asked(executor, folder, "many", bounded),
            "GROUP BY person, group in DuckDB",
            lambda: engine.execute(bare).fetchall(),
            2.0,
        ),
        (
            f"{rows:,} rows, bounded in 64 MiB, the rest put away",
            lambda: _asked(StatisticsExecutor(folder, memory_mib=64), folder, "many", bounded),
            "GROUP BY person, group in DuckDB",
            lambda: engine.execute(bare).fetchall(),
            None,
        ),
    ]
    _asked(executor, folder, "single", one_row)  # the check of the declaration, once a version
    for name, work, beside, other, aim in cases:
        ours, theirs = _in_turns(work, other, passes)
        yield Figure(name, "s", ours, beside, theirs, aim)


def _asked(
    executor: StatisticsExecutor, folder: Path, name: str, declared: Contributions
) -> pa.Table:
    """The whole question: parsed, planned, counted, answered."""
    dataset = _dataset(f"{name}.parquet", declared)
    question = parse(QUESTION, {dataset.name: dataset})
    with ParquetFiles(dataset.name, folder, dataset.source, dataset.columns) as source:
        plan = compile_statistics(
            StatisticsRequest(
                dataset=dataset.name, sql=QUESTION, purpose="benchmark", epsilon=1, delta="1e-9"
            ),
            question,
            {dataset.name: dataset},
            {dataset.name: source.version()},
            "parties/analyst",
            StatisticsDecision(
                outcome=Outcome.PERMITTED_WITH_OBLIGATIONS,
                reasons=(Reason(code="GRANTED", text="for the benchmark"),),
                grants=("grants/benchmark",),
            ),
        )
        exact = executor.run(plan, [source], SystemEntropy(), lambda _: None)
        return answer(plan, exact, SystemEntropy())


def _dataset(path: str, declared: Contributions) -> DataSet:

    now = datetime(2026, 1, 1, tzinfo=UTC)
    return DataSet(
        name="datasets/made-up",
        holder="parties/nobody",
        title="Made up",
        privacy_unit="person",
        source=ParquetSource(path=path),
        columns=(
            Column(name="person", type="int64"),
            Column(name="grp", type="int32", bounds=Bounds(lower=0, upper=GROUPS - 1)),
            Column(name="value", type="int64", bounds=Bounds(lower=0, upper=UPPER)),
        ),
        contributions=declared,
        created=now,
        updated=now,
    )


def _in_turns(
    one: Callable[[], object], other: Callable[[], object], passes: int
) -> tuple[float, float]:
    """Best seconds of each: whatever else runs only ever makes one slower."""
    best = [float("inf"), float("inf")]
    for _ in range(passes):
        for at, work in enumerate((one, other)):
            start = time.perf_counter()
            work()
            best[at] = min(best[at], time.perf_counter() - start)
    return best[0], best[1]


# ---- errors --------------------------------------------------------------------------------------


def _errors(draws: int, packages: Path | None) -> Iterator[Figure]:
    draw = np.random.default_rng(2)
    values = draw.integers(0, 1001, 5000)
    upper = 1000
    for epsilon in (Fraction(1, 10), Fraction(1)):
        ours = _our_errors(values, upper, epsilon, draws)
        beside = {
            "diffprivlib.tools": _diffprivlib_errors(values, upper, float(epsilon), draws // 2)
        }
        if packages is not None:
            asked = {
                "values": values.tolist(),
                "upper": upper,
                "epsilon": float(epsilon),
                "draws": draws // 2,
            }
            done = subprocess.run(
                [packages, Path(__file__).with_name("_statistics_packages.py")],
                input=json.dumps(asked) + "\n", capture_output=True, text=True, check=True,
            )  # fmt: skip
            beside["opendp"] = json.loads(done.stdout)
        for question, error in ours.items():
            others = {name: found[question] for name, found in beside.items() if question in found}
            name, best = min(others.items(), key=lambda pair: pair[1])
            yield Figure(
                f"error of a {question}, ε {float(epsilon):g}", "", error, name, best, 1.05
            )


def _our_errors(values: np.ndarray, upper: int, epsilon: Fraction, draws: int) -> dict[str, float]:
    entropy = SystemEntropy()

    def noise(*needs: Sensitivity) -> list[np.ndarray]:
        chosen = calibrate(epsilon, Fraction(0), needs).additive
        return [add_noise(one, np.zeros(draws, dtype=np.int64), entropy) for one in chosen]

    (count,) = noise(Sensitivity(cell=1, cells=1))
    (total,) = noise(Sensitivity(cell=upper, cells=1))
    centre = upper // 2
    size, middle = noise(Sensitivity(cell=1, cells=1), Sensitivity(cell=upper - centre, cells=1))
    summed = int((values - centre).sum())
    means = centre + (summed + middle) / np.maximum(len(values) + size, 1)
    return {
        "count": float(abs(count).mean()),
        "sum": float(abs(total).mean()),
        "mean": float(abs(np.clip(means, 0, upper) - values.mean()).mean()),
    }


def _diffprivlib_errors(
    values: np.ndarray, upper: int, epsilon: float, draws: int
) -> dict[str, float]:
    errors = {"count": 0.0, "sum": 0.0, "mean": 0.0}
    # Half of them are counted: its counts stop at the number of values, which is not for all to know.
    counted = np.arange(len(values)) % 2
    accountant = BudgetAccountant()  # as much as is asked for
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(draws):
            asked = {"epsilon": epsilon, "accountant": accountant}
            count = diffprivlib.tools.count_nonzero(counted, **asked)
            total = diffprivlib.tools.sum(values, bounds=(0, upper), **asked)
            mean = diffprivlib.tools.mean(values, bounds=(0, upper), **asked)
            errors["count"] += abs(count - counted.sum())
            errors["sum"] += abs(total - values.sum())
            errors["mean"] += abs(mean - values.mean())
    return {name: error / draws for name, error in errors.items()}


def _hundred_counts() -> Figure:
    """A hundred counts of the same persons, for (1, 1e-9) together."""
    needs = [Sensitivity(cell=1, cells=1)] * 100
    together = half_width(calibrate(Fraction(1), Fraction(1, 10**9), needs).additive[0])
    added = half_width(calibrate(Fraction(1, 100), Fraction(0), needs[:1]).additive[0])
    return Figure(
        "95 % half-width of each of a hundred counts",
        "",
        together,
        "adding up epsilons",
        added,
        0.5,
    )


def _table(figures: list[Figure]) -> Table:
    table = Table("what", "measured", "beside", "", "times", "aim")
    for figure in figures:
        within = figure.aim is None or figure.ratio <= figure.aim
        table.add_row(
            figure.name,
            f"{figure.value:.3g} {figure.unit}",
            figure.beside,
            f"{figure.other:.3g} {figure.unit}",
            f"{figure.ratio:.2f}",
            "" if figure.aim is None else f"≤ {figure.aim:g}{'' if within else ' missed'}",
        )
    return table


if __name__ == "__main__":
    main()
