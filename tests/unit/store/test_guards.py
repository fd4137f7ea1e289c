"""What the database itself refuses, whoever asks, and what is left of a destroyed key."""

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway.model.audit import AuditEvent
from gateway.ports import VaultEntry
from gateway.store.engine import PATIENCE_SECONDS, WRITES, connect
from gateway.store.sql import SqlStore

NOW = datetime(2025, 3, 1, tzinfo=UTC)
EVENT = AuditEvent(actor="gateway", action="test.run", resource="none", outcome="ok")

FORBIDDEN = {
    "edit an entry": "UPDATE audit SET body = 'x' WHERE sequence = 1",
    "edit without an effect": "UPDATE audit SET body = body",
    "renumber an entry": "UPDATE audit SET sequence = 9 WHERE sequence = 2",
    "remove an entry": "DELETE FROM audit WHERE sequence = 2",
    "remove all entries": "DELETE FROM audit",
    "leave a gap": "INSERT INTO audit (sequence, body) VALUES (4, 'x')",
    "insert before": "INSERT INTO audit (sequence, body) VALUES (0, 'x')",
    "turn the head back": "UPDATE audit_head SET sequence = 1",
    "rewrite the head in place": "UPDATE audit_head SET hash = 'x'",
    "remove the head": "DELETE FROM audit_head",
    "a second head": "INSERT INTO audit_head (id, sequence, hash, at) VALUES (2, 0, '', 0)",
    "raise a charge": "UPDATE charge SET rows = rows + 1",
    "charge somebody else": "UPDATE charge SET consumer = 'parties/bea'",
    "charge another data set": "UPDATE charge SET dataset = 'datasets/two'",
    "date a charge back": "UPDATE charge SET at = 0",
    "move a charge": "UPDATE charge SET release = 'releases/two'",
    "remove a charge": "DELETE FROM charge",
    "charge twice": (
        "INSERT INTO charge (release, consumer, dataset, rows, at) "
        "VALUES ('releases/one', 'parties/ann', 'datasets/one', 1, 0)"
    ),
}
SQLITE_ONLY = {
    "replace an entry": "INSERT OR REPLACE INTO audit (sequence, body) VALUES (1, 'x')",
    "replace a charge": (
        "REPLACE INTO charge (release, consumer, dataset, rows, at) "
        "VALUES ('releases/one', 'parties/ann', 'datasets/one', 0, 0)"
    ),
}
POSTGRES_ONLY = {
    "truncate the log": "TRUNCATE audit",
    "truncate the head": "TRUNCATE audit_head",
    "truncate the ledger": "TRUNCATE charge",
    "upsert an entry": (
        "INSERT INTO audit (sequence, body) VALUES (2, 'x') "
        "ON CONFLICT (sequence) DO UPDATE SET body = 'x'"
    ),
}


@pytest.fixture
def written(store: SqlStore) -> SqlStore:
    with store.write() as tx:
        tx.charge("releases/one", "parties/ann", "datasets/one", 10, NOW)
        tx.audit(EVENT, NOW)
        tx.audit(EVENT, NOW)
    return store


def attempt(url: str, statement: str) -> None:
    engine = connect(url)
    try:
        with engine.connect() as connection:
            connection.execution_options(**{WRITES: True})
            with connection.begin():
                connection.execute(text(statement))
    finally:
        engine.dispose()


def refused(url: str, statement: str) -> bool:
    try:
        attempt(url, statement)
    except DBAPIError:
        return True
    return False


def test_the_database_refuses(written: SqlStore, store_url: str) -> None:
    of_its_own = SQLITE_ONLY if store_url.startswith("sqlite") else POSTGRES_ONLY
    forbidden = FORBIDDEN | of_its_own
    assert [what for what, sql in forbidden.items() if not refused(store_url, sql)] == []
    with written.read() as tx:
        assert len(tx.audit_entries(0, 10)) == 2
        assert tx.usage("parties/ann", "datasets/one", NOW).rows == 10


def test_a_charge_may_be_lowered(written: SqlStore, store_url: str) -> None:
    attempt(store_url, "UPDATE charge SET rows = 9")


def test_replace_is_refused_to_other_programs_too(sqlite_url: str) -> None:
    """A connection without our settings, where REPLACE does not run delete triggers."""
    store = SqlStore(sqlite_url)
    with store.write() as tx:
        tx.audit(EVENT, NOW)
        tx.charge("releases/one", "parties/ann", "datasets/one", 10, NOW)
    store.close()
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        for statement in SQLITE_ONLY.values():
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(statement)


def test_a_destroyed_key_is_nowhere_in_the_files(sqlite_url: str, tmp_path: Path) -> None:
    canary = b"canary-of-a-wrapped-key" * 3
    store = SqlStore(sqlite_url)
    with store.write() as tx:
        tx.put_key("releases/one", canary)
    assert any(canary in file.read_bytes() for file in tmp_path.glob("store.db*"))
    with store.write() as tx:
        tx.destroy_key("releases/one")
    assert not any(canary in file.read_bytes() for file in tmp_path.glob("store.db*"))
    store.close()


def test_a_replaced_key_is_nowhere_in_the_files(sqlite_url: str, tmp_path: Path) -> None:
    canary = b"canary-of-a-wrapped-key" * 3
    store = SqlStore(sqlite_url)
    with store.write() as tx:
        tx.put_key("releases/one", canary)
    with store.write() as tx:
        tx.put_key("releases/one", b"another")
    assert not any(canary in file.read_bytes() for file in tmp_path.glob("store.db*"))
    store.close()


DESTROYING = {
    "a key": lambda tx: tx.destroy_key("releases/one"),
    "a key that is replaced": lambda tx: tx.put_key("releases/one", b"another"),
    "a key that is wrapped anew": lambda tx: tx.rewrap_key("releases/one", CANARY, b"another"),
    "random tokens": lambda tx: tx.destroy_tokens("keydomains/one/1"),
}
CANARY = b"canary-of-a-wrapped-key" * 3


@pytest.mark.parametrize("later", ["a reading", "a writing", "the closing"])
@pytest.mark.parametrize("what", DESTROYING)
def test_what_was_destroyed_while_somebody_read_is_forgotten_soon_after(
    sqlite_url: str, tmp_path: Path, what: str, later: str
) -> None:
    def held() -> bool:
        return any(CANARY in file.read_bytes() for file in tmp_path.glob("store.db*"))

    store = SqlStore(sqlite_url)
    with store.write() as tx:
        tx.put_key("releases/one", CANARY)
        tx.add_tokens("keydomains/one/1", [VaultEntry("lookup", "token", CANARY)])
    with store.write() as tx:  # only the one remains
        DESTROYING["a key" if what == "random tokens" else "random tokens"](tx)
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM data_key").fetchall()
        begun = time.monotonic()
        with store.write() as tx:
            DESTROYING[what](tx)
        # Nobody is kept waiting for the reader.
        assert time.monotonic() - begun < PATIENCE_SECONDS / 2
        assert held()
        with store.read():
            pass
        assert held()
    if later == "a reading":
        with store.read() as reading:
            assert reading.key("none") is None
    elif later == "a writing":
        with store.write():
            pass
    else:
        store.close()
    assert not held()
    store.close()
