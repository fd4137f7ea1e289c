"""SQL for a holder's PostgreSQL, built as a tree from typed values and never from strings.

The text of a condition is first read as its column's type; what reaches the database is written
from the typed value. Comparisons mean what they mean in ``filters``: text by code point
(``COLLATE "C"``), NaN above nothing.
"""

from collections.abc import Sequence
from datetime import UTC
from typing import Final

import pyarrow as pa
from sqlglot import exp

from gateway.execute.filters import RowFilter, Typed
from gateway.model.conditions import Operator

_COMPARISONS: Final[dict[Operator, type[exp.Binary]]] = {
    Operator.EQUAL: exp.EQ,
    Operator.NOT_EQUAL: exp.NEQ,
    Operator.LESS: exp.LT,
    Operator.LESS_EQUAL: exp.LTE,
    Operator.GREATER: exp.GT,
    Operator.GREATER_EQUAL: exp.GTE,
}


def table(namespace: str, name: str) -> exp.Table:
    """The quoted table."""
    return exp.table_(name, db=namespace, quoted=True)


def select_rows(
    source: exp.Table,
    schema: pa.Schema,
    columns: Sequence[str],
    row_filter: RowFilter,
    limit: int | None,
) -> str:
    """SELECT of these columns, each cast to what it is carried as."""
    query = exp.select(*(_as_carried(name, schema) for name in columns)).from_(source)
    for condition in row_filter.conditions:
        query = query.where(_condition(condition, schema.field(condition.column).type))
    if limit is not None:
        query = query.limit(limit)
    return query.sql(dialect="postgres")


def select_sample(
    source: exp.Table,
    schema: pa.Schema,
    columns: Sequence[str],
    share: float,
    *,
    pages: bool,
    most: int,
) -> str:
    """SELECT of about that share of all rows, at most ``most``: of whole pages where the relation
    has any, else of single rows."""
    if pages:
        percent = exp.Literal.number(f"{100 * share:.6f}")
        source = source.copy()
        source.set(
            "sample",
            exp.TableSample(method=exp.var("SYSTEM"), percent=percent, seed=exp.Literal.number(1)),
        )
    query = exp.select(*(_as_carried(name, schema) for name in columns)).from_(source)
    if not pages:
        query = query.where(exp.LT(this=exp.Rand(), expression=exp.Literal.number(f"{share:.8f}")))
    return query.limit(most).sql(dialect="postgres")


def select_present(source: exp.Table, schema: pa.Schema, columns: Sequence[str], most: int) -> str:
    """SELECT of the rows in which any of these columns has a value, at most ``most``."""
    query = exp.select(*(_as_carried(name, schema) for name in columns)).from_(source)
    present = [
        exp.Not(this=exp.Is(this=exp.column(name, quoted=True), expression=exp.Null()))
        for name in columns
    ]
    return query.where(exp.or_(*present)).limit(most).sql(dialect="postgres")


def content_hash(source: exp.Table, *, row_versions: bool) -> str:
    """SELECT of the number of rows and a hash over their versions, or else over their text.

    The hash is a sum over rows, so that their order does not matter.
    """
    name = source.sql(dialect="postgres")
    if row_versions:
        part = "hashtidextended(ctid, xmin::text::bigint # (tableoid::bigint << 32))"
        return f"SELECT count(*), sum({part})::text FROM {name}"  # noqa: S608 - a quoted name
    part = "hashtextextended(ROW(t.*)::text, 0)"
    return f"SELECT count(*), sum({part})::text FROM {name} AS t"  # noqa: S608 - a quoted name


def _as_carried(name: str, schema: pa.Schema) -> exp.Expr:
    """Text-like types (enumerations, uuid, padded char) leave as text, all others as they are.

    Numbers of fixed scale leave as text too: the driver gives them as text anyway, and they are
    read as decimals strictly.
    """
    kind = schema.field(name).type
    column = exp.column(name, quoted=True)
    if pa.types.is_string(kind) or pa.types.is_decimal(kind):
        return exp.alias_(exp.cast(column, "text"), name, quoted=True)
    return column


def _condition(condition: Typed, kind: pa.DataType) -> exp.Expr:
    column: exp.Expr = exp.column(condition.column, quoted=True)
    if condition.operator is Operator.IS_NULL:
        return exp.Is(this=column, expression=exp.Null())
    if condition.operator is Operator.IS_NOT_NULL:
        return exp.Not(this=exp.Is(this=column, expression=exp.Null()))
    if pa.types.is_string(kind):
        column = exp.Collate(this=exp.cast(column, "text"), expression=exp.column("C", quoted=True))
    values = [_literal(value, kind) for value in condition.values]
    if condition.operator in (Operator.IN, Operator.NOT_IN):
        found: exp.Expr = exp.In(this=column, expressions=values)
        return found if condition.operator is Operator.IN else exp.Not(this=found)
    compared = _COMPARISONS[condition.operator](this=column, expression=values[0])
    if pa.types.is_floating(kind) and condition.operator in (
        Operator.GREATER,
        Operator.GREATER_EQUAL,
    ):
        # To PostgreSQL, NaN is greater than every number.
        not_a_number = exp.cast(exp.Literal.string("NaN"), "double precision")
        return exp.and_(compared, exp.NEQ(this=column.copy(), expression=not_a_number))
    return compared


def _literal(value: pa.Scalar, kind: pa.DataType) -> exp.Expr:
    """A typed literal; the text in it was written here, from a value of that type."""
    plain = value.as_py()
    if pa.types.is_string(kind):
        return exp.Literal.string(plain)
    if pa.types.is_boolean(kind):
        return exp.Boolean(this=plain)
    if pa.types.is_timestamp(kind):
        if kind.tz is not None:
            return exp.cast(exp.Literal.string(plain.astimezone(UTC).isoformat()), "timestamptz")
        return exp.cast(exp.Literal.string(plain.isoformat()), "timestamp")
    if pa.types.is_date(kind):
        return exp.cast(exp.Literal.string(plain.isoformat()), "date")
    if pa.types.is_time(kind):
        return exp.cast(exp.Literal.string(plain.isoformat()), "time")
    if pa.types.is_float32(kind):
        return exp.cast(exp.Literal.string(repr(float(plain))), "real")
    if pa.types.is_floating(kind):
        return exp.cast(exp.Literal.string(repr(float(plain))), "double precision")
    number = "bigint" if pa.types.is_integer(kind) else "numeric"
    return exp.cast(exp.Literal.string(f"{plain:f}" if number == "numeric" else str(plain)), number)
