"""Measures a whole release: from the request to the last batch, beside what it can be held against.

    python tests/benchmarks/release.py [--rows N] [--quick] [--json FILE]

The resident register of `gateway.testing` (12 columns, a Parquet file of a holder) under a policy
that masks names, phones, e-mail and addresses, tokenises identity number and bank card,
generalises birth date and income, and keeps the other four. The server is a process of its own,
as `gateway serve` runs it (mutual TLS, SQLite on disk, audit on); this process is the client.

(a) streaming  the same file unprotected through the same gRPC server, see _server.py
(b) release    from CreateRelease to the last batch, decoded and compared with the sealed hash
(c) presidio   presidio-structured on the same columns, fewer rows, in an environment of its own
               that is made for the run, see _presidio_structured.py; --presidio-python names one
               that is there already, --no-presidio leaves it out

(a) and (b) take turns, so that whatever else runs on the machine slows both; figures are medians.
Peak memory is the server's high-water mark (VmHWM, Linux) after one release and one reading, of a
fresh server for each size.
"""

import argparse
import csv
import json
import os
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import grpc
import pyarrow.parquet as pq
from _machine import Others, cpu_seconds, facts, peak_mib
from rich.console import Console
from rich.table import Table

from gateway.api.pb import catalog_pb2, catalog_pb2_grpc, release_pb2, release_pb2_grpc
from gateway.app.setup import initialise
from gateway.client import Client, load_profile
from gateway.client.link import Link
from gateway.client.streams import Batches
from gateway.model.catalog import ParquetSource
from gateway.testing import residents, residents_batches

HERE = Path(__file__).parent
PURPOSE = "benchmark"
POLICY = f"""\
format: gateway-policy/1
name: policies/benchmark
purposes: {{{PURPOSE}: to see how fast a release is}}
rules:
- {{name: names, match: {{column: [name]}}, transform: {{kind: mask_form, form: chinese_name}}}}
- {{name: phones, match: {{column: [phone]}}, transform: {{kind: mask_form, form: phone}}}}
- {{name: mails, match: {{column: [email]}}, transform: {{kind: mask_form, form: email}}}}
- {{name: addresses, match: {{column: [address]}}, transform: {{kind: mask_form, form: address}}}}
- {{name: tokens, match: {{column: [resident_id, bank_card]}}, transform: {{kind: token}}}}
- {{name: births, match: {{column: [birth_date]}}, transform: {{kind: generalize_date, to: year}}}}
- {{name: incomes, match: {{column: [income]}}, transform: {{kind: bin_number, width: "10000"}}}}
- {{name: kept, match: {{column: [district, sex, ethnicity, household_id]}}, transform: {{kind: keep}}}}
"""
KEYED = POLICY.replace(
    "- {name: phones, match: {column: [phone]}, transform: {kind: mask_form, form: phone}}",
    "- {name: phones, match: {column: [phone]},"
    " transform: {kind: encrypt_identifier, profile: mobile}}",
).replace(
    "- {name: tokens, match: {column: [resident_id, bank_card]}, transform: {kind: token}}",
    "- {name: cards, match: {column: [bank_card]}, transform: {kind: token}}\n"
    "- {name: numbers, match: {column: [resident_id]}, transform: {kind: encrypt_identifier,"
    " profile: resident_id, last_day: 2029-12-31}}",
)
"""The same with FF1 on identity number and phone and CMAC on bank card."""
POLICIES = {"masked": POLICY, "keyed": KEYED}
PRESIDIO = "presidio-structured==0.0.10"
START_SECONDS = 60
LONGEST_SECONDS = 45 * 60
ROWS_PER_SECOND = {"masked": 300_000, "keyed": 600_000}
OVER_PLAIN = {"masked": None, "keyed": 0.25}
AIMS = {
    "release_over_presidio": 100,
    "first_batch_ms": 50,
    "memory_growth": 1.1,
    "unary_p50_ms": 5,
}


