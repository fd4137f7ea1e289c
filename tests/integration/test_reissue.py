"""A sealed release issued again: the same rows, other tokens, and nothing else."""

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gateway.errors import (
    FailedPrecondition,
    KeyDestroyed,
    NotFound,
    PermissionDenied,
    QuotaExhausted,
    SourceChanged,
)
from gateway.model.key_domains import name_of, owner_of
from gateway.model.lifecycle import ReleaseState
from gateway.model.names import RecipientKind, Role
from gateway.ports import Usage
from gateway.testing import residents
from gateway.verify import verify_certificate

POLICY = """
format: gateway-policy/1
name: policies/again
purposes: {study: A study.}
obligations:
  quota: {releases: 4, rows: 500, period_days: 30}
rules:
  - name: identity-numbers
    match: {entity: [CN_RESIDENT_ID]}
    transform: {kind: reversible_token, scope: project}
  - name: phones
    match: {entity: [CN_MOBILE]}
    transform: {kind: encrypt_identifier, profile: mobile, scope: project}
  - name: accounts
    match: {entity: [CN_BANK_CARD]}
    transform: {kind: token, scope: project}
  - name: districts
    match: {column: [district]}
    transform: {kind: keep}
"""
KEYED = ("resident_id", "phone", "bank_card")
COLUMNS = (*KEYED, "district")


class Desk:
    """An office with a sealed release of 300 rows."""

    def __init__(self, office, **request) -> None:
        self.office = office
        self.rooms = office.rooms
        office.register(residents(300, 7))
        office.activate(POLICY)
        asked = {"purpose": "study", "project": "city-health", **request}
        self.wish = office.request(COLUMNS, **asked)
        self.grant = office.grant(self.wish)
        self.original = self.run(office.open(self.wish))
        assert self.original.state is ReleaseState.SEALED
        self.table = office.table(self.original)

    def run(self, release):
        self.rooms.runner.run(release.name)
        return self.office.look(release)

    def renew(self) -> None:
        domain = self.original.plan.steps[0].key_domain
        name = name_of(owner_of(domain))
        self.rooms.key_domains.renew(self.office.officer, name, self.office.key())

    def again(self, who=None, project="same", keep=False, key=None, name=None):
        return self.rooms.opening.reissue(
            who or self.office.consumer,
            name or self.original.name,
            lambda before: before if project == "same" else project,
            keep,
            key or self.office.key(),
        )

    def look(self):
        return self.office.look(self.original)


@pytest.fixture
def desk(office) -> Desk:
    return Desk(office)


@pytest.fixture
def any_desk(any_office) -> Desk:
    return Desk(any_office)


def rows(table: pa.Table, columns) -> list:
    return sorted(map(str, table.select(columns).to_pylist()))


def tokens(table: pa.Table, column: str) -> set[str]:
    return set(table.column(column).drop_null().to_pylist())


def patterns(table: pa.Table) -> list:
    """What stays under any keys: which rows share a token, and everything else in them."""
    values = {column: table.column(column).to_pylist() for column in KEYED}
    counts = {c: {v: values[c].count(v) for v in set(values[c])} for c in KEYED}
    return sorted(
        str(
            [row["district"], *(counts[c][row[c]] for c in KEYED), *(row[c] is None for c in KEYED)]
        )
        for row in table.to_pylist()
    )


def test_after_a_renewal_the_same_rows_come_with_tokens_of_the_new_version(any_desk):
    desk = any_desk
    office, before = desk.office, desk.original
    desk.renew()
    made = desk.run(desk.again())
    assert made.state is ReleaseState.SEALED, made.ending
    table = office.table(made)
    assert table.schema == desk.table.schema
    assert patterns(table) == patterns(desk.table)
    for column in KEYED:
        assert not tokens(table, column) & tokens(desk.table, column), column
    versions = [{s.key_version for s in r.plan.steps if s.key_domain} for r in (before, made)]
    assert versions == [{1}, {2}]

    # A certificate of its own, which names the original.
    predicate = verify_certificate(made.certificate, desk.rooms.signer.public_pem()).predicate
    assert (predicate.release, predicate.reissue_of) == (made.name, before.name)
    assert predicate.rows == before.sealed.rows
    # The original is recalled in the same moment: key and data are gone.
    original = desk.look()
    assert (original.state, original.ending.reason) == (ReleaseState.RECALLED, "REISSUED")
    assert (original.reissued_as, made.reissue.original) == (made.name, before.name)
    assert desk.rooms.runner._staging.names() == {made.stream}
    # Nobody holds it longer for that.
    assert made.expires <= before.expires
    # Its rows are not charged again; it is one of the releases that the quota counts.
    with desk.rooms.store.read() as tx:
        used = tx.usage(office.consumer.name, "datasets/residents", before.created)
        assert tx.key(before.name) is None
    assert used == Usage(releases=2, rows=300)
    linked = [
        (e.event.resource, e.event.details.get("reissue_of") or e.event.details.get("reissued_as"))
        for e in desk.rooms.trail.entries(0, 1000)
        if {"reissue_of", "reissued_as"} & set(e.event.details)
    ]
    assert linked == [(made.name, before.name), (before.name, made.name)]


def test_the_original_stays_where_that_is_asked(desk):
    desk.renew()
    made = desk.run(desk.again(keep=True))
    original = desk.look()
    assert (original.state, original.reissued_as) == (ReleaseState.SEALED, made.name)
    assert desk.office.table(original).equals(desk.table)
    assert hashlib.sha256(desk.office.stream(original)).hexdigest() == (
        original.sealed.stream_sha256
    )


