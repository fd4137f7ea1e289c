"""Re-identification under dual control, on a whole gateway: who may, what comes back, what is kept."""

import hmac
import re
import threading
from datetime import timedelta

import pyarrow as pa
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from gateway.errors import (
    AlreadyExists,
    Conflict,
    FailedPrecondition,
    GatewayError,
    InvalidRequest,
    KeyDestroyed,
    NotFound,
    PermissionDenied,
    QuotaExhausted,
    StagingCorrupt,
)
from gateway.model.access import Verdict
from gateway.model.key_domains import name_of, owner_of
from gateway.model.lifecycle import ReidentificationState
from gateway.model.names import RecipientKind, Role
from gateway.model.noun import canonical_json
from gateway.model.reidentification import Case, NoticeState, answer_context
from gateway.ports import Page, StagedChunk
from gateway.registry.reversal_digests import TokenDigests
from gateway.release.sealed_columns import present
from gateway.testing import residents
from gateway.transform.derivation import derive
from tests.integration.conftest import Office

POLICY = """
format: gateway-policy/1
name: policies/reversible
purposes: {study: A study.}
rules:
  - name: phones
    match: {entity: [CN_MOBILE]}
    transform: {kind: encrypt_identifier, profile: mobile, scope: project}
  - name: identity-numbers
    match: {entity: [CN_RESIDENT_ID]}
    transform: {kind: reversible_token, scope: project}
  - name: accounts
    match: {entity: [CN_BANK_CARD]}
    transform: {kind: token, scope: project}
  - name: names
    match: {entity: [PERSON]}
    transform: {kind: mask_form, form: chinese_name}
  - name: districts
    match: {column: [district]}
    transform: {kind: keep}
"""
COLUMNS = ("resident_id", "phone", "bank_card", "name", "district")
ALL = Page(size=100)
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class Desk:
    """An office with a sealed release, and the steps of a request."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.key = X25519PrivateKey.generate()
        self.source = residents(300, 7)
        office.register(self.source)
        office.activate(POLICY)
        self.wish = office.request(COLUMNS, purpose="study", project="city-health")
        self.grant = office.grant(self.wish)
        self.release = self.released()
        self.table = office.table(self.release)

    @property
    def rooms(self):
        return self.office.rooms

    def released(self, who=None):
        who = who or self.office.consumer
        release = self.rooms.opening.open(who, self.wish, self.office.key())
        self.rooms.runner.run(release.name)
        return self.rooms.custody.get(who, release.name)

    def tokens(self, column="resident_id", count=5):
        return [t for t in self.table.column(column).to_pylist() if t is not None][:count]

    def case(self, column="resident_id", **fields):
        return Case.model_validate(
            {
                "release": self.release.name,
                "column": column,
                "basis": "statutory_duty",
                "reason": "infectious disease act, article 30",
                "case_number": "2026-117",
                "recipient_key": self.key.public_key().public_bytes_raw().hex(),
                **fields,
            }
        )

    def ask(self, tokens=None, column="resident_id", who=None, key=None, **fields):
        tokens = self.tokens(column) if tokens is None else tokens
        return self.rooms.reidentifications.request(
            who or self.office.consumer,
            self.case(column, **fields),
            tokens,
            key or self.office.key(),
        )

    def decide(self, asked, officer, verdict=Verdict.APPROVED, key=None):
        return self.rooms.reidentifications.decide(
            officer, asked.name, verdict, "fits", asked.revision, key or self.office.key()
        )

    def approve(self, asked):
        once = self.decide(asked, self.office.officer)
        return self.decide(once, self.office.second_officer)

    def answer(self, asked, tokens, who=None, key=None):
        return self.rooms.reidentifying.answer(
            who or self.office.consumer, asked.name, tokens, key or self.office.key()
        )

    def opened(self, answer, key=None):
        context = answer.reidentification.answer_context
        stream = SUITE.decrypt(answer.sealed, key or self.key, info=context)
        table = pa.ipc.open_stream(stream).read_all()
        return dict(zip(table["token"].to_pylist(), table["value"].to_pylist(), strict=True))

    def taken_back(self, tokens, column="resident_id", who=None):
        asked = self.approve(self.ask(tokens, column, who))
        return self.opened(self.answer(asked, tokens, who))

    def look(self, asked):
        return self.rooms.reidentifications.get(self.office.auditor, asked.name)

    def actions(self):
        entries = self.rooms.trail.entries(0, 1000)
        return [e.event for e in entries if e.event.action.startswith("reidentification.")]


@pytest.fixture
def desk(office) -> Desk:
    return Desk(office)


@pytest.fixture
def any_desk(any_office) -> Desk:
    return Desk(any_office)


@pytest.mark.parametrize("column", ["resident_id", "phone"])
def test_what_two_officers_approve_comes_back_to_the_requester_alone(any_desk, column):
    desk = any_desk
    tokens = desk.tokens(column)
    real = set(desk.source.column(column).drop_null().to_pylist())
    asked = desk.ask(tokens, column)
    assert asked.state is ReidentificationState.REQUESTED
    once = desk.decide(asked, desk.office.officer)
    assert once.state is ReidentificationState.REQUESTED
    twice = desk.decide(once, desk.office.second_officer)
    assert twice.state is ReidentificationState.APPROVED
    answer = desk.answer(twice, tokens)
    values = desk.opened(answer)
    assert set(values) == set(tokens)
    assert set(values.values()) <= real
    assert len(set(values.values())) == len(tokens)
    for value in (*values.values(), *tokens):
        assert value.encode() not in answer.sealed
        assert value not in repr(answer)
    with pytest.raises(InvalidTag):
        desk.opened(answer, X25519PrivateKey.generate())
    kept = desk.look(asked)
    assert kept.answered.reversed == len(tokens)
    assert [event.action.removeprefix("reidentification.") for event in desk.actions()] == [
        "request", "approve", "approve", "answer",
    ]  # fmt: skip
    assert desk.actions()[-1].details["reversed"] == str(len(tokens))


def test_the_rows_of_the_source_come_back_and_no_others(desk):
    """Each token gives exactly the value of its own row: the columns go through one order."""
    by_district: dict[str, set] = {}
    for row in desk.source.select(["district", "resident_id"]).to_pylist():
        by_district.setdefault(row["district"], set()).add(row["resident_id"])
    rows = desk.table.select(["district", "resident_id"]).slice(0, 100).to_pylist()
    values = desk.taken_back([row["resident_id"] for row in rows])
    for row in rows:
        assert values[row["resident_id"]] in by_district[row["district"]]


@pytest.mark.parametrize("column", ["bank_card", "name", "district"])
def test_irreversible_transforms_say_that_they_are(desk, column):
    with pytest.raises(FailedPrecondition) as refused:
        desk.ask(["anything"], column)
    assert refused.value.reason == "IRREVERSIBLE"
    assert column in refused.value.message


def test_whatever_is_wrong_with_a_token_it_only_has_no_value(desk):
    good = desk.tokens(count=1)[0]
    elsewhere = desk.office.request(COLUMNS, purpose="study", project="city-wealth")
    desk.office.grant(elsewhere)
    other = desk.rooms.opening.open(desk.office.consumer, elsewhere, desk.office.key())
    desk.rooms.runner.run(other.name)
    foreign = desk.office.table(desk.office.look(other)).column("resident_id")[0].as_py()
    wrong = [foreign, good[:-1], good[1:], good.upper() + "x", "０１２", "", "值", "a" * 4000]
    wrong = [token for token in wrong if token]
    values = desk.taken_back([good, *wrong])
    assert values.pop(good) is not None
    assert set(values.values()) == {None}


def test_a_token_that_is_not_in_the_release_has_no_value_though_the_key_would_take_it_back(desk):
    """Inside a project the key would reverse the tokens of other departments, too; and of a
    format-preserving encryption every valid number has an inverse."""
    others = residents(200, 99)
    desk.office.register(others, name="insured")
    wish = desk.wish.but(dataset="datasets/insured")
    desk.office.grant(wish)
    release = desk.rooms.opening.open(desk.office.consumer, wish, desk.office.key())
    desk.rooms.runner.run(release.name)
    table = desk.office.table(desk.office.look(release))
    for column in ("resident_id", "phone"):
        ours = set(desk.table.column(column).to_pylist())
        foreign = [
            token
            for token in table.column(column).to_pylist()
            if token is not None and token not in ours
        ][:3]
        assert len(foreign) == 3
        assert set(desk.taken_back(foreign, column).values()) == {None}


def test_nobody_alone_and_nobody_for_themselves(desk):
    asked = desk.ask()
    once = desk.decide(asked, desk.office.officer)
    with pytest.raises(FailedPrecondition, match="another officer") as refused:
        desk.decide(once, desk.office.officer)
    assert refused.value.reason == "APPROVAL_NOT_WANTED"
    with pytest.raises(FailedPrecondition, match="cannot become answered"):
        desk.answer(once, desk.tokens())
    # A party that is an officer by now had asked for it as something else.
    turned = desk.office.consumer.but(role=Role.OFFICER)
    with pytest.raises(PermissionDenied) as own:
        desk.decide(once, turned)
    assert own.value.reason == "OWN_RESOURCE"


def test_one_refusal_ends_it_also_after_approval(desk):
    refused = desk.decide(desk.ask(), desk.office.officer, Verdict.REFUSED)
    assert refused.state is ReidentificationState.REFUSED
    approved = desk.approve(desk.ask())
    ended = desk.decide(approved, desk.office.officer, Verdict.REFUSED)
    with pytest.raises(FailedPrecondition, match="cannot become answered"):
        desk.answer(ended, desk.tokens())
    third = desk.office.another("third-officer", Role.OFFICER, RecipientKind.GOVERNMENT)
    with pytest.raises(FailedPrecondition, match="cannot become approved"):
        desk.decide(ended, third)


def test_two_approvals_at_once_count_as_two_only_when_both_saw_the_other(any_desk):
    desk, outcomes = any_desk, []
    asked = desk.ask()
    together = threading.Barrier(2)

    def approve(officer) -> None:
        together.wait()
        try:
            outcomes.append(desk.decide(asked, officer).state)
        except GatewayError as error:
            outcomes.append(type(error))

    officers = (desk.office.officer, desk.office.second_officer)
    racers = [threading.Thread(target=approve, args=(officer,)) for officer in officers]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(map(str, outcomes)) == sorted(
        map(str, [Conflict, ReidentificationState.REQUESTED])
    )
    kept = desk.look(asked)
    assert (len(kept.approvers), kept.state) == (1, ReidentificationState.REQUESTED)


def test_two_answers_at_once_are_counted_once(any_desk):
    desk, outcomes = any_desk, []
    tokens = desk.tokens()
    asked = desk.approve(desk.ask(tokens))
    together = threading.Barrier(2)

    def fetch() -> None:
        together.wait()
        try:
            outcomes.append(desk.answer(asked, tokens).reidentification.state)
        except GatewayError as error:
            outcomes.append(error.code)

    racers = [threading.Thread(target=fetch) for _ in range(2)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(outcomes) == sorted(["FAILED_PRECONDITION", ReidentificationState.ANSWERED])
    assert [event.action for event in desk.actions()].count("reidentification.answer") == 1


def test_a_repeated_call_makes_one_request_and_one_answer(desk):
    tokens, key = desk.tokens(), desk.office.key()
    assert desk.ask(tokens, key=key).name == desk.ask(tokens, key=key).name
    with pytest.raises(AlreadyExists):
        desk.ask(tokens, key=key.model_copy(update={"request_digest": "1" * 64}))
    asked = desk.look(desk.ask(tokens, key=key))
    approving = desk.office.key()
    assert desk.decide(asked, desk.office.officer, key=approving) == desk.decide(
        asked, desk.office.officer, key=approving
    )
    approved = desk.decide(desk.look(asked), desk.office.second_officer)
    fetching = desk.office.key()
    first = desk.answer(approved, tokens, key=fetching)
    again = desk.answer(approved, tokens, key=fetching)
    assert desk.opened(first) == desk.opened(again)
    assert first.reidentification == again.reidentification
    *_, answered, repeated = desk.actions()
    assert answered.action == "reidentification.answer"
    assert repeated.action == "reidentification.answer_again"
    assert repeated.details["reversed"] == str(len(tokens)) == answered.details["reversed"]
    assert repeated.details["tokens_digest"] == answered.details["tokens_digest"]
    with pytest.raises(FailedPrecondition, match="cannot become answered"):
        desk.answer(approved, tokens)
    assert desk.actions()[-1] == repeated
    desk.office.clock.move(days=8)
    with pytest.raises(FailedPrecondition, match="the time of"):
        desk.answer(approved, tokens, key=fetching)


def test_only_the_tokens_that_were_approved_are_taken_back(desk):
    tokens = desk.tokens(count=6)
    asked = desk.approve(desk.ask(tokens[:5]))
    for others in (tokens[:4], tokens, tokens[1:6]):
        with pytest.raises(InvalidRequest, match="not those that were approved") as refused:
            desk.answer(asked, others)
        assert not any(token in refused.value.message for token in tokens)
    assert len(desk.opened(desk.answer(asked, tokens[4::-1]))) == 5


def test_time_runs_out_before_and_after_approval(desk):
    waiting, approved = desk.ask(), desk.approve(desk.ask())
    desk.office.clock.move(days=7)
    with pytest.raises(FailedPrecondition) as late:
        desk.decide(waiting, desk.office.officer)
    assert late.value.reason == "REIDENTIFICATION_EXPIRED"
    with pytest.raises(FailedPrecondition) as late:
        desk.answer(approved, desk.tokens())
    assert late.value.reason == "REIDENTIFICATION_EXPIRED"
    assert desk.rooms.reidentifications.expire() == 2
    assert desk.rooms.reidentifications.expire() == 0
    states = {r.state for r in desk.rooms.reidentifications.all(desk.office.auditor, ALL, None)}
    assert states == {ReidentificationState.EXPIRED}


def test_who_may_not_ask_learns_nothing(desk):
    stranger = desk.office.another("stranger", Role.CONSUMER, RecipientKind.RESEARCH)
    neighbour = desk.office.another("neighbour", Role.HOLDER, RecipientKind.GOVERNMENT)
    for who in (stranger, neighbour):
        with pytest.raises(NotFound) as hidden:
            desk.ask(who=who)
        with pytest.raises(NotFound) as absent:
            desk.ask(who=who, release="releases/none-such")
        assert hidden.value.message.replace(desk.release.name, "X") == (
            absent.value.message.replace("releases/none-such", "X")
        )
    asked = desk.approve(desk.ask())
    for who in (stranger, neighbour, desk.office.holder):
        with pytest.raises(NotFound):
            desk.answer(asked, desk.tokens(), who=who)
    with pytest.raises(NotFound):
        desk.rooms.reidentifications.get(stranger, asked.name)
    # The holder of the data set sees that it was asked for.
    assert desk.rooms.reidentifications.all(desk.office.holder, ALL, None) == [asked]
    assert desk.rooms.reidentifications.all(stranger, ALL, None) == []
    assert len(desk.taken_back(desk.tokens(), who=desk.office.holder)) == 5


def test_the_right_to_ask_ends_with_the_right_to_read(desk):
    tokens = desk.tokens()
    waiting = desk.approve(desk.ask(tokens))
    desk.rooms.grants.revoke(desk.office.holder, desk.grant.name, "enough", desk.office.key())
    for attempt in (lambda: desk.ask(tokens), lambda: desk.answer(waiting, tokens)):
        with pytest.raises(PermissionDenied) as ended:
            attempt()
        assert ended.value.reason == "GRANT_ENDED"
    held = desk.approve(desk.ask(tokens, who=desk.office.holder))
    desk.rooms.custody.recall(desk.office.holder, desk.release.name, "enough", desk.office.key())
    for attempt in (
        lambda: desk.ask(tokens, who=desk.office.holder),
        lambda: desk.answer(held, tokens, who=desk.office.holder),
    ):
        with pytest.raises(FailedPrecondition) as ended:
            attempt()
        assert ended.value.reason == "RELEASE_ENDED"


def test_a_party_of_the_settings_may_ask_about_what_has_ended_if_tokens_prove_themselves(office):
    allowed = office.settings.reidentification.model_copy(update={"authorised": ("prosecutor",)})
    office.settings = office.settings.model_copy(update={"reidentification": allowed})
    trusted = type(office)(office.folder, office.settings, office.clock)
    try:
        desk = Desk(trusted)
        prosecutor = trusted.another("prosecutor", Role.CONSUMER, RecipientKind.GOVERNMENT)
        tokens, phones = desk.tokens(), desk.tokens("phone")
        assert None not in desk.taken_back(phones, "phone", who=prosecutor).values()
        trusted.rooms.custody.recall(trusted.holder, desk.release.name, "x", trusted.key())
        values = desk.taken_back([*tokens, "no-token"], who=prosecutor)
        assert values.pop("no-token") is None
        assert set(values.values()) <= set(desk.source.column("resident_id").to_pylist())
        asked = desk.approve(desk.ask(phones, "phone", who=prosecutor))
        with pytest.raises(FailedPrecondition) as unproven:
            desk.answer(asked, phones, who=prosecutor)
        assert unproven.value.reason == "TOKENS_UNPROVEN"
        with pytest.raises(FailedPrecondition):  # and nobody else may
            desk.ask(tokens)
    finally:
        trusted.rooms.close()


def test_a_party_of_the_settings_gets_no_values_of_other_releases_than_the_one_it_named(office):
    """Officers approve a release and its data set; the project's key goes further than that."""
    allowed = office.settings.reidentification.model_copy(update={"authorised": ("prosecutor",)})
    settings = office.settings.model_copy(update={"reidentification": allowed})
    trusted = type(office)(office.folder, settings, office.clock)
    try:
        desk = Desk(trusted)
        prosecutor = trusted.another("prosecutor", Role.CONSUMER, RecipientKind.GOVERNMENT)
        trusted.register(residents(200, 99), name="insured")
        wish = desk.wish.but(dataset="datasets/insured")
        trusted.grant(wish)
        other = desk.rooms.opening.open(trusted.consumer, wish, trusted.key())
        desk.rooms.runner.run(other.name)
        table = trusted.table(trusted.look(other))
        foreign = [t for t in table["resident_id"].to_pylist() if t not in desk.tokens(count=300)]
        values = desk.taken_back([*desk.tokens(), *foreign[:3]], who=prosecutor)
        assert [values[token] for token in foreign[:3]] == [None] * 3
        assert None not in [values[token] for token in desk.tokens()]
    finally:
        trusted.rooms.close()


