"""Refusals of what is outside the subset: its name, its place, and what to write instead.

What a constant holds is never repeated: it may be about a person.
"""

from collections.abc import Iterable

from pydantic import ValidationError
from sqlglot import exp

from gateway.errors import InvalidRequest

_NAMES: dict[type[exp.Expr], str] = {
    exp.Window: "a window function (OVER)",
    exp.Subquery: "a sub-query",
    exp.Select: "a sub-query",
    exp.Exists: "EXISTS",
    exp.With: "WITH",
    exp.CTE: "WITH",
    exp.Union: "UNION",
    exp.Except: "EXCEPT",
    exp.Intersect: "INTERSECT",
    exp.Star: "* (outside COUNT(*))",
    exp.Placeholder: "a placeholder",
    exp.Parameter: "a parameter",
    exp.SessionParameter: "a session parameter",
    exp.TableSample: "TABLESAMPLE",
    exp.Filter: "FILTER",
    exp.Lambda: "a lambda",
    exp.Rand: "RANDOM (it is not deterministic)",
    exp.CurrentDate: "CURRENT_DATE (it is not deterministic)",
    exp.CurrentTime: "CURRENT_TIME (it is not deterministic)",
    exp.CurrentTimestamp: "CURRENT_TIMESTAMP (it is not deterministic)",
    exp.CurrentUser: "CURRENT_USER",
    exp.Uuid: "UUID (it is not deterministic)",
    exp.Collate: "COLLATE",
    exp.RegexpLike: "a regular expression (write LIKE)",
}

_LONG = {"aggregates": "aggregates of one question", "name": "the name of a column"}


def place(node: exp.Expr) -> str:
    """Line and column of the first word of the node that the parser knows the place of."""
    for part in node.walk():
        line, column = part.meta.get("line"), part.meta.get("col")
        if line is not None and column is not None:
            return f"line {line}, near column {column}: "
    return ""


def refused(node: exp.Expr, text: str) -> InvalidRequest:
    """What to raise about this node."""
    return InvalidRequest.of("sql", place(node) + text)


def outside(node: exp.Expr) -> InvalidRequest:
    """What to raise where this is not part of the subset."""
    return refused(
        node, f"{named(node)} is not part of what statistics can ask; see docs/statistics.md"
    )


def named(node: exp.Expr) -> str:
    """What the node is called in SQL."""
    if isinstance(node, exp.Anonymous):
        return f"the function {str(node.this)[:60].upper()}"
    known = _NAMES.get(type(node))
    if known is not None:
        return known
    if isinstance(node, exp.Func):
        return f"the function {type(node).sql_name()}"
    return type(node).__name__.upper()


def wrong(error: ValidationError) -> str:
    """What is wrong with a question that was understood, in words of questions."""
    fault = error.errors(include_input=False, include_url=False)[0]
    if fault["type"] in ("too_long", "string_too_long"):
        most = fault.get("ctx", {})["max_length"]
        thing = str(fault["loc"][-1]).replace("_", " ") if fault["loc"] else "question"
        kind = "characters" if fault["type"] == "string_too_long" else "parts"
        return f"{_LONG.get(thing, thing)}: at most {most:,} {kind}"
    return fault["msg"].removeprefix("Value error, ")


def only(node: exp.Expr, used: Iterable[str], ignored: Iterable[str] = ()) -> None:
    """Refuse the node when the parser found more in it than is used: nothing is left unread.

    ``ignored``: what the parser notes about its own dialect and that changes no meaning here.
    """
    known = {*used, *ignored}
    for name, value in node.args.items():
        if value and name not in known:
            said = value[0] if isinstance(value, list) else value
            if isinstance(said, exp.Expr):
                raise outside(said)
            word = value if isinstance(value, str) else name.strip("_").upper()
            raise refused(node, f"{word} is not part of what statistics can ask here")
