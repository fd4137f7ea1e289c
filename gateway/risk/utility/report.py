"""The utility report of a release: losses, distributions, associations, and who disappeared."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import combinations
from math import sqrt
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gateway.model.utility import (
    Bar,
    ColumnUtility,
    GroupUtility,
    PairUtility,
    UtilityReport,
)
from gateway.risk.utility.labels import OTHERS, Floats, Relabelled, Whole

_SMALLEST: Final = 20
"""Records of a value or group that is named; smaller ones are others. Fewer would tell of single
people, and of so few no share says anything."""

_BARS: Final = 20
_WARNED: Final = 30
_MOST_PAIRED: Final = 25
"""Columns that are compared in pairs, the first of them: 300 pairs."""

_SURE: Final = 3.0
"""Standard errors beyond which a difference is no chance: one in 700 by chance alone."""

_TWICE: Final = 2.0
"""And so many times as much as others, or it is no matter."""


def utility(
    original: pa.Table,
    released: pa.Table,
    kept: NDArray[np.bool_],
    columns: Sequence[str],
    groups: Sequence[str] = (),
    *,
    smallest: int = _SMALLEST,
) -> UtilityReport:
    """``kept``: which records of ``original`` are in ``released``, which has them in their order.

    ``columns``: quasi-identifiers, what the recoding changed. ``groups``: further columns by whose
    values it is told who lost most. Both tables have both. ``smallest``: records of a value that is
    named. ValueError when the tables do not belong together.
    """
    places = np.flatnonzero(kept)
    if len(kept) != original.num_rows or len(places) != released.num_rows:
        raise ValueError("the released table has not the records that are said to be kept")
    found = {
        name: Relabelled.of(name, original.column(name), released.column(name), places)
        for name in dict.fromkeys((*columns, *groups))
    }
    coded = [found[name] for name in columns]
    record_loss = np.mean([column.cell_loss() for column in coded], axis=0)
    share_out = 1 - len(places) / max(len(kept), 1)
    paired = list(found.values())[:_MOST_PAIRED]
    pairs = [_pair(first, second) for first, second in combinations(paired, 2)]
    hit = [
        group
        for name in found
        for group in _groups(found[name], kept, places, record_loss, smallest)
    ]
    sizes = _class_sizes(coded)
    return UtilityReport(
        left_out=_text(share_out),
        loss=_text(float(record_loss.sum() + len(kept) - len(places)) / max(len(kept), 1)),
        average_class_size=_text(len(kept) / max(len(sizes), 1)),
        discernibility=str(int(sizes @ sizes) + (len(kept) - len(places)) * len(kept)),
        columns=tuple(_column(column, len(kept), smallest) for column in coded),
        association_error=_text(
            _mean([abs(float(p.association_after) - float(p.association_before)) for p in pairs])
        ),
        cross_table_error=_text(_mean([float(p.distance) for p in pairs])),
        pairs=tuple(pairs),
        groups=tuple(hit),
        warnings=_warnings([group for group in hit if group.hit]),
    )


def _text(value: float) -> str:
    return f"{value:.4f}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _class_sizes(columns: Sequence[Relabelled]) -> Whole:
    keys = np.zeros(len(columns[0].exact), np.int64)
    for column in columns:
        # Ranked after each column, so that no number of columns overflows.
        radix = int(column.exact.max(initial=0)) + 1
        _, keys = np.unique(keys * radix + column.exact, return_inverse=True)
    return np.bincount(keys)


def _column(column: Relabelled, rows: int, smallest: int) -> ColumnUtility:
    lost = float(column.cell_loss().sum()) + rows - len(column.label)
    return ColumnUtility(
        column=column.name,
        values_before=len(column.values),
        values_after=len(column.labels),
        unchanged=_text(column.unchanged),
        loss=_text(lost / max(rows, 1)),
        entropy_kept=_text(column.entropy_kept()),
        distance=_text(_variation(column.before(), column.read())),
        before=_bars(column.values, column.before(), rows, smallest),
        after=_bars(column.labels, column.after(), len(column.label), smallest),
    )


def _variation(p: Floats, q: Floats) -> float:
    return float(np.abs(p - q).sum()) / 2


def _bars(labels: Sequence[str], shares: Floats, rows: int, smallest: int) -> tuple[Bar, ...]:
    """The most frequent, in the order of their names where these are numbers; the rest as one."""
    named = np.flatnonzero(shares * rows >= smallest - 0.5)
    named = named[np.argsort(-shares[named], kind="stable")][:_BARS]
    bars = [
        Bar(label=labels[place][:200], share=_text(float(shares[place])))
        for place in named.tolist()
    ]
    with suppress(ValueError):
        bars.sort(key=lambda bar: float(bar.label))
    rest = 1 - float(shares[named].sum())
    if len(named) < len(labels) and rest > 0:
        bars.append(Bar(label=OTHERS, share=_text(rest)))
    return tuple(bars)


def _pair(first: Relabelled, second: Relabelled) -> PairUtility:
    before = _crossed(first.value, second.value, len(first.values), len(second.values))
    after = _crossed(first.label, second.label, len(first.labels), len(second.labels))
    read = first.spread().T @ after @ second.spread()
    return PairUtility(
        first=first.name,
        second=second.name,
        association_before=_text(cramers_v(before)),
        association_after=_text(cramers_v(after)),
        distance=_text(_variation(before / before.sum(), read / max(read.sum(), 1))),
    )


def _crossed(first: Whole, second: Whole, rows: int, columns: int) -> Floats:
    cells = np.bincount(first * columns + second, minlength=rows * columns)
    return cells.reshape(rows, columns).astype(np.float64)


def cramers_v(table: Floats) -> float:
    """Association of two categories, 0 to 1, corrected for chance (Bergsma 2013); 0 where a column
    is constant."""
    n = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(n, 1)
    there = expected > 0
    rows, columns = (int((table.sum(axis=axis) > 0).sum()) for axis in (1, 0))
    if n < 2 or min(rows, columns) < 2:
        return 0.0
    chi_square = float((np.square(table - expected)[there] / expected[there]).sum())
    share = max(0.0, chi_square / n - (rows - 1) * (columns - 1) / (n - 1))
    most = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return min(1.0, sqrt(share / most)) if most > 0 else 0.0


def _groups(
    column: Relabelled, kept: NDArray[np.bool_], places: Whole, loss: Floats, smallest: int
) -> list[GroupUtility]:
    """By each value with enough records, and by all others together."""
    size = np.bincount(column.value, minlength=len(column.values))
    named = np.flatnonzero(size >= smallest)
    number = np.full(len(column.values), len(named))
    number[named] = np.arange(len(named))
    group = number[column.value]
    records = np.bincount(group, minlength=len(named) + 1)
    out = np.bincount(group[~kept], minlength=len(named) + 1)
    lost = _summed(group[places], loss, len(named) + 1)
    squares = _summed(group[places], loss * loss, len(named) + 1)
    labels = [*(column.values[place] for place in named), OTHERS]
    found = []
    for place, label in enumerate(labels):
        if not records[place] or (place == len(named) and records[place] < smallest):
            continue
        here = records[place] - out[place]
        found.append(
            GroupUtility(
                column=column.name,
                value=label[:200],
                share=_text(records[place] / len(kept)),
                left_out=_text(out[place] / records[place]),
                loss=_text(lost[place] / here if here else 1.0),
                hit=_hit_by_suppression(out, records, place)
                or _hit_by_generalisation(lost, squares, records - out, place),
            )
        )
    return found


def _summed(group: Whole, weights: Floats, groups: int) -> Floats:
    return np.bincount(group, weights=weights, minlength=groups).astype(np.float64)


def _hit_by_suppression(out: Whole, records: Whole, place: int) -> bool:
    """Whether a larger share of the group was left out than of everybody else (a test of two
    shares)."""
    mine, others = int(records[place]), int(records.sum() - records[place])
    if not others:
        return False
    share, elsewhere = out[place] / mine, (out.sum() - out[place]) / others
    both = out.sum() / (mine + others)
    error = sqrt(both * (1 - both) * (1 / mine + 1 / others))
    return bool(share > _TWICE * elsewhere and share - elsewhere > _SURE * error)


def _hit_by_generalisation(lost: Floats, squares: Floats, kept: Whole, place: int) -> bool:
    """Whether those of the group who stayed lost more than everybody else who stayed."""
    mine, others = int(kept[place]), int(kept.sum() - kept[place])
    if not mine or not others:
        return False
    mean, elsewhere = lost[place] / mine, (lost.sum() - lost[place]) / others
    spread = max(float(squares.sum() / kept.sum() - (lost.sum() / kept.sum()) ** 2), 0.0)
    error = sqrt(spread * (1 / mine + 1 / others))
    return bool(mean > _TWICE * elsewhere and mean - elsewhere > _SURE * error)


def _warnings(hit: list[GroupUtility]) -> tuple[str, ...]:
    """The worst first."""
    ordered = sorted(hit, key=lambda group: (-float(group.left_out), -float(group.loss)))
    told = [_warning(group) for group in ordered[:_WARNED]]
    if len(ordered) > _WARNED:
        told.append(f"{len(ordered) - _WARNED} more groups are hit more than others")
    return tuple(told)


def _warning(group: GroupUtility) -> str:
    named = f"{group.column} = {group.value}"[:120]
    return (
        f"{named}: {float(group.left_out):.1%} left out, loss {float(group.loss):.2f}: hit more "
        "than others"
    )
