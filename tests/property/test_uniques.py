"""Minimal sample uniques and scores, against every set and every record looked at one by one."""

from collections import Counter
from fractions import Fraction
from itertools import combinations
from math import prod

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.risk.uniques import subsets
from gateway.risk.uniques.proposal import propose
from gateway.risk.uniques.special import Scoring, dis, dis_suda, scored, weights
from gateway.risk.uniques.subsets import Coded, number_of_sets, visit

CELL = st.none() | st.sampled_from("abc")
ROWS = st.lists(st.tuples(CELL, CELL, CELL, st.integers(0, 6)), min_size=1, max_size=30)
NAMES = ("one", "two", "three", "four")


def table_of(rows: list[tuple[object, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    kinds = [pa.string(), pa.string(), pa.string(), pa.int64()]
    return pa.table([pa.array(c, k) for c, k in zip(columns, kinds, strict=True)], names=NAMES)


def alone_by(rows: list[tuple[object, ...]], places: tuple[int, ...]) -> set[int]:
    held = [tuple(row[place] for place in places) for row in rows]
    counts = Counter(held)
    return {number for number, one in enumerate(held) if counts[one] == 1}


def minimal_uniques(rows: list[tuple[object, ...]], most: int) -> dict[tuple[int, ...], set[int]]:
    found = {}
    for size in range(1, most + 1):
        for places in combinations(range(4), size):
            by_parts = [
                alone_by(rows, part) for k in range(1, size) for part in combinations(places, k)
            ]
            found[places] = alone_by(rows, places) - set().union(*by_parts)
    return found


@given(ROWS, st.integers(1, 4))
def test_each_set_is_visited_once_and_says_who_is_alone_by_it(
    rows: list[tuple[object, ...]], most: int
) -> None:
    coded = Coded.of(table_of(rows), NAMES)
    visited = {one.columns: one for one in visit(coded, most)}
    expected = minimal_uniques(rows, most)
    assert visited.keys() == expected.keys()
    assert len(visited) == number_of_sets(4, most)
    for places, one in visited.items():
        held = Counter(tuple(row[place] for place in places) for row in rows)
        assert one.classes == len(held)
        assert one.pairs == sum(count * (count - 1) for count in held.values())
        assert one.alone == len(alone_by(rows, places))
        numbers = {int(np.flatnonzero(coded.row_record == record)[0]) for record in one.minimal}
        assert numbers == expected[places]


@given(ROWS, st.integers(1, 4))
def test_scores_are_those_of_the_definition(rows: list[tuple[object, ...]], most: int) -> None:
    coded = Coded.of(table_of(rows), NAMES)
    special = scored(coded, most, visit(coded, most))
    scores, shares = np.zeros(len(rows)), np.zeros(4)
    for places, members in minimal_uniques(rows, most).items():
        worth = prod(4 - size for size in range(len(places), min(most, 3) + 1))
        for member in members:
            scores[member] += worth
            shares[list(places)] += worth
    assert special.scores.tolist() == scores.tolist()
    total = scores.sum()
    assert special.contributions == pytest.approx(shares / total if total else shares)


def test_a_column_of_its_own_scores_most() -> None:
    # A = 4 columns, sets up to 3: (4-1)(4-2)(4-3), (4-2)(4-3), (4-3)
    assert weights(4, 3) == (6, 2, 1)
    assert weights(4, 4) == (6, 2, 1, 1)
    assert weights(1, 1) == (1,)


def test_dis_is_the_chance_of_a_right_match() -> None:
    # 3 alone, 2 pairs, 1 of three; 3 * 0.1 / (3 * 0.1 + 4 * 0.9)
    counts = [1, 1, 1, 2, 2, 3]
    assert dis(counts, 0.1) == pytest.approx(
        float(Fraction(3, 10) / (Fraction(3, 10) + Fraction(36, 10)))
    )
    assert dis(counts, 1) == 1
    assert dis([2, 2], 0.5) == 0
    with pytest.raises(InvalidRequest):
        dis(counts, 0)


@given(ROWS)
def test_dis_suda_follows_the_scores_and_spares_who_is_not_singled_out(
    rows: list[tuple[object, ...]],
) -> None:
    coded = Coded.of(table_of(rows), NAMES)
    special = scored(coded, 4, visit(coded, 4))
    found = dis_suda(special, coded, 0.2)
    assert ((found > 0) == (special.scores > 0)).all()
    assert (found <= 1).all()
    order = np.argsort(special.scores, kind="stable")
    assert (np.diff(found[order]) >= -1e-12).all()
    # where all scores are equal each has the chance of the file
    if len({score for score in special.scores if score}) == 1:
        assert found.max() == pytest.approx(dis(coded.counts, 0.2))


@given(ROWS)
def test_wide_keys_and_narrow_ones_group_alike(rows: list[tuple[object, ...]]) -> None:
    coded = Coded.of(table_of(rows), NAMES)
    before = [(one.columns, one.classes, one.minimal.tolist()) for one in visit(coded, 3)]
    dense, subsets._DENSE = subsets._DENSE, 0
    try:
        after = [(one.columns, one.classes, one.minimal.tolist()) for one in visit(coded, 3)]
    finally:
        subsets._DENSE = dense
    assert before == after


def people(rows: int) -> pa.Table:
    chance = np.random.default_rng(8)
    return pa.table(
        {
            "number": [f"P{row:06}" for row in range(rows)],
            "country": ["CN"] * rows,
            "age": chance.integers(18, 90, rows),
            "city": chance.choice([f"city {n}" for n in range(30)], rows),
            "coin": chance.integers(0, 2, rows),
        }
    )


def test_columns_are_proposed_that_single_people_out_together_with_the_reason() -> None:
    found = propose(people(2_000), sampling_fraction=0.05)
    kinds = {one.column: one.kind for one in found.columns}
    assert kinds["number"] == "identifier"
    assert kinds["country"] == "constant"
    assert set(found.proposed) == {"age", "city", "coin"}
    assert found.proposed[0] == "age"
    assert found.sets[0].columns in {("age", "city"), ("age", "city", "coin")}
    assert all("number" not in one.columns for one in found.sets)
    minimal = [one.minimal for one in found.sets]
    assert minimal == sorted(minimal, reverse=True)
    assert "alone by" in found.sets[0].reason
    assert 0 < float(found.dis or 0) <= float(found.highest or 0) <= 1


def test_where_nobody_is_alone_nothing_is_proposed() -> None:
    found = propose(pa.table({"a": [1, 1, 2, 2], "b": [3, 3, 4, 4]}), sampling_fraction=0.5)
    assert (found.proposed, found.sets, found.special) == ((), (), 0)
    assert found.dis == found.highest == "0"


def test_progress_is_told_of_every_set() -> None:
    told: list[tuple[int, int]] = []
    propose(people(100), ["age", "city", "coin"], tell=lambda done, of: told.append((done, of)))
    assert told == [*((done, 6) for done in range(6)), *((done, 7) for done in range(7))]


def test_when_time_is_over_the_last_whole_size_is_told() -> None:
    looks = iter([False] * 3 + [True])
    found = propose(people(100), ["age", "city", "coin"], over=lambda: next(looks))
    smaller = propose(people(100), ["age", "city", "coin"], largest_set=2)
    assert (found.complete, found.largest_set, found.sets_visited) == (False, 2, 6)
    assert found.but(complete=True) == smaller


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        (["age", "age"], "columns"),
        (["nothing"], "nothing"),
        ([], "columns"),
    ],
)
def test_columns_that_cannot_be_looked_at_are_named(columns: list[str], named: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        propose(people(10), columns)
    assert refused.value.violations[0].field == named


def test_of_many_columns_those_are_looked_at_that_tell_most_apart() -> None:
    chance = np.random.default_rng(2)
    table = pa.table({f"c{n:02}": chance.integers(0, 2 + n, 400) for n in range(30)})
    found = propose(table, largest_set=2)
    assert found.sets_visited == number_of_sets(25, 2)
    left_out = {one.column for one in found.columns if one.contribution is None}
    assert left_out == {f"c{n:02}" for n in range(5)}
    assert not left_out & {name for one in found.sets for name in one.columns}
    with pytest.raises(InvalidRequest):
        list(visit(Coded.of(table, table.column_names), 2))


def test_what_would_not_fit_is_refused_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subsets, "MOST_BYTES", 1_000)
    with pytest.raises(InvalidRequest) as refused:
        propose(people(5_000), ["age", "city", "coin"])
    assert refused.value.violations[0].field == "most"
    with pytest.raises(InvalidRequest):
        propose(people(0))


def test_dictionaries_and_chunks_are_read_as_values() -> None:
    plain = people(50)
    city = pa.chunked_array([plain["city"].chunk(0)[:20].dictionary_encode(),
                             plain["city"].chunk(0)[20:].dictionary_encode()])  # fmt: skip
    encoded = plain.set_column(3, "city", city)
    assert propose(encoded) == propose(plain)


def test_scoring_adds_nothing_for_a_set_that_singles_nobody_out() -> None:
    coded = Coded.of(table_of([("a", "a", "a", 1), ("a", "a", "a", 1)]), NAMES)
    scoring = Scoring(coded, 2)
    for one in visit(coded, 2):
        scoring.add(one)
    assert scoring.done().contributions == (0, 0, 0, 0)
