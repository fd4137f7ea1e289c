"""PostgreSQL connections that do not wait for a server that is silent.

The server's own time-outs bound what it does. They are of no use when the server, its machine or
the way there hangs: then nothing is refused, and nothing is answered either.
"""

import time
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

CONNECT_SECONDS: Final = 3
PING_SECONDS: Final = 2.0
SILENCE_SECONDS: Final = 1.0
"""For how long nobody tries again after somebody waited in vain: otherwise calls would queue up
behind each other, each to wait as long."""

T = TypeVar("T")


class Silence:
    """What the connections to one server know of it."""

    def __init__(self) -> None:
        self._until = 0.0

    def notice(self) -> None:
        self._until = time.monotonic() + SILENCE_SECONDS

    @property
    def lasts(self) -> bool:
        return time.monotonic() < self._until


class BriefConnection(psycopg.Connection[Any]):
    """Waits for an answer for ``patience`` seconds, and then closes itself with an
    OperationalError; what was under way has been done or not."""

    patience: float = PING_SECONDS
    silence: Silence

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        patience = self.patience if timeout is None else timeout
        began = time.monotonic()
        try:
            return super().wait(gen, interval, patience)
        except psycopg.OperationalError:
            if time.monotonic() - began >= patience:
                self.silence.notice()
                self.pgconn.finish()  # nobody would know what a later answer is an answer to
            raise

    def ping(self) -> None:
        """OperationalError unless the server answers at once."""
        usual, self.patience = self.patience, PING_SECONDS
        try:
            self.set_autocommit(True)
            self.execute("SELECT 1")
            self.set_autocommit(False)
        finally:
            self.patience = usual


def be_brief(engine: Engine, seconds: float) -> None:
    """Let connections wait for a statement for so long, and for a sign of life, which each is
    asked for before it is used, for ``PING_SECONDS``."""
    silence = Silence()

    @event.listens_for(engine, "do_connect")
    def _connect(
        _dialect: object, _entry: object, arguments: list[Any], named: dict[str, Any]
    ) -> BriefConnection:
        if silence.lasts:
            raise psycopg.OperationalError("the server was silent a moment ago")
        try:
            connection = BriefConnection.connect(*arguments, **named)
        except psycopg.errors.ConnectionTimeout:
            silence.notice()
            raise
        connection.patience, connection.silence = seconds, silence
        return connection

    @event.listens_for(engine, "checkout")
    def _ask(connection: BriefConnection, _entry: object, _proxy: object) -> None:
        try:
            if silence.lasts:
                raise psycopg.OperationalError("the server was silent a moment ago")
            connection.ping()
        except psycopg.Error as error:
            # The others are hardly better: all are given up, and a new one is tried.
            raise InvalidatePoolError from error
