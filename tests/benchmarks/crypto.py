"""Measures the cryptographic core: values a second on one core and on two threads.

    python tests/benchmarks/crypto.py [--values N] [--slow-values N] [--json FILE]
                                      [--packages-python INTERPRETER] [--markdown FILE]

Keys are as long as those of a release: AES-256 in FF1, AES-128 in CMAC-PRF-128 and in each half of
SIV. Beside each construction stand, from the same run: its floor (the same number of cipher blocks
under the same length of key, in one ECB call over memory that is there already), and the same work done value by value (`hmac.digest`, `AESSIV`, a scalar CMAC, and
the packages ff3 and pyffx, by an interpreter of another environment that has them), on fewer
values. Columns are worked on in
batches of 65,536 values, as a release does; each figure is the best of several passes, because
whatever else runs on the machine only ever makes one slower. `--markdown` writes the tables of
docs/benchmarks.md, what was measured and what was aimed at, of this one run.
"""

import argparse
import hmac
import json
import os
import platform
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

import cryptography
import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.cmac import CMAC
from rich.console import Console
from rich.progress import track
from rich.table import Table

from gateway.testing.register import residents
from gateway.transform.alphabets import DIGITS
from gateway.transform.ff1 import FF1
from gateway.transform.profiles import bank_card, mobile, resident_id
from gateway.transform.siv_tokens import SivTokens
from gateway.transform.tokens import CmacTokens

