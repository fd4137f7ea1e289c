"""Record files on this machine: opened batch by batch, and written whole or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from gateway.cli.output import show_table
from gateway.errors import InvalidRequest
from gateway.model.schema import arrow_type

_BATCH_ROWS = 65_536


@contextmanager
def open_table(file: Path, types: Mapping[str, str]) -> Iterator[pa.RecordBatchReader]:
    """The records of a Parquet, CSV or Arrow stream file; ``types`` are those of CSV columns."""
    try:
        if file.suffix.lower() == ".parquet":
            with pq.ParquetFile(file) as parquet:
                batches = parquet.iter_batches(_BATCH_ROWS)
                yield pa.RecordBatchReader.from_batches(parquet.schema_arrow, batches)
        elif file.suffix.lower() == ".csv":
            convert = pa_csv.ConvertOptions(
                column_types={name: arrow_type(kind) for name, kind in types.items()},
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
            )
            with pa_csv.open_csv(file, convert_options=convert) as reader:
                yield pa.RecordBatchReader.from_batches(reader.schema, reader)
        elif file.suffix.lower() == ".arrows":
            with pa.memory_map(str(file)) as source, pa.ipc.open_stream(source) as stream:
                yield stream
        else:
            raise InvalidRequest.of("file", f"{file.name}: .parquet, .csv or .arrows is wanted")
    except (OSError, pa.ArrowInvalid) as error:
        # Arrow's text may quote a value of the file.
        raise InvalidRequest.of("file", f"{file} cannot be read as records") from error


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
