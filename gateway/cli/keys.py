"""``gateway keys``: make and rotate key rings, on the machine where they are kept."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.app.system import SystemEntropy
from gateway.cli.output import hint, say
from gateway.store.keyring import FileKeyRing

app = typer.Typer(no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="Key ring, such as keys/ring.json of an installation.")]


@app.command()
def create(file: File) -> None:
    """Make a new key ring, for `gateway protect --key-ring`."""
    FileKeyRing.create(file, SystemEntropy())
    say(f"made {file}; whoever has it can make the same tokens, so keep it private")


@app.command()
def rotate(file: File) -> None:
    """Add a root key and use it from now on; what earlier ones encrypted stays readable.

    Tokens made from now on do not agree with earlier ones, also inside a project.
    """
    version = FileKeyRing(file, SystemEntropy()).rotate()
    say(f"{file} uses root key {version} from now on")
    hint("a gateway that runs uses it once it is started again")


@app.command()
def show(file: File) -> None:
    """Show which root key a ring uses; never a key."""
    say(f"{file} uses root key {FileKeyRing(file, SystemEntropy()).version}")
