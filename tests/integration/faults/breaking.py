"""Makes a gateway process break at a named point: die, or meet an exception.

A break is `{"point": NAME, "call": K, "when": "before" | "after" | "torn", "raise": TEXT,
"pause": SECONDS}`: at the K-th call of the point after the breaker was armed, the process kills
itself, raises TEXT or goes on after a pause. It is
armed when the call with the request id `armed_by` comes in, or from the start without one. Without
a point it dies `after_ms` after it was armed, wherever it is.
"""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gateway.api.call
from gateway.execute.intake import StagedIntake
from gateway.execute.local import LocalExecutor
from gateway.execute.sources import LocalSources
from gateway.execute.statistics.statistician import LocalStatistician
from gateway.registry.classifier import Classifier
from gateway.release.asking import Asking
from gateway.release.opening import Opening
from gateway.release.running import Runner
from gateway.store import places
from gateway.store.keyring import FileKeyRing
from gateway.store.signer import FileSigner
from gateway.store.sql import SqlStore
from gateway.store.staging import EncryptedStaging

POINTS: dict[str, tuple[type, str]] = {
    "open": (Opening, "open"),
    "wrap": (FileKeyRing, "wrap"),
    "unwrap": (FileKeyRing, "unwrap"),
    "take": (Runner, "_take"),
    "source": (LocalSources, "open"),
    "run": (LocalExecutor, "run"),
    "create": (EncryptedStaging, "create"),
    "write": (places._LocalDraft, "write"),
    "publish": (places._LocalDraft, "publish"),
    "rename": (Path, "replace"),
    "sign": (FileSigner, "sign"),
    "seal": (Runner, "_seal"),
    "destroy": (EncryptedStaging, "destroy"),
    "receive": (StagedIntake, "receive"),
    "classify": (Classifier, "_find"),
    "keep": (Classifier, "_keep"),
    "ask": (Asking, "ask"),
    "answer": (LocalStatistician, "answer"),
}


class Foreign(Exception):
    """What a library might raise, with a value in its text."""


class Breaker:
    def __init__(self, breaks: list[dict[str, Any]], armed_by: str | None) -> None:
        self._breaks = breaks
        self._armed_by = armed_by
        self._armed = threading.Event()
        self._calls: Counter[str] = Counter()
        self._lock = threading.Lock()
        if armed_by is None:
            self._arm()

    def install(self) -> None:
        """Wrap every point that a break names. Only ever called in a process made for it."""
        for point in {found["point"] for found in self._breaks if "point" in found}:
            if point == "commit":
                self._wrap_commit()
            else:
                self._wrap(point, *POINTS[point])
        self._wrap_key()

    def _arm(self) -> None:
        if not self._armed.is_set():
            self._armed.set()
            for found in self._breaks:
                if "after_ms" in found:
                    threading.Timer(found["after_ms"] / 1000, _die).start()

    def _reached(self, point: str) -> dict[str, Any] | None:
        """The break of this call of the point, if there is one."""
        if not self._armed.is_set():
            return None
        with self._lock:
            self._calls[point] += 1
            number = self._calls[point]
        for found in self._breaks:
            if found.get("point") == point and found.get("call", 1) in (number, "every"):
                return found
        return None

    def _wrap(self, point: str, owner: type, name: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def broken(this: Any, *arguments: Any, **named: Any) -> Any:
            found = self._reached(point)
            if found is None:
                return original(this, *arguments, **named)
            if (seconds := found.get("pause")) is not None:
                time.sleep(seconds)
                return original(this, *arguments, **named)
            when = found.get("when", "before")
            if when == "torn":
                original(this, memoryview(arguments[0])[: len(arguments[0]) // 2])
            if when == "after":
                original(this, *arguments, **named)
            return _break(found)

        setattr(owner, name, broken)

    def _wrap_commit(self) -> None:
        original = SqlStore.write

        @contextmanager
        def write(store: SqlStore) -> Iterator[Any]:
            with original(store) as transaction:
                yield transaction
                found = self._reached("commit")
                if found is not None and found.get("when", "before") == "before":
                    _break(found)
            if found is not None:
                _break(found)

        SqlStore.write = write

    def _wrap_key(self) -> None:
        original = gateway.api.call.request_key

        def request_key(method: str, request: Any) -> Any:
            if request.request_id == self._armed_by:
                self._arm()
            return original(method, request)

        gateway.api.call.request_key = request_key


def _break(found: dict[str, Any]) -> None:
    if (text := found.get("raise")) is not None:
        raise Foreign(text)
    _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()  # the signal comes at once, though not within the call
