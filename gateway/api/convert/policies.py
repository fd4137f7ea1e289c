"""Policies, findings about them, and what changes between two of them."""

from gateway.api.convert.words import OUTCOME_NUMBERS, POLICY_STATE_NUMBERS
from gateway.api.pb import policy_pb2
from gateway.decide.diff import Change
from gateway.decide.lint import Finding
from gateway.model.decision import Outcome
from gateway.model.policy import StoredPolicy


def to_proto(stored: StoredPolicy, *, with_text: bool = True) -> policy_pb2.Policy:
    """One version; lists leave the text out."""
    message = policy_pb2.Policy(
        name=stored.name,
        version=stored.version,
        state=POLICY_STATE_NUMBERS[stored.state],
        text=stored.text if with_text else "",
        digest=stored.ref.sha256,
        author=stored.author,
        activated_by=stored.activated_by or "",
    )
    message.created.FromDatetime(stored.created)
    if stored.activated is not None:
        message.activated.FromDatetime(stored.activated)
    return message


def listed(stored: StoredPolicy) -> policy_pb2.Policy:
    """As it stands in a list."""
    return to_proto(stored, with_text=False)


def finding_to_proto(finding: Finding) -> policy_pb2.LintFinding:
    """One finding of lint."""
    return policy_pb2.LintFinding(
        severity=finding.severity, code=finding.code, rule=finding.rule or "", text=finding.text
    )


def change_to_proto(change: Change) -> policy_pb2.ChangedOutcome:
    """One request that would be decided otherwise."""
    return policy_pb2.ChangedOutcome(
        release=change.name,
        before=OUTCOME_NUMBERS[Outcome(change.before)],
        after=OUTCOME_NUMBERS[Outcome(change.after)],
        changes=change.lines,
    )
