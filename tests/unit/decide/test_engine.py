"""Deny by default, all reasons, the strictest of everything."""

from datetime import timedelta

import pytest

from gateway.decide.engine import decide, decide_own_records
from gateway.decide.facts import Facts
from gateway.decide.grants import required_approvals
from gateway.errors import InvalidRequest
from gateway.model.catalog import SourceVersion
from gateway.model.decision import Outcome
from gateway.model.evidence import Declaration, Judged
from gateway.model.lifecycle import DataSetState, GrantState, PolicyState
from gateway.model.names import RecipientKind, Role
from gateway.model.transforms import GeneralizeDate, Keep, Mask


def codes(decision):
    return [reason.code for reason in decision.reasons]


# ---- permitted ----------------------------------------------------------------------------------


def test_columns_come_in_the_order_asked_for_with_what_must_happen(bench):
    decision = decide(bench.request("income", "name", "district"), bench.facts)
    assert decision.outcome is Outcome.PERMITTED_WITH_OBLIGATIONS
    assert [c.published for c in decision.columns] == ["income", "name", "district"]
    assert [c.column for c in decision.columns] == ["income", "xm", "district"]
    assert decision.columns[1].transform == Mask(keep_first=1)
    assert decision.columns[1].rules == ("policies/main/names",)
    assert decision.grant == "grants/g-1"
    assert [ref.name for ref in decision.policies] == ["policies/main"]


def test_a_source_name_means_the_same_column_as_its_published_name(bench):
    by_source = decide(bench.request("xm"), bench.facts)
    assert by_source.columns == decide(bench.request("name"), bench.facts).columns


def test_kept_columns_without_obligations_are_simply_permitted(bench):
    decision = decide(bench.request("district"), bench.facts)
    assert decision.outcome is Outcome.PERMITTED
    assert decision.expires_after_days == 30


def test_an_obligation_alone_makes_it_permitted_with_obligations(bench):
    facts = bench.under(bench.policy(obligations={"max_rows": 10}))
    decision = decide(bench.request("district"), facts)
    assert (decision.outcome, decision.max_rows) == (Outcome.PERMITTED_WITH_OBLIGATIONS, 10)


def test_every_permitted_column_tells_which_rule_gave_what(bench):
    decision = decide(bench.request("name", "district"), bench.facts)
    told = {(r.column, r.rule) for r in decision.reasons if r.code == "RULE"}
    assert told == {("name", "policies/main/names"), ("district", "policies/main/regions")}


def test_several_permits_join_to_the_strictest_and_say_so(bench):
    other = bench.policy(
        {
            "name": "years",
            "match": {"column": ["birth"]},
            "transform": {"kind": "generalize_date", "to": "year"},
        },
        name="policies/other",
    )
    decision = decide(bench.request("birth"), bench.under(bench.policy(), other))
    assert decision.columns[0].transform == GeneralizeDate(to="year")
    assert decision.columns[0].rules == ("policies/main/births", "policies/other/years")
    assert "STRICTEST" in codes(decision)


def test_quasi_identifiers_that_leave_a_value_make_up_the_cells(bench):
    facts = bench.under(
        bench.policy(
            *bench.rules[:2],
            {
                "name": "no-births",
                "match": {"column": ["birth"]},
                "transform": {"kind": "suppress"},
            },
            obligations={"min_cell_size": 5},
        )
    )
    decision = decide(bench.request("name", "district", "birth"), facts)
    assert decision.cell_columns == ("district",)
    assert (decision.min_cell_size, decision.small_cells) == (5, "refuse")


@pytest.mark.parametrize(
    ("transform", "counted"),
    [
        ({"kind": "token"}, False),
        ({"kind": "reversible_token"}, False),
        ({"kind": "encrypt_characters", "alphabet": "0123456789"}, False),
        # Of these an outsider knows something of each value.
        ({"kind": "encrypt_characters", "alphabet": "0123456789", "separators": "-"}, True),
        ({"kind": "encrypt_identifier", "profile": "mobile", "keep": 3}, True),
        ({"kind": "encrypt_identifier", "profile": "mobile", "keep": 0}, False),
        ({"kind": "shift_date", "most_days": 3}, True),
        ({"kind": "keep"}, True),
    ],
)
def test_what_nobody_outside_can_know_makes_no_cell_small(bench, transform, counted):
    facts = bench.under(
        bench.policy(
            {"name": "regions", "match": {"entity": ["REGION"]}, "transform": transform},
            obligations={"min_cell_size": 5},
        )
    )
    decision = decide(bench.request("district"), facts)
    assert decision.cell_columns == (("district",) if counted else ())


