"""Keyed digests of tokens and of persons' values: what records and logs hold in their place.

Claim. Without the digests' secret, which lies wrapped in the store, a digest tells nothing of what
it was made from, also of values that could all be tried (a phone number); equal things of one
domain have equal digests, so that a request is found again for somebody who brings the token or
the value. Source: HMAC-SHA-256, RFC 2104; each input is a list in canonical JSON, so that none can
be read as another.
"""

import hmac
from collections.abc import Iterable, Sequence
from typing import Final

from gateway.model.noun import canonical_json
from gateway.ports import Entropy, KeyRing, Store
from gateway.registry.domain_keys import kept_key

_KEPT_AS: Final = "reidentifications/digests"
"""The data key's resource. No request can have this name: theirs begin with ``i-``."""


class ReversalDigests:
    """Makes the digests. Their secret is made at the first use and never changes: with another
    one, nobody would find what was recorded before."""

    def __init__(self, store: Store, keyring: KeyRing, entropy: Entropy) -> None:
        self._store = store
        self._keyring = keyring
        self._entropy = entropy

    def of_request(self, tokens: Sequence[str]) -> str:
        """Of tokens as they were sent, in whichever order, to recognise a call that is repeated."""
        (digest,) = self._digests([["request", *sorted(tokens)]])
        return digest

    def of_tokens(self, domain: str, tokens: Sequence[str]) -> str:
        """Of a set of tokens of a key domain, in whichever order."""
        (digest,) = self._digests([["tokens", domain, *sorted(tokens)]])
        return digest

    def of_each_token(self, domain: str, tokens: Iterable[str]) -> frozenset[str]:
        """Of single tokens of a key domain."""
        return frozenset(self._digests(["token", domain, token] for token in tokens))

    def of_persons(self, column: str, values: Iterable[str]) -> frozenset[str]:
        """Of values by which persons are known, in columns published under that name."""
        return frozenset(self._digests(["person", column, value] for value in values))

    def _digests(self, inputs: Iterable[list[str]]) -> list[str]:
        # One look at the secret for all of them: the ring may be a service on the network.
        secret = kept_key(self._store, self._keyring, self._entropy, _KEPT_AS)
        return [hmac.digest(secret, canonical_json(parts), "sha256").hex() for parts in inputs]
