import datetime

from gateway.api.pb import catalog_pb2 as _catalog_pb2
from gateway.api.pb import options_pb2 as _options_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ClassifyDataSetRequest(_message.Message):
    __slots__ = ("request_id", "name")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class WatchClassificationRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class WatchClassificationResponse(_message.Message):
    __slots__ = ("classification",)
    CLASSIFICATION_FIELD_NUMBER: _ClassVar[int]
    classification: _catalog_pb2.Classification
    def __init__(self, classification: _Optional[_Union[_catalog_pb2.Classification, _Mapping]] = ...) -> None: ...

class OverrideVerdictRequest(_message.Message):
    __slots__ = ("request_id", "dataset", "column", "entity", "grade", "role", "reason", "etag", "until")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    dataset: str
    column: str
    entity: str
    grade: str
    role: _catalog_pb2.ColumnRole
    reason: str
    etag: str
    until: _timestamp_pb2.Timestamp
    def __init__(self, request_id: _Optional[str] = ..., dataset: _Optional[str] = ..., column: _Optional[str] = ..., entity: _Optional[str] = ..., grade: _Optional[str] = ..., role: _Optional[_Union[_catalog_pb2.ColumnRole, str]] = ..., reason: _Optional[str] = ..., etag: _Optional[str] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
