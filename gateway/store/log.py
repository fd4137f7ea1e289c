"""The audit log: appended under the lock of its head, chained, and never changed."""

from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlalchemy import Connection, select

from gateway.errors import ClockMovedBack, VerificationFailed
from gateway.model.audit import AuditEntry, AuditEvent
from gateway.store import tables
from gateway.store.unit import Unit, microseconds, moment

CLOCK_TOLERANCE = timedelta(seconds=5)
"""How far two gateways' clocks may differ; within it an entry takes the head's time."""


class Log(Unit):
    """Rows of ``audit`` and the one row of ``audit_head``."""

    def __init__(self, connection: Connection, *, writable: bool) -> None:
        super().__init__(connection, writable=writable)
        if writable:
            self._lock_head()

    def _lock_head(self) -> None:
        # The first statement of every writing transaction. On PostgreSQL the row lock makes
        # writers of all processes take turns; on SQLite BEGIN IMMEDIATE already has.
        table = tables.audit_head
        row = self._connection.execute(
            select(table.c.sequence, table.c.hash, table.c.at).with_for_update()
        ).one()
        self._sequence, self._hash, self._at = row.sequence, row.hash, moment(row.at)

    def audit(self, event: AuditEvent, at: datetime) -> AuditEntry:
        """Append ``event``. ClockMovedBack when ``at`` is clearly before the entry before it."""
        connection = self._writing()
        if at < self._at - CLOCK_TOLERANCE:
            raise ClockMovedBack(
                "the clock is behind the audit log: set the machine's clock right and retry"
            )
        entry = AuditEntry.chained(self._sequence + 1, max(at, self._at), event, self._hash)
        self._insert(tables.audit, {"sequence": entry.sequence, "body": entry.canonical().decode()})
        connection.execute(
            tables.audit_head.update().values(
                sequence=entry.sequence, hash=entry.hash, at=microseconds(entry.at)
            )
        )
        self._sequence, self._hash, self._at = entry.sequence, entry.hash, entry.at
        return entry

    def audit_entries(self, after: int, limit: int) -> list[AuditEntry]:
        """Entries from ``after`` + 1 on in order. VerificationFailed for one that is no entry."""
        table = tables.audit
        rows = self._connection.execute(
            select(table.c.sequence, table.c.body)
            .where(table.c.sequence > after)
            .order_by(table.c.sequence)
            .limit(limit)
        )
        return [_entry(sequence, body) for sequence, body in rows]

    def audit_head(self) -> AuditEntry | None:
        """The last entry. VerificationFailed when the head names one that is not there."""
        head = self._connection.execute(select(tables.audit_head.c.sequence)).scalar_one()
        if head == 0:
            return None
        entries = self.audit_entries(head - 1, 2)
        if [entry.sequence for entry in entries] != [head]:
            raise VerificationFailed(f"audit entry {head} is not the last one, as it should be")
        return entries[0]


def _entry(sequence: int, body: str) -> AuditEntry:
    try:
        entry = AuditEntry.model_validate_json(body)
    except ValidationError:
        # Without the cause: it would quote what somebody wrote into the log.
        raise VerificationFailed(f"audit entry {sequence} was changed: it is no entry") from None
    if entry.sequence != sequence or entry.canonical().decode() != body:
        raise VerificationFailed(f"audit entry {sequence} was changed: it is not as it was written")
    return entry
