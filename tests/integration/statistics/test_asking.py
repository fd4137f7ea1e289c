"""A question from its text to its sealed answer: priced, decided, charged once, answered once."""

import base64
import json
from fractions import Fraction

import pytest

from gateway.errors import (
    AlreadyExists,
    CheckFailed,
    FailedPrecondition,
    GatewayError,
    HolderError,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    QuotaExhausted,
)
from gateway.model.budgets import BudgetScope, Limits
from gateway.model.lifecycle import AnswerState, BudgetState
from gateway.model.names import RecipientKind, Role
from gateway.model.release import Ending
from gateway.ports import Page
from gateway.release.answering import _STOPPED
from gateway.testing import residents

BY_DISTRICT = "SELECT district, COUNT(*) AS n FROM residents GROUP BY district"
MINE = BudgetScope.of_recipient("datasets/residents", "parties/consumer")
ALL = BudgetScope.of_dataset("datasets/residents")


def spent(bureau, scope=MINE) -> Fraction:
    """Of two small losses a little less than their sum: the budget's delta covers the rest."""
    with bureau.rooms.store.read() as tx:
        return Fraction(tx.account(scope.name).spent)


def about(epsilon: str) -> object:
    return pytest.approx(float(Fraction(epsilon)), abs=1e-4)


def records(bureau) -> int:
    with bureau.rooms.store.read() as tx:
        return len(tx.answers(Page(size=500)))


# ---- answering ---------------------------------------------------------------------------------------


def test_an_answer_is_noisy_with_an_interval_and_charged_to_every_budget(bureau) -> None:
    bureau.prepare()
    record = bureau.ask(epsilon="0.5")
    assert record.state is AnswerState.SEALED
    table = bureau.table(record)
    assert table.column_names == ["n", "n_lower", "n_upper"]
    (row,) = table.to_pylist()
    assert row["n_lower"] < row["n"] < row["n_upper"]
    assert abs(row["n"] - 500) < 200  # noise of scale 2: further off once in e^100
    assert spent(bureau) == spent(bureau, ALL) == about("0.5")
    assert {one.budget for one in record.charged} == {MINE.name, ALL.name}
    assert ("answer.open", "ok") in bureau.office.actions()
    assert ("answer.seal", "ok") in bureau.office.actions()


def test_the_charge_stands_at_the_audit_entry_of_the_opening(bureau) -> None:
    bureau.prepare()
    record = bureau.ask()
    with bureau.rooms.store.read() as tx:
        assert tx.account(MINE.name).sequence == record.opened_at.sequence
        (entry,) = tx.audit_entries(record.opened_at.sequence - 1, 1)
    assert (entry.event.action, entry.event.resource) == ("answer.open", record.name)
    assert entry.hash == record.opened_at.hash


def test_a_retry_gets_the_same_answer_and_is_charged_once(bureau) -> None:
    bureau.prepare()
    key = bureau.office.key()
    first, second = bureau.ask(key=key), bureau.ask(key=key)
    assert first == second
    assert bureau.table(first) == bureau.table(second)
    assert spent(bureau) == about("0.5")


def test_a_request_id_of_another_question_is_refused(bureau) -> None:
    bureau.prepare()
    key = bureau.office.key()
    bureau.ask(key=key)
    with pytest.raises(AlreadyExists):
        bureau.ask(key=key.but(request_digest="1" * 64))


def test_the_same_question_is_answered_from_the_first_answer_at_no_cost(bureau) -> None:
    bureau.prepare()
    first = bureau.ask()
    settled = bureau.statistics.asking.ask(
        bureau.office.consumer, bureau.request(), bureau.office.key()
    )
    assert settled.reused
    assert settled.record == first
    assert spent(bureau) == about("0.5")
    assert ("answer.reuse", "ok") in bureau.office.actions()


@pytest.mark.parametrize(
    "changed",
    [{"epsilon": "0.6"}, {"sql": "SELECT COUNT(*) AS m FROM residents"}, {"delta": "1e-9"}],
    ids=str,
)
def test_another_question_is_charged(bureau, changed) -> None:
    bureau.prepare()
    bureau.ask()
    before = spent(bureau)
    bureau.ask(**changed)
    assert spent(bureau) > before


def test_of_other_content_the_same_question_is_another(bureau) -> None:
    bureau.prepare()
    first = bureau.ask()
    bureau.write(residents(600, 8))
    second = bureau.ask()
    assert second.name != first.name
    assert spent(bureau) == about("1")


