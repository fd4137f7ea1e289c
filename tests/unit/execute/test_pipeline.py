"""The pipeline keeps order, holds few batches, and ends all its threads."""

import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from gateway.execute.pipeline import ahead, in_order


class Counting:
    """Batches 0, 1, 2, …; knows how many were read."""

    def __init__(self, count: int, fail_at: int | None = None) -> None:
        self.read = 0
        self._count = count
        self._fail_at = fail_at

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while self.read < self._count:
            if self.read == self._fail_at:
                raise KeyError("reading")
            self.read += 1
            yield pa.record_batch({"n": [self.read - 1]})


def number(batch: pa.RecordBatch) -> int:
    return int(batch["n"][0].as_py())


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("gateway-")]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_the_order_of_the_batches(workers: int) -> None:
    gate = threading.Event()

    def work(batch: pa.RecordBatch) -> int:
        if number(batch) == 0 and workers > 1:
            gate.wait(10)  # the first is the slowest
        gate.set()
        return number(batch)

    assert list(in_order(iter(Counting(40)), work, workers)) == list(range(40))
    assert threads() == []


def test_reading_stays_a_few_batches_ahead() -> None:
    source = Counting(1000)
    results = in_order(iter(source), number, 2)
    for expected in range(10):
        assert next(results) == expected
        assert source.read <= expected + 1 + 2 * 2 + 2
    results.close()
    assert threads() == []


@pytest.mark.parametrize("fail_at", [0, 1, 20])
def test_an_error_in_reading_comes_out_after_what_was_read(fail_at: int) -> None:
    results = in_order(iter(Counting(30, fail_at)), number, 2)
    with pytest.raises(KeyError, match="reading"):
        list(results)
    assert threads() == []


def test_an_error_in_the_work_ends_everything() -> None:
    def work(batch: pa.RecordBatch) -> int:
        if number(batch) == 3:
            raise ValueError("work")
        return number(batch)

    source = Counting(1000)
    results = in_order(iter(source), work, 2)
    found = []
    with pytest.raises(ValueError, match="work"):
        found.extend(results)
    assert source.read < 20
    assert threads() == []


def test_it_is_alive_while_a_batch_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits keeps the lease, and hears that it is to stop."""
    monkeypatch.setattr("gateway.execute.pipeline._SECONDS", 0.001)
    told, enough = [], threading.Event()

    def alive() -> None:
        told.append(len(told))
        if len(told) == 3:
            enough.set()

    def work(batch: pa.RecordBatch) -> int:
        enough.wait(10)
        return number(batch)

    assert list(in_order(iter(Counting(3)), work, 2, alive)) == [0, 1, 2]
    assert len(told) >= 3
    enough.clear()

    def stop() -> None:
        enough.set()
        raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        list(in_order(iter(Counting(3)), work, 2, stop))
    assert threads() == []


def test_nothing_to_read_is_nothing() -> None:
    assert list(in_order(iter(()), number, 2)) == []


def test_items_are_made_by_one_thread_two_ahead() -> None:
    made: list[str] = []

    def items() -> Iterator[int]:
        for item in range(100):
            made.append(threading.current_thread().name)
            yield item

    found = ahead(items(), "gateway-test")
    for expected in range(10):
        assert next(found) == expected
        assert len(made) <= expected + 3
    found.close()
    assert {name.rstrip("0123456789") for name in made} == {"gateway-test_"}
    assert threads() == []


def test_an_error_in_making_an_item_comes_out_after_those_before() -> None:
    found = ahead(iter(Counting(30, 7)), "gateway-test")
    assert [number(next(found)) for _ in range(7)] == list(range(7))
    with pytest.raises(KeyError, match="reading"):
        next(found)
    assert threads() == []
