"""``gateway serve``: one gateway process in the foreground."""

import asyncio
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway.app.logs import configure_logs
from gateway.app.process import Addresses, Process
from gateway.cli.options import HomeFolder, Json
from gateway.cli.output import say, show_line
from gateway.config import CONFIG_NAME, Settings, load

app = typer.Typer()


@app.command()
def serve(
    folder: HomeFolder = Path(),
    as_json: Json = False,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", help="Also log what is only of use when looking for a fault."),
    ] = False,
) -> None:
    """Serve the installation in a folder until Ctrl-C or SIGTERM; then finish running calls.

    Logs go to standard error, one JSON object a line.
    """
    configure_logs(level=logging.DEBUG if verbose else logging.INFO)
    settings = load(folder / CONFIG_NAME if folder.is_dir() else folder)
    asyncio.run(_serve(settings, as_json=as_json))


async def _serve(settings: Settings, *, as_json: bool) -> None:
    process = Process(settings)
    try:
        _tell(await process.start(), as_json=as_json)
        await process.until_signal()
    finally:
        await process.stop()


def _tell(addresses: Addresses, *, as_json: bool) -> None:
    if as_json:
        show_line(asdict(addresses))
        return
    say(f"gateway: mutual TLS at {addresses.mutual_tls}")
    if addresses.bearer is not None:
        say(f"gateway: bearer tokens at {addresses.bearer}")
    if addresses.metrics is not None:
        say(f"gateway: metrics at http://{addresses.metrics}/metrics")
