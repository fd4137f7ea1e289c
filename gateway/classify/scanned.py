"""A column of texts laid out so that one scan looks at all of them: folded code points, and RE2.

Characters keep their places: text `i` is `codes[starts[i]:starts[i + 1]]`, in folded form.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.classify.folding import SAME_PLACE

Codes = NDArray[np.uint32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_BMP = 0x10000


def _table(changed: dict[int, int]) -> Codes:
    table = np.arange(_BMP, dtype=np.uint32)
    table[list(changed)] = list(changed.values())
    return table


_FOLDED = _table(SAME_PLACE)
# The screen is read by RE2, which knows neither all of Unicode's spaces as \s nor the four
# letters that the `regex` module holds for cases of i, k and s: there they stand as plain ones.
_SPACES = (0x0B, *range(0x1C, 0x20), 0x85, 0x2028, 0x2029)
_SCREENED = _table(
    dict.fromkeys(_SPACES, 0x0C)
    | {0x0130: ord("I"), 0x0131: ord("i"), 0x017F: ord("s"), 0x212A: ord("k")}
)


class Scanned:
    """Folded texts; none is null. Holds about nine times their bytes: scan a column in parts."""

    __slots__ = ("_screen", "_whole", "codes", "starts")

    def __init__(self, texts: pa.StringArray) -> None:
        offsets = np.frombuffer(texts.buffers()[1], np.int32)
        offsets = offsets[texts.offset : texts.offset + len(texts) + 1]
        data = texts.buffers()[2]
        content = bytes(memoryview(data)[offsets[0] : offsets[-1]]) if data is not None else b""
        codes = np.frombuffer(content.decode("utf-8").encode("utf-32-le"), np.uint32)
        self.codes: Codes = _translated(codes, _FOLDED)
        self.starts: Ints = np.zeros(len(texts) + 1, dtype=np.int64)
        np.cumsum(pc.utf8_length(texts).to_numpy(zero_copy_only=False), out=self.starts[1:])
        self._whole: str = self.codes.tobytes().decode("utf-32-le")
        self._screen: pa.StringArray | None = None

    def __len__(self) -> int:
        return len(self.starts) - 1

    def text(self, index: int) -> str:
        """One text, folded."""
        return self._whole[self.starts[index] : self.starts[index + 1]]

    def part(self, start: int, end: int) -> str:
        """Characters `start` up to `end` of all texts one behind the other, folded."""
        return self._whole[start:end]

    def matching(self, pattern: str, among: Ints | None = None) -> Ints:
        """Which texts hold a match of an RE2 pattern in whatever case, in ascending order.

        among: look at these texts only. A screen: it also holds every match that the `regex`
        module finds for the pattern in the folded text.
        """
        screen = self._screened()
        looked_at = screen if among is None else screen.take(pa.array(among))
        matched = pc.match_substring_regex(looked_at, pattern, ignore_case=True)
        hits: Ints = np.flatnonzero(matched.to_numpy(zero_copy_only=False))
        return hits if among is None else among[hits]

    def texts_of(self, positions: Ints) -> Ints:
        """The text that each position lies in."""
        owners: Ints = np.searchsorted(self.starts, positions, side="right") - 1
        return owners

    def _screened(self) -> pa.StringArray:
        if self._screen is None:
            codes = _translated(self.codes, _SCREENED)
            sizes = np.ones(len(codes), dtype=np.uint8)
            for beyond in (0x7F, 0x7FF, 0xFFFF):
                sizes += codes > beyond
            ends = np.zeros(len(codes) + 1, dtype=np.int32)
            np.cumsum(sizes, out=ends[1:])
            self._screen = pa.StringArray.from_buffers(
                len(self),
                pa.py_buffer(ends[self.starts]),
                pa.py_buffer(codes.tobytes().decode("utf-32-le").encode("utf-8")),
            )
        return self._screen


def _translated(codes: Codes, table: Codes) -> Codes:
    if not len(codes) or codes.max() < _BMP:
        return table[codes]
    translated: Codes = np.where(codes < _BMP, table[np.minimum(codes, _BMP - 1)], codes)
    return translated
