"""A policy that exists can be honoured: what could not is refused when it is made."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from gateway.model.access import Approval, ExtractRequest, Grant, Verdict
from gateway.model.decision import ColumnDecision, Decision, Outcome, Quota, Reason
from gateway.model.lifecycle import PolicyState
from gateway.model.names import Role
from gateway.model.plan import Plan, SchemaCheck, Step
from gateway.model.policy import GradeRange, Match, Obligations, Policy, Rule, StoredPolicy
from gateway.model.transforms import Keep, Token

NOW = datetime(2026, 3, 1, tzinfo=UTC)
REASON = Reason(code="NO_RULE", text="no")
RULE = Rule(name="keep-it", match=Match(column=("x",)), transform=Keep())


def policy(**more):
    given = {
        "format": "gateway-policy/1",
        "name": "policies/main",
        "purposes": {"research": ""},
        "rules": (RULE,),
    }
    return Policy(**{**given, **more})


def stored(**more):
    given = {
        "policy": policy(),
        "version": 1,
        "text": "",
        "text_sha256": "0" * 64,
        "state": PolicyState.ACTIVE,
        "author": "parties/one",
        "created": NOW,
    }
    return StoredPolicy(**{**given, **more})


def grant(**more):
    given = {
        "name": "grants/one",
        "consumer": "parties/lab",
        "dataset": "datasets/one",
        "columns": ("x",),
        "purpose": "research",
        "not_before": NOW,
        "expires": NOW.replace(year=2027),
        "required": (Role.HOLDER,),
        "created": NOW,
    }
    return Grant(**{**given, **more})


def approval(party="parties/bureau", role=Role.HOLDER):
    return Approval(party=party, role=role, verdict=Verdict.APPROVED, reason="", at=NOW)


def step(**more):
    given = {
        "column": "x",
        "published": "x",
        "source_type": "string",
        "output_type": "string",
        "transform": Keep(),
        "on_unhandled": "stop",
    }
    return Step(**{**given, **more})


COLUMN = ColumnDecision(column="x", published="x", transform=Keep(), rules=())
IMPOSSIBLE = {
    "a match of nothing": Match,
    "an empty list": lambda: Match(entity=()),
    "an entity nobody knows": lambda: Match(entity=("PEOPLE",)),
    "a data set that is no name": lambda: Match(dataset=("register",)),
    "a holder that is a data set": lambda: Match(holder=("datasets/register",)),
    "grades upside down": lambda: GradeRange(at_least="core", at_most="general-1"),
    "a permit without a transform": lambda: Rule(name="rule", match=Match(column=("x",))),
    "a deny with a transform": lambda: Rule(
        name="rule", match=Match(column=("x",)), effect="deny", transform=Keep()
    ),
    "a deny with obligations": lambda: Rule(
        name="rule", match=Match(column=("x",)), effect="deny", obligations={"max_rows": 1}
    ),
    "a cell of one": lambda: Obligations(min_cell_size=1),
    "small cells without a size": lambda: Obligations(small_cells="drop"),
    "an approval by an auditor": lambda: Obligations(approvals=(Role.AUDITOR,)),
    "a quota of nothing": Quota,
    "two rules of one name": lambda: policy(rules=(RULE, RULE)),
    "no rules": lambda: policy(rules=()),
    "no purposes": lambda: policy(purposes={}),
    "a purpose nobody defined": lambda: policy(
        rules=(Rule(name="rule", match=Match(purpose=("spying",)), transform=Keep()),)
    ),
    "applies_to of a purpose nobody defined": lambda: policy(applies_to=Match(purpose=("spying",))),
    "a name that is no policy's": lambda: policy(name="grants/main"),
    "activation by the author": lambda: stored(activated_by="parties/one", activated=NOW),
    "a denial with columns": lambda: Decision(
        outcome=Outcome.DENIED, reasons=(REASON,), columns=(COLUMN,)
    ),
    "a denial with a grant": lambda: Decision(
        outcome=Outcome.DENIED, reasons=(REASON,), grant="grants/one"
    ),
    "a permission of nothing": lambda: Decision(outcome=Outcome.PERMITTED, reasons=(REASON,)),
    "a decision without a reason": lambda: Decision(outcome=Outcome.DENIED, reasons=()),
    "a request that names a column twice": lambda: ExtractRequest(
        dataset="datasets/one", columns=("x", "x"), purpose="research"
    ),
    "a project that could imitate another": lambda: ExtractRequest(
        dataset="datasets/one", columns=("x",), purpose="research", project="a|b"
    ),
    "a grant that ends before it begins": lambda: grant(expires=NOW),
    "a grant without the holder": lambda: grant(required=(Role.OFFICER,)),
    "a grant that the consumer approved": lambda: grant(approvals=(approval("parties/lab"),)),
    "an approval by a consumer": lambda: approval(role=Role.CONSUMER),
    "a keyed step without a key": lambda: step(transform=Token()),
    "a key for a step that takes none": lambda: step(key_domain="some", key_version=1),
    "a key domain without a version": lambda: step(transform=Token(), key_domain="some"),
    "a key version of no domain": lambda: step(key_version=1),
    "a scale of zero": lambda: step(scale="0"),
    "a negative scale": lambda: step(scale="-1"),
    "a scale that is a float": lambda: step(scale="0.5"),
    "a scale that is not reduced": lambda: step(scale="2/4"),
    "a plan that publishes a name twice": lambda: plan(steps=(step(), step(column="y"))),
    "a plan without a schema check": lambda: plan(checks=()),
}


def plan(**more):
    given = {
        "dataset": "datasets/one",
        "dataset_fingerprint": "0" * 64,
        "schema_digest": "0" * 64,
        "recipient": "parties/lab",
        "purpose": "research",
        "steps": (step(),),
        "checks": (SchemaCheck(),),
        "charge": {"rows": 1},
        "expires_after_days": 1,
    }
    return Plan(**{**given, **more})


@pytest.mark.parametrize("make", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_what_could_not_be_honoured_is_refused(make):
    with pytest.raises(ValidationError):
        make()


def test_the_good_forms_of_all_of_these_are_taken():
    assert policy(applies_to=Match(purpose=("research",))).rules == (RULE,)
    assert stored(activated_by="parties/two", activated=NOW).ref.version == 1
    assert grant(approvals=(approval(),)).missing == ()
    assert plan(steps=(step(scale="1/15"), step(published="y"))).digest()
    assert Decision(outcome=Outcome.PERMITTED, reasons=(REASON,), columns=(COLUMN,)).permitted


def test_a_policy_is_known_by_the_digest_of_what_it_says():
    assert stored().ref.sha256 == policy().digest()
    assert policy(title="another").digest() != policy().digest()


def test_a_row_filters_values_stay_out_of_every_repr():
    condition = {"column": "x", "operator": "=", "values": ("secret-word",)}
    whole = stored(policy=policy(obligations={"row_filters": (condition,)}))
    assert "secret-word" not in repr(whole)


def test_a_step_and_a_plan_can_be_copied_with_changes():
    """A member named ``keys`` would make a mapping of them, and break every copy."""
    keyed = step(transform=Token(), key_domain="some", key_version=1)
    assert keyed.but(key_version=2).needed_keys == {("some", 2)}
