"""Aggregates of a question: what is counted, added up or ranked, within which range."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import pyarrow as pa
from pydantic import ValidationError
from sqlglot import exp

from gateway.model.exact import DECIMALS, from_millionths
from gateway.model.expressions import Call, ColumnValue, Constant
from gateway.model.schema import arrow_type
from gateway.model.statistics import Aggregate, AggregateKind, Clamp
from gateway.planning.questions.domains import Range, decimals_of, range_of
from gateway.planning.questions.expressions import Tree, constant, read
from gateway.planning.questions.refusals import named, only, outside, refused, wrong
from gateway.planning.questions.scope import Scope

_OF_VALUES: Final[dict[type[exp.Expr], AggregateKind]] = {
    exp.Sum: "sum",
    exp.Avg: "average",
    exp.Variance: "variance",
    exp.VariancePop: "variance_population",
    exp.Stddev: "deviation",
    exp.StddevSamp: "deviation",
    exp.StddevPop: "deviation_population",
    exp.Median: "quantile",
    exp.Quantile: "quantile",
}

_QUANTILE_DECIMALS: Final = 4


@dataclass(frozen=True, slots=True)
class Read:
    """An aggregate without its name."""

    kind: AggregateKind
    expression: Tree | None = None
    clamp: Clamp | None = None
    decimals: int = 0
    quantile: str | None = None

    def named(self, name: str, node: exp.Expr) -> Aggregate:
        """With its name in the answer."""
        try:
            return Aggregate(
                name=name,
                kind=self.kind,
                expression=self.expression,
                clamp=self.clamp,
                decimals=self.decimals,
                quantile=self.quantile,
            )
        except ValidationError as error:
            raise refused(node, wrong(error)) from None


def is_aggregate(node: exp.Expr) -> bool:
    """Whether the node is one of the aggregates that can be asked."""
    return isinstance(node, (exp.Count, exp.PercentileCont, *_OF_VALUES))


def read_aggregate(node: exp.Expr, scope: Scope) -> Read:
    """The aggregate; InvalidRequest names what is wrong with it."""
    if isinstance(node, exp.Count):
        return _count(node, scope)
    kind = _OF_VALUES.get(type(node))
    if kind is None:
        raise outside(node)
    only(node, ("this", "quantile"), ("big_int",))
    if isinstance(node.this, exp.Distinct):
        raise refused(
            node, f"{named(node)} of DISTINCT values is not part of what statistics can ask"
        )
    quantile = _quantile(node, scope) if kind == "quantile" else None
    value = read(node.this, scope)
    if value.type not in ("integer", "number"):
        raise refused(node, f"a number is wanted here, and this is of type {value.type}")
    inner, clamp, found = _clamp(node, value, scope)

    def own_places(column: ColumnValue) -> int | None:
        physical = arrow_type(scope.of(column).type)
        return max(0, physical.scale) if pa.types.is_decimal(physical) else None

    return Read(kind, inner, clamp, decimals_of(inner, found, own_places), quantile)


def _count(node: exp.Count, scope: Scope) -> Read:
    only(node, ("this",), ("big_int",))
    if isinstance(node.this, exp.Star):
        only(node.this, ())
        return Read("count")
    if isinstance(node.this, exp.Distinct):
        only(node.this, ("expressions",))
        columns = node.this.expressions
        if len(columns) == 1 and isinstance(columns[0], exp.Column):
            at, column = scope.column(columns[0])
            if scope.is_person(at, column):
                return Read("persons")
        persons = " or ".join(str(t.dataset.privacy_unit) for t in scope.tables)
        raise refused(
            node,
            f"only distinct persons are counted, by the column that names them: {persons}, as in "
            f"COUNT(DISTINCT {scope.tables[0].dataset.privacy_unit})",
        )
    value = read(node.this, scope)
    if isinstance(value, Constant) and value.text is not None:
        return Read("count")  # COUNT(1)
    return Read("count", value)


def _quantile(node: exp.Expr, scope: Scope) -> str:
    if isinstance(node, exp.Median):
        return "1/2"
    given = node.args.get("quantile")
    found = None if given is None else constant(given, scope)
    if found is None or found.type not in ("integer", "number") or found.text is None:
        raise refused(node, "QUANTILE takes a constant between 0 and 1, as in QUANTILE(x, 0.9)")
    share = Fraction(found.text)
    if not 0 < share < 1:
        raise refused(node, "QUANTILE takes a constant above 0 and below 1")
    if (share * 10**_QUANTILE_DECIMALS).denominator != 1:
        raise refused(
            node,
            f"the constant of QUANTILE has at most {_QUANTILE_DECIMALS} places after the point",
        )
    return str(share)


def _clamp(node: exp.Expr, value: Tree, scope: Scope) -> tuple[Tree, Clamp, Range]:
    """The expression that is clamped, by what, and the range."""
    found = range_of(value, scope)
    if found is None or found.low >= found.high:
        raise refused(
            node,
            "the range of these values is not known: write CLAMP(expression, lowest, highest), or "
            "ask the holder for bounds of the column. To find a range, ask for quantiles",
        )
    inner, origin = value, "catalogue" if found.catalogue else "question"
    if isinstance(value, Call) and value.function == "clamp":
        inner = value.arguments[0]
    lower, upper = _text(node, found.low, up=False), _text(node, found.high, up=True)
    return inner, Clamp.model_validate({"lower": lower, "upper": upper, "origin": origin}), found


def _text(node: exp.Expr, value: Fraction, *, up: bool) -> str:
    scaled = value * 10**DECIMALS
    text = from_millionths(scaled.__ceil__() if up else scaled.__floor__())
    if text is None:
        raise refused(node, "a clamp has at most 15 digits before the point")
    return text
