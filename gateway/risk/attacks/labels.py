"""What a published value may stand for: which values of the original it covers.

A label covers a value when it is the value itself, an ancestor of it in the column's hierarchy, a
range or set that it lies in, a mask or an abbreviated date that it fits, or nothing but ``*``.
Ranges are read as this gateway and the tools of the field write them: ``[10, 20)``, ``[10, 20[``,
``20–29``, ``20-29``, ``<18``, ``≥90``; sets ``{a, b}``; masks ``138****5678``; dates ``2024-03``,
``2024-Q1``, ``2024``, ``2020–2024``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.risk.attacks.arrays import Indices, Shares, expand, index_in, unique_sorted

_NUMBER: Final = r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_DAY: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_SHORT_DATE: Final = r"^[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}.*)?|-Q[1-4])?$"
_BRACKETS: Final = (
    r"^(?P<open>[\[\]\(])\s*(?P<low>{end})\s*[,;]\s*(?P<high>{end})\s*(?P<close>[\[\]\)])$"
)
_DASHED: Final = r"^(?P<low>{end})\s*(?:[-–—]|\.\.|to)\s*(?P<high>{end})$"
_BELOW: Final = r"^(?P<sign><=|<|≤)\s*(?P<high>{end})$"
_ABOVE: Final = r"^(?P<sign>>=|>|≥)\s*(?P<low>{end})$"
_WILD: Final = ("*", "")
_MOST_SHAPES: Final = 500
"""Masks are understood by their shape, the places that are hidden; more shapes are no masking."""


@dataclass(frozen=True, slots=True)
class Domain:
    """The distinct values of one column of the original, in the forms that labels speak of.

    ``values``: text, null as null. ``numbers``: the values as numbers, days since 1970 for dates,
    NaN where there is none.
    """

    values: pa.Array
    numbers: Shares
    dates: bool

    @classmethod
    def of(cls, column: pa.Array) -> "Domain":
        kind = column.type
        if pa.types.is_temporal(kind):
            days = column.cast(pa.timestamp("s"), safe=False).cast(pa.date32(), safe=False)
            return cls(days.cast(pa.string()), _floats(days.cast(pa.int32())), True)
        if pa.types.is_boolean(kind):
            return cls(column.cast(pa.string()), np.full(len(column), np.nan), False)
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return cls(as_text(column), _floats(column.cast(pa.float64(), safe=False)), False)
        text = as_text(column)
        days = _days(text)
        known = ~np.isnan(days)
        if known.any() and known[pc.is_valid(text).to_numpy(zero_copy_only=False)].all():
            return cls(text, days, True)
        return cls(text, _numbers(text), False)


@dataclass(frozen=True, slots=True)
class Ranges:
    """Labels read as ranges: the indices of those that are, and what they cover.

    ``low`` and ``high`` are the ends; an open end excludes its bound.
    """

    labels: Indices
    low: Shares
    high: Shares
    low_open: NDArray[np.bool_]
    high_open: NDArray[np.bool_]


def as_text(column: pa.Array) -> pa.Array:
    """Values as this gateway writes them; whole floats without a point, so that 39.0 is 39."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):
        column = column.cast(pa.float64())
        whole = pc.equal(column, pc.floor(column))
        fits = pc.and_(whole, pc.less(pc.abs(column), 2.0**53))
        short = pc.if_else(fits, column, None).cast(pa.int64()).cast(pa.string())
        return pc.coalesce(short, column.cast(pa.string()))
    return column.cast(pa.string())


def ranges(labels: pa.Array, *, dates: bool) -> Ranges:
    """The labels that are ranges of numbers, or of days where the column holds dates."""
    if dates:
        spans = [_ranges(labels, _DAY, _days), _ranges(labels, "[0-9]{4}", _first_days)]
        spans[1] = _whole_years(spans[1])
    else:
        spans = [_ranges(labels, _NUMBER, _numbers)]
    return Ranges(
        np.concatenate([span.labels for span in spans]),
        np.concatenate([span.low for span in spans]),
        np.concatenate([span.high for span in spans]),
        np.concatenate([span.low_open for span in spans]),
        np.concatenate([span.high_open for span in spans]),
    )


def nodes(hierarchy: pa.Table) -> pa.Array:
    """Every label of a hierarchy, once; the leaves are among them."""
    return pa.concat_arrays([column.combine_chunks() for column in hierarchy.columns]).unique()


def wildcards(labels: pa.Array) -> Indices:
    """Labels that stand for anything."""
    return np.flatnonzero(flags(pc.is_in(labels, value_set=pa.array(_WILD))))


