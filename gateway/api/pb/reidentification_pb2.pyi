import datetime

from gateway.api.pb import options_pb2 as _options_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReidentificationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REIDENTIFICATION_STATE_UNSPECIFIED: _ClassVar[ReidentificationState]
    REIDENTIFICATION_STATE_REQUESTED: _ClassVar[ReidentificationState]
    REIDENTIFICATION_STATE_APPROVED: _ClassVar[ReidentificationState]
    REIDENTIFICATION_STATE_ANSWERED: _ClassVar[ReidentificationState]
    REIDENTIFICATION_STATE_REFUSED: _ClassVar[ReidentificationState]
    REIDENTIFICATION_STATE_EXPIRED: _ClassVar[ReidentificationState]

class LegalBasis(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEGAL_BASIS_UNSPECIFIED: _ClassVar[LegalBasis]
    LEGAL_BASIS_CONSENT: _ClassVar[LegalBasis]
    LEGAL_BASIS_CONTRACT: _ClassVar[LegalBasis]
    LEGAL_BASIS_STATUTORY_DUTY: _ClassVar[LegalBasis]
    LEGAL_BASIS_EMERGENCY: _ClassVar[LegalBasis]
    LEGAL_BASIS_PUBLIC_INTEREST: _ClassVar[LegalBasis]
    LEGAL_BASIS_OTHER_LAW: _ClassVar[LegalBasis]

class NoticeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTICE_STATE_UNSPECIFIED: _ClassVar[NoticeState]
    NOTICE_STATE_DUE: _ClassVar[NoticeState]
    NOTICE_STATE_GIVEN: _ClassVar[NoticeState]
    NOTICE_STATE_DEFERRED: _ClassVar[NoticeState]
REIDENTIFICATION_STATE_UNSPECIFIED: ReidentificationState
REIDENTIFICATION_STATE_REQUESTED: ReidentificationState
REIDENTIFICATION_STATE_APPROVED: ReidentificationState
REIDENTIFICATION_STATE_ANSWERED: ReidentificationState
REIDENTIFICATION_STATE_REFUSED: ReidentificationState
REIDENTIFICATION_STATE_EXPIRED: ReidentificationState
LEGAL_BASIS_UNSPECIFIED: LegalBasis
LEGAL_BASIS_CONSENT: LegalBasis
LEGAL_BASIS_CONTRACT: LegalBasis
LEGAL_BASIS_STATUTORY_DUTY: LegalBasis
LEGAL_BASIS_EMERGENCY: LegalBasis
LEGAL_BASIS_PUBLIC_INTEREST: LegalBasis
LEGAL_BASIS_OTHER_LAW: LegalBasis
NOTICE_STATE_UNSPECIFIED: NoticeState
NOTICE_STATE_DUE: NoticeState
NOTICE_STATE_GIVEN: NoticeState
NOTICE_STATE_DEFERRED: NoticeState

class OfficerApproval(_message.Message):
    __slots__ = ("party", "approved", "reason", "time")
    PARTY_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    party: str
    approved: bool
    reason: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, party: _Optional[str] = ..., approved: _Optional[bool] = ..., reason: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Notice(_message.Message):
    __slots__ = ("state", "party", "reason", "time", "until")
    STATE_FIELD_NUMBER: _ClassVar[int]
    PARTY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    state: NoticeState
    party: str
    reason: str
    time: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    def __init__(self, state: _Optional[_Union[NoticeState, str]] = ..., party: _Optional[str] = ..., reason: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReidentificationCase(_message.Message):
    __slots__ = ("release", "column", "basis", "reason", "case_number", "recipient_key", "entity")
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    BASIS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CASE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_KEY_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    release: str
    column: str
    basis: LegalBasis
    reason: str
    case_number: str
    recipient_key: bytes
    entity: str
    def __init__(self, release: _Optional[str] = ..., column: _Optional[str] = ..., basis: _Optional[_Union[LegalBasis, str]] = ..., reason: _Optional[str] = ..., case_number: _Optional[str] = ..., recipient_key: _Optional[bytes] = ..., entity: _Optional[str] = ...) -> None: ...

class Reidentification(_message.Message):
    __slots__ = ("name", "requester", "dataset", "case", "key_domain", "tokens", "approvals", "state", "reversed", "answered", "notice", "notices", "etag", "created", "expires")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUESTER_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    CASE_FIELD_NUMBER: _ClassVar[int]
    KEY_DOMAIN_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    APPROVALS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REVERSED_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    name: str
    requester: str
    dataset: str
    case: ReidentificationCase
    key_domain: str
    tokens: int
    approvals: _containers.RepeatedCompositeFieldContainer[OfficerApproval]
    state: ReidentificationState
    reversed: int
    answered: _timestamp_pb2.Timestamp
    notice: NoticeState
    notices: _containers.RepeatedCompositeFieldContainer[Notice]
    etag: str
    created: _timestamp_pb2.Timestamp
    expires: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., requester: _Optional[str] = ..., dataset: _Optional[str] = ..., case: _Optional[_Union[ReidentificationCase, _Mapping]] = ..., key_domain: _Optional[str] = ..., tokens: _Optional[int] = ..., approvals: _Optional[_Iterable[_Union[OfficerApproval, _Mapping]]] = ..., state: _Optional[_Union[ReidentificationState, str]] = ..., reversed: _Optional[int] = ..., answered: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., notice: _Optional[_Union[NoticeState, str]] = ..., notices: _Optional[_Iterable[_Union[Notice, _Mapping]]] = ..., etag: _Optional[str] = ..., created: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RequestReidentificationRequest(_message.Message):
    __slots__ = ("request_id", "case", "tokens")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CASE_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    case: ReidentificationCase
    tokens: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., case: _Optional[_Union[ReidentificationCase, _Mapping]] = ..., tokens: _Optional[_Iterable[str]] = ...) -> None: ...

class ApproveReidentificationRequest(_message.Message):
    __slots__ = ("request_id", "name", "etag", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    etag: str
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ..., etag: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RefuseReidentificationRequest(_message.Message):
    __slots__ = ("request_id", "name", "etag", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    etag: str
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ..., etag: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class AnswerReidentificationRequest(_message.Message):
    __slots__ = ("request_id", "name", "tokens")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    tokens: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ..., tokens: _Optional[_Iterable[str]] = ...) -> None: ...

class AnswerReidentificationResponse(_message.Message):
    __slots__ = ("reidentification", "sealed", "suite")
    REIDENTIFICATION_FIELD_NUMBER: _ClassVar[int]
    SEALED_FIELD_NUMBER: _ClassVar[int]
    SUITE_FIELD_NUMBER: _ClassVar[int]
    reidentification: Reidentification
    sealed: bytes
    suite: str
    def __init__(self, reidentification: _Optional[_Union[Reidentification, _Mapping]] = ..., sealed: _Optional[bytes] = ..., suite: _Optional[str] = ...) -> None: ...

class RecordNoticeRequest(_message.Message):
    __slots__ = ("request_id", "name", "etag", "state", "reason", "until")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    etag: str
    state: NoticeState
    reason: str
    until: _timestamp_pb2.Timestamp
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ..., etag: _Optional[str] = ..., state: _Optional[_Union[NoticeState, str]] = ..., reason: _Optional[str] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetReidentificationRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListReidentificationsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "state")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    state: ReidentificationState
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., state: _Optional[_Union[ReidentificationState, str]] = ...) -> None: ...

class TokenOfRelease(_message.Message):
    __slots__ = ("release", "column", "token", "entity")
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    release: str
    column: str
    token: str
    entity: str
    def __init__(self, release: _Optional[str] = ..., column: _Optional[str] = ..., token: _Optional[str] = ..., entity: _Optional[str] = ...) -> None: ...

class ValueOfPerson(_message.Message):
    __slots__ = ("column", "value")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    column: str
    value: str
    def __init__(self, column: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class FindReidentificationsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "token", "person")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    token: TokenOfRelease
    person: ValueOfPerson
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., token: _Optional[_Union[TokenOfRelease, _Mapping]] = ..., person: _Optional[_Union[ValueOfPerson, _Mapping]] = ...) -> None: ...

class ListReidentificationsResponse(_message.Message):
    __slots__ = ("reidentifications", "next_page_token")
    REIDENTIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    reidentifications: _containers.RepeatedCompositeFieldContainer[Reidentification]
    next_page_token: str
    def __init__(self, reidentifications: _Optional[_Iterable[_Union[Reidentification, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
