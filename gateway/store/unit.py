"""The base of a unit of work: its connection, and how nouns go into and out of rows."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TypeVar

from pydantic import ValidationError
from sqlalchemy import Column, Connection, Select, Table, tuple_
from sqlalchemy.engine import RowMapping

from gateway.errors import GatewayFault
from gateway.model.noun import Noun
from gateway.ports import Page

N = TypeVar("N", bound=Noun)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_REMEMBERED = 32
"""Nouns kept after they were read: the few that some stream or run asks for again and again."""


class Unit:
    """A connection inside a transaction; ``writable`` says whether it may change anything."""

    def __init__(self, connection: Connection, *, writable: bool) -> None:
        self._connection = connection
        self._writable = writable

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'write' if self._writable else 'read'}>"

    def _writing(self) -> Connection:
        if not self._writable:
            raise TypeError("a reading transaction cannot write: use Store.write()")
        return self._connection

    def _row(self, statement: Select[tuple[object, ...]]) -> RowMapping | None:
        return self._connection.execute(statement).mappings().one_or_none()

    def _insert(self, table: Table, row: dict[str, object]) -> None:
        self._writing().execute(table.insert(), row)

    def _newest(
        self,
        statement: Select[tuple[object, ...]],
        table: Table,
        filters: dict[str, str | None],
        page: Page,
    ) -> Iterable[str]:
        """Bodies, newest first; ``page.after`` is the name of the last item seen.

        Rows of such tables are never deleted, so a name always marks a place in the list; one
        that does not exist gives an empty page.
        """
        for column, wanted in filters.items():
            if wanted is not None:
                statement = statement.where(table.c[column] == wanted)
        place = (table.c.created, table.c.name)
        if page.after is not None:
            seen = table.select().with_only_columns(*place).where(table.c.name == page.after)
            statement = statement.where(tuple_(*place) < seen.scalar_subquery())
        ordered = statement.order_by(*(column.desc() for column in place)).limit(page.size)
        return self._bodies(ordered, table.c.body)

    def _bodies(self, statement: Select[tuple[object, ...]], body: Column[str]) -> Iterable[str]:
        return self._connection.execute(statement.with_only_columns(body)).scalars()


def read_noun(kind: type[N], body: str) -> N:
    """The noun in a body; GatewayFault when the body is not what this program writes.

    A body that was read a moment ago is the same frozen noun: while a release is read, its record
    and its grant are fetched before each chunk, and to parse them took longer than to decrypt it.
    """
    noun = _parsed(kind, body)
    if not isinstance(noun, kind):
        raise GatewayFault("a noun of another kind was remembered for a body")
    return noun


@lru_cache(maxsize=_REMEMBERED)
def _parsed(kind: type[Noun], body: str) -> Noun:
    try:
        return kind.model_validate_json(body)
    except ValidationError:
        # Without the cause: it would quote the body, and bodies may hold filter values.
        raise GatewayFault(
            f"a stored {kind.__name__} cannot be read: the store was changed by another program",
            reason="STORE_CORRUPT",
        ) from None


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """Inverse of ``microseconds``."""
    return _EPOCH + value * _MICROSECOND
