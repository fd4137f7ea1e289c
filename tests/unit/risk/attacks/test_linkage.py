from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from gateway.errors import InvalidRequest
from gateway.model.attacks import AttackResult
from gateway.model.exact import millionths
from gateway.risk.attacks import nearest, view
from gateway.risk.attacks.linkability import linkability
from gateway.risk.attacks.record_linkage import record_linkage
from gateway.risk.attacks.setting import AttackSpec, Setting, prepare

Fresh = Callable[[int], pa.Table]


def under_attack(
    people: pa.Table,
    released: pa.Table,
    spec: AttackSpec,
    origin: np.ndarray | None = None,
) -> Setting:
    return prepare(people, released, spec, np.random.default_rng(1), origin)


def linked(*args: object) -> AttackResult:
    found = linkability(under_attack(*args))  # type: ignore[arg-type]
    assert found is not None
    return found


def test_unprotected_records_are_found(people: pa.Table, spec: AttackSpec) -> None:
    shuffled = np.random.default_rng(2).permutation(len(people))
    found = record_linkage(under_attack(people, people.take(shuffled), spec, shuffled))
    assert float(found.success) > 0.98
    assert found.attempts == 400


def test_records_in_large_classes_are_not_found(
    people: pa.Table, safe: pa.Table, spec: AttackSpec
) -> None:
    origin = np.arange(len(people))
    for known in (origin, None):
        found = record_linkage(under_attack(people, safe, spec, known))
        # Eight classes of about 250
        assert 0.003 < float(found.success) < 0.006
        assert float(found.high) < 0.02


def test_two_in_a_class_are_found_half_of_the_time(spec: AttackSpec) -> None:
    ages = np.arange(200)
    people = pa.table({"age": ages})
    released = pa.table({"age": [f"[{age // 2 * 2}, {age // 2 * 2 + 2})" for age in ages]})
    known = AttackSpec(quasi_identifiers=("age",), targets=1_000)
    found = record_linkage(under_attack(people, released, known, ages))
    # Everybody was attacked, so this is no estimate
    assert found.rate == "0.5"
    assert millionths(found.high) - millionths(found.low) <= 1


def test_links_to_strangers_are_no_success(
    people: pa.Table, fresh: Fresh, spec: AttackSpec
) -> None:
    strangers = fresh(len(people))
    found = record_linkage(under_attack(people, strangers, spec, np.arange(len(people))))
    assert float(found.high) < 0.02


def test_noise_does_not_hide_whom_other_columns_show(
    people: pa.Table, spec: AttackSpec, draw: np.random.Generator
) -> None:
    noisy = people.set_column(
        0, "age", pa.array(people["age"].to_numpy() + draw.normal(0, 2, 2000))
    )
    found = record_linkage(under_attack(people, noisy, spec, np.arange(len(people))))
    assert float(found.low) > 0.9


def test_noise_of_the_size_of_the_column_hides(draw: np.random.Generator) -> None:
    people = pa.table({"age": draw.integers(0, 100, 2000)})
    noisy = pa.table({"age": people["age"].to_numpy() + draw.normal(0, 200, 2000)})
    known = AttackSpec(quasi_identifiers=("age",), targets=400)
    found = record_linkage(under_attack(people, noisy, known, np.arange(2000)))
    assert float(found.high) < 0.03


def test_a_record_left_out_is_never_found(people: pa.Table, spec: AttackSpec) -> None:
    kept = np.arange(1_000)
    found = record_linkage(under_attack(people, people.take(kept), spec, kept))
    assert 0.44 < float(found.success) < 0.56


def test_another_record_of_the_same_class_is_not_the_own() -> None:
    people = pa.table({"age": [1, 2]})
    released = pa.table({"age": ["[1, 3)"]})
    found = record_linkage(under_attack(people, released, AttackSpec(("age",)), np.array([0])))
    assert found.rate == "0.5"


def test_of_classes_that_overlap_the_narrower_is_nearer() -> None:
    people = pa.table({"age": np.arange(20)})
    labels = ["[0, 2)"] * 2 + ["[0, 20)"] * 18
    found = record_linkage(
        under_attack(people, pa.table({"age": labels}), AttackSpec(("age",)), np.arange(20))
    )
    # Two are picked out of two, eighteen out of eighteen
    assert float(found.rate) == pytest.approx(2 / 20, abs=1e-6)


