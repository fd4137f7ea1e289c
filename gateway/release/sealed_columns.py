"""Looks for tokens in a column of a sealed release, in bounded memory."""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import StagingCorrupt
from gateway.ports import StagedChunk

_OUTSIDE: Final = "[^0-9a-z]+"
"""What no token of base32 has in it."""


def present(
    chunks: Iterator[StagedChunk], column: str, tokens: pa.Array, *, in_text: bool = False
) -> pa.Array:
    """Those of the distinct ``tokens`` that the column holds in the stream that the chunks make,
    as values; with ``in_text``, that stand anywhere in its values.

    StagingCorrupt when the chunks are no Arrow stream with such a column of text.
    """
    found, missing = [], tokens
    try:
        with pa.ipc.open_stream(pa.PythonFile(JoinedChunks(chunks), mode="r")) as reader:
            for batch in reader:
                if not len(missing):
                    break
                here = _here(batch.column(column), missing, in_text=in_text)
                found.append(here)
                missing = missing.filter(pc.invert(pc.is_in(missing, value_set=here)))
    except (pa.ArrowException, OSError, KeyError) as error:
        raise StagingCorrupt("a sealed release is not the stream that was sealed") from error
    return pa.chunked_array(found, pa.string()).combine_chunks()


def _here(values: pa.Array, tokens: pa.Array, *, in_text: bool) -> pa.Array:
    if not in_text:
        return pc.unique(values.filter(pc.is_in(values, value_set=tokens)))
    # Most stand between other signs than those that they are made of; the rest is looked for one
    # by one.
    words = pc.list_flatten(pc.split_pattern_regex(values, _OUTSIDE))
    between = pc.is_in(tokens, value_set=words.drop_null())
    rest = [
        token
        for token in tokens.filter(pc.invert(between)).to_pylist()
        if pc.any(pc.match_substring(values, token)).as_py()
    ]
    return pa.concat_arrays([tokens.filter(between), pa.array(rest, pa.string())])


class JoinedChunks:
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