@dataclass(frozen=True, slots=True)
class Pass:
    """One release; seconds from CreateRelease to its answer (`open`), to when the run began
    (`wait`), to when it was seen sealed (`run`), to the last batch (`read`); and what the server
    computed meanwhile (`cpu`), which says more than the clock on a machine that is busy."""

    rows: int
    open: float
    wait: float
    run: float
    read: float
    cpu: float | None

    @property
    def whole(self) -> float:
        return self.open + self.wait + self.run + self.read


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of many calls, one after another."""

    calls: int
    p50: float
    p99: float
    worst: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Latency":
        ordered = sorted(1000 * s for s in seconds)
        p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
        return cls(len(ordered), statistics.median(ordered), p99, ordered[-1])


class Desk:
    """One installation with a running server, and the parties' connections to it."""

    def __init__(self, folder: Path, address: str, pid: int, rows: int) -> None:
        self._folder = folder
        self._address = address
        self.pid = pid
        self._rows = rows

    @contextmanager
    def as_party(self, name: str) -> Iterator[tuple[Client, grpc.Channel]]:
        profile = load_profile(self._folder / "clients" / name / "profile.yaml")
        link = Link.open(profile.at(self._address))
        with Client(link) as client:
            yield client, link.channel

    def prepare(self, policy: str) -> float:
        """Register, agree on the policy, grant; returns the seconds that registering took."""
        with (
            self.as_party("holder") as (holder, _),
            self.as_party("officer") as (officer, _),
            self.as_party("second-officer") as (second, _),
            self.as_party("consumer") as (consumer, _),
        ):
            start = time.perf_counter()
            dataset = holder.register(
                "residents", ParquetSource(path="residents.parquet"), title="Residents"
            )
            seconds = time.perf_counter() - start
            policy = officer.create_policy(policy)
            second.activate_policy(policy.name, policy.version)
            columns = [column.name for column in dataset.columns]
            grant = consumer.request_grant(
                "residents", columns, PURPOSE, justification="benchmark", days=1
            )
            grant = holder.approve(grant, "benchmark")
            if len(grant.approvals) < len(grant.required):
                officer.approve(grant, "benchmark")
            self._columns = columns
        return seconds

    def release(self) -> tuple[str, Pass]:
        """One release, whole; its name, and where the time went."""
        with self.as_party("consumer") as (client, _):
            client.dataset("residents")  # the connection stands
            computed = cpu_seconds(self.pid)
            start = time.perf_counter()
            release = client.request("residents", self._columns, PURPOSE)
            opened = time.perf_counter()
            began: list[float] = []

            def seen(now: release_pb2.Release) -> None:
                if now.state != release_pb2.RELEASE_STATE_OPENED:
                    began.append(time.perf_counter())

            client.wait(release, seen)
            sealed = time.perf_counter()
            rows = sum(batch.num_rows for batch in client.batches(release))
            read = time.perf_counter()
            now = cpu_seconds(self.pid)
        if rows != self._rows:
            raise SystemExit(
                f"{rows} of {self._rows} rows came: the figures would be worth nothing"
            )
        parts = (opened - start, began[0] - opened, sealed - began[0], read - sealed)
        cpu = None if computed is None or now is None else now - computed
        return release.name, Pass(rows, *parts, cpu)

    def plain(self) -> float:
        """Rows a second of the table as it is."""
        with self.as_party("consumer") as (client, channel):
            client.dataset("residents")
            read = channel.unary_stream("/benchmark.Plain/Read")
            start = time.perf_counter()
            rows = sum(batch.num_rows for batch in Batches(read(b"", timeout=600)))
            seconds = time.perf_counter() - start
        if rows != self._rows:
            raise SystemExit(
                f"{rows} of {self._rows} rows came: the figures would be worth nothing"
            )
        return rows / seconds

    def first_batches(self, name: str, times: int) -> Latency:
        """From ReadRelease to the first record batch, of a sealed release."""
        with self.as_party("consumer") as (client, channel):
            client.dataset("residents")
            stub = release_pb2_grpc.ReleaseServiceStub(channel)

            def once() -> None:
                call = stub.ReadRelease(release_pb2.ReadReleaseRequest(name=name), timeout=30)
                batches = Batches(chunk.payload for chunk in call)
                if not next(iter(batches)).num_rows:
                    raise SystemExit("the first batch is empty")
                call.cancel()

            return Latency.of([_seconds(once) for _ in range(times)])

    def unary(self, release: str, times: int) -> dict[str, Latency]:
        """Calls with one answer, one after another on one connection."""
        with self.as_party("consumer") as (client, channel):
            client.dataset("residents")
            catalog = catalog_pb2_grpc.CatalogServiceStub(channel)
            releases = release_pb2_grpc.ReleaseServiceStub(channel)
            dataset = catalog_pb2.GetDataSetRequest(name="datasets/residents")
            record = release_pb2.GetReleaseRequest(name=release)
            calls: dict[str, Callable[[], object]] = {
                "GetDataSet": lambda: catalog.GetDataSet(dataset, timeout=30),
                "GetRelease": lambda: releases.GetRelease(record, timeout=30),
            }
            return {
                name: Latency.of([_seconds(call) for _ in range(times)])
                for name, call in calls.items()
            }


