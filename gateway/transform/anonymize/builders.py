"""Ladders made of rules: intervals of numbers, spans of dates, masked characters, administrative
codes. Values are the distinct ones of a column, with its type; a null among them is left out here,
for a search adds it where it occurs."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import InvalidRequest
from gateway.model.exact import from_millionths, millionths
from gateway.model.transforms import BinNumber, DateLevel, GeneralizeDate
from gateway.transform.anonymize.ladder import ROOT, Ladder
from gateway.transform.base import Resources, as_text
from gateway.transform.dates import GeneralizeDateColumn
from gateway.transform.numbers import BinNumberColumn

_SPANS: Final[tuple[DateLevel, ...]] = ("month", "quarter", "year", "five_years")
_LONGER: Final = (10, 20)
"""Years; each a multiple of the span before it, and all counted from the year 0."""

_MOST_MASKED: Final = 40
"""Characters; a longer text has no more levels."""

ADMINISTRATIVE: Final = (6, 4, 2)
"""GB/T 2260: six digits of a district, four of its city, two of its province."""


def distinct(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The distinct values of a column, without null."""
    found = column.unique()
    if pa.types.is_dictionary(found.type):
        found = found.dictionary_decode()
    return found.drop_null()


def flat(values: pa.Array) -> Ladder:
    """The value, or nothing of it."""
    return _laddered(values, [], "the value or *")


def intervals(values: pa.Array, widths: Sequence[str], *, origin: str = "0") -> Ladder:
    """Numbers in ever wider ranges, each a multiple of the one before. Decimal text.

    InvalidRequest when they are not: ranges that overlap are no tree.
    """
    units = [millionths(width) for width in widths]
    if not units or units[0] <= 0 or any(wide % narrow for narrow, wide in pairwise(units)):
        raise InvalidRequest.of(
            "intervals", "give widths above 0, each a multiple of the one before it"
        )
    start = from_millionths(millionths(origin) % units[0]) or "0"
    levels = []
    for width in widths:
        spec = BinNumber(width=width, origin=start)
        done = BinNumberColumn(spec, values.type, Resources()).apply(values)
        # A number that fits no range, such as NaN, stays what it is until the root.
        levels.append(pc.coalesce(done.column, as_text(values)))
    return _laddered(values, levels, f"intervals of {', '.join(widths)}")


def dates(values: pa.Array) -> Ladder:
    """Days or moments by month, quarter, year, and 5, 10 and 20 years."""
    if pa.types.is_date64(values.type):
        values = values.cast(pa.date32())
    levels = []
    for span in _SPANS:
        done = GeneralizeDateColumn(GeneralizeDate(to=span), values.type, Resources()).apply(values)
        levels.append(pc.coalesce(done.column, as_text(values)))
    for years in _LONGER:
        first = pc.multiply(pc.divide(pc.year(values), years), years)
        ends = (_year(first), _year(pc.add(first, years - 1)))
        # Where the calendar of the levels below ends, a value stays what it was there.
        longer = pc.if_else(
            pc.equal(levels[-1], as_text(values)),
            levels[-1],
            pc.binary_join_element_wise(*ends, "–"),
        )
        levels.append(longer)
    return _laddered(values, levels, "months, quarters, years, 5, 10 and 20 years")


def _year(years: pa.Array) -> pa.Array:
    return pc.utf8_lpad(years.cast(pa.string()), 4, "0")


def masked(values: pa.Array) -> Ladder:
    """Texts with ever more of their last characters replaced by ``*``; the length stays visible
    until the root."""
    texts = as_text(values)
    lengths = pc.utf8_length(texts)
    longest = min(pc.max(lengths).as_py() or 0, _MOST_MASKED)
    levels = []
    for hidden in range(1, longest):
        shown = pc.max_element_wise(pc.subtract(lengths, hidden), 0)
        kept = _first_characters(texts, shown)
        stars = pc.binary_repeat(ROOT, pc.subtract(lengths, shown))
        levels.append(pc.binary_join_element_wise(kept, stars, ""))
    return _laddered(values, levels, "last characters masked, one more a level")


def codes(values: pa.Array, lengths: Sequence[int] = ADMINISTRATIVE) -> Ladder:
    """Codes of ``lengths[0]`` digits by their first ``lengths[1]``, ``lengths[2]``, … digits, the
    others written as zeros: district, city, province.

    InvalidRequest when a value is not of that many digits, or lengths do not fall.
    """
    if len(lengths) < 2 or any(long <= short for long, short in pairwise(lengths)):
        raise InvalidRequest.of("codes", "give lengths that fall, such as 6, 4, 2")
    texts = as_text(values)
    if not pc.all(pc.match_substring_regex(texts, f"^[0-9]{{{lengths[0]}}}$")).as_py():
        raise InvalidRequest.of("codes", f"a value is not a code of {lengths[0]} digits")
    levels = [
        pc.binary_join_element_wise(
            pc.utf8_slice_codeunits(texts, 0, kept), "0" * (lengths[0] - kept), ""
        )
        for kept in lengths[1:]
    ]
    return _laddered(
        values, levels, f"codes by their first {', '.join(map(str, lengths[1:]))} digits"
    )


def _first_characters(texts: pa.Array, shown: pa.Array) -> pa.Array:
    """Of each text as many characters as are to be shown."""
    result = pc.utf8_slice_codeunits(texts, 0, 0)
    for length in shown.unique().to_pylist():
        part = pc.utf8_slice_codeunits(texts, 0, length)
        result = pc.if_else(pc.equal(shown, length), part, result)
    return result


def _laddered(values: pa.Array, levels: Sequence[pa.Array], origin: str) -> Ladder:
    leaves = as_text(values)
    return Ladder.of_levels([leaves, *levels, pa.repeat(ROOT, len(leaves))], origin)
