"""Keyed digests of tokens and of persons' values: what records and logs hold in their place.

Claim. Without its key a digest tells nothing of what it was made from, also of values that could
all be tried (a phone number); equal things have equal digests, so that a request is found again for
somebody who brings the token or the value. Digests of tokens are keyed by the secret of their key
domain: when that is shredded, nobody can tell any more which request a token was in. Digests of
persons' values are keyed by a secret of the gateway's own, which stays: persons must be told what
was done also after the study is over. Source: HMAC-SHA-256, RFC 2104; each input is a list in
canonical JSON, so that none can be read as another.
"""

import hmac
from collections.abc import Iterable, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gateway.model.noun import canonical_json
from gateway.ports import Entropy, KeyRing, Store
from gateway.registry.domain_keys import kept_key
from gateway.transform.derivation import derive
from gateway.transform.profiles import normalised

_KEPT_AS: Final = "reidentifications/digests"
"""The data key's resource. No request can have this name: theirs begin with ``i-``."""


class TokenDigests:
    """Makes the digests of tokens of one key domain, under one version of its key.

    ``key``: the domain's key of 32 bytes, as of ports.DomainKeys.
    """

    def __init__(self, key: bytes, domain: str) -> None:
        self._key = derive(key, "reversal digests", domain)
        self._domain = domain

    def of_set(self, tokens: Sequence[str]) -> str:
        """Of a set of tokens, in whichever order."""
        return _digest(self._key, ["tokens", self._domain, *sorted(tokens)])

    def of_each(self, tokens: Iterable[str]) -> frozenset[str]:
        """Of single tokens."""
        return frozenset(_digest(self._key, ["token", self._domain, token]) for token in tokens)


class PersonDigests:
    """Makes the digests of persons' values. Their secret is made at the first use and never
    changes: with another one, nobody would find what was recorded before."""

    def __init__(self, store: Store, keyring: KeyRing, entropy: Entropy) -> None:
        self._store = store
        self._keyring = keyring
        self._entropy = entropy

    def of_each(self, column: str, values: Sequence[str]) -> frozenset[str]:
        """Of values by which persons are known, in columns published under that name; however they
        are written: full-width, in capitals, with spaces, and numbers with hyphens or dots."""
        # One look at the secret for all of them: the ring may be a service on the network.
        secret = kept_key(self._store, self._keyring, self._entropy, _KEPT_AS)
        written = _in_one_form(pa.array(values, pa.string())).to_pylist()
        return frozenset(_digest(secret, ["person", column, value]) for value in written)


def _in_one_form(values: pa.Array) -> pa.Array:
    """Hyphens and dots stay where they are no mere layout, as in an address."""
    folded = pc.utf8_upper(pc.utf8_normalize(values, form="NFKC"))
    bare = normalised(values)
    numbers = pc.match_substring_regex(bare, r"^\+?[0-9]+X?$")
    return pc.if_else(numbers, bare, pc.replace_substring_regex(folded, r"\s+", ""))


def _digest(key: bytes, parts: list[str]) -> str:
    return hmac.digest(key, canonical_json(parts), "sha256").hex()
