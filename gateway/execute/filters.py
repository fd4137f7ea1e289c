"""Row conditions over Arrow batches: typed once, then applied to every batch.

A null satisfies nothing but IS NULL. Text is ordered by code point, whatever the machine's
language; NaN satisfies only != and NOT IN; minus zero is zero. Every source gives these answers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import InvalidRequest, Violation
from gateway.execute.texts import Unreadable, read_text, readable_from_text
from gateway.model.conditions import Condition, Operator

_COMPARISONS: Final[dict[Operator, Callable[[pa.Array, pa.Scalar], pa.Array]]] = {
    Operator.EQUAL: pc.equal,
    Operator.NOT_EQUAL: pc.not_equal,
    Operator.LESS: pc.less,
    Operator.LESS_EQUAL: pc.less_equal,
    Operator.GREATER: pc.greater,
    Operator.GREATER_EQUAL: pc.greater_equal,
}
ORDERING: Final = frozenset(
    {Operator.LESS, Operator.LESS_EQUAL, Operator.GREATER, Operator.GREATER_EQUAL}
)


@dataclass(frozen=True, slots=True)
class Typed:
    """A condition whose values are of its column's type."""

    column: str
    operator: Operator
    values: pa.Array

    def __repr__(self) -> str:
        return f"Typed({self.column!r}, {self.operator.name}, {len(self.values)} values)"

    def mask(self, column: pa.Array) -> pa.Array:
        """Which rows satisfy it; null counts as not."""
        if self.operator is Operator.IS_NULL:
            return column.is_null()
        if self.operator is Operator.IS_NOT_NULL:
            return column.is_valid()
        if self.operator in (Operator.IN, Operator.NOT_IN):
            found = pc.is_in(column, value_set=self.values)
            if self.operator is Operator.IN:
                return found
            return pc.and_(column.is_valid(), pc.invert(found))
        return _COMPARISONS[self.operator](column, self.values[0])


@dataclass(frozen=True, slots=True)
class RowFilter:
    """All conditions of a request, joined by AND; none at all lets every row through."""

    conditions: tuple[Typed, ...]

    @classmethod
    def of(cls, conditions: Sequence[Condition], schema: pa.Schema) -> "RowFilter":
        """Typed by ``schema``; InvalidRequest names every column whose condition is wrong."""
        typed: list[Typed] = []
        violations: list[Violation] = []
        for condition in conditions:
            problem = _problem(condition, schema)
            if problem is None:
                try:
                    typed.append(_typed(condition, schema.field(condition.column).type))
                    continue
                except Unreadable as fault:
                    kind = schema.field(condition.column).type
                    problem = f"value {fault.index + 1} of the condition is not of type {kind}"
            violations.append(Violation(condition.column, problem))
        if violations:
            raise InvalidRequest.collected(violations)
        return cls(tuple(typed))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the conditions look at, each once."""
        return tuple(dict.fromkeys(condition.column for condition in self.conditions))

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that satisfy every condition."""
        return batch.filter(self.mask(batch)) if self.conditions else batch

    def mask(self, batch: pa.RecordBatch) -> pa.Array:
        """Which rows satisfy every condition; null counts as not."""
        kept = pa.repeat(True, batch.num_rows)
        for condition in self.conditions:
            kept = pc.and_(kept, condition.mask(batch.column(condition.column)))
        return kept


def _problem(condition: Condition, schema: pa.Schema) -> str | None:
    if condition.column not in schema.names:
        return "the data set has no such column to filter on"
    kind = schema.field(condition.column).type
    if not condition.values:
        return None
    if not readable_from_text(kind):
        return f"a column of type {kind} can only be filtered on being null or not"
    if pa.types.is_boolean(kind) and condition.operator in ORDERING:
        return "true and false have no order"
    if any("\0" in value or not _encodable(value) for value in condition.values):
        return "a value of the condition holds a character that no text column can hold"
    return None


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _typed(condition: Condition, kind: pa.DataType) -> Typed:
    if not condition.values:
        return Typed(condition.column, condition.operator, pa.array([], kind))
    values = read_text(pa.array(condition.values, pa.string()), kind)
    if pa.types.is_floating(kind):
        strange = pc.index(pc.is_nan(values), value=True).as_py()
        if strange >= 0:
            raise Unreadable(strange)
        if condition.operator in (Operator.IN, Operator.NOT_IN):
            values = _both_zeros(values)
    return Typed(condition.column, condition.operator, values)


def _both_zeros(values: pa.Array) -> pa.Array:
    # A lookup finds equal bits; the comparisons, and every database, hold -0.0 equal to 0.0.
    if not pc.any(pc.equal(values, pa.scalar(0, values.type))).as_py():
        return values
    return pa.concat_arrays([values, pa.array([0.0, -0.0], values.type)])