def test_the_policys_row_filters_speak_of_source_columns(bench):
    only = {"column": "name", "operator": "is not null"}
    facts = bench.under(bench.policy(obligations={"row_filters": [only]}))
    decision = decide(bench.request("district"), facts)
    assert [c.column for c in decision.row_filters] == ["xm"]


def test_obligations_of_columns_that_are_only_filtered_by_count_too(bench):
    rules = [dict(rule) for rule in bench.rules]
    rules[1]["obligations"] = {"max_rows": 7}
    facts = bench.under(bench.policy(*rules))
    where = [{"column": "district", "operator": "=", "values": ["north"]}]
    assert decide(bench.request("birth", filters=where), facts).max_rows == 7


# ---- denied by policy ---------------------------------------------------------------------------


def test_nothing_matched_is_denied(bench):
    decision = decide(bench.request("district", "state"), bench.facts)
    assert decision.outcome is Outcome.DENIED
    assert codes(decision) == ["NO_RULE"]
    assert decision.columns == ()
    assert decision.grant is None


def test_a_deny_wins_and_is_named(bench):
    deny = {
        "name": "no-incomes",
        "description": "incomes stay here",
        "match": {"column": ["income"]},
        "effect": "deny",
    }
    decision = decide(bench.request("income"), bench.under(bench.policy(*bench.rules, deny)))
    assert [(r.code, r.rule) for r in decision.reasons] == [
        ("DENY_RULE", "policies/main/no-incomes")
    ]
    assert "incomes stay here" in decision.reasons[0].text


def test_a_column_without_a_verdict_is_denied_whatever_the_rules_say(bench):
    everything = {
        "name": "everything",
        "match": {"grade": {"at_least": "general-1"}},
        "transform": {"kind": "keep"},
    }
    decision = decide(bench.request("odd"), bench.under(bench.policy(everything)))
    assert codes(decision) == ["NO_VERDICT"]
    assert "grade" in decision.reasons[0].text


def test_an_unknown_grade_counts_as_core_for_denies(bench):
    no_core = {"name": "no-core", "match": {"grade": {"at_least": "core"}}, "effect": "deny"}
    decision = decide(bench.request("odd"), bench.under(bench.policy(*bench.rules, no_core)))
    assert codes(decision) == ["DENY_RULE", "NO_VERDICT"]


@pytest.mark.parametrize(
    "match",
    [
        {"grade": {"at_least": "general-3"}},
        {"entity": ["PERSON"]},
        {"element": ["district"]},
        {"role": ["sensitive"]},
        {"column": ["dist", "districts"]},
        {"dataset": ["datasets/registers"]},
        {"holder": ["parties/other"]},
        {"recipient": ["parties/other"]},
        {"recipient_kind": ["government", "public"]},
    ],
    ids=lambda match: next(iter(match)),
)
def test_every_condition_of_a_match_can_keep_a_rule_from_matching(bench, match):
    rule = {"name": "keep-it", "match": match, "transform": {"kind": "keep"}}
    assert codes(decide(bench.request("district"), bench.under(bench.policy(rule)))) == ["NO_RULE"]
    # and as applies_to of the whole file
    facts = bench.under(bench.policy(*bench.rules, applies_to=match))
    assert codes(decide(bench.request("district"), facts)) == ["NO_RULE"]


def test_a_permit_speaks_only_about_purposes_of_its_own_file(bench):
    open_data = bench.policy(
        {"name": "all-open", "match": {"column": ["state"]}, "transform": {"kind": "keep"}},
        name="policies/open",
        purposes={"publication": "for all"},
    )
    decision = decide(bench.request("state"), bench.under(bench.policy(), open_data))
    assert codes(decision) == ["NO_RULE"]


