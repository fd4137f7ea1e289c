"""Who can join what: tokens meet inside a project that a grant opened, and nowhere else."""

from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gateway.model.access import Verdict
from gateway.model.catalog import Column, DataSetDraft, ParquetSource
from gateway.model.decision import Outcome
from gateway.model.lifecycle import ReleaseState
from gateway.model.names import RecipientKind, Role
from gateway.testing import residents

POLICY = """
format: gateway-policy/1
name: policies/linkage
purposes: {study: A study., audit: Another purpose.}
rules:
  - name: names
    match: {entity: [PERSON]}
    transform: {kind: token, scope: project}
  - name: identity-numbers
    match: {entity: [CN_RESIDENT_ID]}
    transform: {kind: reversible_token, scope: project}
  - name: phones
    match: {entity: [CN_MOBILE]}
    transform: {kind: encrypt_identifier, profile: mobile, scope: project}
  - name: accounts
    match: {entity: [CN_BANK_CARD]}
    transform: {kind: token}
"""
# What the columns are called at each department, and the element that both stand for.
REGISTER = {"xm": "name", "sfzh": "resident_id", "sjh": "mobile_phone", "yhkh": "bank_card"}
CLINIC = {
    "姓名": "name",
    "证件号码": "resident_id",
    "联系电话": "mobile_phone",
    "卡号": "bank_card",
}
SOURCE = {"name": "name", "resident_id": "resident_id", "mobile_phone": "phone",
          "bank_card": "bank_card"}  # fmt: skip
SHARED = ("name", "resident_id", "mobile_phone")
COLUMNS = (*SHARED, "bank_card")


class City:
    """Two departments that know the same people under other names, and two recipients."""

    def __init__(self, office) -> None:
        self.office = office
        self.people = residents(200, 7)
        self.second = office.another("second-lab", Role.CONSUMER, RecipientKind.RESEARCH)
        self.register("register", REGISTER, self.people)
        self.register("clinic", CLINIC, self.people.take(list(range(149, -1, -1))))
        office.activate(POLICY)

    def register(self, name, columns, people) -> None:
        table = pa.table({own: people.column(SOURCE[e]) for own, e in columns.items()})
        pq.write_table(table, self.office.data / f"{name}.parquet")
        self.office.rooms.catalog.register(
            self.office.holder,
            DataSetDraft(
                name=f"datasets/{name}",
                title=name,
                source=ParquetSource(path=f"{name}.parquet"),
                columns=tuple(Column(name=c, type="string", element=e) for c, e in columns.items()),
            ),
            self.office.key(),
        )
        self.office.classified(f"datasets/{name}")

    def wish(self, dataset, project, purpose="study"):
        return self.office.request(
            COLUMNS, dataset=f"datasets/{dataset}", project=project, purpose=purpose
        )

    def open(self, who, dataset, project, purpose="study"):
        wish = self.wish(dataset, project, purpose)
        return self.office.rooms.opening.open(who, wish, self.office.key())

    def extract(self, who, dataset, project, purpose="study") -> pa.Table:
        self.office.grant(self.wish(dataset, project, purpose), who=who)
        release = self.open(who, dataset, project, purpose)
        self.office.rooms.runner.run(release.name)
        release = self.office.rooms.custody.get(who, release.name)
        assert release.state is ReleaseState.SEALED, (release.ending, release.decision.reasons)
        return pa.ipc.open_stream(self.office.stream(release, who)).read_all()


@pytest.fixture
def city(office) -> City:
    return City(office)


def tokens(table: pa.Table, column: str) -> set[str]:
    return set(table.column(column).drop_null().to_pylist())


def joined(one: pa.Table, other: pa.Table, column: str) -> int:
    return one.select([column]).join(other.select([column]), column, join_type="inner").num_rows


