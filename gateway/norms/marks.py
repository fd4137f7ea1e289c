"""Marks that stand for one another, and marks that show nothing, as people and programs type them.

One table for all that searches, compares or brings values into one form: what one part took for a
hyphen and another did not would hide a value, or give it two tokens. Source: Unicode 15.1, the
property Default_Ignorable_Code_Point and the blocks of punctuation (certain).
"""

from collections.abc import Iterable
from typing import Final

Ranges = tuple[tuple[int, int], ...]
"""First and last code point of each range, ascending, none touching another."""

INVISIBLE: Final[Ranges] = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5),
    (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164),
    (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
"""What shows nothing: soft hyphens, zero-width spaces and joiners, signs of direction."""

HYPHENS: Final[Ranges] = ((0x2010, 0x2015), (0x2212, 0x2212), (0xFE58, 0xFE58), (0xFE63, 0xFE63))
"""What is typed for a hyphen, beside the hyphen itself and its full-width form."""

DOTS: Final[Ranges] = (
    (0x2022, 0x2022), (0x2027, 0x2027), (0x2219, 0x2219), (0x22C5, 0x22C5), (0x30FB, 0x30FB),
    (0xFF65, 0xFF65),
)  # fmt: skip
"""What is typed for the interpunct, beside U+00B7 itself."""

SPACES: Final[Ranges] = (
    (0x00A0, 0x00A0), (0x1680, 0x1680), (0x2000, 0x200A), (0x202F, 0x202F), (0x205F, 0x205F),
    (0x3000, 0x3000),
)  # fmt: skip
"""What is typed for a space and is as wide as one sign."""


def re2_class(ranges: Ranges) -> str:
    """A class of RE2 that holds them."""
    return "[" + "".join(rf"\x{{{first:X}}}-\x{{{last:X}}}" for first, last in ranges) + "]"


def code_points(ranges: Ranges) -> Iterable[int]:
    """Each code point of them."""
    return (code for first, last in ranges for code in range(first, last + 1))
