"""The demonstration's questions: price, answer with interval, what remains, and the end of a budget."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.markup import escape

from gateway.cli.budget import scope_text
from gateway.cli.burn_down import show_burn_down
from gateway.cli.output import OUT
from gateway.cli.query import show_answer, show_price
from gateway.client import Client, DeniedRecords, plain
from gateway.errors import QuotaExhausted

PURPOSE: Final = "official-statistics"
POLICY: Final = f"""
format: gateway-policy/1
name: policies/demo-statistics
title: Statistics with differential privacy
purposes: {{{PURPOSE}: "Figures about the population, none about a person."}}
rules:
  - name: numbers
    match: {{role: [quasi_identifier, sensitive, other], grade: {{at_most: general-4}}}}
    statistics: {{max_epsilon: 1, minimum_frequency: 20}}
"""
COLUMNS: Final = ("district", "income", "sex")
LIMIT, LIMIT_OF_ALL, DELTA = "1.2", "5", "1e-6"
# What is asked, with epsilon and delta. Ranges and groups are written or found, never taken from
# the data for free.
QUESTIONS: Final = (
    ("SELECT COUNT(*) AS residents FROM residents WHERE income > 200000", "0.2", None),
    ("SELECT MEDIAN(CLAMP(income, 0, 500000)) AS median FROM residents", "0.4", None),
    (
        (
            "SELECT district, COUNT(*) AS n, AVG(CLAMP(income, 0, 500000)) AS mean "
            "FROM residents GROUP BY district ORDER BY n DESC LIMIT 5"
        ),
        "0.5",
        "1e-9",
    ),
)
TOO_MUCH: Final = ("SELECT SUM(CLAMP(income, 0, 500000)) AS total FROM residents", "0.6", None)


class StatisticsSteps:
    """The steps; ``step`` announces one, ``claim`` ends the demonstration where something does not
    hold, and ``approved`` has a grant approved."""

    def __init__(
        self,
        clients: Mapping[str, Client],
        data: Path,
        step: Callable[[str], None],
        claim: Callable[[bool, str], None],
        approved: Callable[[str], str],
    ) -> None:
        self._clients = clients
        self._data = data
        self._step = step
        self._claim = claim
        self._approved = approved

    def run(self) -> None:
        """All of them."""
        self._permit()
        self._set_budgets()
        self._ask()
        self._exhaust()

    def _permit(self) -> None:
        self._step(
            "Statistics: a policy and a grant permit them; without a budget nothing is answered"
        )
        draft = self._clients["officer"].create_policy(POLICY)
        self._clients["second-officer"].activate_policy(draft.name, draft.version)
        grant = self._clients["consumer"].request_grant(
            "residents", list(COLUMNS), PURPOSE, justification="a yearbook", days=30
        )
        self._approved(grant.name)
        sql, epsilon, _ = QUESTIONS[0]
        try:
            self._clients["consumer"].ask(sql, "residents", PURPOSE, epsilon=epsilon)
        except DeniedRecords as denied:
            codes = {code for code, _ in denied.reasons}
            self._claim(codes == {"NO_BUDGET"}, "without a budget nothing is answered")
            for code, text in denied.reasons:
                OUT.print(f"  {code}: {escape(text)}")
        else:
            self._claim(False, "without a budget nothing is answered")

    def _set_budgets(self) -> None:
        self._step("Two officers set budgets: one of the consumer, one of all recipients together")
        for recipient, limit in (("consumer", LIMIT), (None, LIMIT_OF_ALL)):
            proposed = self._clients["officer"].propose_budget(
                epsilon=limit,
                delta=DELTA,
                reason="a yearbook",
                dataset="residents",
                recipient=recipient,
            )
            budget = plain(self._clients["second-officer"].approve_budget(proposed))
            self._claim(budget["state"] == "active", "the budget is in force")
            OUT.print(
                f"  {escape(scope_text(budget['scope']))}: epsilon {budget['epsilon']} at delta "
                f"{budget['delta']}"
            )

    def _ask(self) -> None:
        consumer = self._clients["consumer"]
        for sql, epsilon, delta in QUESTIONS:
            self._step("A question: its price before anything is read, then its answer")
            OUT.print(f"  {escape(sql)}", style="bold")
            asked: dict[str, Any] = {"epsilon": epsilon, "delta": delta}
            price = plain(consumer.price(sql, "residents", PURPOSE, **asked))
            self._claim(price["price"]["affordable"], "the budget covers it")
            show_price(price)
            answer = consumer.ask(sql, "residents", PURPOSE, **asked)
            self._claim(
                answer.price.plan_digest == price["price"]["plan_digest"],
                "what is answered is what was priced",
            )
            table = consumer.table(answer)
            show_answer(plain(answer), table)
            again = consumer.ask(sql, "residents", PURPOSE, **asked)
            self._claim(again.reused, "the same question again costs nothing")
            self._claim(consumer.table(again).equals(table), "and has the same answer")
            if sql == QUESTIONS[0][0]:
                self._compare(table.to_pylist()[0])

    def _compare(self, row: dict[str, Any]) -> None:
        """Only the demonstration, which made the residents up, can look behind the noise."""
        incomes = pq.read_table(self._data / "residents.parquet", columns=["income"])["income"]
        true = pc.sum(pc.greater(incomes, 200_000)).as_py()
        reach = row["residents_upper"] - row["residents"]
        # 95 % is a chance; noise of ten intervals is none.
        self._claim(abs(row["residents"] - true) <= 10 * reach, "the answer is near the truth")
        OUT.print(f"  the truth, which the answer hides: {true:,}")

    def _exhaust(self) -> None:
        self._step("The budget is spent: refused, at no cost")
        consumer = self._clients["consumer"]
        sql, epsilon, _ = TOO_MUCH
        OUT.print(f"  {escape(sql)}", style="bold")
        try:
            consumer.ask(sql, "residents", PURPOSE, epsilon=epsilon)
        except QuotaExhausted as refused:
            self._claim(refused.reason == "BUDGET_EXHAUSTED", "the budget is spent")
            OUT.print(f"  {escape(refused.message)}")
        else:
            self._claim(False, "a spent budget answers nothing")
        (listed,) = consumer.budgets("residents")
        budget = plain(consumer.budget(listed))
        self._claim(budget["charges"] == len(QUESTIONS), "only what was answered was charged")
        show_burn_down(budget)
        OUT.print(f"  left: epsilon {budget['left']} of {budget['epsilon']}")
