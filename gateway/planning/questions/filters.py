"""Row filters of policies as part of a question's WHERE: what they leave out is counted nowhere."""

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.errors import GatewayFault
from gateway.model.catalog import DataSet
from gateway.model.conditions import Condition, Operator
from gateway.model.expressions import Call, ColumnValue, Constant, FunctionName
from gateway.model.schema import arrow_type
from gateway.model.statistics import Question
from gateway.model.statistics_decision import TableFilters
from gateway.planning.questions.scope import value_type

_COMPARISONS: Final[dict[Operator, FunctionName]] = {
    Operator.EQUAL: "=",
    Operator.NOT_EQUAL: "<>",
    Operator.LESS: "<",
    Operator.LESS_EQUAL: "<=",
    Operator.GREATER: ">",
    Operator.GREATER_EQUAL: ">=",
    Operator.IN: "in",
    Operator.NOT_IN: "in",
    Operator.IS_NULL: "is null",
    Operator.IS_NOT_NULL: "is null",
}
_NEGATED: Final = (Operator.NOT_IN, Operator.IS_NOT_NULL)


def with_filters(
    question: Question, datasets: Mapping[str, DataSet], filters: Sequence[TableFilters]
) -> Question:
    """The question of those rows alone. The values were read as the column's type when it was
    decided (``decide.engine``)."""
    parts = []
    for place, table in enumerate(question.tables):
        for given in filters:
            if given.dataset == table.dataset:
                dataset = datasets[table.dataset]
                parts += [_written(condition, place, dataset) for condition in given.conditions]
    if not parts:
        return question
    where = [] if question.where is None else [question.where]
    return question.but(where=Call(function="and", arguments=(*where, *parts), type="boolean"))


def _written(condition: Condition, place: int, dataset: DataSet) -> Call:
    column = dataset.find(condition.column)
    kind = None if column is None else value_type(arrow_type(column.type))
    if column is None or kind is None:
        raise GatewayFault("a policy's row filter cannot be part of a question")
    value = ColumnValue(table=place, column=column.name, type=kind)
    constants = [Constant(type=kind, text=text) for text in condition.values]
    found = Call(
        function=_COMPARISONS[condition.operator], arguments=(value, *constants), type="boolean"
    )
    if condition.operator in _NEGATED:
        return Call(function="not", arguments=(found,), type="boolean")
    return found
