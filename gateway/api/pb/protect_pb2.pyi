from gateway.api.pb import catalog_pb2 as _catalog_pb2
from gateway.api.pb import options_pb2 as _options_pb2
from gateway.api.pb import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProtectRecordsHeader(_message.Message):
    __slots__ = ("policy", "purpose", "recipient_kind", "columns")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_KIND_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    policy: str
    purpose: str
    recipient_kind: str
    columns: _containers.RepeatedCompositeFieldContainer[_catalog_pb2.Column]
    def __init__(self, policy: _Optional[str] = ..., purpose: _Optional[str] = ..., recipient_kind: _Optional[str] = ..., columns: _Optional[_Iterable[_Union[_catalog_pb2.Column, _Mapping]]] = ...) -> None: ...

class ProtectRecordsRequest(_message.Message):
    __slots__ = ("header", "payload")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    header: ProtectRecordsHeader
    payload: bytes
    def __init__(self, header: _Optional[_Union[ProtectRecordsHeader, _Mapping]] = ..., payload: _Optional[bytes] = ...) -> None: ...

class ProtectRecordsResponse(_message.Message):
    __slots__ = ("decision", "payload")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    decision: _types_pb2.Decision
    payload: bytes
    def __init__(self, decision: _Optional[_Union[_types_pb2.Decision, _Mapping]] = ..., payload: _Optional[bytes] = ...) -> None: ...

class ProtectTextsRequest(_message.Message):
    __slots__ = ("texts", "entities")
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedScalarFieldContainer[str]
    entities: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, texts: _Optional[_Iterable[str]] = ..., entities: _Optional[_Iterable[str]] = ...) -> None: ...

class ProtectedText(_message.Message):
    __slots__ = ("text", "entities")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    text: str
    entities: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, text: _Optional[str] = ..., entities: _Optional[_Iterable[str]] = ...) -> None: ...

class ProtectTextsResponse(_message.Message):
    __slots__ = ("texts",)
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedCompositeFieldContainer[ProtectedText]
    def __init__(self, texts: _Optional[_Iterable[_Union[ProtectedText, _Mapping]]] = ...) -> None: ...
