from collections.abc import Callable
from dataclasses import replace
from math import comb

import numpy as np
import pyarrow as pa
import pytest

from gateway.model.attacks import AttackResult
from gateway.risk.attacks.setting import AttackSpec, prepare
from gateway.risk.attacks.singling_out import _one_in, singling_out

Fresh = Callable[[int], pa.Table]


def singled_out(
    people: pa.Table, released: pa.Table, spec: AttackSpec, control: pa.Table | None = None
) -> tuple[AttackResult, AttackResult]:
    setting = prepare(people, released, spec, np.random.default_rng(8), None)
    one, several = singling_out(setting, control)
    assert (one.name, several.name) == ("singling_out_univariate", "singling_out_multivariate")
    return one, several


def test_unprotected_records_are_singled_out(people: pa.Table, spec: AttackSpec) -> None:
    _, several = singled_out(people, people, spec)
    assert several.success == "1"
    assert several.attempts > 300
    assert float(several.baseline) < 0.6


def test_a_number_that_identifies_is_found_by_one_column(people: pa.Table) -> None:
    numbered = people.append_column("number", pa.array([f"N{row}" for row in range(len(people))]))
    one, _ = singled_out(numbered, numbered, AttackSpec(("number", "sex"), targets=400))
    assert (one.success, one.attempts) == ("1", 400)


def test_classes_of_many_single_nobody_out(
    people: pa.Table, safe: pa.Table, spec: AttackSpec
) -> None:
    for found in singled_out(people, safe, spec):
        assert (found.attempts, found.success, found.high) == (0, "0", "0")


def test_one_outlier_that_was_not_suppressed_is_found(
    people: pa.Table, safe: pa.Table, spec: AttackSpec
) -> None:
    people = people.set_column(0, "age", pa.array([140, *people["age"].to_pylist()[1:]]))
    safe = safe.set_column(0, "age", pa.array(["≥140", *safe["age"].to_pylist()[1:]]))
    one, several = singled_out(people, safe, spec)
    # The value itself and the upper end of the column
    assert (one.success, one.attempts) == ("1", 2)
    assert (several.success, several.attempts) == ("1", 1)
    assert float(several.low) > 0.2


def test_the_same_outlier_is_found_by_no_condition_once_it_is_left_out(
    people: pa.Table, safe: pa.Table, spec: AttackSpec
) -> None:
    people = people.set_column(0, "age", pa.array([140, *people["age"].to_pylist()[1:]]))
    for found in singled_out(people, safe.slice(1), spec):
        assert found.attempts == 0


def test_the_only_null_singles_out(spec: AttackSpec) -> None:
    people = pa.table({"age": pa.array([1, 1, 2, 2, None])})
    one, _ = singled_out(people, people, AttackSpec(("age",)))
    assert (one.success, one.attempts) == ("1", 1)


def test_a_record_that_stands_for_more_people_is_a_wrong_claim() -> None:
    # The others in the class were suppressed, so that one record is left of it.
    people = pa.table({"age": [10, 11, 12, 40, 41]})
    released = pa.table({"age": ["[10, 20)", "[40, 50)", "[40, 50)"]})
    one, several = singled_out(people, released, AttackSpec(("age",)))
    assert several.rate == "0"
    assert one.rate == "0"
    # Too few attempts to be sure of it
    assert several.high > "0.5"


def test_strangers_are_the_control(people: pa.Table, fresh: Fresh, spec: AttackSpec) -> None:
    _, several = singled_out(people, people, spec, fresh(2_000))
    assert several.control is not None
    assert float(several.control) < 0.5
    assert float(several.success) > 0.9


def test_a_condition_that_fits_nobody_is_a_wrong_claim(people: pa.Table) -> None:
    older = people.set_column(0, "age", pa.array(people["age"].to_numpy() + 1_000))
    _, several = singled_out(people, older, AttackSpec(("age", "year"), targets=400))
    assert several.attempts > 200
    assert float(several.rate) < 0.05


def test_a_release_of_strangers_singles_nobody_out_more_than_others(
    people: pa.Table, fresh: Fresh, spec: AttackSpec
) -> None:
    for control in (fresh(2_000), fresh(700)):
        _, several = singled_out(people, fresh(2_000), replace(spec, targets=2_000), control)
        assert float(several.low) == 0
        assert float(several.high) < 0.1


def test_nobody_is_singled_out_of_a_sample(people: pa.Table, spec: AttackSpec) -> None:
    part = replace(spec, whole=False)
    assert singling_out(prepare(people, people, part, np.random.default_rng(1), None)) == ()


@pytest.mark.parametrize("matching", [0, 1, 2, 5])
def test_sets_of_different_size_are_compared_by_chance(matching: int) -> None:
    exact = matching * comb(30 - matching, 11) / comb(30, 12)
    assert _one_in(np.array([matching]), 30, 12)[0] == pytest.approx(exact, rel=1e-9)
    assert _one_in(np.array([matching]), 30, 30)[0] == (matching == 1)