def main() -> None:
    """Measure, print the table, write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, to try it out")
    parser.add_argument("--passes", type=int, default=5, help="of (a) and (b) each")
    parser.add_argument("--presidio-python", type=Path, help="an interpreter that has the package")
    parser.add_argument("--no-presidio", action="store_true", help="leave (c) out")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument(
        "--policy",
        choices=sorted(POLICIES),
        default="masked",
        help="keyed: FF1 on identity number and phone, CMAC on bank card",
    )
    options = parser.parse_args()
    policy = POLICIES[options.policy]
    rows = options.rows // 10 if options.quick else options.rows
    passes = min(options.passes, 2) if options.quick else options.passes
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(LONGEST_SECONDS)
    console = Console()
    console.width = max(console.width, 96)  # a table that is not cut when it goes to a file
    load = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name, console.status("") as status:
        folder = Path(name)
        figures: dict[str, Any] = {"rows": rows, "columns": 12, "passes": passes}
        figures["policy"] = options.policy
        status.update(f"Releasing {4 * rows:,} rows")
        _memory(folder / "large", 4 * rows, policy, figures)
        status.update(f"Releasing {rows:,} rows")
        _speed(folder / "usual", rows, passes, 5 if options.quick else 50, policy, figures)
        status.update("Running presidio-structured")
        if not options.no_presidio:
            few = 500 if options.quick else 5_000
            figures["presidio"] = _presidio(folder, few, options.presidio_python)
    figures["aims"] = _judged(figures)
    console.print(_table(figures))
    figures["machine"] = facts(load)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def _memory(folder: Path, rows: int, policy: str, figures: dict[str, Any]) -> None:
    with _serving(folder, rows) as desk:
        desk.prepare(policy)
        figures["large"] = {"rows": rows, "pass": asdict(desk.release()[1])}
        figures["large"]["peak_mib"] = peak_mib(desk.pid)


def _speed(
    folder: Path, rows: int, passes: int, times: int, policy: str, figures: dict[str, Any]
) -> None:
    with _serving(folder, rows) as desk:
        figures["register_seconds"] = desk.prepare(policy)
        name, first = desk.release()
        figures["peak_mib"] = peak_mib(desk.pid)
        plain, releases, others = [], [first], Others(desk.pid)
        for number in range(passes):
            plain.append(desk.plain())
            if number:
                releases.append(desk.release()[1])
        figures["plain_rows_per_second"] = {"median": statistics.median(plain), "all": plain}
        whole = [each.rows / each.whole for each in releases]
        figures["release_rows_per_second"] = {"median": statistics.median(whole), "all": whole}
        figures["release_seconds"] = {
            part: statistics.median(getattr(each, part) for each in releases)
            for part in ("open", "wait", "run", "read", "whole")
        }
        figures["cores_of_others"] = others.cores()
        if first.cpu is not None:
            figures["release_cpu_seconds"] = statistics.median(each.cpu or 0.0 for each in releases)
        figures["first_batch_ms"] = asdict(desk.first_batches(name, times))
        figures["unary_ms"] = {
            call: asdict(latency) for call, latency in desk.unary(name, 10 * times).items()
        }


@contextmanager
def _serving(folder: Path, rows: int) -> Iterator[Desk]:
    """A fresh installation with its register and its server, all gone afterwards."""
    initialise(folder, listen="127.0.0.1:0")
    register = folder / "data" / "holder" / "residents.parquet"
    _write_register(register, rows)
    log = folder / "server.log"
    command = [sys.executable, str(HERE / "_server.py"), str(folder), "--plain", str(register)]
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as server,
    ):
        try:
            ready, _, _ = select.select([server.stdout], [], [], START_SECONDS)
            address = server.stdout.readline().strip() if ready and server.stdout else ""
            if not address:
                raise SystemExit(f"the server did not start: {log.read_text()}")
            yield Desk(folder, address, server.pid, rows)
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()
    shutil.rmtree(folder)


def _write_register(file: Path, rows: int) -> None:
    """In row groups of a million rows, as Arrow writes them unless it is told otherwise."""
    batches = residents_batches(rows, batch_rows=1 << 20)
    first = next(batches)
    with pq.ParquetWriter(file, first.schema) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)


def _presidio(folder: Path, rows: int, python: Path | None) -> dict[str, Any]:
    """Rows a second of presidio-structured; or why there are none."""
    try:
        python = python or _environment(folder / "presidio")
        table = residents(rows)
        file = folder / "residents.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(table.column_names)
            writer.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))
        command = [python, HERE / "_presidio_structured.py", file, "3"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
        report: dict[str, Any] = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError) as error:
        return {"missing": f"presidio-structured could not be run ({type(error).__name__})"}
    return report


def _environment(folder: Path) -> Path:
    """An environment with presidio-structured, which the gateway itself does not need."""
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", PRESIDIO]
    for command in ([sys.executable, "-m", "venv", folder], install):
        subprocess.run(command, check=True, capture_output=True, timeout=600)
    return python


def _judged(figures: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each aim, what was measured, and whether it was reached."""
    release = figures["release_rows_per_second"]["median"]
    policy = figures["policy"]
    wanted = {"release_rows_per_second": ROWS_PER_SECOND[policy], **AIMS}
    if (least := OVER_PLAIN[policy]) is not None:
        wanted["release_over_plain"] = least
    floor = figures.get("presidio", {}).get("rows_per_second")
    peaks = figures["large"]["peak_mib"], figures["peak_mib"]
    measured = {
        "release_rows_per_second": release,
        "release_over_plain": release / figures["plain_rows_per_second"]["median"],
        "release_over_presidio": floor and release / floor,
        "first_batch_ms": figures["first_batch_ms"]["p50"],
        "memory_growth": peaks[0] / peaks[1] if all(peaks) else None,
        "unary_p50_ms": max(latency["p50"] for latency in figures["unary_ms"].values()),
    }
    return {
        aim: {
            "aim": least,
            "measured": value,
            "reached": None
            if value is None
            else value >= least
            if aim.startswith("release")
            else value <= least,
        }
        for aim, least in wanted.items()
        for value in (measured[aim],)
    }


