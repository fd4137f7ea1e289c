"""Microaggregation: records are put into groups of k and more, and each number becomes the mean of
its group.

Claim. ``together``: records agree in all columns with at least k - 1 others, which is k-anonymity
where these are the only quasi-identifiers. ``separately`` (individual ranking): each column for
itself has every value at least k times; of several columns taken together this says nothing. Means
of columns are kept, up to rounding of doubles; variances become smaller. A null is a value of its
own: records are grouped among those that miss the same cells.

Sources: MDAV, Domingo-Ferrer and Torra, Data Mining and Knowledge Discovery 11 (2005) 195-212, its
generic form of fixed size; the optimal grouping of one column, Hansen and Mukherjee, IEEE TKDE 15
(2003) 1043-1044.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.errors import InvalidRequest

BLOCK: Final = 4096
"""MDAV's work grows with the square of the records: larger tables are first halved, along their
widest column, until the parts have at most so many."""

RUN: Final = 1024
"""One column is grouped optimally within runs of so many consecutive values, all runs at once."""

Numbers = NDArray[np.float64]
Groups = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Microaggregated:
    """The table with means in place of numbers (doubles), and for each column the groups.

    ``information_loss``: the share of the columns' variance that is lost, within-group squares over
    all squares of the standardised columns: 0 nothing, 1 everything. ``blanked``: cells that had to
    become null because fewer than k records missed the same cells.
    """

    table: pa.Table
    groups: dict[str, Groups]
    information_loss: float
    blanked: int


def microaggregate(
    table: pa.Table,
    columns: Sequence[str],
    k: int,
    *,
    grouping: Literal["together", "separately"] = "together",
) -> Microaggregated:
    """Puts the means of groups of k to 2k - 1 records in place of the numbers of ``columns``.

    `InvalidRequest` for a column that is unknown, named twice, no number or not finite, for k below
    2 and for a table of fewer than k records.
    """
    numbers = _numbers(table, columns)
    if k < 2:
        raise InvalidRequest.of("k", "is 2 or more")
    if table.num_rows < k:
        raise InvalidRequest.of("k", "is larger than the table: take a smaller one")
    parts = [list(columns)] if grouping == "together" else [[name] for name in columns]
    groups: dict[str, Groups] = {}
    lost = whole = 0.0
    blanked = 0
    for part in parts:
        values = np.column_stack([numbers[name] for name in part])
        blanked += _blank_rare_patterns(values, k)
        scaled = _standardised(values)
        found = _grouped(scaled, k)
        lost += _within(scaled, found)
        whole += float(np.nansum(scaled**2))
        means = _means(values, found)
        for place, name in enumerate(part):
            groups[name] = found
            at = table.schema.get_field_index(name)
            column = pa.array(means[:, place], mask=np.isnan(means[:, place]))
            table = table.set_column(at, pa.field(name, pa.float64()), column)
    return Microaggregated(table, groups, lost / whole if whole else 0.0, blanked)


def mdav(values: Numbers, k: int) -> Groups:
    """A group number for each row of ``values`` (rows, columns); groups of k to 2k - 1 rows.

    Euclidean distance, so columns should have been brought to one scale; no nulls; at least k rows.
    """
    _check_enough(values, k)
    groups = np.empty(len(values), np.int64)
    made = 0
    for rows in _blocks(values, np.arange(len(values)), max(BLOCK, 2 * k)):
        numbered, count = _mdav_block(values[rows], k)
        groups[rows] = numbered + made
        made += count
    return groups


def _mdav_block(values: Numbers, k: int) -> tuple[Groups, int]:
    groups = np.empty(len(values), np.int64)
    left = np.arange(len(values))
    made = 0
    while len(left) >= 3 * k:
        farthest = int(_distances(values[left], values[left].mean(axis=0)).argmax())
        for _ in range(2):
            # the second group is around the row that is farthest from the first group's
            distances = _distances(values[left], values[left[farthest]])
            near = np.argpartition(distances, k - 1)[:k]
            groups[left[near]] = made
            made += 1
            distances[near] = -1
            keep = np.ones(len(left), bool)
            keep[near] = False
            farthest = int(np.count_nonzero(keep[: distances.argmax()]))
            left = left[keep]
    if len(left) >= 2 * k:
        farthest = int(_distances(values[left], values[left].mean(axis=0)).argmax())
        distances = _distances(values[left], values[left[farthest]])
        near = np.argpartition(distances, k - 1)[:k]
        groups[left[near]] = made
        made += 1
        left = np.delete(left, near)
    groups[left] = made
    return groups, made + 1


def _distances(values: Numbers, point: Numbers) -> Numbers:
    away = values - point
    squares: Numbers = np.einsum("ij,ij->i", away, away)
    return squares


def _blocks(values: Numbers, rows: Groups, most: int) -> list[Groups]:
    if len(rows) <= most:
        return [rows]
    part = values[rows]
    widest = int(np.argmax(np.ptp(part, axis=0)))
    order = np.argsort(part[:, widest], kind="stable")
    half = len(rows) // 2
    return [
        *_blocks(values, rows[order[:half]], most),
        *_blocks(values, rows[order[half:]], most),
    ]


def optimal_groups(values: Numbers, k: int) -> Groups:
    """Group numbers of one column (rows,), least squares within; groups of k to 2k - 1 rows.

    Proven least up to `RUN` rows or 2k, whichever is more; beyond that within each run.
    """
    _check_enough(values, k)
    order = np.argsort(values, kind="stable")
    runs = max(1, len(values) // max(RUN, 2 * k))
    starts = np.arange(runs + 1) * len(values) // runs
    ends = _run_ends(values[order], starts, k)
    groups = np.empty(len(values), np.int64)
    groups[order] = np.cumsum(ends) - ends
    return groups


def _check_enough(values: Numbers, k: int) -> None:
    if len(values) < k:
        raise ValueError("fewer rows than a group has")


def _run_ends(ordered: Numbers, starts: Groups, k: int) -> Groups:
    """1 where a group's last row is, 0 elsewhere: the shortest path over all runs at once."""
    sizes = np.diff(starts)
    runs, longest = len(sizes), int(sizes.max())
    places = np.minimum(starts[:-1, None] + np.arange(longest), len(ordered) - 1)
    # moved to each run's mean: differences of sums of squares lose their digits far from zero
    held = ordered[places]
    held = held - held.mean(axis=1, keepdims=True)
    sums = np.concatenate([np.zeros((runs, 1)), np.cumsum(held, axis=1)], axis=1)
    squares = np.concatenate([np.zeros((runs, 1)), np.cumsum(held**2, axis=1)], axis=1)
    cost = np.full((runs, longest + 1), np.inf)
    cost[:, 0] = 0
    taken = np.zeros((runs, longest + 1), np.int64)
    for end in range(k, longest + 1):
        lengths = np.arange(k, min(2 * k - 1, end) + 1)
        begins = end - lengths
        total = sums[:, [end]] - sums[:, begins]
        within = squares[:, [end]] - squares[:, begins] - total**2 / lengths
        paths = cost[:, begins] + np.maximum(within, 0)
        best = paths.argmin(axis=1)
        cost[:, end] = paths[np.arange(runs), best]
        taken[:, end] = lengths[best]
    ends = np.zeros(len(ordered), np.int64)
    at = sizes.copy()
    while (at > 0).any():
        active = np.flatnonzero(at > 0)
        ends[starts[active] + at[active] - 1] = 1
        at[active] -= taken[active, at[active]]
    return ends


