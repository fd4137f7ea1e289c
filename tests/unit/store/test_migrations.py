"""The schema: made by migrations only, equal to the metadata, and refused when it is another."""

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, Table, text

import gateway
from gateway.errors import ConfigurationError
from gateway.model.classification import Cause
from gateway.model.grades import Grade
from gateway.model.lifecycle import ReleaseState
from gateway.model.names import ColumnRole, Role
from gateway.ports import Page
from gateway.registry.verdicts import judged
from gateway.store import migrate, tables
from gateway.store.engine import WRITES, connect
from gateway.store.sql import SqlStore
from gateway.verify import verify_certificate

ROOT = Path(gateway.__file__).parents[1]


def execute(url: str, statement: str) -> None:
    engine = connect(url)
    with engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            connection.execute(text(statement))
    engine.dispose()


def test_migrations_make_exactly_the_metadata(store_url: str) -> None:
    engine = connect(store_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()


def test_upgrading_twice_changes_nothing(store_url: str) -> None:
    migrate.upgrade(store_url)
    SqlStore(store_url).close()


def test_an_empty_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="gateway init"):
        SqlStore(f"sqlite:///{tmp_path / 'empty.db'}")


@pytest.mark.postgres
def test_an_empty_database_is_refused(empty_postgres_url: str) -> None:
    with pytest.raises(ConfigurationError, match="gateway init"):
        SqlStore(empty_postgres_url)


def test_a_newer_schema_is_refused(store_url: str) -> None:
    execute(store_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="newer than this program"):
        SqlStore(store_url)
    with pytest.raises(ConfigurationError, match="newer than this program"):
        migrate.upgrade(store_url)


def test_an_older_schema_is_refused_until_upgraded(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = migrate._scripts().get_current_head()
    scripts = Path(copytree(migrate._SCRIPTS, tmp_path / "migrations"))
    (scripts / "versions" / "9000_later.py").write_text(
        f'revision = "9000"\ndown_revision = "{head}"\n\ndef upgrade():\n    pass\n'
    )
    monkeypatch.setattr(migrate, "_SCRIPTS", scripts)
    with pytest.raises(
        ConfigurationError, match=r"older than this program.*gateway init --upgrade FOLDER"
    ):
        SqlStore(store_url)
    migrate.upgrade(store_url)
    SqlStore(store_url).close()


@pytest.mark.parametrize("database", ["sqlite", pytest.param("pg", marks=pytest.mark.postgres)])
def test_two_processes_may_upgrade_at_once(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if database == "sqlite":
        url = f"sqlite:///{tmp_path / 'new.db'}"
    else:
        url = request.getfixturevalue("empty_postgres_url")
    program = "import sys; from gateway.store.migrate import upgrade; upgrade(sys.argv[1])"
    racers = [
        subprocess.Popen([sys.executable, "-c", program, url], cwd=ROOT, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    outcomes = [(racer.communicate()[1], racer.returncode) for racer in racers]
    assert [code for _, code in outcomes] == [0, 0, 0], outcomes
    SqlStore(url).close()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://host/db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite+aiosqlite:///x.db",
        "no url, secret",
        "postgresql+psycopg2://u:secret@h/d",
    ],
)
def test_other_urls_are_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SqlStore(url)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_file_is_private(tmp_path: Path) -> None:
    migrate.upgrade(f"sqlite:///{tmp_path / 'new.db'}")
    store = SqlStore(f"sqlite:///{tmp_path / 'new.db'}")
    with store.write():
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("new.db*")}
    store.close()
    assert set(modes) >= {"new.db", "new.db-wal"}
    assert set(modes.values()) == {0o600}


@pytest.mark.postgres
def test_an_upgrade_waits_for_another(empty_postgres_url: str) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    engine = connect(empty_postgres_url)
    upgrading = threading.Thread(target=migrate.upgrade, args=(empty_postgres_url,))
    with engine.connect() as other:
        other.execute(text(f"SELECT pg_advisory_xact_lock({migrate.UPGRADE_LOCK})"))
        upgrading.start()
        while upgrading.is_alive() and not other.execute(waiting).scalar_one():
            pass
        waited = upgrading.is_alive()
    upgrading.join()
    engine.dispose()
    assert waited
    SqlStore(empty_postgres_url).close()


# ---- bodies of a former schema --------------------------------------------------------------------

FORMER = json.loads((Path(__file__).parent / "store-0001.json").read_text("utf-8"))
"""A store of made-up people as the programs of schema 0001 left it, without keys and log."""
NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("pg", marks=pytest.mark.postgres)])
def former_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of schema 0001 with those records."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'former.db'}"
    else:
        url = request.getfixturevalue("empty_postgres_url")
    engine = connect(url, patient=True)
    with engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            config = migrate._config()
            config.attributes["connection"] = connection
            command.upgrade(config, FORMER["schema"])
            for name, rows in FORMER["tables"].items():
                table = Table(name, MetaData(), autoload_with=connection)
                texts = [{k: json.dumps(r[k]) for k in ("body",) if k in r} for r in rows]
                for row, as_text in zip(rows, texts, strict=True):
                    connection.execute(table.insert().values(row | as_text))
    engine.dispose()
    return url