def test_two_departments_extracts_in_one_project_can_be_joined(city):
    us = city.office.consumer
    register = city.extract(us, "register", "city-health")
    clinic = city.extract(us, "clinic", "city-health")
    theirs = city.extract(city.second, "clinic", "city-health")
    for column in SHARED:
        assert tokens(clinic, column) <= tokens(register, column), column
        assert tokens(clinic, column) == tokens(theirs, column), column
    # Person by person: every one of the clinic's people is found in the register, once.
    pairs = register.join(clinic, "resident_id", join_type="inner", right_suffix="_clinic")
    assert pairs.num_rows == 150
    assert pairs.column("name").equals(pairs.column("name_clinic"))
    assert pairs.column("mobile_phone").equals(pairs.column("mobile_phone_clinic"))
    # A rule without `scope: project` keeps its tokens to the recipient and the data set.
    assert joined(register, clinic, "bank_card") == 0


def test_two_recipients_extracts_cannot_be_joined_on_tokens(city):
    us, them = city.office.consumer, city.second
    extracts = [
        city.extract(us, "register", None),
        city.extract(them, "register", None),  # the very same rows
        city.extract(us, "clinic", None),  # another data set of the same people
        city.extract(us, "register", None, "audit"),  # another purpose
        city.extract(us, "clinic", "city-health", "audit"),
        city.extract(them, "register", "city-wealth", "audit"),  # another project
    ]
    raw = pa.table({e: city.people.column(s) for e, s in SOURCE.items()})
    for number, one in enumerate(extracts):
        for other in (*extracts[number + 1 :], raw):
            for column in COLUMNS:
                assert joined(one, other, column) == 0, (number, column)


def test_a_project_is_entered_by_a_grant_for_it_and_no_other(city):
    office, us = city.office, city.office.consumer
    preview = office.rooms.opening.preview

    def denied(project) -> set[str]:
        decision = preview(us, city.wish("register", project)).decision
        return {r.code for r in decision.reasons} if decision.outcome is Outcome.DENIED else set()

    assert denied("city-health") == {"NO_GRANT"}
    office.grant(city.wish("register", None))
    assert denied(None) == set()
    assert denied("city-health") == {"GRANT_NARROWER"}
    office.grant(city.wish("register", "city-health"))
    assert denied("city-health") == set()
    assert denied("city-wealth") == {"GRANT_NARROWER"}
    # A grant of one department opens nothing at another, nor for another recipient.
    assert city.open(us, "clinic", "city-health").state is ReleaseState.DENIED
    assert city.open(city.second, "register", "city-health").state is ReleaseState.DENIED


def test_entering_and_changing_a_domain_is_in_the_log_with_the_project(city):
    office, us = city.office, city.office.consumer
    office.grant(city.wish("register", None))
    expires = office.clock.now() + timedelta(days=5)
    wish = city.wish("register", "city-health")
    asked = office.rooms.grants.request(us, wish, "to link", None, expires, office.key())
    assert city.open(us, "register", "city-health").state is ReleaseState.DENIED
    for approver in (office.holder, office.officer):
        if approver.role in asked.missing:
            asked = office.rooms.grants.answer(
                approver, asked.name, Verdict.APPROVED, "fits", asked.revision, office.key()
            )
    release = city.open(us, "register", "city-health")
    assert release.state is ReleaseState.OPENED
    office.rooms.grants.revoke(office.holder, asked.name, "enough", office.key())
    assert city.open(us, "register", "city-health").state is ReleaseState.DENIED
    entries = [entry.event for entry in office.rooms.trail.entries(0, 1000)]
    of_grant = [e for e in entries if e.resource == asked.name]
    assert {e.action for e in of_grant} == {"grant.request", "grant.approve", "grant.revoke"}
    assert {e.details["project"] for e in of_grant} == {"city-health"}
    opened = [e for e in entries if e.action == "release.open"]
    assert [(e.details["project"], e.outcome) for e in opened] == [
        ("city-health", "DENIED"), ("city-health", "ok"), ("city-health", "DENIED"),
    ]  # fmt: skip
    without = [e for e in entries if e.action == "grant.request" and e.resource != asked.name]
    assert [e.details["project"] for e in without] == [""]
