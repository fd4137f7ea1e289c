"""Budgets of privacy loss hold: under two hundred debits at once, and through kills at any point.

After each test the ledger is added up anew from the charges themselves, and from the plans of the
answers: nothing is lost, nothing is charged twice, nothing is spent above a limit.
"""

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from uuid import uuid4

import pytest

from gateway.api.pb import statistics_pb2
from gateway.client import Unreachable
from gateway.errors import GatewayError, QuotaExhausted
from gateway.model.catalog import ParquetSource
from gateway.model.mechanisms import PrivacyEvent
from gateway.testing import residents

KILLED = -9
SEALED = statistics_pb2.ANSWER_STATE_SEALED
DELTA = "1e-18"  # so small that epsilons add up, and one can count how many fit
COUNTING = (Path(__file__).parents[1] / "statistics.yaml").read_text("utf-8")
COLUMNS = ("resident_id", "district", "sex", "income")


def at(point: str, call: int = 1, when: str = "before") -> dict[str, object]:
    return {"point": point, "call": call, "when": when}


class Asker:
    """A consumer who asks, on a site whose officers set budgets."""

    def __init__(self, site, epsilon: str) -> None:
        self.site = site
        self.limit = Fraction(epsilon)

    def prepare(self, gateway) -> None:
        self.site.write(residents(2000, 7))
        gateway.client("holder").register(
            "residents",
            ParquetSource(path="residents.parquet"),
            title="Residents",
            privacy_unit="resident_id",
        )
        gateway.activate(COUNTING)
        gateway.grant(COLUMNS)
        for recipient in ("consumer", None):
            proposed = gateway.client("officer").propose_budget(
                epsilon=str(self.limit),
                delta=DELTA,
                reason="a study",
                dataset="residents",
                recipient=recipient,
            )
            gateway.client("second-officer").approve_budget(proposed)

    def ask(self, gateway, number: int, epsilon: str = "0.1", request_id: str | None = None):
        """Each number is another question, so that no answer is another's."""
        return gateway.client("consumer").ask(
            f"SELECT COUNT(*) AS n{number} FROM residents",  # noqa: S608 - of a test's own making
            "residents",
            self.site.purpose,
            epsilon=epsilon,
            request_id=request_id or uuid4().hex,
        )

    def added_up(self) -> dict[str, Fraction]:
        """What each budget has spent, from its charges; everything else must agree with that."""
        spent = {}
        charged: dict[str, Counter[str]] = {}
        for name, body in self.site.select("SELECT name, body FROM budget"):
            limit = Fraction(json.loads(body)["limits"]["epsilon"])
            rows = self.site.select(
                "SELECT answer, events, spent, sequence FROM privacy_charge"
                " WHERE budget = :name AND refunded = 0 ORDER BY sequence",
                name=name,
            )
            events = [
                PrivacyEvent.model_validate(event)
                for _, body, _, _ in rows
                for event in json.loads(body)
            ]
            spent[name] = sum(
                (event.mechanism.epsilon * event.count for event in events), Fraction(0)
            )
            assert spent[name] <= limit, "overspent"
            assert all(Fraction(row[2]) <= limit for row in rows)
            if rows:
                assert Fraction(rows[-1][2]) == spent[name]
            charged[name] = Counter(row[0] for row in rows)
            assert set(charged[name].values()) <= {1}, "charged twice"
            kinds: Counter[str] = Counter()
            for event in events:
                kinds[event.but(count=1).digest()] += event.count
            kept = self.site.select(
                "SELECT event, count FROM privacy_loss WHERE budget = :name AND count > 0",
                name=name,
            )
            assert dict(kept) == dict(kinds), "the ledger is not the sum of its charges"
            for sequence in (row[3] for row in rows):
                ((entry,),) = self.site.select(
                    "SELECT body FROM audit WHERE sequence = :at", at=sequence
                )
                assert json.loads(entry)["event"]["action"] == "answer.open"
        answers = {
            name
            for name, state, body in self.site.select("SELECT name, state, body FROM answer")
            if state != "denied" and not json.loads(body)["refunded"]
        }
        for name, of_budget in charged.items():
            assert set(of_budget) == answers, f"{name} lost a charge, or has one too many"
        return spent


# ---- many at once ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.timeout(300)
def test_two_hundred_debits_at_once_over_two_gateways_never_overspend(postgres_site) -> None:
    asker = Asker(postgres_site, "10")
    with postgres_site.running() as first, postgres_site.running() as second:
        asker.prepare(first)
        start = threading.Barrier(80)

        def debit(number: int) -> object:
            if number < 80:
                start.wait(60)
            try:
                return asker.ask((first, second)[number % 2], number)
            except GatewayError as error:
                return error

        with ThreadPoolExecutor(80) as threads:
            found = list(threads.map(debit, range(200)))
        refused = [one for one in found if isinstance(one, QuotaExhausted)]
        answered = [one for one in found if isinstance(one, statistics_pb2.Answer)]
        assert len(answered) + len(refused) == 200, [
            one for one in found if one not in answered and one not in refused
        ]
        assert {one.reason for one in refused} == {"BUDGET_EXHAUSTED"}
        assert len(answered) == 100  # tenths in ten
        assert set(asker.added_up().values()) == {Fraction(10)}
        for gateway in (first, second):
            verified = gateway.client("auditor").verify_audit()
            assert verified.whole, verified.fault
            table = gateway.client("consumer").table(answered[-1])
            assert table.num_rows == 1


