"""The vault of random tokens, over the store: a value that was seen before gets its token again."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from gateway.errors import KeyDestroyed
from gateway.model.key_domains import name_of, owner_of
from gateway.ports import Entropy, Store, VaultEntry
from gateway.transform.alphabets import BASE32, Alphabet
from gateway.transform.numerals import spell

TOKEN_BYTES: Final = 16
TOKEN_LENGTH: Final = 26
"""Characters of base32 that show 128 bits."""
_TURN: Final = 10_000
"""Values of one transaction, so that other writers get their turn."""


class StoredTokenVault:
    """Implements ports.TokenVault. Thread-safe, and across processes: what is missing is looked for
    once more and added in one writing transaction, and writers take turns."""

    def __init__(self, store: Store, entropy: Entropy) -> None:
        self._store = store
        self._entropy = entropy

    def of(self, domain: str, version: int) -> "StoredDomainVault":
        """See ports.TokenVault."""
        secret = f"{name_of(owner_of(domain))}/{version}"
        return StoredDomainVault(self._store, self._entropy, secret)


class StoredDomainVault:
    """Implements ports.DomainVault for the domains of one version of an owner's secret."""

    def __init__(self, store: Store, entropy: Entropy, secret: str) -> None:
        self._store = store
        self._entropy = entropy
        self._secret = secret

    def tokens(self, lookups: Sequence[str], sealed: Sequence[bytes]) -> Sequence[str]:
        """See ports.DomainVault."""
        known: dict[str, str] = {}
        for start in range(0, len(lookups), _TURN):
            part = slice(start, start + _TURN)
            known |= self._part(lookups[part], dict(zip(lookups[part], sealed[part], strict=True)))
        return [known[lookup] for lookup in lookups]

    def sealed(self, tokens: Sequence[str | None]) -> Sequence[bytes | None]:
        """See ports.DomainVault."""
        asked = [token for token in tokens if token is not None]
        with self._store.read() as tx:
            found = tx.sealed_of_tokens(self._secret, asked)
        return [None if token is None else found.get(token) for token in tokens]

    def _part(self, lookups: Sequence[str], sealed: Mapping[str, bytes]) -> dict[str, str]:
        with self._store.read() as tx:
            known = tx.tokens_of(self._secret, lookups)
        missing = [lookup for lookup in lookups if lookup not in known]
        if not missing:
            return known
        drawn = self._drawn(len(missing))
        with self._store.write() as tx:
            if tx.key(self._secret) is None:
                raise KeyDestroyed("the keys of these tokens were destroyed")
            known |= tx.tokens_of(self._secret, missing)  # somebody else's meanwhile
            added = [
                VaultEntry(lookup, token, sealed[lookup])
                for lookup, token in zip(missing, drawn, strict=True)
                if lookup not in known
            ]
            tx.add_tokens(self._secret, added)
        return known | {entry.lookup: entry.token for entry in added}

    def _drawn(self, count: int) -> list[str]:
        numbers = np.frombuffer(self._entropy.bytes(TOKEN_BYTES * count), np.uint64).reshape(-1, 2)
        text = Alphabet(BASE32).write(spell(numbers.copy(), len(BASE32), TOKEN_LENGTH))
        return [row.tobytes().decode("ascii") for row in text]
