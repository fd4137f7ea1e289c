"""Speed and memory of `gateway classify` on a wide Parquet file, as one process from start to end.

    python _classification_speed.py [--quick]

The file is made up of the four registers of the city that does not exist: their columns again and
again under other names, rows drawn anew for each column, and beside them columns that are mostly
null, free texts, numbers and times. 200 columns and 1,000,000 rows; with `quick` 24 and 50,000.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from _machine import Others

from gateway.testing import employment, health_insurance, household_register, residents

ROOT = Path(__file__).parents[2]
AIM_SECONDS, AIM_MIB = 30, 1024
PEOPLE, GROUP_ROWS = 20_000, 250_000

# The command itself, and at its end what the system says of its memory at its highest.
MEASURED = """
import atexit, sys
def told():
    status = open("/proc/self/status").read().splitlines()
    sys.stderr.write(next(line for line in status if line.startswith("VmHWM:")) + "\\n")
atexit.register(told)
sys.argv[0] = "gateway"
from gateway.cli.main import app
app()
"""


def run(quick: bool) -> dict[str, Any]:
    """Seconds, peak memory in MiB, and what was found. The aims are told only of the whole size."""
    columns, rows = (24, 50_000) if quick else (200, 1_000_000)
    with tempfile.TemporaryDirectory(prefix="gateway-wide-") as folder:
        file = Path(folder) / "wide.parquet"
        write(file, columns, rows)
        size = file.stat().st_size
        others = Others(os.getpid())
        began, before = time.perf_counter(), os.times()
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, "classify", str(file), "--json"],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        seconds, after = time.perf_counter() - began, os.times()
        cpu = after.children_user + after.children_system
        cpu -= before.children_user + before.children_system
    found = json.loads(done.stdout)["columns"]
    peak = int(done.stderr.rsplit("VmHWM:", 1)[1].split()[0]) / 1024
    return {
        "columns": columns,
        "rows": rows,
        "file_mib": round(size / 2**20),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "peak_mib": round(peak),
        "unknown": sum(column["entity"] is None for column in found),
        "values_looked_at": sum(column["coverage"]["sampled"] for column in found),
        # Of a busy machine the seconds say little.
        "cores_taken_by_others": _others(others, cpu, seconds),
        "reached": None if quick else seconds < AIM_SECONDS and peak < AIM_MIB,
    }


def write(file: Path, columns: int, rows: int) -> None:
    """The file, written a row group at a time."""
    bases = _bases()
    chosen = [bases[place % len(bases)] for place in range(columns)]
    schema = pa.schema([(f"{n}_{place}", base.type) for place, (n, base) in enumerate(chosen)])
    drawn = np.random.default_rng(1)
    with pq.ParquetWriter(file, schema) as writer:
        for start in range(0, rows, GROUP_ROWS):
            count = min(GROUP_ROWS, rows - start)
            group = [base.take(pa.array(drawn.integers(0, len(base), count))) for _, base in chosen]
            writer.write_table(pa.table(group, schema=schema), row_group_size=count)


def _bases() -> list[tuple[str, pa.Array]]:
    tables = (
        residents(PEOPLE, 1),
        household_register(PEOPLE, 1, style="pinyin"),
        health_insurance(PEOPLE, 1, style="chinese"),
        employment(PEOPLE, 1),
    )
    found = [
        (name, table[name].combine_chunks()) for table in tables for name in table.column_names
    ]
    drawn = np.random.default_rng(2)
    times = pa.array(drawn.integers(1_600_000_000, 1_700_000_000, PEOPLE), pa.timestamp("s"))
    reals = pa.array(drawn.normal(100, 20, PEOPLE))
    texts = pa.array(
        [f"备注 {n}: called on Monday, said {n * 7} was wrong." for n in range(PEOPLE)]
    )
    phones = tables[0]["phone"].combine_chunks()
    rare = pa.array(np.where(np.arange(PEOPLE) % 500, None, phones.to_numpy(zero_copy_only=False)))
    return [("seen_at", times), ("score", reals), ("remark", texts), ("old_phone", rare), *found]


def _others(others: Others, cpu: float, seconds: float) -> float | None:
    taken = others.cores()
    return None if taken is None else round(max(0.0, taken - cpu / seconds), 2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    print(json.dumps(run(parser.parse_args().quick), indent=2))
