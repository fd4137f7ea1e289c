"""The table of methods: which roles may call each, read from the option in the protos."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from google.protobuf import empty_pb2, message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from gateway.api.pb import (
    audit_pb2,
    catalog_pb2,
    classification_pb2,
    grant_pb2,
    keys_pb2,
    options_pb2,
    party_pb2,
    policy_pb2,
    protect_pb2,
    reidentification_pb2,
    release_pb2,
    statistics_pb2,
)
from gateway.errors import ConfigurationError
from gateway.model.names import Role

SERVICES: Final[tuple[ServiceDescriptor, ...]] = tuple(
    service
    for file in (
        audit_pb2,
        catalog_pb2,
        classification_pb2,
        grant_pb2,
        keys_pb2,
        party_pb2,
        policy_pb2,
        protect_pb2,
        reidentification_pb2,
        release_pb2,
        statistics_pb2,
    )
    for service in file.DESCRIPTOR.services_by_name.values()
)
"""Every service that the gateway serves; a service that is not here is not served."""

ROLES: Final[Mapping[options_pb2.PartyRole, Role]] = MappingProxyType(
    {
        options_pb2.PARTY_ROLE_HOLDER: Role.HOLDER,
        options_pb2.PARTY_ROLE_CONSUMER: Role.CONSUMER,
        options_pb2.PARTY_ROLE_OFFICER: Role.OFFICER,
        options_pb2.PARTY_ROLE_AUDITOR: Role.AUDITOR,
        options_pb2.PARTY_ROLE_ADMINISTRATOR: Role.ADMINISTRATOR,
    }
)

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Method:
    """One rpc: ``path`` as on the wire, ``handler`` as in our servicers, ``action`` in the log."""

    path: str  # /gateway.v1.CatalogService/GetDataSet
    service: str  # gateway.v1.CatalogService
    rpc: str  # GetDataSet
    handler: str  # get_data_set
    action: str  # rpc.catalog.get_data_set
    roles: frozenset[Role]
    request: type[Message]
    response: type[Message]
    request_streaming: bool
    response_streaming: bool

    @classmethod
    def foreign(cls, path: str) -> "Method":
        """A method of health or reflection, whose services come with gRPC: open to every party."""
        service, _, rpc = path.removeprefix("/").partition("/")
        return cls(
            path=path,
            service=service,
            rpc=rpc,
            handler="",
            action=f"rpc.{service.rpartition('.')[2]}.{rpc}".lower(),
            roles=frozenset(Role),
            request=empty_pb2.Empty,
            response=empty_pb2.Empty,
            request_streaming=False,
            response_streaming=False,
        )


def methods(services: Iterable[ServiceDescriptor] = SERVICES) -> Mapping[str, Method]:
    """All methods by path. ConfigurationError for one that says nobody may call it."""
    found = {}
    for service in services:
        for descriptor in service.methods:
            method = _method(service, descriptor)
            found[method.path] = method
    return MappingProxyType(found)


def _method(service: ServiceDescriptor, descriptor: MethodDescriptor) -> Method:
    path = f"/{service.full_name}/{descriptor.name}"
    handler = _WORD_START.sub("_", descriptor.name).lower()
    short = service.name.removesuffix("Service").lower()
    return Method(
        path=path,
        service=service.full_name,
        rpc=descriptor.name,
        handler=handler,
        action=f"rpc.{short}.{handler}",
        roles=_allowed(path, descriptor),
        request=message_factory.GetMessageClass(descriptor.input_type),
        response=message_factory.GetMessageClass(descriptor.output_type),
        request_streaming=descriptor.client_streaming,
        response_streaming=descriptor.server_streaming,
    )


def _allowed(path: str, descriptor: MethodDescriptor) -> frozenset[Role]:
    # The stubs say FieldDescriptor, without what the extension extends.
    option: Any = options_pb2.allowed_roles
    listed: Sequence[int] = descriptor.GetOptions().Extensions[option]
    if not listed:
        raise ConfigurationError(f"{path} has no allowed_roles: nobody could call it")
    if unknown := [number for number in listed if number not in ROLES]:
        raise ConfigurationError(f"{path} allows a role that is not known: {unknown[0]}")
    return frozenset(role for number, role in ROLES.items() if number in listed)