@pytest.mark.postgres
def test_one_request_that_both_get_is_charged_and_answered_once(postgres_site) -> None:
    asker = Asker(postgres_site, "10")
    with postgres_site.running() as first, postgres_site.running() as second:
        asker.prepare(first)
        request_id = uuid4().hex
        with ThreadPoolExecutor(8) as threads:
            found = list(
                threads.map(
                    lambda number: asker.ask((first, second)[number % 2], 1, "0.1", request_id),
                    range(8),
                )
            )
        assert len({answer.name for answer in found}) == 1
        assert len({answer.table for answer in found}) == 1  # noise was drawn once
        assert set(asker.added_up().values()) == {Fraction(1, 10)}


# ---- kills -----------------------------------------------------------------------------------------

# In the order in which a question meets them: the first commit charges, the second seals.
POINTS = [
    at("ask"),
    at("wrap"),
    at("commit"),
    at("commit", when="after"),
    at("unwrap"),
    at("answer"),
    at("answer", when="after"),
    at("create", when="after"),
    at("publish"),
    at("rename", when="after"),
    at("sign", when="after"),
    at("commit", 2),
    at("commit", 2, when="after"),
]
INSTANTS = [{"after_ms": 2 + 9 * number} for number in range(12)]


def survive(asker, breaks: list[dict[str, object]]) -> None:
    """One gateway after another: each goes on with what the one before it left, then dies."""
    site = asker.site
    asked: list[str] = []
    for number, broken in enumerate(breaks):
        request_id = uuid4().hex
        with site.running(breaks=[broken], armed_by=request_id) as gateway:
            if asked:
                finish(asker, gateway, number - 1, asked[-1])
            asked.append(request_id)
            with suppress(Unreachable):
                asker.ask(gateway, number, "0.1", request_id)
            if "after_ms" in broken:
                gateway.kill()
            else:
                assert gateway.await_end() == KILLED, broken
        asker.added_up()
        site.later()
    with site.running() as gateway:
        finish(asker, gateway, len(breaks) - 1, asked[-1])
        assert set(asker.added_up().values()) == {Fraction(len(breaks), 10)}
        verified = gateway.client("auditor").verify_audit()
        assert verified.whole, verified.fault
        for answer in gateway.client("consumer").answers():
            assert answer.state == SEALED
        assert gateway.stop() == 0
    with site.running():
        site.until(lambda: len(site.staged()) == len(breaks))


def finish(asker, gateway, number: int, request_id: str) -> None:
    """The same request again, after a restart: answered, whole, and charged once."""
    first = asker.ask(gateway, number, "0.1", request_id)
    again = asker.ask(gateway, number, "0.1", request_id)
    assert first.state == SEALED
    assert (first.name, first.table) == (again.name, again.table)
    assert gateway.client("consumer").table(first).num_rows == 1


@pytest.mark.slow
def test_a_gateway_killed_at_every_step_of_a_question_loses_and_doubles_no_charge(site) -> None:
    asker = Asker(site, "10")
    with site.running() as gateway:
        asker.prepare(gateway)
    survive(asker, POINTS)


@pytest.mark.slow
@pytest.mark.postgres
def test_a_gateway_killed_at_any_instant_loses_and_doubles_no_charge(postgres_site) -> None:
    asker = Asker(postgres_site, "10")
    with postgres_site.running() as gateway:
        asker.prepare(gateway)
    commits = [point for point in POINTS if point["point"] == "commit"]
    survive(asker, [*commits, *INSTANTS])


def test_an_answer_whose_gateways_all_die_fails_in_the_end_and_stays_charged(site) -> None:
    asker = Asker(site, "10")
    with site.running() as gateway:
        asker.prepare(gateway)
    request_id = uuid4().hex
    for _ in range(3):
        with site.running(breaks=[at("answer", when="after")], armed_by=request_id) as gateway:
            with suppress(Unreachable):
                asker.ask(gateway, 1, "0.1", request_id)
            assert gateway.await_end() == KILLED
        site.later()
    with site.running() as gateway:
        with pytest.raises(GatewayError) as refused:
            asker.ask(gateway, 1, "0.1", request_id)
        assert refused.value.reason == "INTERRUPTED"
        assert set(asker.added_up().values()) == {Fraction(1, 10)}
        assert site.data_keys() == 0


def test_what_was_not_read_is_refunded_and_nothing_else(site) -> None:
    """The source goes away between the charge and the reading: before, nothing is charged."""
    asker = Asker(site, "10")
    with site.running() as gateway:
        asker.prepare(gateway)
        file = site.data / "residents.parquet"
        kept = file.read_bytes()
        file.unlink()
        with pytest.raises(GatewayError):
            asker.ask(gateway, 1)
        assert set(asker.added_up().values()) == {Fraction(0)}
        file.write_bytes(kept)
    request_id = uuid4().hex
    with site.running(
        breaks=[{"point": "source", "call": 2, "pause": 3.0}], armed_by=request_id
    ) as gateway:
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(asker.ask, gateway, 2, "0.1", request_id)
            site.until(lambda: site.count("privacy_charge") > 0)
            file.unlink()
            with pytest.raises(GatewayError) as refused:
                asked.result(30)
        assert refused.value.reason == "SOURCE_UNAVAILABLE"
        (answer,) = gateway.client("consumer").answers(state="failed")
        assert answer.refunded
        assert set(asker.added_up().values()) == {Fraction(0)}
        assert asker.site.select("SELECT count(*) FROM privacy_charge WHERE refunded = 1") == [(2,)]
        # The same request again does not charge it anew, and is not answered.
        file.write_bytes(kept)
        with pytest.raises(GatewayError):
            asker.ask(gateway, 2, "0.1", request_id)
        assert set(asker.added_up().values()) == {Fraction(0)}
