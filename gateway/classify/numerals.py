"""Numbers as they may stand in a cell: in digits of other scripts, in groups, as a real number."""

import sys
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

from gateway.classify.traits import DIGIT, OTHER, classes_of, traits

# Digits of other scripts, by what they stand for; Chinese ones only where a cell is made of them.
_DIGITS = tuple(
    "".join(c for c in map(chr, range(0x80, sys.maxunicode + 1)) if unicodedata.decimal(c, -1) == n)
    for n in range(10)
)
_CHINESE_DIGITS = ("〇零", "一壹", "二贰", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")
_CHINESE_NUMBER = f"^[{''.join(_CHINESE_DIGITS)} -]{{7,}}$"
# A mobile number in groups with other marks than a blank or hyphen; a whole number that a program
# wrote as a real one.
_GROUPED = (
    r"^\(?(1[3-9][0-9])\)?[-._/ ]*(?:([0-9]{4})[-._/ ]*([0-9]{4})|([0-9]{3})[-._/ ]*([0-9]{5}))$"
)
# Fifteen to nineteen digits in groups: two dots or more, or one of the other marks. Coordinates have
# dots and a blank.
_PARTED = r"^(?:\(?[0-9][0-9 -]*[_()/][0-9_()/ -]*[0-9Xx]|[0-9]+(?:[._-][0-9]+)*\.[0-9]+(?:[._-][0-9]+)*\.[0-9_-]*[0-9Xx])$"
_MARKS = r"[._()/ -]"
_LONG = r"^[0-9]{14,18}[0-9Xx]$"
_WHOLE = r"^([0-9]{11,18})\.0+$"


def western_digits(values: pa.Array) -> pa.Array:
    """The digits of every script as those of ASCII."""
    if pc.any(pc.match_substring_regex(values, f"[{''.join(_DIGITS)}]")).as_py():
        for digit, others in enumerate(_DIGITS):
            values = pc.replace_substring_regex(values, f"[{others}]", str(digit))
    numbers = pc.match_substring_regex(values, _CHINESE_NUMBER)
    if pc.any(numbers).as_py():
        spelt = values.filter(numbers)
        for digit, others in enumerate(_CHINESE_DIGITS):
            spelt = pc.replace_substring_regex(spelt, f"[{others}]", str(digit))
        values = pc.replace_with_mask(values, numbers, spelt)
    return values


def in_one_piece(values: pa.Array) -> pa.Array:
    """Numbers in groups of digits that other marks part, and those with .0, in one piece."""
    found = traits(values)
    candidates = (found.lengths <= 30) & ~found.without(DIGIT) & found.without(OTHER)
    candidates &= ~found.without(classes_of("._()/"))
    if not candidates.any():
        return values
    mask = pa.array(candidates)
    bare = pc.replace_substring_regex(values.filter(mask), _WHOLE, r"\1")
    bare = pc.replace_substring_regex(bare, _GROUPED, r"\1\2\3\4\5")
    closed = pc.replace_substring_regex(bare, _MARKS, "")
    long = pc.and_(pc.match_substring_regex(bare, _PARTED), pc.match_substring_regex(closed, _LONG))
    return pc.replace_with_mask(values, mask, pc.if_else(long, closed, bare))