def test_another_consumer_is_charged_for_the_same_question(bureau) -> None:
    bureau.prepare()
    bureau.ask()
    other = bureau.office.another("other", Role.CONSUMER, RecipientKind.RESEARCH)
    bureau.office.grant(bureau.office.request(bureau.columns), who=other)
    bureau.budget(BudgetScope.of_recipient("datasets/residents", other.name))
    bureau.ask(who=other)
    assert spent(bureau, ALL) == about("1")


# ---- price -------------------------------------------------------------------------------------------


def test_a_dry_run_prices_and_stores_nothing(bureau) -> None:
    bureau.prepare()
    log = bureau.office.actions()
    preview = bureau.statistics.asking.preview(bureau.office.consumer, bureau.request())
    assert preview.plan is not None
    assert preview.plan.claim.epsilon == "1/2"
    (expected,) = preview.plan.expected
    assert Fraction(expected.half_width) > 0
    assert [left.budget.name for left in preview.left] == [MINE.name]  # what others spent is theirs
    assert preview.left[0].left == 10
    assert not preview.exceeded
    assert records(bureau) == 0
    assert bureau.office.actions() == log
    assert spent(bureau) == 0


def test_the_price_is_what_is_charged(bureau) -> None:
    bureau.prepare()
    request = bureau.request(epsilon="0.7")
    preview = bureau.statistics.asking.preview(bureau.office.consumer, request)
    record = bureau.ask(epsilon="0.7")
    assert record.plan == preview.plan


def test_a_dry_run_tells_which_budget_is_too_small(bureau) -> None:
    bureau.prepare(epsilon="1")
    preview = bureau.statistics.asking.preview(
        bureau.office.consumer, bureau.request(epsilon="1.5")
    )
    assert [left.budget.name for left in preview.exceeded] == [MINE.name]


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELECT * FROM residents", InvalidRequest),
        ("SELECT COUNT(*) FROM nothing", InvalidRequest),
        ("SELECT COUNT(*) FROM other_set", InvalidRequest),
        ("SELECT SUM(no_such) FROM residents", InvalidRequest),
        ("SELECT resident_id FROM residents", InvalidRequest),
        ("DROP TABLE residents", InvalidRequest),
        ("SELECT COUNT(*) FROM residents; SELECT 1", InvalidRequest),
        (BY_DISTRICT, InvalidRequest),  # groups that must be found, without a delta
    ],
)
def test_a_question_of_the_wrong_shape_costs_nothing(bureau, sql, error) -> None:
    bureau.prepare()
    with pytest.raises(error):
        bureau.ask(sql)
    assert spent(bureau) == 0
    assert records(bureau) == 0


# ---- denied ------------------------------------------------------------------------------------------


def test_without_a_budget_nothing_is_answered(bureau) -> None:
    bureau.permitted()
    record = bureau.ask()
    assert record.state is AnswerState.DENIED
    assert {reason.code for reason in record.decision.reasons} == {"NO_BUDGET"}
    assert len(record.decision.reasons) == 2  # for the recipient, and for all recipients
    bureau.budget(MINE)
    assert bureau.ask().state is AnswerState.DENIED
    bureau.budget(ALL)
    assert bureau.ask().state is AnswerState.SEALED


def test_a_budget_that_is_only_proposed_is_none(bureau) -> None:
    bureau.permitted()
    bureau.budget(ALL)
    budgets = bureau.statistics.budgets
    limits = Limits(epsilon="1", delta="1e-6")
    budgets.propose(bureau.office.officer, MINE, limits, "a study", bureau.office.key())
    assert bureau.ask().state is AnswerState.DENIED


def test_without_a_grant_nothing_is_answered_and_nothing_charged(bureau) -> None:
    bureau.prepare()
    other = bureau.office.another("other", Role.CONSUMER, RecipientKind.RESEARCH)
    bureau.budget(BudgetScope.of_recipient("datasets/residents", other.name))
    record = bureau.ask(who=other)
    assert record.state is AnswerState.DENIED
    assert spent(bureau, ALL) == 0


