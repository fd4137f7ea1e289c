"""What the release benchmark knows of its machine: facts, and what processes use (Linux).

Where /proc does not tell, figures are None.
"""

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("grpcio", "protobuf", "pyarrow", "numpy", "cryptography", "sqlalchemy")
_TICKS = os.sysconf("SC_CLK_TCK")


def facts(load_before: tuple[float, float, float]) -> dict[str, Any]:
    """Cores, memory, versions, and how busy the machine was."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "load_before": load_before,
        "load_after": os.getloadavg(),
        "versions": {package: version(package) for package in PACKAGES},
    }


def peak_mib(pid: int) -> float | None:
    """A process's resident memory at its highest."""
    status = _text(f"/proc/{pid}/status")
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) / 1024 if found else None


def cpu_seconds(pid: int) -> float | None:
    """What a process has computed so far, in itself and in the kernel."""
    stat = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / _TICKS if stat else None


class Others:
    """How many cores were taken by neither this process nor the server since it was made."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._start = time.perf_counter()
        self._before = self._now()

    def cores(self) -> float | None:
        """Cores, on average."""
        now = self._now()
        if now is None or self._before is None:
            return None
        return max(0.0, now - self._before) / (time.perf_counter() - self._start)

    def _now(self) -> float | None:
        whole, server = _text("/proc/stat"), cpu_seconds(self._server)
        if not whole or server is None:
            return None
        # user, nice, system, idle, iowait, irq, softirq, steal; guests are within user.
        ticks = [int(field) for field in whole.splitlines()[0].split()[1:9]]
        busy = (sum(ticks) - ticks[3] - ticks[4]) / _TICKS
        return busy - server - time.process_time()


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
