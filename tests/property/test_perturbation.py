"""Microaggregation, PRAM and rank swapping: sizes of groups, what is kept, what chance may do."""

from collections import Counter
from fractions import Fraction
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import InvalidRequest, TransformFailed
from gateway.transform.anonymize import microaggregation
from gateway.transform.anonymize.microaggregation import mdav, microaggregate, optimal_groups
from gateway.transform.anonymize.pram import (
    ONE,
    Pram,
    TransitionMatrix,
    counts_of,
    estimated_counts,
    invariant,
    retention,
)
from gateway.transform.anonymize.rank_swapping import rank_swapped

CELLS = st.none() | st.integers(-50, 50) | st.floats(-1e6, 1e6)


def draws(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, int]:
    k = draw(st.integers(2, 4))
    rows = draw(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=k, max_size=40))
    columns = [pa.array([row[at] for row in rows], pa.float64()) for at in range(3)]
    return pa.table(columns, names=["a", "b", "c"]), k


@given(tables())
def test_records_agree_with_k_others_also_where_cells_are_null(drawn: tuple[pa.Table, int]) -> None:
    table, k = drawn
    result = microaggregate(table, ["a", "b", "c"], k)
    rows = zip(*(result.table[name].to_pylist() for name in "abc"), strict=True)
    assert min(Counter(rows).values()) >= k


@given(tables())
def test_each_column_for_itself_has_every_value_k_times(drawn: tuple[pa.Table, int]) -> None:
    table, k = drawn
    result = microaggregate(table, ["a", "b"], k, grouping="separately")
    for name in "ab":
        assert min(Counter(result.table[name].to_pylist()).values()) >= k
    assert result.table["c"] == table["c"]


@given(tables())
def test_what_is_published_is_the_mean_of_the_group(drawn: tuple[pa.Table, int]) -> None:
    table, k = drawn
    result = microaggregate(table, ["a", "b", "c"], k)
    for name in "abc":
        before = np.array(table[name].to_pylist(), float)
        after = np.array(result.table[name].to_pylist(), float)
        for group in np.unique(result.groups[name]):
            rows = result.groups[name] == group
            there = ~np.isnan(after[rows])
            # all cells of the group are blank, or none
            assert there.all() or not there.any()
            if there.all():
                np.testing.assert_allclose(after[rows], before[rows].mean(), atol=1e-6)


@given(tables())
def test_without_nulls_nothing_is_blanked_and_means_are_kept(drawn: tuple[pa.Table, int]) -> None:
    table, k = drawn
    table = pa.table([column.fill_null(7) for column in table.columns], names=["a", "b", "c"])
    result = microaggregate(table, ["a", "b", "c"], k)
    assert result.blanked == 0
    assert -1e-9 <= result.information_loss <= 1 + 1e-9
    for name in "abc":
        np.testing.assert_allclose(
            np.mean(result.table[name].to_numpy()), np.mean(table[name].to_numpy()), atol=1e-6
        )


@given(st.integers(2, 5), st.integers(0, 300), st.integers(0, 99))
def test_groups_of_mdav_have_k_to_2k_less_1_rows(k: int, more: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(k + more, 3))
    sizes = np.bincount(mdav(values, k))
    assert k <= sizes.min()
    assert sizes.max() <= 2 * k - 1


def test_large_tables_are_grouped_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microaggregation, "BLOCK", 64)
    values = np.random.default_rng(1).normal(size=(1_000, 2))
    sizes = np.bincount(mdav(values, 3))
    assert sizes.min() >= 3
    assert sizes.sum() == 1_000


def within(values: list[float], ends: tuple[int, ...]) -> float:
    parts = np.split(np.sort(values), ends)
    return sum(float(((part - part.mean()) ** 2).sum()) for part in parts)


