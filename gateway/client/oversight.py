"""Parties and the audit log, seen from outside."""

from collections.abc import Iterator, Sequence

from gateway.api.pb import audit_pb2, audit_pb2_grpc, options_pb2, party_pb2, party_pb2_grpc
from gateway.client.forms import full_name
from gateway.client.link import Calls, Link
from gateway.client.plain import number, words
from gateway.errors import InvalidRequest

_ROLE = options_pb2.PartyRole.DESCRIPTOR

# Walking a long log takes its time.
_VERIFYING_SECONDS = 600.0


class PartyCalls(Calls):
    """The parties' part of the client."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._parties = party_pb2_grpc.PartyServiceStub(link.channel)

    def whoami(self) -> party_pb2.Party:
        """The caller, as the gateway recognised it."""
        return self._link.call(self._parties.GetSelf, party_pb2.GetSelfRequest())

    def parties(self) -> Iterator[party_pb2.Party]:
        """All parties."""
        request = party_pb2.ListPartiesRequest()
        return self._link.pages(self._parties.ListParties, request, "parties")

    def add_party(
        self,
        name: str,
        *,
        role: str,
        kind: str,
        display_name: str = "",
        subjects: Sequence[str] = (),
    ) -> party_pb2.Party:
        """Add a party; ``subjects`` are "issuer|subject" pairs of its bearer tokens."""
        found = number(_ROLE, role)
        if found is None:
            raise InvalidRequest.of("role", f"one of {', '.join(words(_ROLE))}")
        party = party_pb2.Party(
            name=full_name("parties", name),
            role=found,  # type: ignore[arg-type]
            kind=kind,
            display_name=display_name,
            subjects=subjects,
        )
        request = party_pb2.CreatePartyRequest(party=party)
        return self._link.command(self._parties.CreateParty, request)

    def set_party_disabled(self, name: str, *, disabled: bool) -> party_pb2.Party:
        """Shut a party out, or let it in again."""
        request = party_pb2.SetPartyDisabledRequest(
            name=full_name("parties", name), disabled=disabled
        )
        return self._link.command(self._parties.SetPartyDisabled, request)


class AuditCalls(Calls):
    """The audit log's part of the client."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._audit = audit_pb2_grpc.AuditServiceStub(link.channel)

    def audit_entries(self) -> Iterator[audit_pb2.AuditEntry]:
        """The whole log in order. Reading it makes entries too, about these calls; they are
        not waited for."""
        request = audit_pb2.ListAuditEntriesRequest(page_size=1000)
        return self._link.pages(self._audit.ListAuditEntries, request, "entries")

    def verify_audit(self) -> audit_pb2.VerifyAuditResponse:
        """What the gateway itself says of its log, checkpoints included."""
        request = audit_pb2.VerifyAuditRequest()
        return self._link.call(self._audit.VerifyAudit, request, _VERIFYING_SECONDS)

    def checkpoint(self) -> str:
        """A signed statement of how far the log has come: a DSSE envelope in JSON."""
        return self._link.call(self._audit.GetCheckpoint, audit_pb2.GetCheckpointRequest()).envelope