def test_a_project_needs_a_budget_of_its_own_in_its_period(bureau) -> None:
    bureau.prepare(project="flu-study")
    assert bureau.ask(project="flu-study").state is AnswerState.DENIED
    now = bureau.office.clock.now()
    scope = BudgetScope(kind="project", project="flu-study", begins=now, ends=now + bureau.days(5))
    bureau.budget(scope, "1")
    record = bureau.ask(project="flu-study", epsilon="0.8")
    assert record.state is AnswerState.SEALED
    assert spent(bureau, scope) == spent(bureau) == about("0.8")
    with pytest.raises(QuotaExhausted):
        bureau.ask(project="flu-study", epsilon="0.9")
    bureau.office.clock.move(days=6)
    assert bureau.ask(project="flu-study", epsilon="0.1").state is AnswerState.DENIED


# ---- exhausted ---------------------------------------------------------------------------------------


def test_a_budget_holds_to_the_last_digit(bureau) -> None:
    bureau.prepare(epsilon="1.1", delta="1e-18")  # so small that epsilons add up
    bureau.ask(epsilon="0.5")
    bureau.ask(epsilon="0.6")
    assert spent(bureau) == Fraction(11, 10)
    with pytest.raises(QuotaExhausted) as refused:
        bureau.ask(epsilon="1e-6")
    assert refused.value.reason == "BUDGET_EXHAUSTED"
    assert records(bureau) == 2


def test_what_others_spent_is_not_told(bureau) -> None:
    bureau.prepare(all_epsilon="1")
    bureau.ask(epsilon="0.25")
    with pytest.raises(QuotaExhausted) as refused:
        bureau.ask(epsilon="0.8")
    assert "all recipients" in refused.value.message
    assert "0.25" not in refused.value.message
    assert "0.75" not in refused.value.message


def test_a_dry_run_does_not_tell_what_others_have_left(bureau) -> None:
    bureau.prepare(epsilon="90", all_epsilon="3", project="flu-study")
    now = bureau.office.clock.now()
    scope = BudgetScope(kind="project", project="flu-study", begins=now, ends=now + bureau.days(5))
    bureau.budget(scope, "3")
    for epsilon in ("2", "4", "19"):
        preview = bureau.statistics.asking.preview(
            bureau.office.consumer, bureau.request(epsilon=epsilon, project="flu-study")
        )
        assert [left.budget.name for left in preview.left] == [MINE.name]
        assert not preview.exceeded
    with pytest.raises(QuotaExhausted):
        bureau.ask(epsilon="4", project="flu-study")


def test_a_certificate_tells_nothing_of_what_was_spent(bureau) -> None:
    bureau.prepare()
    record = bureau.ask()
    payload = json.loads(base64.b64decode(json.loads(record.certificate)["payload"]))
    assert payload["predicate"]["budgets"] == [MINE.name]
    assert all(one.spent not in json.dumps(payload) for one in record.charged)


def test_many_small_questions_cost_less_than_their_sum(bureau) -> None:
    bureau.prepare(epsilon="10")
    for number in range(12):
        sql = f"SELECT COUNT(*) AS n{number} FROM residents"  # noqa: S608 - of our own making
        bureau.ask(sql, epsilon="0.2")
    assert 0 < spent(bureau) < Fraction(12, 5)


@pytest.mark.parametrize("epsilon", ["0", "-1", "nan", "inf", "1e99", "", "0.5e", "1/0", "101"])
def test_an_epsilon_that_means_nothing_is_refused_first(bureau, epsilon) -> None:
    with pytest.raises(ValueError, match="epsilon"):
        bureau.request(epsilon=epsilon)


# ---- what comes after --------------------------------------------------------------------------------


def test_only_who_asked_reads_and_only_while_the_grant_lasts(bureau) -> None:
    bureau.prepare()
    record = bureau.ask()
    for party in (bureau.office.holder, bureau.office.officer, bureau.office.auditor):
        with pytest.raises(NotFound):
            bureau.table(record, party)
    (granted,) = record.plan.grants
    bureau.rooms.grants.revoke(bureau.office.holder, granted, "over", bureau.office.key())
    with pytest.raises(PermissionDenied):
        bureau.table(record)


def test_an_answer_expires_and_its_charge_stays(bureau) -> None:
    bureau.prepare()
    record = bureau.ask()
    bureau.office.clock.move(days=9)
    assert bureau.statistics.answers.expire() == 0
    bureau.office.clock.move(days=400)
    assert bureau.statistics.answers.expire() == 1
    with pytest.raises(FailedPrecondition):
        bureau.table(record)
    assert spent(bureau) == about("0.5")
    assert not bureau.staged()


