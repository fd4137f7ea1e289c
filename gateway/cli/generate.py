"""``gateway generate``: make up the registers of a city that does not exist."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Annotated, Final

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

app = typer.Typer()


class Register(StrEnum):
    """A register that can be made up; all four are about the same people."""

    RESIDENTS = "residents"
    HOUSEHOLDS = "households"
    INSURANCE = "insurance"
    EMPLOYMENT = "employment"


class Names(StrEnum):
    """How columns are named."""

    ENGLISH = "english"
    CHINESE = "chinese"
    PINYIN = "pinyin"


Batches = Callable[..., Iterator[pa.RecordBatch]]
_MAKERS: Final[dict[Register, Batches]] = {
    Register.RESIDENTS: residents_batches,
    Register.HOUSEHOLDS: household_register_batches,
    Register.INSURANCE: health_insurance_batches,
    Register.EMPLOYMENT: employment_batches,
}


@app.command()
def generate(
    register: Annotated[Register, typer.Argument(help="Which register.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File: .parquet or .csv.")],
    rows: Annotated[int, typer.Option(min=1, help="How many people.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same people.")] = 0,
    names: Annotated[Names, typer.Option(help="Language of the column names.")] = Names.ENGLISH,
) -> None:
    """Make up a register, for trying things out. No value comes from a person."""
    if output.exists():
        raise AlreadyExists(f"{output} exists; nothing is overwritten")
    try:
        batches = _MAKERS[register](rows, seed, style=names.value)
    except ValueError as error:
        raise InvalidRequest.of("rows", str(error)) from error
    with progress(f"making up {register}", rows) as tell:
        write_records(output, batches, tell)
    say(f"wrote {output}: {rows:,} people")
    hint(f"protect it: gateway protect {output} --policy POLICY.yaml -o OUT.parquet")


def write_records(
    output: Path, batches: Iterator[pa.RecordBatch], tell: Callable[[int], None]
) -> None:
    """Write record batches as Parquet or CSV, by the suffix; the file is whole or not there."""
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