def test_another_domain_takes_a_grant_for_it(desk):
    denied = desk.again(project="city-wealth")
    assert denied.state is ReleaseState.DENIED
    assert {reason.code for reason in denied.decision.reasons} == {"GRANT_NARROWER"}
    assert desk.look().state is ReleaseState.SEALED
    desk.office.grant(desk.wish.but(project="city-wealth"))
    made = desk.run(desk.again(project="city-wealth"))
    table = desk.office.table(made)
    assert patterns(table) == patterns(desk.table)
    for column in KEYED:
        assert not tokens(table, column) & tokens(desk.table, column), column
    assert made.request.project == "city-wealth"


def test_the_same_keys_would_make_the_same_tokens(desk):
    with pytest.raises(FailedPrecondition) as refused:
        desk.again()
    assert refused.value.reason == "SAME_KEYS"


def test_a_source_of_another_version_is_refused_when_it_is_planned_and_when_it_is_read(desk):
    desk.renew()
    opened = desk.again()
    pq.write_table(residents(300, 8), desk.office.data / "residents.parquet")
    assert desk.run(opened).ending.reason == "SOURCE_CHANGED"
    assert desk.look().state is ReleaseState.SEALED
    with pytest.raises(SourceChanged, match="other content"):
        desk.again()


def test_other_terms_are_a_new_extract(desk):
    desk.renew()
    stricter = POLICY.replace("{kind: keep}", "{kind: suppress}")
    draft = desk.rooms.policies.create(desk.office.officer, stricter, desk.office.key())
    desk.rooms.policies.activate(
        desk.office.second_officer, draft.name, draft.version, desk.office.key()
    )
    with pytest.raises(FailedPrecondition) as refused:
        desk.again()
    assert refused.value.reason == "PLAN_CHANGED"


def test_a_limit_leaves_out_rows_that_nobody_knows(office):
    desk = Desk(office, limit=100)
    desk.renew()
    with pytest.raises(FailedPrecondition) as refused:
        desk.again()
    assert refused.value.reason == "LIMITED"


def test_only_who_could_read_the_original_has_it_issued_again(desk):
    desk.renew()
    stranger = desk.office.another("stranger", Role.CONSUMER, RecipientKind.RESEARCH)
    for who in (stranger, desk.office.holder, desk.office.officer):
        with pytest.raises(NotFound):
            desk.again(who=who)
    with pytest.raises(NotFound):
        desk.again(name="releases/none-such")
    opened = desk.again()
    desk.rooms.grants.revoke(desk.office.holder, desk.grant.name, "enough", desk.office.key())
    assert desk.run(opened).state is ReleaseState.FAILED
    with pytest.raises(PermissionDenied) as ended:
        desk.again()
    assert ended.value.reason == "GRANT_ENDED"


def test_an_original_that_is_recalled_meanwhile_is_not_replaced(desk):
    desk.renew()
    opened = desk.again()
    desk.rooms.custody.recall(
        desk.office.holder, desk.original.name, "a mistake", desk.office.key()
    )
    ended = desk.run(opened)
    assert (ended.state, ended.ending.reason) == (ReleaseState.FAILED, "ORIGINAL_ENDED")
    assert desk.rooms.runner._staging.names() == frozenset()
    with pytest.raises(FailedPrecondition) as refused:
        desk.again()
    assert refused.value.reason == "NOT_SEALED"


def test_what_has_other_rows_is_not_sealed(desk):
    desk.renew()
    opened = desk.again()
    with desk.rooms.store.write() as tx:
        tx.put_release(opened.but(reissue=opened.reissue.but(rows=opened.reissue.rows - 1)))
    assert desk.run(opened).ending.reason == "RELEASE_STOPPED"
    assert desk.look().state is ReleaseState.SEALED


def test_two_at_once_replace_it_once(desk):
    desk.renew()
    first, second = desk.again(), desk.again()
    states = [desk.run(first).state, desk.run(second).state]
    assert states == [ReleaseState.SEALED, ReleaseState.FAILED]
    assert desk.look().reissued_as == first.name


def test_a_repeated_call_makes_one_release_and_the_quota_counts_it(desk):
    desk.renew()
    key = desk.office.key()
    made = desk.again(keep=True, key=key)
    assert desk.again(keep=True, key=key).name == made.name
    desk.run(made)
    for _ in range(2):
        desk.run(desk.again(keep=True))
    with pytest.raises(QuotaExhausted) as spent:
        desk.again(keep=True)
    assert spent.value.reason == "RELEASE_QUOTA_EXHAUSTED"


def test_it_ends_with_the_original_and_cannot_be_made_of_one_that_ended(desk):
    desk.office.clock.move(days=5)
    desk.renew()
    made = desk.run(desk.again(keep=True))
    assert made.expires == desk.original.expires
    desk.office.clock.at = desk.original.expires
    with pytest.raises(FailedPrecondition) as over:
        desk.again()
    assert over.value.reason == "RELEASE_EXPIRED"


def test_a_shredded_domain_issues_nothing(desk):
    domain = desk.original.plan.steps[0].key_domain
    name = name_of(owner_of(domain))
    desk.rooms.key_domains.propose(desk.office.officer, name, "over", desk.office.key())
    desk.rooms.key_domains.shred(desk.office.second_officer, name, desk.office.key())
    with pytest.raises(KeyDestroyed):
        desk.again()
