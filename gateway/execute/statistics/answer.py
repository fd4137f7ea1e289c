"""From exact numbers to an answer: noise first, then nothing but arithmetic on what is noisy.

After ``_noisy`` no exact number is looked at any more. HAVING, ORDER BY and LIMIT, averages and
intervals are post-processing, which costs nothing and can use floating point.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.execute.statistics.exact import Exact, Integers, Weights
from gateway.execute.statistics.key_values import key_columns
from gateway.model.statistics import (
    LOWER,
    UPPER,
    Aggregate,
    AnswerColumn,
    Condition,
    Measure,
    QuantileMeasure,
    StatisticsPlan,
)
from gateway.planning.accounting.errors import OUTSIDE, half_width
from gateway.ports import Entropy
from gateway.transform.noise import add_noise, choose_bins, named_groups

_AT_ONCE: Final = 1024

Floats = NDArray[np.float64]


def answer(plan: StatisticsPlan, exact: Exact, entropy: Entropy) -> pa.Table:
    """The answer: groups and aggregates in the question's order, and behind each aggregate two
    columns with the ends of its 95 % interval, null where none is known (quantiles)."""
    groups, noisy = _noisy(plan, exact, entropy)
    columns = dict(key_columns(plan.question, exact.keys, groups))
    for aggregate, part in zip(plan.question.aggregates, plan.parts, strict=True):
        measures = [plan.measures[at] for at in part.measures]
        made = _made(aggregate, measures, [noisy[at] for at in part.measures])
        for suffix, values in zip(("", LOWER, UPPER), made, strict=True):
            name = aggregate.name + suffix
            if name in columns:
                raise ValueError("two columns of an answer have the same name")
            columns[name] = values
    return _processed(plan, pa.table(columns))


def answer_columns(plan: StatisticsPlan) -> tuple[AnswerColumn, ...]:
    """What each column of the answer is."""
    found: list[AnswerColumn] = []
    aggregates = {a.name: a for a in plan.question.aggregates}
    for name in plan.question.outputs:
        aggregate = aggregates.get(name)
        if aggregate is None:
            found.append(AnswerColumn(name=name, role="group"))
            continue
        unit = str(Decimal(1).scaleb(-aggregate.decimals))
        found.append(AnswerColumn(name=name, role="value", unit=unit))
        found.append(AnswerColumn(name=name + LOWER, role="lower", of=name, unit=unit))
        found.append(AnswerColumn(name=name + UPPER, role="upper", of=name, unit=unit))
    return tuple(found)


def _noisy(plan: StatisticsPlan, exact: Exact, entropy: Entropy) -> tuple[Integers, list[Integers]]:
    """Numbers of the groups that are answered, and the noisy measures of these."""
    groups = np.arange(exact.groups)
    if plan.selection is not None:
        if exact.persons is None:
            raise ValueError("groups are selected by their persons, which were not counted")
        groups = np.flatnonzero(named_groups(plan.selection, exact.persons, entropy))
    noisy = []
    for at, measure in enumerate(plan.measures):
        if isinstance(measure, QuantileMeasure):
            noisy.append(_chosen(measure, exact.weights[at], groups, entropy))
        else:
            noisy.append(add_noise(measure.mechanism, exact.measures[at][groups], entropy))
    return groups, noisy


def _chosen(
    measure: QuantileMeasure, weights: Weights, groups: Integers, entropy: Entropy
) -> Integers:
    # A few groups at a time: all bins of all of them need not fit into memory.
    pieces = [groups[at : at + _AT_ONCE] for at in range(0, len(groups), _AT_ONCE)]
    chosen = [choose_bins(measure.mechanism, weights.of(piece), entropy) for piece in pieces]
    return np.concatenate([np.zeros(0, dtype=np.int64), *chosen])


# ---- aggregates ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Interval:
    """Noisy numbers and how far their noise reaches, as floating point."""

    value: Floats
    reach: float

    @property
    def low(self) -> Floats:
        return self.value - self.reach

    @property
    def high(self) -> Floats:
        return self.value + self.reach


def _made(
    aggregate: Aggregate,
    measures: Sequence[Measure | QuantileMeasure],
    noisy: Sequence[Integers],
) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Value, lower and upper end."""
    first = measures[0]
    if isinstance(first, QuantileMeasure):
        values = _middle(first, noisy[0])
        unknown = pa.nulls(len(values), pa.float64())
        return pa.array(values), unknown, unknown
    if len(measures) == 1:
        reach = half_width(first.mechanism)
        ends = (noisy[0], noisy[0] - reach, noisy[0] + reach)
        return tuple(_in_units(end, first.decimals) for end in ends)
    # All of them together hold with 95 %.
    each = OUTSIDE / len(measures)
    parts = [
        _Interval(values.astype(np.float64), float(half_width(measure.mechanism, each)))
        for measure, values in zip(measures, noisy, strict=True)
        if isinstance(measure, Measure)
    ]
    total = measures[1]
    if not isinstance(total, Measure):
        raise TypeError("an average is made of counts and sums")
    if aggregate.kind == "average":
        return _average(total, parts[0], parts[1])
    squares = measures[2]
    if not isinstance(squares, Measure):
        raise TypeError("a variance is made of counts and sums")
    return _spread(aggregate.kind, total, squares.divisor, parts)


