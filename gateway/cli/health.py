"""``gateway health``: for probes of containers and supervisors."""

from pathlib import Path

import typer

from gateway.cli.options import HomeFolder
from gateway.cli.output import say
from gateway.client.probing import require_serving
from gateway.config import CONFIG_NAME, load
from gateway.errors import ConfigurationError

app = typer.Typer()


@app.command()
def health(folder: HomeFolder = Path()) -> None:
    """Ask the gateway that runs on this installation whether it serves; 0 when it does, else 5.

    Needs the setting health_socket, a socket in the state folder that only its user may use.
    """
    socket = load(folder / CONFIG_NAME if folder.is_dir() else folder).health_socket
    if socket is None:
        raise ConfigurationError("no health_socket is set: health_socket: state/health.sock")
    require_serving(socket)
    say("serving")
