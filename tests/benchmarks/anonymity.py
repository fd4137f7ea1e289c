"""Measures anonymisation: searches against their aims, and what rows and columns cost.

    python tests/benchmarks/anonymity.py [--adult FOLDER] [--rows N …] [--columns N …]
                                         [--verify ROWS] [--passes N] [--json FILE] [--plot SVG]
                                         [--packages-python INTERPRETER]

Needs the Adult extract with its hierarchies (../shared/data/adult). Each case runs in a process of
its own, so that its peak of memory is its own; reading the table is not part of the time. Larger
tables are drawn from Adult: whole records with replacement, each cell with a chance of one in ten
from another record, so that combinations become as many as in real data of that size. More
columns than nine are the same columns of other records, so the table stays as it is and each new
column is independent of the others. A figure is the best of several passes: whatever else runs on
the machine only makes one slower. CPU seconds stand beside the time by the clock for that reason.
The packages anjana (search) and pycanon (verification) do the same work on Adult, one after the other
with ours, by an interpreter of another environment that has them: they pin an older NumPy.
"""

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import _anonymity_attacks
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from rich.console import Console
from rich.progress import track
from rich.table import Table

from gateway.cli.microdata import read_ladders, read_microdata
from gateway.model.anonymity import AnonymityGoal, KAnonymity, LDiversity, TCloseness
from gateway.risk.privacy.verify import verify
from gateway.transform.anonymize.full_domain import full_domain
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.anonymize.local_recoding import local_recoding
from gateway.transform.anonymize.problem import Problem, Watch

ADULT = Path(__file__).parents[2] / "../shared/data/adult"
QI = ("sex", "age", "race", "marital-status", "education", "native-country", "workclass",
      "occupation", "salary-class")  # fmt: skip
GOALS = ((5, "0.04", "discernibility"), (5, "0.04", "entropy"), (5, "0.04", "loss"),
         (100, "0.04", "discernibility"), (100, "0.04", "loss"), (5, "0", "loss"))  # fmt: skip
ROWS = (10_000, 30_000, 100_000, 300_000, 1_000_000)
COLUMNS = (2, 5, 9, 12, 15, 20, 25)
LARGE = 1_000_000
_CHANGED = 0.1
_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Case:
    """What is run: ``work`` on a table of ``rows`` records and ``columns`` quasi-identifiers."""

    group: str
    name: str
    work: str
    rows: int
    columns: int = 9
    k: int = 5
    suppression: str = "0.04"
    metric: str = "loss"
    aim_seconds: float | None = None
    aim_mib: float | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """Seconds by the clock and of CPU, the peak of memory of the whole process and what of it is
    beyond the table, and what came out."""

    case: Case
    seconds: float
    cpu: float
    peak_mib: float
    more_mib: float
    told: str


def main() -> None:
    """Run the cases, print the table, write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--adult", type=Path, default=ADULT, help="folder of the Adult extract")
    parser.add_argument("--rows", type=int, nargs="*", default=ROWS, help="of the curve by rows")
    parser.add_argument("--columns", type=int, nargs="*", default=COLUMNS, help="by columns")
    parser.add_argument("--large", type=int, default=LARGE, help="rows of the large table")
    parser.add_argument("--verify", type=int, default=10_000_000, help="rows to verify")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument(
        "--packages-python", type=Path, help="interpreter that has anjana and pycanon"
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--plot", type=Path, help="write the two curves here, as SVG")
    options = parser.parse_args()
    if not (options.adult / "adult.csv").is_file():
        print(f"skipped: the Adult extract is not in {options.adult}; give its folder with --adult")
        return
    console = Console(width=None if sys.stdout.isatty() else 180)
    load = os.getloadavg()
    cases = [*_aims(options.large, options.verify), *_curves(options.rows, options.columns)]
    figures = [
        _apart(case, options.adult, options.passes)
        for case in track(cases, "Measuring", console=console, transient=True)
    ]
    console.print(_table(figures))
    beside = []
    if options.packages_python:
        beside = _beside(options.packages_python, options.adult, options.passes)
        console.print(_beside_table(beside))
    attacked = _anonymity_attacks.run(quick=False, adult=options.adult)
    print("\n".join(_anonymity_attacks.lines(attacked)))
    console.print(
        f"{os.cpu_count()} cores; load before {load[0]:.1f}, after {os.getloadavg()[0]:.1f}"
    )
    if options.json:
        told = {
            "cores": os.cpu_count(),
            "load_before": load,
            "load_after": os.getloadavg(),
            "figures": [asdict(figure) for figure in figures],
            "packages": beside,
            "attacks": attacked,
        }
        options.json.write_text(json.dumps(told, indent=2) + "\n")
    if options.plot:
        options.plot.write_text(_plot(figures))


def _aims(large: int, verified: int) -> list[Case]:
    adult = [
        Case("Adult", f"full domain, k={k}, suppression {out}, {metric}", "full_domain", 0,
             k=k, suppression=out, metric=metric, aim_seconds=0.5)
        for k, out, metric in GOALS
    ]  # fmt: skip
    return [
        *adult,
        Case("Adult", "local, k=5, loss; aim 0.050", "local", 0, aim_seconds=2),
        Case("Adult", "local, k=100, loss", "local", 0, k=100),
        Case("large", "full domain, k=5, loss", "full_domain", large, aim_seconds=8, aim_mib=1500),
        Case("large", "full domain, k=5, discernibility", "full_domain", large,
             metric="discernibility", aim_seconds=8, aim_mib=1500),
        Case("large", "local, k=5, loss", "local", large, aim_seconds=30),
        Case("verify", "k, l and t of a stream", "verify", verified, aim_seconds=20),
    ]  # fmt: skip


def _curves(rows: Sequence[int], columns: Sequence[int]) -> list[Case]:
    return [
        *(Case("rows", f"{n:,} rows", "full_domain", n) for n in rows),
        *(Case("columns", f"{d} columns", "full_domain", 0, columns=d) for d in columns),
    ]


# ---- running ------------------------------------------------------------------------------------


def _apart(case: Case, adult: Path, passes: int) -> Figure:
    """In a new process, which ends with the case."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(_measured, case, adult, passes).result()


