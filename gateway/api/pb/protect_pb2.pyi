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

class TextRules(_message.Message):
    __slots__ = ("policy", "purpose", "recipient_kind", "entities")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_KIND_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    policy: str
    purpose: str
    recipient_kind: str
    entities: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, policy: _Optional[str] = ..., purpose: _Optional[str] = ..., recipient_kind: _Optional[str] = ..., entities: _Optional[_Iterable[str]] = ...) -> None: ...

class TextRulesApplied(_message.Message):
    __slots__ = ("transform_json", "policies", "plan_digest")
    TRANSFORM_JSON_FIELD_NUMBER: _ClassVar[int]
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    PLAN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    transform_json: str
    policies: _containers.RepeatedCompositeFieldContainer[_types_pb2.PolicyRef]
    plan_digest: str
    def __init__(self, transform_json: _Optional[str] = ..., policies: _Optional[_Iterable[_Union[_types_pb2.PolicyRef, _Mapping]]] = ..., plan_digest: _Optional[str] = ...) -> None: ...

class ProtectTextsRequest(_message.Message):
    __slots__ = ("texts", "rules")
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedScalarFieldContainer[str]
    rules: TextRules
    def __init__(self, texts: _Optional[_Iterable[str]] = ..., rules: _Optional[_Union[TextRules, _Mapping]] = ...) -> None: ...

class ProtectedText(_message.Message):
    __slots__ = ("text", "entities", "more")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    text: str
    entities: _containers.RepeatedScalarFieldContainer[str]
    more: bool
    def __init__(self, text: _Optional[str] = ..., entities: _Optional[_Iterable[str]] = ..., more: _Optional[bool] = ...) -> None: ...

class ProtectTextsResponse(_message.Message):
    __slots__ = ("texts", "applied")
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedCompositeFieldContainer[ProtectedText]
    applied: TextRulesApplied
    def __init__(self, texts: _Optional[_Iterable[_Union[ProtectedText, _Mapping]]] = ..., applied: _Optional[_Union[TextRulesApplied, _Mapping]] = ...) -> None: ...

class TextPiece(_message.Message):
    __slots__ = ("text", "more")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    text: str
    more: bool
    def __init__(self, text: _Optional[str] = ..., more: _Optional[bool] = ...) -> None: ...

class TextPieces(_message.Message):
    __slots__ = ("pieces",)
    PIECES_FIELD_NUMBER: _ClassVar[int]
    pieces: _containers.RepeatedCompositeFieldContainer[TextPiece]
    def __init__(self, pieces: _Optional[_Iterable[_Union[TextPiece, _Mapping]]] = ...) -> None: ...

class ProtectDocumentsRequest(_message.Message):
    __slots__ = ("rules", "pieces")
    RULES_FIELD_NUMBER: _ClassVar[int]
    PIECES_FIELD_NUMBER: _ClassVar[int]
    rules: TextRules
    pieces: TextPieces
    def __init__(self, rules: _Optional[_Union[TextRules, _Mapping]] = ..., pieces: _Optional[_Union[TextPieces, _Mapping]] = ...) -> None: ...

class ProtectedTexts(_message.Message):
    __slots__ = ("texts",)
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedCompositeFieldContainer[ProtectedText]
    def __init__(self, texts: _Optional[_Iterable[_Union[ProtectedText, _Mapping]]] = ...) -> None: ...

class ProtectDocumentsResponse(_message.Message):
    __slots__ = ("applied", "texts")
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    applied: TextRulesApplied
    texts: ProtectedTexts
    def __init__(self, applied: _Optional[_Union[TextRulesApplied, _Mapping]] = ..., texts: _Optional[_Union[ProtectedTexts, _Mapping]] = ...) -> None: ...
