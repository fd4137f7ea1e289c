"""Bounds what one person contributes, and adds up what is left.

Rows come with the person, the group's number and what they add to each measure. They are parted by
a hash of the person, so that all rows of one are together; each part is then sorted by person and
group. No bound is taken from the data, and none depends on another person:

- of the groups that a person is in, ``bounds.groups`` are drawn, each equally likely;
- where a person has n rows in a group and ``bounds.rows`` = k are fewer, every one of them counts
  k/n: what k rows drawn at random would add on average, and without the noise of drawing. So a
  person adds at most k rows' worth, rounded toward minus infinity to a whole unit.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gateway.execute.statistics.exact import SATURATED, Integers, Weights
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
    """Takes batches with the columns ``part``, ``person``, ``code``, ``a0``…, ``b0``… and, where
    groups were found by it, ``draw``: the groups with a person's lowest are those that count.

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
        threads: int = 1,
    ) -> None:
        self._bounds = bounds
        self._groups = groups
        self._amounts = tuple(amounts)
        self._ranked = tuple(ranked)
        self._parts = parts
        self._memory = memory
        self._threads = threads
        self._key = int.from_bytes(key, "big")
        self._spill = Spill(folder)
        self._held: dict[int, list[pa.RecordBatch]] = {part: [] for part in range(parts)}
        self._bytes = 0
        self._sums = [Sums(groups) for _ in self._amounts]
        self._weights = [Weights(groups, r.bins) for r in self._ranked]
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
            part = batch.column("part").to_numpy()
            order = np.argsort(part, kind="stable")
            together = _taken(batch.drop_columns(["part"]), order)
            ends = np.cumsum(np.bincount(part, minlength=self._parts))
            starts = np.concatenate([[0], ends[:-1]])
            for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
                if end > start:
                    self._hold(number, together.slice(start, end - start))
        if self._bytes > self._memory:
            self._put_away()

    def finish(self) -> None:
        """Bound and add up everything; afterwards the totals can be read."""
        with ThreadPoolExecutor(self._threads, "gateway-statistics") as pool:
            waiting: deque[Future[_Added]] = deque()
            for part in range(self._parts):
                if (table := self._together(part)) is not None:
                    draws = np.random.Philox(key=self._key).jumped(part)
                    waiting.append(pool.submit(self._bounded, table, draws))
                if len(waiting) > self._threads:  # no more parts in memory than are worked on
                    self._count(waiting.popleft().result())
            for done in waiting:
                self._count(done.result())

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

    def weights(self, number: int) -> Weights:
        """Bounded weights of a quantile."""
        return self._weights[number]

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

    def _together(self, part: int) -> pa.Table | None:
        """The rows of a part; of a large one, brought together by person, group and bins, with how
        often each was there (``times``)."""
        held: list[pa.Table] = []
        rows, most = 0, _COMPACT_ROWS
        for batch in self._batches(part):
            held.append(pa.table(batch))
            rows += batch.num_rows
            if rows > most:
                held = [self._compacted([_with_times(table) for table in held])]
                rows = held[0].num_rows
                most = max(most, 2 * rows)
        if len(held) > 1 and "times" in held[0].column_names:
            held = [_with_times(table) for table in held]
        return pa.concat_tables(held) if held else None

    def _batches(self, part: int) -> Iterator[pa.RecordBatch]:
        yield from self._spill.read(part)
        yield from self._held.pop(part)

    def _compacted(self, tables: Sequence[pa.Table]) -> pa.Table:
        table = pa.concat_tables(tables)
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

    def _bounded(self, table: pa.Table, draws: np.random.Philox) -> "_Added":
        """What a part adds, person by person."""
        key, bits = _keys(table, self._groups)
        order = np.argsort(key)
        key = key[order]
        starts = _starts(key)
        ends = np.append(starts[1:], len(key))
        times = _integers(table, "times")[order] if "times" in table.column_names else None
        n = ends - starts if times is None else np.add.reduceat(times, starts)
        owner, code = key[starts] >> bits, key[starts] & ((1 << bits) - 1)
        if "draw" in table.column_names:
            drawn = np.minimum.reduceat(_integers(table, "draw")[order], starts)
            kept = _lowest(owner, drawn, self._bounds.groups)
        else:
            kept = _drawn(owner, self._bounds.groups, draws)
        k = self._bounds.rows
        sums = []
        for place, amount in enumerate(self._amounts):
            added = np.add.reduceat(_integers(table, f"a{place}")[order], starts)
            sums.append(_share(added[kept], n[kept], k, amount))
        weights = []
        if self._ranked:
            pair = np.repeat(np.arange(len(starts)), ends - starts)
            counts = np.ones(len(order), dtype=np.int64) if times is None else times
            rows = _Rows(order, pair, code[pair], counts, n, kept)
            weights = [self._weighed(table, rows, place) for place in range(len(self._ranked))]
        return _Added(code[kept], np.minimum(n[kept], k), sums, weights)

    def _weighed(self, table: pa.Table, rows: "_Rows", place: int) -> tuple[Integers, Integers]:
        """Cells of a quantile, and the weight that each gets."""
        ranked, k = self._ranked[place], self._bounds.rows
        found = _integers(table, f"b{place}")[rows.order].astype(np.int64)
        chosen = rows.kept[rows.pair] & (found >= 0)
        each = np.where(rows.n > k, k * ranked.weight // np.maximum(rows.n, 1), ranked.weight)
        cells = rows.code[chosen] * ranked.bins + found[chosen]
        return cells, each[rows.pair[chosen]] * rows.times[chosen]

    def _count(self, added: "_Added") -> None:
        self._persons.add(added.code, np.ones(len(added.code), dtype=np.int64))
        self._rows.add(added.code, added.rows)
        for total, values in zip(self._sums, added.sums, strict=True):
            total.add(added.code, values)
        for weights, (cells, values) in zip(self._weights, added.weights, strict=True):
            weights.add(cells, values)


@dataclass(frozen=True, slots=True, repr=False)
class _Added:
    """What a part adds to the totals: for pairs of person and group, and for cells of quantiles."""

    code: Integers
    rows: Integers
    sums: list[Integers]
    weights: list[tuple[Integers, Integers]]


@dataclass(frozen=True, slots=True, repr=False)
class _Rows:
    """Sorted rows of a part: the pair of person and group that each is of; of the pairs, their rows
    and whether they count."""

    order: Integers
    pair: Integers
    code: Integers
    times: Integers
    n: Integers
    kept: NDArray[np.bool_]


def parts_for(rows: int) -> int:
    """In how many parts so many rows are best sorted."""
    return min(MOST_PARTS, -(-max(rows, 1) // PART_ROWS))


def _keys(table: pa.Table, groups: int) -> tuple[Integers, int]:
    """A number for each row by person and group; the group's is in the lowest bits, so many."""
    bits = max(groups - 1, 1).bit_length()
    person = table.column("person")
    if pa.types.is_signed_integer(person.type):
        number = _integers(table, "person").astype(np.int64, copy=False)
        low, high = int(number.min()), int(number.max())
        if (high - low) >> (62 - bits) == 0:
            return ((number - low) << bits) | _integers(table, "code"), bits
    encoded = person.combine_chunks().dictionary_encode().indices
    return (encoded.to_numpy().astype(np.int64) << bits) | _integers(table, "code"), bits


def _integers(table: pa.Table, name: str) -> Integers:
    found: Integers = table.column(name).to_numpy()
    return found


def _starts(values: Integers) -> Integers:
    """Where a sorted array begins with another value."""
    return np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))


def _drawn(owner: Integers, most: int, draws: np.random.Philox) -> NDArray[np.bool_]:
    """Which pairs of person and group count; ``owner`` is sorted. Of a person with more than
    ``most``, so many, each equally likely."""
    first = _starts(owner)
    sizes = np.diff(np.append(first, len(owner)))
    kept = np.ones(len(owner), dtype=bool)
    if sizes.max() <= most:
        return kept
    crowded = np.repeat(sizes > most, sizes)
    places = np.flatnonzero(crowded)
    lengths = sizes[sizes > most]
    number = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    # As many random bits as fit beside the person's number, 32 at the least: that two are equal
    # hardly ever happens, and then any of them is as good.
    bits = 63 - min(31, len(lengths).bit_length())
    chance = (draws.random_raw(len(places)) >> np.uint64(64 - bits)).astype(np.int64)
    ordered = places[np.argsort((number << bits) | chance)]
    begins = np.cumsum(lengths) - lengths
    rank = np.arange(len(ordered)) - np.repeat(begins, lengths)
    kept[places] = False
    kept[ordered[rank < most]] = True
    return kept


def _lowest(owner: Integers, draw: NDArray[np.uint64], most: int) -> NDArray[np.bool_]:
    """Which pairs of person and group count: of each person those with the lowest draws; of equal
    ones the first. ``owner`` is sorted, and the groups of one too."""
    first = _starts(owner)
    sizes = np.diff(np.append(first, len(owner)))
    kept = np.ones(len(owner), dtype=bool)
    if sizes.max() <= most:
        return kept
    ordered = np.lexsort((draw, owner))
    kept[ordered] = np.arange(len(owner)) - np.repeat(first, sizes) < most
    return kept


def _taken(batch: pa.RecordBatch, order: Integers) -> pa.RecordBatch:
    """The rows in that order. NumPy takes numbers many times faster than Arrow does."""
    indices = pa.array(order)
    columns = [
        pa.array(column.to_numpy()[order])
        if pa.types.is_integer(column.type) and not column.null_count
        else column.take(indices)
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _with_times(table: pa.Table) -> pa.Table:
    if "times" in table.column_names:
        return table
    return table.append_column("times", pa.repeat(pa.scalar(1, pa.int64()), table.num_rows))


def _share(added: Integers, n: Integers, k: int, amount: Amount) -> Integers:
    """k/n of what more than k rows add, rounded down; never beyond k rows' worth."""
    whole, rest = np.divmod(added, np.maximum(n, 1))
    share = np.where(n > k, whole * k + rest * k // np.maximum(n, 1), added)
    return np.clip(share, k * amount.lowest, k * amount.highest)
