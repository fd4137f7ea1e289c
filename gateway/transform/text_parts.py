"""Cuts a long text into parts that are searched one by one, where no identifier can be cut.

A part ends behind a blank line, else a line, else a sentence. Where it ends depends on the text
alone and not on how it arrives, so that the same document is protected in the same way from a
file, from a stream and as a cell of a table.
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import TransformFailed

LONGEST_PART: Final = 100_000
"""Characters. The time and memory for a search grow with the length of its text."""

_ENDS: Final = (
    ("\n\n", "\r\n\r\n"),
    ("\n",),
    ("。", "！", "？", "；", ". ", "! ", "? ", "; "),
)


class TextParts:
    """The parts of one text that arrives in pieces; holds about one part at a time."""

    def __init__(self) -> None:
        self._rest = ""

    def add(self, piece: str) -> list[str]:
        """What is complete by now. TransformFailed when a part would have no end."""
        self._rest += piece
        complete = []
        while len(self._rest) > LONGEST_PART:
            end = _end(self._rest)
            complete.append(self._rest[:end])
            self._rest = self._rest[end:]
        return complete

    def finish(self) -> str:
        """The last part, which may be empty; then the next text can begin."""
        part, self._rest = self._rest, ""
        return part


def _end(text: str) -> int:
    # Late if possible: a word before an identifier helps to find it, also across lines.
    for first in (LONGEST_PART // 2, 0):
        for marks in _ENDS:
            found = max(
                at + len(mark) if (at := text.rfind(mark, first, LONGEST_PART)) >= 0 else 0
                for mark in marks
            )
            if found:
                return found
    raise TransformFailed(
        f"a text goes on for {LONGEST_PART:,} characters without an end of line or sentence, so "
        "that it cannot be searched in parts: whoever holds it breaks it into lines",
        reason="TEXT_WITHOUT_END",
    )


def in_parts(texts: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """The texts with long ones in parts, and the offsets at which each text begins among them;
    None when none is long. The loop is over long texts and their parts only."""
    lengths = pc.fill_null(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False)
    long = np.flatnonzero(lengths > LONGEST_PART)
    if not len(long):
        return texts, None
    pieces, counts, done = [], np.ones(len(texts), np.int64), 0
    for row in long.tolist():
        parts = TextParts()
        cut = pa.array([*parts.add(texts[row].as_py()), parts.finish()], pa.string())
        pieces += [texts.slice(done, row - done), cut]
        counts[row], done = len(cut), row + 1
    pieces.append(texts.slice(done))
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    return pa.concat_arrays(pieces), pa.array(offsets)


def joined(parts: pa.Array, offsets: pa.Array) -> pa.Array:
    """The inverse of ``in_parts``."""
    return pc.binary_join(pa.ListArray.from_arrays(offsets, parts), "")
