"""Leases: which process does a piece of work that was found in the store."""

from datetime import datetime

from sqlalchemy import select

from gateway.store import tables
from gateway.store.unit import Unit, microseconds


class Leases(Unit):
    """Rows of ``lease``."""

    def lease(self, resource: str, owner: str, now: datetime, until: datetime) -> bool:
        """Take or prolong the right to work on a resource; False while another process holds it.

        Called again in the transaction that writes the outcome, it tells a process that was asleep
        while its lease lapsed that another holds it by now. It is no fence: when the other is done
        and let go, the first gets True. What must not be written twice, or after something else,
        has to be compared in that transaction (an attempt, a state, what was read).
        An owner may prolong a lapsed lease that nobody else took.
        """
        table = tables.lease
        held = self._row(select(table.c.owner, table.c.until).where(table.c.resource == resource))
        row = {"owner": owner, "until": microseconds(until)}
        if held is None:
            self._insert(table, {"resource": resource, **row})
            return True
        if held["owner"] != owner and held["until"] > microseconds(now):
            return False
        self._writing().execute(table.update().where(table.c.resource == resource).values(row))
        return True