def test_an_approver_who_was_shut_out_since_counts_no_more(desk):
    asked = desk.approve(desk.ask())
    administrator = desk.office.party("admin")
    desk.rooms.parties.set_disabled(
        administrator, desk.office.second_officer.name, True, desk.office.key()
    )
    with pytest.raises(FailedPrecondition) as refused:
        desk.answer(asked, desk.tokens())
    assert refused.value.reason == "APPROVER_SHUT_OUT"
    with pytest.raises(FailedPrecondition, match="another officer must"):
        desk.decide(asked, desk.office.officer)
    third = desk.office.another("third-officer", Role.OFFICER, RecipientKind.GOVERNMENT)
    whole = desk.decide(asked, third)
    assert None not in desk.opened(desk.answer(whole, desk.tokens())).values()


def test_an_approval_of_an_officer_who_is_shut_out_is_not_the_first_of_two(desk):
    once = desk.decide(desk.ask(), desk.office.second_officer)
    desk.rooms.parties.set_disabled(
        desk.office.party("admin"), desk.office.second_officer.name, True, desk.office.key()
    )
    second = desk.decide(once, desk.office.officer)
    assert second.state is ReidentificationState.REQUESTED
    third = desk.office.another("third-officer", Role.OFFICER, RecipientKind.GOVERNMENT)
    whole = desk.decide(second, third)
    assert whole.state is ReidentificationState.APPROVED
    fourth = desk.office.another("fourth-officer", Role.OFFICER, RecipientKind.GOVERNMENT)
    with pytest.raises(FailedPrecondition, match="cannot become approved"):
        desk.decide(whole, fourth)


