"""What callers write in Python, as messages: names, sources, columns, conditions, moments."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import ValidationError

from gateway.api.pb import catalog_pb2, types_pb2
from gateway.client.plain import number, words
from gateway.errors import InvalidRequest
from gateway.model.catalog import (
    Column,
    CsvSource,
    ParquetSource,
    PostgresSource,
    PushedSource,
    SourceRef,
)
from gateway.model.conditions import Condition

_ROLE: Final = catalog_pb2.ColumnRole.DESCRIPTOR
_OPERATORS: Final = re.compile(
    r"\s*(?P<column>.+?)\s*"
    r"(?:(?P<null>\bis(?:\s+not)?\s+null\b)\s*"
    r"|(?P<list>\b(?:not\s+)?in\b)\s*(?P<items>.+)"
    r"|(?P<sign><=|>=|!=|=|<|>)\s*(?P<value>.*))",
    re.DOTALL,
)


def full_name(collection: str, name: str) -> str:
    """``residents`` and ``datasets/residents`` are both datasets/residents."""
    return name if "/" in name or not name else f"{collection}/{name}"


def moment(value: datetime) -> Timestamp:
    """A point in time; InvalidRequest for one without a time zone."""
    if value.tzinfo is None:
        raise InvalidRequest.of("time", "give the time zone, such as datetime.now(UTC)")
    stamp = Timestamp()
    stamp.FromDatetime(value.astimezone(UTC))
    return stamp


def source_message(source: SourceRef) -> catalog_pb2.Source:
    """Where a data set lives."""
    message = catalog_pb2.Source()
    if isinstance(source, ParquetSource):
        message.parquet.path = source.path
    elif isinstance(source, CsvSource):
        message.csv.path = source.path
        message.csv.delimiter = source.delimiter
        message.csv.encoding = source.encoding
        message.csv.types.update(source.types)
        message.csv.null_values.extend(source.null_values)
    elif isinstance(source, PostgresSource):
        message.postgres.connection = source.connection
        message.postgres.table = source.table
        message.postgres.namespace = source.namespace
    elif isinstance(source, PushedSource):
        message.pushed.SetInParent()
    return message


def column_message(column: Column) -> catalog_pb2.Column:
    """What a holder declares of a column; what is None stays for the gateway to find out."""
    return catalog_pb2.Column(
        name=column.name,
        type=column.type,
        nullable=column.nullable,
        description=column.description,
        element=column.element or "",
        unit=column.unit or "",
        entity=column.entity or "",
        grade=column.grade or "",
        role=role_number(column.role) if column.role is not None else 0,  # type: ignore[arg-type]
        groups=column.groups,
        bounds=None if column.bounds is None else catalog_pb2.Bounds(**dict(column.bounds)),
    )


def role_number(role: str) -> int:
    """The value of a column's role; InvalidRequest lists the words there are."""
    found = number(_ROLE, role)
    if found is None:
        raise InvalidRequest.of("role", f"one of {', '.join(words(_ROLE))}")
    return found


def extract_message(
    dataset: str,
    columns: Sequence[str],
    purpose: str,
    project: str | None = None,
    filters: Iterable[Condition | str] = (),
    limit: int | None = None,
) -> types_pb2.ExtractRequest:
    """A consumer's wish. Filters are conditions or texts that ``condition`` reads."""
    if isinstance(columns, str):
        raise InvalidRequest.of("columns", "give a list of names, not one text")
    conditions = [condition(f) if isinstance(f, str) else f for f in filters]
    return types_pb2.ExtractRequest(
        dataset=full_name("datasets", dataset),
        columns=columns,
        purpose=purpose,
        project=project or "",
        filters=[
            types_pb2.Condition(column=c.column, operator=c.operator, values=c.values)
            for c in conditions
        ],
        limit=limit,
    )


def condition(text: str) -> Condition:
    """``age >= 18``, ``district in 东城区, 西城区``, ``phone is not null`` as a condition.

    InvalidRequest when it is none; the text itself is not repeated, it may hold a value.
    """
    found = _OPERATORS.fullmatch(text)
    if found is None:
        raise InvalidRequest.of(
            "filter", "write COLUMN =, !=, <, <=, >, >= VALUE; COLUMN in A, B; or COLUMN is null"
        )
    values: tuple[str, ...]
    if found["null"]:
        operator, values = " ".join(found["null"].split()), ()
    elif found["list"]:
        operator = " ".join(found["list"].split())
        values = tuple(item.strip() for item in found["items"].split(","))
    else:
        operator, values = found["sign"], (found["value"].strip(),)
    try:
        return Condition.model_validate(
            {"column": found["column"], "operator": operator, "values": values}
        )
    except ValidationError:
        raise InvalidRequest.of(
            "filter", "a column has at most 200 characters, a list at most 1000 values"
        ) from None
