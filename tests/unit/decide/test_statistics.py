"""Questions are denied unless rules about statistics permit every column, and a grant covers it."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from gateway.decide.engine import decide
from gateway.decide.lint import lint
from gateway.decide.statistics import decide_statistics
from gateway.errors import InvalidRequest
from gateway.model.decision import Outcome
from gateway.model.statistics import StatisticsRequest
from gateway.model.statistics_decision import StatisticsDecision
from gateway.planning.questions.filters import with_filters
from gateway.planning.questions.parse import parse

STATISTICS = {
    "name": "statistics",
    "match": {"grade": {"at_most": "general-4"}},
    "statistics": {"max_epsilon": "0.5"},
}


def _ask(bench, sql: str, facts, **more: object) -> StatisticsDecision:
    facts = replace(facts, dataset=facts.dataset.but(privacy_unit="xm"))
    question = parse(sql, {facts.dataset.name: facts.dataset})
    request = StatisticsRequest.model_validate(
        {
            "dataset": "datasets/register",
            "sql": sql,
            "purpose": "research",
            "epsilon": 1,
            **more,
        }
    )
    return decide_statistics(request, question, [facts])


def _codes(decision: StatisticsDecision) -> list[str]:
    return [reason.code for reason in decision.reasons]


SUM = "SELECT district, SUM(CLAMP(income, 0, 9)) FROM register WHERE birth < '2000-01-01' GROUP BY district"


def test_a_permit_for_records_is_none_for_statistics_nor_the_other_way_round(bench) -> None:
    decision = _ask(bench, SUM, bench.facts)
    assert decision.outcome is Outcome.DENIED
    assert _codes(decision) == ["NO_RULE"] * 3
    opened = bench.under(bench.policy(STATISTICS))
    assert _ask(bench, SUM, opened).permitted
    assert not decide(bench.request("income"), opened).permitted


def test_what_a_permitted_question_gets(bench) -> None:
    other = {**STATISTICS, "name": "more", "statistics": {"max_epsilon": 2, "minimum_frequency": 7}}
    decision = _ask(bench, SUM, bench.under(bench.policy(STATISTICS, other)))
    assert (decision.max_epsilon, decision.minimum_frequency) == ("1/2", 7)
    assert decision.grants == ("grants/g-1",)
    assert decision.policies[0].name == "policies/main"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT SUM(CLAMP(income, 0, 9)) FROM register WHERE xm = 'x'",
        "SELECT COUNT(*) FROM register WHERE LENGTH(xm) > 3",
        "SELECT COUNT(*) FROM register GROUP BY LOWER(xm)",
        "SELECT COUNT(CASE WHEN xm LIKE 'a%' THEN 1 END) FROM register",
    ],
)
def test_a_column_is_named_wherever_it_stands(bench, sql: str) -> None:
    rule = {**STATISTICS, "match": {"role": ["sensitive", "quasi_identifier"]}}
    decision = _ask(bench, sql, bench.under(bench.policy(rule)))
    assert [(r.code, r.column) for r in decision.reasons] == [("NO_RULE", "name")]


def test_the_column_of_the_person_need_not_be_permitted_to_count_by(bench) -> None:
    rule = {**STATISTICS, "match": {"role": ["sensitive"]}}
    facts = bench.under(bench.policy(rule))
    for sql in ("SELECT COUNT(*) FROM register", "SELECT COUNT(DISTINCT xm) FROM register"):
        assert _ask(bench, sql, facts).permitted


def test_a_question_without_columns_needs_the_data_set_to_be_open_to_statistics(bench) -> None:
    sql = "SELECT COUNT(*) FROM register"
    assert _codes(_ask(bench, sql, bench.facts)) == ["NO_RULE"]
    opened = bench.under(bench.policy(STATISTICS))
    assert _ask(bench, sql, opened).permitted
    assert _codes(_ask(bench, sql, replace(opened, grants=()))) == ["NO_GRANT"]
    everything = {"name": "no", "effect": "deny", "match": {"grade": {"at_most": "core"}}}
    shut = bench.under(bench.policy(STATISTICS), bench.policy(everything, name="policies/shut"))
    assert not _ask(bench, sql, shut).permitted


@pytest.mark.parametrize(
    ("denies", "records", "statistics"),
    [(None, False, False), ("records", False, True), ("statistics", True, False)],
)
def test_a_deny_is_about_both_unless_it_says(
    bench, denies, records: bool, statistics: bool
) -> None:
    deny = {"name": "no", "effect": "deny", "match": {"column": ["income"]}}
    if denies:
        deny["denies"] = denies
    facts = bench.under(bench.policy(*bench.rules, STATISTICS, deny))
    assert decide(bench.request("income"), facts).permitted is records
    assert _ask(bench, SUM, facts).permitted is statistics


def test_a_grant_covers_every_column_that_is_named(bench) -> None:
    narrow = bench.grant(columns=("district", "income"))
    facts = replace(bench.under(bench.policy(STATISTICS)), grants=(narrow,))
    decision = _ask(bench, SUM, facts)
    assert _codes(decision) == ["GRANT_NARROWER"]
    assert "birth" in decision.reasons[0].text


def test_approvals_of_rules_about_statistics_are_needed(bench) -> None:
    rule = {
        **STATISTICS,
        "match": {"column": ["district"]},
        "obligations": {"approvals": ["officer"]},
    }
    sql = "SELECT COUNT(*) FROM register WHERE district = 'x'"
    only_holder = bench.grant(approvals=bench.approvals(officer=None), required=("holder",))
    facts = replace(bench.under(bench.policy(rule)), grants=(only_holder,))
    assert _codes(_ask(bench, sql, facts)) == ["APPROVAL_MISSING"]


def test_row_filters_of_policies_are_part_of_where(bench) -> None:
    rule = {
        **STATISTICS,
        "obligations": {
            "row_filters": [
                {"column": "income", "operator": "<", "values": ["100"]},
                {"column": "district", "operator": "not in", "values": ["x"]},
            ]
        },
    }
    facts = bench.under(bench.policy(rule))
    decision = _ask(bench, "SELECT COUNT(*) FROM register WHERE state = 'a'", facts)
    # of the important column nothing is permitted
    assert not decision.permitted
    sql = "SELECT COUNT(*) FROM register WHERE birth IS NOT NULL"
    decision = _ask(bench, sql, facts)
    assert decision.permitted
    dataset = facts.dataset.but(privacy_unit="xm")
    datasets = {dataset.name: dataset}
    asked = parse(sql, datasets)
    filtered = with_filters(asked, datasets, decision.row_filters)
    assert set(filtered.columns()) == {"xm", "birth", "income", "district"}
    assert filtered.where.function == "and"
    assert filtered.where.arguments[0] == asked.where


def test_an_unknown_purpose_and_a_disabled_recipient(bench) -> None:
    opened = bench.under(bench.policy(STATISTICS))
    with pytest.raises(InvalidRequest, match="purpose"):
        _ask(bench, SUM, opened, purpose="mischief")
    disabled = replace(opened, recipient=opened.recipient.but(disabled=True))
    assert _codes(_ask(bench, SUM, disabled)) == ["RECIPIENT_DISABLED"]


@pytest.mark.parametrize(
    "rule",
    [
        {"statistics": {}, "transform": {"kind": "keep"}},
        {"effect": "deny", "statistics": {}},
        {"denies": "records", "transform": {"kind": "keep"}},
        {"statistics": {"max_epsilon": "0"}},
        {"statistics": {"max_epsilon": -1}},
        {"statistics": {"max_epsilon": 0.5}},
        {"statistics": {}, "obligations": {"max_rows": 5}},
        {"statistics": {}, "obligations": {"sample_percent": 5}},
    ],
)
def test_rules_that_say_nothing_that_can_be_kept_are_refused(bench, rule: dict) -> None:
    with pytest.raises(ValidationError):
        bench.policy({"name": "odd", "match": {"role": ["sensitive"]}, **rule})


def test_lint_sees_that_a_deny_of_records_leaves_statistics(bench) -> None:
    deny = {"name": "no", "effect": "deny", "match": {"grade": {"at_most": "core"}}}

    def found(policy) -> set[str]:
        return {finding.code for finding in lint(policy)}

    assert "SHADOWED_BY_DENY" in found(bench.policy(STATISTICS, deny))
    only_records = bench.policy(STATISTICS, {**deny, "denies": "records"})
    assert "SHADOWED_BY_DENY" not in found(only_records)
