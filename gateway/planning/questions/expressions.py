"""Expressions over rows: from the parser's tree to our own, with a type for every part.

An allow-list: what is not here is refused by its name. Every function here gives the same value for
the same row at any time, and null where other dialects stop with an error (``execute.statistics``
writes them so).
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from itertools import islice
from math import isfinite
from typing import Final

from sqlglot import exp

from gateway.model.expressions import Call, ColumnValue, Constant, FunctionName, ValueType, walk
from gateway.planning.questions.refusals import named, only, outside, refused
from gateway.planning.questions.scope import Scope

Tree = ColumnValue | Constant | Call

_MOST_TEXT: Final = 1000
_MOST_LISTED: Final = 1000
_MOST_JOINED: Final = 20
_MOST_PARTS: Final = 5000
_NUMERIC: Final = ("integer", "number")
_DATED: Final = ("date", "timestamp")
_QUIET: Final = ("big_int", "safe", "typed", "ignore_nulls", "coalesce", "nulls_first", "nested")
"""Notes of the parser on its dialect: our own meaning of each function is fixed."""

_COMPARISONS: Final[dict[type[exp.Expr], FunctionName]] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ARITHMETIC: Final[dict[type[exp.Expr], FunctionName]] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}
_PARTS: Final[dict[str, FunctionName]] = {
    "YEAR": "year",
    "QUARTER": "quarter",
    "MONTH": "month",
    "DAY": "day",
    "DOW": "day_of_week",
    "DAYOFWEEK": "day_of_week",
    "HOUR": "hour",
    "MINUTE": "minute",
}
_PART_FUNCTIONS: Final[dict[type[exp.Expr], FunctionName]] = {
    exp.Year: "year",
    exp.Quarter: "quarter",
    exp.Month: "month",
    exp.Day: "day",
    exp.DayOfMonth: "day",
    exp.DayOfWeek: "day_of_week",
    exp.Hour: "hour",
    exp.Minute: "minute",
}
_TRUNCATIONS: Final[dict[str, FunctionName]] = {
    "YEAR": "truncate to year",
    "QUARTER": "truncate to quarter",
    "MONTH": "truncate to month",
    "DAY": "truncate to day",
    "HOUR": "truncate to hour",
}
_TEXT_FUNCTIONS: Final[dict[type[exp.Expr], tuple[FunctionName, ValueType]]] = {
    exp.Lower: ("lower", "text"),
    exp.Upper: ("upper", "text"),
    exp.Trim: ("trim", "text"),
    exp.Length: ("length", "integer"),
}
_NUMBER_FUNCTIONS: Final[dict[type[exp.Expr], FunctionName]] = {
    exp.Neg: "negate",
    exp.Abs: "abs",
    exp.Floor: "floor",
    exp.Ceil: "ceil",
}
_CASTS: Final[dict[object, FunctionName]] = {
    **dict.fromkeys(exp.DataType.SIGNED_INTEGER_TYPES, "to integer"),
    exp.DataType.Type.DOUBLE: "to number",
    exp.DataType.Type.FLOAT: "to number",
    exp.DataType.Type.TEXT: "to text",
    exp.DataType.Type.VARCHAR: "to text",
    exp.DataType.Type.DATE: "to date",
    exp.DataType.Type.TIMESTAMP: "to timestamp",
}
_CAST_TYPES: Final[dict[FunctionName, ValueType]] = {
    "to integer": "integer",
    "to number": "number",
    "to text": "text",
    "to date": "date",
    "to timestamp": "timestamp",
}
_CASTABLE: Final[dict[FunctionName, tuple[ValueType, ...]]] = {
    # No text of a number of floating point: how it is written differs between engines.
    "to integer": ("integer", "number", "text", "boolean"),
    "to number": ("integer", "number", "text"),
    "to text": ("text", "integer", "boolean", "date"),
    "to date": ("date", "timestamp", "text"),
    "to timestamp": ("date", "timestamp", "text"),
}
_NUMBER_TEXT: Final = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", re.ASCII)


def read(node: exp.Expr, scope: Scope) -> Tree:
    """The expression; InvalidRequest names what is outside the subset, unknown or ill-typed."""
    return _Reader(scope).read(node)


def condition(node: exp.Expr, scope: Scope) -> Tree:
    """An expression that is true or false."""
    found = read(node, scope)
    if found.type != "boolean":
        raise refused(node, f"a condition is wanted here, and this is of type {found.type}")
    return found


def constant(node: exp.Expr, scope: Scope) -> Constant | None:
    """The constant that the node is, with its sign; None when it is something else."""
    found = read(node, scope)
    if isinstance(found, Call) and found.function == "negate":
        (inner,) = found.arguments
        if isinstance(inner, Constant) and inner.text is not None:
            return inner.but(text="-" + inner.text)
    return found if isinstance(found, Constant) else None


class _Reader:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def read(self, node: exp.Expr) -> Tree:
        for kinds, reader in self._readers():
            if isinstance(node, kinds):
                found = reader(node)
                # BETWEEN and CASE repeat what they compare: nested, they would double and double.
                if sum(1 for _ in islice(walk(found), _MOST_PARTS + 1)) > _MOST_PARTS:
                    raise refused(node, f"an expression has at most {_MOST_PARTS} parts")
                return found
        raise outside(node)

    def _readers(
        self,
    ) -> Sequence[tuple[tuple[type[exp.Expr], ...], Callable[..., Tree]]]:
        return (
            ((exp.Column,), self._scope.value),
            ((exp.Literal, exp.Boolean, exp.Null), _literal),
            ((exp.Paren,), self._paren),
            ((exp.And, exp.Or), self._logic),
            ((exp.Not,), self._not),
            (tuple(_COMPARISONS), self._comparison),
            ((exp.Between,), self._between),
            ((exp.In,), self._in),
            ((exp.Is,), self._is),
            ((exp.Like,), self._like),
            (tuple(_ARITHMETIC), self._arithmetic),
            (tuple(_NUMBER_FUNCTIONS), self._of_number),
            ((exp.Sqrt,), self._sqrt),
            ((exp.Round,), self._round),
            ((exp.Coalesce, exp.Greatest, exp.Least), self._same_types),
            ((exp.Nullif,), self._nullif),
            ((exp.Case, exp.If), self._case),
            (tuple(_TEXT_FUNCTIONS), self._of_text),
            ((exp.Substring,), self._substring),
            ((exp.DPipe, exp.Concat), self._concat),
            (tuple(_PART_FUNCTIONS), self._part),
            ((exp.Extract,), self._extract),
            ((exp.TimestampTrunc, exp.DateTrunc), self._truncate),
            ((exp.TryCast, exp.Cast), self._cast),
            ((exp.WidthBucket,), self._width_bucket),
            ((exp.Anonymous,), self._by_name),
        )

    # ---- conditions -----------------------------------------------------------------------------

    def _paren(self, node: exp.Paren) -> Tree:
        only(node, ("this",))
        return self.read(node.this)

    def _logic(self, node: exp.Expr) -> Tree:
        only(node, ("this", "expression"))
        function: FunctionName = "and" if isinstance(node, exp.And) else "or"
        # A long chain leans to the left; flat, it is no deeper than its members.
        parts, waiting = [], [node]
        while waiting:
            found = waiting.pop()
            if type(found) is type(node):
                waiting += [found.expression, found.this]
            else:
                parts.append(condition(found, self._scope))
        return Call(function=function, arguments=tuple(parts), type="boolean")

    def _not(self, node: exp.Not) -> Tree:
        only(node, ("this",))
        inner = condition(node.this, self._scope)
        return Call(function="not", arguments=(inner,), type="boolean")

    def _comparison(self, node: exp.Expr) -> Tree:
        only(node, ("this", "expression"))
        function = _COMPARISONS[type(node)]
        left, right = self._alike(node, [node.this, node.expression])
        return Call(function=function, arguments=(left, right), type="boolean")

    def _between(self, node: exp.Between) -> Tree:
        only(node, ("this", "low", "high"), _QUIET)
        value, low, high = self._alike(node, [node.this, node.args["low"], node.args["high"]])
        ends: tuple[tuple[FunctionName, Tree], ...] = ((">=", low), ("<=", high))
        parts = tuple(Call(function=f, arguments=(value, end), type="boolean") for f, end in ends)
        return Call(function="and", arguments=parts, type="boolean")

    def _in(self, node: exp.In) -> Tree:
        only(node, ("this", "expressions"))
        if not node.expressions:
            raise refused(node, "the list of IN is empty: write the values that are looked for")
        if len(node.expressions) > _MOST_LISTED:
            raise refused(node, f"IN lists at most {_MOST_LISTED} values")
        found = self._alike(node, [node.this, *node.expressions])
        listed = [c for n in node.expressions if (c := constant(n, self._scope)) is not None]
        if len(listed) != len(node.expressions) or any(c.text is None for c in listed):
            raise refused(node, "IN lists constants other than NULL")
        return Call(function="in", arguments=tuple(found), type="boolean")

    def _is(self, node: exp.Is) -> Tree:
        only(node, ("this", "expression"))
        if not isinstance(node.expression, exp.Null):
            raise refused(node, "IS is only used with NULL")
        return Call(function="is null", arguments=(self.read(node.this),), type="boolean")

    def _like(self, node: exp.Like) -> Tree:
        only(node, ("this", "expression"))
        pattern = constant(node.expression, self._scope)
        if pattern is None or pattern.type != "text" or pattern.text is None:
            raise refused(node, "LIKE is used with a constant text")
        return Call(
            function="like", arguments=(self._typed(node.this, "text"), pattern), type="boolean"
        )

    # ---- numbers --------------------------------------------------------------------------------

    def _arithmetic(self, node: exp.Expr) -> Tree:
        only(node, ("this", "expression"), _QUIET)
        function = _ARITHMETIC[type(node)]
        left, right = self._number(node.this), self._number(node.expression)
        if function == "/":
            left, right = _as_number(left), _as_number(right)
        left, right = _alike(node, [left, right])
        if function == "%" and left.type != "integer":
            raise refused(node, "% takes whole numbers")
        return Call(function=function, arguments=(left, right), type=left.type)

    def _of_number(self, node: exp.Expr) -> Tree:
        only(node, ("this",), _QUIET)
        inner = self._number(node.this)
        function = _NUMBER_FUNCTIONS[type(node)]
        return Call(function=function, arguments=(inner,), type=inner.type)

    def _sqrt(self, node: exp.Sqrt) -> Tree:
        only(node, ("this",))
        return Call(
            function="sqrt", arguments=(_as_number(self._number(node.this)),), type="number"
        )

    def _round(self, node: exp.Round) -> Tree:
        only(node, ("this", "decimals"), _QUIET)
        digits = node.args.get("decimals")
        places = Constant(type="integer", text="0")
        if digits is not None:
            places = self._whole(digits, 0, 6, "ROUND to between 0 and 6 places")
        inner = _as_number(self._number(node.this))
        return Call(function="round", arguments=(inner, places), type="number")

    def _width_bucket(self, node: exp.WidthBucket) -> Tree:
        only(node, ("this", "min_value", "max_value", "num_buckets"), _QUIET)
        args = node.args
        return self._buckets(
            node, [node.this, args["min_value"], args["max_value"], args["num_buckets"]]
        )

    def _buckets(self, node: exp.Expr, given: list[exp.Expr]) -> Tree:
        low, high = (self._constant_number(n) for n in given[1:3])
        if float(low.text or "0") >= float(high.text or "0"):
            raise refused(node, "the range of WIDTH_BUCKET is empty: write the lower end first")
        if not isfinite(float(high.text or "0") - float(low.text or "0")):
            raise refused(node, "the range of WIDTH_BUCKET is too wide: bring its ends closer")
        count = self._whole(given[3], 1, 10_000, "WIDTH_BUCKET has between 1 and 10000 buckets")
        value = _as_number(self._number(given[0]))
        return Call(function="width_bucket", arguments=(value, low, high, count), type="integer")

    def _by_name(self, node: exp.Anonymous) -> Tree:
        only(node, ("this", "expressions"))
        name, given = str(node.this).upper(), node.expressions
        if name == "CLAMP" and len(given) == 3:
            value = self._number(given[0])
            low, high = (self._constant_number(n) for n in given[1:])
            if float(low.text or "0") >= float(high.text or "0"):
                raise refused(node, "the range of CLAMP is empty: write the lower end first")
            found = _alike(node, [value, low, high])
            return Call(function="clamp", arguments=tuple(found), type=found[0].type)
        if name == "WIDTH_BUCKET" and len(given) == 4:
            return self._buckets(node, given)
        raise outside(node)

    # ---- choices --------------------------------------------------------------------------------

    def _same_types(self, node: exp.Expr) -> Tree:
        only(node, ("this", "expressions"), _QUIET)
        found = self._alike(node, [node.this, *node.expressions])
        if len(found) < 2 or len(found) > _MOST_LISTED:
            raise refused(node, f"{named(node)} takes at least two values")
        functions: dict[type[exp.Expr], FunctionName] = {
            exp.Coalesce: "coalesce",
            exp.Greatest: "greatest",
            exp.Least: "least",
        }
        return Call(function=functions[type(node)], arguments=tuple(found), type=found[0].type)

    def _nullif(self, node: exp.Nullif) -> Tree:
        only(node, ("this", "expression"))
        found = self._alike(node, [node.this, node.expression])
        return Call(function="nullif", arguments=tuple(found), type=found[0].type)

    def _case(self, node: exp.Case | exp.If) -> Tree:
        if isinstance(node, exp.If):
            only(node, ("this", "true", "false"))
            branches, subject, default = [node], None, node.args.get("false")
        else:
            only(node, ("this", "ifs", "default"))
            branches, subject = node.args["ifs"], node.args.get("this")
            default = node.args.get("default")
        if len(branches) > _MOST_LISTED:
            raise refused(node, f"CASE has at most {_MOST_LISTED} branches")
        conditions: list[Tree] = []
        for branch in branches:
            if subject is None:
                conditions.append(condition(branch.this, self._scope))
            else:
                pair = self._alike(node, [subject, branch.this])
                conditions.append(Call(function="=", arguments=tuple(pair), type="boolean"))
        values = self._alike(node, [*(b.args["true"] for b in branches), default or exp.Null()])
        arguments = [part for pair in zip(conditions, values, strict=False) for part in pair]
        return Call(function="case", arguments=(*arguments, values[-1]), type=values[0].type)

    # ---- text -----------------------------------------------------------------------------------

    def _of_text(self, node: exp.Expr) -> Tree:
        only(node, ("this",), _QUIET)
        function, kind = _TEXT_FUNCTIONS[type(node)]
        return Call(function=function, arguments=(self._typed(node.this, "text"),), type=kind)

    def _substring(self, node: exp.Substring) -> Tree:
        only(node, ("this", "start", "length"), _QUIET)
        if node.args.get("start") is None:
            raise refused(node, "SUBSTRING begins at a place from 1 on")
        start = self._whole(node.args["start"], 1, 10_000, "SUBSTRING begins at a place from 1 on")
        parts: list[Tree] = [self._typed(node.this, "text"), start]
        if node.args.get("length") is not None:
            said = "SUBSTRING takes between 0 and 10000 characters"
            parts.append(self._whole(node.args["length"], 0, 10_000, said))
        return Call(function="substring", arguments=tuple(parts), type="text")

    def _concat(self, node: exp.Expr) -> Tree:
        only(node, ("this", "expression", "expressions"), _QUIET)
        given = node.expressions or [node.this, node.expression]
        if len(given) > _MOST_JOINED:
            raise refused(node, f"CONCAT takes at most {_MOST_JOINED} texts")
        parts = tuple(self._typed(part, "text") for part in given)
        return Call(function="concat", arguments=parts, type="text")

    # ---- dates ----------------------------------------------------------------------------------

    def _part(self, node: exp.Expr) -> Tree:
        only(node, ("this",), _QUIET)
        return self._date_part(node, _PART_FUNCTIONS[type(node)], node.this)

    def _extract(self, node: exp.Extract) -> Tree:
        only(node, ("this", "expression"))
        function = _PARTS.get(node.this.name.upper())
        if function is None:
            raise refused(node, f"EXTRACT gives one of {', '.join(_PARTS)}")
        return self._date_part(node, function, node.expression)

    def _date_part(self, node: exp.Expr, function: FunctionName, of: exp.Expr) -> Tree:
        value = self.read(of)
        of_time = function in ("hour", "minute")
        wanted = ("time", "timestamp") if of_time else _DATED
        if value.type not in wanted:
            raise refused(
                node, f"{function.upper()} is of a {' or '.join(wanted)}, not of type {value.type}"
            )
        return Call(function=function, arguments=(value,), type="integer")

    def _truncate(self, node: exp.Expr) -> Tree:
        only(node, ("this", "unit"), _QUIET)
        unit = node.args.get("unit")
        function = _TRUNCATIONS.get(unit.name.upper()) if isinstance(unit, exp.Expr) else None
        if function is None:
            raise refused(node, f"DATE_TRUNC cuts to one of {', '.join(_TRUNCATIONS)}")
        value = self.read(node.this)
        if value.type not in _DATED or (value.type == "date" and function.endswith("hour")):
            raise refused(node, f"DATE_TRUNC does not take type {value.type} here")
        return Call(function=function, arguments=(value,), type=value.type)

    # ---- types ----------------------------------------------------------------------------------

    def _cast(self, node: exp.Cast) -> Tree:
        only(node, ("this", "to"), (*_QUIET, "_type"))
        to = node.args["to"]
        only(to, ("this",), _QUIET)
        function = _CASTS.get(to.this)
        if function is None:
            raise refused(node, "a CAST is to INTEGER, DOUBLE, TEXT, DATE or TIMESTAMP")
        wanted = _CAST_TYPES[function]
        value = self.read(node.this)
        if isinstance(value, Constant) and value.type == "text" and wanted in _DATED:
            return _dated(node, value, wanted)
        if value.type not in _CASTABLE[function]:
            raise refused(node, f"there is no CAST of type {value.type} to {wanted}")
        if value.type == wanted:
            return value
        return Call(function=function, arguments=(value,), type=wanted)

    def _alike(self, node: exp.Expr, given: Sequence[exp.Expr]) -> list[Tree]:
        return _alike(node, [self.read(part) for part in given])

    def _typed(self, node: exp.Expr, kind: ValueType) -> Tree:
        found = self.read(node)
        if found.type != kind:
            raise refused(node, f"a {kind} is wanted here, and this is of type {found.type}")
        return found

    def _number(self, node: exp.Expr) -> Tree:
        found = self.read(node)
        if found.type not in _NUMERIC:
            raise refused(node, f"a number is wanted here, and this is of type {found.type}")
        return found

    def _constant_number(self, node: exp.Expr) -> Constant:
        found = constant(node, self._scope)
        if found is None or found.type not in _NUMERIC or found.text is None:
            raise refused(node, "a constant number is wanted here")
        return found

    def _whole(self, node: exp.Expr, low: int, high: int, said: str) -> Constant:
        found = constant(node, self._scope)
        if found is None or found.type != "integer" or not low <= int(found.text or "-1") <= high:
            raise refused(node, said)
        return found


def _literal(node: exp.Expr) -> Constant:
    if isinstance(node, exp.Null):
        return Constant(type="text", text=None)
    if isinstance(node, exp.Boolean):
        return Constant(type="boolean", text="true" if node.this else "false")
    text = str(node.this)
    if node.args.get("is_string"):
        if len(text) > _MOST_TEXT or "\0" in text or not _encodable(text):
            raise refused(
                node, f"a text has at most {_MOST_TEXT} characters, all of them in Unicode"
            )
        return Constant(type="text", text=text)
    if _NUMBER_TEXT.fullmatch(text) is None or not isfinite(float(text)):
        raise refused(node, "this is not a number that can be held")
    if text.isdigit():
        if int(text) >= 1 << 63:
            raise refused(node, "a whole number has at most 64 bits")
        return Constant(type="integer", text=str(int(text)))
    return Constant(type="number", text=text)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _as_number(value: Tree) -> Tree:
    if value.type == "number":
        return value
    if isinstance(value, Constant):
        return value.but(type="number")
    return Call(function="to number", arguments=(value,), type="number")


def _alike(node: exp.Expr, found: list[Tree]) -> list[Tree]:
    """All of one type: whole numbers beside others become numbers, NULL takes any type, a
    constant text beside dates is read as a date."""
    kinds = {f.type for f in found if not _is_null(f)}
    if not kinds:
        return found
    if kinds == {"integer", "number"}:
        return [_null("number") if _is_null(f) else _as_number(f) for f in found]
    for dated in ("date", "timestamp", "time"):
        if kinds == {dated, "text"}:
            return [_dated_or_same(node, f, dated) for f in found]
    if len(kinds) > 1:
        raise refused(node, f"{' and '.join(sorted(kinds))} do not go together here: write a CAST")
    (kind,) = kinds
    return [_null(kind) if _is_null(f) else f for f in found]


def _is_null(value: Tree) -> bool:
    return isinstance(value, Constant) and value.text is None


def _null(kind: ValueType) -> Constant:
    return Constant(type=kind, text=None)


def _dated_or_same(node: exp.Expr, value: Tree, kind: ValueType) -> Tree:
    if value.type == kind or _is_null(value):
        return value.but(type=kind)
    if not isinstance(value, Constant):
        raise refused(node, f"text and {kind} do not go together here: write a CAST")
    return _dated(node, value, kind)


def _dated(node: exp.Expr, value: Constant, kind: ValueType) -> Constant:
    text = value.text
    if text is None:
        return _null(kind)
    try:
        if kind == "date":
            text = date.fromisoformat(text).isoformat()
        elif kind == "time":
            hour = time.fromisoformat(text)
            if hour.tzinfo is not None:
                raise refused(node, "write the time without a zone: columns of times have none")
            text = hour.isoformat()
        else:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                raise refused(node, "write the moment in UTC without a zone")
            text = moment.isoformat(sep=" ")
    except ValueError:
        raise refused(node, f"not a {kind} as in ISO 8601") from None
    return Constant(type=kind, text=text)
