"""Budgets of privacy loss, and the ledger of what was spent of each.

A charge is a row of its own and is added to the events of its budget, each kind of which is one row
with a count: a hundred thousand charges are composed from as many rows as there are kinds.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Select, select

from gateway.errors import AlreadyExists, GatewayFault
from gateway.model.budgets import Budget, BurnPoint
from gateway.model.lifecycle import BudgetState
from gateway.model.mechanisms import PrivacyEvent
from gateway.model.noun import canonical_json
from gateway.ports import Account, Page
from gateway.store import tables
from gateway.store.datasets import check_revision
from gateway.store.unit import Unit, microseconds, moment, read_noun


class Budgets(Unit):
    """Rows of ``budget``, ``privacy_charge``, ``privacy_account`` and ``privacy_loss``."""

    # ---- budgets ----------------------------------------------------------------------------------

    def put_budget(self, budget: Budget, *, expected_revision: int | None) -> None:
        """Insert (expected None; AlreadyExists) or replace that revision (Conflict, NotFound)."""
        table = tables.budget
        row = {
            "dataset": budget.scope.dataset,
            "recipient": budget.scope.recipient,
            "project": budget.scope.project,
            "state": budget.state,
            "revision": budget.revision,
            "body": budget.model_dump_json(),
        }
        stored = self._connection.execute(
            select(table.c.revision).where(table.c.name == budget.name)
        ).scalar_one_or_none()
        if expected_revision is None:
            if stored is not None:
                raise AlreadyExists(f"{budget.name} exists already", resource=budget.name)
            self._insert(table, {"name": budget.name, **row})
            return
        check_revision(budget.name, stored, expected_revision, budget.revision)
        self._writing().execute(table.update().where(table.c.name == budget.name).values(row))

    def budget(self, name: str) -> Budget | None:
        table = tables.budget
        row = self._row(select(table.c.body).where(table.c.name == name))
        return None if row is None else read_noun(Budget, row["body"])

    def budgets(
        self,
        page: Page,
        *,
        dataset: str | None = None,
        recipient: str | None = None,
        holder: str | None = None,
        project: str | None = None,
        state: BudgetState | None = None,
    ) -> list[Budget]:
        """By name; ``holder`` is who holds the data set now; ``page.after`` is a name."""
        table = tables.budget
        statement: Select[tuple[str]] = select(table.c.body).order_by(table.c.name)
        if holder is not None:
            held = select(tables.dataset.c.name).where(tables.dataset.c.holder == holder)
            statement = statement.where(table.c.dataset.in_(held))
        wanted = {"dataset": dataset, "recipient": recipient, "project": project, "state": state}
        for column, value in wanted.items():
            if value is not None:
                statement = statement.where(table.c[column] == value)
        if page.after is not None:
            statement = statement.where(table.c.name > page.after)
        return [
            read_noun(Budget, b) for b in self._bodies(statement.limit(page.size), table.c.body)
        ]

    # ---- what was spent ---------------------------------------------------------------------------

    def account(self, budget: str) -> Account:
        """How far the budget's ledger is."""
        table = tables.privacy_account
        row = self._row(select(table).where(table.c.budget == budget))
        if row is None:
            return Account(charges=0, refunds=0, sequence=0, spent="0")
        return Account(
            charges=row["charges"],
            refunds=row["refunds"],
            sequence=row["sequence"],
            spent=row["spent"],
        )

    def losses(self, budget: str) -> list[PrivacyEvent]:
        """All events charged and not taken back, each kind once."""
        table = tables.privacy_loss
        rows = self._connection.execute(
            select(table.c.body, table.c.count)
            .where(table.c.budget == budget, table.c.count > 0)
            .order_by(table.c.event)
        )
        return [
            event
            for body, times in rows
            for event in _repeated(read_noun(PrivacyEvent, body), times)
        ]

    def losses_after(self, budget: str, sequence: int) -> list[PrivacyEvent]:
        """The events of charges after that audit entry, in order, taken back or not."""
        table = tables.privacy_charge
        bodies = self._connection.execute(
            select(table.c.events)
            .where(table.c.budget == budget, table.c.sequence > sequence)
            .order_by(table.c.sequence)
        ).scalars()
        return [event for body in bodies for event in _events(body)]

    def charge_loss(
        self,
        budget: str,
        answer: str,
        events: Sequence[PrivacyEvent],
        sequence: int,
        spent: str,
        at: datetime,
    ) -> None:
        """Charge ``events``; ``sequence`` is of the audit entry in this transaction. AlreadyExists
        when the answer was charged to this budget before."""
        if self._charged(budget, answer, refunded=None):
            raise AlreadyExists(f"{answer} was charged already", resource=answer)
        if not events:
            raise GatewayFault(f"{answer} would be answered at no cost")
        account = self.account(budget)
        self._insert(
            tables.privacy_charge,
            {
                "budget": budget,
                "sequence": sequence,
                "answer": answer,
                "at": microseconds(at),
                "spent": spent,
                "events": _body(events),
                "refunded": 0,
            },
        )
        for event in events:
            self._count(budget, event, 1)
        self._put_account(
            budget,
            replace(account, charges=account.charges + 1, sequence=sequence, spent=spent),
        )

    def refund_loss(self, budget: str, answer: str) -> None:
        """Take back what the answer was charged, once; what remains spent in all is to be restated.

        GatewayFault when it was not charged, or taken back before.
        """
        table = tables.privacy_charge
        bodies = self._charged(budget, answer, refunded=0)
        if len(bodies) != 1:
            raise GatewayFault(
                f"{answer} has no charge that could be taken back", reason="NOT_CHARGED"
            )
        of_answer = (table.c.budget == budget) & (table.c.answer == answer)
        self._writing().execute(table.update().where(of_answer).values(refunded=1))
        for event in _events(bodies[0]):
            self._count(budget, event, -1)
        account = self.account(budget)
        self._put_account(
            budget,
            replace(account, refunds=account.refunds + 1),
        )

    def restate(self, budget: str, spent: str) -> None:
        """Say what is spent in all at another delta."""
        account = self.account(budget)
        self._put_account(budget, replace(account, spent=spent))

    def burn_down(self, budget: str, points: int) -> list[BurnPoint]:
        """At most so many of the charges that stand, evenly spread over them, the newest among
        them; oldest first."""
        table = tables.privacy_charge
        stands = (table.c.budget == budget) & (table.c.refunded == 0)
        sequences = list(
            self._connection.execute(
                select(table.c.sequence).where(stands).order_by(table.c.sequence)
            ).scalars()
        )
        step = -(-len(sequences) // points) if sequences else 1
        wanted = sequences[::-1][::step]
        rows = self._connection.execute(
            select(table.c.at, table.c.spent, table.c.answer)
            .where(stands, table.c.sequence.in_(wanted))
            .order_by(table.c.sequence)
        )
        return [BurnPoint(at=moment(at), spent=spent, answer=answer) for at, spent, answer in rows]

    def _charged(self, budget: str, answer: str, refunded: int | None) -> list[str]:
        table = tables.privacy_charge
        statement = select(table.c.events).where(table.c.budget == budget, table.c.answer == answer)
        if refunded is not None:
            statement = statement.where(table.c.refunded == refunded)
        return list(self._connection.execute(statement).scalars())

    def _count(self, budget: str, event: PrivacyEvent, sign: int) -> None:
        table = tables.privacy_loss
        one, times = _kind(event)
        digest, count = one.digest(), sign * times
        known = (table.c.budget == budget) & (table.c.event == digest)
        raised = table.update().where(known).values(count=table.c.count + count)
        if self._writing().execute(raised).rowcount == 0:
            body = one.model_dump_json()
            row = {"budget": budget, "event": digest, "count": count, "body": body}
            self._insert(table, row)

    def _put_account(self, budget: str, account: Account) -> None:
        table = tables.privacy_account
        row = {
            "charges": account.charges,
            "refunds": account.refunds,
            "sequence": account.sequence,
            "spent": account.spent,
        }
        changed = table.update().where(table.c.budget == budget).values(row)
        if not self._writing().execute(changed).rowcount:
            self._insert(table, {"budget": budget, **row})


def _kind(event: PrivacyEvent) -> tuple[PrivacyEvent, int]:
    """What the event is a repetition of, and how often. Cells that were sampled together are not
    the same as cells that were each sampled."""
    return (event.but(count=1), event.count) if event.sampled is None else (event, 1)


def _repeated(kind: PrivacyEvent, times: int) -> list[PrivacyEvent]:
    """Inverse of ``_kind``, as few events as there can be."""
    return [kind.but(count=times)] if kind.sampled is None else [kind] * times


def _body(events: Sequence[PrivacyEvent]) -> str:
    return canonical_json([event.model_dump(mode="json") for event in events]).decode()


def _events(body: str) -> list[PrivacyEvent]:
    return [PrivacyEvent.model_validate(event) for event in json.loads(body)]
