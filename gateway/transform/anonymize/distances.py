"""Earth mover's distances between the distributions of classes and that of the whole table.

Written for arrays of floats and, unchanged, for arrays of exact fractions: what floats cannot tell
from a threshold is computed again exactly. Source: Li, Li & Venkatasubramanian 2007, section 5.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gateway.transform.anonymize.ladder import Codes

Shares: TypeAlias = NDArray[Any]
"""Of floats or of fractions."""

Distance = Callable[[Shares, Shares], Shares]
"""Of classes (C × S, each row adds up to 1) to the whole (S): C distances."""


def equal(classes: Shares, whole: Shares) -> Shares:
    """Half the sum of differences."""
    found: Shares = np.maximum(classes - whole, 0).sum(axis=1)
    return found


def ordered(classes: Shares, whole: Shares) -> Shares:
    """Values stand in order; those that the whole has not are no places in it."""
    there = np.flatnonzero(whole > 0)
    if len(there) < 2:
        return np.zeros_like(classes[:, 0])
    moved = np.cumsum((classes - whole)[:, there], axis=1)
    found: Shares = np.abs(moved).sum(axis=1) / (len(there) - 1)
    return found


def hierarchical(tree: Sequence[Codes]) -> Distance:
    """By a tree: of each level above the leaves the number that each value has at it."""
    levels = [*tree]
    if levels[-1].max(initial=0) > 0:
        # Different roots are as far apart as can be, as under one root above them.
        levels.append(np.zeros_like(levels[-1]))

    def distance(classes: Shares, whole: Shares) -> Shares:
        surplus = classes - whole
        total = np.zeros_like(surplus[:, 0])
        for level in range(1, len(levels)):
            below = _summed(surplus, levels[level - 1])
            # Every value has a number at both levels, so each child has one parent.
            child = np.zeros(below.shape[1], np.int64)
            child[levels[level - 1]] = levels[level]
            more = _summed(np.maximum(below, 0), child)
            less = _summed(np.maximum(-below, 0), child)
            total = total + np.minimum(more, less).sum(axis=1) * level
        return total / (len(levels) - 1)

    return distance


def _summed(shares: Shares, groups: NDArray[Any]) -> Shares:
    sums = np.zeros((shares.shape[0], int(groups.max(initial=0)) + 1), shares.dtype)
    if shares.dtype == object:
        sums[:] = 0
    for column, group in enumerate(groups):
        sums[:, group] = sums[:, group] + shares[:, column]
    return sums
