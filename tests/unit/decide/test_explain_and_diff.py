"""People see why rules did or did not match, and what a new version of a policy would change."""

import pytest

from gateway.decide.diff import Direction, PastRequest, changed_outcomes
from gateway.decide.explain import explain
from gateway.decide.trial import with_policy


def test_every_rule_is_told_with_what_kept_it_from_matching(bench):
    explanation = explain(bench.request("name", "state"), bench.facts)
    name, state = explanation.columns
    assert [rule.name for rule in name.rules if rule.matched] == ["policies/main/names"]
    assert name.transform is None  # the request as a whole is denied
    births = next(rule for rule in state.rules if rule.name == "policies/main/births")
    assert [(d.field, d.text) for d in births.differences] == [
        ("entity", "it is NONE, not BIRTH_DATE")
    ]
    lines = list(explanation.lines())
    assert lines[0] == "outcome: denied"
    assert "name (source column xm): PERSON, general-3, direct_identifier → not released" in lines
    assert "  + policies/main/names: mask" in lines
    assert "  - policies/main/births: entity: it is NONE, not BIRTH_DATE" in lines


def test_unmatched_rules_can_be_left_out(bench):
    lines = list(explain(bench.request("district"), bench.facts).lines(unmatched=False))
    assert "district: REGION, general-2, quasi_identifier → keep" in lines
    assert not any(line.startswith("  - ") for line in lines)


def test_an_unknown_verdict_is_shown_as_unknown(bench):
    lines = "\n".join(explain(bench.request("odd"), bench.facts).lines())
    assert "odd: NONE, ?, other → not released" in lines


def test_a_difference_of_applies_to_is_told_as_such(bench):
    facts = bench.under(bench.policy(applies_to={"recipient_kind": ["public"]}))
    (column,) = explain(bench.request("district"), facts).columns
    assert any(d.field == "applies_to.recipient_kind" for r in column.rules for d in r.differences)


def rule(name, transform, **match):
    return {"name": name, "match": match, "transform": transform}


def with_rule(bench, index, **change):
    rules = [dict(each) for each in bench.rules]
    rules[index] = {**rules[index], **change}
    return bench.policy(*rules)


def deny_names(bench):
    return bench.policy(
        *bench.rules, {"name": "no-names", "match": {"entity": ["PERSON"]}, "effect": "deny"}
    )


VERSIONS = {
    "a deny": (deny_names, Direction.TIGHTER, "outcome: permitted_with_obligations → denied"),
    "a stricter transform": (
        lambda bench: with_rule(bench, 0, transform={"kind": "suppress"}),
        Direction.TIGHTER,
        "name: ",
    ),
    "a looser transform": (
        lambda bench: with_rule(bench, 0, transform={"kind": "keep"}),
        Direction.LOOSER,
        "name: ",
    ),
    "another transform": (
        lambda bench: with_rule(bench, 0, transform={"kind": "truncate", "length": 1}),
        Direction.MIXED,
        "name: ",
    ),
    "a bound on rows": (
        lambda bench: bench.policy(obligations={"max_rows": 5}),
        Direction.TIGHTER,
        "max_rows: none → 5",
    ),
    "a bound on the grade": (
        lambda bench: bench.policy(obligations={"max_grade": "general-2"}),
        Direction.TIGHTER,
        "max_grade: none → general-2",
    ),
    "a longer expiry": (
        lambda bench: bench.policy(obligations={"expires_after_days": 60}),
        Direction.LOOSER,
        "expires_after_days: 30 → 60",
    ),
    "unhandled values suppressed": (
        lambda bench: bench.policy(on_unhandled="suppress"),
        Direction.LOOSER,
        "on_unhandled: stop → suppress",
    ),
    "a row filter": (
        lambda bench: bench.policy(
            obligations={
                "row_filters": [{"column": "district", "operator": "=", "values": ["secret-word"]}]
            }
        ),
        Direction.TIGHTER,
        "row_filters: 0 less, 1 more",
    ),
    "a purpose renamed": (
        lambda bench: bench.policy(purposes={"study": ""}),
        Direction.TIGHTER,
        "outcome: permitted_with_obligations → invalid",
    ),
}


@pytest.mark.parametrize(("version", "direction", "line"), VERSIONS.values(), ids=VERSIONS.keys())
def test_a_changed_outcome_is_told_with_its_direction(bench, version, direction, line):
    past = [
        PastRequest("releases/r-1", bench.request("name"), bench.facts),
        PastRequest("releases/r-2", bench.request("state"), bench.facts),
    ]
    changes = changed_outcomes(bench.policy(), version(bench), past)
    assert {change.direction for change in changes} == {direction}
    first = changes[0]
    assert first.name == "releases/r-1"
    assert any(text.startswith(line) for text in first.lines)
    assert "secret-word" not in "".join(first.lines)


def test_the_other_way_round_is_the_other_direction(bench):
    past = [PastRequest("releases/r-1", bench.request("name"), bench.facts)]
    (change,) = changed_outcomes(deny_names(bench), bench.policy(), past)
    assert change.direction is Direction.LOOSER
    assert (change.before, change.after) == ("denied", "permitted_with_obligations")


def test_a_bound_on_the_grade_is_compared_by_how_much_it_lets_through(bench):
    past = [PastRequest("releases/r-1", bench.request("name"), bench.facts)]
    low, high, none = (
        bench.policy(obligations={"max_grade": grade} if grade else {})
        for grade in ("general-2", "important", None)
    )
    for strict, mild in ((low, high), (low, none), (high, none)):
        (tighter,) = changed_outcomes(mild, strict, past)
        (looser,) = changed_outcomes(strict, mild, past)
        assert (tighter.direction, looser.direction) == (Direction.TIGHTER, Direction.LOOSER)
    longer = low.but(obligations=low.obligations.but(expires_after_days=60))
    (mixed,) = changed_outcomes(none, longer, past)
    assert mixed.direction is Direction.MIXED


def test_the_same_policy_changes_nothing(bench):
    past = [PastRequest("releases/r-1", bench.request("name", "district"), bench.facts)]
    assert changed_outcomes(bench.policy(), bench.policy(title="renamed"), past) == ()


def test_other_policies_stay_in_force_beside_both(bench):
    guard = deny_names(bench).but(name="policies/guard")
    past = [PastRequest("releases/r-1", bench.request("name"), with_policy(bench.facts, guard))]
    assert changed_outcomes(bench.policy(), bench.policy(obligations={"max_rows": 1}), past) == ()
