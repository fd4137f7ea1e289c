"""Budgets of privacy loss."""

from gateway.api.convert.keys import etag
from gateway.api.convert.shape import Shape
from gateway.api.convert.words import BUDGET_KIND_NUMBERS, BUDGET_KINDS, BUDGET_STATE_NUMBERS
from gateway.api.pb import statistics_pb2
from gateway.model import amounts
from gateway.model.budgets import BudgetScope, Limits
from gateway.registry.budgets import BudgetView


def scope_from_proto(
    shape: Shape, request: statistics_pb2.ProposeBudgetRequest
) -> BudgetScope | None:
    """Whose spending the budget bounds."""
    if not shape.present("scope", request):
        return None
    message = request.scope
    kind = shape.coded("scope.kind", message.kind, BUDGET_KINDS)
    values: dict[str, object] = {
        "kind": kind,
        "dataset": message.dataset or None,
        "recipient": message.recipient or None,
        "project": message.project or None,
    }
    if message.dataset:
        shape.name("scope.dataset", message.dataset, "datasets")
    if message.recipient:
        shape.name("scope.recipient", message.recipient, "parties")
    if message.HasField("begins"):
        values["begins"] = shape.moment("scope.begins", message.begins)
    if message.HasField("ends"):
        values["ends"] = shape.moment("scope.ends", message.ends)
    return shape.noun("scope", BudgetScope, values) if shape.sound else None


def limits_from_proto(shape: Shape, request: statistics_pb2.ProposeBudgetRequest) -> Limits | None:
    """The limits that are proposed; neither has a default."""
    values = {"epsilon": request.epsilon, "delta": request.delta}
    return shape.noun("", Limits, values)


def to_proto(view: BudgetView) -> statistics_pb2.Budget:
    """All of it: who may see a budget may see how it was spent."""
    budget, account = view.budget, view.account
    scope = budget.scope
    message = statistics_pb2.Budget(
        name=budget.name,
        scope=statistics_pb2.BudgetScope(
            kind=BUDGET_KIND_NUMBERS[scope.kind],
            dataset=scope.dataset or "",
            recipient=scope.recipient or "",
            project=scope.project or "",
        ),
        state=BUDGET_STATE_NUMBERS[budget.state],
        charges=account.charges - account.refunds,
        approved_by=budget.approved_by or "",
        etag=etag(budget.revision),
    )
    if scope.begins is not None and scope.ends is not None:
        message.scope.begins.FromDatetime(scope.begins)
        message.scope.ends.FromDatetime(scope.ends)
    if budget.limits is not None:
        message.epsilon = amounts.down(budget.limits.epsilon)
        message.delta = amounts.up(budget.limits.delta)
        message.spent = amounts.up(account.spent)
        message.left = amounts.left(budget.limits.epsilon, account.spent)
    if budget.proposal is not None:
        message.proposal.proposed_by = budget.proposal.proposed_by
        message.proposal.epsilon = amounts.down(budget.proposal.limits.epsilon)
        message.proposal.delta = amounts.up(budget.proposal.limits.delta)
        message.proposal.reason = budget.proposal.reason
        message.proposal.time.FromDatetime(budget.proposal.at)
    if budget.approved is not None:
        message.approved.FromDatetime(budget.approved)
    for point in view.burn_down:
        added = message.burn_down.add(spent=amounts.up(point.spent), answer=point.answer)
        added.time.FromDatetime(point.at)
    return message
