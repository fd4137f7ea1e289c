"""Which rows of Parquet files are looked at for a sample, and reading them column by column."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from gateway.execute.delivery import BATCH_ROWS
from gateway.execute.sampling import Draw, draws, finished
from gateway.ports import ColumnSample, Progress

LOOKED_ROWS: Final = 2_000_000
"""Rows of a column looked at in any case; a smaller source is looked at whole."""

_SPREAD: Final = 64
"""Row groups of a larger source that are looked at, each from its first row on."""

_COLUMNS_AT_ONCE: Final = 8
_OPENINGS: Final = 40
"""How often files are opened for one sample, roughly: each time their footer is read, which tells
of every column."""

_TELL_SECONDS: Final = 1.0
"""How often is told that the work goes on, also while nothing comes of it yet."""

_PIECE_BYTES: Final = 32 << 20
"""Most bytes that are read of a row group at once, as far as its sizes tell."""


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A row group of one of the files: the file's number, its own number in it, its rows."""

    file: int
    number: int
    rows: int


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Rows of a row group, from ``first`` up to ``last``."""

    group: RowGroup
    first: int
    last: int


Opened = Callable[[int], AbstractContextManager[pq.ParquetFile]]
"""Opens a file by its number."""


def sample_groups(
    opened: Opened,
    groups: Sequence[RowGroup],
    schema: pa.Schema,
    places: Mapping[str, int],
    progress: Progress,
    most: int,
) -> Iterator[ColumnSample]:
    """A sample of each column of ``schema``, a few at a time. ``places``: where each column stands
    in the files, which have no nested ones."""
    reading = _Reading(opened, groups, places, most)
    rows = sum(group.rows for group in groups)
    # Opening many or wide files for every few columns would take longer than reading them.
    width = max(_COLUMNS_AT_ONCE, len(schema) * reading.files // _OPENINGS)
    fields = list(schema)
    pieces = [fields[start : start + width] for start in range(0, len(fields), width)]
    done = 0
    # What comes next is read while somebody looks at what came before.
    with ThreadPoolExecutor(1, thread_name_prefix="sample") as ahead, reading:
        coming = ahead.submit(reading.drawn, pieces[0]) if pieces else None
        for piece, following in zip_longest(pieces, pieces[1:]):
            assert coming is not None  # noqa: S101 - for the type checker
            while not wait((coming,), _TELL_SECONDS).done:
                progress(rows * done)
            held = coming.result()
            coming = ahead.submit(reading.drawn, following) if following else None
            for field in piece:
                yield finished(held.pop(field.name), field, rows)
            done += len(piece)
            progress(rows * done)


class _Reading:
    """Draws of a few columns, each from the same stretches. Leaving the context ends a draw that
    another thread is at."""

    def __init__(
        self, opened: Opened, groups: Sequence[RowGroup], places: Mapping[str, int], most: int
    ) -> None:
        self._opened = opened
        self._places = places
        self._most = most
        self._first, self._rest = planned(groups)
        self._stopped = False
        self.files = len({group.file for group in groups})

    def __enter__(self) -> "_Reading":
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopped = True

    def drawn(self, fields: Sequence[pa.Field]) -> dict[str, Draw]:
        """A draw for each field, by name."""
        held = dict(zip((f.name for f in fields), draws(len(fields), self._most), strict=True))
        for stretch, file in _each(self._opened, self._first):
            if self._stopped:
                break
            self._see(file, stretch, held)
        for stretch, file in _each(self._opened, self._rest):
            short = {name: draw for name, draw in held.items() if not draw.enough}
            if not short or self._stopped:
                break
            found = file.metadata.row_group(stretch.group.number)
            with_values = {
                name: draw
                for name, draw in short.items()
                if not _all_null(found.column(self._places[name]), stretch.group.rows)
            }
            self._see(file, stretch, with_values)
        return held

    def _see(self, file: pq.ParquetFile, stretch: _Stretch, held: dict[str, Draw]) -> None:
        if not held:
            return
        row = 0
        for batch in file.iter_batches(
            _batch_rows(file.metadata, stretch.group, [self._places[name] for name in held]),
            row_groups=[stretch.group.number],
            columns=list(held),
        ):
            # Nothing leads into a row group but its beginning.
            before = max(stretch.first - row, 0)
            wanted = batch.slice(before, max(stretch.last - row - before, 0))
            for name, column in zip(wanted.schema.names, wanted.columns, strict=True):
                held[name].see(column)
            row += batch.num_rows
            if row >= stretch.last or self._stopped:
                return


def planned(groups: Sequence[RowGroup]) -> tuple[list[_Stretch], list[_Stretch]]:
    """What is looked at in any case, in order, and what after that where a column is sparse,
    in an order in which any number of the first are spread over the source."""
    if sum(group.rows for group in groups) <= LOOKED_ROWS:
        return [_Stretch(group, 0, group.rows) for group in groups], []
    count = min(len(groups), _SPREAD)
    most = LOOKED_ROWS // count
    chosen = {(2 * place + 1) * len(groups) // (2 * count) for place in range(count)}
    first, rest = [], []
    for place, group in enumerate(groups):
        looked = min(most, group.rows) if place in chosen else 0
        if looked:
            first.append(_Stretch(group, 0, looked))
        if looked < group.rows:
            rest.append(_Stretch(group, looked, group.rows))
    bits = max(1, (len(rest) - 1).bit_length())
    turned = sorted(range(len(rest)), key=lambda place: int(f"{place:0{bits}b}"[::-1], 2))
    return first, [rest[place] for place in turned]


def _each(
    opened: Opened, stretches: Sequence[_Stretch]
) -> Iterator[tuple[_Stretch, pq.ParquetFile]]:
    """Each with its file; one that follows another of the same file opens it only once."""
    place = 0
    while place < len(stretches):
        number = stretches[place].group.file
        with opened(number) as file:
            while place < len(stretches) and stretches[place].group.file == number:
                yield stretches[place], file
                place += 1


def _batch_rows(metadata: pq.FileMetaData, group: RowGroup, places: Sequence[int]) -> int:
    """Fewer rows at once where values are long."""
    found = metadata.row_group(group.number)
    size: int = sum(found.column(place).total_uncompressed_size for place in places)
    return max(1, min(BATCH_ROWS, _PIECE_BYTES * group.rows // max(size, 1)))


def _all_null(chunk: pq.ColumnChunkMetaData, rows: int) -> bool:
    """Whether the statistics say that nothing else is in it."""
    told = chunk.statistics
    return told is not None and bool(told.has_null_count) and told.null_count == rows