def test_a_deny_of_another_file_holds_for_every_purpose(bench):
    guard = bench.policy(
        {"name": "no-names", "match": {"entity": ["PERSON"]}, "effect": "deny"},
        name="policies/guard",
        purposes={"audit": "for auditors"},
    )
    decision = decide(bench.request("name"), bench.under(bench.policy(), guard))
    assert codes(decision) == ["DENY_RULE"]


def test_a_row_filter_on_a_column_the_data_set_has_not_denies(bench):
    consent = {"column": "consent", "operator": "=", "values": ["secret-word"]}
    facts = bench.under(bench.policy(obligations={"row_filters": [consent]}))
    decision = decide(bench.request("district"), facts)
    assert codes(decision) == ["POLICY_COLUMN_MISSING"]
    assert "secret-word" not in decision.reasons[0].text


def test_a_row_filter_that_cannot_be_read_as_the_columns_type_denies(bench):
    broken = {"column": "income", "operator": ">", "values": ["secret-word"]}
    facts = bench.under(bench.policy(obligations={"row_filters": [broken]}))
    decision = decide(bench.request("district"), facts)
    assert codes(decision) == ["POLICY_FILTER_UNREADABLE"]
    assert "secret-word" not in decision.reasons[0].text


# ---- denied by state and by filters -------------------------------------------------------------


def test_a_data_set_that_is_not_active_is_denied(bench):
    gone = bench.facts.dataset.but(state=DataSetState.WITHDRAWN)
    assert "DATASET_NOT_ACTIVE" in codes(
        decide(bench.request("district"), bench.under(dataset=gone))
    )


def test_a_disabled_recipient_and_one_who_is_no_consumer_are_denied(bench):
    officer = bench.facts.recipient.but(disabled=True, role=Role.OFFICER)
    decision = decide(bench.request("district"), bench.under(recipient=officer))
    assert codes(decision) == ["RECIPIENT_DISABLED", "NOT_A_CONSUMER"]


def test_rows_are_not_chosen_by_a_column_that_is_changed(bench):
    where = [{"column": "income", "operator": ">", "values": ["5"]}]
    decision = decide(bench.request("district", filters=where), bench.facts)
    assert codes(decision) == ["FILTER_ON_PROTECTED_COLUMN"]


def test_rows_are_not_chosen_by_a_column_that_no_rule_permits(bench):
    where = [{"column": "state", "operator": "is null"}]
    decision = decide(bench.request("district", filters=where), bench.facts)
    assert codes(decision) == ["NO_RULE", "FILTER_ON_PROTECTED_COLUMN"]


def test_rows_are_not_chosen_by_a_column_outside_the_grant(bench):
    where = [{"column": "district", "operator": "=", "values": ["north"]}]
    facts = bench.under(grants=(bench.grant(columns=("birth",)),))
    assert codes(decide(bench.request("birth", filters=where), facts)) == ["GRANT_NARROWER"]


# ---- denied for want of a grant -----------------------------------------------------------------


def test_no_grant(bench):
    decision = decide(bench.request("district"), bench.under(grants=()))
    assert codes(decision) == ["NO_GRANT"]
    assert "parties/bureau" in decision.reasons[0].text


NEAR_MISSES = {
    "asked for and not yet approved": ({"state": GrantState.REQUESTED}, "GRANT_PENDING"),
    "refused": ({"state": GrantState.REFUSED}, "GRANT_REFUSED"),
    "revoked": ({"state": GrantState.REVOKED}, "GRANT_REVOKED"),
    "marked as expired": ({"state": GrantState.EXPIRED}, "GRANT_EXPIRED"),
    "for other columns": ({"columns": ("birth",)}, "GRANT_NARROWER"),
    "for a project": ({"project": "trial-1"}, "GRANT_NARROWER"),
}


@pytest.mark.parametrize(("change", "code"), NEAR_MISSES.values(), ids=NEAR_MISSES.keys())
def test_a_grant_that_nearly_fits_says_why_it_does_not(bench, change, code):
    facts = bench.under(grants=(bench.grant(**change),))
    assert codes(decide(bench.request("district"), facts)) == [code]


def test_a_request_in_a_project_needs_a_grant_for_that_project(bench):
    asked = bench.request("district", project="trial-1")
    assert codes(decide(asked, bench.facts)) == ["GRANT_NARROWER"]
    fitting = bench.under(grants=(bench.grant(project="trial-1"),))
    assert decide(asked, fitting).permitted


