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

class KeyDomainState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_DOMAIN_STATE_UNSPECIFIED: _ClassVar[KeyDomainState]
    KEY_DOMAIN_STATE_ACTIVE: _ClassVar[KeyDomainState]
    KEY_DOMAIN_STATE_SHREDDING: _ClassVar[KeyDomainState]
    KEY_DOMAIN_STATE_SHREDDED: _ClassVar[KeyDomainState]
KEY_DOMAIN_STATE_UNSPECIFIED: KeyDomainState
KEY_DOMAIN_STATE_ACTIVE: KeyDomainState
KEY_DOMAIN_STATE_SHREDDING: KeyDomainState
KEY_DOMAIN_STATE_SHREDDED: KeyDomainState

class KeyDomain(_message.Message):
    __slots__ = ("name", "owner", "parts", "versions", "state", "shredding")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SHREDDING_FIELD_NUMBER: _ClassVar[int]
    name: str
    owner: str
    parts: _containers.RepeatedCompositeFieldContainer[KeyDomainPart]
    versions: _containers.RepeatedCompositeFieldContainer[KeyVersion]
    state: KeyDomainState
    shredding: Shredding
    def __init__(self, name: _Optional[str] = ..., owner: _Optional[str] = ..., parts: _Optional[_Iterable[_Union[KeyDomainPart, _Mapping]]] = ..., versions: _Optional[_Iterable[_Union[KeyVersion, _Mapping]]] = ..., state: _Optional[_Union[KeyDomainState, str]] = ..., shredding: _Optional[_Union[Shredding, _Mapping]] = ...) -> None: ...

class KeyDomainPart(_message.Message):
    __slots__ = ("label", "value")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    label: str
    value: str
    def __init__(self, label: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class KeyVersion(_message.Message):
    __slots__ = ("number", "created", "destroyed")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    DESTROYED_FIELD_NUMBER: _ClassVar[int]
    number: int
    created: _timestamp_pb2.Timestamp
    destroyed: _timestamp_pb2.Timestamp
    def __init__(self, number: _Optional[int] = ..., created: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., destroyed: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Shredding(_message.Message):
    __slots__ = ("proposed_by", "reason", "time")
    PROPOSED_BY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    proposed_by: str
    reason: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, proposed_by: _Optional[str] = ..., reason: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetKeyDomainRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListKeyDomainsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "state")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    state: KeyDomainState
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., state: _Optional[_Union[KeyDomainState, str]] = ...) -> None: ...

class ListKeyDomainsResponse(_message.Message):
    __slots__ = ("key_domains", "next_page_token")
    KEY_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    key_domains: _containers.RepeatedCompositeFieldContainer[KeyDomain]
    next_page_token: str
    def __init__(self, key_domains: _Optional[_Iterable[_Union[KeyDomain, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RenewKeyDomainRequest(_message.Message):
    __slots__ = ("request_id", "name")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class ProposeShreddingRequest(_message.Message):
    __slots__ = ("request_id", "name", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class WithdrawShreddingRequest(_message.Message):
    __slots__ = ("request_id", "name")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class ShredKeyDomainRequest(_message.Message):
    __slots__ = ("request_id", "name")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...
