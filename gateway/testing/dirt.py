"""Spoils the strings of a table the way hand-kept tables are spoilt, for tests of bad input."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.testing.draws import Purpose, Stream
from gateway.testing.text import words

_EMOJI = "😀"
# A variant of the surname 吉 outside the basic plane: four bytes in UTF-8, two units in UTF-16.
_RARE = "𠮷"
_FULL_WIDTH_ZERO = 0xFF10
_DIGITS = words([str(digit) for digit in range(10)])
_NEXT_DIGITS = words([str((digit + 1) % 10) for digit in range(10)])


def dirty(table: pa.Table, seed: int, rate: float) -> pa.Table:
    """Return the table with each cell of its string columns spoilt with probability `rate`.

    A spoilt cell differs from the original and has one of: digits in full width, separators
    within, a character too few or too many, nothing at all, an emoji, a Chinese character of four
    bytes, another last digit (and so a wrong check digit). A kind that cannot spoil a cell, like
    full-width digits where there are none, becomes an emoji at its end. Nulls, other types, column
    names, order and number of rows stay. Deterministic for (table, seed, rate).

    rate: 0 to 1, used in steps of one in a million. Raises ValueError outside, or for a negative
    seed.
    """
    if not 0 <= rate <= 1:
        raise ValueError("rate must lie between 0 and 1")
    spoilt = table
    for position, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            draw = Stream(seed, Purpose.DIRT, block=position)
            column = table.column(position)
            spoilt = spoilt.set_column(position, field, _spoil(column, draw, rate))
    return spoilt


def _spoil(column: pa.ChunkedArray, draw: Stream, rate: float) -> pa.ChunkedArray:
    rows = len(column)
    hit = draw.below(1_000_000, rows) < round(rate * 1_000_000)
    kind = np.where(hit, draw.below(len(_KINDS), rows), -1)
    for number, spoil in enumerate(_KINDS):
        chosen = kind == number
        if chosen.any():
            mask = pa.array(chosen)
            before = column.filter(mask).combine_chunks()
            after = spoil(before)
            after = pc.if_else(pc.equal(after, before), _with_emoji(before), after)
            column = pc.replace_with_mask(column, mask, after.cast(column.type))
    return column


def _join(*parts: pa.Array | pa.Scalar) -> pa.Array:
    # The separator must have the cells' own type, which may be large.
    return pc.binary_join_element_wise(*parts, pa.scalar("", parts[0].type))


def _full_width(cells: pa.Array) -> pa.Array:
    for digit in range(10):
        cells = pc.replace_substring(cells, str(digit), chr(_FULL_WIDTH_ZERO + digit))
    return cells


def _separated(cells: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(cells, r"^(.{3})(.{1,4})(.*)$", r"\1-\2 \3")


def _too_short(cells: pa.Array) -> pa.Array:
    return pc.utf8_slice_codeunits(cells, 0, -1)


def _too_long(cells: pa.Array) -> pa.Array:
    return _join(cells, pc.utf8_slice_codeunits(cells, -1))


def _empty(cells: pa.Array) -> pa.Array:
    return pc.utf8_slice_codeunits(cells, 0, 0)


def _with_emoji(cells: pa.Array) -> pa.Array:
    return _join(cells, pa.scalar(_EMOJI, cells.type))


def _with_rare_character(cells: pa.Array) -> pa.Array:
    kept = pc.utf8_slice_codeunits(cells, 0, -1)
    return _join(kept, pa.scalar(_RARE, cells.type))


def _wrong_last_digit(cells: pa.Array) -> pa.Array:
    kept, last = pc.utf8_slice_codeunits(cells, 0, -1), pc.utf8_slice_codeunits(cells, -1)
    following = _NEXT_DIGITS.take(pc.index_in(last, value_set=_DIGITS.cast(cells.type)))
    # An X is the check digit 10; anything else than a digit or X stays.
    following = pc.if_else(pc.equal(last, "X"), "0", following)
    return _join(kept, pc.coalesce(following.cast(cells.type), last))


_KINDS: tuple[Callable[[pa.Array], pa.Array], ...] = (
    _full_width,
    _separated,
    _too_short,
    _too_long,
    _empty,
    _with_emoji,
    _with_rare_character,
    _wrong_last_digit,
)
