"""Puts away verdicts of people that lapsed: housekeeping only, since no decision reads them."""

from gateway.classify.grading import grade_of
from gateway.model.audit import AuditEvent
from gateway.ports import Clock, Store
from gateway.registry.affected import recheck
from gateway.registry.listing import counted


def lapse(store: Store, clock: Clock) -> int:
    """Put away declarations that lapsed; no decision depends on it. Returns how many data sets
    had any."""
    now = clock.now()
    with store.read() as tx:
        names = tx.lapsed(now)
    for name in names:
        with store.write() as tx:
            before = tx.dataset(name)
            if before is None or (after := before.at(now)) == before:
                continue
            after = after.but(revision=before.revision + 1, updated=now)
            tx.put_dataset(after, expected_revision=before.revision)
            gone = [
                column.name
                for column, then in zip(after.columns, before.columns, strict=True)
                if column.declaration != then.declaration
            ]
            affected = recheck(tx, before, after, now)
            tx.audit(
                AuditEvent(
                    actor="gateway",
                    action="dataset.lapse",
                    resource=name,
                    outcome="ok",
                    details={
                        "revision": str(after.revision),
                        "grade": grade_of(after),
                        "columns": counted(gone),
                        **affected,
                    },
                ),
                now,
            )
    return len(names)
