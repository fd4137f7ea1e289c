from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from gateway.model.attacks import AttackResult
from gateway.risk.attacks.inference import inference
from gateway.risk.attacks.setting import AttackSpec, prepare

Fresh = Callable[[int], pa.Table]
Generalise = Callable[[pa.Table], pa.Table]


def guessed(
    people: pa.Table, released: pa.Table, spec: AttackSpec, control: pa.Table | None = None
) -> AttackResult:
    (found,) = inference(prepare(people, released, spec, np.random.default_rng(3), None), control)
    return found


def test_values_of_unprotected_records_are_learnt(people: pa.Table, spec: AttackSpec) -> None:
    found = guessed(people, people, spec)
    assert float(found.success) > 0.98
    assert 0.1 < float(found.baseline) < 0.15


def test_large_classes_tell_little(people: pa.Table, safe: pa.Table, spec: AttackSpec) -> None:
    found = guessed(people, safe, spec)
    assert float(found.high) < 0.1


def test_strangers_are_the_control_of_what_is_learnt(
    people: pa.Table, fresh: Fresh, spec: AttackSpec
) -> None:
    found = guessed(people, people, spec, fresh(500))
    assert found.control is not None
    # Guessing at strangers goes by chance
    assert 0.07 < float(found.control) < 0.2
    assert float(found.low) > 0.9


def test_what_holds_for_everybody_is_no_success_against_a_control(
    people: pa.Table, fresh: Fresh, generalise: Generalise, spec: AttackSpec
) -> None:
    def with_rule(table: pa.Table) -> pa.Table:
        holds = np.random.default_rng(9).random(len(table)) < 0.6
        ill = np.where(table["age"].to_numpy() >= 50, "gout", "flu")
        return table.set_column(4, "illness", pa.array(np.where(holds, ill, "none")))

    ill = with_rule(people)
    against_chance = guessed(ill, generalise(ill), spec)
    against_strangers = guessed(ill, generalise(ill), spec, with_rule(fresh(500)))
    assert float(against_chance.low) > 0.2
    assert float(against_strangers.low) == 0
    assert float(against_strangers.high) < 0.2


def test_a_homogeneous_class_gives_its_value_away(
    people: pa.Table, safe: pa.Table, spec: AttackSpec
) -> None:
    # Large classes, but everybody of one class has the same: k-anonymity is no help
    classes = [hash_of(row) for row in safe.drop_columns(["illness"]).to_pylist()]
    illness = pa.array([f"I{number}" for number in classes])
    people, safe = (table.set_column(4, "illness", illness) for table in (people, safe))
    found = guessed(people, safe, spec)
    assert found.success == "1"


def hash_of(row: dict[str, object]) -> int:
    age, sex, year = (str(row[name]) for name in ("age", "sex", "year"))
    return (age == "[0, 50)") + 2 * (sex == "f") + 4 * (year == "1950–1984")


def test_numbers_are_learnt_within_a_tolerance(people: pa.Table, spec: AttackSpec) -> None:
    pay = np.random.default_rng(4).uniform(1_000, 9_000, len(people))
    paid = people.set_column(4, "illness", pa.array(pay))
    near = paid.set_column(4, "illness", pa.array(pay * 1.04))
    far = paid.set_column(4, "illness", pa.array(pay * 1.06))
    assert float(guessed(paid, near, spec).success) > 0.98
    assert float(guessed(paid, far, spec).success) < 0.05


def test_the_median_of_a_class_is_guessed() -> None:
    people = pa.table({"age": [1, 1, 1, 1, 1], "illness": [10.0, 10.0, 10.0, 500.0, 900.0]})
    assert guessed(people, people, AttackSpec(("age",), ("illness",))).rate == "0.6"


def test_generalised_secrets_are_learnt_when_they_cover_the_truth(spec: AttackSpec) -> None:
    people = pa.table({"age": np.arange(90), "illness": ["flu", "gout", "none"] * 30})
    tree = pa.table({"leaf": ["flu", "gout", "none"], "kind": ["ill", "ill", "well"]})
    released = people.set_column(1, "illness", pa.array(["ill", "ill", "well"] * 30))
    known = AttackSpec(("age",), ("illness",), {"illness": tree})
    found = guessed(people, released, known)
    assert found.rate == "1"
    assert float(found.baseline) == pytest.approx(2 / 3, abs=1e-6)


@pytest.mark.parametrize("nothing", ["*", None])
def test_a_suppressed_secret_is_not_learnt(
    people: pa.Table, spec: AttackSpec, nothing: str | None
) -> None:
    hidden = people.set_column(4, "illness", pa.array([nothing] * len(people), pa.string()))
    found = guessed(people, hidden, spec)
    assert (found.rate, found.baseline) == ("0", "0")


def test_a_release_of_strangers_tells_nothing(
    people: pa.Table, fresh: Fresh, spec: AttackSpec
) -> None:
    found = guessed(people, fresh(2_000), spec)
    assert float(found.success) < 0.05


def test_equals_are_guessed_at_random() -> None:
    people = pa.table({"age": [1, 1, 2, 2], "illness": ["flu", "gout", "flu", "gout"]})
    found = guessed(people, people, AttackSpec(("age",), ("illness",)))
    assert found.rate == "0.5"


def test_there_is_nothing_to_learn_without_a_secret(people: pa.Table, spec: AttackSpec) -> None:
    setting = prepare(people, people, replace(spec, sensitive=()), np.random.default_rng(1), None)
    assert inference(setting) == ()
