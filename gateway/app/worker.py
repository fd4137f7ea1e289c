"""Runs opened releases in the background, and keeps house: expiry, leftovers, checkpoints."""

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from gateway.errors import GatewayError
from gateway.release.running import Runner

LOOK_EVERY_SECONDS = 1.0
HOUSEKEEPING_EVERY_SECONDS = 30.0

_log = structlog.get_logger("gateway.worker")


class Worker:
    """A dispatcher thread and a pool. Work is found in the store, so nothing is lost with a
    process: ``wake`` only saves the wait. ``housekeeping`` tasks run twice a minute."""

    def __init__(
        self, runner: Runner, workers: int, housekeeping: dict[str, Callable[[], object]]
    ) -> None:
        self._runner = runner
        self._housekeeping = housekeeping
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="release")
        self._dispatcher = threading.Thread(target=self._dispatch, name="dispatcher", daemon=True)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._in_flight: set[str] = set()
        self._lock = threading.Lock()
        self._next_housekeeping = time.monotonic()

    def start(self) -> None:
        """Begin, with the releases that an earlier process left behind."""
        self._wake.set()
        self._dispatcher.start()

    def wake(self) -> None:
        """There may be a new release."""
        self._wake.set()

    def stop(self) -> None:
        """Let runs hand their releases back, and wait for them."""
        self._stopping.set()
        self._runner.stop()
        self._wake.set()
        if self._dispatcher.ident is not None:  # a process that could not listen never began
            self._dispatcher.join()
        self._pool.shutdown(wait=True)

    def _dispatch(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(LOOK_EVERY_SECONDS)
            self._wake.clear()
            self._guarded("look for releases", self._take_waiting)
            if time.monotonic() >= self._next_housekeeping:
                for name, task in self._housekeeping.items():
                    self._guarded(name, task)
                self._next_housekeeping = time.monotonic() + HOUSEKEEPING_EVERY_SECONDS

    def _take_waiting(self) -> None:
        for name in self._runner.waiting():
            with self._lock:
                if name in self._in_flight or self._stopping.is_set():
                    continue
                self._in_flight.add(name)
            self._pool.submit(self._run, name)

    def _run(self, name: str) -> None:
        try:
            self._guarded(f"run {name}", lambda: self._runner.run(name), release=name)
        finally:
            with self._lock:
                self._in_flight.discard(name)

    def _guarded(self, what: str, task: Callable[[], object], release: str | None = None) -> None:
        # The edge of a thread, like the interceptor is the edge of a call: what nobody foresaw
        # is logged by its type and place, never by its text, which might hold a value.
        try:
            task()
        except GatewayError as error:
            _log.warning("task failed", task=what, reason=error.reason)
        except Exception as error:  # noqa: BLE001 - see above
            incident = secrets.token_hex(6)
            _log.error("task crashed", task=what, incident=incident, **_place(error))
            if release is not None:
                self._guarded(f"abandon {release}", lambda: self._runner.abandon(release, incident))


def _place(error: BaseException) -> dict[str, object]:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "unknown"
    return {"exception": type(error).__name__, "where": where}
