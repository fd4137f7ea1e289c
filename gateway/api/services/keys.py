"""KeyService."""

from collections.abc import Callable

from gateway.api.call import Call
from gateway.api.convert import key_domains as convert
from gateway.api.convert.keys import check_request_id
from gateway.api.convert.pages import Pages
from gateway.api.convert.shape import Shape
from gateway.api.convert.words import KEY_DOMAIN_STATES
from gateway.api.pb import keys_pb2
from gateway.model.catalog import Party
from gateway.model.key_domains import COLLECTION, KeyDomain
from gateway.model.requests import RequestKey
from gateway.registry.key_domains import KeyDomains


class KeyRpcs:
    """What holds keyed results together."""

    def __init__(self, domains: KeyDomains, pages: Pages) -> None:
        self._domains = domains
        self._pages = pages

    def get_key_domain(
        self, call: Call, request: keys_pb2.GetKeyDomainRequest
    ) -> keys_pb2.KeyDomain:
        del call
        shape = Shape()
        name = shape.name("name", request.name, COLLECTION)
        shape.done()
        return convert.to_proto(self._domains.get(name))

    def list_key_domains(
        self, call: Call, request: keys_pb2.ListKeyDomainsRequest
    ) -> keys_pb2.ListKeyDomainsResponse:
        shape = Shape()
        page = self._pages.page(shape, call, request, usual=50, most=500)
        state = shape.optional_coded("state", request.state, KEY_DOMAIN_STATES)
        shape.done()
        found = self._domains.all(page, state)
        messages, token = self._pages.fill(
            call, request, page, found, lambda domain: domain.name, convert.to_proto
        )
        return keys_pb2.ListKeyDomainsResponse(key_domains=messages, next_page_token=token)

    def renew_key_domain(
        self, call: Call, request: keys_pb2.RenewKeyDomainRequest
    ) -> keys_pb2.KeyDomain:
        return _changed(call, request, self._domains.renew)

    def propose_shredding(
        self, call: Call, request: keys_pb2.ProposeShreddingRequest
    ) -> keys_pb2.KeyDomain:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("name", request.name, COLLECTION)
        reason = shape.text("reason", request.reason, 4000, least=1)
        shape.done()
        domain = self._domains.propose(call.party, name, reason, call.key(request))
        return convert.to_proto(domain)

    def withdraw_shredding(
        self, call: Call, request: keys_pb2.WithdrawShreddingRequest
    ) -> keys_pb2.KeyDomain:
        return _changed(call, request, self._domains.withdraw)

    def shred_key_domain(
        self, call: Call, request: keys_pb2.ShredKeyDomainRequest
    ) -> keys_pb2.KeyDomain:
        return _changed(call, request, self._domains.shred)


def _changed(
    call: Call,
    request: keys_pb2.RenewKeyDomainRequest
    | keys_pb2.WithdrawShreddingRequest
    | keys_pb2.ShredKeyDomainRequest,
    change: Callable[[Party, str, RequestKey], KeyDomain],
) -> keys_pb2.KeyDomain:
    shape = Shape()
    check_request_id(shape, request.request_id)
    name = shape.name("name", request.name, COLLECTION)
    shape.done()
    return convert.to_proto(change(call.party, name, call.key(request)))
