"""Batches of a Parquet file that fit into memory, however long its texts are once decoded.

A text that stands in a file once, in the dictionary of its column, may stand in a million rows: a
file of some KiB could fill any memory. So columns with long texts in a dictionary are read by their
numbers in it, and their rows are given out a few at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gateway.execute.delivery import BATCH_ROWS

_MOST_BYTES: Final = 128 << 20
"""Most bytes of one column, or by their sizes in the file of all columns, in a batch that is read
without looking at each of its rows: 4 KiB a row."""

_LOOKED_ROWS: Final = 256

_PIECE_BYTES: Final = 32 << 20
"""Most bytes of texts in a batch otherwise, unless a single row holds more."""


def batch_rows(
    metadata: pq.FileMetaData, group: int, places: Sequence[int], most_bytes: int = _MOST_BYTES
) -> int:
    """How many rows of the row group to read at once: fewer where values are long. ``places``:
    where the columns that are read stand in the file."""
    found = metadata.row_group(group)
    size: int = sum(found.column(place).total_uncompressed_size for place in places)
    fitting: int = most_bytes * found.num_rows // max(size, 1)
    return max(1, min(BATCH_ROWS, fitting))


def readable_by_dictionary(metadata: pq.FileMetaData, names: Sequence[str]) -> list[str]:
    """Those of the columns, none of them nested, that Arrow can give by dictionary: it cannot where
    some values are told as differences from those before."""
    places = {name: place for place, name in enumerate(metadata.schema.names)}
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    return [
        name
        for name in names
        if not any(
            encoding.startswith("DELTA")
            for group in groups
            for encoding in group.column(places[name]).encodings
        )
    ]


def growing(file: pq.ParquetFile, places: Mapping[str, int]) -> list[str]:
    """Those of the text columns ``places``, which the file gives by dictionary, that may be much
    longer once decoded than a batch may be."""
    found, given = set(), file.schema_arrow
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        rows = min(group.num_rows, BATCH_ROWS)
        asked = {
            name
            for name, place in places.items()
            if name not in found
            and pa.types.is_dictionary(given.field(name).type)
            and (chunk := group.column(place)).has_dictionary_page
            # No text of a dictionary is longer than what the column takes in the file.
            and chunk.total_uncompressed_size * rows > _MOST_BYTES
        }
        if asked:
            longest = _longest(file, number, asked)
            found |= {name for name in asked if longest.get(name, 0) * rows > _MOST_BYTES}
    return sorted(found)


def _longest(file: pq.ParquetFile, group: int, names: set[str]) -> dict[str, int]:
    """The most bytes that a text in the dictionary of each of the columns has."""
    longest: dict[str, int] = {}
    for batch in file.iter_batches(_LOOKED_ROWS, row_groups=[group], columns=sorted(names)):
        # The dictionary comes whole with the first value that is not null.
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name not in longest and len(column.dictionary):
                longest[name] = pc.max(pc.binary_length(column.dictionary)).as_py() or 0
        if len(longest) == len(names):
            break
    return longest


def plain_batches(
    file: pq.ParquetFile, columns: Sequence[str], places: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    """The file's rows as they are decoded."""
    groups = range(file.metadata.num_row_groups)
    rows = min((batch_rows(file.metadata, n, places) for n in groups), default=BATCH_ROWS)
    yield from file.iter_batches(batch_size=rows, columns=list(columns))


def small_batches(
    file: pq.ParquetFile, columns: Sequence[str], places: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    """The same of a file that gives some columns by dictionary, in batches whose texts in these
    take no more than _PIECE_BYTES once decoded."""
    for number in range(file.metadata.num_row_groups):
        rows = batch_rows(file.metadata, number, places, _PIECE_BYTES)
        for batch in file.iter_batches(rows, row_groups=[number], columns=list(columns)):
            yield from _split(batch)


def _split(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    sizes = np.zeros(batch.num_rows, np.int64)
    for column in batch.columns:
        if isinstance(column, pa.DictionaryArray):
            lengths = pc.binary_length(column.dictionary)
            held = lengths.take(column.indices).fill_null(0).to_numpy(zero_copy_only=False)
            # Arrow asks for the mean length for every row before it decodes, also of a null.
            sizes += np.maximum(held, int(pc.mean(lengths).as_py() or 0))
    # A row goes with the piece that its first byte falls into; one more can stand over its end.
    piece = (np.cumsum(sizes) - sizes) // _PIECE_BYTES
    bounds = [0, *(np.flatnonzero(np.diff(piece)) + 1).tolist(), batch.num_rows]
    for begin, end in pairwise(bounds):
        yield batch.slice(begin, end - begin)
