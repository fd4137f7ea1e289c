from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class PartyRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARTY_ROLE_UNSPECIFIED: _ClassVar[PartyRole]
    PARTY_ROLE_HOLDER: _ClassVar[PartyRole]
    PARTY_ROLE_CONSUMER: _ClassVar[PartyRole]
    PARTY_ROLE_OFFICER: _ClassVar[PartyRole]
    PARTY_ROLE_AUDITOR: _ClassVar[PartyRole]
    PARTY_ROLE_ADMINISTRATOR: _ClassVar[PartyRole]
PARTY_ROLE_UNSPECIFIED: PartyRole
PARTY_ROLE_HOLDER: PartyRole
PARTY_ROLE_CONSUMER: PartyRole
PARTY_ROLE_OFFICER: PartyRole
PARTY_ROLE_AUDITOR: PartyRole
PARTY_ROLE_ADMINISTRATOR: PartyRole
ALLOWED_ROLES_FIELD_NUMBER: _ClassVar[int]
allowed_roles: _descriptor.FieldDescriptor
