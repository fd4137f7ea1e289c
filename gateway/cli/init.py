"""``gateway init``: a working, safe installation in one folder."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.app.setup import initialise, upgrade_store
from gateway.cli.output import hint, say
from gateway.config import CONFIG_NAME, Secret

app = typer.Typer()


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make an installation in.")],
    listen: Annotated[
        str, typer.Option(envvar="GATEWAY_LISTEN", help="Address and port to serve at.")
    ] = "127.0.0.1:7443",
    host: Annotated[
        list[str] | None,
        typer.Option(help="Name under which other machines reach it; repeat for more."),
    ] = None,
    store_file: Annotated[
        Path | None,
        typer.Option(help="Private file with the postgresql:// address of an empty database."),
    ] = None,
    upgrade: Annotated[
        bool,
        typer.Option("--upgrade", help="Only bring the store of an installation up to date."),
    ] = False,
) -> None:
    """Make an installation: settings, keys, database, and a development authority with one
    party of each role."""
    if upgrade:
        upgrade_store(folder / CONFIG_NAME)
        say(f"the store of {folder} is up to date")
        return
    address = Secret(file=store_file).read() if store_file is not None else None
    config = initialise(folder, listen=listen, hosts=tuple(host or ()), store=address)
    say(f"{config} is ready; its parties: {', '.join(_parties(folder))}")
    hint(f"run it: gateway serve {folder}")
    hint(f"then, in {folder}: gateway dataset list --as holder")


def _parties(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob("clients/*/profile.yaml"))
