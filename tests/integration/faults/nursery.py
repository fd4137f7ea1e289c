"""Starts gateway processes in a tenth of a second each, by forking one that has imported it all.

A program: reads one order in JSON a line, answers with one line. `{"start": {...}}` forks a
gateway process (see `serve`), `{"await": PID, "seconds": N}` tells how one ended, and kills it if
it has not by then. All of them die with this program.
"""

import asyncio
import ctypes
import gc
import importlib
import json
import os
import resource
import signal
import sys
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from breaking import Breaker

from gateway.app import worker
from gateway.app.logs import configure_logs
from gateway.app.process import Process
from gateway.app.system import SystemClock
from gateway.config import load

# Imported late by the gateway itself, for the sake of its start.
for name in ("alembic.runtime.migration", "sqlalchemy.dialects.sqlite", "psycopg", "duckdb"):
    importlib.import_module(name)

worker.HOUSEKEEPING_EVERY_SECONDS = 5.0  # the tests wait for it
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


class ClockAhead:
    """Implements ports.Clock: the machine's, a fixed time ahead of it or behind."""

    def __init__(self, seconds: float) -> None:
        self._by = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return SystemClock().now() + self._by


async def serve(order: dict[str, Any], tell: int) -> None:
    """One gateway process: `config`, a clock that is `ahead` by seconds, `breaks` at named
    points (see breaking.py), files of at most `file_bytes`."""
    if (most := order.get("file_bytes")) is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    configure_logs()
    Breaker(order.get("breaks") or [], order.get("armed_by")).install()
    process = Process(load(Path(order["config"])), ClockAhead(order.get("ahead", 0)))
    addresses = await process.start()
    told = {"address": addresses.mutual_tls, "metrics": addresses.metrics}
    os.write(tell, json.dumps(told).encode() + b"\n")
    os.close(tell)
    await process.until_signal()
    await process.stop()


def start(order: dict[str, Any]) -> dict[str, Any]:
    """Fork, and wait until it serves or is dead."""
    heard, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(heard)
            ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
            log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            for stream in (0, 1, 2):
                os.dup2(log, stream)
            asyncio.run(serve(order, tell))
            status = 0
        except BaseException:  # noqa: BLE001 - the log of a forked process is all that is left of it
            import traceback

            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    os.close(tell)
    with os.fdopen(heard) as answer:
        line = answer.readline()
    children.add(pid)
    return {"pid": pid, **(json.loads(line) if line else {})}


def await_end(pid: int, seconds: float) -> dict[str, Any]:
    """How it ended: its exit status, or minus the signal that killed it."""
    deadline = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        late = time.monotonic() > deadline
        if not found and late:
            os.kill(pid, signal.SIGKILL)
            found, status = os.waitpid(pid, 0)
        if found:
            children.discard(pid)
            return {"status": os.waitstatus_to_exitcode(status), "late": late}
        time.sleep(0.005)


children: set[int] = set()


def main() -> None:
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            answer = start(order["start"])
        else:
            answer = await_end(order["await"], order["seconds"])
        print(json.dumps(answer), flush=True)  # noqa: T201
    for pid in children:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    os._exit(0)  # without DuckDB's complaints about what it did not tidy up


if __name__ == "__main__":
    main()
