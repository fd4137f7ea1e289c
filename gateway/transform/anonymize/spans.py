"""What a class publishes of a column, and what that costs: the tightest value that covers it.

Leaves stand in an order in which all that has one label is a run: numbers and dates by size,
categories by their ancestors. So what a class covers follows from its first and its last leaf
alone: of numbers the closed range of what occurs in the class, ``[17, 19]``; of categories the
lowest common ancestor. A null with anything else has no ancestor but ``*``.
"""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.model.anonymity import Metric
from gateway.transform.anonymize.ladder import ROOT, Codes, Counts, Ladder

Costs = NDArray[np.float32]
Floats = NDArray[np.float64]
Places = NDArray[np.int32]

TABLED: Final = 1_024
"""Of columns with at most so many leaves the cost of every span is computed beforehand: 4 MB."""

SUPPRESSION: Final = "suppression"
"""Origin of a ladder that knows the value and nothing."""

_CODE: Final = r"^-?[0-9.]+$|\*"
"""What the levels between value and root are made of where digits are no quantity: codes of places
go up to codes, ``110101`` to ``110100``, and masks hide digits, ``138****``."""


@dataclass(frozen=True, slots=True, repr=False)
class Axis:
    """One quasi-identifier. A *place* is the number of a leaf that occurs, in the order above.

    ``leaves``: the leaf of each place. ``worth``: of each level, the last being the root, and place
    what its label costs a record. ``splits``: of each place the lowest level at which it has the
    label of the place before, as maxima over 1, 2, 4 ... places. ``ranges``: of numbers two arrays
    whose difference, of the last place and the first, is the cost of a range; ``narrow``: the same
    weighted, as floats of half the size, for many ranges at a time. ``table``: what every
    span costs, first place × last place, in one row; empty where there would be too many.
    """

    ladder: Ladder
    leaves: Codes
    worth: Floats
    splits: tuple[NDArray[np.int8], ...]
    ranges: tuple[Floats, Floats] | None
    narrow: tuple[Costs, Costs]
    logarithmic: bool
    weight: float
    table: Costs

    @classmethod
    def of(
        cls, ladder: Ladder, tuples: Codes, counts: Counts, metric: Metric, weight: float
    ) -> Self:
        """``tuples``: the number of the leaf of each combination; ``counts``: records of each.

        A record costs by the metric entropy log2 of how many records have its label, and by every
        other the share of all leaves that its label covers, less one leaf.
        """
        rows = np.bincount(tuples, weights=counts, minlength=len(ladder.leaves))
        order, ranged = _ordered(ladder)
        leaves = order[rows[order] > 0].astype(np.int32)
        logarithmic = metric == "entropy"
        levels = [codes[leaves] for codes in ladder.codes]
        if logarithmic:
            records = [np.bincount(codes, weights=rows) for codes in ladder.codes]
            worth = [np.log2(held[codes]) for held, codes in zip(records, levels, strict=True)]
            worth.append(np.full(len(leaves), np.log2(rows.sum())))
        else:
            worth = [ladder.loss(level)[codes] for level, codes in enumerate(levels)]
            worth.append(np.ones(len(leaves)))
        ranges: tuple[Floats, Floats] | None = None
        if ranged and logarithmic:
            after = np.cumsum(rows[leaves], dtype=np.float64)
            ranges = (after - rows[leaves], after)
        elif ranged:
            rank = np.empty(len(order))
            rank[order] = np.arange(len(order)) / max(len(order) - 1, 1)
            ranges = (rank[leaves], rank[leaves])
        first, last = ranges or (np.empty(0), np.empty(0))
        narrow = ((first * weight).astype(np.float32), (last * weight).astype(np.float32))
        bare = cls(
            ladder,
            leaves,
            np.array(worth),
            _splits(levels, len(ladder.codes)),
            ranges,
            narrow,
            logarithmic,
            weight,
            np.empty(0, np.float32),
        )
        if len(leaves) > TABLED:
            return bare
        one, other = np.divmod(np.arange(len(leaves) ** 2), len(leaves))
        table = bare.exact(np.minimum(one, other), np.maximum(one, other)).astype(np.float32)
        return replace(bare, table=table)

    def __len__(self) -> int:
        """How many places there are."""
        return len(self.leaves)

    def places(self, tuples: Codes) -> Places:
        """Of numbers of leaves, which all occur, the places."""
        found = np.zeros(len(self.ladder.leaves), np.int32)
        found[self.leaves] = np.arange(len(self.leaves), dtype=np.int32)
        return found[tuples]

    def cost(self, low: Places, high: Places) -> Costs:
        """What a record costs whose class goes from one place to another, weighted."""
        if len(self.table):
            return self.table.take(low * np.int32(len(self)) + high)
        if self.ranges is None or self.logarithmic or self._null_last:
            return self.exact(low, high).astype(np.float32)
        covered: Costs = self.narrow[1][high] - self.narrow[0][low]
        return covered

    def exact(self, low: Places, high: Places) -> Floats:
        """The same as doubles."""
        if self.ranges is None:
            return self.worth[self._level(low, high), low] * self.weight
        covered = self.ranges[1][high] - self.ranges[0][low]
        if self.logarithmic:
            covered = np.log2(covered)
        rooted = self._with_null(low, high)
        return np.where(rooted, self.worth[-1, low], covered) * self.weight

    def labels(self, low: Places, high: Places) -> pa.Array:
        """What is published of each class: text."""
        spans, which = np.unique(low.astype(np.int64) * len(self) + high, return_inverse=True)
        low, high = (found.astype(np.int32) for found in np.divmod(spans, max(len(self), 1)))
        ends = [self.ladder.leaves.take(pa.array(self.leaves[found])) for found in (low, high)]
        if self.ranges is None:
            texts = self._ancestors(low, high)
        else:
            ranges = pc.binary_join_element_wise(
                "[", pc.binary_join_element_wise(*ends, ", "), "]", ""
            )
            texts = pc.if_else(pa.array(self._with_null(low, high)), ROOT, ranges)
        return pc.if_else(pa.array(low == high), ends[0], texts).take(pa.array(which.ravel()))

    def _ancestors(self, low: Places, high: Places) -> pa.Array:
        level = self._level(low, high)
        texts = pa.array([ROOT] * len(low), pa.string())
        for number, (codes, labels) in enumerate(
            zip(self.ladder.codes, self.ladder.labels, strict=True)
        ):
            here = pa.array(level == number)
            texts = pc.if_else(here, labels.take(pa.array(codes[self.leaves[low]])), texts)
        return texts

    def _with_null(self, low: Places, high: Places) -> NDArray[np.bool_]:
        """Ranges that end in the null."""
        if not self._null_last:
            return np.zeros(np.shape(low), bool)
        rooted: NDArray[np.bool_] = (high == len(self) - 1) & (low != high)
        return rooted

    @property
    def _null_last(self) -> bool:
        """Whether null occurs: it is the last place then."""
        return len(self) > 0 and not self.ladder.leaves[int(self.leaves[-1])].is_valid

    def _level(self, low: Places, high: Places) -> NDArray[np.int8]:
        length = np.maximum(high - low, 1)
        power = np.frexp(length)[1] - 1  # exact: the largest power of two that fits
        level = np.zeros(np.shape(low), np.int8)
        for number, maxima in enumerate(self.splits):
            here = (power == number) & (low != high)
            if here.any():
                first, last = low[here] + 1, high[here] + 1 - (1 << number)
                level[here] = np.maximum(maxima[first], maxima[last])
        return level


