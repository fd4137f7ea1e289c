"""What is known of an expression without any data: the range of its values, and their public list.

Ranges come from the catalogue's bounds and from the question's constants. They need not be true of
the data, for values are clamped to them; but they never come from the data.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from gateway.model.exact import DECIMALS
from gateway.model.expressions import Call, ColumnValue, Constant, FunctionName
from gateway.planning.questions.expressions import Tree
from gateway.planning.questions.scope import Scope

_PARTS: Final[dict[FunctionName, tuple[int, int]]] = {
    "quarter": (1, 4),
    "month": (1, 12),
    "day": (1, 31),
    "day_of_week": (0, 6),
    "hour": (0, 23),
    "minute": (0, 59),
}


@dataclass(frozen=True, slots=True)
class Range:
    """From ``low`` to ``high``, and whether the catalogue was asked for it."""

    low: Fraction
    high: Fraction
    catalogue: bool


@dataclass(frozen=True, slots=True)
class Groups:
    """The public list of an expression's values: listed, or whole numbers from first to last."""

    values: tuple[str | None, ...] | None = None
    first: int | None = None
    last: int | None = None


def range_of(value: Tree, scope: Scope) -> Range | None:
    """The range of a number, None when nothing is known of it."""
    if isinstance(value, Constant):
        if value.type not in ("integer", "number"):
            return None
        if value.text is None:
            return Range(Fraction(0), Fraction(0), catalogue=False)
        return Range(Fraction(value.text), Fraction(value.text), catalogue=False)
    if isinstance(value, ColumnValue):
        bounds = scope.of(value).bounds
        if bounds is None:
            return None
        return Range(Fraction(bounds.lower), Fraction(bounds.upper), catalogue=True)
    if value.function in _PARTS:
        low, high = _PARTS[value.function]
        return Range(Fraction(low), Fraction(high), catalogue=False)
    compute = _RANGES.get(value.function)
    return None if compute is None else compute(value, scope)


def _each(value: Call, scope: Scope) -> list[Range] | None:
    found = [range_of(argument, scope) for argument in value.arguments]
    known = [f for f in found if f is not None]
    return known if len(known) == len(found) else None


def _corners(
    value: Call, scope: Scope, combine: Callable[[Fraction, Fraction], Fraction]
) -> Range | None:
    both = _each(value, scope)
    if both is None:
        return None
    a, b = both
    ends = [combine(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    return Range(min(ends), max(ends), a.catalogue or b.catalogue)


def _hull(parts: list[Range] | None) -> Range | None:
    if not parts:
        return None
    return Range(
        min(p.low for p in parts), max(p.high for p in parts), any(p.catalogue for p in parts)
    )


def _negate(value: Call, scope: Scope) -> Range | None:
    inner = range_of(value.arguments[0], scope)
    return None if inner is None else Range(-inner.high, -inner.low, inner.catalogue)


def _abs(value: Call, scope: Scope) -> Range | None:
    inner = range_of(value.arguments[0], scope)
    if inner is None:
        return None
    high = max(abs(inner.low), abs(inner.high))
    low = Fraction(0) if inner.low <= 0 <= inner.high else min(abs(inner.low), abs(inner.high))
    return Range(low, high, inner.catalogue)


def _rounded(value: Call, scope: Scope) -> Range | None:
    inner = range_of(value.arguments[0], scope)
    if inner is None:
        return None
    return Range(Fraction(inner.low.__floor__()), Fraction(inner.high.__ceil__()), inner.catalogue)


def _first(value: Call, scope: Scope) -> Range | None:
    return range_of(value.arguments[0], scope)


def _clamped(value: Call, scope: Scope) -> Range | None:
    _, low, high = value.arguments
    return _hull([r for r in (range_of(low, scope), range_of(high, scope)) if r is not None])


def _buckets(value: Call, scope: Scope) -> Range | None:
    del scope
    groups = groups_of_buckets(value)
    return Range(Fraction(groups[0]), Fraction(groups[1]), catalogue=False)


def _case(value: Call, scope: Scope) -> Range | None:
    results = [range_of(result, scope) for result in _results(value)]
    known = [r for r in results if r is not None]
    return _hull(known) if len(known) == len(results) else None


def _results(value: Call) -> list[Tree]:
    """What a CASE may give. A missing ELSE is null, which counts nowhere: it widens nothing."""
    *branches, otherwise = value.arguments
    results: list[Tree] = list(branches[1::2])
    if not (isinstance(otherwise, Constant) and otherwise.text is None):
        results.append(otherwise)
    return results


_RANGES: Final[dict[FunctionName, Callable[[Call, Scope], Range | None]]] = {
    "+": lambda v, s: _corners(v, s, lambda x, y: x + y),
    "-": lambda v, s: _corners(v, s, lambda x, y: x - y),
    "*": lambda v, s: _corners(v, s, lambda x, y: x * y),
    "negate": _negate,
    "abs": _abs,
    "floor": _rounded,
    "ceil": _rounded,
    "round": _rounded,
    "to number": _first,
    "to integer": _rounded,
    "nullif": _first,
    "clamp": _clamped,
    "width_bucket": _buckets,
    "case": _case,
    "coalesce": lambda v, s: _hull(_each(v, s)),
    "greatest": lambda v, s: _hull(_each(v, s)),
    "least": lambda v, s: _hull(_each(v, s)),
}


def groups_of_buckets(value: Call) -> tuple[int, int]:
    """The first and last number that WIDTH_BUCKET gives: below, the buckets, at the end or above."""
    count = value.arguments[3]
    return 0, int(count.text or "1") + 1 if isinstance(count, Constant) else 1


def groups_of(value: Tree, scope: Scope) -> Groups | None:
    """The public list of an expression's values; None when they are only in the data."""
    if isinstance(value, ColumnValue):
        return _groups_of_column(value, scope)
    if isinstance(value, Constant):
        return Groups(values=(value.text,))
    if value.type == "boolean":
        return Groups(values=("false", "true"))
    if value.function in _PARTS:
        return Groups(first=_PARTS[value.function][0], last=_PARTS[value.function][1])
    if value.function == "width_bucket":
        first, last = groups_of_buckets(value)
        return Groups(first=first, last=last)
    if value.function == "case":
        results = [*value.arguments[1:-1:2], value.arguments[-1]]
        if all(isinstance(result, Constant) for result in results):
            texts = [result.text for result in results if isinstance(result, Constant)]
            return Groups(values=tuple(dict.fromkeys(texts)))
    return None


def _groups_of_column(value: ColumnValue, scope: Scope) -> Groups | None:
    column = scope.of(value)
    if column.groups:
        return Groups(values=column.groups)
    if value.type == "boolean":
        return Groups(values=("false", "true"))
    if value.type == "integer" and column.bounds is not None:
        low, high = Fraction(column.bounds.lower), Fraction(column.bounds.upper)
        return Groups(first=low.__ceil__(), last=high.__floor__())
    return None


def decimals_of(value: Tree, found: Range, scale: Callable[[ColumnValue], int | None]) -> int:
    """Places of the grid: of whole numbers none, of decimals their own, else so many that a step is
    at most about a hundred-millionth of the range. ``scale``: places of a column of decimals."""
    if value.type == "integer":
        return 0
    if isinstance(value, ColumnValue) and (own := scale(value)) is not None:
        return min(own, DECIMALS)
    widest = max(abs(found.low), abs(found.high), Fraction(1)).__ceil__()
    return max(0, min(DECIMALS, 8 - len(str(widest))))
