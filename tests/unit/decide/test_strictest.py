"""The strictest of every obligation, as docs/adr/0002 says."""

import itertools

import pytest

from gateway.decide.matching import Matched
from gateway.decide.strictest import combine
from gateway.decide.trial import as_if_active
from gateway.model.anonymity import KAnonymity, LDiversity, TCloseness
from gateway.model.attacks import AttackLimits
from gateway.model.decision import Quota
from gateway.model.names import Role

QUOTA = {"rows": 5}
PAIRS = {
    "fewer rows": ({"max_rows": 5}, {"max_rows": 9}, "max_rows", 5),
    "some bound over none": ({"max_rows": 5}, {}, "max_rows", 5),
    "a lower grade": (
        {"max_grade": "general-3"},
        {"max_grade": "important"},
        "max_grade",
        "general-3",
    ),
    "some grade over none": ({"max_grade": "core"}, {}, "max_grade", "core"),
    "larger cells": ({"min_cell_size": 5}, {"min_cell_size": 9}, "min_cell_size", 9),
    "refuse over drop": (
        {"min_cell_size": 5, "small_cells": "drop"},
        {"min_cell_size": 2, "small_cells": "refuse"},
        "small_cells",
        "refuse",
    ),
    "who does not say refuses": (
        {"min_cell_size": 5, "small_cells": "drop"},
        {"min_cell_size": 2},
        "small_cells",
        "refuse",
    ),
    "who demands no cells has no say": (
        {"min_cell_size": 5, "small_cells": "drop"},
        {},
        "small_cells",
        "drop",
    ),
    "sooner": ({"expires_after_days": 5}, {"expires_after_days": 9}, "expires_after_days", 5),
    "the default bounds a rule": ({"expires_after_days": 90}, {}, "expires_after_days", 30),
    "larger classes": ({"k": 5}, {"k": 9}, "models", (KAnonymity(k=9),)),
    "a risk is a class": ({"k": 5}, {"max_risk": "0.09"}, "models", (KAnonymity(k=12),)),
    "more diverse": (
        {"l": {"d": 2}},
        {"l": {"d": {"l": 3}}},
        "models",
        (LDiversity(column="d", l=3),),
    ),
    "a smaller c": (
        {"l": {"d": {"l": 3, "variant": "recursive", "c": 2}}},
        {"l": {"d": {"l": 3, "variant": "recursive", "c": 4}}},
        "models",
        (LDiversity(column="d", l=3, variant="recursive", c=2),),
    ),
    "closer": (
        {"t": {"d": "0.3"}},
        {"t": {"d": "0.20"}},
        "models",
        (TCloseness(column="d", t="0.2"),),
    ),
    "other demands stand beside": (
        {"t": {"d": "0.3"}},
        {"t": {"d": {"t": "0.2", "distance": "ordered"}}},
        "models",
        2,
    ),
    "less suppression": (
        {"k": 2, "max_suppression": "0.1"},
        {"max_suppression": "0.02"},
        "max_suppression",
        "0.02",
    ),
    "who demands and does not say permits none": (
        {"k": 2, "max_suppression": "0.1"},
        {"k": 3},
        "max_suppression",
        "0",
    ),
    "one metric": ({"k": 2, "metric": "height"}, {"metric": "entropy"}, "metric", "entropy"),
    "full domain over local": (
        {"k": 2, "method": "local"},
        {"method": "full_domain"},
        "method",
        "full_domain",
    ),
    "who names no method has no say": ({"k": 2}, {"method": "local"}, "method", "local"),
    "the lower limit of an attack": (
        {"k": 2, "attacks": {"linkability": "0.2"}},
        {"attacks": {"linkability": "0.1", "inference": "0.3"}},
        "attacks",
        AttackLimits(linkability="0.1", inference="0.3"),
    ),
    "refusing over generalising": (
        {"k": 2, "attacks": {"linkability": "0.2"}, "on_attack": "generalise"},
        {"attacks": {"linkability": "0.1"}},
        "on_attack",
        "refuse",
    ),
    "who sets no limit has no say": (
        {"k": 2, "attacks": {"linkability": "0.2"}, "on_attack": "generalise"},
        {"k": 3},
        "on_attack",
        "generalise",
    ),
    "a limit on attacks demands that nobody is alone": (
        {"attacks": {"linkability": "0.1"}},
        {"metric": "height"},
        "models",
        (KAnonymity(k=2),),
    ),
    "all approvals": (
        {"approvals": ["holder"]},
        {"approvals": ["officer"]},
        "approvals",
        {Role.HOLDER, Role.OFFICER},
    ),
    "every quota": ({"quota": {"rows": 5}}, {"quota": {"releases": 1}}, "quotas", 2),
    "the same quota once": ({"quota": QUOTA}, {"quota": QUOTA}, "quotas", (Quota(rows=5),)),
}


@pytest.mark.parametrize(("one", "other", "field", "wins"), PAIRS.values(), ids=PAIRS.keys())
def test_the_stricter_wins_in_either_order(bench, one, other, field, wins):
    rules = [
        {
            "name": f"rule-{n}",
            "match": {"column": ["x"]},
            "transform": {"kind": "keep"},
            "obligations": o,
        }
        for n, o in enumerate((one, other))
    ]
    for ordered in itertools.permutations(rules):
        stored = as_if_active(bench.policy(*ordered))
        combined = combine(Matched(stored, rule) for rule in stored.policy.rules)
        owner = combined.anonymity if hasattr(combined.anonymity, field) else combined
        value = getattr(owner, field)
        assert value == wins or (
            isinstance(wins, int) and isinstance(value, tuple) and len(value) == wins
        )


def test_a_rule_only_shortens_its_policys_expiry(bench):
    rule = {
        "name": "rule",
        "match": {"column": ["x"]},
        "transform": {"kind": "keep"},
        "obligations": {"expires_after_days": 60},
    }
    stored = as_if_active(bench.policy(rule, obligations={"expires_after_days": 365}))
    assert combine([Matched(stored, stored.policy.rules[0])]).expires_after_days == 60


def test_only_policies_that_take_part_have_a_say(bench):
    stopping = as_if_active(bench.policy(name="policies/stopping"))
    easy = as_if_active(bench.policy(name="policies/easy", on_unhandled="suppress"))
    one = Matched(easy, easy.policy.rules[0])
    assert combine([one]).on_unhandled == "suppress"
    both = combine([one, Matched(stopping, stopping.policy.rules[0])])
    assert both.on_unhandled == "stop"
    assert [ref.name for ref in both.refs()] == ["policies/easy", "policies/stopping"]


def test_of_nothing_at_all_the_safest_defaults(bench):
    nothing = combine([])
    assert (nothing.on_unhandled, nothing.small_cells) == ("stop", "refuse")
    assert not nothing.demanding
