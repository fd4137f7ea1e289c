"""Reads, works and hands on batches in order, with few of them in flight."""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from typing import Final, TypeVar

import pyarrow as pa

R = TypeVar("R")

_READ_AHEAD: Final = 2
_SECONDS: Final = 5.0


def in_order(
    batches: Iterator[pa.RecordBatch],
    work: Callable[[pa.RecordBatch], R],
    workers: int,
    alive: Callable[[], None] = lambda: None,
) -> Generator[R, None, None]:
    """``work(batch)`` of every batch, in the order of the batches.

    One thread reads, ``workers`` threads work; at most ``2 * workers + 2`` batches exist at a
    time. ``alive`` is called every few seconds while nothing is ready; it raises to stop.
    Closing the generator, or an error anywhere, ends all threads before it returns; what
    was begun is finished and thrown away.
    """
    results: deque[Future[R]] = deque()
    with (
        ThreadPoolExecutor(workers, "gateway-transform") as pool,
        closing(ahead(batches, "gateway-read", alive)) as read,
    ):
        try:
            for batch in read:
                results.append(pool.submit(work, batch))
                if len(results) > 2 * workers - 1:
                    yield _result(results.popleft(), alive)
            while results:
                yield _result(results.popleft(), alive)
        finally:
            for result in results:
                result.cancel()


def ahead(
    items: Iterator[R], name: str, alive: Callable[[], None] = lambda: None
) -> Generator[R, None, None]:
    """The same items, none of them None, made by a thread of their own, two ahead.

    ``alive`` as for ``in_order``. Closing the generator, or an error, ends the thread before it
    returns; an item that was begun is finished and thrown away.
    """
    made: deque[Future[R | None]] = deque()
    with ThreadPoolExecutor(1, name) as maker:
        try:
            for _ in range(_READ_AHEAD):
                made.append(maker.submit(next, items, None))
            while (item := _result(made.popleft(), alive)) is not None:
                made.append(maker.submit(next, items, None))
                yield item
        finally:
            for future in made:
                future.cancel()


def _result(future: Future[R], alive: Callable[[], None]) -> R:
    while not wait((future,), _SECONDS).done:
        alive()
    return future.result()
