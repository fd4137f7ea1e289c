"""Column types that the gateway carries, by name; anything else is refused at registration."""

import hashlib
from collections.abc import Sequence

import pyarrow as pa

from gateway.errors import InvalidRequest
from gateway.model.catalog import Column
from gateway.model.noun import canonical_json

_PLAIN: dict[str, pa.DataType] = {
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
_ALIASES = {
    "date": "date32[day]",
    "text": "string",
    "integer": "int64",
    "float": "float",
    "float64": "double",
    "float32": "float",
    "timestamp": "timestamp[us]",
}


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

    Dictionaries and large or view variants lose their encoding, times finer than a microsecond
    and nested types are not carried.
    """
    if pa.types.is_dictionary(kind):
        return carried_type(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_date64(kind):
        return pa.date32()
    if pa.types.is_time32(kind):
        return pa.time64("us")
    if pa.types.is_timestamp(kind) and kind.tz is not None and kind.unit != "ns":
        return pa.timestamp("us", tz="UTC")
    if pa.types.is_null(kind):
        return pa.string()
    if str(kind) in _PLAIN or _decimal(str(kind)) is not None:
        return kind
    return None


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The schema in which these columns are read."""
    return pa.schema([pa.field(c.name, arrow_type(c.type), c.nullable) for c in columns])


def schema_digest(schema: pa.Schema) -> str:
    """SHA-256 over names, types and order; metadata and nullability do not count."""
    listed = [[field.name, str(field.type)] for field in schema]
    return hashlib.sha256(canonical_json(listed)).hexdigest()


def _decimal(name: str) -> pa.DataType | None:
    if not (name.startswith("decimal128(") and name.endswith(")")):
        return None
    precision, _, scale = name[len("decimal128(") : -1].partition(",")
    try:
        return pa.decimal128(int(precision), int(scale))
    except ValueError:
        return None