@pytest.mark.parametrize("quote", ["{}", "told {}, by letter", "为{}通知", "(“{}”)", "no. {}."])
def test_neither_tokens_nor_values_are_kept_in_what_is_said_of_notice(desk, quote):
    tokens = desk.tokens("phone")
    asked = desk.approve(desk.ask(tokens, "phone"))
    answer = desk.answer(asked, tokens)
    answered, (value, *_) = answer.reidentification, desk.opened(answer).values()
    for quoted in (tokens[0], value):
        with pytest.raises(InvalidRequest, match="quotes a token or a value") as refused:
            tell(desk, answered, desk.office.consumer, reason=quote.format(quoted))
        assert quoted not in refused.value.message
    # An officer finds out nothing by trying values.
    with pytest.raises(InvalidRequest):
        tell(desk, answered, desk.office.officer, days=3, reason=quote.format(tokens[1]))
    tell(desk, answered, desk.office.officer, days=3, reason=quote.format(value))


def test_an_officer_takes_back_that_notice_was_given(desk):
    tokens, now = desk.tokens(), desk.office.clock.now
    asked = desk.approve(desk.ask(tokens))
    answered = desk.answer(asked, tokens).reidentification
    officer, consumer = desk.office.officer, desk.office.consumer
    with pytest.raises(FailedPrecondition, match="no notice was recorded as given"):
        tell(desk, answered, officer, state=NoticeState.DUE)
    given = tell(desk, answered, consumer)
    with pytest.raises(PermissionDenied, match="takes notice back"):
        tell(desk, given, consumer, state=NoticeState.DUE)
    due = tell(desk, given, officer, state=NoticeState.DUE)
    assert due.notice(now()) is NoticeState.DUE
    assert [notice.state for notice in due.notices] == ["given", "due"]
    assert tell(desk, due, consumer).notice(now()) is NoticeState.GIVEN


