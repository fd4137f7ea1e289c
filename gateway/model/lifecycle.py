"""Life cycles as tables: a transition that is not in the table cannot happen."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from gateway.errors import FailedPrecondition


class ReleaseState(StrEnum):
    """DENIED and OPENED are the two beginnings; only SEALED can be read."""

    DENIED = "denied"
    OPENED = "opened"
    RUNNING = "running"
    SEALED = "sealed"
    REFUSED = "refused"  # a check on the output failed
    FAILED = "failed"  # source, transform or machine
    CANCELLED = "cancelled"
    RECALLED = "recalled"
    EXPIRED = "expired"


class GrantState(StrEnum):
    """Maps onto the Dataspace Protocol: requested, agreed (approved), terminated."""

    REQUESTED = "requested"
    ACTIVE = "active"
    REFUSED = "refused"
    REVOKED = "revoked"
    EXPIRED = "expired"


class PolicyState(StrEnum):
    """A version is immutable from ACTIVE on; only a second officer makes it so."""

    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


class DataSetState(StrEnum):
    """A pushed data set awaits its records; only ACTIVE ones can be requested."""

    AWAITING_RECORDS = "awaiting_records"
    ACTIVE = "active"
    WITHDRAWN = "withdrawn"


class KeyDomainState(StrEnum):
    """SHREDDING: one officer wants its keys destroyed, a second one has not confirmed yet."""

    ACTIVE = "active"
    SHREDDING = "shredding"
    SHREDDED = "shredded"


class ReidentificationState(StrEnum):
    """Only APPROVED, by two officers, can be answered, and once."""

    REQUESTED = "requested"
    APPROVED = "approved"
    ANSWERED = "answered"
    REFUSED = "refused"
    EXPIRED = "expired"


class ClassificationState(StrEnum):
    """The newest pass over a data set; the next one begins with PENDING again."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class AnswerState(StrEnum):
    """Of a statistic. DENIED and OPENED are the two beginnings; only SEALED can be read."""

    DENIED = "denied"
    OPENED = "opened"
    SEALED = "sealed"
    FAILED = "failed"
    EXPIRED = "expired"


