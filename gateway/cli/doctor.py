"""``gateway doctor``: what is wrong with an installation, and what to do about it."""

from dataclasses import asdict
from pathlib import Path

import typer

from gateway.app.doctor import Finding, examine
from gateway.cli.exits import EXIT_FAILED
from gateway.cli.options import HomeFolder, Json
from gateway.cli.output import json_or, say, show_table
from gateway.config import CONFIG_NAME

app = typer.Typer()


@app.command()
def doctor(folder: HomeFolder = Path(), as_json: Json = False) -> None:
    """Look at every part of an installation as the gateway would use it; change nothing.

    On the gateway's machine, as its user, whether it runs or not. Ends with 1 when there is a fault.
    """
    found = examine(folder / CONFIG_NAME if folder.is_dir() else folder)
    json_or(as_json, [asdict(finding) for finding in found], lambda _: _show(found))
    if any(finding.state == "fault" for finding in found):
        raise typer.Exit(EXIT_FAILED)


def _show(found: list[Finding]) -> None:
    show_table(
        ["part", "", "found", "what to do"],
        [[f.part, f.state, f.text, "" if f.state == "fine" else f.remedy] for f in found],
    )
    faults = sum(finding.state == "fault" for finding in found)
    warnings = sum(finding.state == "warning" for finding in found)
    say("nothing is wrong" if not faults + warnings else f"{faults} faults, {warnings} warnings")
