"""Cuts classes in two along a column, wherever both parts keep the goal and it costs less.

Mergers leave classes that are larger than the goal needs when it is about distributions: here they
are taken apart again, all classes at once, each along the column that costs it most, then the next,
as top-down partitioning does (LeFevre, DeWitt & Ramakrishnan, "Mondrian", ICDE 2006), until no cut
is left that keeps the goal.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from gateway.transform.anonymize.grouping import Failing, Ids, Points, numbered

_MOST_ROUNDS: Final = 200


def split(
    points: Points, classes: Ids, k: int, failing: Failing, go_on: Callable[[int], bool]
) -> Ids:
    """A partition that costs no more, its classes parts of those given; at least ``k`` records each.

    ``go_on``: whether to begin a round, by its number.
    """
    columns = len(points.axes)
    idle = 0
    for turn in range(_MOST_ROUNDS):
        if idle == columns or not go_on(turn):
            break
        cut = _cut(points, classes, k, idle)
        kept = cut if cut is None else _kept(points, classes, cut, failing)
        if kept is None:
            idle += 1
        else:
            classes, idle = kept, 0
    return classes


def _cut(points: Points, classes: Ids, k: int, rank: int) -> Ids | None:
    """Each class in two along the column that is ``rank``-th in what it costs: numbers of classes
    as given, and for the upper parts those after them. None where no class can be cut."""
    low, high = points.spans(classes)
    number = len(low)
    costs = np.stack(
        [axis.cost(low[:, at], high[:, at]) for at, axis in enumerate(points.axes)], axis=1
    )
    column = np.argsort(-costs, axis=1, kind="stable")[:, rank]
    open_ = (costs[np.arange(number), column] > 0) & (points.sizes(classes) >= 2 * k)
    own = points.places[np.arange(len(classes)), column[classes]]
    order = np.lexsort((own, classes))
    order = order[open_[classes[order]]]
    if not len(order):
        return None
    cls, place = classes[order], own[order]
    counts = points.counts[order]
    upto = np.cumsum(counts)
    first = np.flatnonzero(np.diff(cls, prepend=-1))
    before = (upto - counts)[first][np.cumsum(np.diff(cls, prepend=-1) > 0) - 1]
    sizes = points.sizes(classes)[cls]
    below = upto - before
    # a cut is behind a member whose successor has another place, and leaves k on both sides
    ends = np.append((place[1:] != place[:-1]) & (cls[1:] == cls[:-1]), False)
    fits = ends & (below >= k) & (sizes - below >= k)
    if not fits.any():
        return None
    off = np.where(fits, np.abs(2 * below - sizes), np.iinfo(np.int64).max)
    nearest = np.lexsort((off, cls))[first]
    nearest = nearest[fits[nearest]]
    border = np.full(number, np.iinfo(np.int32).max, np.int64)
    border[cls[nearest]] = place[nearest]
    upper = own > border[classes]
    return np.where(upper, classes + number, classes)


def _kept(points: Points, classes: Ids, cut: Ids, failing: Failing) -> Ids | None:
    """The cuts after which both parts pass and cost less than the whole; None where none is."""
    number = int(classes.max()) + 1
    parts = numbered(cut)
    low, high = points.spans(parts)
    totals = points.cost(low, high).astype(np.float64) * points.sizes(parts)
    fails = failing(parts)
    parent = np.empty(len(totals), np.int64)
    parent[parts] = classes
    after = np.bincount(parent, weights=totals, minlength=number)
    broken = np.bincount(parent, weights=fails, minlength=number) > 0
    low, high = points.spans(classes)
    before = points.cost(low, high).astype(np.float64) * points.sizes(classes)
    good = ~broken & (after < before - 1e-4)
    good &= np.bincount(parent, minlength=number) == 2
    return numbered(np.where(good[classes], cut, classes)) if good.any() else None