def test_every_record_of_a_former_schema_is_read_after_the_upgrade(former_url: str) -> None:
    migrate.upgrade(former_url)
    store = SqlStore(former_url)
    page = Page(size=50)
    with store.read() as tx:
        datasets = {d.name: d for d in tx.datasets(page)}
        releases = list(tx.releases(page))
        grants = list(tx.grants(page))
        assert tx.party("parties/officer") is not None
        assert tx.policies(page)
        assert set(tx.unclassified(NOW)) == set(datasets)
        assert set(tx.judged_otherwise("new rules")) == set(datasets)
        assert {c.cause for c in tx.classifications(list(datasets)).values()} == {Cause.RULES}
    store.close()
    assert set(datasets) == {"datasets/residents", "datasets/visits"}
    assert {release.state for release in releases} == {ReleaseState.SEALED, ReleaseState.DENIED}
    assert len(grants) == 1
    people = datasets["datasets/residents"]
    phone, district = people.find("phone"), people.find("district")
    assert phone.verdict == ("CN_MOBILE", "general-3", "direct_identifier")
    assert (phone.evidence[0].kind, phone.evidence[0].weight) == ("value", 92)
    assert phone.rules == people.judged.rules == "2025-11-01, sha256 75f44f9b6b71"
    assert (district.declared_by, district.grade) == (Role.HOLDER, "general-3")
    assert district.declaration.party == people.holder
    ethnicity = people.find("ethnicity")
    assert (ethnicity.declared_by, ethnicity.declaration.party) == (Role.OFFICER, "parties/officer")
    assert ethnicity.declaration.reason == "made up"
    assert people.current
    # What is pushed now is not released under the verdicts of what was there.
    pushed = people.version.but(fingerprint="f" * 64)
    assert not people.but(version=pushed).current


def test_what_an_upgraded_store_knew_becomes_no_milder_by_itself(former_url: str) -> None:
    migrate.upgrade(former_url)
    store = SqlStore(former_url)
    with store.read() as tx:
        people = tx.dataset("datasets/residents")
    store.close()
    plain = {"entity": "NONE", "grade": Grade.GENERAL_1, "role": ColumnRole.OTHER}
    found = [
        c.but(**plain, rules="new rules", declaration=None, found=None) for c in people.columns
    ]
    after = judged(people, people.version, found)
    assert [c.verdict for c in after.columns] == [c.verdict for c in people.columns]
    assert after.find("phone").questioned


def test_a_certificate_of_a_former_schema_is_still_verified() -> None:
    bodies = [row["body"] for row in FORMER["tables"]["release"]]
    (envelope,) = [body["certificate"] for body in bodies if body["certificate"]]
    verified = verify_certificate(envelope, FORMER["signing_key"].encode())
    assert verified.statement.predicate_type.endswith(":1")
    assert (verified.predicate.grade, verified.predicate.rows) == (None, 500)


@pytest.mark.parametrize(
    ("column", "verdict"),
    [
        ({"declared_by": "officer", "evidence": ["no name"]}, (None, None, None)),
        ({"declared_by": "holder", "evidence": []}, ("SEX", "general-2", "quasi_identifier")),
        ({"declared_by": None, "evidence": ["??"]}, ("SEX", "general-2", "quasi_identifier")),
    ],
)
def test_what_an_old_verdict_does_not_tell_is_not_made_up(
    former_url: str, column: dict[str, object], verdict: tuple[str | None, ...]
) -> None:
    row = FORMER["tables"]["dataset"][1]
    former = row["body"]["columns"][0] | column
    body = json.dumps(row["body"] | {"columns": [former]}, ensure_ascii=False)
    engine = connect(former_url)
    with engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            connection.execute(
                text("UPDATE dataset SET body = :body WHERE name = :name"),
                {"body": body, "name": row["name"]},
            )
    engine.dispose()
    migrate.upgrade(former_url)
    store = SqlStore(former_url)
    with store.read() as tx:
        dataset = tx.dataset(row["name"])
    store.close()
    assert dataset.columns[0].verdict == verdict
    assert dataset.judged is None  # nothing says under which rules
    assert not dataset.current
