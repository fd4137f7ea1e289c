"""``gateway demo``: everything at work, on a real server, in a folder of its own."""

import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from gateway.cli.demo_steps import Demonstration
from gateway.cli.output import OUT

app = typer.Typer()

ADULT = Path("../shared/data/adult/adult.csv")
ROWS = 200_000


@app.command()
def demo(
    rows: Annotated[int, typer.Option(min=1_000, help="Residents of the made-up city.")] = ROWS,
    adult: Annotated[
        Path | None,
        typer.Option(help=f"The Adult census extract; without it {ADULT}, where that is there."),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Keep everything in this new folder, to look around in.")
    ] = None,
) -> None:
    """See everything at work: two data sets, two policies, a denial, a grant, protected extracts,
    their certificates, and the audit log, on a server of its own with six parties.

    Ends with 0 only if everything was as it is told.
    """
    began = time.monotonic()
    with _folder(keep) as folder, _ended_in_order():
        with ExitStack() as stack:
            Demonstration(folder, rows, _adult(adult), stack).run()
        OUT.print(f"\nAll as claimed, in {time.monotonic() - began:.1f} s.", style="bold green")
        if keep is not None:
            OUT.print(f"Everything is in {keep}; go on with: gateway serve {keep}")


def _adult(given: Path | None) -> Path | None:
    if given is not None:
        return given
    return ADULT if ADULT.is_file() else None


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="gateway-demo-") as folder:
        yield Path(folder) / "installation"


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """SIGTERM ends the demonstration as Ctrl-C does: the child is ended, the folder removed."""

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