class BudgetState(StrEnum):
    """In force in ACTIVE and CHANGING; a proposal waits for another officer in PROPOSED and
    CHANGING."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    CHANGING = "changing"
    WITHDRAWN = "withdrawn"


RELEASE: Mapping[ReleaseState, frozenset[ReleaseState]] = {
    ReleaseState.DENIED: frozenset(),
    # A run that a crash interrupted goes back to OPENED and is taken up again.
    ReleaseState.OPENED: frozenset(
        {ReleaseState.RUNNING, ReleaseState.CANCELLED, ReleaseState.FAILED}
    ),
    ReleaseState.RUNNING: frozenset(
        {
            ReleaseState.OPENED,
            ReleaseState.SEALED,
            ReleaseState.REFUSED,
            ReleaseState.FAILED,
            ReleaseState.CANCELLED,
        }
    ),
    ReleaseState.SEALED: frozenset({ReleaseState.RECALLED, ReleaseState.EXPIRED}),
    ReleaseState.REFUSED: frozenset(),
    ReleaseState.FAILED: frozenset(),
    ReleaseState.CANCELLED: frozenset(),
    ReleaseState.RECALLED: frozenset(),
    ReleaseState.EXPIRED: frozenset(),
}

GRANT: Mapping[GrantState, frozenset[GrantState]] = {
    GrantState.REQUESTED: frozenset({GrantState.ACTIVE, GrantState.REFUSED, GrantState.EXPIRED}),
    GrantState.ACTIVE: frozenset({GrantState.REVOKED, GrantState.EXPIRED}),
    GrantState.REFUSED: frozenset(),
    GrantState.REVOKED: frozenset(),
    GrantState.EXPIRED: frozenset(),
}

POLICY: Mapping[PolicyState, frozenset[PolicyState]] = {
    PolicyState.DRAFT: frozenset({PolicyState.ACTIVE, PolicyState.RETIRED}),
    PolicyState.ACTIVE: frozenset({PolicyState.RETIRED}),
    PolicyState.RETIRED: frozenset(),
}

DATA_SET: Mapping[DataSetState, frozenset[DataSetState]] = {
    DataSetState.AWAITING_RECORDS: frozenset({DataSetState.ACTIVE, DataSetState.WITHDRAWN}),
    DataSetState.ACTIVE: frozenset({DataSetState.WITHDRAWN}),
    DataSetState.WITHDRAWN: frozenset(),
}

KEY_DOMAIN: Mapping[KeyDomainState, frozenset[KeyDomainState]] = {
    KeyDomainState.ACTIVE: frozenset({KeyDomainState.SHREDDING}),
    KeyDomainState.SHREDDING: frozenset({KeyDomainState.ACTIVE, KeyDomainState.SHREDDED}),
    # A new version of the key, unrelated to those that are gone.
    KeyDomainState.SHREDDED: frozenset({KeyDomainState.ACTIVE}),
}

REIDENTIFICATION: Mapping[ReidentificationState, frozenset[ReidentificationState]] = {
    ReidentificationState.REQUESTED: frozenset(
        {
            ReidentificationState.APPROVED,
            ReidentificationState.REFUSED,
            ReidentificationState.EXPIRED,
        }
    ),
    # An officer may think better of it until it is answered.
    ReidentificationState.APPROVED: frozenset(
        {
            ReidentificationState.ANSWERED,
            ReidentificationState.REFUSED,
            ReidentificationState.EXPIRED,
        }
    ),
    ReidentificationState.ANSWERED: frozenset(),
    ReidentificationState.REFUSED: frozenset(),
    ReidentificationState.EXPIRED: frozenset(),
}

CLASSIFICATION: Mapping[ClassificationState, frozenset[ClassificationState]] = {
    ClassificationState.PENDING: frozenset(
        {ClassificationState.RUNNING, ClassificationState.FAILED}
    ),
    # Back to PENDING: its process went away, or newer records or another call overtook it.
    ClassificationState.RUNNING: frozenset(
        {ClassificationState.PENDING, ClassificationState.DONE, ClassificationState.FAILED}
    ),
    ClassificationState.DONE: frozenset({ClassificationState.PENDING}),
    ClassificationState.FAILED: frozenset({ClassificationState.PENDING}),
}


ANSWER: Mapping[AnswerState, frozenset[AnswerState]] = {
    AnswerState.DENIED: frozenset(),
    # An attempt that a crash interrupted leaves it OPENED: the next one goes on from there.
    AnswerState.OPENED: frozenset({AnswerState.SEALED, AnswerState.FAILED}),
    AnswerState.SEALED: frozenset({AnswerState.EXPIRED}),
    AnswerState.FAILED: frozenset(),
    AnswerState.EXPIRED: frozenset(),
}

BUDGET: Mapping[BudgetState, frozenset[BudgetState]] = {
    BudgetState.PROPOSED: frozenset({BudgetState.ACTIVE, BudgetState.WITHDRAWN}),
    BudgetState.ACTIVE: frozenset({BudgetState.CHANGING}),
    # Back to ACTIVE with other limits, or with those of before where the change is withdrawn.
    BudgetState.CHANGING: frozenset({BudgetState.ACTIVE}),
    BudgetState.WITHDRAWN: frozenset({BudgetState.PROPOSED}),
}


State = TypeVar("State", bound=StrEnum)


def advance(table: Mapping[State, frozenset[State]], name: str, now: State, then: State) -> State:
    """Return ``then`` when the table admits it; FailedPrecondition naming both states if not."""
    if then not in table[now]:
        raise FailedPrecondition(
            f"{name} is {now}; it cannot become {then}",
            reason="INVALID_TRANSITION",
            resource=name,
            state=str(now),
        )
    return then


def diagram(table: Mapping[State, frozenset[State]], beginnings: tuple[State, ...]) -> str:
    """The table as a Mermaid state diagram, for the docs."""
    lines = ["stateDiagram-v2"]
    lines += [f"    [*] --> {state}" for state in beginnings]
    for state, successors in table.items():
        lines += [f"    {state} --> {then}" for then in sorted(successors)]
        lines += [] if successors else [f"    {state} --> [*]"]
    return "\n".join(lines)


DIAGRAMS: Mapping[str, str] = {
    "Release": diagram(RELEASE, (ReleaseState.DENIED, ReleaseState.OPENED)),
    "Grant": diagram(GRANT, (GrantState.REQUESTED,)),
    "Policy version": diagram(POLICY, (PolicyState.DRAFT,)),
    "Data set": diagram(DATA_SET, (DataSetState.AWAITING_RECORDS, DataSetState.ACTIVE)),
    "Classification": diagram(CLASSIFICATION, (ClassificationState.PENDING,)),
    "Key domain": diagram(KEY_DOMAIN, (KeyDomainState.ACTIVE,)),
    "Re-identification": diagram(REIDENTIFICATION, (ReidentificationState.REQUESTED,)),
    "Answer": diagram(ANSWER, (AnswerState.DENIED, AnswerState.OPENED)),
    "Budget": diagram(BUDGET, (BudgetState.PROPOSED,)),
}
"""What docs/lifecycle.md shows; a test holds the two together."""