def test_requests_and_tokens_are_limited_by_period(office):
    small = office.settings.reidentification.model_copy(
        update={"tokens_per_request": 4, "tokens_per_period": 8, "requests_per_period": 4}
    )
    settings = office.settings.model_copy(update={"reidentification": small})
    limited = type(office)(office.folder, settings, office.clock)
    try:
        desk = Desk(limited)
        with pytest.raises(InvalidRequest, match="1 to 4"):
            desk.ask(desk.tokens(count=5))
        desk.ask(desk.tokens(count=4))
        second = desk.ask(desk.tokens(count=4))
        with pytest.raises(QuotaExhausted) as spent:
            desk.ask(desk.tokens(count=1))
        assert spent.value.reason == "TOKEN_QUOTA_EXHAUSTED"
        # What is refused takes nothing back, and counts as a request alone.
        desk.decide(second, limited.officer, Verdict.REFUSED)
        desk.ask(desk.tokens(count=4))
        # Another party has limits of its own.
        assert desk.ask(desk.tokens(count=4), who=limited.holder)
        limited.clock.move(days=8)
        limited.rooms.reidentifications.expire()
        desk.ask(desk.tokens(count=4))
        with pytest.raises(QuotaExhausted) as spent:
            desk.ask(desk.tokens(count=1))
        assert spent.value.reason == "REIDENTIFICATION_QUOTA_EXHAUSTED"
    finally:
        limited.rooms.close()


@pytest.mark.parametrize(
    ("tokens", "fields", "told"),
    [
        ([], {}, "1 to 100"),
        (["same", "same"], {}, "named twice"),
        (["abcdef"], {"reason": "about the person behind abcdef"}, "quotes a token"),
        (["abcdef"], {"case_number": "abcdef"}, "quotes a token"),
        (["abcdef"], {"column": "no_such"}, "no such column; it has resident_id"),
    ],
)
def test_bad_requests_are_refused_without_being_quoted(desk, tokens, fields, told):
    column = fields.pop("column", "resident_id")
    with pytest.raises(InvalidRequest, match=told) as refused:
        desk.ask(tokens, column, **fields)
    assert "abcdef" not in refused.value.message
    assert desk.actions() == []


def test_the_persons_concerned_can_be_told(desk):
    tokens = desk.tokens()
    asked = desk.approve(desk.ask(tokens))
    with pytest.raises(FailedPrecondition, match="nobody is waiting"):
        tell(desk, asked, desk.office.officer)
    answer = desk.answer(asked, tokens)
    answered, values = answer.reidentification, desk.opened(answer)
    now = desk.office.clock.now
    assert answered.notice(now()) is NoticeState.DUE
    with pytest.raises(PermissionDenied, match="only an officer"):
        tell(desk, answered, desk.office.consumer, days=30)
    with pytest.raises(InvalidRequest, match="366"):
        tell(desk, answered, desk.office.officer, days=367)
    deferred = tell(desk, answered, desk.office.officer, days=30)
    assert deferred.notice(now()) is NoticeState.DEFERRED
    with pytest.raises(Conflict):
        tell(desk, answered, desk.office.consumer)
    desk.office.clock.move(days=31)
    assert deferred.notice(now()) is NoticeState.DUE
    told = tell(desk, deferred, desk.office.holder)
    assert told.notice(now()) is NoticeState.GIVEN
    with pytest.raises(FailedPrecondition, match="nobody is waiting"):
        tell(desk, told, desk.office.officer, days=3)

    # Somebody comes and asks: by value, or by token, also by that of another release.
    find = desk.rooms.reidentifications
    for value in values.values():
        assert find.about_person(desk.office.auditor, ALL, "resident_id", value) == [told]
    assert find.about_person(desk.office.officer, ALL, "phone", next(iter(values.values()))) == []
    spared = set(desk.source.column("resident_id").to_pylist()) - set(values.values())
    assert find.about_person(desk.office.officer, ALL, "resident_id", spared.pop()) == []
    where = (desk.release.name, "resident_id")
    assert find.about_token(desk.office.auditor, ALL, *where, tokens[0]) == [told]
    assert find.about_token(desk.office.auditor, ALL, *where, desk.tokens(count=6)[5]) == []


