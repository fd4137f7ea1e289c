"""What a grant carries, and what of it a change of verdicts took away or made stricter."""

from collections.abc import Iterable, Iterator

from gateway.decide import reasons
from gateway.decide.facts import Facts
from gateway.decide.grants import approval_faults, approvals_for
from gateway.decide.matching import Matched, RuleBook
from gateway.model.access import Carried, Grant
from gateway.model.catalog import Column
from gateway.model.decision import Reason
from gateway.model.policy import Effect
from gateway.model.transforms import TransformSpec, join_all


def carried(grant: Grant, facts: Facts) -> tuple[Carried, ...]:
    """For each column of the grant, the transform under which it would leave now; None where it
    would not leave at all, or is no column of the data set any more."""
    rules = RuleBook(grant.purpose, facts)
    known = {column.name: column for column in facts.dataset.columns}
    return tuple(
        _carried(known[name], rules) if name in known else Carried(column=name)
        for name in grant.columns
    )


def effects(grant: Grant, facts: Facts) -> tuple[Reason, ...]:
    """Why an active grant no longer carries what it carried: approvals that are missing now,
    columns that would no longer leave, that would leave under a stricter transform, or that are
    something else than what was agreed on."""
    now = {each.column: each.transform for each in carried(grant, facts)}
    return (
        *_approvals(grant, facts),
        *_columns(grant, now, facts),
    )


def _carried(column: Column, rules: RuleBook) -> Carried:
    transform = _transform(column, rules)
    entity = None if transform is None else column.entity
    return Carried(column=column.name, transform=transform, entity=entity)


def _transform(column: Column, rules: RuleBook) -> TransformSpec | None:
    if not column.has_verdict:
        return None
    matched = rules.about(column)
    given = [m.rule.transform for m in _permits(matched) if m.rule.transform is not None]
    denied = any(m.rule.effect is Effect.DENY for m in matched)
    return None if denied or not given else join_all(given)


def _permits(matched: Iterable[Matched]) -> list[Matched]:
    return [m for m in matched if m.rule.effect is Effect.PERMIT]


def _approvals(grant: Grant, facts: Facts) -> Iterable[Reason]:
    rules = RuleBook(grant.purpose, facts)
    columns = [column for column in facts.dataset.columns if column.name in grant.columns]
    permits = [matched for column in columns for matched in _permits(rules.about(column))]
    return approval_faults(grant, facts.dataset, approvals_for(columns, permits))


def _columns(grant: Grant, now: dict[str, TransformSpec | None], facts: Facts) -> Iterator[Reason]:
    for each in grant.carried:
        column = facts.dataset.find(each.column)
        transform = now[each.column]
        if each.transform is None:  # it carried nothing of this column in the first place
            continue
        if column is None:
            yield reasons.column_gone(each.column, facts.dataset)
        elif transform is None:
            yield reasons.column_denied(column)
        elif join_all([each.transform, transform]) != each.transform:
            yield reasons.column_stricter(column, each.transform, transform)
        elif each.entity not in (None, column.entity):
            yield reasons.column_other(column, each.entity)
