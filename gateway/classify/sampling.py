"""Draws the values of a column that are looked at: bounded, spread over the table, repeatable."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.model.schema import carried_type

SAMPLE = 20_000
"""Non-null values looked at in one column, at most."""


@dataclass(frozen=True, slots=True, repr=False)
class Sample:
    """Non-null values of a column. Holds raw values: it is not stored and has no text form."""

    values: pa.Array
    rows: int
    nulls: int


def draw(column: pa.ChunkedArray | pa.Array, limit: int = SAMPLE) -> Sample:
    """Take at most `limit` non-null values, one from each of `limit` equal stretches of them.

    The same table gives the same sample: a verdict can be repeated.
    """
    carried = carried_type(column.type)
    if carried is not None and carried != column.type:
        column = column.cast(carried)  # dictionaries, large and view variants lose their encoding
    rows = len(column)
    present = rows - column.null_count
    if column.null_count:
        positions = np.flatnonzero(pc.is_valid(column).to_numpy(zero_copy_only=False))
    else:
        positions = np.arange(rows)
    if present > limit:
        # The middle of each stretch, so that neither head nor tail of the file weighs more.
        positions = positions[(np.arange(limit) * 2 + 1) * present // (2 * limit)]
    taken = column.take(pa.array(positions, pa.int64()))
    if isinstance(taken, pa.ChunkedArray):
        taken = taken.combine_chunks()
    if isinstance(taken, pa.ChunkedArray):  # an empty table has no chunk to combine
        taken = pa.array([], column.type)
    return Sample(taken, rows, rows - present)
