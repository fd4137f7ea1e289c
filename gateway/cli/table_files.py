"""Files of records that commands without a server write: CSV, Parquet or an Arrow stream."""

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from gateway.client.saving import whole_file
from gateway.errors import AlreadyExists, InvalidRequest

SUFFIXES: Final = (".csv", ".parquet", ".arrows")


def check_output(option: str, file: Path, suffixes: tuple[str, ...] = SUFFIXES) -> None:
    """Refuses, before any work, a file that is there, or could not be written as what it is called."""
    if file.exists():
        raise AlreadyExists(f"{file} exists; nothing is overwritten")
    if file.suffix.lower() not in suffixes:
        raise InvalidRequest.of(option, f"{file.name}: end it in {', '.join(suffixes)}")
    if not file.parent.is_dir():
        raise InvalidRequest.of(option, f"the folder {file.parent} is not there")


def write_table(table: pa.Table, output: Path, delimiter: str) -> None:
    """Whole or not at all; the delimiter is of a CSV file."""
    with whole_file(output) as target:
        match output.suffix.lower():
            case ".csv":
                options = pa_csv.WriteOptions(delimiter=delimiter, quoting_style="needed")
                pa_csv.write_csv(table, target, options)
            case ".parquet":
                pq.write_table(table, target)
            case _:
                with pa.ipc.new_stream(target, table.schema) as writer:
                    writer.write_table(table)
