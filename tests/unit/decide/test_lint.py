"""What an officer would regret is found, and what is fine is not complained of."""

import pytest

from gateway.decide.lint import Catalogue, Severity, lint
from gateway.decide.parse import parse_policy
from gateway.norms.starters import starters


def codes(findings):
    return [(finding.code, finding.rule) for finding in findings]


def permit(name="only", transform=None, **match):
    return {
        "name": name,
        "match": match or {"entity": ["REGION"]},
        "transform": transform or {"kind": "keep"},
    }


def deny(name="deny", **match):
    return {"name": name, "match": match, "effect": "deny"}


ALL = {"grade": {"at_least": "general-1"}}


def text_of(**entities):
    return {"kind": "redact_text", "entities": entities}


FAULTS = {
    "applies_to excludes the rule": (
        [permit(recipient_kind=["public"], entity=["REGION"])],
        {"applies_to": {"recipient_kind": ["research"]}},
        ("NEVER_MATCHES", "only"),
    ),
    "applies_to excludes the rule's grades": (
        [permit(entity=["REGION"], grade={"at_least": "core"})],
        {"applies_to": {"grade": {"at_most": "general-4"}}},
        ("NEVER_MATCHES", "only"),
    ),
    "a deny over all of it": (
        [
            permit(entity=["REGION"], grade={"at_most": "general-2"}),
            deny(grade={"at_most": "general-3"}),
        ],
        {},
        ("SHADOWED_BY_DENY", "only"),
    ),
    "two transforms with nothing in common": (
        [
            permit("a-rule", {"kind": "mask"}, entity=["INCOME"]),
            permit("b-rule", {"kind": "bin_number", "width": 5}, column=["income"]),
        ],
        {},
        ("COLLIDES", "a-rule"),
    ),
    "dates shifted by other days": (
        [
            permit("a-rule", {"kind": "shift_date", "most_days": 30}, column=["admitted"]),
            permit("b-rule", {"kind": "shift_date", "most_days": 365}, column=["discharged"]),
        ],
        {},
        ("SHIFTS_DIFFER", "a-rule"),
    ),
    "tokens of few values": (
        [permit(transform={"kind": "token"}, entity=["SEX"])],
        {},
        ("TOKENS_OF_FEW_VALUES", "only"),
    ),
    "reversible tokens of few values": (
        [permit(transform={"kind": "reversible_token"}, entity=["SEX"])],
        {},
        ("TOKENS_OF_FEW_VALUES", "only"),
    ),
    "tokens of anything": (
        [permit(transform={"kind": "token"}, grade={"at_most": "general-2"})],
        {},
        ("TOKENS_OF_ANYTHING", "only"),
    ),
    "identifiers kept": (
        [permit(grade={"at_most": "general-3"})],
        {},
        ("KEEPS_IDENTIFIERS", "only"),
    ),
    "identifiers kept in free text": (
        [permit(transform=text_of(PERSON={"kind": "keep"}), column=["notes"])],
        {},
        ("KEEPS_IDENTIFIERS", "only"),
    ),
    "tokens of few values in free text": (
        [permit(transform=text_of(SEX={"kind": "token"}), column=["notes"])],
        {},
        ("TOKENS_OF_FEW_VALUES", "only"),
    ),
    "a purpose that nothing permits": (
        [permit(purpose=["research"], entity=["REGION"])],
        {"purposes": {"research": "", "planning": ""}},
        ("PURPOSE_UNUSED", None),
    ),
    "an expiry beyond the policy's": (
        [{**permit(), "obligations": {"expires_after_days": 31}}],
        {},
        ("EXPIRY_WITHOUT_EFFECT", "only"),
    ),
    "a grade nobody speaks about": (
        [permit(entity=["REGION"], grade={"at_most": "important"})],
        {},
        ("GRADE_GAP", None),
    ),
}


