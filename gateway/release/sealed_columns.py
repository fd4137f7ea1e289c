"""Looks for tokens in a column of a sealed release, in bounded memory."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import StagingCorrupt
from gateway.ports import StagedChunk


def present(chunks: Iterator[StagedChunk], column: str, tokens: pa.Array) -> pa.BooleanArray:
    """For each of ``tokens``, whether the column of the stream that the chunks make holds it.

    StagingCorrupt when the chunks are no Arrow stream with such a column of text.
    """
    found = []
    try:
        with pa.ipc.open_stream(pa.PythonFile(_Joined(chunks), mode="r")) as reader:
            for batch in reader:
                values = batch.column(column)
                found.append(pc.unique(values.filter(pc.is_in(values, value_set=tokens))))
    except (pa.ArrowException, OSError, KeyError) as error:
        raise StagingCorrupt("a sealed release is not the stream that was sealed") from error
    held = pa.chunked_array(found, pa.string()).combine_chunks()
    return pc.is_in(tokens, value_set=held)


class _Joined:
    """The chunks' payloads as one file."""

    closed = False

    def __init__(self, chunks: Iterator[StagedChunk]) -> None:
        self._chunks = chunks
        self._left = memoryview(b"")

    def read(self, count: int) -> bytes:
        """Up to ``count`` bytes; fewer only at the end."""
        parts, missing = [], count
        while missing > 0:
            if not self._left:
                chunk = next(self._chunks, None)
                if chunk is None:
                    break
                self._left = memoryview(chunk.payload)
            parts.append(self._left[:missing])
            missing -= len(parts[-1])
            self._left = self._left[len(parts[-1]) :]
        return b"".join(parts)

    def close(self) -> None:
        """Nothing is held open."""