def _in_units(values: Integers, decimals: int) -> pa.Array:
    """Whole numbers of units as numbers: exact."""
    whole = pa.array(values)
    if decimals == 0:
        return whole
    return pc.multiply(
        whole.cast(pa.decimal128(19, 0)), pa.scalar(Decimal(1).scaleb(-decimals))
    ).cast(pa.decimal128(38, decimals))


def _middle(measure: QuantileMeasure, bins: Integers) -> Floats:
    width = (measure.upper - measure.lower + 1) / measure.mechanism.bins
    middle = measure.lower + (bins + 0.5) * width - 0.5
    scaled: Floats = np.clip(middle, measure.lower, measure.upper) / 10**measure.decimals
    return scaled


def _quotients(over: _Interval, count: _Interval) -> tuple[Floats, Floats, Floats]:
    """over/count, its least and its greatest; infinite where count may be below one."""
    known = count.low >= 1
    low, high = np.where(known, count.low, 1.0), np.maximum(count.high, 1.0)
    corners = [end / size for end in (over.low, over.high) for size in (low, high)]
    least = np.where(known, np.minimum.reduce(corners), -np.inf)
    greatest = np.where(known, np.maximum.reduce(corners), np.inf)
    return over.value / np.maximum(count.value, 1.0), least, greatest


def _average(
    total: Measure, count: _Interval, summed: _Interval
) -> tuple[pa.Array, pa.Array, pa.Array]:
    found = _quotients(summed, count)
    inside = [np.clip(total.centre + part, total.lower, total.upper) for part in found]
    return tuple(pa.array(part / 10**total.decimals) for part in inside)


def _spread(
    kind: str, total: Measure, divisor: int, parts: Sequence[_Interval]
) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Variance or deviation: mean of the squares less the square of the mean."""
    count, summed, squared = parts
    squares = _Interval(squared.value * divisor, squared.reach * divisor)
    mean, mean_low, mean_high = _quotients(summed, count)
    square, square_low, square_high = _quotients(squares, count)
    nearest = np.where(
        (mean_low <= 0) & (mean_high >= 0), 0.0, np.minimum(mean_low**2, mean_high**2)
    )
    farthest = np.maximum(mean_low**2, mean_high**2)
    with np.errstate(invalid="ignore"):
        found = [square - mean**2, square_low - farthest, square_high - nearest]
    if not kind.endswith("_population"):
        # n/(n − 1), which is more than 1 and falls with n
        sizes = [count.value, count.high, count.low]
        found = [f * _bessel(size) for f, size in zip(found, sizes, strict=True)]
    most = ((total.upper - total.lower) / 2) ** 2
    if not kind.endswith("_population"):
        most *= 2
    found = [np.clip(np.nan_to_num(f, nan=0.0, posinf=most, neginf=0.0), 0.0, most) for f in found]
    scale = 10.0 ** (2 * total.decimals)
    found = [f / scale for f in found]
    if kind.startswith("deviation"):
        found = [np.sqrt(f) for f in found]
    return tuple(pa.array(f) for f in found)


def _bessel(size: Floats) -> Floats:
    held = np.maximum(size, 2.0)
    factor: Floats = held / (held - 1)
    return factor


# ---- on the noisy answer -------------------------------------------------------------------------

_HOLDS: Final[dict[str, Callable[[pa.Array, pa.Scalar], pa.Array]]] = {
    "=": pc.equal,
    "<>": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


def _processed(plan: StatisticsPlan, table: pa.Table) -> pa.Table:
    question = plan.question
    for condition in question.having:
        table = table.filter(_held(table, condition))
    if question.order:
        place = "\0place"
        ordered = table.append_column(place, pa.array(range(table.num_rows), pa.int64()))
        keys = [(o.output, "descending" if o.descending else "ascending") for o in question.order]
        indices = pc.sort_indices(ordered, sort_keys=[*keys, (place, "ascending")])
        table = table.take(indices)
    if question.limit is not None:
        table = table.slice(0, question.limit)
    return table.select([column.name for column in answer_columns(plan)]).combine_chunks()


def _held(table: pa.Table, condition: Condition) -> pa.Array:
    values = table.column(condition.output)
    if pa.types.is_floating(values.type):
        limit = pa.scalar(float(condition.value), values.type)
    else:
        values = values.cast(pa.decimal128(38, 6))
        limit = pa.scalar(Decimal(condition.value), pa.decimal128(38, 6))
    return _HOLDS[condition.comparison](values, limit)
