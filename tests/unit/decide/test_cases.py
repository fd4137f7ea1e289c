"""Cases pass when the decision is as expected, and tell what differs when it is not."""

from pathlib import Path

import jsonschema
import pytest

from gateway.decide.cases import cases_schema, parse_cases, run_cases
from gateway.decide.parse import parse_policy
from gateway.errors import InvalidRequest
from gateway.norms.starters import starters

CASES = """\
format: gateway-policy-cases/1
policy: policies/main
dataset:
  columns:
    - {name: name, type: string, entity: PERSON, grade: general-3, role: direct_identifier}
    - {name: income, type: int64, entity: INCOME, grade: general-4, role: sensitive}
cases:
  - name: the case
    columns: [name]
    purpose: research
    recipient: {kind: research}
    expect: {outcome: permitted_with_obligations, columns: {name: mask}}
"""


def run(bench, old="", new="", **policy):
    text = CASES.replace(old, new, 1)
    assert old == new or text != CASES
    (result,) = run_cases(bench.policy(**policy), parse_cases(text))
    return result


def test_a_case_that_holds(bench):
    result = run(bench)
    assert result.passed
    assert result.decision.permitted


FAILING = {
    "another outcome": (
        "outcome: permitted_with_obligations",
        "outcome: denied",
        "expected denied, is",
    ),
    "another kind": ("name: mask", "name: token", "columns.name: expected token"),
    "other parameters": (
        "name: mask",
        "name: {kind: mask, keep_first: 2}",
        'expected {"character"',
    ),
    "a column that is not asked for": ("{name: mask}", "{income: keep}", "not released"),
    "a reason that is not given": (
        "{outcome: permitted",
        "{reasons: [NO_RULE], outcome: permitted",
        "expected NO_RULE",
    ),
    "a bound that is not there": (
        "{outcome: permitted",
        "{max_rows: 5, outcome: permitted",
        "max_rows: expected 5, is None",
    ),
    "a bound on the grade that is not there": (
        "{outcome: permitted",
        "{max_grade: general-2, outcome: permitted",
        "max_grade: expected general-2, is None",
    ),
    "other approvals": (
        "{outcome: permitted",
        "{approvals: [holder, officer], outcome: permitted",
        "approvals: expected holder, officer, is holder",
    ),
    "denied for want of a grant": (
        "columns: [name]",
        "columns: [name]\n    grant: false",
        "NO_GRANT",
    ),
    "an invalid request": ("columns: [name]", "columns: [nobody]", "invalid at columns[0]"),
    "valid after all": (
        "outcome: permitted_with_obligations",
        "outcome: invalid",
        "expected invalid",
    ),
}


@pytest.mark.parametrize(("old", "new", "said"), FAILING.values(), ids=FAILING.keys())
def test_a_case_that_does_not_hold_says_what_differs(bench, old, new, said):
    result = run(bench, old, new)
    assert not result.passed
    assert said in "; ".join(result.differences)


def test_an_invalid_request_can_be_expected(bench):
    old = "columns: [name]\n    purpose: research\n    recipient: {kind: research}\n"
    new = old.replace("research\n    recipient", "spying\n    recipient")
    text = CASES.replace(old, new).replace(
        "{outcome: permitted_with_obligations, columns: {name: mask}}",
        "{outcome: invalid, reasons: [purpose]}",
    )
    (result,) = run_cases(bench.policy(), parse_cases(text))
    assert result.passed
    (other,) = run_cases(bench.policy(), parse_cases(text.replace("[purpose]", "[columns]")))
    assert not other.passed


def test_cases_of_another_policy_are_refused(bench):
    with pytest.raises(InvalidRequest, match="policies/main"):
        run_cases(bench.policy(name="policies/other"), parse_cases(CASES))


def test_malformed_cases_are_refused_with_path_and_line():
    with pytest.raises(InvalidRequest) as refused:
        parse_cases(CASES.replace("kind: research", "kind: family"))
    assert [v.field for v in refused.value.violations] == ["cases[0].recipient.kind"]
    assert refused.value.violations[0].description.startswith("line 11: ")


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "beside the other starters"])
@pytest.mark.parametrize("starter", starters(), ids=lambda starter: starter.name)
def test_the_starters_do_what_their_cases_say(starter, alone):
    policy = parse_policy(starter.policy)
    others = [] if alone else [parse_policy(s.policy) for s in starters() if s is not starter]
    failed = [r for r in run_cases(policy, parse_cases(starter.cases), others) if not r.passed]
    assert failed == []


def test_every_starter_has_cases_and_a_source():
    folder = Path(__file__).parents[3] / "gateway" / "norms" / "policies"
    files = {path.name for path in folder.glob("*.yaml")}
    assert files == {f"{s.name}{end}" for s in starters() for end in (".yaml", ".cases.yaml")}
    for starter in starters():
        policy = parse_policy(starter.policy)
        assert policy.name == f"policies/{starter.name}"
        assert policy.source
        assert policy.effective


def test_the_schema_of_cases_takes_the_starters_cases():
    validator = jsonschema.Draft202012Validator(cases_schema())
    for starter in starters():
        validator.validate(parse_cases(starter.cases).model_dump(mode="json", exclude_none=True))


def test_a_starter_that_shows_persons_as_they_are_bounds_rows_over_time_too():
    # Without it 500 releases of 1,000 rows would be a whole register in a month.
    for starter in starters():
        for rule in parse_policy(starter.policy).rules:
            if rule.obligations.max_rows is not None:
                assert rule.obligations.quota is not None, rule.name
                assert rule.obligations.quota.rows is not None, rule.name