def test_the_sweep_leaves_sealed_answers_alone(bureau) -> None:
    bureau.prepare()
    record = bureau.ask()
    for _ in range(3):
        bureau.office.clock.move(hours=5)
        bureau.rooms.custody.sweep()
    assert bureau.table(record).num_rows == 1


# ---- budgets under four eyes -------------------------------------------------------------------------


def test_nobody_approves_the_limits_that_they_proposed(bureau) -> None:
    bureau.permitted()
    office, budgets = bureau.office, bureau.statistics.budgets
    limits = Limits(epsilon="1", delta="1e-6")
    view = budgets.propose(office.officer, MINE, limits, "a study", office.key())
    with pytest.raises(PermissionDenied) as refused:
        budgets.approve(office.officer, MINE.name, view.budget.revision, office.key())
    assert refused.value.reason == "OWN_RESOURCE"
    with pytest.raises(GatewayError):  # not what was read
        budgets.approve(office.second_officer, MINE.name, 7, office.key())
    approved = budgets.approve(office.second_officer, MINE.name, view.budget.revision, office.key())
    assert approved.budget.state is BudgetState.ACTIVE


def test_other_limits_leave_what_was_spent(bureau) -> None:
    bureau.prepare(epsilon="1")
    bureau.ask(epsilon="0.9")
    bureau.budget(MINE, "2")
    assert spent(bureau) == about("0.9")
    bureau.ask(epsilon="1.1")
    bureau.budget(MINE, "0.5")  # less than was spent: nothing more is answered
    with pytest.raises(QuotaExhausted):
        bureau.ask(epsilon="0.01")
    assert spent(bureau) == about("2")


def test_a_withdrawn_proposal_leaves_the_limits_in_force(bureau) -> None:
    bureau.prepare(epsilon="1")
    office, budgets = bureau.office, bureau.statistics.budgets
    budgets.propose(office.officer, MINE, Limits(epsilon="9", delta="1e-6"), "more", office.key())
    with pytest.raises(FailedPrecondition):  # one at a time
        budgets.propose(
            office.officer, MINE, Limits(epsilon="8", delta="1e-6"), "more", office.key()
        )
    view = budgets.withdraw(office.second_officer, MINE.name, office.key())
    assert view.budget.limits == Limits(epsilon="1", delta="1e-6")
    with pytest.raises(QuotaExhausted):
        bureau.ask(epsilon="1.5")


def test_whose_budgets_one_sees(bureau) -> None:
    bureau.prepare()
    office, budgets = bureau.office, bureau.statistics.budgets
    page = Page(size=10)
    other = office.another("other", Role.CONSUMER, RecipientKind.RESEARCH)
    stranger = office.another("stranger", Role.HOLDER, RecipientKind.GOVERNMENT)

    def seen(party) -> set[str]:
        return {view.budget.name for view in budgets.all(party, page, None, None)}

    assert seen(office.consumer) == {MINE.name}
    assert seen(other) == seen(stranger) == set()
    for party in (office.holder, office.officer, office.auditor):
        assert seen(party) == {MINE.name, ALL.name}
    for party in (other, stranger):
        with pytest.raises(NotFound):
            budgets.get(party, MINE.name)
    with pytest.raises(NotFound):
        budgets.get(office.consumer, ALL.name)


@pytest.mark.parametrize(
    ("epsilon", "delta"),
    [("0", "1e-6"), ("-1", "1e-6"), ("101", "1e-6"), ("nan", "1e-6"), ("1", "0"), ("1", "0.01")],
)
def test_limits_that_protect_nobody_are_refused(epsilon, delta) -> None:
    with pytest.raises(ValueError, match=r"epsilon|delta"):
        Limits(epsilon=epsilon, delta=delta)


# ---- refunds -----------------------------------------------------------------------------------------


class Killed(BaseException):
    """Ends an attempt as a signal does: nothing is written any more."""


