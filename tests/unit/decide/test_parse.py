"""A policy file is read strictly, and what is wrong is named by path and line."""

import json
from pathlib import Path

import jsonschema
import pytest

from gateway.decide.parse import json_schema, parse_policy
from gateway.errors import InvalidRequest
from gateway.norms.starters import starters

GOOD = """\
format: gateway-policy/1
name: policies/main
effective: 2026-01-01
purposes: {research: to find out}
rules:
  - name: names
    match: {entity: [PERSON], grade: {at_most: general-3}}
    transform: {kind: mask, keep_first: 1}
  - name: incomes
    match: {column: [income]}
    transform: {kind: bin_number, width: 0.5}
    obligations:
      row_filters:
        - {column: district, operator: in, values: ["0123", "no"]}
"""


def test_a_policy_is_read_as_written():
    policy = parse_policy(GOOD)
    assert policy.name == "policies/main"
    assert str(policy.effective) == "2026-01-01"
    assert policy.rules[1].transform.width == "0.5"
    # Codes keep their zeros and words stay words.
    assert policy.rules[1].obligations.row_filters[0].values == ("0123", "no")


FAULTS = {
    "a value that is none": ("general-3", "general-9", "rules[0].match.grade.at_most", 7),
    "an unknown field": ("match: {column:", "match: {colum:", "rules[1].match.colum", 10),
    "a number in quotes": ("keep_first: 1", 'keep_first: "1"', "rules[0].transform.keep_first", 8),
    "a truth value for a number": (
        "keep_first: 1",
        "keep_first: true",
        "rules[0].transform.keep_first",
        8,
    ),
    "an unknown transform": ("kind: mask", "kind: hide", "rules[0].transform", 8),
    "an unknown entity": ("PERSON", "PEOPLE", "rules[0].match", 7),
    "no purposes": ("{research: to find out}", "{}", "purposes", 4),
    "another format": ("gateway-policy/1", "gateway-policy/2", "format", 1),
    "two rules of one name": ("name: incomes", "name: names", "policy", 1),
    "a value that is no text": ('"0123"', "7", "rules[1].obligations.row_filters[0].values[0]", 14),
}


@pytest.mark.parametrize(("old", "new", "path", "line"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_named_by_path_and_line(old, new, path, line):
    assert old in GOOD
    with pytest.raises(InvalidRequest) as refused:
        parse_policy(GOOD.replace(old, new, 1))
    found = {v.field: v.description for v in refused.value.violations}
    assert path in found
    assert found[path].startswith(f"line {line}: ")


def test_a_missing_field_is_named():
    with pytest.raises(InvalidRequest) as refused:
        parse_policy(GOOD.replace("  - name: names\n    match", "  - match"))
    assert [v.field for v in refused.value.violations] == ["rules[0].name"]


def test_all_faults_are_told_at_once():
    with pytest.raises(InvalidRequest) as refused:
        parse_policy(GOOD.replace("general-3", "x").replace("width: 0.5", "width: 0"))
    assert len(refused.value.violations) == 2


def test_no_message_repeats_a_row_filters_value():
    broken = GOOD.replace("operator: in", "operator: like").replace('"0123"', '"13800138000"')
    with pytest.raises(InvalidRequest) as refused:
        parse_policy(broken)
    assert "13800138000" not in refused.value.message


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)},*{chr(97 + n)}]\n"
    for n in range(9)
)
UNREADABLE = {
    "an alias bomb": (BOMB, "aliases"),
    "a tag that would build an object": ("a: !!python/object/apply:os.system [ls]", "tags"),
    "a tag of YAML's own": ("a: !!str 1", "tags"),
    "a duplicate key": ("name: a\nname: b", "line 2: the key name is given twice"),
    "a duplicate key deep inside": ("rules:\n - {name: a, name: b}", "given twice"),
    "two documents": ("a: 1\n---\nb: 2", "one document"),
    "too deep": ("a: " + "[" * 50 + "]" * 50, "levels deep"),
    "much too deep": ("[" * 100_000, "levels deep"),
    "broken": ("a: [1, 2", "not YAML"),
    "a control character": ("a: \x00", "not YAML"),
    "a lone surrogate": ("a: \ud800", "not YAML"),
    "a tabulator": ("a:\n\t- b", "not YAML"),
    "a list": ("- a", "a mapping"),
    "nothing": ("", "a mapping"),
    "a comment": ("# nothing yet", "a mapping"),
    "a list as a key": ("? [a, b]\n: c", "plain word"),
    "too large": ("a: " + "x" * (1 << 20), "larger than"),
}


@pytest.mark.parametrize(("text", "said"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_not_plain_yaml_is_refused(text, said):
    with pytest.raises(InvalidRequest, match=said):
        parse_policy(text)


def test_the_published_schema_is_that_of_the_models():
    kept = Path(__file__).parents[3] / "docs" / "policy.schema.json"
    expected = json.dumps(json_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    assert kept.read_text("utf-8") == expected, (
        "run: gateway policy schema > docs/policy.schema.json"
    )


def test_the_starters_fit_the_published_schema():
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for starter in starters():
        validator.validate(parse_policy(starter.policy).model_dump(mode="json", exclude_none=True))


def test_the_published_schema_refuses_unknown_fields():
    policy = parse_policy(GOOD).model_dump(mode="json", exclude_none=True)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(json_schema()).validate({**policy, "extra": 1})
