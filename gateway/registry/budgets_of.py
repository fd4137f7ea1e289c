"""Which budgets a question is charged to, and what those that its asker may see have left."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from gateway.model.budgets import Budget, BudgetKind, BudgetScope, Limits
from gateway.ports import Transaction
from gateway.registry.facts import everything


@dataclass(frozen=True, slots=True)
class BudgetLeft:
    """One budget in force with what was spent of it, exact ratios rounded up."""

    budget: Budget
    limits: Limits
    spent: str

    @property
    def left(self) -> Fraction:
        return max(Fraction(0), Fraction(self.limits.epsilon) - Fraction(self.spent))


@dataclass(frozen=True, slots=True)
class Missing:
    """A budget that a question needs, and that nobody set."""

    scope: str


def budgets_of(
    tx: Transaction,
    datasets: Iterable[str],
    recipient: str,
    project: str | None,
    now: datetime,
) -> tuple[list[BudgetLeft], list[Missing]]:
    """Every budget that must cover the question, and what is missing for it to be answered: of
    each data set one of the recipient and one of all recipients, and at least one of the project
    where there is one."""
    found: list[BudgetLeft] = []
    missing: list[Missing] = []
    for dataset in datasets:
        for scope, said in (
            (BudgetScope.of_recipient(dataset, recipient), f"for {recipient} on {dataset}"),
            (BudgetScope.of_dataset(dataset), f"for all recipients of {dataset}"),
        ):
            left = _left(tx, tx.budget(scope.name))
            if left is None:
                missing.append(Missing(said))
            else:
                found.append(left)
    if project is not None:
        of_project = [
            left
            for budget in everything(
                lambda page: tx.budgets(page, project=project), lambda budget: budget.name
            )
            if budget.scope.holds(now) and (left := _left(tx, budget)) is not None
        ]
        found += of_project
        if not of_project:
            missing.append(Missing(f"for the project {project} at this time"))
    return found, missing


def shown(budgets: Sequence[BudgetLeft]) -> list[BudgetLeft]:
    """The asker's own: of a data set over all recipients, and of a project, others spend too."""
    return [left for left in budgets if left.budget.scope.kind is BudgetKind.RECIPIENT]


def _left(tx: Transaction, budget: Budget | None) -> BudgetLeft | None:
    if budget is None or budget.limits is None:
        return None
    return BudgetLeft(budget, budget.limits, tx.account(budget.name).spent)
