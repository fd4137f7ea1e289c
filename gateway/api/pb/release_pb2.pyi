import datetime

from gateway.api.pb import options_pb2 as _options_pb2
from gateway.api.pb import types_pb2 as _types_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReleaseState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RELEASE_STATE_UNSPECIFIED: _ClassVar[ReleaseState]
    RELEASE_STATE_DENIED: _ClassVar[ReleaseState]
    RELEASE_STATE_OPENED: _ClassVar[ReleaseState]
    RELEASE_STATE_RUNNING: _ClassVar[ReleaseState]
    RELEASE_STATE_SEALED: _ClassVar[ReleaseState]
    RELEASE_STATE_REFUSED: _ClassVar[ReleaseState]
    RELEASE_STATE_FAILED: _ClassVar[ReleaseState]
    RELEASE_STATE_CANCELLED: _ClassVar[ReleaseState]
    RELEASE_STATE_RECALLED: _ClassVar[ReleaseState]
    RELEASE_STATE_EXPIRED: _ClassVar[ReleaseState]

class Stage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STAGE_UNSPECIFIED: _ClassVar[Stage]
    STAGE_WAITING: _ClassVar[Stage]
    STAGE_READING: _ClassVar[Stage]
    STAGE_CHECKING: _ClassVar[Stage]
    STAGE_SEALING: _ClassVar[Stage]
    STAGE_DONE: _ClassVar[Stage]
    STAGE_ANONYMISING: _ClassVar[Stage]
RELEASE_STATE_UNSPECIFIED: ReleaseState
RELEASE_STATE_DENIED: ReleaseState
RELEASE_STATE_OPENED: ReleaseState
RELEASE_STATE_RUNNING: ReleaseState
RELEASE_STATE_SEALED: ReleaseState
RELEASE_STATE_REFUSED: ReleaseState
RELEASE_STATE_FAILED: ReleaseState
RELEASE_STATE_CANCELLED: ReleaseState
RELEASE_STATE_RECALLED: ReleaseState
RELEASE_STATE_EXPIRED: ReleaseState
STAGE_UNSPECIFIED: Stage
STAGE_WAITING: Stage
STAGE_READING: Stage
STAGE_CHECKING: Stage
STAGE_SEALING: Stage
STAGE_DONE: Stage
STAGE_ANONYMISING: Stage

class Release(_message.Message):
    __slots__ = ("name", "consumer", "request", "state", "decision", "plan", "stage", "rows_done", "rows_expected", "ending_reason", "ending_text", "stream_sha256", "content_digest", "rows", "chunks", "created", "updated", "expires", "reissue_of", "reissued_as", "percent")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    ROWS_DONE_FIELD_NUMBER: _ClassVar[int]
    ROWS_EXPECTED_FIELD_NUMBER: _ClassVar[int]
    ENDING_REASON_FIELD_NUMBER: _ClassVar[int]
    ENDING_TEXT_FIELD_NUMBER: _ClassVar[int]
    STREAM_SHA256_FIELD_NUMBER: _ClassVar[int]
    CONTENT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    REISSUE_OF_FIELD_NUMBER: _ClassVar[int]
    REISSUED_AS_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    consumer: str
    request: _types_pb2.ExtractRequest
    state: ReleaseState
    decision: _types_pb2.Decision
    plan: _types_pb2.Plan
    stage: Stage
    rows_done: int
    rows_expected: int
    ending_reason: str
    ending_text: str
    stream_sha256: str
    content_digest: str
    rows: int
    chunks: int
    created: _timestamp_pb2.Timestamp
    updated: _timestamp_pb2.Timestamp
    expires: _timestamp_pb2.Timestamp
    reissue_of: str
    reissued_as: str
    percent: int
    def __init__(self, name: _Optional[str] = ..., consumer: _Optional[str] = ..., request: _Optional[_Union[_types_pb2.ExtractRequest, _Mapping]] = ..., state: _Optional[_Union[ReleaseState, str]] = ..., decision: _Optional[_Union[_types_pb2.Decision, _Mapping]] = ..., plan: _Optional[_Union[_types_pb2.Plan, _Mapping]] = ..., stage: _Optional[_Union[Stage, str]] = ..., rows_done: _Optional[int] = ..., rows_expected: _Optional[int] = ..., ending_reason: _Optional[str] = ..., ending_text: _Optional[str] = ..., stream_sha256: _Optional[str] = ..., content_digest: _Optional[str] = ..., rows: _Optional[int] = ..., chunks: _Optional[int] = ..., created: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reissue_of: _Optional[str] = ..., reissued_as: _Optional[str] = ..., percent: _Optional[int] = ...) -> None: ...

class CreateReleaseRequest(_message.Message):
    __slots__ = ("request_id", "request", "validate_only")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    request: _types_pb2.ExtractRequest
    validate_only: bool
    def __init__(self, request_id: _Optional[str] = ..., request: _Optional[_Union[_types_pb2.ExtractRequest, _Mapping]] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ReissueReleaseRequest(_message.Message):
    __slots__ = ("request_id", "name", "project", "keep_original")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    KEEP_ORIGINAL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    project: str
    keep_original: bool
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ..., project: _Optional[str] = ..., keep_original: _Optional[bool] = ...) -> None: ...

class GetReleaseRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListReleasesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "dataset", "state")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    dataset: str
    state: ReleaseState
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., dataset: _Optional[str] = ..., state: _Optional[_Union[ReleaseState, str]] = ...) -> None: ...

class ListReleasesResponse(_message.Message):
    __slots__ = ("releases", "next_page_token")
    RELEASES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    releases: _containers.RepeatedCompositeFieldContainer[Release]
    next_page_token: str
    def __init__(self, releases: _Optional[_Iterable[_Union[Release, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchReleaseRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ReadReleaseRequest(_message.Message):
    __slots__ = ("name", "offset")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    name: str
    offset: int
    def __init__(self, name: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class ReadReleaseResponse(_message.Message):
    __slots__ = ("index", "payload", "rows", "last")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    index: int
    payload: bytes
    rows: int
    last: bool
    def __init__(self, index: _Optional[int] = ..., payload: _Optional[bytes] = ..., rows: _Optional[int] = ..., last: _Optional[bool] = ...) -> None: ...

class CancelReleaseRequest(_message.Message):
    __slots__ = ("request_id", "name")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class RecallReleaseRequest(_message.Message):
    __slots__ = ("request_id", "name", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class GetCertificateRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class Certificate(_message.Message):
    __slots__ = ("envelope",)
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    envelope: str
    def __init__(self, envelope: _Optional[str] = ...) -> None: ...

class GetPublicKeyRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PublicKey(_message.Message):
    __slots__ = ("key_id", "pem")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    PEM_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    pem: str
    def __init__(self, key_id: _Optional[str] = ..., pem: _Optional[str] = ...) -> None: ...
