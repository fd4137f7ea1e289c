"""Column types that the gateway carries, by name; anything else is refused at registration."""

import hashlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final

import pyarrow as pa

from gateway.errors import InvalidRequest, Violation
from gateway.model.catalog import Column
from gateway.model.noun import canonical_json

_PLAIN: Final[dict[str, pa.DataType]] = {
    str(kind): kind
    for kind in (
        pa.bool_(),
        pa.int8(),
        pa.int16(),
        pa.int32(),
        pa.int64(),
        pa.uint8(),
        pa.uint16(),
        pa.uint32(),
        pa.uint64(),
        pa.float32(),
        pa.float64(),
        pa.string(),
        pa.binary(),
        pa.date32(),
        pa.time64("us"),
        pa.timestamp("s"),
        pa.timestamp("ms"),
        pa.timestamp("us"),
        pa.timestamp("us", tz="UTC"),
    )
}
_ALIASES: Final = {
    "date": "date32[day]",
    "text": "string",
    "integer": "int64",
    "float64": "double",
    "float32": "float",
    "timestamp": "timestamp[us]",
}

_VARIANTS: Final[tuple[tuple[Callable[[pa.DataType], bool], pa.DataType], ...]] = (
    (pa.types.is_large_string, pa.string()),
    (pa.types.is_string_view, pa.string()),
    (pa.types.is_null, pa.string()),
    (pa.types.is_large_binary, pa.binary()),
    (pa.types.is_binary_view, pa.binary()),
    (pa.types.is_fixed_size_binary, pa.binary()),
    (pa.types.is_date64, pa.date32()),
    (pa.types.is_time, pa.time64("us")),
    (pa.types.is_float16, pa.float32()),
)


def arrow_type(name: str) -> pa.DataType:
    """The type of that name (``string``, ``int64``, ``date32[day]``, ``decimal128(18, 2)``, …)."""
    if name in _ALIASES:
        return _PLAIN[_ALIASES[name]]
    if name in _PLAIN:
        return _PLAIN[name]
    decimal = _decimal(name)
    if decimal is not None:
        return decimal
    raise InvalidRequest.of("type", f"unknown column type; known are {', '.join(sorted(_PLAIN))}")


def carried_type(kind: pa.DataType) -> pa.DataType | None:
    """The type in which a source's column is carried, None when the gateway cannot carry it.

    Dictionaries and the large, fixed-size and view variants lose their encoding, narrow decimals
    and half floats are widened. Nanoseconds are carried as microseconds, which a source must do
    without loss or refuse. Nested types, durations and intervals are not carried.
    """
    if pa.types.is_dictionary(kind):
        return carried_type(kind.value_type)
    if pa.types.is_timestamp(kind):
        if kind.tz is not None:
            return pa.timestamp("us", tz="UTC")
        return pa.timestamp("us") if kind.unit == "ns" else kind
    if pa.types.is_decimal(kind):
        return _carried_decimal(kind)
    for belongs, carried in _VARIANTS:
        if belongs(kind):
            return carried
    return kind if str(kind) in _PLAIN else None


def carried_schema(schema: pa.Schema) -> pa.Schema:
    """The schema in carried types; InvalidRequest naming each column that cannot be carried."""
    carried = [(field, carried_type(field.type)) for field in schema]
    violations = [
        Violation(field.name, f"the type {field.type} is not carried; cast or leave out the column")
        for field, kind in carried
        if kind is None
    ]
    if violations:
        raise InvalidRequest.collected(violations)
    return pa.schema([pa.field(field.name, kind, field.nullable) for field, kind in carried])


def scaled_type(kind: pa.DataType, ratio: Fraction) -> pa.DataType:
    """The carried type that values of ``kind`` have once multiplied by ``ratio``.

    Integers stay integers and decimals keep their places under a whole ratio; under any other,
    and for floats, they become ``double``. InvalidRequest when values of that type have no unit.
    """
    if ratio == 1:
        return kind
    whole = ratio.denominator == 1
    if pa.types.is_integer(kind):
        return pa.int64() if whole else pa.float64()
    if pa.types.is_decimal(kind):
        return pa.decimal128(38, kind.scale) if whole else pa.float64()
    if pa.types.is_floating(kind):
        return pa.float64()
    raise InvalidRequest.of("scale", f"values of type {kind} have no unit to convert")


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The schema in which these columns are read."""
    return pa.schema([pa.field(c.name, arrow_type(c.type), c.nullable) for c in columns])


def schema_digest(schema: pa.Schema) -> str:
    """SHA-256 over names, types and order; metadata and nullability do not count."""
    listed = [[field.name, str(field.type)] for field in schema]
    return hashlib.sha256(canonical_json(listed)).hexdigest()


def _carried_decimal(kind: pa.DataType) -> pa.DataType | None:
    return pa.decimal128(kind.precision, kind.scale) if kind.precision <= 38 else None


def _decimal(name: str) -> pa.DataType | None:
    if not (name.startswith("decimal128(") and name.endswith(")")):
        return None
    precision, _, scale = name[len("decimal128(") : -1].partition(",")
    try:
        return pa.decimal128(int(precision), int(scale))
    except ValueError:
        return None
