"""Options that many commands share: who calls, and in which form the result is wanted."""

from pathlib import Path
from typing import Annotated

import typer

As = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="NAME",
        help="Party of the installation in this folder or GATEWAY_HOME, such as consumer.",
    ),
]
ProfileFile = Annotated[
    Path | None,
    typer.Option("--profile", help="Profile of the calling party, instead of --as."),
]
HomeFolder = Annotated[
    Path,
    typer.Argument(envvar="GATEWAY_HOME", help="Folder of the installation, or its settings."),
]
Home = Annotated[
    Path, typer.Option("--home", envvar="GATEWAY_HOME", help="Folder of the installation.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON for programs.")]
Names = Annotated[bool, typer.Option("--names", help="Only the names, one a line, for scripts.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; logged, and shown to those concerned.")]


Columns = Annotated[str, typer.Option("--columns", help="Names of columns, with commas.")]
Purpose = Annotated[str, typer.Option("--purpose", help="One of `gateway policy purposes`.")]
Project = Annotated[
    str | None,
    typer.Option("--project", help="Inside one project the same person has the same token."),
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", help='Only rows such as "age >= 18"; repeat for AND.'),
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many rows.")]


def listed(text: str) -> list[str]:
    """``a, b,c`` as a list."""
    return [item.strip() for item in text.split(",") if item.strip()]