def covered(
    domain: Domain,
    labels: pa.Array,
    hierarchy: pa.Table | None,
    *,
    null_is_value: bool,
    plain: bool = False,
) -> tuple[Indices, Indices]:
    """Every pair (value, label) where the label covers the value, sorted, once each.

    ``labels`` is distinct text that may hold a null. A null label is a suppressed cell and covers
    everything, unless ``null_is_value``; a null value is covered by null and ``*`` alone. ``plain``: the labels
    were no text when they were published, so they are values and nothing else.
    """
    pairs = [_same(domain, labels), _anything(domain, labels, null_is_value)]
    if hierarchy is not None:
        pairs.extend(_ancestors(domain.values, labels, hierarchy))
        # A hierarchy decides what its labels cover: in one that is in use, 15-19 holds 20 as well.
        labels = pc.if_else(pc.is_in(labels, value_set=nodes(hierarchy)), None, labels)
    if not plain:
        pairs.append(_inside(domain, labels))
        pairs.append(_of_sets(domain.values, labels))
        pairs.extend(_masked(domain.values, labels))
        if domain.dates:
            pairs.extend(_abbreviated(domain.values, labels))
    width = max(len(labels), 1)
    keys = unique_sorted(np.concatenate([value * width + label for value, label in pairs]))
    return keys // width, keys % width


def understood(domain: Domain, labels: pa.Array, hierarchy: pa.Table | None) -> NDArray[np.bool_]:
    """Labels that can be told apart from noise: a null, a value of the original, a node of the
    hierarchy, or of one of the forms above."""
    known = flags(pc.or_(pc.is_null(labels), pc.is_in(labels, value_set=domain.values)))
    if hierarchy is not None:
        known |= flags(pc.is_in(labels, value_set=nodes(hierarchy)))
    known[ranges(labels, dates=domain.dates).labels] = True
    known |= flags(pc.match_substring_regex(labels, r"^\{.*\}$|\*"))
    if domain.dates:
        known |= flags(pc.match_substring_regex(labels, _SHORT_DATE))
    elif not np.isnan(domain.numbers).all():
        known |= ~np.isnan(_numbers(labels))
    known[wildcards(labels)] = True
    return known


def flags(column: pa.Array) -> NDArray[np.bool_]:
    """A column of booleans as NumPy has them, null as false."""
    filled: NDArray[np.bool_] = pc.fill_null(column, False).to_numpy(zero_copy_only=False)
    return filled


def _floats(column: pa.Array) -> Shares:
    numbers: Shares = pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy(
        zero_copy_only=False
    )
    return numbers


def _numbers(text: pa.Array) -> Shares:
    fits = pc.match_substring_regex(text, f"^\\s*{_NUMBER}\\s*$")
    return _floats(pc.utf8_trim_whitespace(pc.if_else(fits, text, None)).cast(pa.float64()))


def _days(text: pa.Array) -> Shares:
    """Days since 1970 of ISO dates and moments; NaN for what is none."""
    fits = pc.match_substring_regex(text, f"^{_DAY}(?:[T ].*)?$")
    days = pc.utf8_slice_codeunits(pc.if_else(fits, text, None), 0, 10)
    moments = pc.strptime(days, format="%Y-%m-%d", unit="s", error_is_null=True)
    return _floats(moments.cast(pa.date32()).cast(pa.int32()))


def _first_days(years: pa.Array) -> Shares:
    return _days(pc.binary_join_element_wise(years, "01", "01", "-"))


def _whole_years(span: Ranges) -> Ranges:
    """Ranges of years, given by the first day of each, with the last year to its end."""
    last = (span.high.astype("datetime64[D]").astype("datetime64[Y]") + 1).astype("datetime64[D]")
    ends = np.where(span.high_open, span.high, last.astype(np.float64))
    return Ranges(span.labels, span.low, ends, span.low_open, np.ones(len(ends), np.bool_))


def _ranges(labels: pa.Array, end: str, read: Callable[[pa.Array], Shares]) -> Ranges:
    """Labels whose ends match ``end``; ``read`` makes numbers of the ends."""
    found: list[tuple[Indices, Shares, Shares, NDArray[np.bool_], NDArray[np.bool_]]] = []
    for form in (_BRACKETS, _DASHED, _BELOW, _ABOVE):
        parts = pc.extract_regex(labels, form.replace("{end}", end))
        where = np.flatnonzero(flags(pc.is_valid(parts)))
        if not len(where):
            continue
        parts = parts.take(pa.array(where))
        names = {field.name for field in parts.type}
        count = len(where)
        low = read(parts.field("low")) if "low" in names else np.full(count, -np.inf)
        high = read(parts.field("high")) if "high" in names else np.full(count, np.inf)
        low_open = _is_one_of(parts, "open", ("(", "]"), count)
        high_open = _is_one_of(parts, "close", (")", "["), count)
        strict = _is_one_of(parts, "sign", ("<", ">"), count)
        found.append((where, low, high, low_open | strict, high_open | strict))
    empty = (np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0, bool), np.empty(0, bool))
    columns = [np.concatenate([form[part] for form in [empty, *found]]) for part in range(5)]
    usable = ~(np.isnan(columns[1]) | np.isnan(columns[2]))
    return Ranges(*(column[usable] for column in columns))


def _is_one_of(parts: pa.Array, name: str, signs: tuple[str, ...], count: int) -> NDArray[np.bool_]:
    if name not in {field.name for field in parts.type}:
        return np.zeros(count, np.bool_)
    return flags(pc.is_in(parts.field(name), value_set=pa.array(signs)))


