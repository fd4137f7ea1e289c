"""The store of records on SQLite or PostgreSQL, by one path through the code."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine

from gateway.errors import StoreUnavailable
from gateway.ports import Transaction
from gateway.store import migrate
from gateway.store.classifications import Classifications
from gateway.store.datasets import DataSets
from gateway.store.engine import PATIENCE_SECONDS, WRITES, connect, translated
from gateway.store.grants import Grants
from gateway.store.key_domains import KeyDomains
from gateway.store.leases import Leases
from gateway.store.log import Log
from gateway.store.parties import Parties
from gateway.store.policies import Policies
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
    Reidentifications,
    TokenVault,
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
        with translated(), _reading(self._engine) as connection, connection.begin():
            yield SqlTransaction(connection, writable=False)

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
                if transaction.keys_destroyed:
                    _forget(connection)
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close all connections; the store can be used again afterwards."""
        self._engine.dispose()


def _reading(engine: Engine) -> Connection:
    connection = engine.connect()
    if engine.dialect.name == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return connection


def _forget(connection: Connection) -> None:
    """Remove deleted keys from SQLite's log of changes, where older pages still hold them.

    On PostgreSQL they stay in dead rows and in the write-ahead log until those are recycled, and
    in backups on both: that is why data keys are stored wrapped, and staged files are deleted too.
    """
    if connection.dialect.name != "sqlite":
        return
    cursor = connection.connection.cursor()
    # The work is committed and must not look as if it were not: what fails now, or while others
    # read, is made good by the next checkpoint.
    with suppress(sqlite3.Error):
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    cursor.close()
