"""The schema: made by migrations only, equal to the metadata, and refused when it is another."""

import subprocess
import sys
import threading
from pathlib import Path
from shutil import copytree

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

import gateway
from gateway.errors import ConfigurationError
from gateway.store import migrate, tables
from gateway.store.engine import WRITES, connect
from gateway.store.sql import SqlStore

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
