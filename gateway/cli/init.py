"""``gateway init``: a working, safe installation in one folder."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.app.setup import initialise
from gateway.cli.output import hint, say

app = typer.Typer()


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make; it must not hold one yet.")],
    listen: Annotated[
        str, typer.Option(envvar="GATEWAY_LISTEN", help="Address and port to serve at.")
    ] = "127.0.0.1:7443",
    host: Annotated[
        list[str] | None,
        typer.Option(help="Name under which other machines reach it; repeat for more."),
    ] = None,
) -> None:
    """Make an installation: settings, keys, database, and a development authority with one
    party of each role."""
    config = initialise(folder, listen=listen, hosts=tuple(host or ()))
    say(f"{config} is ready; its parties: {', '.join(_parties(folder))}")
    hint(f"run it: gateway serve {folder}")
    hint(f"then, in {folder}: gateway dataset list --as holder")


def _parties(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob("clients/*/profile.yaml"))