BATCH = 65_536
DIGIT_COUNTS = (11, 16, 18)
KEY = bytes(range(16))
LONG_KEY = bytes(range(32))
Work = Callable[[pa.Array], object]


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured: `work` on batches of `column`; `group` names what stands together."""

    group: str
    name: str
    work: Work
    column: pa.Array
    threads: bool = True


@dataclass(frozen=True, slots=True)
class Figure:
    """Values a second; `two_threads` is None where two were not tried."""

    group: str
    name: str
    values: int
    one_core: float
    two_threads: float | None


def main() -> None:
    """Run the cases, print the table, write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--values", type=int, default=1_000_000, help="values in a column")
    parser.add_argument("--slow-values", type=int, default=20_000, help="for work value by value")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--packages-python", type=Path, help="interpreter that has ff3 and pyffx")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--markdown", type=Path, help="write the tables of the guide here")
    options = parser.parse_args()
    console, load = Console(), os.getloadavg()[0]
    cases = list(_cases(options.values, options.slow_values))
    figures = [
        _measured(case, options.passes)
        for case in track(cases, "Measuring", console=console, transient=True)
    ]
    if options.packages_python:
        figures += _packages(options.packages_python, options.slow_values // 10, options.passes)
        figures.sort(key=lambda figure: [case.group for case in cases].index(figure.group))
    console.print(_table(figures))
    if options.json:
        options.json.write_text(json.dumps(_report(figures), indent=2) + "\n")
    if options.markdown:
        options.markdown.write_text(_markdown(figures, options.passes, load))


def _cases(values: int, slow: int) -> Iterator[Case]:
    for digits in DIGIT_COUNTS:
        yield from _ff1_cases(digits, _digits(values, digits))
    column = _digits(values, 18)
    few = column.slice(0, slow)
    group = "deterministic tokens of 18 bytes"
    yield Case(group, "AES-CMAC-PRF-128, 26 characters", CmacTokens(KEY).apply, column)
    short = CmacTokens(KEY, length=18, rows=10**7)
    yield Case(group, "AES-CMAC-PRF-128, 18 characters", short.apply, column)
    yield Case(group, "the same over SM4", CmacTokens(KEY, cipher="SM4").apply, column)
    yield Case(group, "floor: 2 AES-128 blocks a value", _floor(2, KEY), column)
    yield Case(group, "hmac.digest, value by value", _scalar_hmac, few, threads=False)
    yield Case(group, "cryptography's CMAC, value by value", _scalar_cmac, few, threads=False)
    siv = SivTokens(LONG_KEY, [b"context"])
    group = "reversible tokens of 18 bytes"
    yield Case(group, "AES-SIV, apply", siv.apply, column)
    yield Case(group, "AES-SIV, reverse", siv.reverse, siv.apply(column))
    yield Case(group, "floor: 4 AES-128 blocks a value", _floor(4, KEY), column)
    yield Case(group, "AESSIV, value by value", _scalar_siv, few, threads=False)
    people = residents(values)
    group = "profiles on the resident register"
    for name, profile, field in (
        ("mobile number, prefix kept", mobile(LONG_KEY, unfit="null"), "phone"),
        ("bank card, 6 digits kept", bank_card(LONG_KEY, unfit="null"), "bank_card"),
        ("identity number", resident_id(LONG_KEY, last_day=date(2029, 12, 31)), "resident_id"),
    ):
        yield Case(group, name, profile.encrypt, people[field].combine_chunks())


def _ff1_cases(digits: int, column: pa.Array) -> Iterator[Case]:
    group, ff1 = _ff1_group(digits), FF1(LONG_KEY, DIGITS)
    yield Case(group, "encrypt", ff1.encrypt, column)
    yield Case(group, "decrypt", ff1.decrypt, column)
    yield Case(group, "encrypt, a tweak for each row", _with_tweaks(ff1, column), column)
    yield Case(group, "encrypt over SM4", FF1(KEY, DIGITS, cipher="SM4").encrypt, column)
    yield Case(group, "floor: 10 AES-256 blocks a value", _floor(10, LONG_KEY), column)


def _ff1_group(digits: int) -> str:
    return f"FF1 on {digits} digits"


def _packages(python: Path, values: int, passes: int) -> list[Figure]:
    """What the packages do, in the environment that has them."""
    program = Path(__file__).parent / "_fpe_packages.py"
    arguments = [str(number) for number in (values, passes, *DIGIT_COUNTS)]
    done = subprocess.run(
        [python, program, *arguments], check=True, capture_output=True, text=True, timeout=600
    )
    return [
        Figure(_ff1_group(int(digits)), name, values, rate, None)
        for digits, found in json.loads(done.stdout).items()
        for name, rate in found.items()
    ]


def _digits(values: int, width: int) -> pa.Array:
    """Random digits, one string of `width` a value."""
    codes = np.random.default_rng(width).integers(48, 58, values * width, np.uint8)
    ends = np.arange(0, (values + 1) * width, width, dtype=np.int32)
    return pa.Array.from_buffers(
        pa.string(), values, [None, pa.py_buffer(ends), pa.py_buffer(codes)]
    )


def _with_tweaks(ff1: FF1, column: pa.Array) -> Work:
    tweaks = _digits(len(column), 6)

    def work(batch: pa.Array) -> pa.Array:
        return ff1.encrypt(batch, tweaks.slice(0, len(batch)))

    return work


def _floor(blocks: int, key: bytes) -> Work:
    """Nothing but the cipher: as many blocks as the construction needs, in one call."""
    cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 - the bare primitive
    size = 16 * blocks * BATCH
    plain, own = memoryview(bytes(size)), threading.local()

    def work(batch: pa.Array) -> int:
        if not hasattr(own, "sealed"):  # in a thread's first pass, which is not its best
            own.sealed, own.encryptor = bytearray(size + 15), cipher.encryptor()
        written: int = own.encryptor.update_into(plain[: 16 * blocks * len(batch)], own.sealed)
        return written

    return work


def _scalar_hmac(batch: pa.Array) -> list[bytes]:
    return [hmac.digest(KEY, value, "sha256") for value in batch.cast(pa.binary()).to_pylist()]


def _scalar_cmac(batch: pa.Array) -> list[bytes]:
    results = []
    for value in batch.cast(pa.binary()).to_pylist():
        mac = CMAC(algorithms.AES(KEY))
        mac.update(value)
        results.append(mac.finalize())
    return results


def _scalar_siv(batch: pa.Array) -> list[bytes]:
    siv = AESSIV(LONG_KEY)
    return [siv.encrypt(value, [b"context"]) for value in batch.cast(pa.binary()).to_pylist()]


def _measured(case: Case, passes: int) -> Figure:
    column = case.column
    batches = [column.slice(begin, BATCH) for begin in range(0, len(column), BATCH)]
    one = min(_seconds(lambda: [case.work(batch) for batch in batches]) for _ in range(passes))
    two = None
    if case.threads:
        with ThreadPoolExecutor(2) as pool:
            two = min(_seconds(lambda: list(pool.map(case.work, batches))) for _ in range(passes))
    count = len(column)
    return Figure(case.group, case.name, count, count / one, two and count / two)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _table(figures: list[Figure]) -> Table:
    table = Table(title="Million values a second", title_justify="left")
    for heading, justify in (
        ("", "left"),
        ("values", "right"),
        ("1 core", "right"),
        ("2 threads", "right"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    group = ""
    for figure in figures:
        if figure.group != group:
            group = figure.group
            table.add_section()
            table.add_row(f"[bold]{group}")
        two = f"{figure.two_threads / 1e6:.2f}" if figure.two_threads else ""
        table.add_row(f"  {figure.name}", f"{figure.values:,}", f"{figure.one_core / 1e6:.3f}", two)
    return table


def _markdown(figures: list[Figure], passes: int, load: float) -> str:
    """Both tables, and when they were measured."""
    ran = (
        f"Best of {passes} passes; load of the machine {load:.1f} before and "
        f"{os.getloadavg()[0]:.1f} after, of {os.cpu_count()} cores:"
    )
    heading = "| | values | one core, M/s | two threads, M/s |"
    lines = [ran, "", heading, "| --- | ---: | ---: | ---: |"]
    for group, found in groupby(figures, key=lambda figure: figure.group):
        lines.append(f"| **{group}** | | | |")
        for figure in found:
            two = f"{figure.two_threads / 1e6:.2f}" if figure.two_threads else ""
            one = f"{figure.one_core / 1e6:.3f}"
            lines.append(f"| {figure.name} | {figure.values:,} | {one} | {two} |")
    lines += ["", "| aim, on one core | measured | |", "| --- | ---: | --- |"]
    for text, least, measured in _aims(figures):
        verdict = "not run"
        if measured is not None:
            verdict = "reached" if measured >= least else "**missed**"
        shown = "" if measured is None else f"{measured:,.1f}"
        lines.append(f"| {text} | {shown} | {verdict} |")
    return "\n".join(lines) + "\n"


def _aims(figures: list[Figure]) -> Iterator[tuple[str, float, float | None]]:
    """What was aimed at, the least of it, and what was measured."""
    rates = {(figure.group, figure.name): figure.one_core for figure in figures}
    for digits in (11, 16):
        group = _ff1_group(digits)
        encrypt = rates[group, "encrypt"]
        packages = [rate for (of, name), rate in rates.items() if of == group and "package" in name]
        yield f"FF1 on {digits} digits ≥ 5 M values/s", 5, encrypt / 1e6
        ratio = encrypt / max(packages) if packages else None
        yield f"FF1 on {digits} digits ≥ 400 × the faster package", 400, ratio
    tokens = rates["deterministic tokens of 18 bytes", "AES-CMAC-PRF-128, 26 characters"]
    yield "CMAC tokens as text ≥ 5 M values/s", 5, tokens / 1e6
    for way in ("apply", "reverse"):
        siv = rates["reversible tokens of 18 bytes", f"AES-SIV, {way}"]
        yield f"SIV, {way} ≥ 2 M values/s", 2, siv / 1e6


def _report(figures: list[Figure]) -> dict[str, object]:
    return {
        "unit": "values a second",
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "numpy": np.__version__,
        "pyarrow": pa.__version__,
        "cryptography": cryptography.__version__,
        "figures": [asdict(figure) for figure in figures],
    }


if __name__ == "__main__":
    main()
