"""Requests for re-identification in the store: revisions, counts, who sees them, what is refused."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway.errors import AlreadyExists, Conflict
from gateway.model.catalog import Column, CsvSource, DataSet
from gateway.model.lifecycle import ReidentificationState
from gateway.model.reidentification import Case, Reidentification
from gateway.ports import Page, ReversalUsage
from gateway.store.engine import WRITES, connect
from gateway.store.sql import SqlStore

NOW = datetime(2025, 3, 1, tzinfo=UTC)
ALL = Page(size=100)
CASE = Case(
    release="releases/one",
    column="phone",
    basis="consent",
    reason="asked for",
    case_number="7",
    recipient_key="09" + "00" * 31,
)


def asked(name: str, requester: str = "ann", tokens: int = 5, day: int = 0) -> Reidentification:
    at = NOW + timedelta(days=day)
    return Reidentification(
        name=f"reidentifications/{name}",
        requester=f"parties/{requester}",
        dataset="datasets/one",
        case=CASE,
        key_domain="x",
        tokens=tokens,
        tokens_digest="ab" * 32,
        created=at,
        expires=at + timedelta(days=7),
    )


@pytest.fixture
def filled(store: SqlStore) -> SqlStore:
    with store.write() as tx:
        tx.put_dataset(
            DataSet(
                name="datasets/one",
                holder="parties/bureau",
                title="t",
                source=CsvSource(path="x.csv"),
                columns=(Column(name="phone", type="string"),),
                created=NOW,
                updated=NOW,
            ),
            expected_revision=None,
        )
        for number, who in enumerate(("ann", "ann", "bea")):
            tx.put_reidentification(asked(f"i-{number}", who, 5, number), expected_revision=None)
        tx.add_reversal_digests("reidentifications/i-0", "token", {"d1", "d2"})
        tx.add_reversal_digests("reidentifications/i-2", "person", {"d2"})
    return store


def names(found: list[Reidentification]) -> list[str]:
    return [item.name.removeprefix("reidentifications/") for item in found]


def test_lists_are_of_whom_it_concerns_newest_first(filled: SqlStore) -> None:
    with filled.read() as tx:
        assert names(tx.reidentifications(ALL)) == ["i-2", "i-1", "i-0"]
        assert names(tx.reidentifications(ALL, involved="parties/ann")) == ["i-1", "i-0"]
        assert names(tx.reidentifications(ALL, involved="parties/bureau")) == ["i-2", "i-1", "i-0"]
        assert names(tx.reidentifications(ALL, involved="parties/cyd")) == []
        assert names(tx.reidentifications(ALL, digest="d2")) == ["i-2", "i-0"]
        assert names(tx.reidentifications(ALL, digest="d1")) == ["i-0"]
        page = Page(size=2, after="reidentifications/i-2")
        assert names(tx.reidentifications(page)) == ["i-1", "i-0"]
        refused = tx.reidentifications(ALL, state=ReidentificationState.REFUSED)
        assert refused == []


def test_a_replacement_is_of_what_was_read(filled: SqlStore) -> None:
    first = asked("i-0")
    refused = first.but(state=ReidentificationState.REFUSED, revision=2)
    with filled.write() as tx:
        tx.put_reidentification(refused, expected_revision=1)
    with pytest.raises(Conflict), filled.write() as tx:
        tx.put_reidentification(refused, expected_revision=1)
    with pytest.raises(AlreadyExists), filled.write() as tx:
        tx.put_reidentification(first, expected_revision=None)
    with filled.read() as tx:
        assert tx.reidentification(first.name) == refused
        assert tx.reidentification("reidentifications/none") is None


def test_refused_tokens_are_free_and_refused_requests_are_counted(filled: SqlStore) -> None:
    with filled.write() as tx:
        assert tx.reversal_usage("parties/ann", NOW) == ReversalUsage(2, 10)
        assert tx.reversal_usage("parties/ann", NOW + timedelta(days=1)) == ReversalUsage(1, 5)
        assert tx.reversal_usage("parties/cyd", NOW) == ReversalUsage(0, 0)
        for number, state in enumerate(("refused", "expired")):
            ended = asked(f"i-{number}", day=number).but(state=state, revision=2)
            tx.put_reidentification(ended, expected_revision=1)
        assert tx.reversal_usage("parties/ann", NOW) == ReversalUsage(2, 0)


FORBIDDEN = {
    "remove a request": "DELETE FROM reidentification WHERE name LIKE '%i-1'",
    "give it to another": "UPDATE reidentification SET requester = 'parties/x', revision = 9",
    "date it back": "UPDATE reidentification SET created = 0, revision = 9",
    "count fewer tokens": "UPDATE reidentification SET tokens = 1, revision = 9",
    "rewrite it in place": "UPDATE reidentification SET body = 'x'",
    "bring it back from its end": (
        "UPDATE reidentification SET state = 'approved', revision = 9 WHERE name LIKE '%i-2'"
    ),
    "remove a digest": "DELETE FROM reversal_digest",
    "change a digest": "UPDATE reversal_digest SET digest = 'x'",
}
POSTGRES_ONLY = {
    "truncate requests": "TRUNCATE reidentification CASCADE",
    "truncate digests": "TRUNCATE reversal_digest",
}


def refused(url: str, statement: str) -> bool:
    engine = connect(url)
    try:
        with engine.connect() as connection:
            connection.execution_options(**{WRITES: True})
            with connection.begin():
                connection.execute(text(statement))
    except DBAPIError:
        return True
    finally:
        engine.dispose()
    return False


def test_the_database_refuses_to_forget(filled: SqlStore, store_url: str) -> None:
    with filled.write() as tx:
        ended = asked("i-2", "bea", day=2).but(state="refused", revision=2)
        tx.put_reidentification(ended, expected_revision=1)
    forbidden = FORBIDDEN | ({} if store_url.startswith("sqlite") else POSTGRES_ONLY)
    assert [what for what, sql in forbidden.items() if not refused(store_url, sql)] == []
    with filled.read() as tx:
        assert len(tx.reidentifications(ALL)) == 3


def test_replace_is_refused_to_other_programs_too(sqlite_url: str) -> None:
    store = SqlStore(sqlite_url)
    with store.write() as tx:
        tx.put_reidentification(asked("i-0"), expected_revision=None)
    store.close()
    with (
        closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection,
        pytest.raises(sqlite3.IntegrityError),
    ):
        connection.execute(
            "REPLACE INTO reidentification SELECT name, requester, dataset, state, 0, revision, "
            "created, body FROM reidentification"
        )
