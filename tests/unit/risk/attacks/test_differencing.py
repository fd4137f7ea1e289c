from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from gateway.errors import InvalidRequest
from gateway.model.attacks import AttackResult
from gateway.risk.attacks.differencing import Held, differencing
from gateway.risk.attacks.setting import AttackSpec, prepare

SPEC = AttackSpec(("age", "sex", "district", "year"), k=5)


def differenced(
    people: pa.Table,
    released: pa.Table,
    held: list[Held],
    spec: AttackSpec = SPEC,
    origin: np.ndarray | None = None,
) -> AttackResult:
    found = differencing(prepare(people, released, spec, np.random.default_rng(4), origin), held)
    assert found is not None
    return found


def with_detail(safe: pa.Table, people: pa.Table, column: str, width: int) -> pa.Table:
    low = people[column].to_numpy() // width * width
    place = safe.column_names.index(column)
    return safe.set_column(place, column, pa.array([f"[{x}, {x + width})" for x in low]))


def test_the_same_release_twice_tells_nothing_more(people: pa.Table, safe: pa.Table) -> None:
    found = differenced(people, safe, [Held(safe)])
    assert (found.success, found.attempts) == ("0", 2_000)


def test_fewer_columns_of_the_same_recoding_tell_nothing_more(
    people: pa.Table, safe: pa.Table
) -> None:
    found = differenced(people, safe, [Held(safe.drop_columns(["sex"]))])
    assert found.success == "0"


def test_two_recodings_are_intersected(people: pa.Table, safe: pa.Table) -> None:
    ages, years = with_detail(safe, people, "age", 5), with_detail(safe, people, "year", 3)
    found = differenced(people, ages, [Held(years)])
    # Counted by hand
    each = [list(zip(*(t[n].to_pylist() for n in SPEC.quasi_identifiers), strict=True))
            for t in (ages, years)]  # fmt: skip
    sizes = [Counter(side) for side in each]
    cells = Counter(zip(*each, strict=True))
    hidden = [pair for pair in zip(*each, strict=True) if min(
        sizes[0][pair[0]], sizes[1][pair[1]]) >= 5]  # fmt: skip
    bared = sum(cells[pair] < 5 for pair in hidden)
    assert bared > 1_000
    assert found.attempts == len(hidden)
    assert float(found.rate) == pytest.approx(bared / len(hidden), abs=1e-6)
    # The same when it is known who is who
    everybody = np.arange(2_000)
    again = differenced(people, ages, [Held(years, everybody)], origin=everybody)
    assert again.rate == found.rate


def test_a_filter_that_leaves_out_one_person_shows_that_person(
    people: pa.Table, safe: pa.Table
) -> None:
    everybody = np.arange(2_000)
    # One who looks like the last, whose row is what an index of -1 would take
    last = safe.slice(1_999).select(list(SPEC.quasi_identifiers)).to_pylist()[0]
    alike = [row for row, record in enumerate(safe.to_pylist()) if last.items() <= record.items()]
    kept = np.delete(everybody, alike[0])
    fewer = Held(safe.take(kept), kept)
    found = differenced(people, safe, [fewer], origin=everybody)
    assert float(found.rate) == pytest.approx(1 / 2_000, abs=1e-6)
    # Without knowing who is where, labels alone cannot show it, which is said.
    blind = differenced(people, safe, [Held(safe.take(kept))])
    assert blind.rate == "0"
    assert "was not given" in blind.explanation


def test_three_releases_tell_more_than_two(people: pa.Table, safe: pa.Table) -> None:
    ages, years = with_detail(safe, people, "age", 25), with_detail(safe, people, "year", 10)
    towns = safe.set_column(2, "district", people["district"])
    two = differenced(people, ages, [Held(years)])
    three = differenced(people, ages, [Held(years), Held(towns)])
    assert float(two.rate) < float(three.rate)


def test_classes_too_small_on_their_own_are_not_blamed_on_the_others(people: pa.Table) -> None:
    found = differenced(people, people, [Held(people)])
    assert found.attempts < 100


def test_a_first_release_has_nothing_beside_it(people: pa.Table, safe: pa.Table) -> None:
    found = differenced(people, safe, [])
    assert (found.attempts, found.high) == (0, "0")


def test_nothing_is_said_where_nobody_said_what_is_held_or_of_a_sample(
    people: pa.Table, safe: pa.Table
) -> None:
    setting = prepare(people, safe, SPEC, np.random.default_rng(1), None)
    assert differencing(setting, None) is None
    part = prepare(people, safe, replace(SPEC, whole=False), np.random.default_rng(1), None)
    assert differencing(part, [Held(safe)]) is None


def test_a_release_of_other_columns_is_named(people: pa.Table, safe: pa.Table) -> None:
    with pytest.raises(InvalidRequest, match="held 1: has none"):
        differenced(people, safe, [Held(safe.select(["illness"]))])