def _table(figures: dict[str, Any]) -> Table:
    table = Table(
        title=f"A release of {figures['rows']:,} rows and 12 columns", title_justify="left"
    )
    table.add_column("")
    table.add_column("measured", justify="right")
    table.add_column("aim", justify="right")
    table.add_column("")
    aims = figures["aims"]

    def row(name: str, measured: str, aim: str | None = None, wanted: str = "") -> None:
        reached = aims[aim]["reached"] if aim else None
        table.add_row(name, measured, wanted, {True: "reached", False: "missed", None: ""}[reached])

    plain = figures["plain_rows_per_second"]["median"]
    release = figures["release_rows_per_second"]["median"]
    row("(a) the table unprotected, same server", f"{plain:,.0f} rows/s")
    row(
        "(b) release, request to last batch",
        f"{release:,.0f} rows/s",
        "release_rows_per_second",
        f"{ROWS_PER_SECOND[figures['policy']]:,} rows/s",
    )
    for part, seconds in figures["release_seconds"].items():
        if part != "whole":
            row(f"    {part}", f"{seconds:.3f} s")
    if (cpu := figures.get("release_cpu_seconds")) is not None:
        row("    computed by the server", f"{cpu:.2f} s")
    least = OVER_PLAIN[figures["policy"]]
    over = "release_over_plain" if least is not None else None
    row("(b) : (a)", f"{release / plain:.2f}", over, "" if least is None else f"{least}")
    presidio = figures.get("presidio", {"missing": "left out"})
    if "missing" in presidio:
        row("(c) presidio-structured", presidio["missing"])
    else:
        rate = presidio["rows_per_second"]
        row(f"(c) presidio-structured, {presidio['rows']:,} rows", f"{rate:,.0f} rows/s")
        row("(b) : (c)", f"{release / rate:,.0f}", "release_over_presidio", "100")
    first = figures["first_batch_ms"]
    row("ReadRelease to first batch, median", f"{first['p50']:.1f} ms", "first_batch_ms", "50 ms")
    for name, latency in figures["unary_ms"].items():
        row(f"{name}, median", f"{latency['p50']:.2f} ms", "unary_p50_ms", "5 ms")
        row(f"{name}, 99 of 100 within", f"{latency['p99']:.2f} ms")
    large = figures["large"]
    if figures["peak_mib"] is not None:
        row(f"server's peak memory, {figures['rows']:,} rows", f"{figures['peak_mib']:.0f} MiB")
        row(
            f"server's peak memory, {large['rows']:,} rows",
            f"{large['peak_mib']:.0f} MiB",
            "memory_growth",
            "no growth (10 %)",
        )
    if (others := figures["cores_of_others"]) is not None:
        row(f"taken by others, of {os.cpu_count()} cores", f"{others:.1f} cores")
    return table


def _too_long(_signal: int, _frame: object) -> None:
    # Raised in the main thread, so that the server is ended and the folder removed.
    raise SystemExit(f"not done after {LONGEST_SECONDS // 60} minutes")


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
