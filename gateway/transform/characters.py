"""A text column as one array of code points, so that characters can be counted and changed.

Positions are code points, as in Arrow's utf8 functions: an emoji made of several code points is
several characters. Text goes to UTF-32 and back in one call for a whole column.
"""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.errors import TransformFailed
from gateway.transform.base import Flags
from gateway.transform.varlen import VarlenColumn, build_text

Codes = NDArray[np.uint32]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, repr=False)
class Characters:
    """The values that are not null: value i is ``codes[ends[i] - lengths[i]:ends[i]]``.

    ``valid`` is None when no slot is null, else a boolean for each of the ``slots``. The repr is
    blind, for this is raw data.
    """

    codes: Codes
    lengths: Counts
    ends: Counts
    valid: Flags | None
    slots: int

    @classmethod
    def of(cls, column: pa.Array) -> "Characters":
        """From a string array; a slice is read from its own offset."""
        parts = VarlenColumn.of(column)
        data = parts.data
        if not data.size or int(data.max()) < 0x80:
            codes, lengths = data.astype(np.uint32), parts.lengths
        else:
            try:
                codes = np.frombuffer(data.tobytes().decode().encode("utf-32-le"), np.uint32)
            except UnicodeDecodeError:
                raise TransformFailed("a text column holds bytes that are not UTF-8") from None
            counts = pc.utf8_length(column.drop_null() if column.null_count else column)
            lengths = counts.to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(codes, lengths, np.cumsum(lengths), parts.valid, parts.slots)

    @property
    def rows(self) -> int:
        """How many values there are, nulls not counted."""
        return len(self.lengths)

    @property
    def starts(self) -> Counts:
        return self.ends - self.lengths

    def positions(self) -> Counts:
        """The place of each character in its value, from 0."""
        return np.arange(len(self.codes)) - np.repeat(self.starts, self.lengths)

    def count(self, flags: Flags) -> Counts:
        """How many characters of each value are flagged."""
        return _per_row(flags, self.ends, self.lengths)

    def all_of(self, flags: Flags) -> Flags:
        """Values in which every character is flagged; an empty one is such a value."""
        whole: Flags = self.count(flags) == self.lengths
        return whole

    def only(self, flags: Flags) -> "Characters":
        """The same values without the characters that are not flagged."""
        if flags.all():
            return self
        lengths = self.count(flags)
        return replace(self, codes=self.codes[flags], lengths=lengths, ends=np.cumsum(lengths))

    def without_first(self, counts: Counts) -> "Characters":
        """The same values without their first characters, as many as ``counts`` says."""
        if not counts.any():
            return self
        return self.only(self.positions() >= np.repeat(counts, self.lengths))

    def heads(self, width: int) -> Codes:
        """The first ``width`` characters, shape (rows, width); 0 where a value has ended."""
        return self.window(self.starts, self.ends, width)

    def window(self, begin: Counts, end: Counts, width: int) -> Codes:
        """``width`` characters from each place in ``codes``; 0 from ``end`` on."""
        if not len(self.codes):
            return np.zeros((len(begin), width), np.uint32)
        places = begin[:, None] + np.arange(width)
        inside = places < end[:, None]
        return np.where(inside, self.codes[np.where(inside, places, 0)], np.uint32(0))

    def with_codes(self, codes: Codes) -> "Characters":
        """The same lengths, other characters."""
        return replace(self, codes=codes)

    def with_values(self, codes: Codes, lengths: Counts) -> "Characters":
        """The same rows, other values."""
        return replace(self, codes=codes, lengths=lengths, ends=np.cumsum(lengths))

    def column(self) -> pa.Array:
        """The string array of these values."""
        codes, lengths = self.codes, self.lengths
        if not codes.size or int(codes.max()) < 0x80:
            return build_text(codes.astype(np.uint8), lengths, self.valid, self.slots)
        text = codes.tobytes().decode("utf-32-le").encode()
        width = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
        total = np.concatenate((np.zeros(1, np.int64), np.cumsum(width)))
        in_bytes = total[self.ends] - total[self.starts]
        return build_text(np.frombuffer(text, np.uint8), in_bytes, self.valid, self.slots)

    def spread(self, flags: Flags) -> pa.BooleanArray:
        """A flag of each value as a flag of each slot; False where the slot is null."""
        if self.valid is None:
            return pa.array(flags)
        slots = np.zeros(self.slots, bool)
        slots[self.valid] = flags
        return pa.array(slots)

    def __repr__(self) -> str:
        return f"Characters({self.slots} slots, data hidden)"


def _per_row(flags: Flags, ends: Counts, lengths: Counts) -> Counts:
    total = np.concatenate((np.zeros(1, np.int64), np.cumsum(flags)))
    counts: Counts = total[ends] - total[ends - lengths]
    return counts


def is_one_of(codes: Codes, wanted: str) -> Flags:
    """Which characters are in ``wanted``."""
    found = np.zeros(codes.shape, bool)
    for character in wanted:
        found |= codes == ord(character)
    return found
