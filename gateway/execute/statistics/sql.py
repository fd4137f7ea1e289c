"""Our own tree of expressions as SQL of DuckDB.

Every constant is quoted here, and no text of a caller is part of the result. No
expression is meant to fail on any row: every cast gives null where it cannot, what would overflow is
computed in 128 bits, a division by zero is null, and a number is null where it is not finite. Tests
ask each function at the edges of its types; what fails all the same ends with one text
(``release.answering``).
"""

from collections.abc import Callable
from typing import Final

from gateway.model.expressions import Call, ColumnValue, Constant, FunctionName, ValueType

Tree = ColumnValue | Constant | Call

LONGEST: Final = 1000
"""Characters of a text that is put together."""

_TYPES: Final[dict[ValueType, str]] = {
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "text": "VARCHAR",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
}
_CALLS: Final[dict[FunctionName, str]] = {
    # Every comparison, and what can neither fail nor overflow.
    "not": "(NOT {})",
    "=": "({} = {})",
    "<>": "({} <> {})",
    "<": "({} < {})",
    "<=": "({} <= {})",
    ">": "({} > {})",
    ">=": "({} >= {})",
    "is null": "({} IS NULL)",
    "like": "({} LIKE {})",
    "lower": "lower({})",
    "upper": "upper({})",
    "length": "length({})",
    "trim": "trim({})",
    "year": "year({})",
    "quarter": "quarter({})",
    "month": "month({})",
    "day": "day({})",
    "day_of_week": "dayofweek({})",
    "hour": "hour({})",
    "minute": "minute({})",
    "to integer": "TRY_CAST({} AS BIGINT)",
    "to text": "TRY_CAST({} AS VARCHAR)",
    "to date": "TRY_CAST({} AS DATE)",
    "to timestamp": "TRY_CAST({} AS TIMESTAMP)",
}
_JOINED: Final[dict[FunctionName, str]] = {"and": " AND ", "or": " OR "}
_LISTED: Final[dict[FunctionName, str]] = {
    "coalesce": "coalesce",
    "greatest": "greatest",
    "least": "least",
}


def text(value: str) -> str:
    """A text between apostrophes."""
    return "'" + value.replace("'", "''") + "'"


def written(expression: Tree, column: Callable[[ColumnValue], str]) -> str:
    """The expression as SQL; ``column`` writes columns, whose values are of their type and, where
    they are numbers, finite or null."""
    if isinstance(expression, ColumnValue):
        return column(expression)
    if isinstance(expression, Constant):
        return constant(expression)
    parts = [written(argument, column) for argument in expression.arguments]
    special = _SPECIAL.get(expression.function)
    if special is not None:
        return special(expression, parts)
    if expression.function in _JOINED:
        return "(" + _JOINED[expression.function].join(parts) + ")"
    if expression.function in _LISTED:
        return f"{_LISTED[expression.function]}({', '.join(parts)})"
    return _CALLS[expression.function].format(*parts)


def constant(value: Constant) -> str:
    """A constant of its type."""
    inner = "NULL" if value.text is None else text(value.text)
    return f"TRY_CAST({inner} AS {_TYPES[value.type]})"


def once(value: str, body: Callable[[str], str]) -> str:
    """What ``body`` makes of a value, which is written once however often the body names it: where
    each level wrote its value twice, a text of 100 characters would come to gigabytes."""
    if value.isidentifier():
        return body(value)
    return f"list_transform([{value}], lambda x: {body('x')})[1]"


def finite(number: str) -> str:
    """A number where it is one, else null."""
    return once(number, lambda x: f"(CASE WHEN isfinite({x}) THEN {x} END)")


def short(value: str) -> str:
    """A text of at most ``LONGEST`` characters, else null."""
    return once(value, lambda x: f"(CASE WHEN length({x}) <= {LONGEST} THEN {x} END)")


def _unless(value: str, other: str) -> str:
    # NULLIF is a CASE to the database, which holds the value twice.
    return once(value, lambda x: f"(CASE WHEN {x} = {other} THEN NULL ELSE {x} END)")


