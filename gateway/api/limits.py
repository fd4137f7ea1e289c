"""Bounds on what callers can make the gateway do: message sizes, time, rate."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gateway.errors import QuotaExhausted

MESSAGE_IN_BYTES = 4 << 20
MESSAGE_OUT_BYTES = 4 << 20
"""What clients take by default; chunks and pages are cut to fit."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds. ``threads`` do the blocking work of calls, ``intakes`` is how many
    streams of records may be taken in at once, each holding a thread while it lasts."""

    call_seconds: float = 30
    stream_seconds: float = 3600
    idle_seconds: float = 30  # between two messages of a stream of records
    calls_per_second: float = 500  # of one party, with a burst of two seconds' worth
    concurrent_calls: int = 200
    concurrent_calls_of_party: int = 50  # so that nobody takes all places with slow streams
    threads: int = 16
    intakes: int = 8
    drain_seconds: float = 20
    health_seconds: float = 2  # between two looks at the store


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: datetime


class RateLimiter:
    """A token bucket a party. ``table`` bounds how many are remembered: the one that was used
    least recently is forgotten, which is as if it were full."""

    def __init__(
        self,
        per_second: float,
        now: Callable[[], datetime],
        *,
        burst_seconds: float = 2.0,
        table: int = 10_000,
    ) -> None:
        self._per_second = per_second
        self._burst = max(1.0, per_second * burst_seconds)
        self._now = now
        self._table = table
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def admits(self, party: str) -> bool:
        """Take one token; False when there is none."""
        now = self._now()
        with self._lock:
            bucket = self._buckets.pop(party, None) or _Bucket(self._burst, now)
            # A clock that was set back adds nothing rather than taking something away.
            passed = max(0.0, (now - bucket.at).total_seconds())
            tokens = min(self._burst, bucket.tokens + passed * self._per_second)
            admitted = tokens >= 1
            self._buckets[party] = _Bucket(tokens - 1 if admitted else tokens, now)
            if len(self._buckets) > self._table:
                self._buckets.popitem(last=False)
        return admitted

    def take(self, party: str) -> None:
        """QuotaExhausted when the party calls too often."""
        if not self.admits(party):
            raise QuotaExhausted(
                f"more than {self._per_second:g} calls a second; slow down and retry",
                reason="RATE_LIMITED",
                subject=party,
            )


class Concurrency:
    """How many calls of each party run at once, counted by the calls themselves, so that a call
    that leaves twice, or before it came, does no harm."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._running: dict[str, set[int]] = {}
        self._lock = threading.Lock()

    def enter(self, party: str, call: object) -> None:
        """QuotaExhausted when the party has as many calls running as it may."""
        with self._lock:
            running = self._running.setdefault(party, set())
            if len(running) >= self._most:
                raise QuotaExhausted(
                    f"more than {self._most} calls at once; let some of them end",
                    reason="TOO_MANY_CALLS",
                    subject=party,
                )
            running.add(id(call))

    def leave(self, party: str, call: object) -> None:
        with self._lock:
            running = self._running.get(party, set())
            running.discard(id(call))
            if not running:
                self._running.pop(party, None)
