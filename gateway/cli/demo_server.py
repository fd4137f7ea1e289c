"""A gateway in a child process, as the demonstration and programs like it run one."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import gateway
from gateway.errors import GatewayFault

START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0
_LOG_NAME: Final = "gateway.log"


class NotServing(GatewayFault):
    """The child process did not start to serve."""

    code = "UNAVAILABLE"
    reason = "NOT_SERVING"


def free_address() -> str:
    """A loopback address with a port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """``gateway serve`` on that installation; yields its address, and ends it at the end.

    NotServing with the last lines of its log when it does not come up.
    """
    log = folder / _LOG_NAME
    with log.open("ab") as errors:
        child = subprocess.Popen(  # noqa: S603 - our own program, no shell
            [sys.executable, "-m", "gateway", "serve", str(folder.resolve()), "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": _same_code()},
        )
    try:
        yield _address(child, log)
    finally:
        _end(child)


def _same_code() -> str:
    """A search path on which the child finds this very package first."""
    ours = str(Path(gateway.__file__).parents[1])
    return os.pathsep.join(filter(None, (ours, os.environ.get("PYTHONPATH"))))


def _address(child: subprocess.Popen[bytes], log: Path) -> str:
    # The child says where it listens on one line, or ends. A watch ends it when it does neither.
    watch = threading.Timer(START_SECONDS, child.kill)
    watch.start()
    try:
        line = child.stdout.readline() if child.stdout is not None else b""
    finally:
        watch.cancel()
    try:
        address = json.loads(line)["mutual_tls"]
    except (ValueError, KeyError, TypeError) as error:
        last = log.read_text(encoding="utf-8", errors="replace")[-1000:]
        raise NotServing(f"the gateway did not start; the end of {log}: {last}") from error
    return str(address)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdout is not None:
        child.stdout.close()
