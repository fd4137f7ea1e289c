"""The reasons a decision can give: one constant each, and a text that says what to do next."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gateway.decide.matching import Matched
from gateway.model.access import Grant
from gateway.model.catalog import Column, DataSet
from gateway.model.decision import Reason
from gateway.model.names import Role
from gateway.model.transforms import TransformSpec

_SHOWN: Final = 20

# Codes. Programs rely on them; they only grow.
RULE: Final = "RULE"
STRICTEST: Final = "STRICTEST"
OBLIGATION: Final = "OBLIGATION"
GRANTED: Final = "GRANTED"
RECIPIENT_DISABLED: Final = "RECIPIENT_DISABLED"
NOT_A_CONSUMER: Final = "NOT_A_CONSUMER"
DATASET_NOT_ACTIVE: Final = "DATASET_NOT_ACTIVE"
NOT_CLASSIFIED: Final = "NOT_CLASSIFIED"
NO_VERDICT: Final = "NO_VERDICT"
NO_RULE: Final = "NO_RULE"
DENY_RULE: Final = "DENY_RULE"
POLICY_COLUMN_MISSING: Final = "POLICY_COLUMN_MISSING"
POLICY_FILTER_UNREADABLE: Final = "POLICY_FILTER_UNREADABLE"
NO_QUASI_IDENTIFIER: Final = "NO_QUASI_IDENTIFIER"
ANONYMITY_FEASIBLE: Final = "ANONYMITY_FEASIBLE"
ANONYMITY_UNKNOWN: Final = "ANONYMITY_UNKNOWN"
ANONYMITY_CONFLICT: Final = "ANONYMITY_CONFLICT"
FILTER_ON_PROTECTED_COLUMN: Final = "FILTER_ON_PROTECTED_COLUMN"
NO_GRANT: Final = "NO_GRANT"
GRANT_PENDING: Final = "GRANT_PENDING"
GRANT_NOT_YET: Final = "GRANT_NOT_YET"
GRANT_EXPIRED: Final = "GRANT_EXPIRED"
GRANT_REVOKED: Final = "GRANT_REVOKED"
GRANT_REFUSED: Final = "GRANT_REFUSED"
GRANT_NARROWER: Final = "GRANT_NARROWER"
APPROVAL_MISSING: Final = "APPROVAL_MISSING"
# Not of decisions, but of grants that a change of verdicts affects.
COLUMN_GONE: Final = "COLUMN_GONE"
COLUMN_DENIED: Final = "COLUMN_DENIED"
COLUMN_STRICTER: Final = "COLUMN_STRICTER"
COLUMN_OTHER: Final = "COLUMN_OTHER"


def permitted_by(column: Column, matched: Matched, transform: TransformSpec) -> Reason:
    """One rule that permits the column, and what it does to it."""
    return Reason(
        code=RULE,
        text=f"{column.published_name}: {matched.name} permits it with {transform.kind}",
        rule=matched.name,
        column=column.published_name,
    )


def column_gone(name: str, dataset: DataSet) -> Reason:
    """A column that a grant covers and the data set has no more."""
    text = f"{name} is no column of {dataset.name} any more"
    return Reason(code=COLUMN_GONE, text=text, column=name)


def column_denied(column: Column) -> Reason:
    """A column that would no longer leave under a grant."""
    text = (
        f"{column.published_name} no longer leaves: it is by now {_known(column)}, and no policy "
        "permits that for this purpose"
    )
    return Reason(code=COLUMN_DENIED, text=text, column=column.published_name)


def column_stricter(column: Column, before: TransformSpec, now: TransformSpec) -> Reason:
    """A column that would leave under a grant with less in it than before."""
    how = f"{now.kind} instead of {before.kind}" if now.kind != before.kind else "more of the same"
    text = f"{column.published_name} leaves under a stricter transform ({how}): it is by now "
    return Reason(code=COLUMN_STRICTER, text=text + _known(column), column=column.published_name)


def column_other(column: Column, before: str) -> Reason:
    """A column that is no longer what it was when the grant was agreed on."""
    text = (
        f"{column.published_name} was {before} when this was agreed on and is by now "
        f"{_known(column)}: revoke the grant unless that is meant"
    )
    return Reason(code=COLUMN_OTHER, text=text, column=column.published_name)


def _known(column: Column) -> str:
    return ", ".join("unknown" if part is None else str(part) for part in column.verdict)


def strictest(column: Column, transform: TransformSpec) -> Reason:
    """What several permits that differ come to together."""
    text = f"{column.published_name}: the strictest of its rules together is {transform.kind}"
    return Reason(code=STRICTEST, text=text, column=column.published_name)


def no_verdict(column: Column) -> Reason:
    """Nobody has said yet what the column is."""
    missing = [part for part in ("entity", "grade", "role") if getattr(column, part) is None]
    judged = column.rules is not None and not column.fillable
    remedy = (
        "an officer says what it is"
        if judged
        else "the holder classifies the data set or declares it"
    )
    text = f"{column.published_name} has no verdict yet ({', '.join(missing)} unknown): {remedy}"
    return Reason(code=NO_VERDICT, text=text, column=column.published_name)


def no_rule(column: Column) -> Reason:
    """Deny by default: nothing matched."""
    text = (
        f"no rule of an active policy permits {column.published_name} for this purpose and "
        "recipient: leave it out, or ask an officer for a rule"
    )
    return Reason(code=NO_RULE, text=text, column=column.published_name)


def no_statistics_rule(column: Column) -> Reason:
    """Deny by default, for statistics."""
    text = (
        f"no rule of an active policy permits statistics on {column.published_name} for this "
        "purpose and recipient: leave it out, or ask an officer for a rule with statistics"
    )
    return Reason(code=NO_RULE, text=text, column=column.published_name)


def no_statistics(dataset: DataSet) -> Reason:
    """Deny by default, for a question that names no column."""
    text = (
        f"no rule of an active policy permits statistics on any column of {dataset.name} for this "
        "purpose and recipient: ask an officer for a rule with statistics"
    )
    return Reason(code=NO_RULE, text=text)


def statistics_permitted_by(
    dataset: DataSet, matched: Matched, about: Mapping[str, Sequence[Matched]]
) -> Reason:
    """One rule that permits statistics, and on which of the columns."""
    names = [c.published_name for c in dataset.columns if matched in about.get(c.name, ())]
    text = f"{some(names)}: {matched.name} permits statistics"
    return Reason(code=RULE, text=text, rule=matched.name)


def denied_by(column: Column, matched: Matched) -> Reason:
    """A deny, with the officer's description of it."""
    text = f"{matched.name} denies {column.published_name}"
    if matched.rule.description:
        text += f": {matched.rule.description}"
    return Reason(code=DENY_RULE, text=text[:4000], rule=matched.name, column=column.published_name)


def pending(grant: Grant, missing: Sequence[Role]) -> Reason:
    """A grant that is not active yet."""
    waits = f"still waits for the approval of {roles(missing)}" if missing else "is not active yet"
    return Reason(code=GRANT_PENDING, text=f"{grant.name} {waits}")


def narrower(grant: Grant, what: str) -> Reason:
    """A grant that covers less than the request."""
    text = f"{grant.name} {what}: ask for a grant that covers this request"
    return Reason(code=GRANT_NARROWER, text=text)


def refusals(grant: Grant) -> str:
    """The approvers' own words, which the requester may see."""
    said = [a.reason for a in grant.approvals if a.verdict == "refused" and a.reason]
    return f": {'; '.join(said)}"[:1000] if said else ""


def roles(wanted: Iterable[Role]) -> str:
    """``the holder and the officer``."""
    return " and ".join(f"the {role}" for role in wanted)


def some(names: Sequence[str]) -> str:
    """The first names of a list, so that a reason stays readable."""
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown
