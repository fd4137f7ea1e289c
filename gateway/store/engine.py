"""Connections to SQLite and PostgreSQL, and how their faults become ours."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    IntegrityError,
    InternalError,
    InvalidRequestError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gateway.errors import ConfigurationError, GatewayFault, StoreUnavailable
from gateway.store.postgres import CONNECT_SECONDS, be_brief

PATIENCE_SECONDS = 5
"""How long a statement, a lock or a free connection is waited for."""

WRITES = "gateway_writes"
"""Execution option of a connection whose transaction will write."""

# A gateway that froze while it held the head of the audit log is thrown out, not waited for.
_POSTGRES_OPTIONS = (
    f"-c statement_timeout={PATIENCE_SECONDS}s -c lock_timeout={PATIENCE_SECONDS}s "
    f"-c idle_in_transaction_session_timeout={2 * PATIENCE_SECONDS}s -c timezone=UTC"
)


def connect(url: str, *, patient: bool = False) -> Engine:
    """An engine for a SQLite file or a PostgreSQL database. ConfigurationError for others.

    ``patient``: a statement may take as long as the server lets it.
    """
    parsed = _parsed(url)
    if parsed.drivername == "sqlite":
        return _sqlite(parsed)
    engine = create_engine(
        parsed,
        hide_parameters=True,
        pool_size=8,
        max_overflow=8,
        pool_timeout=PATIENCE_SECONDS,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": 1000 * PATIENCE_SECONDS,
            "keepalives_idle": 2 * PATIENCE_SECONDS,
            "options": _POSTGRES_OPTIONS,
            "application_name": "gateway",
        },
    )
    if not patient:
        # The server gives up first, if it is there at all: it knows what it was doing.
        be_brief(engine, PATIENCE_SECONDS + 1)
    return engine


@contextmanager
def translated() -> Iterator[None]:
    """Turns SQLAlchemy's errors into ours; the database's words go no further than the cause."""
    try:
        yield
    except PoolTimeout as error:
        raise StoreUnavailable("the store is busy: retry later") from error
    except (
        IntegrityError,
        DataError,
        InternalError,
        ProgrammingError,
        InvalidRequestError,
    ) as error:
        raise GatewayFault("the store refused a statement", reason="STORE_REFUSED") from error
    except SQLAlchemyError as error:
        raise StoreUnavailable("the store does not answer: retry later") from error


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        # Without the cause: it would quote the URL, which may hold a password.
        raise ConfigurationError("the store's URL cannot be read") from None
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    raise ConfigurationError("the store's URL is sqlite:///FILE or postgresql://USER@HOST/DATABASE")


def _sqlite(url: URL) -> Engine:
    path = Path(str(url.database))
    # Made here so that nobody else may read it; SQLite gives its side files the same mode.
    with suppress(FileExistsError, OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=8,
        max_overflow=8,
        pool_timeout=PATIENCE_SECONDS,
        connect_args={"timeout": PATIENCE_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we begin transactions ourselves
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # a committed charge survives a power cut
            "secure_delete=ON",  # a destroyed key is overwritten
            "foreign_keys=ON",
            "recursive_triggers=ON",  # REPLACE must not slip past the delete triggers
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
