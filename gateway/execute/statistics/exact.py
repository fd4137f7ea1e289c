"""The exact result of a plan: never stored, never shown, only given to a mechanism."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Integers = NDArray[np.int64]

SATURATED = 1 << 62
"""Sums beyond it stand still: one person still moves them by no more than their bound, and noise
added to them fits into 64 bits."""


class Weights:
    """Weights in the bins of a quantile, of all groups: only those that are not zero are kept, for
    there may be many groups with few rows. Blind repr."""

    def __init__(self, groups: int, bins: int) -> None:
        self.groups = groups
        self._bins = bins
        self._cells = np.zeros(0, dtype=np.int64)
        self._values = np.zeros(0, dtype=np.int64)

    def add(self, cells: Integers, values: Integers) -> None:
        """Add to the cells ``group · bins + bin``, of which any may occur several times."""
        cells = np.concatenate([self._cells, cells])
        values = np.concatenate([self._values, values])
        order = np.argsort(cells)
        cells, values = cells[order], values[order]
        if len(cells):
            starts = np.flatnonzero(np.concatenate([[True], cells[1:] != cells[:-1]]))
            cells, values = cells[starts], np.add.reduceat(values, starts)
        self._cells, self._values = cells, values

    def of(self, groups: Integers) -> Integers:
        """The weights of these groups, of shape (groups, bins)."""
        starts = np.searchsorted(self._cells, groups * self._bins)
        lengths = np.searchsorted(self._cells, (groups + 1) * self._bins) - starts
        row = np.repeat(np.arange(len(groups)), lengths)
        within = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        at = np.repeat(starts, lengths) + within
        found = np.zeros((len(groups), self._bins), dtype=np.int64)
        found[row, self._cells[at] % self._bins] = self._values[at]
        return found


@dataclass(frozen=True, slots=True, repr=False)
class Exact:
    """What was counted and added up, with bounded contributions. Blind repr.

    ``measures``: by place in the plan, int64 of shape (groups,). ``weights``: of the quantiles, by
    place. ``persons``: how many persons each group has; None where groups are public. ``keys``: what
    the found groups are, a row each, sorted; None where groups are public.
    """

    groups: int
    measures: dict[int, Integers]
    weights: dict[int, Weights]
    persons: Integers | None
    keys: pa.Table | None