@settings(max_examples=50)
@given(st.lists(st.floats(-100, 100), min_size=4, max_size=11), st.integers(2, 3))
def test_groups_of_one_column_are_the_best_of_all_cuts(values: list[float], k: int) -> None:
    groups = optimal_groups(np.array(values), k)
    assert np.bincount(groups).min() >= k
    found = sum(
        float(((np.array(values)[groups == g] - np.array(values)[groups == g].mean()) ** 2).sum())
        for g in np.unique(groups)
    )
    cuts = [
        ends
        for count in range(len(values) // k)
        for ends in combinations(range(1, len(values)), count)
        if min(np.diff([0, *ends, len(values)])) >= k
    ]
    assert found == pytest.approx(min(within(values, ends) for ends in cuts), abs=1e-6)


def test_one_column_is_grouped_in_runs_when_it_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microaggregation, "RUN", 16)
    values = np.random.default_rng(2).normal(size=1_003)
    sizes = np.bincount(optimal_groups(values, 3))
    assert sizes.min() >= 3
    assert sizes.max() <= 5


@pytest.mark.parametrize(
    ("columns", "k", "named"),
    [
        (["a", "a"], 2, "columns"),
        ([], 2, "columns"),
        (["x"], 2, "x"),
        (["text"], 2, "text"),
        (["odd"], 2, "odd"),
        (["a"], 1, "k"),
        (["a"], 4, "k"),
    ],
)
def test_what_cannot_be_microaggregated_is_refused(columns: list[str], k: int, named: str) -> None:
    table = pa.table({"a": [1, 2, 3], "text": ["1", "2", "3"], "odd": [1.0, float("nan"), None]})
    with pytest.raises(InvalidRequest) as refused:
        microaggregate(table, columns, k)
    assert refused.value.violations[0].field == named


# ---- PRAM ---------------------------------------------------------------------------------------

CATEGORIES = st.lists(st.none() | st.sampled_from("abcdef"), min_size=1, max_size=80)


@given(CATEGORIES, st.fractions(0, 1))
def test_an_invariant_matrix_keeps_expected_counts(
    values: list[str | None], keep: Fraction
) -> None:
    categories, counts = counts_of(pa.array(values, pa.string()))
    matrix = invariant(retention(categories, keep), counts)
    expected = [
        Fraction(
            sum(count * row[to] for count, row in zip(counts, matrix.chances, strict=True)), ONE
        )
        for to in range(len(counts))
    ]
    rounding = Fraction(sum(counts) * 2, ONE)
    assert all(abs(e - count) <= rounding for e, count in zip(expected, counts, strict=True))