NOTES = """
format: gateway-policy/1
name: policies/notes
purposes: {care: How care is given.}
rules:
  - name: numbers
    match: {entity: [CN_RESIDENT_ID]}
    transform: {kind: reversible_token, scope: project}
  - name: notes
    match: {column: [note]}
    transform:
      kind: redact_text
      entities:
        CN_RESIDENT_ID: {kind: reversible_token, scope: project}
        CN_MOBILE: {kind: encrypt_identifier, profile: mobile}
        PERSON: replace
"""


def test_tokens_in_free_text_are_taken_back_where_they_prove_themselves(office):
    people = residents(40, 3)
    ids, phones = (people.column(c).to_pylist() for c in ("resident_id", "phone"))
    # Most stand apart; where letters stand close by, they are still found.
    texts = [f"身份证号{i}，电话{p or '无'}。" for i, p in zip(ids, phones, strict=True)]
    office.register(pa.table({"resident_id": ids, "note": texts}), name="notes")
    verdict = ("NONE", "general-4", "sensitive", "free text")
    dataset = office.rooms.catalog.get(office.holder, "datasets/notes")
    office.rooms.catalog.override(
        office.officer, dataset.name, "note", *verdict, dataset.revision, office.key()
    )
    office.activate(NOTES)
    wish = office.request(
        ("resident_id", "note"), dataset="datasets/notes", purpose="care", project="city-health"
    )
    office.grant(wish)
    desk = Desk.__new__(Desk)
    desk.office, desk.key, desk.wish = office, X25519PrivateKey.generate(), wish
    desk.release = desk.released()
    desk.table = office.table(desk.release)

    by_column = dict(
        zip(*(desk.table[c].to_pylist() for c in ("resident_id", "note")), strict=True)
    )
    tokens = list(by_column)[:5]
    assert all(token in by_column[token] for token in tokens)  # the same ones as in the column
    asked = desk.approve(desk.ask([*tokens, "x" * 55], "note", entity="CN_RESIDENT_ID"))
    values = desk.opened(desk.answer(asked, [*tokens, "x" * 55]))
    assert values.pop("x" * 55) is None
    assert len(set(values.values()) & set(ids)) == 5
    assert desk.taken_back(tokens) == values

    # The person is found by the element, whichever column the token was asked for in.
    value = next(iter(values.values()))
    found = desk.rooms.reidentifications.about_person(office.auditor, ALL, "resident_id", value)
    assert len(found) == 2
    where = (desk.release.name, "note", tokens[0], "CN_RESIDENT_ID")
    assert len(desk.rooms.reidentifications.about_token(office.auditor, ALL, *where)) == 2

    with pytest.raises(InvalidRequest, match="name what the tokens stand for; it has CN_RES"):
        desk.ask(tokens, "note")
    with pytest.raises(InvalidRequest, match="column resident_id is none"):
        desk.ask(tokens, "resident_id", entity="CN_RESIDENT_ID")
    for entity in ("CN_MOBILE", "PERSON", "EMAIL_ADDRESS"):
        with pytest.raises(FailedPrecondition) as refused:
            desk.ask(["13800138000"], "note", entity=entity)
        assert refused.value.reason == "IRREVERSIBLE"


