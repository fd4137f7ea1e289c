"""A partition of a table's combinations into classes, while a search changes it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gateway.transform.anonymize.ladder import Counts
from gateway.transform.anonymize.spans import Axis, Costs, Places

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Failing = Callable[[Ids], Mask]
"""Of the class of each combination: which classes fail the goal."""


@dataclass(frozen=True, slots=True, repr=False)
class Points:
    """``places`` (m × columns) of each combination, and ``counts``, its records."""

    axes: Sequence[Axis]
    places: Places
    counts: Counts

    def cost(self, low: Places, high: Places) -> Costs:
        """What one record of a class costs; spans are (..., columns)."""
        total = np.zeros(low.shape[:-1], np.float32)
        for place, axis in enumerate(self.axes):
            total += axis.cost(low[..., place], high[..., place])
        return total

    def spans(self, classes: Ids) -> tuple[Places, Places]:
        """First and last place of each class, (classes × columns); no class is empty."""
        order = np.argsort(classes, kind="stable")
        starts = np.searchsorted(classes[order], np.arange(int(classes.max(initial=-1)) + 1))
        ordered = self.places[order]
        return np.minimum.reduceat(ordered, starts), np.maximum.reduceat(ordered, starts)

    def sizes(self, classes: Ids) -> Counts:
        """Records of each class."""
        return np.bincount(classes, weights=self.counts).astype(np.int64)

    def order(self, low: Places, high: Places, turn: int) -> Ids:
        """Classes one after the other so that those alike are near: by columns with few levels and
        leaves first, where a difference costs most; each turn begins with another column."""
        columns = sorted(
            range(len(self.axes)),
            key=lambda place: (self.axes[place].ladder.height, len(self.axes[place]), place),
        )
        turned = [*columns[turn % len(columns) :], *columns[: turn % len(columns)]]
        return np.lexsort([low[:, place] + high[:, place] for place in reversed(turned)])


def numbered(classes: Ids) -> Ids:
    """The same partition, its classes numbered without gaps."""
    return np.unique(classes, return_inverse=True)[1].astype(np.int64)


def cut(order: Ids, sizes: Counts, most: int) -> list[Ids]:
    """Consecutive pieces of ``order`` whose ``sizes`` add up to about ``most``."""
    ends = np.cumsum(sizes[order])
    piece = (ends - sizes[order]) // most
    borders = np.flatnonzero(np.diff(piece, prepend=-1, append=-1))
    return [order[begin:end] for begin, end in pairwise(borders)]


def apart(one: Ids, other: Ids, dearness: NDArray[np.float32], classes: int) -> Ids:
    """Which pairs of classes to take, the best (least dear) first, none of them in two pairs."""
    order = np.lexsort((other, one, dearness))
    free = np.ones(classes, bool)
    taken = []
    while len(order):
        rank = np.arange(len(order))
        first = np.full(classes, len(order))
        np.minimum.at(first, one[order], rank)
        np.minimum.at(first, other[order], rank)
        best = (first[one[order]] == rank) & (first[other[order]] == rank)
        taken.append(order[best])
        free[one[order[best]]] = False
        free[other[order[best]]] = False
        order = order[free[one[order]] & free[other[order]]]
    return np.concatenate(taken) if taken else np.empty(0, np.int64)
