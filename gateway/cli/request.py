"""``gateway request``: ask for an extract for a purpose."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.exits import EXIT_DENIED
from gateway.cli.options import (
    As,
    Columns,
    Json,
    Limit,
    ProfileFile,
    Project,
    Purpose,
    Where,
    listed,
)
from gateway.cli.output import hint, json_or, progress, say
from gateway.cli.release_views import show_decision, show_release, waited_for
from gateway.cli.session import connected
from gateway.client import Client, Denied, plain

app = typer.Typer()


@app.command()
def request(
    dataset: Annotated[str, typer.Argument(help="Name of the data set.")],
    columns: Columns,
    purpose: Purpose,
    project: Project = None,
    where: Where = None,
    limit: Limit = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show decision and plan; store and charge nothing.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Wait, and save as .arrows, .parquet or .csv."),
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait until it is sealed.")] = True,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Ask for an extract. Ends with 3 when it was denied, and says why."""
    with connected(name, profile) as client:
        ask = partial(
            client.preview if dry_run else client.request,
            dataset,
            listed(columns),
            purpose,
            project=project,
            filters=where or (),
            limit=limit,
        )
        if dry_run:
            preview = plain(ask())
            json_or(as_json, preview, show_release)
            if preview["decision"]["outcome"] == "denied":
                raise typer.Exit(EXIT_DENIED)
            return
        try:
            release = plain(ask())
        except Denied as denied:
            # The reasons are the answer; the message of the error would only repeat them.
            json_or(as_json, plain(denied.release), lambda shown: show_decision(shown["decision"]))
            raise typer.Exit(EXIT_DENIED) from denied
        if wait or output is not None:
            release = _sealed(client, release["name"])
        json_or(as_json, release, show_release)
        if output is not None:
            save(client, release, output)
        else:
            short = release["name"].removeprefix("releases/")
            hint(f"save it: gateway read {short} -o FILE.parquet")


def _sealed(client: Client, name: str) -> dict[str, Any]:
    try:
        with waited_for(client, name) as sealed:
            return sealed
    except KeyboardInterrupt:
        short = name.removeprefix("releases/")
        say(f"interrupted; it goes on: gateway release watch|cancel {short}")
        raise


def save(client: Client, release: dict[str, object], output: Path) -> None:
    """Save a sealed release with its certificate beside it, both verified."""
    name = str(release["name"])
    rows = release["rows"]
    with progress(f"saving {output.name}", rows if isinstance(rows, int) else None) as tell:
        client.save(name, output, tell)
    certificate = output.with_name(output.name + ".certificate.json")
    certificate.write_text(client.certificate(name), encoding="utf-8")
    verified = client.verify(name, output)
    say(f"saved {output}: {verified.file_check}; certificate {certificate}")
    hint(f"verify it offline: gateway verify {certificate} {output} --key signing.pub.pem")