@pytest.mark.parametrize("at_once", [1, 7, 1_000])
def test_work_is_done_in_parts_that_change_nothing(
    people: pa.Table, spec: AttackSpec, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    whole = record_linkage(under_attack(people, people, spec)), linked(people, people, spec)
    monkeypatch.setattr(view, "_PAIRS_AT_ONCE", at_once)
    monkeypatch.setattr(nearest, "_CELLS", at_once)
    assert (
        record_linkage(under_attack(people, people, spec)),
        linked(people, people, spec),
    ) == whole


def test_work_is_bounded_and_says_whom_it_left_out(
    people: pa.Table, fresh: Fresh, spec: AttackSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "_PAIRS_AT_ONCE", 100)
    monkeypatch.setattr(view, "MOST_PAIRS", 1_000)
    found = record_linkage(under_attack(people, people, spec))
    assert 1 < found.attempts < 400
    assert float(found.low) > 0.5
    monkeypatch.undo()
    # The same for comparisons by distance, when no record covers anybody
    monkeypatch.setattr(nearest, "_CELLS", 5_000)
    monkeypatch.setattr(nearest, "_MOST_DISTANCES", 400_000)
    found = record_linkage(under_attack(people, fresh(2_000), spec, np.arange(2_000)))
    assert 1 < found.attempts < 100


def test_suppressed_cells_widen_the_choice(people: pa.Table, spec: AttackSpec) -> None:
    hidden = people.set_column(2, "district", pa.nulls(len(people), pa.string()))
    hidden = hidden.set_column(3, "year", pa.nulls(len(people), pa.int64()))
    found = record_linkage(under_attack(people, hidden, spec, np.arange(len(people))))
    assert 0.05 < float(found.success) < 0.2


def test_the_rate_of_joins_is_what_counting_by_hand_gives(people: pa.Table) -> None:
    everybody = AttackSpec(quasi_identifiers=("age", "sex", "district", "year"), targets=2_000)
    found = linked(people, people, everybody)
    rows = people.to_pylist()
    sides = [("age", "sex"), ("district", "year"), ("age", "sex", "district", "year")]
    left, right, both = ([tuple(row[name] for name in side) for row in rows] for side in sides)
    sizes = [Counter(side) for side in (left, right, both)]
    chances = [
        sizes[2][whole] / (sizes[0][one] * sizes[1][other])
        for one, other, whole in zip(left, right, both, strict=True)
    ]
    assert float(found.rate) == pytest.approx(sum(chances) / len(rows), abs=1e-6)
    # Far above chance although neither file alone tells much
    assert float(found.low) > 50 * float(found.baseline)


def test_unprotected_files_are_joined(people: pa.Table) -> None:
    wide = people.append_column("number", pa.array(np.arange(len(people))))
    wide = wide.append_column("other", pa.array(np.arange(len(people))))
    known = AttackSpec(quasi_identifiers=("number", "other"), targets=400)
    assert linked(wide, wide, known).rate == "1"


def test_generalised_files_are_not_joined(
    people: pa.Table, safe: pa.Table, spec: AttackSpec
) -> None:
    found = linked(people, safe, spec)
    assert float(found.high) < 0.02
    assert float(found.success) < 0.005


def test_records_of_one_class_are_not_joined_for_being_first(spec: AttackSpec) -> None:
    # The authors' program, which takes the first of equals, would join everybody here.
    people = pa.table({"a": np.arange(100), "b": np.arange(100)})
    released = pa.table({"a": ["*"] * 100, "b": ["*"] * 100})
    found = linked(people, released, AttackSpec(quasi_identifiers=("a", "b")))
    assert found.rate == found.baseline == "0.01"


def test_strangers_are_the_control(people: pa.Table, fresh: Fresh, spec: AttackSpec) -> None:
    found = linkability(under_attack(people, people, spec), fresh(500))
    assert found is not None
    assert found.control is not None
    assert float(found.control) < float(found.rate)


def test_labels_that_nothing_explains_stop_the_attack(people: pa.Table, spec: AttackSpec) -> None:
    tokens = people.set_column(1, "sex", pa.array([f"t{row}" for row in range(len(people))]))
    with pytest.raises(InvalidRequest, match="sex: the release holds values"):
        under_attack(people, tokens, spec)


def test_what_the_tables_do_not_have_is_listed(people: pa.Table) -> None:
    wrong = AttackSpec(quasi_identifiers=("age", "age", "shoe"), targets=0)
    with pytest.raises(InvalidRequest) as caught:
        under_attack(people, people, wrong)
    assert {found.field for found in caught.value.violations} == {"age", "shoe", "targets"}
    double = people.append_column("age", people["age"])
    with pytest.raises(InvalidRequest, match="age: the release has it more than once"):
        under_attack(people, double, AttackSpec(("age",)))


def test_an_empty_release_gives_nothing(people: pa.Table, spec: AttackSpec) -> None:
    setting = under_attack(people, people.slice(0, 0), spec)
    assert record_linkage(setting).high < "0.02"
    found = linkability(setting)
    assert found is not None
    assert found.rate == "0"
