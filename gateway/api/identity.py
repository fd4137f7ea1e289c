"""Who is calling: the party that the certificate, the bearer token, or both, name.

There is no anonymous party. The health check of load balancers is the one thing that is answered
without an identity; it says SERVING or NOT_SERVING and touches no data.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.api.certificates import Certificates
from gateway.api.tokens import Tokens, TrustedIssuer
from gateway.errors import Unauthenticated
from gateway.model.catalog import Party
from gateway.ports import Clock, Store

ANONYMOUS = "anonymous"
"""The actor of audit entries about calls whose caller was not recognised."""


@dataclass(frozen=True, slots=True)
class Peer:
    """What the other side of a connection brought along; blind, because tokens are secrets."""

    certificate: bytes | None = field(default=None, repr=False)
    authorization: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(
        cls,
        auth_context: Mapping[str, Iterable[bytes]],
        metadata: Sequence[tuple[str, str | bytes]],
    ) -> "Peer":
        """From what gRPC knows of a connection and a call."""
        certificate = next(iter(auth_context.get("x509_pem_cert", ())), None)
        given = (value for key, value in metadata if key == "authorization")
        texts = (v.decode("latin-1") if isinstance(v, bytes) else v for v in given)
        return cls(certificate, tuple(texts))


class Recognizer:
    """Finds the party behind a peer, anew for every call: being shut out takes effect at once."""

    def __init__(self, store: Store, clock: Clock, issuers: Sequence[TrustedIssuer] = ()) -> None:
        self._store = store
        self._clock = clock
        self._tokens = Tokens(issuers)
        self._certificates = Certificates()

    def recognise(self, peer: Peer) -> Party:
        """The party. Unauthenticated, with a reason constant for each fault; StoreUnavailable."""
        now = self._clock.now()
        name = subject = None
        if peer.certificate is not None:
            named = self._certificates.named(peer.certificate)
            named.check(now)
            name = named.party
        if peer.authorization:
            subject = self._tokens.subject(_bearer(peer.authorization), now)
        if name is None and subject is None:
            raise Unauthenticated(
                "no identity: use a client certificate or a bearer token",
                reason="IDENTITY_MISSING",
            )
        return self._registered(name, subject)

    def _registered(self, name: str | None, subject: str | None) -> Party:
        with self._store.read() as tx:
            by_name = tx.party(name) if name is not None else None
            by_subject = tx.party_by_subject(subject) if subject is not None else None
        if (name is not None and by_name is None) or (subject is not None and by_subject is None):
            raise Unauthenticated(
                "the identity is not that of a registered party; ask the administrator",
                reason="PARTY_UNKNOWN",
            )
        party = by_name or by_subject
        if party is None or (by_subject is not None and by_subject.name != party.name):
            raise Unauthenticated(
                "the certificate and the bearer token name different parties",
                reason="IDENTITY_MISMATCH",
            )
        if party.disabled:
            raise Unauthenticated(
                "the party is shut out; ask the administrator", reason="PARTY_DISABLED"
            )
        return party


def _bearer(values: tuple[str, ...]) -> str:
    scheme, _, token = values[0].partition(" ")
    if len(values) != 1 or scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated(
            "authorization must be one value: Bearer and a token", reason="TOKEN_MALFORMED"
        )
    return token.strip()