@pytest.mark.parametrize(("rules", "more", "code"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_found_and_nothing_else(bench, rules, more, code):
    found = lint(bench.policy(*rules, **more))
    notes = [f for f in found if f.severity is Severity.NOTE]
    assert codes(notes if code[0] == "GRADE_GAP" else [f for f in found if f not in notes]) == [
        code
    ]


FINE = {
    "dates shifted alike, and otherwise in another data set": [
        permit(
            "a-rule",
            {"kind": "shift_date", "most_days": 30},
            column=["a"],
            dataset=["datasets/one"],
        ),
        permit(
            "b-rule",
            {"kind": "shift_date", "most_days": 30},
            column=["b"],
            dataset=["datasets/one"],
        ),
        permit(
            "c-rule", {"kind": "shift_date", "most_days": 9}, column=["c"], dataset=["datasets/two"]
        ),
    ],
    "free text with some identifiers as tokens and a region kept": [
        permit(
            transform=text_of(PERSON={"kind": "token"}, REGION={"kind": "keep"}, URL="remove"),
            column=["notes"],
        )
    ],
    "a narrower deny": [
        permit(entity=["REGION"]),
        deny(entity=["REGION"], purpose=["research"], column=["x"]),
    ],
    "a deny of one purpose of two": [
        permit(entity=["REGION"]),
        deny(entity=["REGION"], purpose=["planning"]),
    ],
    "transforms on different entities": [
        permit("a-rule", {"kind": "mask"}, entity=["PERSON"]),
        permit("b-rule", {"kind": "bin_number", "width": 5}, entity=["INCOME"]),
    ],
    "transforms that join": [
        permit("a-rule", {"kind": "bin_number", "width": 10}, entity=["INCOME"]),
        permit("b-rule", {"kind": "bin_number", "width": 5}, column=["income"]),
    ],
    "suppressed on purpose": [
        permit("a-rule", {"kind": "suppress"}, entity=["INCOME"]),
        permit("b-rule", {"kind": "bin_number", "width": 5}, column=["income"]),
    ],
    "identifiers kept with the officer's approval": [
        {**permit(entity=["PERSON"]), "obligations": {"approvals": ["officer"]}}
    ],
    "draws by person, which are no tokens": [
        permit("dates", {"kind": "shift_date", "most_days": 30}, entity=["BIRTH_DATE"]),
        permit("ages", {"kind": "bounded_noise", "most_steps": 2}, entity=["AGE"]),
    ],
    "tokens of direct identifiers": [
        permit(transform={"kind": "token"}, role=["direct_identifier"])
    ],
}


@pytest.mark.parametrize("rules", FINE.values(), ids=FINE.keys())
def test_what_is_fine_is_not_complained_of(bench, rules):
    assert lint(bench.policy(*rules, purposes={"research": "", "planning": ""})) == ()


def test_names_that_are_not_registered(bench):
    rules = [
        permit("a-rule", dataset=["datasets/gone"], entity=["REGION"]),
        permit("b-rule", column=["nowhere", "neither"]),
        permit("c-rule", holder=["parties/gone"], recipient=["parties/lost"], entity=["REGION"]),
        {
            **permit("d-rule"),
            "obligations": {"row_filters": [{"column": "gone", "operator": "is null"}]},
        },
        permit("e-rule", column=["district", "quartier"]),
    ]
    known = Catalogue(datasets=[bench.facts.dataset], parties=[bench.facts.recipient])
    policy = bench.policy(*rules)
    assert codes(lint(policy, known)) == [
        ("UNKNOWN_DATASET", "a-rule"),
        ("UNKNOWN_COLUMN", "b-rule"),
        ("UNKNOWN_COLUMN", "b-rule"),
        ("UNKNOWN_HOLDER", "c-rule"),
        ("UNKNOWN_RECIPIENT", "c-rule"),
        ("UNKNOWN_FILTER_COLUMN", "d-rule"),
    ]
    assert lint(policy) == ()


def test_the_gravest_comes_first(bench):
    rules = [*FAULTS["identifiers kept"][0], deny(**ALL)]
    severities = [finding.severity for finding in lint(bench.policy(*rules))]
    assert severities == [Severity.ERROR, Severity.WARNING]


@pytest.mark.parametrize("starter", starters(), ids=lambda starter: starter.name)
def test_nothing_is_found_in_the_starters(starter):
    assert lint(parse_policy(starter.policy)) == ()
