"""Merges classes that fail the goal with the neighbours that cost least, until none fails.

Where the goal is about how sensitive values are distributed, cost counts per what the merger does
for that: the records by which both classes deviate from the whole table, less those of the union.
So classes meet that complement each other, and stay small (after the merging of Soria-Comas,
Domingo-Ferrer, Sanchez & Martinez, "t-closeness through microaggregation", IEEE TKDE 27, 2015).

It ends: every round makes at least one class less, and the whole table as one class was seen to
pass before.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.transform.anonymize.grouping import Failing, Ids, Points, apart, numbered
from gateway.transform.anonymize.ladder import Counts
from gateway.transform.anonymize.spans import Costs

_NEIGHBOURS: Final = 96
_CHUNK: Final = 1 << 18


Profiles = Callable[[Ids], NDArray[np.float32]]
"""Of the class of each combination: records of each class (rows) with each sensitive value."""


def merged(
    points: Points,
    classes: Ids,
    failing: Failing,
    tell: Callable[[int], None],
    profiles: Profiles | None = None,
) -> Ids:
    """The partition with failing classes merged; ``tell``: how many still fail. ``profiles``: of
    the columns whose distribution the goal speaks of."""
    turn = 0
    while True:
        fails = failing(classes)
        left = int(np.count_nonzero(fails))
        tell(left)
        if not left:
            return classes
        classes = _round(points, classes, np.flatnonzero(fails), turn, profiles)
        turn += 1


def _round(points: Points, classes: Ids, failing: Ids, turn: int, profiles: Profiles | None) -> Ids:
    low, high = points.spans(classes)
    sizes = points.sizes(classes)
    totals = points.cost(low, high) * sizes
    number = len(sizes)
    surplus = None if profiles is None else _surplus(profiles(classes), sizes)
    order = points.order(low, high, turn)
    position = np.empty(number, np.int64)
    position[order] = np.arange(number)
    width = min(_NEIGHBOURS, number - 1)
    partner = np.empty(len(failing), np.int64)
    dearness: Costs = np.empty(len(failing), np.float32)
    step = max(_CHUNK // max(width, 1) // (1 if surplus is None else surplus.shape[1]), 1)
    for begin in range(0, len(failing), step):
        some = failing[begin : begin + step]
        # a window of neighbours around each, moved inwards at both ends
        start = np.clip(position[some] - width // 2, 0, number - 1 - width)
        near = order[start[:, None] + np.arange(width + 1)]
        union = points.cost(
            np.minimum(low[near], low[some][:, None]), np.maximum(high[near], high[some][:, None])
        )
        more = union * (sizes[near] + sizes[some][:, None]) - totals[near] - totals[some][:, None]
        if surplus is not None:
            more /= _mended(surplus, some, near)
        more[near == some[:, None]] = np.inf
        best = more.argmin(axis=1)
        rows = np.arange(len(some))
        partner[begin : begin + step] = near[rows, best]
        dearness[begin : begin + step] = more[rows, best]
    chosen = apart(failing, partner, dearness, number)
    target = np.arange(number)
    target[failing[chosen]] = partner[chosen]
    return numbered(target[classes])


def _surplus(profiles: NDArray[np.float32], sizes: Counts) -> NDArray[np.float32]:
    """Records of each class and value beyond what the whole table's share would be."""
    whole = profiles.sum(axis=0, dtype=np.float64)
    share = whole / max(int(sizes.sum()), 1)
    return np.asarray(profiles - sizes[:, None] * share, np.float32)


def _mended(surplus: NDArray[np.float32], some: Ids, near: Ids) -> NDArray[np.float32]:
    """By how many records both classes deviate less when they are one; a little for nothing."""
    own = np.maximum(surplus, 0).sum(axis=1)
    union = np.maximum(surplus[near] + surplus[some][:, None], 0).sum(axis=2)
    return np.asarray(np.maximum(own[near] + own[some][:, None] - union, 1e-3), np.float32)
