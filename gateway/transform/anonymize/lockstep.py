"""Puts combinations of quasi-identifiers into clusters of k records and more, block by block, all
blocks in step: each cluster begins with what is farthest from the one before, and takes whatever
widens it least until it is large enough.

After Byun, Kamra, Bertino & Li, "Efficient k-anonymization using clustering techniques", DASFAA
2007 (k-member), here on blocks of records that are alike, so that the work grows with the
number of records times the size of a block.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final, Self

import numpy as np

from gateway.transform.anonymize.grouping import Ids, Points, numbered
from gateway.transform.anonymize.spans import Axis, Costs, Places

_TOGETHER: Final = 1 << 16
"""Combinations of blocks that go in step; what is worked on stays in the processor's cache."""

_GROUPED: Final = 160
"""Columns are looked up together while their spans have at most so many combinations."""

_DEAD: Final = np.float32(np.inf)


def clustered(points: Points, blocks: Sequence[Ids], k: int, tell: Callable[[int], None]) -> Ids:
    """The cluster of each combination (m × columns). What is left over in a block, fewer than k
    records, is a cluster each. ``tell``: how many combinations are done."""
    clusters = np.full(len(points.places), -1, np.int64)
    made = done = 0
    by_size = sorted(range(len(blocks)), key=lambda number: len(blocks[number]))
    for some in _batches(by_size, blocks):
        found = _Batch(points, [blocks[number] for number in some], k).run()
        for ids, cluster in found:
            clusters[ids] = cluster + made
        made += max((int(cluster.max()) + 1 for _, cluster in found if len(cluster)), default=0)
        done += sum(len(blocks[number]) for number in some)
        tell(done)
    left = np.flatnonzero(clusters < 0)
    clusters[left] = made + np.arange(len(left))
    return numbered(clusters)


def _batches(order: Sequence[int], blocks: Sequence[Ids]) -> list[list[int]]:
    batches: list[list[int]] = []
    held = 0
    for number in order:
        size = len(blocks[number])
        if not batches or held + size > _TOGETHER:
            batches.append([])
            held = 0
        batches[-1].append(number)
        held += size
    return batches


@dataclass(frozen=True, slots=True)
class Lookup:
    """Adds up what a class would cost with a combination in it, several columns at once.

    ``groups``: columns whose leaves together have few combinations: of a class, the sums over all
    of those are made first and then looked up. ``single``: columns too wide for that.
    """

    axes: Sequence[Axis]
    groups: tuple[tuple[int, ...], ...]
    single: tuple[int, ...]

    @classmethod
    def of(cls, axes: Sequence[Axis], combinations: int) -> Self:
        """``combinations``: how many are looked up for each class."""
        most = min(_GROUPED, max(combinations, 2))
        groups: list[list[int]] = []
        single = []
        held = most + 1
        for place in sorted(range(len(axes)), key=lambda place: (len(axes[place]), place)):
            size = len(axes[place])
            if size > max(combinations, 2):
                single.append(place)
                continue
            if held * size > most:
                groups.append([])
                held = 1
            groups[-1].append(place)
            held *= size
        return cls(axes, tuple(tuple(group) for group in groups), tuple(single))

    @property
    def widths(self) -> list[int]:
        """How many combinations each group has."""
        return [prod(len(self.axes[place]) for place in group) for group in self.groups]

    def codes(self, places: Places) -> list[Ids]:
        """Of combinations (..., columns) the number that each has in each group."""
        found = []
        for group in self.groups:
            codes = np.zeros(places.shape[:-1], np.int64)
            for place in group:
                codes = codes * len(self.axes[place]) + places[..., place]
            found.append(codes)
        return found

    def sums(self, low: Places, high: Places) -> list[Costs]:
        """For each group: classes × its combinations."""
        found = []
        for group in self.groups:
            sums = np.zeros((len(low), 1), np.float32)
            for place in group:
                every = np.arange(len(self.axes[place]), dtype=np.int32)
                alone = self.axes[place].cost(
                    np.minimum(every, low[:, [place]]), np.maximum(every, high[:, [place]])
                )
                sums = (sums[:, :, None] + alone[:, None, :]).reshape(len(low), -1)
            found.append(sums)
        return found


class _Batch:
    """Blocks in step: arrays are blocks × combinations, and shrink as combinations are taken."""

    def __init__(self, points: Points, blocks: list[Ids], k: int) -> None:
        self.axes, self.places, self.k = points.axes, points.places, k
        sizes = np.array([len(ids) for ids in blocks])
        width = int(sizes.max())
        padded = np.arange(width) < sizes[:, None]
        self.ids = np.zeros((len(blocks), width), np.int64)
        self.ids[padded] = np.concatenate(blocks)
        self.counts = points.counts[self.ids]
        self.bar = np.where(padded, np.float32(0), _DEAD)
        self.left = np.where(padded, self.counts, 0).sum(axis=1)
        self.lookup = Lookup.of(points.axes, width)
        rows = np.arange(len(blocks))[:, None]
        self.codes = [
            codes + rows * size
            for codes, size in zip(
                self.lookup.codes(self.places[self.ids]), self.lookup.widths, strict=True
            )
        ]

    def run(self) -> list[tuple[Ids, Ids]]:
        """Pairs of combinations and their clusters, numbered over all blocks of the batch."""
        rows = np.arange(len(self.ids))
        low = self.places[self.ids[:, 0]].copy()
        high = low.copy()
        size = np.full(len(rows), self.k)
        cluster = np.full(len(rows), -1, np.int64)
        made = 0
        found: list[tuple[Ids, Ids]] = []
        stale = 0
        while True:
            growing = size < self.k
            going = growing | (self.left >= self.k)
            if not going.any():
                return found
            score = self._joined(low, high)
            score *= np.where(growing, np.float32(1), np.float32(-1))[:, None]
            score += self.bar
            at = rows[going]
            chosen = score.argmin(axis=1)[going]
            begun = ~growing[going]
            cluster[at[begun]] = made + np.arange(np.count_nonzero(begun))
            made += int(np.count_nonzero(begun))
            ids, taken = self.ids[at, chosen], self.counts[at, chosen]
            spans = self.places[ids]
            low[at] = np.where(begun[:, None], spans, np.minimum(low[at], spans))
            high[at] = np.where(begun[:, None], spans, np.maximum(high[at], spans))
            size[at] = np.where(begun, taken, size[at] + taken)
            self.left[at] -= taken
            self.bar[at, chosen] = _DEAD
            found.append((ids, cluster[at]))
            stale += 1
            if stale * 8 >= self.ids.shape[1]:
                self._shrink()
                stale = 0

    def _joined(self, low: Places, high: Places) -> Costs:
        """What a record of the cluster would cost with each combination in it."""
        score = np.zeros(self.ids.shape, np.float32)
        for sums, codes in zip(self.lookup.sums(low, high), self.codes, strict=True):
            score += sums.take(codes)
        for place in self.lookup.single:
            own = self.places[self.ids, place]
            score += self.axes[place].cost(
                np.minimum(own, low[:, [place]]), np.maximum(own, high[:, [place]])
            )
        return score

    def _shrink(self) -> None:
        dead = self.bar > 0
        width = int((~dead).sum(axis=1).max())
        keep = np.argsort(dead, axis=1, kind="stable")[:, : max(width, 1)]
        self.ids = np.take_along_axis(self.ids, keep, axis=1)
        self.counts = np.take_along_axis(self.counts, keep, axis=1)
        self.bar = np.take_along_axis(self.bar, keep, axis=1)
        self.codes = [np.take_along_axis(codes, keep, axis=1) for codes in self.codes]
