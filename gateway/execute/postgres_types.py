"""Which Arrow type each PostgreSQL type is carried as, and the types that are not carried."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import pyarrow as pa

from gateway.errors import InvalidRequest, Violation

DESCRIBE: Final = """
SELECT r.relkind::text, a.attname::text, a.attnotnull,
       coalesce(b.typname, t.typname)::text, coalesce(b.typtype, t.typtype)::text,
       CASE WHEN b.oid IS NULL THEN a.atttypmod ELSE t.typtypmod END,
       format_type(a.atttypid, a.atttypmod)
FROM pg_class r
JOIN pg_namespace s ON s.oid = r.relnamespace
JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type b ON b.oid = t.typbasetype AND t.typtype = 'd'
WHERE s.nspname = $1 AND r.relname = $2 AND r.relkind IN ('r', 'p', 'm', 'v', 'f')
ORDER BY a.attnum
"""
"""One row a column; ``$1`` is the schema, ``$2`` the table. Domains show their base type."""

_TYPES: Final[dict[str, pa.DataType]] = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    **dict.fromkeys(
        "text varchar bpchar name uuid inet cidr macaddr macaddr8".split(), pa.string()
    ),
}


class Described(NamedTuple):
    """A row of ``DESCRIBE``."""

    relation_kind: str
    name: str
    not_null: bool
    type_name: str
    type_kind: str
    modifier: int
    written: str  # the type as PostgreSQL writes it


def schema_of(columns: Iterable[Described]) -> pa.Schema:
    """The carried schema; InvalidRequest names every column that is not carried."""
    fields, violations = [], []
    for column in columns:
        kind = _carried(column)
        if kind is not None:
            fields.append(pa.field(column.name, kind, not column.not_null))
            continue
        remedy = (
            "give it precision and scale, numeric(p, s) with p at most 38, in the table or a view"
            if column.type_name == "numeric"
            else "cast it in a view, or leave it out of one"
        )
        violations.append(
            Violation(column.name, f"the type {column.written} is not carried; {remedy}")
        )
    if violations:
        raise InvalidRequest.collected(violations)
    return pa.schema(fields)


def _carried(column: Described) -> pa.DataType | None:
    if column.type_kind == "e":
        return pa.string()
    if column.type_kind != "b":
        return None
    if column.type_name == "numeric":
        return _decimal(column.modifier)
    return _TYPES.get(column.type_name)


def _decimal(modifier: int) -> pa.DataType | None:
    """A type modifier of numeric: precision in the upper half, a signed 11-bit scale below."""
    if modifier < 4:
        return None  # no precision: no decimal type holds every value
    precision = (modifier - 4) >> 16
    scale = (((modifier - 4) & 0x7FF) ^ 0x400) - 0x400
    return pa.decimal128(precision, scale) if 0 <= scale <= precision <= 38 else None
