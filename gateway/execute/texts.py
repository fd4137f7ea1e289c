"""Reads text as a carried type, strictly: what is not clearly of the type is not read at all.

Used for CSV cells and for the values of row conditions, so that both mean the same. Arrow's own
casts are more lenient than the forms here (they read ``0x1F`` as 31 and ``1e400`` as infinity).
"""

from collections.abc import Callable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK: Final = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
_MOMENT: Final = _DATE + r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_ZONE: Final = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_POINT: Final = r"-?([0-9]+\.?[0-9]*|\.[0-9]+)"
_FLOAT: Final = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(?i:nan|inf|infinity)"


class Unreadable(Exception):
    """The text at ``index`` is not of the type; holds no text."""

    def __init__(self, index: int) -> None:
        super().__init__(f"the text at position {index} is not of the type")
        self.index = index


def readable_from_text(kind: pa.DataType) -> bool:
    """Whether text has a form for that type; bytes have none."""
    return not pa.types.is_binary(kind)


def read_text(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """These texts as ``kind``, nulls as nulls; ``Unreadable`` at the first that is not of it.

    Forms: integers and decimals in ASCII digits, floats as usual with nan and inf, booleans
    true, false, 1 and 0, dates and moments of ISO 8601 (with a zone exactly where the type has
    one), times HH:MM:SS.ffffff. Spaces around are not part of any form.
    """
    if pa.types.is_string(kind):
        return texts
    formed = pc.match_substring_regex(texts, f"^(?:{_form(kind)})$")
    first = pc.index(formed, value=False).as_py()
    if first >= 0:
        raise Unreadable(first)
    return convert(texts, lambda piece: _cast(piece, kind))


def convert(column: pa.Array, cast: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """``cast(column)``; where Arrow refuses, ``Unreadable`` at the first row it refuses.

    Found by halving, so that a column of n rows costs 2 log n casts and no loop over its rows.
    """
    try:
        return cast(column)
    except pa.ArrowInvalid:
        first, rows = 0, len(column)
    while rows > 1:
        half = rows // 2
        try:
            cast(column.slice(first, half))
        except pa.ArrowInvalid:
            rows = half
        else:
            first, rows = first + half, rows - half
    raise Unreadable(first)


def _form(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "-?[0-9]+"
    if pa.types.is_floating(kind):
        return _FLOAT
    if pa.types.is_decimal(kind):
        return _POINT
    if pa.types.is_boolean(kind):
        return "(?i:true|false)|0|1"
    if pa.types.is_date(kind):
        return _DATE
    if pa.types.is_time(kind):
        return _CLOCK
    if pa.types.is_timestamp(kind):
        return _MOMENT + (_ZONE if kind.tz else "") + ("" if kind.tz else f"|{_DATE}")
    raise ValueError(f"text has no form for {kind}")


def _cast(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_time(kind):
        # Arrow reads no times of day, so they are read as moments of one day.
        whole = pc.binary_join_element_wise("1970-01-01T", texts, "")
        return whole.cast(pa.timestamp("us")).cast(kind)
    column = texts.cast(kind)
    if pa.types.is_floating(kind) and pc.any(pc.is_inf(column)).as_py():
        grown = pc.and_(pc.is_inf(column), pc.invert(_written_infinite(texts)))
        if pc.any(grown).as_py():
            raise pa.ArrowInvalid("out of range")
    return column


def _written_infinite(texts: pa.Array) -> pa.Array:
    return pc.match_substring(texts, "inf", ignore_case=True)
