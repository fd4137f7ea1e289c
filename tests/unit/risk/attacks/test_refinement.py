from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from gateway.model.attacks import AttackResult
from gateway.risk.attacks.refinement import refinement
from gateway.risk.attacks.setting import AttackSpec, prepare

TREE = pa.table(
    {
        "leaf": ["Bern", "Lyon", "Nice", "Rome"],
        "side": ["north", "north", "south", "south"],
        "root": ["*", "*", "*", "*"],
    }
)
SPEC = AttackSpec(("town",), hierarchies={"town": TREE})


def refined(
    people: pa.Table, released: pa.Table, spec: AttackSpec, origin: np.ndarray | None = None
) -> AttackResult:
    found = refinement(prepare(people, released, spec, np.random.default_rng(3), origin))
    assert found is not None
    return found


def towns(*counts: tuple[str, int]) -> pa.Table:
    return pa.table({"town": [name for name, count in counts for _ in range(count)]})


def test_what_a_finer_class_would_have_shown_is_ruled_out() -> None:
    # Lyon alone could not be published, so it stands beside Bern as "north": it must be Lyon.
    people = towns(("Bern", 50), ("Lyon", 3), ("Nice", 40), ("Rome", 40))
    released = towns(("Bern", 50), ("north", 3), ("Nice", 40), ("Rome", 40))
    found = refined(people, released, SPEC, np.arange(133))
    assert (found.attempts, found.rate, found.baseline) == (3, "1", "0.5")
    assert "1 labels of 1 classes leave one value alone" in found.explanation
    # Nobody needs to say who is who
    assert refined(people, released, SPEC).rate == "1"


def test_full_domain_recodings_rule_nothing_out() -> None:
    people = towns(("Bern", 50), ("Lyon", 3), ("Nice", 40), ("Rome", 40))
    released = towns(("north", 53), ("south", 80))
    found = refined(people, released, SPEC, np.arange(133))
    assert (found.attempts, found.rate, found.success) == (133, "0.5", "0")
    assert float(found.high) < 0.2


def test_a_recoding_that_keeps_no_rule_refutes_the_attacker() -> None:
    # Some of Bern are published coarsely for no reason, and the guess that they are not is wrong.
    people = towns(("Bern", 50), ("Bern", 50), ("Lyon", 3))
    released = towns(("Bern", 50), ("north", 53))
    found = refined(people, released, SPEC, np.arange(103))
    assert float(found.rate) < 0.1
    assert found.success == "0"


def test_combinations_are_ruled_out_over_several_columns() -> None:
    # Women of Bern are published as such; so of "north" and "*" left are the others.
    people = pa.table(
        {
            "town": ["Bern"] * 30 + ["Lyon"] * 2 + ["Bern"] * 2,
            "sex": ["f"] * 30 + ["f", "m"] + ["m"] * 2,
        }
    )
    released = pa.table({"town": ["Bern"] * 30 + ["north"] * 4, "sex": ["f"] * 30 + ["*"] * 4})
    sexes = pa.table({"leaf": ["f", "m"], "root": ["*", "*"]})
    spec = AttackSpec(("town", "sex"), hierarchies={"town": TREE, "sex": sexes})
    found = refined(people, released, spec, np.arange(34))
    # Left are Lyon f, Lyon m, Bern m: so Lyon (right for 2 of 4) and m (right for 3 of 4)
    assert float(found.rate) == pytest.approx(0.625, abs=1e-6)
    assert found.baseline == "0.5"


def test_ends_of_ranges_are_values_of_the_class() -> None:
    ages = np.sort(np.random.default_rng(2).choice(10_000, 400, replace=False)) // 3
    people = pa.table({"age": ages})
    pairs = ages.reshape(-1, 2)
    labels = [f"[{low}, {high}]" for low, high in pairs for _ in range(2)]
    released = pa.table({"age": labels})
    found = refined(people, released, AttackSpec(("age",)), np.arange(400))
    # One of two records has either end
    assert float(found.rate) > 0.49
    assert float(found.success) > 0.3


def test_ranges_on_a_grid_tell_no_more_than_their_width() -> None:
    ages = np.random.default_rng(2).integers(0, 1_000, 4_000)
    people = pa.table({"age": ages})
    released = pa.table({"age": [f"[{age // 20 * 20}, {age // 20 * 20 + 20})" for age in ages]})
    found = refined(people, released, AttackSpec(("age",), targets=2_000), np.arange(4_000))
    assert found.baseline == "0.05"
    assert float(found.high) < 0.03


def test_a_release_at_full_detail_has_nothing_to_refine() -> None:
    people = towns(("Bern", 5), ("Lyon", 5))
    found = refined(people, people, SPEC)
    assert (found.attempts, found.high) == (0, "0")


def test_columns_without_a_domain_are_no_target() -> None:
    people = pa.table({"name": ["a", "b"]})
    released = pa.table({"name": ["{a, b}", "{a, b}"]})
    setting = prepare(
        people, released, replace(SPEC, quasi_identifiers=("name",)), np.random.default_rng(1), None
    )
    assert refinement(setting) is None
