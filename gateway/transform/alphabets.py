"""Alphabets: which characters stand for the numerals 0 to radix - 1, and the way back.

Two forms are fast. ASCII alphabets work on bytes, and where the characters are a few unbroken
ranges of codes, as in nearly all alphabets in use, writing them is some additions over whole
buffers. Every other alphabet works on Unicode code points and a table.
"""

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.errors import InvalidRequest

MAX_RADIX: Final = 2**16
"""The largest radix of SP 800-38G, section 5.1."""

OUTSIDE: Final = 255
"""The numeral of a byte that is not in an ASCII alphabet."""

DIGITS: Final = "0123456789"
HEX: Final = "0123456789abcdef"
UPPER: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS_AND_UPPER: Final = DIGITS + UPPER
BASE32: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's 32 characters in lower case: no i, l, o, u, which are misread or make words."""
PLATE: Final = DIGITS + "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""The serial part of a Chinese licence plate: digits and capital letters without I and O."""
USCC: Final = DIGITS + "ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015: digits and capital letters without I, O, S, V and Z."""

_MOST_RUNS: Final = 8
"""With more unbroken ranges than this a table is faster than additions."""


class Alphabet:
    """Distinct characters; the position of a character is its numeral.

    `InvalidRequest` if fewer than 2, more than 65,536, or one is repeated or is not a character
    (half of a surrogate pair).
    """

    def __init__(self, characters: str) -> None:
        if not 2 <= len(characters) <= MAX_RADIX:
            raise InvalidRequest.of("alphabet", f"needs 2 to {MAX_RADIX} characters")
        if len(set(characters)) != len(characters):
            raise InvalidRequest.of("alphabet", "names a character twice")
        if any("\ud800" <= character <= "\udfff" for character in characters):
            raise InvalidRequest.of("alphabet", "holds half of a surrogate pair")
        self.characters: Final = characters
        self.radix: Final = len(characters)
        self.codes: Final = np.array([ord(character) for character in characters], np.uint32)
        self.is_ascii: Final = characters.isascii()

    def read(self, text: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Numerals of ASCII characters, `OUTSIDE` for a byte that is not in this alphabet."""
        runs = self._runs
        if len(runs) == 1:
            numerals = text - np.uint8(runs[0][1])
            np.copyto(numerals, np.uint8(OUTSIDE), where=numerals >= np.uint8(self.radix))
            return numerals
        return np.take(self._numeral_of_byte, text, mode="clip")

    def write(self, numerals: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """ASCII characters of numerals below the radix; any shape."""
        runs = self._runs
        if len(runs) > _MOST_RUNS:
            return np.take(self.codes.astype(np.uint8), numerals, mode="clip")
        text = numerals + np.uint8(runs[0][1])
        for (_, _, before), (first, code, _) in pairwise(runs):
            step = np.uint8((code - before) % 256)
            text += (numerals >= np.uint8(first)).view(np.uint8) * step
        return text

    def inside(self, numerals: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which rows of numerals that `read` gave have none that is `OUTSIDE`."""
        # the usual case by one pass: reducing short rows one by one costs twenty times as much
        if not numerals.size or int(numerals.max()) < self.radix:
            return np.ones(len(numerals), np.bool_)
        inside: NDArray[np.bool_] = numerals.max(axis=1) < self.radix
        return inside

    def read_codes(self, codes: NDArray[np.uint32]) -> NDArray[np.int32]:
        """Numerals of code points, -1 for one that is not in this alphabet."""
        table = self._numeral_of_code
        return table[np.minimum(codes, np.uint32(len(table) - 1))]

    @cached_property
    def _runs(self) -> tuple[tuple[int, int, int], ...]:
        """Unbroken ranges: first numeral, its code, and the code that would follow the range."""
        return tuple(_unbroken(self.codes.tolist()))

    @cached_property
    def _numeral_of_byte(self) -> NDArray[np.uint8]:
        table = np.full(256, OUTSIDE, np.uint8)
        table[self.codes] = np.arange(self.radix)
        return table

    @cached_property
    def _numeral_of_code(self) -> NDArray[np.int32]:
        table = np.full(int(self.codes.max()) + 2, -1, np.int32)
        table[self.codes] = np.arange(self.radix)
        return table

    def __repr__(self) -> str:
        return f"{type(self).__name__}(radix {self.radix})"


def _unbroken(codes: list[int]) -> Iterator[tuple[int, int, int]]:
    first = 0
    for numeral in range(1, len(codes) + 1):
        if numeral == len(codes) or codes[numeral] != codes[numeral - 1] + 1:
            yield first, codes[first], codes[numeral - 1] + 1
            first = numeral
