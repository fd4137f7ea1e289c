"""What a grant carries, and what a change of verdicts takes from it."""

import pytest

from gateway.decide.carried import carried, effects
from gateway.model.names import Role
from gateway.model.transforms import Keep, Mask


def changed(bench, name, **fields):
    """The facts with the verdict on one column changed."""
    dataset = bench.facts.dataset
    columns = tuple(c.but(**fields) if c.name == name else c for c in dataset.columns)
    return bench.under(dataset=dataset.but(columns=columns))


def held(bench, **more):
    grant = bench.grant(**more)
    return grant.but(carried=carried(grant, bench.facts))


def test_a_grant_carries_what_the_policies_permit_of_each_column(bench):
    transforms = {each.column: each.transform for each in carried(bench.grant(), bench.facts)}
    assert transforms["xm"] == Mask(keep_first=1)
    assert transforms["district"] == Keep()
    assert transforms["state"] is None  # no rule
    assert transforms["odd"] is None  # no verdict


def test_nothing_is_affected_while_nothing_changes(bench):
    assert effects(held(bench), bench.facts) == ()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"entity": "ADDRESS"}, "COLUMN_DENIED"),  # no rule speaks of it
        ({"entity": None, "grade": None, "role": None}, "COLUMN_DENIED"),
        ({"entity": "PERSON"}, "COLUMN_STRICTER"),  # masked, where it was kept
    ],
)
def test_a_graver_verdict_is_told_with_its_column(bench, fields, code):
    found = effects(held(bench), changed(bench, "district", **fields))
    assert [(reason.code, reason.column) for reason in found] == [(code, "district")]


def test_a_denial_takes_a_column_away(bench):
    grave = {"name": "grave", "match": {"grade": {"at_least": "general-3"}}, "effect": "deny"}
    rules = [rule for rule in bench.rules if rule["name"] != "names"]
    facts = bench.under(bench.policy(*rules, grave))
    grant = bench.grant(columns=("district",))
    grant = grant.but(carried=carried(grant, facts))
    dataset = bench.facts.dataset
    columns = tuple(
        c.but(grade="general-3") if c.name == "district" else c for c in dataset.columns
    )
    after = bench.under(bench.policy(*rules, grave), dataset=dataset.but(columns=columns))
    assert [reason.code for reason in effects(grant, after)] == ["COLUMN_DENIED"]


def test_a_milder_transform_takes_nothing_away(bench):
    facts = changed(bench, "xm", grade="general-2")
    milder = ({"name": "kept", "match": {"entity": ["PERSON"]}, "transform": {"kind": "keep"}},)
    after = bench.under(bench.policy(*milder), dataset=facts.dataset)
    grant = bench.grant(columns=("xm",))
    assert effects(grant.but(carried=carried(grant, bench.facts)), after) == ()


@pytest.mark.parametrize("entity", ["REGION", "BIRTH_DATE"])
def test_a_column_that_is_something_else_by_now_is_told(bench, entity):
    """Also where what policies make of that is milder."""
    grant = bench.grant(columns=("xm",))
    grant = grant.but(carried=carried(grant, bench.facts))
    assert grant.carried[0].entity == "PERSON"
    keeps = {"name": "kept", "match": {"entity": [entity]}, "transform": {"kind": "keep"}}
    dataset = changed(bench, "xm", entity=entity).dataset
    (found,) = effects(grant, bench.under(bench.policy(keeps), dataset=dataset))
    assert (found.code, found.column) == ("COLUMN_OTHER", "name")
    assert "PERSON" in found.text
    assert entity in found.text


def test_a_column_that_is_gone_is_told(bench):
    dataset = bench.facts.dataset
    rest = tuple(column for column in dataset.columns if column.name != "district")
    found = effects(held(bench), bench.under(dataset=dataset.but(columns=rest)))
    assert [(reason.code, reason.column) for reason in found] == [("COLUMN_GONE", "district")]


def test_an_approval_that_is_needed_now_is_told(bench):
    grant = bench.grant(
        columns=("district",), approvals=bench.approvals(officer=None), required=(Role.HOLDER,)
    )
    grant = grant.but(carried=carried(grant, bench.facts))
    assert effects(grant, bench.facts) == ()
    (reason,) = effects(grant, changed(bench, "district", grade="general-4"))
    assert reason.code == "APPROVAL_MISSING"
    assert "officer" in reason.text


def test_a_column_without_a_verdict_carries_nothing_though_a_rule_speaks_of_it(bench):
    everything = {"name": "everything", "match": {"grade": {"at_most": "core"}}}
    everything["transform"] = {"kind": "keep"}
    facts = bench.under(bench.policy(everything))
    known = {each.column: each.transform for each in carried(bench.grant(), facts)}
    assert known["state"] == Keep()
    assert known["odd"] is None
