"""A change of verdicts is followed to every active grant: who may no longer use what, and why."""

from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gateway.model.grades import Grade
from gateway.model.lifecycle import ReleaseState
from gateway.model.names import ColumnRole, RecipientKind, Role
from gateway.ports import Page
from gateway.registry.lapsing import lapse
from gateway.testing import residents

NAME = "datasets/residents"
GRAVE = ("REGION", Grade.GENERAL_4, ColumnRole.QUASI_IDENTIFIER)
POLICY = """
format: gateway-policy/1
name: policies/harmless
purposes: {study: A study.}
rules:
  - name: harmless
    match: {grade: {at_most: general-2}}
    transform: {kind: keep}
  - name: graver
    match: {grade: {at_least: general-3, at_most: general-4}}
    transform: {kind: mask, keep_first: 1}
"""


def override(office, column, verdict, until=None):
    revision = office.rooms.catalog.get(office.officer, NAME).revision
    return office.rooms.catalog.override(
        office.officer, NAME, column, *verdict, "looked at it", revision, office.key(), until
    )


def held(office, columns=("district",), who=None):
    return office.grant(office.request(columns, purpose="study"), who=who)


def look(office, grant, who=None):
    return office.rooms.grants.get(who or office.consumer, grant.name)


def listed(office, who, **fields):
    found = office.rooms.grants.all(who, Page(size=50), None, None, **fields)
    return [grant.name for grant in found]


def test_a_graver_verdict_affects_the_grants_that_use_the_column_and_no_others(any_office):
    office = any_office
    office.register(residents(300, 7).select(["district", "sex", "phone"]))
    office.activate(POLICY)
    other = office.another("other", Role.CONSUMER, RecipientKind.RESEARCH)
    struck, spared = held(office), held(office, ("sex",), who=other)
    assert struck.required == (Role.HOLDER,)
    dataset = override(office, "district", GRAVE)
    codes = {reason.code for reason in look(office, struck).affected}
    assert codes == {"APPROVAL_MISSING", "COLUMN_STRICTER"}
    assert look(office, spared, other).affected == ()
    # The holder, officers and auditors see all; a consumer sees their own.
    for party in (office.holder, office.officer, office.auditor):
        assert [g.name for g in office.rooms.catalog.affected(party, dataset)] == [struck.name]
        assert listed(office, party, affected=True) == [struck.name]
    assert office.rooms.catalog.affected(office.consumer, dataset) == []
    assert listed(office, office.consumer, affected=True) == [struck.name]
    assert listed(office, other, affected=True) == []
    entries = [entry.event for entry in office.rooms.trail.entries(0, 1000)]
    (recheck,) = [e for e in entries if e.action == "grant.recheck"]
    assert recheck.resource == struck.name
    assert recheck.details["codes"] == "APPROVAL_MISSING,COLUMN_STRICTER"
    change = next(e for e in entries if e.action == "dataset.override")
    assert change.details["grants_affected"] == "1: " + struck.name.removeprefix("grants/")


def test_a_grant_without_an_approval_that_is_needed_now_permits_nothing(office):
    office.register(residents(300, 7).select(["district", "sex"]))
    office.activate(POLICY)
    held(office)
    request = office.request(("district",), purpose="study")
    assert office.open(request).state is ReleaseState.OPENED
    override(office, "district", GRAVE)
    denied = office.open(request)
    assert denied.state is ReleaseState.DENIED
    assert {reason.code for reason in denied.decision.reasons} == {"APPROVAL_MISSING"}


def test_what_is_milder_again_affects_no_more(office):
    office.register(residents(300, 7).select(["district", "sex"]))
    office.activate(POLICY)
    grant = held(office)
    override(office, "district", GRAVE)
    assert look(office, grant).affected
    override(office, "district", ("REGION", Grade.GENERAL_2, ColumnRole.QUASI_IDENTIFIER))
    assert look(office, grant).affected == ()
    assert ("grant.recheck", "ok") in office.actions()
    assert listed(office, office.officer, affected=True) == []


def test_a_verdict_that_lapses_affects_the_grants_that_rest_on_it(office):
    office.register(residents(300, 7).select(["phone", "district"]))
    office.activate(POLICY)
    until = office.clock.now() + timedelta(days=2)
    override(office, "phone", ("NONE", Grade.GENERAL_1, ColumnRole.OTHER), until)
    grant = held(office, ("phone",))
    request = office.request(("phone",), purpose="study")
    assert office.open(request).decision.columns[0].transform.kind == "keep"
    office.clock.move(days=2)
    # Nobody has swept it yet, and it holds no more.
    assert office.open(request).decision.columns[0].transform.kind == "mask"
    assert lapse(office.rooms.store, office.clock) == 1
    assert lapse(office.rooms.store, office.clock) == 0
    assert [r.code for r in look(office, grant).affected] == ["COLUMN_STRICTER"]
    assert ("dataset.lapse", "ok") in office.actions()
    kept = office.rooms.catalog.get(office.officer, NAME).find("phone")
    assert (kept.entity, kept.declaration) == ("CN_MOBILE", None)


@pytest.mark.parametrize("noticed", ["by a request", "by classification"])
def test_graver_content_affects_grants_however_it_is_noticed(office, noticed):
    harmless = pa.table({"status": ["OK", "closed"] * 200, "district": ["A区"] * 400})
    office.register(harmless)
    office.activate(POLICY)
    grant = held(office, ("status",))
    ids = residents(400, 3).column("resident_id")
    pq.write_table(harmless.set_column(0, "status", ids), office.data / "residents.parquet")
    if noticed == "by a request":
        office.open(office.request(("status",), purpose="study"))
    else:
        office.rooms.catalog.classify(office.holder, NAME, office.key())
        office.classified()
    found = look(office, grant).affected
    assert {reason.code for reason in found} == {"APPROVAL_MISSING", "COLUMN_STRICTER"}


def test_a_grant_approved_before_classification_carries_what_it_can_carry_first(office):
    """Otherwise what it lost later would not be seen to be lost."""
    office.activate(POLICY)
    pq.write_table(residents(300, 7).select(["district"]), office.data / "residents.parquet")
    office.register(residents(300, 7).select(["district"]))
    grant = held(office)
    with office.rooms.store.write() as tx:
        empty = grant.but(
            carried=tuple(each.but(transform=None) for each in grant.carried),
            revision=grant.revision + 1,
        )
        tx.put_grant(empty, expected_revision=grant.revision)
    override(office, "district", ("REGION", Grade.GENERAL_1, ColumnRole.QUASI_IDENTIFIER))
    assert look(office, grant).carried[0].transform.kind == "keep"
    override(office, "district", GRAVE)
    assert "COLUMN_STRICTER" in {reason.code for reason in look(office, grant).affected}
