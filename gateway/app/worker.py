"""Does in the background what is found in the store, and keeps house: expiry, leftovers, checkpoints."""

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

import structlog

from gateway.errors import GatewayError

LOOK_EVERY_SECONDS = 1.0
HOUSEKEEPING_EVERY_SECONDS = 30.0

_log = structlog.get_logger("gateway.worker")


class Work(Protocol):
    """One kind of work: releases to run, data sets to classify."""

    def waiting(self) -> list[str]:
        """Names of what nobody works on."""

    def run(self, name: str) -> None:
        """Do it to its end; nothing when another process is at it."""

    def stop(self) -> None:
        """Let runs end soon, and leave them for a later process."""

    def abandon(self, name: str, incident: str) -> None:
        """End one that met a fault that nobody foresaw."""


class Worker:
    """A dispatcher thread, and a pool for each kind of work, so that a long one of one kind does
    not keep another waiting. Work is found in the store, so nothing is lost with a process:
    ``wake`` only saves the wait. ``housekeeping`` tasks run twice a minute."""

    def __init__(
        self,
        kinds: Sequence[tuple[Work, int]],
        housekeeping: dict[str, Callable[[], object]],
    ) -> None:
        self._kinds = [
            (work, ThreadPoolExecutor(threads, thread_name_prefix=type(work).__name__.lower()))
            for work, threads in kinds
        ]
        self._housekeeping = housekeeping
        self._dispatcher = threading.Thread(target=self._dispatch, name="dispatcher", daemon=True)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._in_flight: set[str] = set()
        self._lock = threading.Lock()
        self._next_housekeeping = time.monotonic()

    def start(self) -> None:
        """Begin, with what an earlier process left behind."""
        self._wake.set()
        self._dispatcher.start()

    def wake(self) -> None:
        """There may be something new to do."""
        self._wake.set()

    def stop(self) -> None:
        """Let runs hand their work back, and wait for them."""
        self._stopping.set()
        for work, _ in self._kinds:
            work.stop()
        self._wake.set()
        if self._dispatcher.ident is not None:  # a process that could not listen never began
            self._dispatcher.join()
        for _, pool in self._kinds:
            pool.shutdown(wait=True)

    def _dispatch(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(LOOK_EVERY_SECONDS)
            self._wake.clear()
            for work, pool in self._kinds:
                self._guarded("look for work", partial(self._take_waiting, work, pool))
            if time.monotonic() >= self._next_housekeeping:
                for name, task in self._housekeeping.items():
                    self._guarded(name, task)
                self._next_housekeeping = time.monotonic() + HOUSEKEEPING_EVERY_SECONDS

    def _take_waiting(self, work: Work, pool: ThreadPoolExecutor) -> None:
        for name in work.waiting():
            with self._lock:
                if name in self._in_flight or self._stopping.is_set():
                    continue
                self._in_flight.add(name)
            pool.submit(self._run, work, name)

    def _run(self, work: Work, name: str) -> None:
        try:
            self._guarded(
                f"run {name}",
                lambda: work.run(name),
                lambda incident: work.abandon(name, incident),
            )
        finally:
            with self._lock:
                self._in_flight.discard(name)

    def _guarded(
        self,
        what: str,
        task: Callable[[], object],
        abandon: Callable[[str], object] | None = None,
    ) -> None:
        # The edge of a thread, like the interceptor is the edge of a call: what nobody foresaw
        # is logged by its type and place, never by its text, which might hold a value.
        try:
            task()
        except GatewayError as error:
            told = {"text": error.message} if error.internal else {}
            _log.warning("task failed", task=what, reason=error.reason, **told)
        except Exception as error:  # noqa: BLE001 - see above
            incident = secrets.token_hex(6)
            _log.error("task crashed", task=what, incident=incident, **_place(error))
            if abandon is not None:
                self._guarded(f"abandon after {what}", lambda: abandon(incident))


def _place(error: BaseException) -> dict[str, object]:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "unknown"
    return {"exception": type(error).__name__, "where": where}
