"""Which servicer answers which service; every rpc of the protos has exactly one handler."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc

from gateway.api.convert.pages import Pages
from gateway.api.roles import Method
from gateway.api.services.audit import AuditRpcs
from gateway.api.services.catalog import CatalogRpcs
from gateway.api.services.classification import ClassificationRpcs
from gateway.api.services.grants import GrantRpcs
from gateway.api.services.keys import KeyRpcs
from gateway.api.services.parties import PartyRpcs
from gateway.api.services.policies import PolicyRpcs
from gateway.api.services.protect import ProtectRpcs
from gateway.api.services.reidentifications import ReidentificationRpcs
from gateway.api.services.releases import ReleaseRpcs
from gateway.api.services.statistics import StatisticsRpcs
from gateway.errors import ConfigurationError
from gateway.ports import Clock
from gateway.registry.catalog import Catalog
from gateway.registry.grants import Grants
from gateway.registry.key_domains import KeyDomains
from gateway.registry.parties import Parties
from gateway.registry.policies import Policies
from gateway.registry.reidentifications import Reidentifications
from gateway.registry.trail import Trail
from gateway.release.custody import Custody
from gateway.release.opening import Opening
from gateway.release.protecting import ProtectionUnderPolicy
from gateway.release.reidentifying import Reidentifying
from gateway.release.statistics import Statistics
from gateway.release.texts import TextsUnderPolicy

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the services call. ``wake`` is told of new work; ``public_key`` is (key id, PEM) of the
    signer."""

    parties: Parties
    catalog: Catalog
    policies: Policies
    grants: Grants
    key_domains: KeyDomains
    opening: Opening
    custody: Custody
    protection: ProtectionUnderPolicy
    reidentifications: Reidentifications
    reidentifying: Reidentifying
    texts: TextsUnderPolicy
    statistics: Statistics
    trail: Trail
    wake: Callable[[], None]
    public_key: tuple[str, str]


def servicers(cases: UseCases, page_key: bytes, clock: Clock) -> Mapping[str, object]:
    """The servicer of each service, by the service's full name."""
    pages = Pages(page_key)
    return {
        "gateway.v1.AuditService": AuditRpcs(cases.trail, pages),
        "gateway.v1.CatalogService": CatalogRpcs(cases.catalog, pages, cases.wake),
        "gateway.v1.ClassificationService": ClassificationRpcs(cases.catalog, cases.wake),
        "gateway.v1.GrantService": GrantRpcs(cases.grants, pages),
        "gateway.v1.KeyService": KeyRpcs(cases.key_domains, pages),
        "gateway.v1.PartyService": PartyRpcs(cases.parties, pages),
        "gateway.v1.PolicyService": PolicyRpcs(cases.policies, pages),
        "gateway.v1.ProtectService": ProtectRpcs(cases.protection, cases.texts),
        "gateway.v1.ReidentificationService": ReidentificationRpcs(
            cases.reidentifications, cases.reidentifying, pages, clock
        ),
        "gateway.v1.ReleaseService": ReleaseRpcs(
            cases.opening, cases.custody, pages, cases.wake, cases.public_key
        ),
        "gateway.v1.StatisticsService": StatisticsRpcs(cases.statistics, pages),
    }


def handlers(
    methods: Mapping[str, Method], served: Mapping[str, object]
) -> list[grpc.GenericRpcHandler]:
    """Handlers for gRPC, over bytes: requests are parsed behind the interceptor. They cannot be
    called without it, for what stands in them takes a Call. ConfigurationError for an rpc that
    nobody answers."""
    by_service: dict[str, dict[str, Handler]] = {}
    for method in methods.values():
        behaviour = getattr(served.get(method.service), method.handler, None)
        if behaviour is None:
            raise ConfigurationError(f"{method.path} is in the protos and nobody answers it")
        by_service.setdefault(method.service, {})[method.rpc] = _handler(method, behaviour)
    return [
        grpc.method_handlers_generic_handler(service, found)
        for service, found in by_service.items()
    ]


def _handler(method: Method, behaviour: Callable[..., Any]) -> Handler:
    make: Any = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[method.request_streaming, method.response_streaming]
    found: Handler = make(behaviour)
    return found
