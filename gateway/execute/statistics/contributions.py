"""Bounds what one person contributes, and adds up what is left.

Rows come with the person, the group's number and what they add to each measure. They are parted by
a hash of the person, so that all rows of one are together; each part is then sorted by person and
group. No bound is taken from the data, and none depends on another person:

- of the groups that a person is in, ``bounds.groups`` are drawn, each equally likely;
- where a person has n rows in a group and ``bounds.rows`` = k are fewer, every one of them counts
  k/n: what k rows drawn at random would add on average, and without the noise of drawing. So a
  person adds at most k rows' worth, rounded toward minus infinity to a whole unit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from gateway.execute.statistics.exact import SATURATED, Integers
from gateway.execute.statistics.spill import Spill
from gateway.model.statistics import ContributionBounds

PART_ROWS: Final = 1 << 20
"""Rows that are sorted at once, about."""
MOST_PARTS: Final = 256
_COMPACT_ROWS: Final = 1 << 22
"""So many rows of a part are first brought together by person and group: a person with very many
rows is then small."""
_STILL: Final = 1 << 61


@dataclass(frozen=True, slots=True)
class Amount:
    """What a row can add to one sum, zero included."""

    lowest: int
    highest: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """Bins of one quantile, and what a row weighs there."""

    bins: int
    weight: int


class Sums:
    """64-bit sums of many 64-bit numbers, exact: in two halves, whole only at the end."""

    def __init__(self, cells: int) -> None:
        self._low = np.zeros(cells, dtype=np.int64)
        self._high = np.zeros(cells, dtype=np.int64)

    def add(self, at: Integers, values: Integers) -> None:
        """Add each value to its cell."""
        np.add.at(self._low, at, values & 0xFFFFFFFF)
        np.add.at(self._high, at, values >> 32)

    def total(self) -> Integers:
        """The sums, standing still at ±2⁶²."""
        carried = self._high + (self._low >> 32)
        inside = np.clip(carried, -(1 << 30), (1 << 30) - 1)
        exact = (inside << 32) + (self._low & 0xFFFFFFFF)
        exact = np.where(carried > inside, SATURATED, exact)
        return np.where(carried < inside, -SATURATED, exact)


class Contributions:
    """Takes batches with the columns ``part``, ``person``, ``code``, ``a0``…, ``b0``….

    ``code``: the group's number, below ``groups``. ``a…``: int64 to add. ``b…``: the row's bin of
    each quantile, −1 for null. ``memory`` bytes are held; more is put away encrypted in ``folder``.
    ``key``: 16 bytes for drawing groups. Use as a context manager.
    """

    def __init__(
        self,
        bounds: ContributionBounds,
        groups: int,
        amounts: Sequence[Amount],
        ranked: Sequence[Ranked],
        *,
        parts: int,
        memory: int,
        folder: Path,
        key: bytes,
    ) -> None:
        self._bounds = bounds
        self._groups = groups
        self._amounts = tuple(amounts)
        self._ranked = tuple(ranked)
        self._parts = parts
        self._memory = memory
        self._key = int.from_bytes(key, "big")
        self._spill = Spill(folder)
        self._held: dict[int, list[pa.RecordBatch]] = {part: [] for part in range(parts)}
        self._bytes = 0
        self._sums = [Sums(groups) for _ in self._amounts]
        self._weights = [Sums(groups * r.bins) for r in self._ranked]
        self._rows = Sums(groups)
        self._persons = Sums(groups)

    def __enter__(self) -> "Contributions":
        self._spill.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._spill.__exit__(None, None, None)

    def add(self, batch: pa.RecordBatch) -> None:
        """Take one more batch."""
        if self._parts == 1:
            self._hold(0, batch)
        else:
            part = batch.column("part").to_numpy().astype(np.uint16)
            together = batch.take(pa.array(np.argsort(part, kind="stable")))
            ends = np.cumsum(np.bincount(part, minlength=self._parts))
            starts = np.concatenate([[0], ends[:-1]])
            for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
                if end > start:
                    self._hold(number, together.slice(start, end - start))
        if self._bytes > self._memory:
            self._put_away()

    def finish(self) -> None:
        """Bound and add up everything; afterwards the totals can be read."""
        for part in range(self._parts):
            self._bound(part)

    @property
    def rows(self) -> Integers:
        """Bounded rows of each group."""
        return self._rows.total()

    @property
    def persons(self) -> Integers:
        """Persons of each group."""
        return self._persons.total()

    def amount(self, number: int) -> Integers:
        """A bounded sum of each group."""
        return self._sums[number].total()

    def weights(self, number: int) -> Integers:
        """Bounded weights, of shape (groups, bins)."""
        return self._weights[number].total().reshape(self._groups, self._ranked[number].bins)

    # ---- parts ----------------------------------------------------------------------------------

    def _hold(self, part: int, batch: pa.RecordBatch) -> None:
        self._held[part].append(batch)
        self._bytes += batch.nbytes

    def _put_away(self) -> None:
        for part, batches in self._held.items():
            if batches:
                whole = pa.Table.from_batches(batches).combine_chunks()
                for batch in whole.to_batches():
                    self._spill.write(part, batch)
                batches.clear()
        self._bytes = 0

    def _bound(self, part: int) -> None:
        held: list[pa.Table] = []
        rows, most = 0, _COMPACT_ROWS
        for batch in self._batches(part):
            held.append(self._with_times(batch))
            rows += batch.num_rows
            if rows > most:
                held = [self._compacted(pa.concat_tables(held))]
                rows = held[0].num_rows
                most = max(most, 2 * rows)
        if held:
            self._add_up(pa.concat_tables(held), np.random.Philox(key=self._key).jumped(part))

    def _batches(self, part: int) -> Iterator[pa.RecordBatch]:
        yield from self._spill.read(part)
        yield from self._held.pop(part)

    def _with_times(self, batch: pa.RecordBatch) -> pa.Table:
        table = pa.table(batch)
        if "part" in table.column_names:
            table = table.drop_columns(["part"])
        return table.append_column("times", pa.repeat(pa.scalar(1, pa.int64()), table.num_rows))

    def _compacted(self, table: pa.Table) -> pa.Table:
        added = ["times", *(f"a{n}" for n in range(len(self._amounts)))]
        keys = [name for name in table.column_names if name not in added]
        found = table.group_by(keys, use_threads=False).aggregate([(name, "sum") for name in added])
        columns = {name: found.column(name) for name in keys}
        for name in added:
            # Standing still: what came together is below 2⁶³, and stays so when it comes again.
            sums = np.clip(found.column(f"{name}_sum").to_numpy(), -_STILL, _STILL)
            columns[name] = pa.chunked_array([pa.array(sums)])
        return pa.table({name: columns[name] for name in table.column_names})

    # ---- bounds ---------------------------------------------------------------------------------

    def _add_up(self, table: pa.Table, draws: np.random.Philox) -> None:
        person = table.column("person").combine_chunks().dictionary_encode()
        number = person.indices.to_numpy().astype(np.int64)
        key = number * self._groups + table.column("code").to_numpy()
        order = np.argsort(key)
        key = key[order]
        starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
        times = table.column("times").to_numpy()[order]
        n = np.add.reduceat(times, starts)
        owner, code = np.divmod(key[starts], self._groups)
        kept = self._drawn(owner, np.random.Generator(draws))
        code, n = code[kept], n[kept]
        k = self._bounds.rows
        self._persons.add(code, np.ones(len(code), dtype=np.int64))
        self._rows.add(code, np.minimum(n, k))
        for place, amount in enumerate(self._amounts):
            values = table.column(f"a{place}").to_numpy()[order]
            added = np.add.reduceat(values, starts)[kept]
            self._sums[place].add(code, _share(added, n, k, amount))
        if self._ranked:
            pair = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(key))))
            self._rank(table, order, pair, kept, times)

    def _drawn(self, owner: Integers, draws: np.random.Generator) -> Integers:
        """Places of the pairs of person and group that count; ``owner`` is sorted."""
        first = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
        sizes = np.diff(np.append(first, len(owner)))
        most = self._bounds.groups
        if sizes.max() <= most:
            return np.arange(len(owner))
        crowded = np.repeat(sizes > most, sizes)
        places = np.flatnonzero(crowded)
        chance = draws.integers(0, 1 << 63, len(places), dtype=np.int64)
        ordered = places[np.lexsort((chance, owner[places]))]
        begins = np.flatnonzero(np.concatenate([[True], owner[ordered][1:] != owner[ordered][:-1]]))
        lengths = np.diff(np.append(begins, len(ordered)))
        rank = np.arange(len(ordered)) - np.repeat(begins, lengths)
        return np.sort(np.concatenate([np.flatnonzero(~crowded), ordered[rank < most]]))

    def _rank(
        self, table: pa.Table, order: Integers, pair: Integers, kept: Integers, times: Integers
    ) -> None:
        pairs = int(pair[-1]) + 1
        n = np.zeros(pairs, dtype=np.int64)
        np.add.at(n, pair, times)
        counts = np.zeros(pairs, dtype=bool)
        counts[kept] = True
        code = table.column("code").to_numpy()[order]
        k = self._bounds.rows
        for place, ranked in enumerate(self._ranked):
            found = table.column(f"b{place}").to_numpy()[order].astype(np.int64)
            chosen = counts[pair] & (found >= 0)
            each = np.where(n > k, k * ranked.weight // np.maximum(n, 1), ranked.weight)
            cells = code[chosen] * ranked.bins + found[chosen]
            self._weights[place].add(cells, each[pair[chosen]] * times[chosen])


def _share(added: Integers, n: Integers, k: int, amount: Amount) -> Integers:
    """k/n of what more than k rows add, rounded down; never beyond k rows' worth."""
    whole, rest = np.divmod(added, np.maximum(n, 1))
    share = np.where(n > k, whole * k + rest * k // np.maximum(n, 1), added)
    return np.clip(share, k * amount.lowest, k * amount.highest)
