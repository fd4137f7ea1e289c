"""The store of records on SQLite or PostgreSQL, by one path through the code."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import StoreUnavailable
from gateway.ports import Transaction
from gateway.store import migrate
from gateway.store.answers import Answers
from gateway.store.budgets import Budgets
from gateway.store.classifications import Classifications
from gateway.store.datasets import DataSets
from gateway.store.engine import PATIENCE_SECONDS, WRITES, connect, translated
from gateway.store.grants import Grants
from gateway.store.key_domains import KeyDomains
from gateway.store.leases import Leases
from gateway.store.log import Log
from gateway.store.parties import Parties
from gateway.store.policies import Policies
from gateway.store.recodings import Recodings
from gateway.store.reidentifications import Reidentifications
from gateway.store.releases import Releases
from gateway.store.token_vault import TokenVault


class SqlTransaction(
    Parties,
    DataSets,
    Classifications,
    Policies,
    Grants,
    Releases,
    Leases,
    KeyDomains,
    Recodings,
    Reidentifications,
    TokenVault,
    Answers,
    Budgets,
    Log,
):
    """One unit of work; implements ports.Transaction."""


class SqlStore:
    """Implements ports.Store.

    ``url``: ``sqlite:///FILE`` or ``postgresql://USER@HOST/DATABASE``. The schema must be that
    of this program: ConfigurationError otherwise (see migrate.upgrade).

    Every writing transaction holds the head of the audit log from its first statement to its
    end, so writers of all processes take turns and what one reads stays true until it commits.
    Keep them short: others wait for at most a few seconds and then get StoreUnavailable. When the
    connection breaks during the commit itself, StoreUnavailable is raised although the work may
    have been done; that is what ``remember`` is for. Do not nest transactions in a thread.
    """

    def __init__(self, url: str) -> None:
        self._engine = connect(url)
        self._turn = threading.Lock()
        # A process that was killed may have left something, so the first transaction looks.
        self._keeps_a_log = self._engine.dialect.name == "sqlite"
        self._to_forget = self._keeps_a_log
        try:
            with translated(), self._engine.connect() as connection:
                migrate.check(connection)
        except BaseException:
            self._engine.dispose()
            raise

    def __repr__(self) -> str:
        return f"<SqlStore {self._engine.dialect.name}>"

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A consistent view; writes through it are a TypeError."""
        with translated(), _reading(self._engine) as connection:
            with connection.begin():
                yield SqlTransaction(connection, writable=False)
            if self._to_forget and self._turn.acquire(blocking=False):
                try:
                    self._forget(connection, 0)
                finally:
                    self._turn.release()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Commits on normal exit, rolls back on an exception."""
        # Threads of one process queue here: cheaper and fairer than at the database.
        if not self._turn.acquire(timeout=2 * PATIENCE_SECONDS):
            raise StoreUnavailable("the store is busy: retry later")
        try:
            with translated(), self._engine.connect() as connection:
                connection.execution_options(**{WRITES: True})
                with connection.begin():
                    transaction = SqlTransaction(connection, writable=True)
                    yield transaction
                self._to_forget |= transaction.keys_destroyed and self._keeps_a_log
                if self._to_forget:
                    self._forget(connection, 0)
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close all connections; the store can be used again afterwards. What is still to be
        forgotten is waited for, for some seconds: there may be no later transaction."""
        if self._to_forget:
            with self._turn, suppress(SQLAlchemyError), self._engine.connect() as connection:
                self._forget(connection, PATIENCE_SECONDS)
        self._engine.dispose()

    def _forget(self, connection: Connection, seconds: int) -> None:
        """Remove destroyed keys from SQLite's log of changes, whose older pages still hold them.

        ``seconds``: how long readers are waited for; others wait meanwhile. The work is committed
        and must not look as if it were not, so what fails is only tried again.
        """
        cursor = connection.connection.cursor()
        try:
            cursor.execute(f"PRAGMA busy_timeout={1000 * seconds}")
            busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._to_forget = bool(busy)
        except sqlite3.Error:
            self._to_forget = True
        finally:
            cursor.execute(f"PRAGMA busy_timeout={1000 * PATIENCE_SECONDS}")
            cursor.close()


def _reading(engine: Engine) -> Connection:
    connection = engine.connect()
    if engine.dialect.name == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return connection
