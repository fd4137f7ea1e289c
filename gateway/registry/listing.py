"""Names as audit entries list them: whole, and where there is no room for all, how many are missing."""

from collections.abc import Iterable
from typing import Final

_ROOM: Final = 200
"""Characters of one detail of an entry."""


def listed(names: Iterable[str]) -> str:
    """``a,b``, or ``a,b,… (7 more)``. A single name that is too long is cut, and says so."""
    return _within(list(names), _ROOM)


def counted(names: Iterable[str]) -> str:
    """The same behind their number: ``2: a,b``; ``0`` where there is none."""
    known = list(names)
    prefix = f"{len(known)}: "
    return prefix + _within(known, _ROOM - len(prefix)) if known else "0"


def _within(names: list[str], room: int) -> str:
    for shown in range(min(len(names), room), 0, -1):
        text = ",".join(names[:shown]) + _missing(len(names) - shown)
        if len(text) <= room:
            return text
    if not names:
        return ""
    missing = _missing(len(names) - 1)
    return names[0][: room - len(missing) - 1] + "…" + missing


def _missing(number: int) -> str:
    return f",… ({number} more)" if number else ""
