"""Reads a request against the data set: which columns it means, or what is wrong with its shape."""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from gateway.decide.facts import Facts
from gateway.errors import InvalidRequest, Violation
from gateway.model.access import ExtractRequest, Grant
from gateway.model.catalog import Column, DataSet
from gateway.model.conditions import Condition
from gateway.model.schema import arrow_type


@dataclass(frozen=True, slots=True)
class Asked:
    """The columns of a request, and the columns that it filters by, in their own order."""

    columns: tuple[Column, ...]
    filtered: tuple[Column, ...]

    @property
    def all(self) -> tuple[Column, ...]:
        """Each column once."""
        return tuple({column.name: column for column in (*self.columns, *self.filtered)}.values())


def read(request: ExtractRequest | Grant, facts: Facts) -> Asked:
    """Resolve names; InvalidRequest with every unknown column, purpose and unreadable filter."""
    if request.dataset != facts.dataset.name:
        raise ValueError("the facts are about another data set than the request")
    filters = request.filters if isinstance(request, ExtractRequest) else ()
    wrong = [
        *unknown_purpose(request.purpose, facts),
        *_unknown_columns(request.columns, facts.dataset),
        *_wrong_filters(filters, facts.dataset),
    ]
    if wrong:
        raise InvalidRequest.collected(wrong)
    return Asked(
        tuple(found(facts.dataset, name) for name in request.columns),
        tuple(found(facts.dataset, condition.column) for condition in filters),
    )


def found(dataset: DataSet, name: str) -> Column:
    """The column of that source or published name; KeyError when there is none."""
    column = dataset.find(name)
    if column is None:
        raise KeyError(name)
    return column


def readable(condition: Condition, column: Column) -> bool:
    """Whether the condition's values can be read as values of the column."""
    try:
        pa.array(condition.values, pa.string()).cast(arrow_type(column.type))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True


def unknown_purpose(purpose: str, facts: Facts) -> Iterable[Violation]:
    """What is wrong with a purpose that no active policy defines."""
    if purpose not in facts.purposes:
        known = ", ".join(facts.purposes) or "none yet: no policy is active"
        yield Violation("purpose", f"no active policy defines it; known purposes: {known}")


def _unknown_columns(names: tuple[str, ...], dataset: DataSet) -> Iterable[Violation]:
    seen: dict[str, str] = {}
    for index, name in enumerate(names):
        column = dataset.find(name)
        if column is None:
            text = f"{dataset.name} has no column {name}; its columns are {_names(dataset)}"
            yield Violation(f"columns[{index}]", text)
        elif column.name in seen:
            text = f"{name} and {seen[column.name]} are the same column of {dataset.name}"
            yield Violation(f"columns[{index}]", text)
        else:
            seen[column.name] = name


def _wrong_filters(filters: tuple[Condition, ...], dataset: DataSet) -> Iterable[Violation]:
    for index, condition in enumerate(filters):
        column = dataset.find(condition.column)
        if column is None:
            text = f"{dataset.name} has no column {condition.column}; its columns are "
            yield Violation(f"filters[{index}].column", text + _names(dataset))
        elif not readable(condition, column):
            text = f"not values of {condition.column}, whose type is {column.type}"
            yield Violation(f"filters[{index}].values", text)


def _names(dataset: DataSet) -> str:
    return ", ".join(column.published_name for column in dataset.columns)
