"""Proposes a ladder for a column that has no hierarchy, by its type and its values.

A proposal says in ``origin`` what it is. It is made for k-anonymity and knows nothing of what the
values mean: whoever publishes looks at it, and gives a hierarchy where another makes more sense.
"""

from math import floor, log10
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.model.exact import DECIMALS, from_millionths
from gateway.transform.anonymize.builders import (
    ADMINISTRATIVE,
    codes,
    dates,
    distinct,
    flat,
    intervals,
    masked,
)
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.base import as_text
from gateway.transform.numbers import is_number

_FEW: Final = 4
"""So many values are not made fewer in steps."""

_BINS: Final = 20
"""The narrowest intervals part the range of a column in at most so many."""

_SHORTEST_MASKED: Final = 4

_PROVINCES: Final = "^(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12])[0-9]{4}$"
"""GB/T 2260, first two digits."""


def proposed(column: pa.Array | pa.ChunkedArray) -> Ladder:
    """Intervals for numbers, also for those written as text; spans for dates, also for days of ISO
    8601 as text; administrative codes
    and codes of one length by their first characters; else the value or nothing."""
    found = _proposed(distinct(column))
    # A level that makes no two values one only makes the search longer.
    levels, last = [0], len(found.leaves)
    for level in range(1, found.height):
        if 1 < len(found.labels[level]) < last:
            levels.append(level)
            last = len(found.labels[level])
    levels.append(found.height)
    return Ladder(
        found.leaves,
        tuple(found.codes[level] for level in levels),
        tuple(found.labels[level] for level in levels),
        f"proposed: {found.origin}",
    )


def _proposed(values: pa.Array) -> Ladder:
    if len(values) <= _FEW:
        return flat(values)
    if pa.types.is_date(values.type) or (
        pa.types.is_timestamp(values.type) and values.type.unit != "ns"
    ):
        return dates(values)
    if is_number(values.type):
        return _in_intervals(values, values)
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return flat(values)
    texts = as_text(values)
    if _all(texts, _ISO_DAY):
        try:
            days = texts.cast(pa.date32())
        except pa.ArrowInvalid:  # there is no 30 February
            return masked(texts)
        return dates(days)
    if _all(texts, _PROVINCES):
        return codes(texts, ADMINISTRATIVE)
    lengths = pc.min_max(pc.utf8_length(texts)).as_py()
    if lengths["min"] == lengths["max"] >= _SHORTEST_MASKED and _all(texts, "^[0-9A-Za-z-]+$"):
        return masked(texts)
    for pattern, kind in (("^-?(0|[1-9][0-9]{0,14})$", pa.int64()), (_DECIMAL, pa.float64())):
        if _all(texts, pattern):
            return _in_intervals(texts, texts.cast(kind))
    return flat(texts)


_ISO_DAY: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

_DECIMAL: Final = r"^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$"


def _all(texts: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def _in_intervals(leaves: pa.Array, numbers: pa.Array) -> Ladder:
    widths = _widths(numbers)
    if not widths:
        return flat(leaves)
    found = intervals(numbers, widths)
    if leaves is numbers:
        return found
    # Numbers written as text: the leaves are the texts.
    return Ladder(as_text(leaves), found.codes, (as_text(leaves), *found.labels[1:]), found.origin)


def _widths(numbers: pa.Array) -> list[str]:
    """Round widths from a twentieth of the range on, each twice the one before."""
    values = numbers.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    values = values[np.isfinite(values)]
    span = float(values.max() - values.min()) if len(values) else 0.0
    if not 0 < span < 10**12:
        return []
    exponent = floor(log10(span / _BINS))
    narrow = next(
        step * 10**power
        for power in (exponent, exponent + 1)
        for step in (1, 2, 5)
        if span / (step * 10.0**power) <= _BINS
    )
    units = round(narrow * 10**DECIMALS)
    if pa.types.is_integer(numbers.type):
        units = max(units, 2 * 10**DECIMALS)
    widths = []
    while 0 < units < span * 10**DECIMALS:
        widths.append(from_millionths(units) or "")
        units *= 2
    return [width for width in widths if width]
