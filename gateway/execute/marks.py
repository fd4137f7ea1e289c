"""Marks the rows of a source by the conditions they meet, for the check of earlier extracts."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from gateway.execute.filters import RowFilter
from gateway.model.conditions import Condition
from gateway.ports import Source


class LocalMarker:
    """Implements ports.Marker with the conditions that every source gives the answers of."""

    def marked(
        self, source: Source, columns: Sequence[str], filters: Sequence[Sequence[Condition]]
    ) -> Iterator[tuple[pa.RecordBatch, tuple[pa.Array, ...]]]:
        """See ports.Marker."""
        schema = source.schema()
        typed = [RowFilter.of(conditions, schema) for conditions in filters]
        looked_at = (name for conditions in typed for name in conditions.columns)
        wanted = list(dict.fromkeys([*columns, *looked_at])) or schema.names[:1]
        for batch in source.batches(wanted, (), None):
            marks = tuple(pc.fill_null(conditions.mask(batch), False) for conditions in typed)
            yield batch.select(list(columns)), marks
