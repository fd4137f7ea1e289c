"""What is said of budgets that a question needs: that one is missing, or does not cover it."""

from collections.abc import Sequence

from gateway.errors import QuotaExhausted
from gateway.model.amounts import down, up
from gateway.model.budgets import BudgetKind
from gateway.model.decision import Outcome, Reason
from gateway.model.statistics_decision import StatisticsDecision
from gateway.registry.budgets_of import BudgetLeft, Missing


def exhausted(left: BudgetLeft) -> QuotaExhausted:
    """The budget does not cover it. Of a data set's budget nothing more is said: how much others
    spent of it is not for the asker."""
    scope, limits = left.budget.scope, left.limits
    if scope.kind is BudgetKind.DATA_SET:
        text = f"the budget of all recipients of {scope.dataset} does not cover this question"
    else:
        of = scope.project or scope.dataset
        text = (
            f"this question would exceed what is left of the budget on {of} "
            f"(limit: epsilon {down(limits.epsilon)} at delta {up(limits.delta)})"
        )
    return QuotaExhausted(
        f"{text}; ask with a smaller epsilon or delta, or have officers approve another limit",
        reason="BUDGET_EXHAUSTED",
        subject=left.budget.name,
    )


def without_budget(decision: StatisticsDecision, missing: Sequence[Missing]) -> StatisticsDecision:
    """A denial: without a budget that officers set, nothing is answered."""
    reasons = [
        Reason(
            code="NO_BUDGET",
            text=f"there is no budget of privacy loss {scope.scope}: ask a security officer",
        )
        for scope in missing
    ]
    return StatisticsDecision(
        outcome=Outcome.DENIED, reasons=tuple(reasons), policies=decision.policies
    )
