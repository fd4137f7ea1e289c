"""``gateway read``: read a sealed release, or save it as a file."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import As, Json, ProfileFile
from gateway.cli.output import hint, show_json
from gateway.cli.release_views import waited_for
from gateway.cli.request import save
from gateway.cli.session import connected
from gateway.cli.tables import first_rows, show_records

app = typer.Typer()


@app.command()
def read(
    release: Annotated[str, typer.Argument(help="Name of the release, such as r-1a2b3c….")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write: .arrows, .parquet or .csv."),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Without a file, so many rows are shown.")] = 10,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Save a release as a file, or show its first rows."""
    with connected(name, profile) as client:
        with waited_for(client, release) as sealed:
            pass
        if output is not None:
            save(client, sealed, output)
            return
        columns = [step["published"] for step in sealed["plan"]["steps"]]
        table = first_rows(client.batches(release), columns, rows)
    if as_json:
        show_json([{k: _plain(v) for k, v in row.items()} for row in table.to_pylist()])
        return
    show_records(table, title=f"{sealed['name']}: {table.num_rows} of {sealed['rows']:,} rows")
    hint("all of it: add -o FILE.parquet")


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | str | None) else str(value)
