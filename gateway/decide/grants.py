"""Which grant a request may rest on, what is wrong with those that do not fit, who must approve."""

from collections.abc import Iterable
from datetime import datetime

from gateway.decide import reasons
from gateway.decide.asked import Asked, read
from gateway.decide.facts import Facts
from gateway.decide.matching import Matched, RuleBook
from gateway.decide.strictest import combine, in_order
from gateway.model.access import ExtractRequest, Grant, Verdict
from gateway.model.catalog import Column, DataSet
from gateway.model.decision import Reason
from gateway.model.grades import Grade
from gateway.model.lifecycle import GrantState
from gateway.model.names import Role
from gateway.model.policy import Effect

SENSITIVE = Grade.GENERAL_4
"""From this grade on an officer approves too, whatever the policies say (PIPL 28 and 51)."""


def required_approvals(wish: ExtractRequest | Grant, facts: Facts) -> tuple[Role, ...]:
    """Which roles must approve a grant for these columns and this purpose.

    InvalidRequest for an unknown column or purpose. A column that the policies deny is no error
    here: the grant may be older than the policy.
    """
    asked = read(wish, facts)
    rules = RuleBook(wish.purpose, facts, use=None)  # a grant is for records and statistics
    permits = [
        matched
        for column in asked.all
        for matched in rules.about(column)
        if matched.rule.effect is Effect.PERMIT
    ]
    return approvals_for(asked.all, permits)


def approvals_for(columns: Iterable[Column], permits: Iterable[Matched]) -> tuple[Role, ...]:
    """The holder always; an officer for sensitive columns; and whom the policies name."""
    wanted = {Role.HOLDER} | combine(permits).approvals
    if any(column.effective_grade.at_least(SENSITIVE) for column in columns):
        wanted.add(Role.OFFICER)
    return in_order(wanted)


def choose(
    request: ExtractRequest, asked: Asked, facts: Facts, required: tuple[Role, ...]
) -> tuple[Grant | None, tuple[Reason, ...]]:
    """The grant that lasts longest of those that fit; otherwise None and what is in the way."""
    candidates = [grant for grant in facts.grants if grant.purpose == request.purpose]
    judged = [(grant, _faults(grant, request, asked, facts, required)) for grant in candidates]
    fitting = [grant for grant, faults in judged if not faults]
    if fitting:
        return max(fitting, key=lambda g: (g.expires, g.name)), ()
    living = [faults for grant, faults in judged if not _ended(grant, facts.now)]
    if living:
        return None, tuple(reason for faults in living for reason in faults)
    if judged:
        _, faults = max(judged, key=lambda pair: (pair[0].created, pair[0].name))
        return None, faults
    return None, (_no_grant(facts),)


def _ended(grant: Grant, now: datetime) -> bool:
    ended = (GrantState.REFUSED, GrantState.REVOKED, GrantState.EXPIRED)
    return grant.state in ended or now >= grant.expires


def _faults(
    grant: Grant, request: ExtractRequest, asked: Asked, facts: Facts, required: tuple[Role, ...]
) -> tuple[Reason, ...]:
    """Everything that keeps this grant from covering the request; empty when it covers it."""
    return (
        *_state_faults(grant, facts.now),
        *_scope_faults(grant, request, asked),
        *approval_faults(grant, facts.dataset, required),
    )


def _state_faults(grant: Grant, now: datetime) -> Iterable[Reason]:
    renew = "ask for a new grant"
    if grant.state is GrantState.REVOKED:
        text = f"{grant.name} was revoked: {renew} if the use is still wanted"
        yield Reason(code=reasons.GRANT_REVOKED, text=text)
    elif grant.state is GrantState.REFUSED:
        text = f"{grant.name} was refused{reasons.refusals(grant)}"
        yield Reason(code=reasons.GRANT_REFUSED, text=text)
    elif grant.state is GrantState.EXPIRED or now >= grant.expires:
        text = f"{grant.name} ended on {grant.expires.date()}: {renew}"
        yield Reason(code=reasons.GRANT_EXPIRED, text=text)
    elif grant.state is not GrantState.ACTIVE:
        yield reasons.pending(grant, in_order(grant.missing))
    elif now < grant.not_before:
        text = f"{grant.name} begins on {grant.not_before.date()}: ask again then"
        yield Reason(code=reasons.GRANT_NOT_YET, text=text)


def _scope_faults(grant: Grant, request: ExtractRequest, asked: Asked) -> Iterable[Reason]:
    if grant.project != request.project:
        # The project decides with whom tokens can be joined, so it is part of what was approved.
        given = f"is for the project {grant.project}" if grant.project else "names no project"
        wanted = f"the project {request.project}" if request.project else "no project"
        yield reasons.narrower(grant, f"{given} and the request {wanted}")
    outside = [column.published_name for column in asked.all if column.name not in grant.columns]
    if outside:
        yield reasons.narrower(grant, f"does not cover {reasons.some(outside)}")


def approval_faults(grant: Grant, dataset: DataSet, required: tuple[Role, ...]) -> Iterable[Reason]:
    """Approvals that are required and that an active grant has not."""
    if grant.state is not GrantState.ACTIVE:
        return
    given = {
        approval.role
        for approval in grant.approvals
        if approval.verdict is Verdict.APPROVED
        and (approval.role is not Role.HOLDER or approval.party == dataset.holder)
    }
    missing = [role for role in required if role not in given]
    if missing:
        text = (
            f"{grant.name} has not the approval of {reasons.roles(missing)}, which this request "
            "needs: ask for a new grant"
        )
        yield Reason(code=reasons.APPROVAL_MISSING, text=text)


def _no_grant(facts: Facts) -> Reason:
    text = (
        f"{facts.recipient.name} has no grant for {facts.dataset.name} and this purpose: "
        f"request one from {facts.dataset.holder}"
    )
    return Reason(code=reasons.NO_GRANT, text=text)
