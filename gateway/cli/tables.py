"""Record files on this machine: opened batch by batch, and written whole or not at all."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gateway.cli.output import show_table
from gateway.errors import InvalidRequest, SourceChanged
from gateway.model.catalog import Column, CsvSource

_BATCH_ROWS = 65_536


@contextmanager
def open_table(file: Path, columns: Sequence[Column]) -> Iterator[pa.RecordBatchReader]:
    """The records of a Parquet, CSV or Arrow stream file; a CSV file is read as ``columns``.

    RecordsRejected names row and column of what a CSV file holds that is not of its type.
    """
    if not file.is_file():
        raise InvalidRequest.of("file", f"{file} does not exist")
    try:
        if file.suffix.lower() == ".parquet":
            with pq.ParquetFile(file) as parquet:
                batches = parquet.iter_batches(_BATCH_ROWS)
                yield pa.RecordBatchReader.from_batches(parquet.schema_arrow, batches)
        elif file.suffix.lower() == ".csv":
            with _csv_records(file, columns) as records:
                yield records
        elif file.suffix.lower() == ".arrows":
            with pa.memory_map(str(file)) as source, pa.ipc.open_stream(source) as stream:
                yield stream
        else:
            raise InvalidRequest.of("file", f"{file.name}: .parquet, .csv or .arrows is wanted")
    except (OSError, pa.ArrowInvalid) as error:
        # Arrow's text may quote a value of the file.
        raise InvalidRequest.of("file", f"{file} cannot be read as records") from error


@contextmanager
def _csv_records(file: Path, columns: Sequence[Column]) -> Iterator[pa.RecordBatchReader]:
    # Only this needs it, and it takes its time to load.
    from gateway.execute.csv_source import CsvFile  # noqa: PLC0415

    whole = file.resolve()
    opened = CsvFile(file.name, whole.parent, CsvSource(path=whole.name), columns, {})
    with ExitStack() as stack:
        try:
            records = stack.enter_context(opened)
        except SourceChanged as error:
            # Its remedy is that of a registered source, and this file is none.
            named = ", ".join(column.name for column in columns)
            raise InvalidRequest.of("file", f"{file} must have the columns {named}") from error
        schema = records.schema()
        yield pa.RecordBatchReader.from_batches(schema, records.batches(schema.names, (), None))


def show_records(table: pa.Table, *, title: str | None = None, cells: int = 28) -> None:
    """Rows for people; long texts are cut."""
    show_table(
        table.column_names,
        [[_cell(value, cells) for value in row.values()] for row in table.to_pylist()],
        title=title,
    )


def first_rows(batches: Iterator[pa.RecordBatch], schema_names: Sequence[str], rows: int) -> Any:
    """The first rows as one small table."""
    taken: list[pa.RecordBatch] = []
    left = rows
    for batch in batches:
        taken.append(batch.slice(0, left))
        left -= taken[-1].num_rows
        if left <= 0:
            break
    if not taken:
        return pa.table({name: [] for name in schema_names})
    return pa.Table.from_batches(taken)


def _cell(value: object, longest: int) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"
