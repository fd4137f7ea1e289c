"""Deciding does not depend on order, and more rules never let out more of what was permitted."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gateway.decide.engine import decide
from gateway.decide.facts import Facts
from gateway.decide.trial import as_if_active
from gateway.model.access import Approval, ExtractRequest, Grant, Verdict
from gateway.model.anonymity import KAnonymity
from gateway.model.attacks import AttackLimits
from gateway.model.catalog import Column, DataSet, Party, PushedSource
from gateway.model.grades import Grade
from gateway.model.lifecycle import GrantState
from gateway.model.names import ColumnRole, RecipientKind, Role
from gateway.model.policy import Effect, Match, Obligations, Policy, Rule
from gateway.model.transforms import (
    BinNumber,
    GeneralizeDate,
    Keep,
    Mask,
    Replace,
    Suppress,
    Token,
    stricter_or_equal,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ENTITIES = ("PERSON", "REGION", "INCOME", "NONE")
PAIR = ("parties/two", "parties/three")
PURPOSES = ("research", "planning")
NAMES = ("alpha", "beta", "gamma")


def some(values):
    return st.none() | st.lists(st.sampled_from(values), min_size=1, unique=True).map(tuple)


@st.composite
def matches(draw):
    low, high = sorted(
        draw(st.tuples(st.sampled_from(Grade), st.sampled_from(Grade))), key=lambda g: g.rank
    )
    given_grade = draw(st.booleans())
    fields = {
        "grade": {"at_least": low, "at_most": high} if given_grade else None,
        "entity": draw(some(ENTITIES)),
        "role": draw(some(list(ColumnRole))),
        "column": draw(some(NAMES)),
        "purpose": draw(some(PURPOSES)),
        "recipient_kind": draw(some([RecipientKind.RESEARCH, RecipientKind.PUBLIC])),
    }
    chosen = {
        name: value for name, value in fields.items() if value is not None and draw(st.booleans())
    }
    return Match.model_validate(chosen or {"grade": {}})


transforms = st.one_of(
    st.just(Keep()),
    st.just(Suppress()),
    st.just(Replace(text="-")),
    st.builds(Mask, keep_first=st.integers(0, 3), keep_last=st.integers(0, 3)),
    st.builds(BinNumber, width=st.sampled_from((5, 10, 7))),
    st.builds(GeneralizeDate, to=st.sampled_from(("month", "quarter", "year", "five_years"))),
    st.builds(Token, scope=st.sampled_from(("recipient", "project"))),
)


@st.composite
def anonymities(draw):
    share = st.sampled_from(("0.05", "0.1", "0.5"))
    limits = draw(st.none() | st.builds(AttackLimits, linkability=share, inference=share))
    said = {
        "k": draw(st.none() | st.integers(2, 9)),
        "max_risk": draw(st.none() | share),
        "max_average_risk": draw(st.none() | share),
        "max_suppression": draw(st.none() | share),
        "method": draw(st.none() | st.sampled_from(("local", "full_domain"))),
        "metric": draw(st.none() | st.sampled_from(("loss", "height", "entropy"))),
        "attacks": limits,
        "on_attack": draw(st.none() | st.sampled_from(("refuse", "generalise"))),
        "l": draw(st.dictionaries(st.sampled_from(NAMES), st.integers(2, 4), max_size=1)),
        "t": draw(st.dictionaries(st.sampled_from(NAMES), share, max_size=1)),
        "hierarchies": draw(st.dictionaries(st.sampled_from(NAMES), st.sampled_from("xy"))),
        "coalition": draw(st.sampled_from(((), ("parties/lab", "parties/two"), PAIR))),
    }
    if limits is None:
        said["on_attack"] = None
    return {name: value for name, value in said.items() if value}


@st.composite
def obligations(draw):
    size = draw(st.none() | st.integers(2, 9))
    anonymity = draw(anonymities()) if draw(st.booleans()) else {}
    return Obligations(
        **anonymity,
        max_rows=draw(st.none() | st.integers(1, 9)),
        max_grade=draw(st.none() | st.sampled_from(list(Grade))),
        min_cell_size=size,
        small_cells=draw(st.none() | st.sampled_from(("drop", "refuse"))) if size else None,
        expires_after_days=draw(st.none() | st.integers(1, 90)),
        approvals=draw(st.sampled_from(((), (Role.OFFICER,), (Role.HOLDER, Role.OFFICER)))),
    )


@st.composite
def rules(draw, name, effects=(Effect.PERMIT, Effect.PERMIT, Effect.PERMIT, Effect.DENY)):
    effect = draw(st.sampled_from(effects))
    permit = effect is Effect.PERMIT
    return Rule(
        name=name,
        match=draw(matches()),
        effect=effect,
        transform=draw(transforms) if permit else None,
        obligations=draw(obligations()) if permit else Obligations(),
    )


@st.composite
def policies(draw):
    made = []
    for index in range(draw(st.integers(1, 2))):
        count = draw(st.integers(1, 3))
        made.append(
            Policy(
                format="gateway-policy/1",
                name=f"policies/policy-{index}",
                purposes=dict.fromkeys(PURPOSES, ""),
                obligations=draw(obligations()),
                on_unhandled=draw(st.sampled_from(("stop", "suppress"))),
                rules=tuple(draw(rules(f"rule-{n}")) for n in range(count)),
            )
        )
    return tuple(made)


@st.composite
def columns(draw, name):
    return Column(
        name=name,
        type="string",
        entity=draw(st.sampled_from(ENTITIES)),
        grade=draw(st.none() | st.sampled_from(Grade)),
        role=draw(st.sampled_from(list(ColumnRole))),
    )


@st.composite
def situations(draw):
    """Facts in which grants mostly fit, so that what the rules say comes to bear."""
    dataset = DataSet(
        name="datasets/some",
        holder="parties/holder",
        title="",
        source=PushedSource(),
        columns=tuple(draw(columns(name)) for name in NAMES),
        created=NOW,
        updated=NOW,
    )
    lab = Party(
        name="parties/lab", role=Role.CONSUMER, kind=RecipientKind.RESEARCH, display_name=""
    )
    grants = tuple(draw(grant_of(f"grants/g-{n}")) for n in range(draw(st.integers(0, 3))))
    stored = tuple(as_if_active(policy) for policy in draw(policies()))
    return Facts(dataset, lab, stored, (fitting(), *grants), NOW)


def fitting(name="grants/fitting", **more):
    given_fields = {
        "consumer": "parties/lab",
        "dataset": "datasets/some",
        "columns": NAMES,
        "purpose": "research",
        "not_before": NOW - timedelta(days=1),
        "expires": NOW + timedelta(days=1),
        "required": (Role.HOLDER,),
        "approvals": (
            approved("parties/holder", Role.HOLDER),
            approved("parties/o-1", Role.OFFICER),
        ),
        "state": GrantState.ACTIVE,
        "created": NOW,
    }
    return Grant(name=name, **{**given_fields, **more})


def approved(party, role):
    return Approval(party=party, role=role, verdict=Verdict.APPROVED, reason="", at=NOW)


@st.composite
def grant_of(draw, name):
    return fitting(
        name,
        purpose=draw(st.sampled_from(PURPOSES)),
        project=draw(st.none() | st.just("project-1")),
        columns=draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(tuple)),
        state=draw(st.sampled_from(GrantState)),
        expires=NOW + timedelta(days=draw(st.integers(0, 3))),
    )


requests = st.builds(
    ExtractRequest,
    dataset=st.just("datasets/some"),
    columns=st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(tuple),
    purpose=st.just("research"),
)


@given(requests, situations(), st.randoms(use_true_random=False))
def test_no_order_of_policies_rules_or_grants_changes_the_decision(request, facts, chance):
    def shuffled(items):
        items = list(items)
        chance.shuffle(items)
        return tuple(items)

    stirred = Facts(
        facts.dataset,
        facts.recipient,
        shuffled(
            stored.but(policy=stored.policy.but(rules=shuffled(stored.policy.rules)))
            for stored in facts.policies
        ),
        shuffled(facts.grants),
        facts.now,
    )
    before, after = decide(request, facts), decide(request, stirred)
    # The digest of a policy covers the order of its rules, and only that may differ.
    assert after.but(policies=()) == before.but(policies=())


@given(requests, situations(), rules("added", effects=(Effect.PERMIT,)), st.integers(0, 2))
def test_one_more_permit_never_loosens_what_was_permitted(request, facts, rule, where):
    before = decide(request, facts)
    after = decide(request, with_rule(facts, rule, where))
    if not before.permitted or not after.permitted:
        return
    for old, new in zip(before.columns, after.columns, strict=True):
        assert stricter_or_equal(new.transform, old.transform)
    assert (after.max_rows or 10**9) <= (before.max_rows or 10**9)
    if before.max_grade is not None:
        assert after.max_grade is not None
        assert before.max_grade.at_least(after.max_grade)
    assert (after.min_cell_size or 0) >= (before.min_cell_size or 0)
    if before.min_cell_size is not None and before.small_cells == "refuse":
        assert after.small_cells == "refuse"
    assert after.expires_after_days <= before.expires_after_days
    if before.anonymity is not None:
        assert after.anonymity is not None
        never_looser(before.anonymity, after.anonymity)
    assert set(after.approvals) >= set(before.approvals)
    assert after.on_unhandled == "stop" or before.on_unhandled == "suppress"


def never_looser(before, after):
    """What anonymity demands afterwards includes what it demanded before."""

    def k_of(terms):
        return max(model.k for model in terms.models if isinstance(model, KAnonymity))

    assert k_of(after) >= k_of(before)

    def column(model):
        return getattr(model, "column", "")

    kinds = [{(m.kind, column(m)) for m in terms.models} for terms in (before, after)]
    assert kinds[1] >= kinds[0]
    for name in ("l", "t", "at_most"):
        for model in before.models:
            if not hasattr(model, name):
                continue
            alike = [m for m in after.models if (m.kind, column(m)) == (model.kind, column(model))]
            [value] = [Decimal(getattr(m, name)) for m in alike]
            less = value - Decimal(getattr(model, name))
            assert less >= 0 if name == "l" else less <= 0
    assert Decimal(after.max_suppression) <= Decimal(before.max_suppression)
    for kind, limit in before.attacks.by_kind().items():
        assert Decimal(after.attacks.by_kind()[kind]) <= Decimal(limit)
    assert set(after.coalition) >= set(before.coalition)


@given(requests, situations(), rules("added", effects=(Effect.DENY,)), st.integers(0, 2))
def test_one_more_deny_never_permits_what_was_denied(request, facts, rule, where):
    if not decide(request, facts).permitted:
        assert not decide(request, with_rule(facts, rule, where)).permitted


@given(requests, situations(), st.integers(0, 2))
def test_a_deny_of_everything_denies_everything(request, facts, where):
    rule = Rule(name="added", match=Match(grade={}), effect=Effect.DENY)
    decision = decide(request, with_rule(facts, rule, where))
    assert not decision.permitted
    assert "DENY_RULE" in {reason.code for reason in decision.reasons}


@given(requests, situations(), st.data())
def test_one_grant_less_never_permits(request, facts, data):
    left = list(facts.grants)
    left.remove(data.draw(st.sampled_from(facts.grants)))
    fewer = Facts(facts.dataset, facts.recipient, facts.policies, tuple(left), facts.now)
    if not decide(request, facts).permitted:
        assert not decide(request, fewer).permitted


@given(requests, situations())
def test_a_permitted_decision_covers_exactly_what_was_asked(request, facts):
    decision = decide(request, facts)
    assert decision.reasons
    if decision.permitted:
        assert tuple(column.column for column in decision.columns) == request.columns
        assert all(facts.dataset.find(name).has_verdict for name in request.columns)
        assert all(column.rules for column in decision.columns)


@given(requests, situations())
def test_an_unknown_grade_decides_as_no_lower_than_core(request, facts):
    def graded(grade):
        columns = tuple(column.but(grade=grade) for column in facts.dataset.columns)
        dataset = facts.dataset.but(columns=columns)
        return decide(request, Facts(dataset, facts.recipient, facts.policies, facts.grants, NOW))

    unknown, core = graded(None), graded(Grade.CORE)
    assert not unknown.permitted
    denies = {reason.rule for reason in core.reasons if reason.code == "DENY_RULE"}
    assert {reason.rule for reason in unknown.reasons if reason.code == "DENY_RULE"} == denies


def with_rule(facts, rule, where):
    index = where % len(facts.policies)
    stored = facts.policies[index]
    policy = stored.policy.but(rules=(*stored.policy.rules, rule))
    changed = (*facts.policies[:index], stored.but(policy=policy), *facts.policies[index + 1 :])
    return Facts(facts.dataset, facts.recipient, changed, facts.grants, facts.now)
