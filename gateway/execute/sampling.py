"""Draws from a stream of values as many as are looked at, spread evenly over all of it.

One pass, and memory that does not grow with the stream. The values are taken as one from each of
equal stretches, at a place in the stretch that a fixed hash chooses: every n-th value would fall
in step with data that repeats itself, and a fresh draw would give another verdict each time.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.errors import RecordsRejected
from gateway.model.evidence import Coverage
from gateway.ports import SAMPLED_VALUES, ColumnSample, Progress

_ALL_VALUES: Final = 8_000_000
_ALL_BYTES: Final = 256 << 20
"""Most values and bytes held for all columns that are drawn in one pass."""

_MOST_BYTES: Final = 16 << 20
_LEAST_VALUES, _LEAST_BYTES = 100, 64 << 10


class Draw:
    """Takes at most ``most`` of the non-null values of one column, given piece by piece.

    Stretches double in length whenever too much is held, and of two values that then share a
    stretch one is dropped: what is kept depends on the values' places alone, not on the pieces.
    """

    def __init__(self, most: int, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._level = 0  # a stretch is 2 ** level values long
        self._kept: list[pa.Array] = []
        self._count = 0
        self._bytes = 0
        self.passed = 0  # rows
        self.present = 0

    def see(self, column: pa.Array) -> None:
        """The next values, nulls among them; of a dictionary, what its indices stand for."""
        present = len(column) - column.null_count
        taken = self._taken(column, present)
        if pa.types.is_dictionary(taken.type):
            # A short file can hold a long value a million times: never all of these at once.
            if len(column) > 1 and _decoded_bytes(taken, self._most_bytes) > self._most_bytes:
                half = len(column) // 2
                self.see(column.slice(0, half))
                self.see(column.slice(half))
                return
            taken = taken.dictionary_decode()
        self.passed += len(column)
        self.present += present
        if len(taken):
            self._kept.append(taken)
            self._count += len(taken)
            self._bytes += taken.nbytes
        while self._count > 2 * self._most or (self._bytes > self._most_bytes and self._count > 1):
            self._halve()

    @property
    def enough(self) -> bool:
        """Whether there were as many values as are taken."""
        return self.present >= self._most

    def values(self, kind: pa.DataType) -> pa.Array:
        """What was taken, in order; an empty column of ``kind`` when there was nothing."""
        if not self._kept:
            return pa.array([], kind)
        whole = pa.concat_arrays(self._kept)
        if len(whole) <= self._most:
            return whole
        # One of each of `most` equal stretches of what is held, which are a little over one long.
        edges = np.arange(self._most + 1, dtype=np.int64) * len(whole) // self._most
        spare = edges[1:] - edges[:-1]
        chosen = edges[:-1] + (_hash(edges[:-1]) % spare.astype(np.uint64)).astype(np.int64)
        return whole.take(pa.array(chosen))

    def _taken(self, column: pa.Array, present: int) -> pa.Array:
        if not present:
            return column.slice(0, 0)
        if self._level == 0:
            # Both copy: a slice would keep the whole batch that it is part of.
            whole = pa.array(np.arange(present, dtype=np.int64))
            return column.drop_null() if column.null_count else column.take(whole)
        # Values before `present` are numbered on; those chosen lie within these numbers.
        first, last = self.present >> self._level, (self.present + present - 1) >> self._level
        numbers = _chosen(np.arange(first, last + 1, dtype=np.int64), self._level)
        numbers = numbers[(numbers >= self.present) & (numbers < self.present + present)]
        places = numbers - self.present
        if column.null_count:
            valid = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
            places = valid[places]
        return column.take(pa.array(places))

    def _halve(self) -> None:
        """Stretches twice as long: of the values held, those that their places choose."""
        held = pa.concat_arrays(self._kept)
        self._level += 1
        stretches = np.arange((self.present - 1 >> self._level) + 1, dtype=np.int64)
        # There is one value for each stretch of the level below, so its number is its place. The
        # last stretch may have chosen a value that is yet to come.
        places = _chosen_half(stretches, self._level)
        held = held.take(pa.array(places[places < len(held)]))
        self._kept, self._count, self._bytes = [held], len(held), held.nbytes


def _decoded_bytes(column: pa.DictionaryArray, least: int) -> int:
    """Bytes of the values that the indices stand for; not worked out where ``least`` is enough
    for that many of the longest."""
    bound = len(column) * int(column.dictionary.nbytes)
    if bound <= least:
        return bound
    lengths = pc.binary_length(column.dictionary)
    return int(pc.sum(lengths.take(column.indices)).as_py() or 0)


def _chosen_half(stretches: NDArray[np.int64], level: int) -> NDArray[np.int64]:
    """Of each stretch of this level, the one of its two halves whose value is kept."""
    coin = _hash(stretches * 64 + level) & np.uint64(1)
    return stretches * 2 + coin.astype(np.int64)


def _chosen(stretches: NDArray[np.int64], level: int) -> NDArray[np.int64]:
    """The number of the value that each stretch keeps."""
    for below in range(level, 0, -1):
        stretches = _chosen_half(stretches, below)
    return stretches


def _hash(numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser: every bit of the number decides on every bit of the hash."""
    mixed = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def draws(columns: int, most: int = SAMPLED_VALUES) -> list[Draw]:
    """A draw for each of so many columns, small enough that all can be held at once."""
    columns = max(columns, 1)
    most = min(most, max(_LEAST_VALUES, _ALL_VALUES // columns))
    most_bytes = min(_MOST_BYTES, max(_LEAST_BYTES, _ALL_BYTES // columns))
    return [Draw(most, most_bytes) for _ in range(columns)]


def sample_batches(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, progress: Progress, most: int
) -> Iterator[ColumnSample]:
    """A sample of each column of ``schema``, from one pass over all rows."""
    held = draws(len(schema), most)
    rows = 0
    for batch in batches:
        for draw, column in zip(held, batch.columns, strict=True):
            draw.see(column)
        rows += batch.num_rows
        progress(rows * len(schema))
    for field in schema:
        # Taken from the front, so that each sample can be forgotten once it was looked at.
        yield finished(held.pop(0), field, rows)


def finished(draw: Draw, field: pa.Field, rows: int, *, stopped: bool = False) -> ColumnSample:
    """What was drawn of a column, in its carried type. ``rows``: of the whole source; ``stopped``:
    whether the search for more values took too long.

    RecordsRejected naming the column when its type cannot hold the values without loss.
    """
    values = _carried(draw.values(field.type), field)
    # A sample of a database may be of a moment later than its count.
    rows = max(rows, draw.present)
    coverage = Coverage(rows=rows, present=draw.present, sampled=len(values), stopped=stopped)
    return ColumnSample(field.name, values, coverage)


def _carried(values: pa.Array, field: pa.Field) -> pa.Array:
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    try:
        values = values if values.type == field.type else values.cast(field.type)
        values.validate(full=True)
    except pa.ArrowInvalid:
        if pa.types.is_string(field.type):
            return values.cast(pa.binary())
        raise RecordsRejected(
            f"column {field.name} holds values that {field.type} cannot hold without loss; "
            "convert or leave out the column",
            column=field.name,
        ) from None
    return values