def test_a_token_stands_in_a_text_wherever_it_stands():
    batch = pa.record_batch({"note": ["号abc12，x", "ID:zz9", "noteabc77 end", None, "", "ab"]})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        for _ in range(3):
            writer.write_batch(batch)
    chunk = StagedChunk(0, sink.getvalue().to_pybytes(), 18, last=True)
    tokens = pa.array(["abc12", "zz9", "abc77", "absent", "(a+)+$"])
    held = present(iter([chunk]), "note", tokens, in_text=True)
    assert set(held.to_pylist()) == {"abc12", "zz9", "abc77"}
    assert present(iter([chunk]), "note", tokens, in_text=False).to_pylist() == []
    with pytest.raises(StagingCorrupt):
        present(iter([StagedChunk(0, b"damaged", 1, last=True)]), "note", tokens)


def test_a_key_ring_far_away_is_not_asked_once_a_token(desk, monkeypatch):
    asked, unwrap = [], desk.rooms.keyring.unwrap
    monkeypatch.setattr(
        desk.rooms.keyring, "unwrap", lambda *args: asked.append(args[1]) or unwrap(*args)
    )
    tokens = desk.tokens(count=100)
    request = desk.ask(tokens)
    desk.answer(desk.approve(request), tokens)
    assert len(asked) < 12, asked


def test_nobody_finds_values_by_trying_them(desk):
    tokens = desk.tokens()
    values = desk.taken_back(tokens)
    find, most = (
        desk.rooms.reidentifications,
        desk.office.settings.reidentification.searches_per_day,
    )
    where = (desk.release.name, "resident_id")
    for number in range(most):
        if number % 2:
            find.about_person(desk.office.officer, ALL, "resident_id", f"guess-{number}")
        else:
            find.about_token(desk.office.officer, ALL, *where, f"guess-{number}")
    value = next(iter(values.values()))
    for attempt in (
        lambda: find.about_person(desk.office.officer, ALL, "resident_id", value),
        lambda: find.about_token(desk.office.officer, ALL, *where, tokens[0]),
    ):
        with pytest.raises(QuotaExhausted) as spent:
            attempt()
        assert spent.value.reason == "SEARCH_QUOTA_EXHAUSTED"
    # Another's searches are their own, and a day later there are more.
    assert len(find.about_person(desk.office.auditor, ALL, "resident_id", value)) == 1
    searches = [e for e in desk.actions() if e.action == "reidentification.find"]
    assert len(searches) == most + 1
    assert searches[-1].details == {"by": "person", "column": "resident_id", "found": "1"}
    desk.office.clock.move(days=1, seconds=1)
    assert len(find.about_person(desk.office.officer, ALL, "resident_id", value)) == 1


def tell(desk, asked, who, days=None, reason="by letter", state=None):
    until = None
    if days is not None:
        until = desk.office.clock.now() + timedelta(days=days)
    return desk.rooms.reidentifications.tell(
        who,
        asked.name,
        state or (NoticeState.GIVEN if days is None else NoticeState.DEFERRED),
        reason,
        until,
        asked.revision,
        desk.office.key(),
    )


def test_nobody_is_to_be_told_when_nothing_came_back(desk):
    asked = desk.approve(desk.ask(["nothing-of-ours"]))
    answer = desk.answer(asked, ["nothing-of-ours"])
    assert answer.reidentification.answered.reversed == 0
    assert answer.reidentification.notice(desk.office.clock.now()) is None


def test_no_token_and_no_value_is_found_in_anything_the_gateway_keeps(any_desk, capfd):
    desk = any_desk
    tokens = desk.tokens()
    refused = desk.ask(tokens)
    desk.decide(refused, desk.office.officer, Verdict.REFUSED)
    asked = desk.approve(desk.ask(tokens))
    values = desk.opened(desk.answer(asked, tokens))
    desk.rooms.reidentifications.about_token(
        desk.office.auditor, ALL, desk.release.name, "resident_id", tokens[0]
    )
    told = "".join(capfd.readouterr()).encode()
    with desk.rooms.store.read() as tx:
        tables = tx._connection.exec_driver_sql(TABLES[tx._connection.dialect.name]).scalars().all()
        kept = b"\n".join(
            bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode()
            for table in tables
            for row in tx._connection.exec_driver_sql(f"SELECT * FROM {table}")  # noqa: S608
            for cell in row
        )
    assert asked.name.encode() in kept
    for secret in (*values, *values.values()):
        assert secret.encode() not in kept + told
        for file in desk.office.folder.rglob("*"):
            if file.is_file() and file.parent != desk.office.data:
                assert secret.encode() not in file.read_bytes(), file


TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
}


