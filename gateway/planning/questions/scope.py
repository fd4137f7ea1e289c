"""Names of a question: which data set and which column each means."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from gateway.model.catalog import Column, DataSet
from gateway.model.expressions import ColumnValue, ValueType
from gateway.model.schema import arrow_type
from gateway.planning.questions.refusals import only, refused


@dataclass(frozen=True, slots=True)
class Named:
    """A data set of the question under the name that the question gives it."""

    alias: str
    dataset: DataSet


@dataclass(frozen=True, slots=True)
class Scope:
    """The data sets of a question, one or two."""

    tables: tuple[Named, ...]

    def column(self, node: exp.Column) -> tuple[int, Column]:
        """The table's place and the column; refuses what is unknown or ambiguous."""
        only(node, ("this", "table"))
        if not isinstance(node.this, exp.Identifier):
            raise refused(node, "* stands only in COUNT(*)")
        name, table = node.this, node.args.get("table")
        found = [
            (at, column)
            for at, named in enumerate(self.tables)
            if table is None or same(table, named.alias)
            for column in [_find(named.dataset.columns, name)]
            if column is not None
        ]
        if len(found) == 1:
            return found[0]
        if found:
            raise refused(
                node, f"{name.name} is a column of both data sets: write TABLE.{name.name}"
            )
        known = ", ".join(c.published_name for t in self.tables for c in t.dataset.columns)
        raise refused(node, f"there is no column {name.name[:200]}; the columns are {known}")

    def value(self, node: exp.Column) -> ColumnValue:
        """The column as an expression."""
        at, column = self.column(node)
        kind = value_type(arrow_type(column.type))
        if kind is None:
            raise refused(
                node, f"{column.published_name} holds {column.type}, which nothing is computed of"
            )
        return ColumnValue(table=at, column=column.name, type=kind)

    def of(self, value: ColumnValue) -> Column:
        """The catalogue's column of a value."""
        columns = self.tables[value.table].dataset.columns
        return next(column for column in columns if column.name == value.column)

    def is_person(self, table: int, column: Column) -> bool:
        """Whether the column names the person."""
        return self.tables[table].dataset.privacy_unit == column.name


def same(name: exp.Identifier, other: str) -> bool:
    """Whether an identifier means that name; without quotation marks, in any case."""
    if name.args.get("quoted"):
        return bool(name.name == other)
    return bool(name.name.casefold() == other.casefold())


def _find(columns: Sequence[Column], name: exp.Identifier) -> Column | None:
    exact = [c for c in columns if name.name in (c.name, c.published_name)]
    if exact or name.args.get("quoted"):
        return exact[0] if len(exact) == 1 else None
    loose = [c for c in columns if same(name, c.name) or same(name, c.published_name)]
    return loose[0] if len(loose) == 1 else None


def value_type(kind: pa.DataType) -> ValueType | None:
    """The type that a column's values have in a question; None for bytes."""
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_string(kind):
        return "text"
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_time(kind):
        return "time"
    if pa.types.is_timestamp(kind):
        return "timestamp"
    return None
