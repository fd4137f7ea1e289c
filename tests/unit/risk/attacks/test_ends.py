from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from gateway.model.attacks import AttackLimits, AttackResult
from gateway.risk.attacks.ends import ends
from gateway.risk.attacks.setting import AttackSpec, prepare


def claimed(people: pa.Table, released: pa.Table, spec: AttackSpec) -> AttackResult:
    found = ends(prepare(people, released, spec, np.random.default_rng(6), None))
    assert found is not None
    return found


def tight(values: np.ndarray, size: int) -> list[str]:
    """Ranges of ``size`` neighbours each, as a local recoding publishes them."""
    groups = np.sort(values).reshape(-1, size)
    by_value = {
        value: f"{low}–{high}" if low < high else str(low)
        for group in groups
        for low, high in [(group.min(), group.max())]
        for value in group.tolist()
    }
    return [by_value[value] for value in values.tolist()]


def test_somebody_is_alone_at_the_end_of_a_tight_range() -> None:
    ages = np.random.default_rng(1).choice(40_000, 1_000, replace=False)
    people, known = pa.table({"age": ages}), AttackSpec(("age",))
    found = claimed(people, pa.table({"age": tight(ages, 10)}), known)
    # Ten in a class, and each of the hundred claims right: k does not see this
    assert (found.rate, found.attempts) == ("1", 100)
    assert float(found.baseline) < 0.15
    assert AttackLimits(refinement="0.5").exceeded([found]) == (found,)


def test_ends_that_many_share_single_nobody_out() -> None:
    ages = np.repeat(np.arange(100), 20)
    labels = [f"{age // 10 * 10}–{age // 10 * 10 + 9}" for age in ages.tolist()]
    found = claimed(pa.table({"age": ages}), pa.table({"age": labels}), AttackSpec(("age",)))
    assert (found.rate, found.success) == ("0", "0")


@pytest.mark.parametrize("label", ["[{low}, {high})", "≥{low}", "*"])
def test_ranges_with_an_open_end_need_not_be_tight(label: str) -> None:
    ages = np.arange(100)
    labels = [label.format(low=age // 10 * 10, high=age // 10 * 10 + 10) for age in ages.tolist()]
    found = claimed(pa.table({"age": ages}), pa.table({"age": labels}), AttackSpec(("age",)))
    assert (found.attempts, found.high) == (0, "0")


def test_labels_of_a_hierarchy_need_not_be_tight() -> None:
    ages = np.arange(100)
    labels = [f"{age // 10 * 10}–{age // 10 * 10 + 9}" for age in ages.tolist()]
    tree = pa.table({"age": [str(age) for age in ages], "ten": labels})
    people, released = pa.table({"age": ages}), pa.table({"age": labels})
    assert claimed(people, released, AttackSpec(("age",), hierarchies={"age": tree})).attempts == 0
    assert claimed(people, released, AttackSpec(("age",))).rate == "1"


def test_the_other_columns_of_a_class_are_part_of_the_claim() -> None:
    # Two of each age, one of each sex: alone only with the sex
    people = pa.table({"age": [1, 5, 9, 1, 5, 9], "sex": ["f"] * 3 + ["m"] * 3})
    with_sex = pa.table({"age": ["1–9"] * 6, "sex": ["f"] * 3 + ["m"] * 3})
    without = with_sex.set_column(1, "sex", pa.array(["*"] * 6))
    known = AttackSpec(("age", "sex"))
    assert claimed(people, with_sex, known).rate == "1"
    assert claimed(people, without, known).rate == "0"


def test_nobody_is_alone_in_a_sample() -> None:
    table = pa.table({"age": [1, 2]})
    spec = replace(AttackSpec(("age",)), whole=False)
    assert ends(prepare(table, table, spec, np.random.default_rng(1), None)) is None
