"""Arrow IPC streams as they travel: tables into pieces, pieces into record batches."""

from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow as pa

from gateway.errors import StagingCorrupt

PIECE_BYTES: Final = 1 << 20
"""Size of the pieces that are sent; a gateway takes twice as much."""

_BATCH_ROWS: Final = 65_536


def pieces(records: pa.Table | pa.RecordBatchReader) -> Iterator[bytes]:
    """One Arrow IPC stream in pieces, a bounded part of it in memory at a time."""
    sink = _Sink()
    batches = (
        records.to_batches(max_chunksize=_BATCH_ROWS) if isinstance(records, pa.Table) else records
    )
    with pa.ipc.new_stream(sink, records.schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield from sink.taken(PIECE_BYTES)
    yield from sink.taken(1)


class Batches:
    """The record batches of a stream that comes in pieces, each as soon as it is there.

    The batches lie in the pieces' own memory where they can: nothing is copied. Can be iterated
    over once. StagingCorrupt when the pieces are not exactly one stream.
    """

    def __init__(self, payloads: Iterable[bytes]) -> None:
        self._feed = _Feed(iter(payloads))
        try:
            self._reader = pa.ipc.open_stream(pa.PythonFile(self._feed, mode="r"))
        except (pa.ArrowException, OSError) as error:
            raise _not_one_stream() from error

    @property
    def schema(self) -> pa.Schema:
        return self._reader.schema

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._reader
        except (pa.ArrowException, OSError) as error:
            raise _not_one_stream() from error
        # Whoever sent the pieces knows more of them than the stream has: look at the last one.
        if self._feed.read(1):
            raise _not_one_stream()


def _not_one_stream() -> StagingCorrupt:
    return StagingCorrupt("what was received is not one Arrow stream")


class _Sink:
    """A file that is written to, and from which pieces are taken off."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self._size += len(data)
        return len(data)

    def flush(self) -> None:
        """Everything written is already there."""

    def close(self) -> None:
        """What was written stays to be taken."""

    def taken(self, least: int) -> Iterator[bytes]:
        """All of it in pieces, once there is at least so much."""
        if self._size < least:
            return
        whole = memoryview(b"".join(self._parts))
        self._parts, self._size = [], 0
        for start in range(0, len(whole), PIECE_BYTES):
            yield bytes(whole[start : start + PIECE_BYTES])


class _Feed:
    """A file that is read from pieces as they come."""

    closed = False

    def __init__(self, payloads: Iterator[bytes]) -> None:
        self._payloads = payloads
        self._left = memoryview(b"")

    def read(self, count: int) -> memoryview | bytes:
        """Up to ``count`` bytes; fewer only at the end. Without a copy inside of one piece."""
        if len(self._left) < count:
            self._fetch(count)
        taken, self._left = self._left[:count], self._left[count:]
        return taken

    def _fetch(self, count: int) -> None:
        parts, size = [self._left] if self._left else [], len(self._left)
        while size < count and (payload := next(self._payloads, None)) is not None:
            parts.append(memoryview(payload))
            size += len(payload)
        self._left = parts[0] if len(parts) == 1 else memoryview(b"".join(parts))

    def close(self) -> None:
        """Nothing is held open."""
