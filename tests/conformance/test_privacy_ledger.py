"""The ledger of privacy budgets: nothing that was charged is lost, moved or taken back twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway.errors import AlreadyExists, Conflict, GatewayFault
from gateway.model.audit import AuditEvent
from gateway.model.budgets import Budget, BudgetProposal, BudgetScope, Limits
from gateway.model.lifecycle import BudgetState
from gateway.model.mechanisms import DiscreteGaussian, DiscreteLaplace, PrivacyEvent
from gateway.planning.accounting import compose
from gateway.ports import Page, Transaction
from gateway.registry.privacy_accounts import PrivacyAccounts
from gateway.store.engine import WRITES, connect
from gateway.store.sql import SqlStore

NOW = datetime(2025, 3, 1, 8, 30, tzinfo=UTC)
ALL = Page(size=100)
LIMITS = Limits(epsilon="10", delta="1e-6")
SCOPE = BudgetScope.of_recipient("datasets/one", "parties/ann")
OTHER = BudgetScope.of_dataset("datasets/one")
EVENT = AuditEvent(actor="parties/ann", action="answer.open", resource="answers/x", outcome="ok")


def laplace(scale: str, count: int = 1, sampled: str | None = None) -> PrivacyEvent:
    mechanism = DiscreteLaplace(scale=scale, sensitivity=1)
    return PrivacyEvent(mechanism=mechanism, count=count, sampled=sampled)


def gaussian(variance: str, count: int = 1) -> PrivacyEvent:
    return PrivacyEvent(mechanism=DiscreteGaussian(variance=variance, sensitivity=1), count=count)


def budget(scope: BudgetScope = SCOPE, **fields: object) -> Budget:
    usual: dict[str, object] = {
        "name": scope.name,
        "scope": scope,
        "state": BudgetState.ACTIVE,
        "limits": LIMITS,
        "approved_by": "parties/second",
        "approved": NOW,
        "created": NOW,
    }
    return Budget.model_validate(usual | fields)


class Book:
    """Charges and refunds on one budget, each under an audit entry of its own."""

    def __init__(self, store: SqlStore, scope: BudgetScope = SCOPE) -> None:
        self.store = store
        self.name = scope.name
        self.made = 0
        with store.write() as tx:
            tx.put_budget(budget(scope), expected_revision=None)

    def charge(self, *events: PrivacyEvent, answer: str | None = None, spent: str = "1") -> str:
        self.made += 1
        answer = answer or f"answers/a-{self.made:05d}"
        at = NOW + timedelta(seconds=self.made % 5)  # within what clocks may differ
        with self.store.write() as tx:
            entry = tx.audit(EVENT, at)
            tx.charge_loss(self.name, answer, events, entry.sequence, spent, at)
        return answer

    def refund(self, answer: str) -> None:
        with self.store.write() as tx:
            tx.refund_loss(self.name, answer)

    @contextmanager
    def look(self) -> Iterator[Transaction]:
        with self.store.read() as tx:
            yield tx


@pytest.fixture
def book(store: SqlStore) -> Book:
    return Book(store)


# ---- budgets ---------------------------------------------------------------------------------------


def test_a_budget_is_named_after_its_scope_and_there_is_one(store: SqlStore) -> None:
    with store.write() as tx:
        tx.put_budget(budget(), expected_revision=None)
        tx.put_budget(budget(OTHER), expected_revision=None)
        with pytest.raises(AlreadyExists):
            tx.put_budget(budget(), expected_revision=None)
    with store.read() as tx:
        assert tx.budget(SCOPE.name) == budget()
        assert {found.name for found in tx.budgets(ALL, dataset="datasets/one")} == {
            SCOPE.name,
            OTHER.name,
        }
        assert [found.name for found in tx.budgets(ALL, recipient="parties/ann")] == [SCOPE.name]
        assert not tx.budgets(ALL, recipient="parties/bea")
        assert not tx.budgets(ALL, state=BudgetState.PROPOSED)


def test_of_two_officers_who_change_a_budget_at_once_one_is_told(store: SqlStore) -> None:
    proposal = BudgetProposal(proposed_by="parties/first", limits=LIMITS, reason="more", at=NOW)
    changing = budget(state=BudgetState.CHANGING, proposal=proposal, revision=2)
    with store.write() as tx:
        tx.put_budget(budget(), expected_revision=None)
        tx.put_budget(changing, expected_revision=1)
    with pytest.raises(Conflict), store.write() as tx:
        tx.put_budget(changing, expected_revision=1)


def test_budgets_of_a_project_are_found_with_their_periods(store: SqlStore) -> None:
    spring = BudgetScope(
        kind="project", project="flu-study", begins=NOW, ends=NOW + timedelta(days=90)
    )
    summer = BudgetScope(
        kind="project",
        project="flu-study",
        begins=NOW + timedelta(days=90),
        ends=NOW + timedelta(days=180),
    )
    with store.write() as tx:
        for scope in (spring, summer):
            tx.put_budget(budget(scope), expected_revision=None)
    with store.read() as tx:
        found = tx.budgets(ALL, project="flu-study")
        assert sum(one.scope.holds(NOW) for one in found) == 1
        assert {one.scope for one in found} == {spring, summer}
        assert not tx.budgets(ALL, project="other-study")


# ---- charges ---------------------------------------------------------------------------------------


def test_every_charge_is_kept_and_kinds_are_counted_together(book: Book) -> None:
    book.charge(laplace("2"))
    book.charge(laplace("2", 3), gaussian("100"))
    book.charge(laplace("5"))
    with book.look() as tx:
        assert set(tx.losses(book.name)) == {laplace("2", 4), gaussian("100"), laplace("5")}
        account = tx.account(book.name)
        assert (account.charges, account.refunds) == (3, 0)
        assert account.sequence == tx.audit_head().sequence
        assert len(tx.burn_down(book.name, 10)) == 3


def test_cells_that_were_sampled_together_are_not_added_to_others(book: Book) -> None:
    """Two cells of one sample lose something else than one cell of each of two samples."""
    book.charge(laplace("2", 2, sampled="1/10"))
    book.charge(laplace("2", 1, sampled="1/10"))
    book.charge(laplace("2", 2, sampled="1/10"))
    with book.look() as tx:
        found = tx.losses(book.name)
    twice, once = laplace("2", 2, sampled="1/10"), laplace("2", 1, sampled="1/10")
    assert sorted(found, key=lambda event: event.count) == [once, twice, twice]


def test_what_was_charged_since_is_told_in_order(book: Book) -> None:
    book.charge(laplace("2"))
    with book.look() as tx:
        seen = tx.account(book.name).sequence
    book.charge(laplace("3"))
    book.charge(gaussian("7"), laplace("4"))
    with book.look() as tx:
        assert tx.losses_after(book.name, seen) == [laplace("3"), gaussian("7"), laplace("4")]
        assert tx.losses_after(book.name, tx.account(book.name).sequence) == []


def test_an_answer_is_charged_once_to_a_budget(book: Book) -> None:
    answer = book.charge(laplace("2"))
    with pytest.raises(AlreadyExists):
        book.charge(laplace("2"), answer=answer)
    book.refund(answer)
    with pytest.raises(AlreadyExists):
        book.charge(laplace("2"), answer=answer)


def test_nothing_is_charged_for_no_events(book: Book) -> None:
    with pytest.raises(GatewayFault):
        book.charge()


def test_a_charge_is_taken_back_once_and_only_by_its_own_answer(book: Book) -> None:
    first, second = book.charge(laplace("2")), book.charge(laplace("2"), gaussian("9"))
    book.refund(second)
    for unknown in (second, "answers/a-none"):
        with pytest.raises(GatewayFault):
            book.refund(unknown)
    with book.look() as tx:
        assert tx.losses(book.name) == [laplace("2")]
        assert (tx.account(book.name).charges, tx.account(book.name).refunds) == (2, 1)
        assert [point.answer for point in tx.burn_down(book.name, 10)] == [first]


def test_a_burn_down_of_many_charges_is_thinned_and_ends_with_the_newest(book: Book) -> None:
    answers = [book.charge(laplace("2"), spent=str(number)) for number in range(1, 26)]
    with book.look() as tx:
        points = tx.burn_down(book.name, 10)
    assert len(points) <= 10
    assert points[-1].answer == answers[-1]
    spent = [Fraction(point.spent) for point in points]
    assert spent == sorted(spent)


def test_budgets_do_not_see_each_others_charges(store: SqlStore) -> None:
    mine, others = Book(store), Book(store, OTHER)
    mine.charge(laplace("2"))
    with store.read() as tx:
        assert tx.losses(others.name) == []
        assert tx.account(others.name).charges == 0


# ---- what was spent --------------------------------------------------------------------------------

_EVENTS = st.lists(
    st.sampled_from([laplace("2"), laplace("50", 3), gaussian("400"), gaussian("90", 2)]),
    min_size=1,
    max_size=3,
)
_GRIDS = 3e-3
"""Losses are rounded up to a grid of 1e-4 at every composition, and the order of them differs."""

_ACTS = st.lists(st.one_of(_EVENTS, st.just("refund")), max_size=12)


@settings(max_examples=40)
@given(_ACTS, st.lists(st.booleans(), min_size=12, max_size=12))
def test_the_composed_loss_is_that_of_all_charges_that_stand(sqlite_book, acts, seen) -> None:
    """Whatever a process saw of the ledger before: two of them, one looks now and then."""
    book = sqlite_book()
    steady, fitful = PrivacyAccounts(), PrivacyAccounts()
    standing: dict[str, list[PrivacyEvent]] = {}
    for act, look in zip(acts, seen, strict=False):
        if act != "refund":
            standing[book.charge(*act)] = act
        elif standing:
            answer = next(iter(standing))
            book.refund(answer)
            del standing[answer]
        with book.look() as tx:
            mine = steady.spent(tx, book.name, "1e-6")
            if look:
                other = float(fitful.spent(tx, book.name, "1e-6"))
                assert other == pytest.approx(float(mine), abs=_GRIDS)
        events = [event for charged in standing.values() for event in charged]
        truly = compose(events).epsilon(Fraction(1, 10**6))
        assert float(mine) == pytest.approx(truly, abs=_GRIDS)


@pytest.fixture(scope="module")
def sqlite_book(_sqlite_template, tmp_path_factory):
    """Books on one SQLite file, each on a budget of its own."""
    file = tmp_path_factory.mktemp("ledger") / "store.db"
    file.write_bytes(_sqlite_template.read_bytes())
    opened = SqlStore(f"sqlite:///{file}")
    made = iter(range(1_000_000))

    def another() -> Book:
        return Book(opened, BudgetScope.of_dataset(f"datasets/n-{next(made)}"))

    yield another
    opened.close()


# ---- what the database itself refuses --------------------------------------------------------------

FORBIDDEN = {
    "remove a charge": "DELETE FROM privacy_charge",
    "empty a charge": "UPDATE privacy_charge SET events = '[]'",
    "charge another answer": "UPDATE privacy_charge SET answer = 'answers/other'",
    "charge another budget": "UPDATE privacy_charge SET budget = 'budgets/other'",
    "date a charge back": "UPDATE privacy_charge SET at = 0",
    "take a refund back": "UPDATE privacy_charge SET refunded = 0",
    "refund twice": "UPDATE privacy_charge SET refunded = 2",
    "remove an account": "DELETE FROM privacy_account",
    "turn an account back": "UPDATE privacy_account SET sequence = 0",
    "forget a charge": "UPDATE privacy_account SET charges = 0",
    "forget a loss": "DELETE FROM privacy_loss",
    "make a loss negative": "UPDATE privacy_loss SET count = -1",
    "remove a budget": "DELETE FROM budget",
    "change limits in place": "UPDATE budget SET body = 'x'",
}


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_the_database_refuses_to(store_url: str, statement: str) -> None:
    store = SqlStore(store_url)
    book = Book(store)
    book.refund(book.charge(laplace("2")))
    book.charge(laplace("2"))
    store.close()
    engine = connect(store_url)
    try:
        with engine.connect() as connection:
            connection.execution_options(**{WRITES: True})
            with pytest.raises(DBAPIError), connection.begin():
                connection.execute(text(statement))
    finally:
        engine.dispose()
