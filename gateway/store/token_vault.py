"""Rows of the vault of random tokens."""

from collections.abc import Sequence

from sqlalchemy import select

from gateway.ports import VaultEntry
from gateway.store import tables
from gateway.store.ledger import Ledger

_MOST = 10_000
"""Values of one IN; databases bound how many there may be."""


class TokenVault(Ledger):
    """Rows of ``random_token``, by the secret that they belong to."""

    def tokens_of(self, secret: str, lookups: Sequence[str]) -> dict[str, str]:
        """The tokens of those values that have one."""
        table, found = tables.random_token, dict[str, str]()
        for start in range(0, len(lookups), _MOST):
            statement = select(table.c.lookup, table.c.token).where(
                table.c.secret == secret, table.c.lookup.in_(lookups[start : start + _MOST])
            )
            found |= {row.lookup: row.token for row in self._connection.execute(statement)}
        return found

    def sealed_of_tokens(self, secret: str, tokens: Sequence[str]) -> dict[str, bytes]:
        """The sealed values of those tokens that there are."""
        table, found = tables.random_token, dict[str, bytes]()
        for start in range(0, len(tokens), _MOST):
            statement = select(table.c.token, table.c.sealed).where(
                table.c.secret == secret, table.c.token.in_(tokens[start : start + _MOST])
            )
            found |= {row.token: bytes(row.sealed) for row in self._connection.execute(statement)}
        return found

    def add_tokens(self, secret: str, entries: Sequence[VaultEntry]) -> None:
        """Keep new tokens. A value that has one, or a token that is there, is an error: who adds
        has looked in this transaction."""
        if entries:
            rows = [
                {"secret": secret, "lookup": e.lookup, "token": e.token, "sealed": e.sealed}
                for e in entries
            ]
            self._writing().execute(tables.random_token.insert(), rows)

    def destroy_tokens(self, secret: str) -> None:
        """Delete all tokens of a secret."""
        table = tables.random_token
        gone = self._writing().execute(table.delete().where(table.c.secret == secret)).rowcount
        self.keys_destroyed |= gone > 0
