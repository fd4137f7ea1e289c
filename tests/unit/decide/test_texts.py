"""What rules about columns say of identifiers in texts, entity by entity."""

import pytest

from gateway.decide.texts import TEXT, decide_texts
from gateway.errors import InvalidRequest
from gateway.model.catalog import Column
from gateway.model.transforms import Keep, Mask, MaskForm, RedactText, Token

ENTITIES = tuple(
    Column(name=name, type="string", element=name, entity=entity, grade=grade, role=role)
    for name, entity, grade, role in (
        ("name", "PERSON", "general-3", "direct_identifier"),
        ("mobile_phone", "CN_MOBILE", "general-3", "direct_identifier"),
        ("province", "REGION", "general-2", "quasi_identifier"),
        ("income", "INCOME", "general-4", "sensitive"),
    )
)


def permit(transform, name="a-rule", obligations=None, **match):
    rule = {"name": name, "match": match, "transform": transform}
    return rule if obligations is None else {**rule, "obligations": obligations}


def decided(bench, *rules, columns=ENTITIES, purpose="research", **more):
    facts = bench.under(bench.policy(*rules, **more))
    return decide_texts(purpose, facts, columns)


def actions(bench, *rules, **more):
    spec = decided(bench, *rules, **more).columns[0].transform
    assert isinstance(spec, RedactText)
    assert spec.default == "replace"
    return spec.entities


KEEP = {"kind": "keep"}
MASK = {"kind": "mask", "keep_first": 1}

CASES = {
    "what a rule says of a column of the entity": (
        [permit(MASK, entity=["PERSON"])], {"PERSON": Mask(keep_first=1)},
    ),
    "a rule of its element": ([permit(KEEP, element=["province"])], {"REGION": Keep()}),
    "a rule of the column's name": ([permit(KEEP, column=["income"])], {"INCOME": Keep()}),
    "a rule of a role": ([permit(KEEP, role=["quasi_identifier"])], {"REGION": Keep()}),
    "a rule of a grade": ([permit(KEEP, grade={"at_most": "general-2"})], {"REGION": Keep()}),
    "nothing that no rule speaks about": ([permit(KEEP, entity=["VIN"])], {}),
    "the strictest of two": (
        [permit(KEEP, entity=["PERSON", "REGION"]), permit(MASK, "b-rule", entity=["PERSON"])],
        {"PERSON": Mask(keep_first=1), "REGION": Keep()},
    ),
    "two that have nothing in common": (
        [permit({"kind": "token"}, entity=["PERSON"]), permit(MASK, "b-rule", entity=["PERSON"])],
        {},
    ),
    "a deny beside a permit": (
        [
            permit(KEEP, entity=["PERSON", "REGION"]),
            {"name": "deny", "match": {"entity": ["PERSON"]}, "effect": "deny"},
        ],
        {"REGION": Keep()},
    ),
    "suppressed": ([permit({"kind": "suppress"}, entity=["PERSON"])], {}),
    "a transform of columns only": (
        [permit({"kind": "bin_number", "width": 10}, entity=["INCOME"]),
         permit({"kind": "truncate", "length": 9}, "b-rule", entity=["PERSON"])],
        {},
    ),
    "least cells cannot be counted in a text": (
        [permit(KEEP, obligations={"min_cell_size": 5}, entity=["REGION"])], {},
    ),
    "rows cannot be chosen in a text": (
        [permit(KEEP, obligations={"row_filters": [
            {"column": "income", "operator": ">", "values": ["5"]}]}, entity=["REGION"])],
        {},
    ),
    "most rows of the policy": ([permit(KEEP, obligations={"max_rows": 5}, entity=["REGION"])], {}),
    "another recipient": ([permit(KEEP, entity=["REGION"], recipient=["parties/other"])], {}),
    "another purpose": (
        [permit(KEEP, entity=["REGION"], purpose=["planning"])], {},
    ),
    "a rule about free text, by what it does to the entity": (
        [permit({"kind": "redact_text",
                 "entities": {"PERSON": {"kind": "token"}, "REGION": "remove"}},
                grade={"at_most": "general-3"}),
         permit({"kind": "redact_text", "entities": {"CN_MOBILE": KEEP}}, "b-rule",
                entity=["CN_MOBILE"])],
        {"PERSON": Token(), "REGION": "remove"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "expected"), CASES.values(), ids=CASES.keys())
def test_what_becomes_of_a_find(bench, rules, expected):
    found = actions(bench, *rules, purposes={"research": "", "planning": ""})
    assert dict(found) == expected


def test_obligations_of_the_policy_bind_every_rule(bench):
    rule = permit(KEEP, entity=["REGION"])
    assert actions(bench, rule)
    assert not actions(bench, rule, obligations={"min_cell_size": 5})


def test_what_has_no_verdict_is_replaced(bench):
    unknown = tuple(column.but(role=None) for column in ENTITIES)
    assert not actions(bench, permit(KEEP, entity=["REGION"]), columns=unknown)


def test_the_decision_names_its_rules_and_says_what_happens_to_the_rest(bench):
    forms = {"kind": "mask_form", "form": "chinese_name"}
    made = decided(
        bench, permit(forms, "names", entity=["PERSON"]), permit(KEEP, "vins", entity=["VIN"])
    )
    assert made.permitted
    (column,) = made.columns
    assert column.published == TEXT
    assert column.rules == ("policies/main/names",)
    assert column.transform == RedactText(entities={"PERSON": MaskForm(form="chinese_name")})
    assert [ref.name for ref in made.policies] == ["policies/main"]
    assert "replaced by the name of its entity" in made.reasons[-1].text


def test_a_purpose_that_nobody_defined_is_refused(bench):
    with pytest.raises(InvalidRequest, match="known are: research"):
        decided(bench, permit(KEEP, entity=["REGION"]), purpose="unheard-of")