def read(name: str, kind: ValueType) -> str:
    """A column of a source as a value of that type."""
    if kind == "number":
        number = f"TRY_CAST({name} AS DOUBLE)"
        return f"(CASE WHEN isfinite({number}) THEN {number} END)"
    return f"TRY_CAST({name} AS {_TYPES[kind]})"


def _whole(expression: str) -> str:
    return f"TRY_CAST({expression} AS BIGINT)"


def _arithmetic(call: Call, parts: list[str]) -> str:
    left, right = parts
    if call.function == "/":
        return finite(f"({left} / {_unless(right, '0')})")
    if call.type == "number":
        return finite(f"({left} {call.function} {right})")
    divisor = _unless(right, "0") if call.function == "%" else right
    return _whole(f"(TRY_CAST({left} AS HUGEINT) {call.function} TRY_CAST({divisor} AS HUGEINT))")


def _sign(call: Call, parts: list[str]) -> str:
    function = {"negate": "-", "abs": "abs"}[call.function]
    if call.type == "number":
        return f"{function}({parts[0]})"
    return _whole(f"{function}(TRY_CAST({parts[0]} AS HUGEINT))")


def _rounded(call: Call, parts: list[str]) -> str:
    if call.type == "integer":
        return parts[0]
    places = f", TRY_CAST({parts[1]} AS INTEGER)" if call.function == "round" else ""
    return finite(f"{call.function}({parts[0]}{places})")


def _clamp(call: Call, parts: list[str]) -> str:
    value, low, high = parts
    del call
    # greatest and least pass over nulls, and a null is no value to clamp
    return once(
        value, lambda x: f"(CASE WHEN {x} IS NOT NULL THEN greatest({low}, least({high}, {x})) END)"
    )


def _width_bucket(call: Call, parts: list[str]) -> str:
    value, low, high, count = parts
    del call
    low, high = f"TRY_CAST({low} AS DOUBLE)", f"TRY_CAST({high} AS DOUBLE)"
    # Of a finite width, which was asked for, the place is finite; were it not, it is the last.
    return once(
        value,
        lambda x: (
            f"(CASE WHEN {x} IS NULL THEN NULL WHEN {x} < {low} THEN 0 "
            f"WHEN {x} >= {high} THEN {count} + 1 ELSE least({count}, "
            f"TRY_CAST(1 + floor(({x} - {low}) / ({high} - {low}) * {count}) AS BIGINT)) END)"
        ),
    )


def _case(call: Call, parts: list[str]) -> str:
    del call
    pairs = zip(parts[:-1:2], parts[1::2], strict=True)
    branches = " ".join(f"WHEN {condition} THEN {value}" for condition, value in pairs)
    return f"(CASE {branches} ELSE {parts[-1]} END)"


def _in(call: Call, parts: list[str]) -> str:
    del call
    return f"({parts[0]} IN ({', '.join(parts[1:])}))"


def _truncated(call: Call, parts: list[str]) -> str:
    unit = call.function.removeprefix("truncate to ")
    return f"TRY_CAST(TRY(date_trunc('{unit}', {parts[0]})) AS {_TYPES[call.type]})"


_SPECIAL: Final[dict[FunctionName, Callable[[Call, list[str]], str]]] = {
    **dict.fromkeys(("+", "-", "*", "/", "%"), _arithmetic),
    **dict.fromkeys(("negate", "abs"), _sign),
    **dict.fromkeys(("floor", "ceil", "round"), _rounded),
    **dict.fromkeys(
        (
            "truncate to year",
            "truncate to quarter",
            "truncate to month",
            "truncate to day",
            "truncate to hour",
        ),
        _truncated,
    ),
    "sqrt": lambda _, parts: once(parts[0], lambda x: f"(CASE WHEN {x} >= 0 THEN sqrt({x}) END)"),
    "nullif": lambda _, parts: _unless(*parts),
    "concat": lambda _, parts: short(f"({' || '.join(parts)})"),
    "substring": lambda _, parts: f"substring({', '.join(parts)})",
    "to number": lambda _, parts: finite(f"TRY_CAST({parts[0]} AS DOUBLE)"),
    "clamp": _clamp,
    "width_bucket": _width_bucket,
    "case": _case,
    "in": _in,
}
