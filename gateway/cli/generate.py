"""``gateway generate``: make up the registers of a city that does not exist, and a benchmark."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import typer

from gateway.cli.output import hint, progress, say
from gateway.errors import AlreadyExists, InvalidRequest
from gateway.testing import (
    employment_batches,
    health_insurance_batches,
    household_register_batches,
    residents_batches,
)
from gateway.testing.benchmark import ROWS, tables

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _generate() -> None:
    """Make up registers of one city (all about the same people), or a labelled benchmark."""


class Names(StrEnum):
    """How columns are named."""

    ENGLISH = "english"
    CHINESE = "chinese"
    PINYIN = "pinyin"


Batches = Callable[..., Iterator[pa.RecordBatch]]


def _register(name: str, make: Batches) -> None:
    @app.command(name, help=f"Make up the register of {name}. No value comes from a person.")
    def _make(
        output: Annotated[Path, typer.Option("--output", "-o", help="File: .parquet or .csv.")],
        rows: Annotated[int, typer.Option(min=1, help="How many people.")] = 10_000,
        seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same people.")] = 0,
        names: Annotated[Names, typer.Option(help="Language of the column names.")] = Names.ENGLISH,
    ) -> None:
        _refuse_to_overwrite(output)
        try:
            batches = make(rows, seed, style=names.value)
        except ValueError as error:
            raise InvalidRequest.of("rows", str(error)) from error
        with progress(f"making up {name}", rows) as tell:
            written = write_records(output, batches, tell)
        say(f"wrote {output}: {written:,} rows about a city of {rows:,} people")
        hint(f"protect it: gateway protect {output} --policy POLICY.yaml -o OUT.parquet")


_register("residents", residents_batches)
_register("households", household_register_batches)
_register("insurance", health_insurance_batches)
_register("employment", employment_batches)


@app.command()
def benchmark(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder, made anew.")],
    rows: Annotated[int, typer.Option(min=1, help="Rows of each table.")] = ROWS,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same tables.")] = 0,
) -> None:
    """Make up forty tables with known answers, to measure a classification of columns with.

    Writes one Parquet file a table, and labels.csv: table, domain, column, kind, naming style,
    entity and role (both empty where nobody could tell), whether it is a trap, spoilt cells in a
    thousand.
    """
    _refuse_to_overwrite(output)
    output.mkdir(parents=True)
    labels = []
    made = list(tables(seed, rows=rows))
    for table in made:
        pq.write_table(table.data, output / f"{table.title}.parquet")
        labels += [
            {"table": table.title, "domain": table.domain, **asdict(column)}
            for column in table.columns
        ]
    pa_csv.write_csv(pa.Table.from_pylist(labels), output / "labels.csv")
    say(f"wrote {len(made)} tables with {len(labels)} columns, and labels.csv, to {output}")


def _refuse_to_overwrite(output: Path) -> None:
    if output.exists():
        raise AlreadyExists(f"{output} exists; nothing is overwritten")


def write_records(
    output: Path, batches: Iterator[pa.RecordBatch], tell: Callable[[int], None]
) -> int:
    """Write record batches as Parquet or CSV, by the suffix; the file is whole or not there.
    Returns the number of rows."""
    if output.suffix not in (".parquet", ".csv"):
        raise InvalidRequest.of("output", f"{output.name}: end it in .parquet or .csv")
    draft = output.with_name(f".{output.name}.part")
    first = next(batches)
    try:
        with (
            pq.ParquetWriter(draft, first.schema)
            if output.suffix == ".parquet"
            else pa_csv.CSVWriter(draft, first.schema)
        ) as writer:
            done = 0
            for batch in chain((first,), batches):
                writer.write_batch(batch)
                done += batch.num_rows
                tell(done)
        draft.replace(output)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    return done
