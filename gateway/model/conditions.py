"""Row conditions: a small closed language that every engine can run and anyone can read."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.model.noun import Noun


class Operator(StrEnum):
    """Comparisons; a null never satisfies any but IS_NULL."""

    EQUAL = "="
    NOT_EQUAL = "!="
    IN = "in"
    NOT_IN = "not in"
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="
    IS_NULL = "is null"
    IS_NOT_NULL = "is not null"


_NO_OPERAND = {Operator.IS_NULL, Operator.IS_NOT_NULL}
_LIST_OPERAND = {Operator.IN, Operator.NOT_IN}


class Condition(Noun):
    """``column operator values``. Conditions of a request or policy are joined by AND.

    ``values`` are text and are read as the column's type (ISO 8601 for dates, decimal digits
    for numbers); they stay out of ``repr`` because they may be personal.
    """

    column: str = Field(min_length=1, max_length=200)
    operator: Operator
    values: Annotated[tuple[str, ...], Field(max_length=1000, repr=False)] = ()

    @model_validator(mode="after")
    def _operand_count(self) -> Self:
        if self.operator in _NO_OPERAND:
            wanted = len(self.values) == 0
        elif self.operator in _LIST_OPERAND:
            wanted = len(self.values) >= 1
        else:
            wanted = len(self.values) == 1
        if not wanted:
            raise ValueError(f"wrong number of values for the operator {self.operator.value}")
        return self