def _same(domain: Domain, labels: pa.Array) -> tuple[Indices, Indices]:
    """Equal as text, or as numbers: 39 is 39.0."""
    value, label = index_in(domain.values, labels)
    if domain.dates or np.isnan(domain.numbers).all():
        return value, label
    numbers = _numbers(labels)
    known = np.flatnonzero(~np.isnan(domain.numbers))
    ours, theirs = index_in(pa.array(domain.numbers[known]), pa.array(numbers, from_pandas=True))
    return np.concatenate([value, known[ours]]), np.concatenate([label, theirs])


def _anything(domain: Domain, labels: pa.Array, null_is_value: bool) -> tuple[Indices, Indices]:
    """Stars cover every value; nulls do, or cover nulls alone."""
    count = len(domain.values)
    nulls = np.flatnonzero(flags(pc.is_null(labels)))
    missing = np.flatnonzero(flags(pc.is_null(domain.values)))
    wild = wildcards(labels)
    alone, everything = (nulls, wild) if null_is_value else (nulls[:0], np.append(wild, nulls))
    return (
        np.append(np.repeat(np.arange(count), len(everything)), np.repeat(missing, len(alone))),
        np.append(np.tile(everything, count), np.tile(alone, len(missing))),
    )


def _ancestors(
    values: pa.Array, labels: pa.Array, hierarchy: pa.Table
) -> Iterator[tuple[Indices, Indices]]:
    leaf_of, row = index_in(values, hierarchy.column(0).combine_chunks())
    for level in range(1, hierarchy.num_columns):
        named, label = index_in(
            hierarchy.column(level).combine_chunks().take(pa.array(row)), labels
        )
        yield leaf_of[named], label


def _inside(domain: Domain, labels: pa.Array) -> tuple[Indices, Indices]:
    """Values in ranges: those between two places of their sorted order."""
    spans = ranges(labels, dates=domain.dates)
    known = np.flatnonzero(~np.isnan(domain.numbers))
    order = known[np.argsort(domain.numbers[known], kind="stable")]
    ordered = domain.numbers[order]
    start = np.where(
        spans.low_open,
        np.searchsorted(ordered, spans.low, "right"),
        np.searchsorted(ordered, spans.low, "left"),
    )
    stop = np.where(
        spans.high_open,
        np.searchsorted(ordered, spans.high, "left"),
        np.searchsorted(ordered, spans.high, "right"),
    )
    which, place = expand(start, np.maximum(stop - start, 0))
    return order[place], spans.labels[which]


def _of_sets(values: pa.Array, labels: pa.Array) -> tuple[Indices, Indices]:
    where = np.flatnonzero(flags(pc.match_substring_regex(labels, r"^\{.*\}$")))
    inner = pc.utf8_slice_codeunits(labels.take(pa.array(where)), 1, -1)
    members = pc.split_pattern_regex(inner, r"\s*,\s*")
    label = where[pc.list_parent_indices(members).to_numpy()]
    flat = pc.utf8_trim_whitespace(pc.list_flatten(members))
    distinct = flat.unique()
    value, member = index_in(values, distinct)
    # From the distinct members to every set that holds them
    code = pc.index_in(flat, value_set=distinct).to_numpy(zero_copy_only=False).astype(np.int64)
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], member, "left")
    counts = np.searchsorted(code[order], member, "right") - starts
    which, place = expand(starts, counts)
    return value[which], label[order[place]]


def _masked(values: pa.Array, labels: pa.Array) -> Iterator[tuple[Indices, Indices]]:
    """Masks by shape: the same places hidden in the values gives the same text."""
    hidden = pc.replace_substring_regex(labels, r"[^*]", "-")
    some = flags(pc.match_substring_regex(labels, r"\*")) & flags(
        pc.match_substring_regex(labels, r"[^*]")
    )
    where = np.flatnonzero(some)
    if not len(where):
        return
    lengths = pc.utf8_length(values)
    shapes = hidden.take(pa.array(where))
    for shape in shapes.unique().to_pylist()[:_MOST_SHAPES]:
        fitting = np.flatnonzero(flags(pc.equal(lengths, len(shape))))
        of_shape = where[flags(pc.equal(shapes, shape))]
        if not len(fitting):
            continue
        masked = values.take(pa.array(fitting))
        for place in [place for place, sign in enumerate(shape) if sign == "*"]:
            masked = pc.utf8_replace_slice(masked, place, place + 1, "*")
        value, label = index_in(masked, labels.take(pa.array(of_shape)))
        yield fitting[value], of_shape[label]


def _abbreviated(days: pa.Array, labels: pa.Array) -> Iterator[tuple[Indices, Indices]]:
    day = pc.utf8_slice_codeunits(days, 0, 10)
    year, month = pc.utf8_slice_codeunits(days, 0, 4), pc.utf8_slice_codeunits(days, 0, 7)
    number = pc.utf8_slice_codeunits(days, 5, 7).cast(pa.int32())
    quarter = pc.add(pc.divide(pc.subtract(number, 1), 3), 1).cast(pa.string())
    for form in (day, month, year, pc.binary_join_element_wise(year, quarter, "-Q")):
        yield index_in(form, labels)
