"""Whether an opened release would still be permitted, and on the same terms."""

from datetime import datetime

from gateway.decide.engine import decide
from gateway.decide.facts import Facts
from gateway.errors import FailedPrecondition, InvalidRequest
from gateway.model.catalog import DataSet
from gateway.model.decision import Decision
from gateway.model.release import Release
from gateway.ports import Transaction
from gateway.registry.facts import facts_for

_CHANGED = "the policies, the grant or the data set changed since this was opened: ask again"


def refuse_if_changed(tx: Transaction, release: Release, dataset: DataSet, now: datetime) -> None:
    """Decide again, on what holds now; FailedPrecondition unless it comes to the same.

    Only what the decision permits and demands is compared: a new version of a policy that says
    the same, or another grant that covers the request, disturbs nothing.
    """
    recipient = tx.party(release.consumer)
    if recipient is None or not _same(release, facts_for(tx, dataset, recipient, now)):
        raise FailedPrecondition(_CHANGED, reason="DECISION_CHANGED", resource=release.name)


def _same(release: Release, facts: Facts) -> bool:
    try:
        decision = decide(release.request, facts)
    except InvalidRequest:  # a column or purpose of the request is no more
        return False
    return decision.permitted and _terms(decision) == _terms(release.decision)


def _terms(decision: Decision) -> dict[str, object]:
    """What the decision permits and demands, without its grounds."""
    grounds = {"outcome", "reasons", "policies", "approvals", "grant"}
    return decision.model_dump(
        exclude={**dict.fromkeys(grounds, True), "columns": {"__all__": {"rules"}}}
    )
