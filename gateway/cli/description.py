"""A data set's description as a file, and its source as a word on the command line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from gateway.client.catalog import DESCRIPTIONS
from gateway.errors import InvalidRequest, Violation
from gateway.model.catalog import (
    MOST_LISTED,
    Column,
    CsvSource,
    ParquetSource,
    PostgresSource,
    PushedSource,
    SourceRef,
)

# The quick one where there is one: a long list of groups takes the other half a minute.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_description(file: Path) -> tuple[dict[str, Any], tuple[Column, ...]]:
    """What a YAML file says of a data set: fields such as title, and ``columns``, a list of
    ``{name: …, element: …, unit: …, entity: …, grade: …, role: …, type: …}``.

    InvalidRequest names everything wrong with it.
    """
    try:
        raw = yaml.load(file.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - a safe loader
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidRequest.of("describe", f"{file} cannot be read as YAML") from error
    if not isinstance(raw, Mapping):
        raise InvalidRequest.of("describe", f"{file}: expected names with values")
    fields = dict(raw)
    columns = fields.pop("columns", None) or []
    if unknown := sorted(set(fields) - set(DESCRIPTIONS)):
        known = ", ".join((*DESCRIPTIONS, "columns"))
        raise InvalidRequest.of(
            "describe", f"{file}: unknown {', '.join(map(str, unknown))}; known are {known}"
        )
    if not isinstance(columns, list):
        raise InvalidRequest.of("describe", f"{file}: columns is a list")
    return fields, tuple(_column(number, given) for number, given in enumerate(columns, start=1))


def read_source(
    text: str,
    *,
    delimiter: str = ",",
    encoding: str = "utf-8",
    types: Mapping[str, str] | None = None,
    nulls: tuple[str, ...] = ("",),
) -> SourceRef:
    """``people.parquet``, ``folder/people.csv``, ``postgres:CONNECTION/[SCHEMA.]TABLE`` or
    ``pushed``, as a source."""
    if text == "pushed":
        return PushedSource()
    try:
        if text.startswith("postgres:"):
            connection, _, table = text.removeprefix("postgres:").partition("/")
            namespace, dot, name = table.rpartition(".")
            return PostgresSource(
                connection=connection, table=name, namespace=namespace if dot else "public"
            )
        if text.lower().endswith((".csv", ".tsv", ".txt")):
            return CsvSource(
                path=text,
                delimiter="\t" if text.lower().endswith(".tsv") else delimiter,
                encoding=encoding,
                types=dict(types or {}),
                null_values=nulls,
            )
        return ParquetSource(path=text)
    except ValidationError as error:
        raise _invalid("source", error) from None


def pairs(given: list[str] | None, option: str) -> dict[str, str]:
    """``["age=int64"]`` as a dictionary."""
    found = {}
    for text in given or []:
        name, sign, value = text.partition("=")
        if not sign or not name or not value:
            raise InvalidRequest.of(option, "write NAME=VALUE")
        found[name] = value
    return found


def _column(number: int, given: object) -> Column:
    if not isinstance(given, Mapping):
        raise InvalidRequest.of(f"columns[{number}]", "expected names with values")
    listed = given.get("groups")
    if isinstance(listed, list) and len(listed) > MOST_LISTED:
        raise InvalidRequest.of(
            f"columns[{given.get('name', number)}].groups",
            f"at most {MOST_LISTED:,} groups, not {len(listed):,}: leave the list out, and groups "
            "are found",
        )
    try:
        return Column.model_validate({"type": "", **given})
    except ValidationError as error:
        raise _invalid(f"columns[{given.get('name', number)}]", error) from None


def _invalid(at: str, error: ValidationError) -> InvalidRequest:
    # Places and messages only: pydantic's own text repeats what was given.
    return InvalidRequest.collected(
        [
            Violation(
                ".".join((at, *(str(part) for part in fault["loc"]))),
                fault["msg"].removeprefix("Value error, "),
            )
            for fault in error.errors(include_input=False, include_url=False)
        ]
    )
