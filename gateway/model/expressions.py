"""The expressions that a question may hold, as our own tree: what is run is written from this tree
and never from a caller's text.

Every expression has a type, and a value or null for every row whatever the row holds: what other
dialects report as an error (a division by zero, an overflow, a text that is no number) is null.
So no error should tell of the data, and one that comes about all the same has a fixed text.
"""

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field

from gateway.model.catalog import ColumnName
from gateway.model.noun import Noun

ValueType = Literal["boolean", "integer", "number", "text", "date", "time", "timestamp"]
"""``integer``: 64 bits. ``number``: binary floating point of 64 bits, never used where noise is
added. ``timestamp``: without zone, in microseconds, UTC where the column has a zone."""

FunctionName = Literal[
    "and", "or", "not",
    "=", "<>", "<", "<=", ">", ">=", "in", "is null", "like",
    "+", "-", "*", "/", "%", "negate",
    "abs", "floor", "ceil", "round", "sqrt", "clamp", "width_bucket", "greatest", "least",
    "coalesce", "nullif", "case",
    "lower", "upper", "length", "substring", "trim", "concat",
    "year", "quarter", "month", "day", "day_of_week", "hour", "minute",
    "to integer", "to number", "to text", "to date", "to timestamp",
    "truncate to year", "truncate to quarter", "truncate to month", "truncate to day",
    "truncate to hour",
]  # fmt: skip
"""``case``: condition, value, condition, value, …, value otherwise."""

DEEPEST: Final = 60
"""Levels that an expression may have: a tree is walked by recursion."""


class ColumnValue(Noun):
    """What a column holds; ``table`` is the place of its data set in the question."""

    kind: Literal["column"] = "column"
    table: Annotated[int, Field(ge=0, le=1)] = 0
    column: ColumnName
    type: ValueType


class Constant(Noun):
    """A constant of the question; ``text`` None is null. Out of ``repr``: it may be personal."""

    kind: Literal["constant"] = "constant"
    type: ValueType
    text: Annotated[str, Field(max_length=4000)] | None = Field(repr=False)


class Call(Noun):
    """A function of other expressions; which types it takes, ``planning.questions`` has checked."""

    kind: Literal["call"] = "call"
    function: FunctionName
    arguments: tuple["Expression", ...]
    type: ValueType


Expression = Annotated[ColumnValue | Constant | Call, Field(discriminator="kind")]

Call.model_rebuild()


def walk(expression: ColumnValue | Constant | Call) -> Iterator[ColumnValue | Constant | Call]:
    """The expression and all that is in it."""
    waiting: list[ColumnValue | Constant | Call] = [expression]
    while waiting:
        found = waiting.pop()
        yield found
        if isinstance(found, Call):
            waiting.extend(reversed(found.arguments))


def depth(expression: ColumnValue | Constant | Call) -> int:
    """How many levels the tree has."""
    deepest, waiting = 0, [(expression, 1)]
    while waiting:
        found, level = waiting.pop()
        deepest = max(deepest, level)
        if isinstance(found, Call):
            waiting.extend((argument, level + 1) for argument in found.arguments)
    return deepest
