"""The Arrow type that the values of a group have in an answer."""

from typing import Final

import pyarrow as pa

from gateway.model.expressions import ValueType

KEY_TYPES: Final[dict[ValueType, pa.DataType]] = {
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
}
