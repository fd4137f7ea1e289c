"""What the columns of a file are, for the parts of a risk report that need to know."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gateway.app.classifying import classify_file, csv_source
from gateway.model.names import ColumnRole
from gateway.risk.measures.safe_harbor import ColumnFacts

_MOST_VALUES: Final = 1_000_000
"""Distinct values of a column that are kept; a column with more has a value for nearly everybody."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Facts of all columns, and the names of those that classification gives a role."""

    columns: tuple[ColumnFacts, ...]
    direct_identifiers: tuple[str, ...]
    quasi_identifiers: tuple[str, ...]


def look_at(
    file: Path,
    rows: pa.RecordBatchReader,
    *,
    delimiter: str,
    encoding: str,
    tell: Callable[[str, int, int], None],
) -> Looked:
    """Classify the columns, and read off their distinct values."""
    found = classify_file(
        file, csv=csv_source(file, delimiter=delimiter, encoding=encoding), tell=tell
    )
    entities = {column.name: column.entity for column in found.columns}

    def of(role: ColumnRole) -> tuple[str, ...]:
        return tuple(column.name for column in found.columns if column.role == role)

    return Looked(
        tuple(_facts(rows, entities)),
        of(ColumnRole.DIRECT_IDENTIFIER),
        of(ColumnRole.QUASI_IDENTIFIER),
    )


def _facts(rows: pa.RecordBatchReader, entities: dict[str, str | None]) -> list[ColumnFacts]:
    names = rows.schema.names
    values = {name: pa.array([], _plain(rows.schema.field(name).type)) for name in names}
    different = dict.fromkeys(names, True)
    seen = 0
    for batch in rows:
        seen += batch.num_rows
        for name in names:
            if len(values[name]) >= _MOST_VALUES:
                continue
            column = batch.column(name)
            if pa.types.is_dictionary(column.type):
                column = column.dictionary_decode()
            merged = pc.unique(pa.concat_arrays([values[name], pc.unique(column)]))
            different[name] = different[name] and len(merged.drop_null()) == seen
            values[name] = merged
    return [ColumnFacts(name, entities.get(name), values[name], different[name]) for name in names]


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
