"""What can be planned beside a demand for anonymity, and what is refused with a remedy."""

from datetime import UTC, datetime

import pytest

from gateway.decide.engine import decide
from gateway.decide.facts import Facts
from gateway.decide.trial import as_if_active
from gateway.errors import FailedPrecondition
from gateway.model.access import Approval, ExtractRequest, Grant, Verdict
from gateway.model.catalog import Column, DataSet, Party, PushedSource, SourceVersion
from gateway.model.evidence import Judged
from gateway.model.names import RecipientKind, Role
from gateway.model.plan import AttacksCheck, ExtractsCheck, ModelsCheck
from gateway.model.policy import Policy
from gateway.planning.anonymisation import MOST_ROWS
from gateway.planning.compile import compile_plan
from gateway.risk.grades import grade_left
from gateway.transform.registry import output_type

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LAB = Party(name="parties/lab", role=Role.CONSUMER, kind=RecipientKind.RESEARCH, display_name="")
ROLES = {
    "id": ("direct_identifier", "string"),
    "age": ("quasi_identifier", "int64"),
    "region": ("quasi_identifier", "string"),
    "weight": ("quasi_identifier", "double"),
    "illness": ("sensitive", "string"),
    "serial": ("other", "string"),
}
KEPT = {name: {"kind": "keep"} for name in ROLES}


def version(rows=1000):
    return SourceVersion(fingerprint="1" * 64, schema_digest="2" * 64, rows=rows)


def dataset(rows=1000, **more):
    columns = tuple(
        Column.model_validate(
            {"name": n, "type": t, "entity": "NONE", "grade": "general-2", "role": r}
            | ({"element": "body_height", "unit": "m"} if n == "weight" else {})
        )
        for n, (r, t) in ROLES.items()
    )
    return DataSet(
        name="datasets/register",
        holder="parties/bureau",
        title="",
        source=PushedSource(),
        columns=columns,
        version=version(rows),
        judged=Judged(rules="1", fingerprint="1" * 64),
        created=NOW,
        updated=NOW,
        **more,
    )


def granted(held):
    approval = Approval(
        party="parties/bureau", role=Role.HOLDER, verdict=Verdict.APPROVED, reason="", at=NOW
    )
    return Grant(
        name="grants/one",
        consumer=LAB.name,
        dataset=held.name,
        columns=tuple(ROLES),
        purpose="research",
        not_before=NOW,
        expires=NOW.replace(year=2027),
        required=(Role.HOLDER,),
        approvals=(approval,),
        state="active",
        created=NOW,
    )


def decided(columns, obligations, transforms, held, **asked):
    policy = Policy.model_validate(
        {
            "format": "gateway-policy/1",
            "name": "policies/some",
            "purposes": {"research": ""},
            "obligations": obligations,
            "rules": [
                {"name": f"rule-{n}", "match": {"column": [n]}, "transform": t}
                for n, t in (KEPT | transforms).items()
            ],
        }
    )
    request = ExtractRequest.model_validate(
        {"dataset": held.name, "columns": tuple(columns), "purpose": "research", **asked}
    )
    return request, decide(
        request, Facts(held, LAB, (as_if_active(policy),), (granted(held),), NOW)
    )


def plan(*columns, obligations=None, transforms=None, rows=1000, digests=None, unit=None, **asked):
    held = dataset(rows, privacy_unit=unit)
    request, decision = decided(
        columns, {"k": 5} if obligations is None else obligations, transforms or {}, held, **asked
    )
    assert decision.permitted, decision.reasons
    return compile_plan(
        request,
        decision,
        held,
        version(rows),
        LAB,
        output_type=output_type,
        grade_left=grade_left,
        hierarchy_digests=digests or {},
        key_version=lambda _: 1,
        profile="international",
    )


def test_all_quasi_identifiers_are_recoded_and_those_asked_for_are_published_as_text():
    made = plan("age", "illness", obligations={"k": 5, "l": {"illness": 3}, "max_rows": 10})
    goal = made.anonymisation.goal
    assert goal.quasi_identifiers == ("age", "region", "weight")
    assert {m.kind for m in goal.models} == {"k_anonymity", "l_diversity"}
    assert [(s.recoded, s.output_type) for s in made.steps] == [(True, "string"), (False, "string")]
    assert made.limit is None
    [models] = [check for check in made.checks if isinstance(check, ModelsCheck)]
    assert models.columns == ("age",)
    kinds = {type(check) for check in made.checks}
    assert {ExtractsCheck, AttacksCheck} <= kinds


def test_models_of_columns_that_are_not_asked_for_still_shape_the_recoding():
    made = plan("age", obligations={"k": 5, "t": {"illness": "0.2"}})
    assert {m.kind for m in made.anonymisation.goal.models} == {"k_anonymity", "t_closeness"}
    [models] = [check for check in made.checks if isinstance(check, ModelsCheck)]
    assert [m.kind for m in models.models] == ["k_anonymity"]


def test_without_a_demand_nothing_is_recoded():
    made = plan("age", obligations={"max_suppression": "0.1"})
    assert made.anonymisation is None
    assert not made.steps[0].recoded


