"""Brings a database's schema up to date, and refuses to work on any other."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from gateway.errors import ConfigurationError
from gateway.store.engine import WRITES, connect, translated

_SCRIPTS = Path(__file__).parent / "migrations"
UPGRADE_LOCK = 7_203_411
"""PostgreSQL advisory lock of upgrades: any number, as long as all gateways use the same."""


def upgrade(url: str) -> None:
    """Create or upgrade the schema; nothing happens when it is up to date.

    All of it in one transaction, in turn with other processes that do the same.
    """
    engine = connect(url, patient=True)
    try:
        with translated(), engine.connect() as connection:
            connection.execution_options(**{WRITES: True})
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    # A large table may take its time, and so may another process's upgrade.
                    connection.execute(text("SET LOCAL statement_timeout = 0"))
                    connection.execute(text("SET LOCAL lock_timeout = 0"))
                    lock = text("SELECT pg_advisory_xact_lock(:number)")
                    connection.execute(lock, {"number": UPGRADE_LOCK})
                found = _revision(connection)
                if found is not None:
                    _refuse_unknown(found)
                config = _config()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
    finally:
        engine.dispose()


def check(connection: Connection) -> None:
    """ConfigurationError, with what to do, unless the schema is the one this program knows."""
    found, head = _revision(connection), _scripts().get_current_head()
    if found == head:
        return
    if found is None:
        raise ConfigurationError("the store is empty: run `gateway init` first")
    _refuse_unknown(found)
    raise ConfigurationError(
        "the store's schema is older than this program: make a backup, then run "
        "`gateway init --upgrade FOLDER`"
    )


def _refuse_unknown(found: str) -> None:
    if found not in {script.revision for script in _scripts().walk_revisions()}:
        raise ConfigurationError(
            "the store's schema is newer than this program: install the gateway that wrote it, "
            "or a later one"
        )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
