"""Finds the records of small cells and leaves them out; ``checks`` then judges what is left.

A cell is all records with one combination of quasi-identifiers, nulls counting as a value of
their own. Only whole cells are left out, so that no other cell becomes smaller.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_COMPACT_ROWS: Final = 1 << 20


class CellCounts:
    """Counts cells over batches; memory grows with the number of distinct cells only."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = list(columns)
        self._counts: list[pa.Table] = []
        self._pending = 0
        self._keys: list[str] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the cells of one more batch."""
        keys = _keys(batch, self._columns)
        self._keys = keys.schema.names
        ones = pa.table([*keys.columns, pa.repeat(1, batch.num_rows)], [*self._keys, "n"])
        self._counts.append(self._summed(ones))
        self._pending += self._counts[-1].num_rows
        if self._pending > _COMPACT_ROWS:
            self._compact()

    def smaller_than(self, size: int) -> "SmallCells":
        """The cells with fewer than ``size`` records."""
        self._compact()
        if not self._counts:
            return SmallCells(self._columns, None)
        return SmallCells(self._columns, self._counts[0].filter(pc.field("n") < size))

    def _compact(self) -> None:
        if len(self._counts) > 1:
            self._counts = [self._summed(pa.concat_tables(self._counts))]
        # Only what comes on top counts, or one large number of cells would be summed each time.
        self._pending = 0

    def _summed(self, counts: pa.Table) -> pa.Table:
        # Without keys there is one cell; a grouping by nothing gives one row also for no rows.
        summed = counts.group_by(self._keys, use_threads=False).aggregate([("n", "sum")])
        return summed.rename_columns(
            [name if name in self._keys else "n" for name in summed.column_names]
        ).select([*self._keys, "n"])


class SmallCells:
    """Cells whose records are left out of every batch."""

    def __init__(self, columns: Sequence[str], cells: pa.Table | None) -> None:
        self._columns = list(columns)
        self._cells = cells

    def leave_out(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch without their records, its order kept."""
        if self._cells is None or not self._cells.num_rows:
            return batch
        if not self._columns:
            return batch.slice(0, 0)
        keys = _keys(batch, self._columns)
        numbered = keys.append_column("row", pa.array(np.arange(batch.num_rows, dtype=np.int64)))
        kept = numbered.join(
            self._cells.drop_columns("n"),
            keys=keys.schema.names,
            join_type="left anti",
            use_threads=False,
        )
        return batch.take(kept.column("row").combine_chunks().sort())


def _keys(batch: pa.RecordBatch, columns: Sequence[str]) -> pa.Table:
    """Two key columns a quasi-identifier: whether there is a value, and the value.

    Joins do not match nulls with nulls, so what a null hides is filled. Floats are compared by
    their bits, for which zero and minus zero are two cells.
    """
    arrays, names = [], []
    for position, name in enumerate(columns):
        column = batch.column(name)
        if pa.types.is_floating(column.type):
            column = column.view(f"int{column.type.bit_width}")
        elif pa.types.is_string(column.type):
            column = column.cast(pa.binary())
        arrays += [column.is_valid(), pc.fill_null(column, _filler(column.type))]
        names += [f"valid{position}", f"value{position}"]
    return pa.table(arrays, names)


def _filler(kind: pa.DataType) -> pa.Scalar:
    if pa.types.is_binary(kind):
        return pa.scalar(b"")
    return pa.scalar(False, kind) if pa.types.is_boolean(kind) else pa.scalar(0, kind)