def _measured(case: Case, adult: Path, passes: int) -> Figure:
    work = _WORK[case.work]
    prepared = work(case, adult)
    before = _peak_mib()
    best, cpu, told = float("inf"), float("inf"), ""
    for _ in range(1 if case.group in ("large", "verify") else passes):
        begun, used = time.perf_counter(), time.process_time()
        found = prepared()
        took = time.perf_counter() - begun
        if took < best:
            best, told = took, found
        cpu = min(cpu, time.process_time() - used)
    peak = _peak_mib()
    return Figure(case, round(best, 3), round(cpu, 3), round(peak), round(peak - before), told)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _search(case: Case, adult: Path) -> Callable[[], str]:
    table, ladders = _drawn(adult, case.rows, case.columns)
    goal = AnonymityGoal(
        quasi_identifiers=tuple(table.column_names),
        models=(KAnonymity(k=case.k),),
        max_suppression=case.suppression,
        metric=case.metric,
        seconds=_SECONDS,
    )

    def run_local() -> str:
        found = local_recoding(Problem.of(table, goal, ladders))
        return f"{found.value:.4f}, {found.published.num_rows:,} classes, none out"

    def run() -> str:
        begun = time.perf_counter()
        watch = Watch(lambda: time.perf_counter() - begun)
        found = full_domain(Problem.of(table, goal, ladders), watch)
        proven = "proven" if found.proven_optimal else f"best within {_SECONDS} s"
        levels = ",".join(str(level) for level in (found.levels or {}).values())
        return f"{found.value:.10g} {levels} out {int(found.suppressed.sum()):,}, {proven}"

    return run_local if case.work == "local" else run