def test_tokens_come_back_under_the_version_that_made_them(desk):
    """With the newest key, format-preserving tokens would come back as somebody else's numbers."""
    rooms, tokens = desk.rooms, desk.tokens("phone")
    before = desk.taken_back(tokens, "phone")
    domain = next(s.key_domain for s in desk.release.plan.steps if s.published == "phone")
    rooms.key_domains.renew(desk.office.officer, name_of(owner_of(domain)), desk.office.key())
    newer = desk.office.table(desk.released())
    assert not set(newer.column("phone").drop_null().to_pylist()) & set(tokens)
    assert desk.taken_back(tokens, "phone") == before
    assert None not in before.values()


def test_a_destroyed_key_is_said_to_be_and_takes_nothing_back(desk):
    """Shredding the project's key makes its reversible tokens as irreversible as any."""
    tokens = desk.tokens()
    asked = desk.approve(desk.ask(tokens))
    shred(desk, asked.key_domain)
    for attempt in (lambda: desk.ask(tokens), lambda: desk.answer(asked, tokens)):
        with pytest.raises(KeyDestroyed, match="nobody can take them back") as gone:
            attempt()
        assert gone.value.reason == "KEY_DESTROYED"


def test_after_shredding_nobody_tells_which_token_was_whose(desk):
    """Nor with all that the gateway keeps; who was re-identified is found still, to be told."""
    tokens = desk.tokens()
    asked = desk.approve(desk.ask(tokens))
    values = desk.opened(desk.answer(asked, tokens))
    find, value = desk.rooms.reidentifications, next(iter(values.values()))
    where = (desk.release.name, "resident_id", tokens[0])
    (found,) = find.about_token(desk.office.auditor, ALL, *where)
    before = kept_digests(desk)
    shred(desk, asked.key_domain)
    with pytest.raises(KeyDestroyed):
        find.about_token(desk.office.auditor, ALL, *where)
    assert find.about_person(desk.office.auditor, ALL, "resident_id", value) == [found]
    # Everything that still opens, tried on the token as each digest of it was made.
    with desk.rooms.store.read() as tx:
        left = [desk.rooms.keyring.unwrap(blob, name) for name, blob in tx.wrapped_keys("", 1000)]
    assert left
    for key in left:
        derived = derive(key, "reversal digests", asked.key_domain)
        for tried in (key, derived, derive(key, "domain", asked.key_domain)):
            for inputs in (
                ["token", asked.key_domain, tokens[0]],
                ["tokens", asked.key_domain, *sorted(tokens)],
                ["request", *sorted(tokens)],
            ):
                assert hmac.digest(tried, canonical_json(inputs), "sha256").hex() not in before
            assert TokenDigests(tried, asked.key_domain).of_set(tokens) not in before
            assert not TokenDigests(tried, asked.key_domain).of_each(tokens) & before


def kept_digests(desk) -> set[str]:
    """Of every digest in every table: texts of 64 hexadecimal digits."""
    with desk.rooms.store.read() as tx:
        connection = tx._connection
        tables = connection.exec_driver_sql(TABLES[connection.dialect.name]).scalars().all()
        texts = [
            str(cell)
            for table in tables
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}")  # noqa: S608
            for cell in row
        ]
    return {found for text in texts for found in re.findall(r"\b[0-9a-f]{64}\b", text)}


def test_a_repeated_call_with_other_tokens_is_another_call(desk):
    key = desk.office.key()
    asked = desk.ask(desk.tokens(), key=key)
    assert desk.ask(desk.tokens()[::-1], key=key) == asked
    with pytest.raises(AlreadyExists, match="with other tokens") as other:
        desk.ask(desk.tokens(count=4), key=key)
    assert other.value.reason == "REQUEST_ID_REUSED"


def test_a_person_is_found_however_their_number_is_written(desk):
    tokens = desk.tokens("phone")
    values = desk.taken_back(tokens, "phone")
    number = next(value for value in values.values() if value)
    wide = number.translate({ord(d): ord(d) + 0xFEE0 for d in "0123456789"})
    written = [f" {number}\n", wide, f"{number[:3]}-{number[3:7]}-{number[7:]}"]
    for value in (number, *written, f"{number[:3]} {number[3:]}"):
        found = desk.rooms.reidentifications.about_person(desk.office.officer, ALL, "phone", value)
        assert len(found) == 1, value
    persons = desk.rooms.reidentifications._persons
    # What stands in an address is no layout.
    assert persons.of_each("e", ["a.b@example.org"]) != persons.of_each("e", ["ab@example.org"])
    assert persons.of_each("e", ["A-b@example.org"]) == persons.of_each("e", ["a-B@example.org "])


def test_an_answer_is_bound_to_the_entity_too():
    context = ("reidentifications/i-1", "releases/r-1", "note")
    assert len({answer_context(*context, e, "00") for e in (None, "PERSON", "CN_MOBILE")}) == 3


def shred(desk, domain: str) -> None:
    rooms, name = desk.rooms, name_of(owner_of(domain))
    rooms.key_domains.propose(desk.office.officer, name, "the project is over", desk.office.key())
    rooms.key_domains.shred(desk.office.second_officer, name, desk.office.key())