def _ordered(ladder: Ladder) -> tuple[NDArray[np.int64], bool]:
    """All leaves in order, a null last, and whether the column publishes ranges of numbers."""
    null = ladder.leaves.is_null().to_numpy(zero_copy_only=False)
    numbers = None if ladder.origin == SUPPRESSION or _coded(ladder) else ladder.numbers()
    if numbers is not None:
        order = np.lexsort((np.arange(len(numbers)), numbers, null))
        # labels that are no runs of numbers tell that the numbers are codes of something
        if all(_runs(codes[order[~null[order]]]) for codes in ladder.codes):
            return order, True
    return np.lexsort((*ladder.codes, null)), False


def _coded(ladder: Ladder) -> bool:
    """Whether digits are no quantity. Of days and moments they always are one, although their years
    look like codes."""
    try:
        ladder.leaves.cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    between = ladder.labels[1 : ladder.height]
    return any(
        bool(pc.any(pc.match_substring_regex(labels, _CODE), min_count=0).as_py())
        for labels in between
    )


def _runs(codes: Codes) -> bool:
    changes = np.count_nonzero(codes[1:] != codes[:-1])
    return bool(changes + 1 == len(np.unique(codes))) if len(codes) else True


def _splits(levels: list[Codes], root: int) -> tuple[NDArray[np.int8], ...]:
    size = len(levels[0])
    lowest = np.zeros(size, np.int8)
    if size:
        lowest[1:] = root
    for level in reversed(range(len(levels))):
        same = levels[level][1:] == levels[level][:-1]
        lowest[1:][same] = level
    splits = [lowest]
    while 1 << len(splits) < size:
        half = 1 << (len(splits) - 1)
        before = splits[-1]
        splits.append(np.maximum(before, np.append(before[half:], np.full(half, before[-1]))))
    return tuple(splits)