@pytest.mark.parametrize(
    ("begins", "ends", "code"),
    [(-2, -1, "GRANT_EXPIRED"), (1, 2, "GRANT_NOT_YET")],
    ids=["over", "to come"],
)
def test_a_grant_outside_its_period(bench, begins, ends, code):
    period = {
        "not_before": bench.now + timedelta(days=begins),
        "expires": bench.now + timedelta(days=ends),
    }
    facts = bench.under(grants=(bench.grant(**period),))
    assert codes(decide(bench.request("district"), facts)) == [code]


def test_a_grant_holds_from_its_first_moment_and_not_at_its_last(bench):
    grant = bench.grant()
    at_begin = bench.under(now=grant.not_before)
    at_end = bench.under(now=grant.expires)
    assert decide(bench.request("district"), at_begin).permitted
    assert codes(decide(bench.request("district"), at_end)) == ["GRANT_EXPIRED"]


def test_a_grant_for_another_purpose_consumer_or_data_set_is_none(bench):
    grants = (
        bench.grant(purpose="advertising"),
        bench.grant(name="grants/g-2", consumer="parties/other"),
        bench.grant(name="grants/g-3", dataset="datasets/other"),
    )
    assert codes(decide(bench.request("district"), bench.under(grants=grants))) == ["NO_GRANT"]


def test_sensitive_columns_need_the_officers_approval(bench):
    facts = bench.under(grants=(bench.grant(approvals=bench.approvals(officer=None)),))
    assert decide(bench.request("district"), facts).permitted
    assert codes(decide(bench.request("income"), facts)) == ["APPROVAL_MISSING"]


def test_a_policy_can_oblige_an_officers_approval(bench):
    facts = bench.under(
        bench.policy(obligations={"approvals": ["officer"]}),
        grants=(bench.grant(approvals=bench.approvals(officer=None)),),
    )
    assert codes(decide(bench.request("district"), facts)) == ["APPROVAL_MISSING"]


def test_another_holders_approval_counts_for_nothing(bench):
    facts = bench.under(grants=(bench.grant(approvals=bench.approvals(holder="parties/thief")),))
    assert codes(decide(bench.request("district"), facts)) == ["APPROVAL_MISSING"]


def test_of_several_grants_the_one_that_lasts_longest_is_used(bench):
    longer = bench.grant(name="grants/g-0", expires=bench.now + timedelta(days=5))
    facts = bench.under(grants=(bench.grant(), longer, bench.grant(name="grants/g-9")))
    assert decide(bench.request("district"), facts).grant == "grants/g-0"


def test_old_grants_are_not_told_of_while_one_is_alive(bench):
    old = [bench.grant(name=f"grants/old-{n}", state=GrantState.REVOKED) for n in range(5)]
    alive = bench.grant(state=GrantState.REQUESTED)
    facts = bench.under(grants=(*old, alive))
    assert codes(decide(bench.request("district"), facts)) == ["GRANT_PENDING"]


def test_all_reasons_are_told_and_not_only_the_first(bench):
    where = [{"column": "income", "operator": ">", "values": ["5"]}]
    gone = bench.facts.dataset.but(state=DataSetState.WITHDRAWN)
    decision = decide(
        bench.request("state", "odd", filters=where), bench.under(dataset=gone, grants=())
    )
    assert codes(decision) == [
        "DATASET_NOT_ACTIVE",
        "NO_RULE",
        "NO_VERDICT",
        "FILTER_ON_PROTECTED_COLUMN",
        "NO_GRANT",
    ]


def test_own_records_need_no_grant_but_the_policies_rule(bench):
    facts = bench.under(grants=())
    decision = decide_own_records(bench.request("name"), facts)
    assert decision.permitted
    assert decision.grant is None
    assert codes(decide_own_records(bench.request("state"), facts)) == ["NO_RULE"]


# ---- shape --------------------------------------------------------------------------------------


