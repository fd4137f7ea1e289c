"""Reads, works and hands on batches in order, with few of them in flight."""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

import pyarrow as pa

R = TypeVar("R")

_READ_AHEAD: Final = 2


def in_order(
    batches: Iterator[pa.RecordBatch], work: Callable[[pa.RecordBatch], R], workers: int
) -> Generator[R, None, None]:
    """``work(batch)`` of every batch, in the order of the batches.

    One thread reads, ``workers`` threads work; at most ``2 * workers + 2`` batches exist at a
    time. Closing the generator, or an error anywhere, ends all threads before it returns; what
    was begun is finished and thrown away.
    """
    reads: deque[Future[pa.RecordBatch | None]] = deque()
    results: deque[Future[R]] = deque()
    with (
        ThreadPoolExecutor(1, "gateway-read") as reader,
        ThreadPoolExecutor(workers, "gateway-transform") as pool,
    ):
        try:
            for _ in range(_READ_AHEAD):
                reads.append(reader.submit(next, batches, None))
            while (batch := reads.popleft().result()) is not None:
                reads.append(reader.submit(next, batches, None))
                results.append(pool.submit(work, batch))
                if len(results) > 2 * workers - 1:
                    yield results.popleft().result()
            while results:
                yield results.popleft().result()
        finally:
            for read in reads:
                read.cancel()
            for result in results:
                result.cancel()
