"""Classified again: under other rules, on other content, after what people said."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gateway.errors import PermissionDenied
from gateway.model.catalog import Column, DataSetDraft, PushedSource
from gateway.model.grades import Grade
from gateway.model.lifecycle import ClassificationState, ReleaseState
from gateway.model.names import ColumnRole
from gateway.registry.classifier import LOOK_AGAIN, Classifier
from gateway.testing import residents
from tests.integration.test_classifying import another_process, begin, newest

NAME = "datasets/residents"
PENDING, FAILED = ClassificationState.PENDING, ClassificationState.FAILED


def under_new_rules(office, **changed: tuple[str, Grade, ColumnRole]) -> Classifier:
    """A process whose rules find something else in some columns."""
    usual = office.rooms.classifier._classify

    def classify(samples, columns):
        made = []
        for found in usual(samples, columns):
            entity, grade, role = changed.get(found.name, found.verdict)
            made.append(found.but(entity=entity, grade=grade, role=role, rules="new rules"))
        return tuple(made)

    return another_process(office, "new", classify, "new rules")


def test_verdicts_made_under_other_rules_are_made_again(office):
    office.register()
    assert office.rooms.classifier.look_out() == 0
    milder = ("NONE", Grade.GENERAL_1, ColumnRole.OTHER)
    graver = ("ADDRESS", Grade.GENERAL_4, ColumnRole.DIRECT_IDENTIFIER)
    new = under_new_rules(office, phone=milder, district=graver)
    assert (new.look_out(), new.look_out()) == (1, 0)
    assert (newest(office).state, newest(office).cause) == (PENDING, "rules")
    new.run(NAME)
    found = office.rooms.catalog.get(office.officer, NAME)
    assert found.judged.rules == "new rules"
    assert found.find("district").verdict == graver
    assert not found.find("district").questioned
    phone = found.find("phone")
    assert (phone.entity, phone.grade) == ("CN_MOBILE", Grade.GENERAL_3)
    assert (phone.questioned, phone.found.entity) == (True, "NONE")
    assert new.look_out() == 0
    # A holder's call does not make it milder; an officer's does.
    office.rooms.catalog.classify(office.holder, NAME, office.key())
    new.run(NAME)
    assert office.rooms.catalog.get(office.officer, NAME).find("phone").questioned
    office.rooms.catalog.classify(office.officer, NAME, office.key())
    new.run(NAME)
    phone = office.rooms.catalog.get(office.officer, NAME).find("phone")
    assert (phone.verdict, phone.questioned) == (milder, False)


@pytest.mark.parametrize("by", ["a holder", "the gateway"])
def test_what_a_policy_makes_of_a_column_stays_when_the_rules_find_it_milder(office, by):
    office.register()
    office.activate(BY_ENTITY)
    request = office.request(("name", "sex"), purpose="study")
    office.grant(request)
    given = [column.transform.kind for column in office.open(request).decision.columns]
    assert given == ["mask", "keep"]
    sex = ("SEX", Grade.GENERAL_2, ColumnRole.QUASI_IDENTIFIER)
    new = under_new_rules(office, name=sex, sex=("DIAGNOSIS", Grade.GENERAL_3, ColumnRole.OTHER))
    if by == "a holder":
        office.rooms.catalog.classify(office.holder, NAME, office.key())
    else:
        assert new.look_out() == 1
    new.run(NAME)
    found = office.rooms.catalog.get(office.officer, NAME)
    assert found.find("name").entity == "PERSON"
    assert found.find("name").questioned
    assert not found.find("sex").has_verdict  # graver than a sex, and of a weaker role
    again = office.open(office.request(("name",), purpose="study"))
    assert [column.transform.kind for column in again.decision.columns] == ["mask"]
    denied = office.open(request)
    assert ("NO_VERDICT", "sex") in {(r.code, r.column) for r in denied.decision.reasons}


BY_ENTITY = """
format: gateway-policy/1
name: policies/by-entity
purposes: {study: A study.}
rules:
  - name: names
    match: {entity: [PERSON]}
    transform: {kind: mask, keep_first: 1}
  - name: others
    match: {entity: [SEX, DIAGNOSIS, NONE]}
    transform: {kind: keep}
