"""Rates and numbers of calls."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.api.limits import Concurrency, RateLimiter
from gateway.errors import QuotaExhausted


class Clock:
    def __init__(self):
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self):
        return self.at

    def move(self, seconds):
        self.at += timedelta(seconds=seconds)


def admitted(limiter, party, calls):
    return sum(limiter.admits(party) for _ in range(calls))


def test_a_burst_and_then_the_rate():
    clock = Clock()
    limiter = RateLimiter(10, clock.now)
    assert admitted(limiter, "a", 100) == 20
    clock.move(0.5)
    assert admitted(limiter, "a", 100) == 5
    clock.move(3600)
    assert admitted(limiter, "a", 100) == 20


def test_one_partys_calls_are_not_anothers():
    limiter = RateLimiter(1, Clock().now)
    assert admitted(limiter, "a", 10) == admitted(limiter, "b", 10) == 2


def test_a_clock_that_moves_back_gives_and_takes_nothing():
    clock = Clock()
    limiter = RateLimiter(10, clock.now)
    assert admitted(limiter, "a", 100) == 20
    clock.move(-3600)
    assert admitted(limiter, "a", 100) == 0
    clock.move(1)
    assert admitted(limiter, "a", 100) == 10


def test_the_table_is_bounded():
    limiter = RateLimiter(1, Clock().now, table=100)
    for number in range(10_000):
        limiter.admits(f"party-{number}")
    assert len(limiter._buckets) == 100


def test_a_call_leaves_as_often_as_it_likes():
    running = Concurrency(2)
    first, second, third = object(), object(), object()
    running.enter("a", first)
    running.enter("a", second)
    with pytest.raises(QuotaExhausted, match="at once"):
        running.enter("a", third)
    running.leave("a", third)
    with pytest.raises(QuotaExhausted):
        running.enter("a", third)
    running.leave("a", first)
    running.leave("a", first)
    running.enter("a", third)
    with pytest.raises(QuotaExhausted):
        running.enter("a", first)
    for call in (second, third):
        running.leave("a", call)
    assert running._running == {}