class Broken:
    """A ports.Statistician that reads, and then fails."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def answer(self, plan, sources):
        raise self._error


def test_what_was_read_is_never_refunded(bureau, monkeypatch) -> None:
    bureau.prepare()
    broken = Broken(CheckFailed("memory does not do for this question"))
    monkeypatch.setattr(bureau.statistics.answering, "_statistician", broken)
    record = bureau.ask()
    assert (record.state, record.refunded) == (AnswerState.FAILED, False)
    assert record.ending.reason == "CHECK_FAILED"
    assert spent(bureau) == spent(bureau, ALL) == about("0.5")
    assert not bureau.staged()
    with bureau.rooms.store.read() as tx:
        assert tx.key(record.name) is None


def test_a_source_that_went_away_before_it_was_read_is_refunded(bureau) -> None:
    bureau.prepare()
    bureau.ask(epsilon="0.25")
    settled = bureau.statistics.asking.ask(
        bureau.office.consumer, bureau.request(), bureau.office.key()
    )
    assert spent(bureau) == about("0.75")
    (bureau.office.data / "residents.parquet").unlink()
    record = bureau.statistics.answering.answer(settled.record, settled.owner)
    assert (record.state, record.refunded) == (AnswerState.FAILED, True)
    assert spent(bureau) == spent(bureau, ALL) == about("0.25")


def test_content_that_changed_since_the_price_is_not_read_and_refunded(bureau) -> None:
    bureau.prepare()
    settled = bureau.statistics.asking.ask(
        bureau.office.consumer, bureau.request(), bureau.office.key()
    )
    bureau.write(residents(700, 9))
    record = bureau.statistics.answering.answer(settled.record, settled.owner)
    assert record.ending.reason == "SOURCE_CHANGED"
    assert record.refunded
    assert spent(bureau) == 0


def test_a_refund_that_was_rolled_back_is_forgotten(bureau) -> None:
    bureau.prepare()
    asking, answering = bureau.statistics.asking, bureau.statistics.answering
    large, small = (
        asking.ask(bureau.office.consumer, bureau.request(epsilon=epsilon), bureau.office.key())
        for epsilon in ("0.7", "0.2")
    )

    def lost() -> None:
        with bureau.rooms.store.write() as tx:
            answering._refund(tx, large.record)
            raise OSError("the connection was lost")

    with pytest.raises(OSError, match="lost"):
        lost()
    assert spent(bureau) == about("0.9")
    (bureau.office.data / "residents.parquet").unlink()
    assert answering.answer(small.record, small.owner).refunded
    assert spent(bureau) == spent(bureau, ALL) == about("0.7")


def test_an_attempt_after_one_that_may_have_read_refunds_nothing(bureau, monkeypatch) -> None:
    bureau.prepare()
    key = bureau.office.key()
    whole = bureau.statistics.answering._statistician
    monkeypatch.setattr(bureau.statistics.answering, "_statistician", Broken(Killed()))
    with pytest.raises(Killed):
        bureau.ask(key=key)
    monkeypatch.setattr(bureau.statistics.answering, "_statistician", whole)
    bureau.office.clock.move(minutes=2)  # its lease lapses
    (bureau.office.data / "residents.parquet").unlink()
    record = bureau.ask(key=key)
    assert (record.state, record.attempt, record.refunded) == (AnswerState.FAILED, 2, False)
    assert spent(bureau) == about("0.5")


SECRETS = (
    RuntimeError("Conversion Error: 'Maria' is no number"),
    ValueError("Maria"),
    CheckFailed("memory does not do for Maria"),
    HolderError("Maria cannot be read"),
    RecursionError("Maria"),
    MemoryError("Maria"),
)


@pytest.mark.parametrize("error", SECRETS, ids=lambda error: type(error).__name__)
def test_whatever_goes_wrong_among_rows_ends_with_the_same_words(
    bureau, monkeypatch, error
) -> None:
    bureau.prepare()
    monkeypatch.setattr(bureau.statistics.answering, "_statistician", Broken(error))
    record = bureau.ask()
    assert (record.state, record.refunded) == (AnswerState.FAILED, False)
    assert record.ending == Ending(reason="CHECK_FAILED", text=_STOPPED)
    assert spent(bureau) == about("0.5")
    assert not bureau.staged()


def test_an_interrupted_answer_that_nobody_comes_back_for_ends_and_stays_charged(
    bureau, monkeypatch
) -> None:
    bureau.prepare()
    monkeypatch.setattr(bureau.statistics.answering, "_statistician", Broken(Killed()))
    with pytest.raises(Killed):
        bureau.ask()
    bureau.office.clock.move(hours=3)
    assert bureau.statistics.answers.expire() == 0
    bureau.office.clock.move(days=2)
    assert bureau.statistics.answers.expire() == 1
    (record,) = bureau.statistics.answers.all(
        bureau.office.consumer, Page(size=9), None, AnswerState.FAILED
    )
    assert record.ending.reason == "INTERRUPTED"
    assert spent(bureau) == about("0.5")
