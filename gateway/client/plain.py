"""Messages as plain values: what programs get as JSON and tables are made of.

Keys are the field names of the protos and always all there. Enumerations are words without their
prefix (``sealed``), moments are ISO 8601 in UTC, 64-bit numbers are numbers, and what is not set
is null.
"""

import re
from datetime import UTC
from typing import Any, Final

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def plain(message: Message) -> dict[str, Any]:
    """The message as a dictionary of plain values, with a stable set of keys."""
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields}


def word(kind: EnumDescriptor, number: int) -> str | None:
    """The word of an enumeration's value; None for its zero."""
    value = kind.values_by_number.get(number)
    if value is None or number == 0:
        return None
    prefix = _WORD_START.sub("_", kind.name).upper() + "_"
    return value.name.removeprefix(prefix).lower()


def number(kind: EnumDescriptor, text: str) -> int | None:
    """The value of a word; None when the enumeration has none of that name."""
    prefix = _WORD_START.sub("_", kind.name).upper() + "_"
    found = kind.values_by_name.get(prefix + text.upper())
    return None if found is None or found.number == 0 else found.number


def words(kind: EnumDescriptor) -> list[str]:
    """All words of an enumeration."""
    return [found for value in kind.values if (found := word(kind, value.number)) is not None]


def _field(message: Message, field: Any) -> Any:
    value = getattr(message, field.name)
    if field.is_repeated:
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            inner = kind.fields_by_name["value"]
            return {key: _value(inner, item) for key, item in value.items()}
        return [_value(field, item) for item in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _value(field, value)


def _value(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        return word(field.enum_type, value)
    if isinstance(value, Timestamp):
        return value.ToDatetime(UTC).isoformat()
    return plain(value) if isinstance(value, Message) else value
