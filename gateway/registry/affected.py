"""Active grants keep up with the verdicts: which no longer carry what they carried, and why."""

from datetime import datetime
from functools import partial

from gateway.decide.carried import carried, effects
from gateway.decide.facts import Facts
from gateway.model.access import Carried, Grant
from gateway.model.audit import AuditEvent
from gateway.model.catalog import Column, DataSet
from gateway.model.lifecycle import GrantState
from gateway.ports import Transaction
from gateway.registry.facts import active_policies, everything
from gateway.registry.listing import counted, listed


def decided_alike(before: DataSet, after: DataSet) -> bool:
    """Whether no decision could tell the two apart by their columns."""
    return [_told(column) for column in before.columns] == [_told(c) for c in after.columns]


def _told(column: Column) -> tuple[object, ...]:
    return (column.name, column.element, *column.verdict)


def recheck(tx: Transaction, before: DataSet, after: DataSet, now: datetime) -> dict[str, str]:
    """Note on every active grant of the data set what a change of its verdicts took away.

    Returns what the audit entry of the change says of it: the grants that are affected by now.
    """
    if decided_alike(before, after):
        return {}
    policies = active_policies(tx)
    held = partial(tx.grants, dataset=after.name, state=GrantState.ACTIVE)
    affected = []
    for grant in list(everything(held, lambda grant: grant.name)):
        consumer = tx.party(grant.consumer)
        if consumer is None or grant.expires <= now:
            continue
        noted = _noted(grant, Facts(after, consumer, policies, (grant,), now))
        if noted.affected:
            affected.append(noted.name)
        if noted != grant:
            tx.put_grant(noted, expected_revision=grant.revision)
        if noted.affected != grant.affected:
            tx.audit(_event(noted), now)
    return {"grants_affected": counted(name.removeprefix("grants/") for name in affected)}


def _noted(grant: Grant, facts: Facts) -> Grant:
    found, now = effects(grant, facts), carried(grant, facts)
    # What it could not carry at first, it may carry by now.
    known = {each.column: each for each in grant.carried}
    learnt = tuple(_first(known.get(each.column), each) for each in now)
    if (found, learnt) == (grant.affected, grant.carried):
        return grant
    return grant.but(affected=found, carried=learnt, revision=grant.revision + 1)


def _first(known: Carried | None, now: Carried) -> Carried:
    return now if known is None or known.transform is None else known


def _event(grant: Grant) -> AuditEvent:
    return AuditEvent(
        actor="gateway",
        action="grant.recheck",
        resource=grant.name,
        outcome="affected" if grant.affected else "ok",
        details={
            "dataset": grant.dataset,
            "consumer": grant.consumer,
            "codes": listed(sorted({reason.code for reason in grant.affected})),
            "columns": listed(sorted({r.column for r in grant.affected if r.column})),
        },
    )