def test_unknown_names_are_all_told_with_what_is_known(bench):
    asked = bench.request(
        "name",
        "hotel",
        "xm",
        purpose="spying",
        filters=[
            {"column": "tel", "operator": "is null"},
            {"column": "income", "operator": "=", "values": ["secret-word"]},
        ],
    )
    with pytest.raises(InvalidRequest) as refused:
        decide(asked, bench.facts)
    told = {v.field: v.description for v in refused.value.violations}
    assert set(told) == {
        "purpose",
        "columns[1]",
        "columns[2]",
        "filters[0].column",
        "filters[1].values",
    }
    assert "research" in told["purpose"]
    assert "district" in told["columns[1]"]
    assert "same column" in told["columns[2]"]
    assert "secret-word" not in refused.value.message


def test_without_any_active_policy_no_purpose_is_known(bench):
    facts = Facts(bench.facts.dataset, bench.facts.recipient, (), (), bench.now)
    with pytest.raises(InvalidRequest, match="no policy is active"):
        decide(bench.request("district"), facts)


def test_facts_refuse_policies_that_are_not_active_and_times_without_zone(bench):
    draft = bench.facts.policies[0].but(state=PolicyState.DRAFT)
    with pytest.raises(ValueError, match="not an active policy"):
        bench.under(policies=(draft,))
    with pytest.raises(ValueError, match="time zone"):
        bench.under(now=bench.now.replace(tzinfo=None))


# ---- who must approve ---------------------------------------------------------------------------


def test_required_approvals_of_a_wish_and_of_a_grant(bench):
    assert required_approvals(bench.request("district"), bench.facts) == (Role.HOLDER,)
    assert required_approvals(bench.request("income"), bench.facts) == (Role.HOLDER, Role.OFFICER)
    assert required_approvals(bench.grant(), bench.facts) == (Role.HOLDER, Role.OFFICER)


def test_an_unknown_grade_needs_the_officer(bench):
    assert Role.OFFICER in required_approvals(bench.request("odd"), bench.facts)


def test_a_recipient_of_another_kind_gets_another_answer(bench):
    rules = [
        {**rule, "match": {**rule["match"], "recipient_kind": ["research"]}} for rule in bench.rules
    ]
    facts = bench.under(bench.policy(*rules))
    firm = facts.recipient.but(kind=RecipientKind.COMMERCIAL)
    assert decide(bench.request("district"), facts).columns[0].transform == Keep()
    assert not decide(
        bench.request("district"), bench.under(policies=facts.policies, recipient=firm)
    ).permitted


def test_a_grant_is_not_carried_over_to_another_column_by_its_published_name(bench):
    facts = bench.under(grants=(bench.grant(columns=("name",)),))
    assert codes(decide(bench.request("name"), facts)) == ["GRANT_NARROWER"]


# ---- verdicts that lapse, and content that is not classified yet --------------------------------


@pytest.mark.parametrize(
    ("seconds", "codes_then"), [(-1, ["RULE"]), (0, ["NO_RULE"]), (1, ["NO_RULE"])]
)
def test_a_lapsed_declaration_permits_nothing_before_anybody_swept_it(bench, seconds, codes_then):
    until = bench.now + timedelta(hours=1)
    secret = bench.facts.dataset.find("state")
    said = secret.but(
        entity="REGION",
        grade="general-2",
        role="quasi_identifier",
        declaration=Declaration(
            party="parties/officer",
            role=Role.OFFICER,
            at=bench.now - timedelta(days=1),
            until=until,
        ),
        found=secret.in_force(),
    )
    columns = tuple(said if c.name == "state" else c for c in bench.facts.dataset.columns)
    now = until + timedelta(seconds=seconds)
    facts = bench.under(dataset=bench.facts.dataset.but(columns=columns), now=now)
    decision = decide(bench.request("state"), facts)
    assert [c for c in codes(decision) if c in {"RULE", "NO_RULE"}] == codes_then


def test_nothing_leaves_of_content_that_is_not_classified_yet(bench):
    seen = SourceVersion(fingerprint="a" * 64, schema_digest="b" * 64, rows=5)
    dataset = bench.facts.dataset.but(version=seen, judged=Judged(rules="1", fingerprint="a" * 64))
    assert decide(bench.request("district"), bench.under(dataset=dataset)).permitted
    for judged in (Judged(rules="1", fingerprint="c" * 64), Judged(rules="1")):
        pushed = dataset.but(judged=judged)
        decision = decide(bench.request("district"), bench.under(dataset=pushed))
        assert codes(decision) == ["NOT_CLASSIFIED"]