REFUSED = {
    "a filter": (
        {"filters": ({"column": "illness", "operator": "is not null", "values": ()},)},
        "ANONYMITY_FILTER",
        "filter the extract",
    ),
    "a limit": ({"limit": 5}, "ANONYMITY_LIMIT", "limit"),
    "a sample": (
        {"obligations": {"k": 5, "sample_percent": 10}},
        "ANONYMITY_SAMPLE",
        "sample of persons",
    ),
    "a bin": (
        {"transforms": {"age": {"kind": "bin_number", "width": 10}}},
        "ANONYMITY_TRANSFORM",
        "with keep",
    ),
    "a token of a quasi-identifier": (
        {"transforms": {"age": {"kind": "token"}}},
        "ANONYMITY_TRANSFORM",
        "with keep",
    ),
    "a missing hierarchy": (
        {"obligations": {"k": 5, "hierarchies": {"age": "ages"}}},
        "HIERARCHY_MISSING",
        "ages",
    ),
    "fewer records than a class": ({"rows": 4}, "ANONYMITY_INFEASIBLE", "possible are 4 at most"),
    "too many records": ({"rows": MOST_ROWS + 1}, "ANONYMITY_TOO_LARGE", "in parts"),
}


@pytest.mark.parametrize(("asked", "reason", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_stand_beside_is_refused_with_a_remedy(asked, reason, said):
    with pytest.raises(FailedPrecondition, match=said) as refused:
        plan("age", **asked)
    assert refused.value.reason == reason


def test_a_direct_identifier_leaves_as_a_token_or_not_at_all():
    for transform in ({"kind": "token"}, {"kind": "suppress"}):
        assert plan("id", "age", transforms={"id": transform}).anonymisation is not None
    for transform in ({"kind": "keep"}, {"kind": "mask", "keep_first": 1, "keep_last": 0}):
        with pytest.raises(FailedPrecondition, match="would name the persons"):
            plan("id", "age", transforms={"id": transform})


def test_a_privacy_unit_leaves_like_a_direct_identifier_whatever_its_verdict_says():
    for name in ("serial", "illness"):
        for transform in ({"kind": "keep"}, {"kind": "mask", "keep_first": 1, "keep_last": 0}):
            with pytest.raises(FailedPrecondition, match="would name the persons"):
                plan(name, "age", transforms={name: transform}, unit=name)
        token = plan(name, "age", transforms={name: {"kind": "token"}}, unit=name)
        assert token.anonymisation is not None
    assert plan("age", unit="age").steps[0].recoded


@pytest.mark.parametrize(
    "models", [{"l": {"illness": 2}}, {"t": {"illness": "0.2"}}], ids=["l", "t"]
)
def test_a_sensitive_column_leaves_as_it_is_or_not_at_all(models):
    for transform in ({"kind": "mask", "keep_first": 1, "keep_last": 0}, {"kind": "token"}):
        with pytest.raises(FailedPrecondition, match="permits it with keep") as refused:
            plan("age", "illness", obligations=models, transforms={"illness": transform})
        assert refused.value.reason == "ANONYMITY_TRANSFORM"
        assert plan("age", obligations=models, transforms={"illness": transform})
        assert plan("age", "illness", obligations={"k": 5}, transforms={"illness": transform})
    kept = plan("age", "illness", obligations=models)
    [check] = [check for check in kept.checks if isinstance(check, ModelsCheck)]
    assert [m.column for m in check.models if hasattr(m, "column")] == ["illness"]
    assert plan("age", "illness", obligations=models, transforms={"illness": {"kind": "suppress"}})


def test_a_suppressed_quasi_identifier_is_no_recoded_step():
    made = plan("age", "region", transforms={"age": {"kind": "suppress"}})
    assert [step.recoded for step in made.steps] == [False, True]


def test_a_unit_that_would_have_to_be_converted_is_refused():
    with pytest.raises(FailedPrecondition, match="converted between units"):
        plan("body_height")


DENIED = {
    "a sensitive column that is not there": ({"k": 5, "l": {"rank": 3}}, "POLICY_COLUMN_MISSING"),
    "a quasi-identifier as sensitive": ({"k": 5, "l": {"age": 3}}, "ANONYMITY_CONFLICT"),
}


@pytest.mark.parametrize(("obligations", "code"), DENIED.values(), ids=DENIED.keys())
def test_what_policies_cannot_mean_is_denied(obligations, code):
    _, decision = decided(["age"], obligations, {}, dataset())
    assert not decision.permitted
    assert code in {reason.code for reason in decision.reasons}


def test_a_coalition_is_everybody_who_is_joined_to_the_recipient():
    obligations = {"k": 5, "coalition": ["parties/lab", "parties/two"]}
    _, decision = decided(["age"], obligations, {}, dataset())
    assert decision.anonymity.coalition == ("parties/lab", "parties/two")
    _, alone = decided(
        ["age"], {"k": 5, "coalition": ["parties/one", "parties/two"]}, {}, dataset()
    )
    assert alone.anonymity.coalition == ("parties/lab",)


def test_a_coalition_holds_for_all_its_members_whichever_rule_declares_it():
    together = {
        "name": "together",
        "match": {"recipient": ["parties/two"]},
        "transform": {"kind": "keep"},
        "obligations": {"coalition": ["parties/lab", "parties/two"]},
    }
    held = dataset()
    request, _ = decided(["age"], {"k": 5}, {}, held)
    policies = tuple(
        as_if_active(
            Policy.model_validate(
                {"format": "gateway-policy/1", "name": f"policies/{name}"} | content
            )
        )
        for name, content in {
            "some": {
                "purposes": {"research": ""},
                "obligations": {"k": 5},
                "rules": [{"name": "all", "match": {"grade": {}}, "transform": {"kind": "keep"}}],
            },
            # It is in force for another purpose, and says nothing about this request.
            "another": {"purposes": {"other": ""}, "rules": [together]},
        }.items()
    )
    decision = decide(request, Facts(held, LAB, policies, (granted(held),), NOW))
    assert decision.anonymity.coalition == ("parties/lab", "parties/two")