def _grouped(scaled: Numbers, k: int) -> Groups:
    """Groups within each pattern of nulls; every pattern has k rows or more by now."""
    missing = np.isnan(scaled)
    _, pattern = np.unique(missing, axis=0, return_inverse=True)
    groups = np.empty(len(scaled), np.int64)
    made = 0
    for number in range(int(pattern.max()) + 1):
        rows = np.flatnonzero(pattern == number)
        there = ~missing[rows[0]]
        if not there.any():
            groups[rows] = made
            made += 1
            continue
        part = scaled[rows][:, there]
        found = optimal_groups(part[:, 0], k) if part.shape[1] == 1 else mdav(part, k)
        groups[rows] = found + made
        made += int(found.max()) + 1
    return groups


def _blank_rare_patterns(values: Numbers, k: int) -> int:
    """Makes every pattern of nulls one of k rows or more by blanking cells in place; how many."""
    before = int(np.isnan(values).sum())
    while True:
        missing = np.isnan(values)
        patterns, inverse, counts = np.unique(
            missing, axis=0, return_inverse=True, return_counts=True
        )
        rare = counts < k
        if not rare.any():
            return int(missing.sum()) - before
        if not patterns[rare].all():
            values[rare[inverse.ravel()]] = np.nan
            continue
        # only the rows without any number are too few: those farthest from the middle join them
        donor, short = counts.argmax(), k - counts[rare].sum()
        rows = np.flatnonzero(inverse.ravel() == donor)
        if counts[donor] - short >= k:
            there = _standardised(values[rows][:, ~patterns[donor]])
            rows = rows[np.argsort(_distances(there, np.zeros(there.shape[1])))[-short:]]
        values[rows] = np.nan


def _standardised(values: Numbers) -> Numbers:
    with np.errstate(invalid="ignore", divide="ignore"):
        there = ~np.isnan(values)
        count = np.maximum(there.sum(axis=0), 1)
        centred = values - np.nansum(values, axis=0) / count
        deviation = np.sqrt(np.nansum(centred**2, axis=0) / count)
    scaled: Numbers = centred / np.where(deviation > 0, deviation, 1)
    return scaled


def _means(values: Numbers, groups: Groups) -> Numbers:
    counts = np.bincount(groups)
    # around the column's first value, so that equal numbers have exactly themselves as their mean
    means = np.full(values.shape, np.nan)
    for place in range(values.shape[1]):
        column = values[:, place]
        there = ~np.isnan(column)
        if there.any():
            base = column[there][0]
            sums = np.bincount(groups, np.where(there, column - base, 0))
            means[there, place] = (sums / counts + base)[groups[there]]
    return means


def _within(scaled: Numbers, groups: Groups) -> float:
    return float(np.nansum((scaled - _means(scaled, groups)) ** 2))


def _numbers(table: pa.Table, columns: Sequence[str]) -> dict[str, Numbers]:
    if not columns or len(set(columns)) != len(columns):
        raise InvalidRequest.of("columns", "at least one, and none named twice")
    found = {}
    for name in columns:
        if table.schema.names.count(name) != 1:
            raise InvalidRequest.of(name, "is not a column of the table, or stands there twice")
        kind = table.schema.field(name).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise InvalidRequest.of(name, f"is {kind}; microaggregation takes numbers")
        column = table.column(name).cast(pa.float64(), safe=False)
        if not pc.all(pc.is_finite(column), min_count=0).as_py():
            raise InvalidRequest.of(name, "holds a number that is not finite")
        # as copies: rare patterns of nulls are blanked in place
        found[name] = np.array(column.to_numpy())
    return found
