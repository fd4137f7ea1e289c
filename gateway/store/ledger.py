"""Charges that only ever go down, and the wrapped data keys whose deletion is a recall."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from gateway.errors import AlreadyExists, GatewayFault
from gateway.ports import Usage
from gateway.store import tables
from gateway.store.unit import Unit, microseconds


class Ledger(Unit):
    """Rows of ``charge`` and ``data_key``."""

    def __init__(self, connection: Connection, *, writable: bool) -> None:
        super().__init__(connection, writable=writable)
        self.keys_destroyed = False  # the store then removes what the database still holds

    def charge(self, release: str, consumer: str, dataset: str, rows: int, at: datetime) -> None:
        """Reserve ``rows`` for a release. AlreadyExists when it was charged before."""
        table = tables.charge
        if self._row(select(table.c.rows).where(table.c.release == release)) is not None:
            raise AlreadyExists(f"{release} was charged already", resource=release)
        self._insert(
            table,
            {
                "release": release,
                "consumer": consumer,
                "dataset": dataset,
                "rows": rows,
                "at": microseconds(at),
            },
        )

    def settle(self, release: str, rows: int) -> None:
        """Lower the reserved rows to those really released.

        GatewayFault when that is more than was reserved, or nothing was: such a release must
        not be sealed.
        """
        table = tables.charge
        lowered = (
            table.update().where(table.c.release == release, table.c.rows >= rows).values(rows=rows)
        )
        if self._writing().execute(lowered).rowcount != 1:
            raise GatewayFault(
                f"{release} has more rows than were charged for",
                reason="CHARGE_EXCEEDED",
                resource=release,
            )

    def usage(self, consumer: str, dataset: str, since: datetime) -> Usage:
        """Charges at or after ``since``; a release that failed still counts as one."""
        table = tables.charge
        row = self._connection.execute(
            select(func.count(), func.coalesce(func.sum(table.c.rows), 0)).where(
                table.c.consumer == consumer,
                table.c.dataset == dataset,
                table.c.at >= microseconds(since),
            )
        ).one()
        return Usage(releases=int(row[0]), rows=int(row[1]))

    def put_key(self, resource: str, wrapped: bytes) -> None:
        """Keep a wrapped key; one that the resource had before is destroyed."""
        self.destroy_key(resource)
        self._insert(tables.data_key, {"resource": resource, "wrapped": wrapped})

    def key(self, resource: str) -> bytes | None:
        row = self._row(
            select(tables.data_key.c.wrapped).where(tables.data_key.c.resource == resource)
        )
        return None if row is None else bytes(row["wrapped"])

    def wrapped_keys(self, after: str, limit: int) -> list[tuple[str, bytes]]:
        """(resource, wrapped key) in the order of resources, those after ``after``."""
        table = tables.data_key
        statement = select(table.c.resource, table.c.wrapped).where(table.c.resource > after)
        rows = self._connection.execute(statement.order_by(table.c.resource).limit(limit))
        return [(resource, bytes(wrapped)) for resource, wrapped in rows]

    def rewrap_key(self, resource: str, before: bytes, after: bytes) -> bool:
        """Replace the wrapped key, unless it is not ``before`` any more: a key that was destroyed
        meanwhile stays so."""
        table = tables.data_key
        update = table.update().where(table.c.resource == resource, table.c.wrapped == before)
        replaced = self._writing().execute(update.values(wrapped=after)).rowcount == 1
        self.keys_destroyed |= replaced
        return replaced

    def destroy_key(self, resource: str) -> None:
        """Delete the key; no error when there is none."""
        table = tables.data_key
        gone = self._writing().execute(table.delete().where(table.c.resource == resource)).rowcount
        self.keys_destroyed |= gone > 0