def test_values_are_drawn_with_the_stated_chances() -> None:
    matrix = TransitionMatrix(
        ("a", "b", None), ((ONE // 2, ONE // 4, ONE // 4), (0, ONE, 0), (ONE - 1, 0, 1))
    )
    column = pa.array(["a", "b", None] * 60_000, pa.string())
    drawn = Pram(matrix).apply(column, draws(3, len(column)))
    pairs = Counter(zip(column.to_pylist(), drawn.to_pylist(), strict=True))
    # seven standard deviations of the binomial: failing means wrong, not unlucky
    assert abs(pairs["a", "a"] - 30_000) < 7 * 123
    assert abs(pairs["a", "b"] - 15_000) < 7 * 107
    assert pairs["b", "b"] == 60_000
    assert pairs[None, "a"] == 60_000


def test_the_ends_of_the_draws_belong_to_the_first_and_the_last_category() -> None:
    matrix = TransitionMatrix(("a", "b"), ((1, ONE - 1), (ONE - 1, 1)))
    ends = np.array([0, 2**32 - 1, 2**32, 2**64 - 2**32, 2**64 - 1], np.uint64)
    for value, expected in (("a", "aabbb"), ("b", "aaabb")):
        drawn = Pram(matrix).apply(pa.array([value] * 5), ends)
        assert drawn.to_pylist() == list(expected)


def test_counts_are_estimated_back() -> None:
    matrix = retention(("a", "b", "c"), Fraction(7, 10))
    true = np.array([1000, 200, 30])
    published = true @ (np.array(matrix.chances) / ONE)
    np.testing.assert_allclose(estimated_counts(matrix, published.tolist()), true, rtol=1e-6)


def test_a_matrix_says_what_it_is_in_local_differential_privacy() -> None:
    matrix = retention(("a", "b", "c"), Fraction(3, 5))
    assert matrix.local_epsilon == pytest.approx(np.log(3), rel=1e-8)
    assert retention(("a", "b"), Fraction(1)).local_epsilon == float("inf")
    assert matrix.stated()["matrix"][0][0] == pytest.approx(0.6)


def test_a_value_that_the_matrix_does_not_name_stops_it() -> None:
    with pytest.raises(TransformFailed):
        Pram(retention(("a", "b"), Fraction(1, 2))).apply(pa.array(["c"]), draws(1, 1))


@pytest.mark.parametrize(
    ("categories", "chances"),
    [
        ((), ()),
        (("a", "a"), ((ONE, 0), (0, ONE))),
        (("a", "b"), ((ONE, 0),)),
        (("a", "b"), ((ONE, 0), (1, ONE))),
        (("a", "b"), ((ONE + 1, -1), (0, ONE))),
    ],
)
def test_what_is_no_transition_matrix_is_refused(
    categories: tuple[str, ...], chances: tuple[tuple[int, ...], ...]
) -> None:
    with pytest.raises(InvalidRequest):
        TransitionMatrix(categories, chances)


# ---- rank swapping ------------------------------------------------------------------------------


@given(
    st.lists(st.none() | st.integers(0, 9), min_size=4, max_size=60),
    st.fractions(Fraction(1, 2), 1),
    st.integers(0, 2**32),
)
def test_swapping_keeps_the_values_and_moves_them_within_the_window(
    values: list[int | None], share: Fraction, seed: int
) -> None:
    swapped = rank_swapped(pa.array(values, pa.int64()), share, draws(seed, len(values) + 1))
    assert Counter(swapped.to_pylist()) == Counter(values)
    window = int(share * len(values))
    for before, after in zip(values, swapped.to_pylist(), strict=True):
        ranks = sorted(99 if value is None else value for value in values)
        one, other = (99 if value is None else value for value in (before, after))
        low, high = min(one, other), max(one, other)
        # between the last rank of the lower value and the first of the higher
        assert ranks.index(high) - (len(ranks) - 1 - ranks[::-1].index(low)) < window


def test_most_values_move_and_another_draw_moves_them_otherwise() -> None:
    column = pa.array(range(10_000))
    one = rank_swapped(column, Fraction(1, 20), draws(1, 10_001)).to_numpy()
    other = rank_swapped(column, Fraction(1, 20), draws(2, 10_001)).to_numpy()
    assert np.count_nonzero(one == np.arange(10_000)) <= 21
    assert np.count_nonzero(one == other) < 200
    assert np.abs(one - np.arange(10_000)).max() < 500
    assert np.corrcoef(one, np.arange(10_000))[0, 1] > 0.99


def test_text_is_swapped_by_a_stated_order() -> None:
    column = pa.array(["low", "high", "middle", None] * 25)
    swapped = rank_swapped(
        column, Fraction(1, 4), draws(5, 101), order=[None, "low", "middle", "high"]
    )
    assert Counter(swapped.to_pylist()) == Counter(column.to_pylist())
    moved = set(zip(column.to_pylist(), swapped.to_pylist(), strict=True))
    assert (None, "high") not in moved
    assert ("high", "low") not in moved


@pytest.mark.parametrize(
    ("values", "share", "order"),
    [
        (["a", "b"], Fraction(1), None),
        ([1, 2], Fraction(1, 2), None),
        ([1, 2], Fraction(0), None),
        (["a", "b"], Fraction(1), ["a", "b", "a"]),
    ],
)
def test_what_cannot_be_swapped_is_refused(
    values: list[object], share: Fraction, order: list[str] | None
) -> None:
    with pytest.raises(InvalidRequest):
        rank_swapped(pa.array(values), share, draws(1, 3), order=order)


def test_a_value_outside_the_order_stops_it() -> None:
    with pytest.raises(TransformFailed):
        rank_swapped(pa.array(["a", "b", "c"]), Fraction(1), draws(1, 4), order=["a", "b"])