def _verification(case: Case, adult: Path) -> Callable[[], str]:
    """The same released batches over and over: the stream is long and never in memory."""
    table, ladders = _drawn(adult, 0, 9)
    keep = [name for name in QI if name not in ("occupation", "salary-class")]
    goal = AnonymityGoal(
        quasi_identifiers=tuple(keep), models=(KAnonymity(k=5),), max_suppression="0.04"
    )
    released = full_domain(Problem.of(table, goal, ladders)).apply(table).combine_chunks()
    [batch] = released.to_batches()
    models = (
        KAnonymity(k=5),
        LDiversity(column="occupation", l="2"),
        TCloseness(column="salary-class", t="1"),
    )
    times = -(-case.rows // batch.num_rows)

    def run() -> str:
        batches = (batch for _ in range(times))
        reader = pa.RecordBatchReader.from_batches(batch.schema, batches)
        verdicts = verify(reader, keep, models)
        return ", ".join(f"{v.model.kind} {'holds' if v.holds else 'fails'}" for v in verdicts)

    return run


_WORK: dict[str, Callable[[Case, Path], Callable[[], str]]] = {
    "full_domain": _search,
    "local": _search,
    "verify": _verification,
}


def _drawn(adult: Path, rows: int, columns: int) -> tuple[pa.Table, dict[str, Ladder]]:
    """Adult itself (``rows`` 0), or a table drawn from it, with so many columns."""
    ladders = read_ladders(adult, QI)
    table = read_microdata(adult / "adult.csv", delimiter=";", as_text=QI)
    rng = np.random.default_rng(7)
    if rows:
        record = rng.integers(0, table.num_rows, rows)
        drawn = {}
        for name in QI:
            other = rng.integers(0, table.num_rows, rows)
            taken = np.where(rng.random(rows) < _CHANGED, other, record)
            drawn[name] = table.column(name).combine_chunks().take(pa.array(taken))
        table = pa.table(drawn)
    for number in range(9, columns):
        source, name = QI[number % 9], f"{QI[number % 9]}-{number // 9 + 1}"
        order = pa.array(rng.permutation(table.num_rows))
        table = table.append_column(name, table.column(source).take(order))
        ladders[name] = ladders[source]
    return table.select(table.column_names[:columns]), ladders


def _beside(python: Path, adult: Path, passes: int) -> list[tuple[str, float, str]]:
    """The packages, and ours on the same data: a search for k, and k, l and t of what came out."""
    table, ladders = _drawn(adult, 0, 9)
    sensitive = "occupation"
    keep = tuple(name for name in QI if name != sensitive)
    limits = {"max_suppression": "0.04", "models": (KAnonymity(k=5),)}
    goal = AnonymityGoal(quasi_identifiers=keep, **limits)
    released = full_domain(Problem.of(table, goal, ladders)).apply(table)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "released.csv"
        pa_csv.write_csv(released, file, pa_csv.WriteOptions(delimiter=";"))
        program = Path(__file__).parent / "_anonymity_packages.py"
        done = subprocess.run(
            [python, program, adult, file, "5", "0.04", str(passes), sensitive],
            check=True, capture_output=True, text=True, timeout=1_800,
        )  # fmt: skip
    figures = [
        (name, round(found["seconds"], 3), found["told"])
        for name, found in json.loads(done.stdout).items()
    ]

    def searched() -> str:
        every = AnonymityGoal(quasi_identifiers=QI, **limits)
        found = full_domain(Problem.of(table, every, ladders))
        out, levels = int(found.suppressed.sum()), (found.levels or {}).values()
        told = ",".join(str(level) for level in levels)
        return f"loss {found.value:.4f}, levels {told}, {out} suppressed"

    models = (
        KAnonymity(k=5),
        LDiversity(column=sensitive, l="2"),
        TCloseness(column=sensitive, t="1"),
    )

    def verified() -> str:
        return ", ".join(found.figure for found in verify(released.to_reader(), keep, models))

    for name, work in (("ours, search, k = 5", searched), ("ours, k, l and t at once", verified)):
        took, told = float("inf"), ""
        for _ in range(passes):
            begun = time.perf_counter()
            told = work()
            took = min(took, time.perf_counter() - begun)
        figures.append((name, round(took, 3), told))
    return figures


# ---- telling ------------------------------------------------------------------------------------


def _table(figures: Sequence[Figure]) -> Table:
    table = Table(title="Anonymisation")
    for heading in ("what", "seconds", "CPU", "aim", "peak MiB", "beyond the table", "found"):
        table.add_column(heading, overflow="fold")
    group = ""
    for figure in figures:
        case = figure.case
        if case.group != group:
            table.add_section()
            group = case.group
        rows = "" if not case.rows else f" ({case.rows:,} rows)"
        aim = "" if case.aim_seconds is None else f"≤ {case.aim_seconds:g} s"
        aim += "" if case.aim_mib is None else f", {case.aim_mib:g} MiB"
        table.add_row(
            case.name + (rows if case.group in ("large", "verify") else ""),
            f"{figure.seconds:.2f}",
            f"{figure.cpu:.2f}",
            aim,
            f"{figure.peak_mib:,.0f}",
            f"{figure.more_mib:,.0f}",
            figure.told,
        )
    return table


def _beside_table(figures: Sequence[tuple[str, float, str]]) -> Table:
    table = Table("what", "seconds", "found", title="Packages beside ours, Adult")
    for name, seconds, told in figures:
        table.add_row(name, f"{seconds:.3f}", told)
    return table


def _plot(figures: Sequence[Figure]) -> str:
    """Seconds against rows and against columns, both axes by powers of ten but columns."""
    root = ET.Element("svg", viewBox="0 0 900 360", xmlns="http://www.w3.org/2000/svg")
    for left, group, axis in ((60, "rows", "rows"), (510, "columns", "quasi-identifiers")):
        chosen = [figure for figure in figures if figure.case.group == group]
        at = [f.case.rows if group == "rows" else f.case.columns for f in chosen]
        if chosen:
            _curve(root, left, at, [f.seconds for f in chosen], axis, by_tens=group == "rows")
    return ET.tostring(root, encoding="unicode") + "\n"


def _curve(
    root: ET.Element, left: int, at: list[int], seconds: list[float], axis: str, *, by_tens: bool
) -> None:
    across = np.log10(at) if by_tens else np.array(at, float)
    up = np.log10(np.maximum(seconds, 1e-3))
    low, high = float(np.floor(up.min())), float(np.ceil(up.max())) or 1.0
    x = left + 340 * (across - across.min()) / max(float(np.ptp(across)), 1e-9)
    y = 300 - 260 * (up - low) / max(high - low, 1e-9)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    ET.SubElement(root, "polyline", points=points, fill="none", stroke="#2f6f9f")
    for a, b, value, took in zip(x, y, at, seconds, strict=True):
        ET.SubElement(root, "circle", cx=f"{a:.1f}", cy=f"{b:.1f}", r="3", fill="#2f6f9f")
        _text(root, a, b - 8, f"{took:.2f} s")
        _text(root, a, 318, f"{value:,}")
    _text(root, left + 170, 345, f"{axis} (time by powers of ten)")


def _text(root: ET.Element, x: float, y: float, text: str) -> None:
    put = ET.SubElement(root, "text", x=f"{x:.1f}", y=f"{y:.1f}")
    put.set("text-anchor", "middle")
    put.set("font-size", "11")
    put.text = text


if __name__ == "__main__":
    main()
