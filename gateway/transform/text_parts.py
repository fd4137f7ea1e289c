"""Cuts a long text into parts that are searched one by one, each with what stands around it.

A part ends behind a blank line, else a line, else a sentence. An identifier can go on there, and
what makes it one can stand there (``QQ`` at the end of a line, the number on the next), so each part
is searched together with the text before and behind it. Where a part ends depends on the text alone
and not on how it arrives, so that the same document is protected in the same way from a file, from a
stream and as a cell of a table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.errors import TransformFailed

LONGEST_PART: Final = 100_000
"""Characters. The time and memory for a search grow with the length of its text."""

AROUND: Final = 500
"""Characters before and behind a part that are searched with it: more than any identifier has with
the words that it is known by, an e-mail address and most links included."""

_ENDS: Final = (
    ("\n\n", "\r\n\r\n"),
    ("\n",),
    ("。", "！", "？", "；", ". ", "! ", "? ", "; "),
)


@dataclass(frozen=True, slots=True, repr=False)
class Part:
    """A part of a text with what stands around it, the first ``before`` and the last ``after``
    bytes of ``text``. The repr is blind."""

    text: str
    before: int = 0
    after: int = 0

    def __repr__(self) -> str:
        return f"Part({len(self.text)} characters, hidden)"


@dataclass(frozen=True, slots=True, repr=False)
class Parts:
    """Parts of texts, in order; ``before`` and ``after`` as of ``Part``, one for each, also for
    those that are null. The repr is blind."""

    texts: pa.Array
    before: NDArray[np.int64]
    after: NDArray[np.int64]

    @classmethod
    def of(cls, parts: Sequence[Part]) -> "Parts":
        return cls(
            pa.array([part.text for part in parts], pa.string()),
            np.array([part.before for part in parts], np.int64),
            np.array([part.after for part in parts], np.int64),
        )

    def slice(self, begin: int, end: int) -> "Parts":
        chosen = slice(begin, end)
        return Parts(self.texts.slice(begin, end - begin), self.before[chosen], self.after[chosen])

    def __repr__(self) -> str:
        return f"Parts({len(self.texts)}, data hidden)"


class TextParts:
    """The parts of one text that arrives in pieces; holds about one part at a time."""

    def __init__(self) -> None:
        self._before = ""
        self._rest = ""

    def add(self, piece: str) -> list[Part]:
        """What is complete by now. TransformFailed when a part would have no end."""
        self._rest += piece
        complete = []
        while len(self._rest) >= LONGEST_PART + AROUND:
            complete.append(self._next())
        return complete

    def finish(self) -> list[Part]:
        """The last parts, of which the very last may be empty; then the next text can begin."""
        complete = []
        while len(self._rest) > LONGEST_PART:
            complete.append(self._next())
        complete.append(self._part(len(self._rest)))
        self._before = ""
        return complete

    def _next(self) -> Part:
        return self._part(_end(self._rest))

    def _part(self, end: int) -> Part:
        before, part = self._before, self._rest[:end]
        after = self._rest[end : end + AROUND]
        self._rest = self._rest[end:]
        self._before = (before + part)[-AROUND:]
        return Part(before + part + after, len(before.encode()), len(after.encode()))


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


def in_parts(texts: pa.Array) -> tuple[Parts, pa.Array | None]:
    """The texts with long ones in parts, and the offsets at which each text begins among them;
    None when none is long. The loop is over long texts and their parts only."""
    lengths = pc.fill_null(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False)
    long = np.flatnonzero(lengths > LONGEST_PART)
    if not len(long):
        return _whole(texts), None
    pieces, counts, done = [], np.ones(len(texts), np.int64), 0
    for row in long.tolist():
        parts = TextParts()
        cut = [*parts.add(texts[row].as_py()), *parts.finish()]
        pieces += [_whole(texts.slice(done, row - done)), Parts.of(cut)]
        counts[row], done = len(cut), row + 1
    pieces.append(_whole(texts.slice(done)))
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    together = Parts(
        pa.concat_arrays([piece.texts for piece in pieces]),
        np.concatenate([piece.before for piece in pieces]),
        np.concatenate([piece.after for piece in pieces]),
    )
    return together, pa.array(offsets)


def joined(parts: pa.Array, offsets: pa.Array) -> pa.Array:
    """The texts of which these are the parts, without what stood around them."""
    return pc.binary_join(pa.ListArray.from_arrays(offsets, parts), "")


def _whole(texts: pa.Array) -> Parts:
    nothing = np.zeros(len(texts), np.int64)
    return Parts(texts, nothing, nothing)
