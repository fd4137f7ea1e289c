"""What people and programs see: tables, JSON, messages, progress.

Results go to standard output, everything else to standard error. Progress bars and colours are
for terminals alone.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from gateway.errors import GatewayError

_WIDTH_OF_FILES: Final = 200
"""Columns of a table that is not shown on a terminal: wide enough not to cut anything."""

OUT: Final = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_FILES, highlight=False)
ERR: Final = Console(stderr=True, highlight=False, soft_wrap=True)

Advance = Callable[[int], None]


def show_json(value: object) -> None:
    """One JSON value, for programs."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def show_line(value: object) -> None:
    """One JSON value on one line, at once, for a program that waits for it."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def show_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None
) -> None:
    """Rows for people, or that there are none."""
    if not rows:
        say("nothing to show")
        return
    _show_title(title)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(escape(column), overflow="fold")
    for row in rows:
        table.add_row(*(escape(shown(cell)) for cell in row))
    OUT.print(table)


def show_fields(fields: Mapping[str, object], *, title: str | None = None) -> None:
    """Names and values below each other; what is empty is left out."""
    _show_title(title)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        if value not in (None, "", [], {}):
            table.add_row(escape(name), escape(shown(value)))
    OUT.print(table)


def _show_title(title: str | None) -> None:
    # Not the table's own: that would be wrapped to the width of the table.
    if title is not None:
        OUT.print(escape(title), style="italic", soft_wrap=True)


def show_names(found: Sequence[Mapping[str, object]]) -> None:
    """The names of what was found, one a line."""
    for item in found:
        sys.stdout.write(f"{item['name']}\n")


def shown(value: object) -> str:
    """A cell's text: nothing for null, no full stops for numbers, lists with commas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={shown(item)}" for key, item in value.items())
    return str(value)


def when(moment: str | None) -> str:
    """A moment of the API as people read it, in UTC to the minute."""
    if not moment:
        return ""
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M")


def say(text: str) -> None:
    """A message for people."""
    ERR.print(escape(text))


def hint(text: str) -> None:
    """What to do next."""
    ERR.print(f"[dim]→ {escape(text)}[/dim]")


def complain(error: GatewayError) -> None:
    """What went wrong and what would be right, each violation on a line of its own."""
    listed = list(dict.fromkeys(f"{v.field}: {v.description}" for v in error.violations))
    # A message that is only the list of them, perhaps cut off on its way, is not said twice.
    repeated = len(listed) > 1 and error.message.startswith(listed[0])
    message = f"{len(listed)} violations" if repeated else error.message
    ERR.print(f"[bold red]{escape(error.reason)}[/bold red]: {escape(message)}")
    if len(listed) > 1:
        for line in listed:
            ERR.print(f"  - {escape(line)}")


def complain_json(error: GatewayError) -> None:
    """The same on one line, for programs."""
    told = {
        "reason": error.reason,
        "message": error.message,
        "violations": [
            {"field": violation.field, "description": violation.description}
            for violation in error.violations
        ],
    }
    sys.stderr.write(json.dumps({"error": told}, ensure_ascii=False) + "\n")


@contextmanager
def progress(text: str, total: int | None = None) -> Iterator[Advance]:
    """A progress bar on a terminal, nothing elsewhere; yields what is told how far it is."""
    with _bar() as bar:
        task = bar.add_task(text, total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def stages(text: str) -> Iterator[Callable[[str, int, int], None]]:
    """The same for work in stages; yields what is told stage, rows done and rows expected."""
    with _bar() as bar:
        task = bar.add_task(text, total=None)

        def tell(stage: str, done: int, expected: int) -> None:
            bar.update(task, description=f"{text}: {stage}", completed=done, total=expected or None)

        yield tell


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        console=ERR,
        transient=True,
        disable=not ERR.is_terminal,
    )


def json_or(
    as_json: bool,
    value: Any,
    show: Callable[[Any], None],
) -> None:
    """``value`` as JSON, or shown for people."""
    if as_json:
        show_json(value)
    else:
        show(value)
