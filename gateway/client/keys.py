"""Key domains, seen from outside: look, begin another version, shred."""

from collections.abc import Iterator

from gateway.api.pb import keys_pb2, keys_pb2_grpc
from gateway.client.forms import full_name
from gateway.client.link import Calls, Link
from gateway.client.plain import number, words
from gateway.errors import InvalidRequest
from gateway.model.key_domains import COLLECTION, name_of, written

_STATE = keys_pb2.KeyDomainState.DESCRIPTOR


class KeyCalls(Calls):
    """The key domains' part of the client."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._keys = keys_pb2_grpc.KeyServiceStub(link.channel)

    def key_domains(self, state: str | None = None) -> Iterator[keys_pb2.KeyDomain]:
        """All of them, or those in one state."""
        wanted = None if state is None else number(_STATE, state)
        if state is not None and wanted is None:
            raise InvalidRequest.of("state", f"one of {', '.join(words(_STATE))}")
        request = keys_pb2.ListKeyDomainsRequest(state=wanted)  # type: ignore[arg-type]
        return self._link.pages(self._keys.ListKeyDomains, request, "key_domains")

    def key_domain(self, name: str) -> keys_pb2.KeyDomain:
        """One; ``name`` also as project:NAME, as in the methods below."""
        return self._link.call(
            self._keys.GetKeyDomain, keys_pb2.GetKeyDomainRequest(name=_named(name))
        )

    def renew_key_domain(self, name: str) -> keys_pb2.KeyDomain:
        """Begin another version: later results do not agree with earlier ones."""
        request = keys_pb2.RenewKeyDomainRequest(name=_named(name))
        return self._link.command(self._keys.RenewKeyDomain, request)

    def propose_shredding(self, name: str, reason: str) -> keys_pb2.KeyDomain:
        """Propose to destroy all keys of the domain; another officer shreds."""
        request = keys_pb2.ProposeShreddingRequest(name=_named(name), reason=reason)
        return self._link.command(self._keys.ProposeShredding, request)

    def withdraw_shredding(self, name: str) -> keys_pb2.KeyDomain:
        """Take such a proposal back, or refuse it."""
        request = keys_pb2.WithdrawShreddingRequest(name=_named(name))
        return self._link.command(self._keys.WithdrawShredding, request)

    def shred_key_domain(self, name: str) -> keys_pb2.KeyDomain:
        """Destroy all keys of a domain that another officer proposed to shred, for good."""
        request = keys_pb2.ShredKeyDomainRequest(name=_named(name))
        return self._link.command(self._keys.ShredKeyDomain, request)


def _named(name: str) -> str:
    label, colon, project = name.partition(":")
    if colon and label == "project":
        return name_of(written([("project", project)]))
    return full_name(COLLECTION, name)
