"""Budgets of privacy loss in the hands of officers: one proposes limits, another puts them in force.

What was spent is in the ledger, and nothing here lowers it: other limits change what is left.
"""

from dataclasses import dataclass
from datetime import datetime

from gateway.errors import Conflict, FailedPrecondition, InvalidRequest, PermissionDenied
from gateway.model.answers import AnswerRecord
from gateway.model.audit import AuditEvent
from gateway.model.budgets import (
    Budget,
    BudgetKind,
    BudgetProposal,
    BudgetScope,
    BurnPoint,
    Limits,
)
from gateway.model.catalog import Party
from gateway.model.lifecycle import BUDGET, BudgetState, advance
from gateway.model.names import Role
from gateway.model.requests import RequestKey
from gateway.ports import Account, Clock, Page, Store, Transaction
from gateway.registry.budgets_of import BudgetLeft, shown
from gateway.registry.once import made_before, remember
from gateway.registry.privacy_accounts import PrivacyAccounts
from gateway.registry.sight import budget_for

_POINTS = 200


@dataclass(frozen=True, slots=True)
class BudgetView:
    """A budget with what was spent of it, and some points of how."""

    budget: Budget
    account: Account
    burn_down: tuple[BurnPoint, ...] = ()


class Budgets:
    """Use cases over budgets. Only officers reach the changing ones."""

    def __init__(self, store: Store, clock: Clock, accounts: PrivacyAccounts) -> None:
        self._store = store
        self._clock = clock
        self._accounts = accounts

    def get(self, caller: Party, name: str) -> BudgetView:
        """One that the caller may see, with its burn-down."""
        with self._store.read() as tx:
            budget = budget_for(tx, caller, name)
            points = tuple(tx.burn_down(name, _POINTS))
            return BudgetView(budget, tx.account(name), points)

    def all(
        self, caller: Party, page: Page, dataset: str | None, state: BudgetState | None
    ) -> list[BudgetView]:
        """Those the caller may see, by name: consumers their own, holders those of their data
        sets."""
        scope = {}
        if caller.role is Role.CONSUMER:
            scope["recipient"] = caller.name
        elif caller.role is Role.HOLDER:
            scope["holder"] = caller.name
        with self._store.read() as tx:
            found = tx.budgets(page, dataset=dataset, state=state, **scope)
            return [BudgetView(budget, tx.account(budget.name)) for budget in found]

    def left(self, record: AnswerRecord) -> tuple[BudgetLeft, ...]:
        """What the budgets that an answer was charged to have left now, those that its consumer
        may see."""
        with self._store.read() as tx:
            charged = [tx.budget(one.budget) for one in record.charged]
            found = [
                BudgetLeft(budget, budget.limits, tx.account(budget.name).spent)
                for budget in charged
                if budget is not None and budget.limits is not None
            ]
            return tuple(shown(found))

    def propose(
        self, caller: Party, scope: BudgetScope, limits: Limits, reason: str, key: RequestKey
    ) -> BudgetView:
        """Say what a budget shall be, or that one shall have other limits.

        InvalidRequest for a data set or recipient that is not there, FailedPrecondition while
        another proposal waits.
        """
        with self._store.write() as tx:
            if (earlier := made_before(tx, caller, key)) is not None:
                return self._view(tx, budget_for(tx, caller, earlier))
            now = self._clock.now()
            _refuse_unknown(tx, scope, now)
            before = tx.budget(scope.name)
            proposal = BudgetProposal(proposed_by=caller.name, limits=limits, reason=reason, at=now)
            if before is None:
                after = Budget(
                    name=scope.name,
                    scope=scope,
                    state=BudgetState.PROPOSED,
                    proposal=proposal,
                    created=now,
                )
            else:
                if before.proposal is not None:
                    raise FailedPrecondition(
                        f"{before.name} waits for an answer to what was proposed: approve or "
                        "withdraw that first",
                        reason="BUDGET_PROPOSED",
                        resource=before.name,
                    )
                then = BudgetState.CHANGING if before.in_force else BudgetState.PROPOSED
                after = before.but(
                    state=advance(BUDGET, before.name, before.state, then),
                    proposal=proposal,
                    revision=before.revision + 1,
                )
            self._keep(tx, caller, key, before, after, "propose", now)
            return self._view(tx, after)

    def approve(self, caller: Party, name: str, revision: int, key: RequestKey) -> BudgetView:
        """Put the proposed limits in force. PermissionDenied for who proposed them, Conflict when
        it is not the proposal that was read."""
        with self._store.write() as tx:
            before = budget_for(tx, caller, name)
            if made_before(tx, caller, key) is not None:
                return self._view(tx, before)
            if before.revision != revision:
                raise Conflict(f"{name} changed since you read it; read it again", resource=name)
            proposal = _proposed(before)
            if proposal.proposed_by == caller.name:
                raise PermissionDenied(
                    f"you proposed the limits of {name}: another officer approves them",
                    reason="OWN_RESOURCE",
                )
            now = self._clock.now()
            after = before.but(
                state=advance(BUDGET, name, before.state, BudgetState.ACTIVE),
                limits=proposal.limits,
                proposal=None,
                approved_by=caller.name,
                approved=now,
                revision=before.revision + 1,
            )
            # What was spent is stated at the delta in force.
            spent = self._accounts.spent(tx, name, proposal.limits.delta)
            if spent is None:
                raise FailedPrecondition(
                    f"more was spent of {name} than so small a delta admits: propose a larger one",
                    reason="DELTA_SPENT",
                    resource=name,
                )
            tx.restate(name, str(spent))
            self._keep(tx, caller, key, before, after, "approve", now)
            return self._view(tx, after)

    def withdraw(self, caller: Party, name: str, key: RequestKey) -> BudgetView:
        """Take a proposal back, or refuse it; limits in force stay as they are."""
        with self._store.write() as tx:
            before = budget_for(tx, caller, name)
            if made_before(tx, caller, key) is not None:
                return self._view(tx, before)
            _proposed(before)
            then = BudgetState.ACTIVE if before.in_force else BudgetState.WITHDRAWN
            after = before.but(
                state=advance(BUDGET, name, before.state, then),
                proposal=None,
                revision=before.revision + 1,
            )
            self._keep(tx, caller, key, before, after, "withdraw", self._clock.now())
            return self._view(tx, after)

    def _view(self, tx: Transaction, budget: Budget) -> BudgetView:
        return BudgetView(budget, tx.account(budget.name))

    def _keep(
        self,
        tx: Transaction,
        caller: Party,
        key: RequestKey,
        before: Budget | None,
        after: Budget,
        action: str,
        now: datetime,
    ) -> None:
        tx.put_budget(after, expected_revision=None if before is None else before.revision)
        remember(tx, caller, key, after.name)
        details = {"kind": after.scope.kind.value, "state": after.state.value}
        for field in ("dataset", "recipient", "project"):
            if (value := getattr(after.scope, field)) is not None:
                details[field] = value
        for label, limits in (
            ("limits", after.limits),
            ("proposed", None if after.proposal is None else after.proposal.limits),
        ):
            if limits is not None:
                details[label] = f"epsilon {limits.epsilon}, delta {limits.delta}"[:200]
        if after.proposal is not None:
            details["proposed_by"] = after.proposal.proposed_by
        tx.audit(
            AuditEvent(
                actor=caller.name,
                action=f"budget.{action}",
                resource=after.name,
                outcome="ok",
                details=details,
            ),
            now,
        )


def _proposed(budget: Budget) -> BudgetProposal:
    if budget.proposal is None:
        raise FailedPrecondition(
            f"nothing is proposed for {budget.name}", reason="NOT_PROPOSED", resource=budget.name
        )
    return budget.proposal


def _refuse_unknown(tx: Transaction, scope: BudgetScope, now: datetime) -> None:
    if scope.dataset is not None and tx.dataset(scope.dataset) is None:
        raise InvalidRequest.of("scope.dataset", f"{scope.dataset} does not exist")
    if scope.recipient is not None:
        recipient = tx.party(scope.recipient)
        if recipient is None or recipient.role is not Role.CONSUMER:
            raise InvalidRequest.of("scope.recipient", f"{scope.recipient} is not a consumer")
    if scope.kind is BudgetKind.PROJECT and scope.ends is not None and scope.ends <= now:
        raise InvalidRequest.of("scope.ends", "later than now")