"""


def test_a_note_with_persons_in_it_is_not_for_its_holder_to_call_harmless(office):
    notes = [f"回访{p['name']}电话{p['phone']}" for p in residents(300, 7).to_pylist()]
    said = Column(name="remark", type="", entity="NONE", grade="general-1", role="other")
    begin(office, pa.table({"remark": notes}), [said])
    found = office.classified()
    assert not found.find("remark").has_verdict
    assert newest(office).declined == ("remark",)
    for grade in Grade:
        wanted = said.but(grade=grade)
        with pytest.raises(PermissionDenied, match="officer"):
            office.rooms.catalog.update(
                office.holder, NAME, {"columns": (wanted,)}, found.revision, office.key()
            )
    office.rooms.catalog.override(
        office.officer, NAME, "remark", "NONE", Grade.GENERAL_4, ColumnRole.SENSITIVE, "notes",
        found.revision, office.key(),
    )  # fmt: skip


def test_an_element_said_of_an_unknown_column_goes_when_it_turns_out_to_be_a_key(office):
    begin(office, pa.table({"qwzx": [f"v{n % 7}" for n in range(300)]}))
    unknown = office.classified()
    assert not unknown.find("qwzx").has_verdict
    office.rooms.catalog.update(
        office.holder,
        NAME,
        {"columns": (Column(name="qwzx", type="", element="sex"),)},
        unknown.revision,
        office.key(),
    )
    person_key = ("NONE", Grade.GENERAL_3, ColumnRole.DIRECT_IDENTIFIER)
    new = under_new_rules(office, qwzx=person_key)
    office.rooms.catalog.classify(office.officer, NAME, office.key())
    new.run(NAME)
    found = office.rooms.catalog.get(office.officer, NAME).find("qwzx")
    assert (found.verdict, found.element) == (person_key, None)


def test_what_fails_under_new_rules_is_not_tried_over_and_over(office):
    office.register()
    (office.data / "residents.parquet").unlink()
    new = under_new_rules(office)
    assert new.look_out() == 1
    new.run(NAME)
    assert newest(office).state is FAILED
    assert new.look_out() == 0
    office.clock.move(seconds=LOOK_AGAIN.total_seconds() + 1)
    assert new.look_out() == 1


def test_a_source_that_nobody_looked_at_for_long_is_looked_at(office):
    office.register(pa.table({"status": ["OK", "closed"] * 200}))
    before = office.rooms.catalog.get(office.holder, NAME)
    pq.write_table(
        pa.table({"status": residents(400, 3).column("resident_id")}),
        office.data / "residents.parquet",
    )
    assert office.rooms.classifier.look_out() == 0
    office.clock.move(seconds=LOOK_AGAIN.total_seconds() + 1)
    assert office.rooms.classifier.look_out() == 1
    after = office.classified()
    assert before.find("status").entity == "NONE"
    assert after.find("status").entity == "CN_RESIDENT_ID"
    office.clock.move(seconds=LOOK_AGAIN.total_seconds() + 1)
    assert office.rooms.classifier.look_out() == 1
    entries = office.actions()
    assert office.classified() == after  # nothing changed: no new revision, no entry
    assert office.actions() == entries


def test_records_that_were_pushed_are_not_released_under_the_verdicts_of_the_ones_before(office):
    harmless = pa.table({"status": ["OK", "closed"] * 200, "district": ["A区"] * 400})
    columns = tuple(Column(name=f.name, type=str(f.type)) for f in harmless.schema)
    draft = DataSetDraft(name=NAME, title="t", source=PushedSource(), columns=columns)
    catalog = office.rooms.catalog
    catalog.register(office.holder, draft, office.key())
    office.classified()
    catalog.push(office.holder, NAME, harmless.to_reader(), office.key())
    office.classified()
    office.activate(HARMLESS)
    request = office.request(("status",), purpose="study")
    office.grant(request)
    before = office.open(request)
    assert before.state is ReleaseState.OPENED
    ids = harmless.set_column(0, "status", residents(400, 3).column("resident_id"))
    catalog.push(office.holder, NAME, ids.to_reader(), office.key())
    office.rooms.runner.run(before.name)
    assert office.look(before).ending.reason == "DECISION_CHANGED"
    waiting = office.open(request)
    assert {r.code for r in waiting.decision.reasons} == {"NOT_CLASSIFIED"}
    assert office.classified().find("status").entity == "CN_RESIDENT_ID"
    assert {r.code for r in office.open(request).decision.reasons} >= {"NO_RULE"}


HARMLESS = """
format: gateway-policy/1
name: policies/harmless
purposes: {study: A study.}
rules:
  - name: harmless
    match: {grade: {at_most: general-2}}
    transform: {kind: keep}
"""
