"""The steps of local recoding one by one: what each keeps of a partition, whatever it is given."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.anonymity import AnonymityGoal, KAnonymity
from gateway.transform.anonymize import local_recoding as whole
from gateway.transform.anonymize.exchange import exchanged
from gateway.transform.anonymize.grouping import Ids, Points, apart, cut
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.anonymize.lockstep import clustered
from gateway.transform.anonymize.merging import merged
from gateway.transform.anonymize.problem import Problem
from gateway.transform.anonymize.spans import Axis
from gateway.transform.anonymize.splitting import split

WORDS = Ladder.of_table(
    pa.table({"0": list("abcdef"), "1": list("xxxyyz"), "2": ["*"] * 6}),
)
NUMBERS = Ladder.of_table(pa.table({"0": [str(n) for n in range(40)], "1": ["*"] * 40}))


def points_of(seed: int, number: int) -> Points:
    chance = np.random.default_rng(seed)
    tuples = np.stack(
        [chance.integers(0, 6, number), chance.integers(0, 40, number)], axis=1
    ).astype(np.int32)
    tuples = np.unique(tuples, axis=0)
    return points_at(tuples, chance.integers(1, 3, len(tuples)))


def points_at(tuples: np.ndarray, counts: np.ndarray) -> Points:
    axes = [
        Axis.of(ladder, tuples[:, place], counts, "loss", 1.0)
        for place, ladder in enumerate((WORDS, NUMBERS))
    ]
    places = np.column_stack([axis.places(tuples[:, at]) for at, axis in enumerate(axes)])
    return Points(axes, places, counts)


def cost(points: Points, classes: Ids) -> float:
    low, high = points.spans(classes)
    return float(points.cost(low, high) @ points.sizes(classes))


SEEDS = st.integers(0, 10_000)


@given(SEEDS, st.integers(8, 120), st.integers(2, 5), st.integers(4, 60))
def test_clusters_have_k_records_but_for_what_a_block_leaves_over(
    seed: int, number: int, k: int, block: int
) -> None:
    points = points_of(seed, number)
    ids = np.arange(len(points.places))
    blocks = cut(ids, np.ones(len(ids), np.int64), block)
    assert np.concatenate(blocks).tolist() == ids.tolist()
    done: list[int] = []
    classes = clustered(points, blocks, k, done.append)
    assert done[-1] == len(ids)
    sizes = points.sizes(classes)
    for members in blocks:
        within = np.unique(classes[members])
        left = within[sizes[within] < k]
        # what is left over is alone, and together it would not have made a cluster
        assert all(np.count_nonzero(classes == cls) == 1 for cls in left)
        assert sizes[left].sum() < k


@given(SEEDS, st.integers(8, 120), st.integers(2, 5))
def test_exchanges_make_it_no_dearer_and_keep_k(seed: int, number: int, k: int) -> None:
    points = points_of(seed, number)
    # a poor partition: neighbours by chance
    classes = np.random.default_rng(seed).permutation(np.arange(len(points.places)) // k)
    sizes = points.sizes(classes)
    least = int(min(k, sizes.min()))
    before = cost(points, classes)
    for rounds in (1, 3):
        after = exchanged(points, classes, least, None, rounds, lambda _turn: True)
        assert points.sizes(after).min() >= least
        assert len(points.sizes(after)) == len(sizes)
        assert cost(points, after) <= before + 1e-3


def test_exchanges_find_what_is_plainly_in_the_wrong_class() -> None:
    tuples = np.array([[0, 1], [0, 2], [0, 30], [3, 31], [3, 32], [3, 3]], np.int32)
    points = points_at(tuples, np.ones(6, np.int64))
    wrong = np.array([0, 0, 1, 1, 1, 0])
    assert exchanged(points, wrong, 3, None, 1, lambda _: True).tolist() == [0, 0, 0, 1, 1, 1]


@given(SEEDS, st.integers(8, 80))
def test_exchanges_that_break_the_goal_are_taken_back(seed: int, number: int) -> None:
    points = points_of(seed, number)
    kind = np.random.default_rng(seed).integers(0, 3, len(points.places))
    classes = np.random.default_rng(seed).permutation(np.arange(len(kind)) // 4)

    def failing(partition: Ids) -> np.ndarray:
        pairs = np.unique(partition * 3 + kind)
        return np.bincount(pairs // 3) < 2

    passed = ~failing(classes)
    after = exchanged(points, classes, 1, failing, 4, lambda _: True)
    assert not (failing(after) & passed).any()


@given(SEEDS, st.integers(8, 120), st.integers(2, 6))
def test_classes_are_cut_where_it_pays_and_both_parts_keep_the_goal(
    seed: int, number: int, k: int
) -> None:
    points = points_of(seed, number)
    kind = np.random.default_rng(seed).integers(0, 2, len(points.places))
    whole = np.arange(len(points.places)) % 2

    def failing(partition: Ids) -> np.ndarray:
        pairs = np.unique(partition * 2 + kind)
        return np.bincount(pairs // 2) < 2

    if failing(whole).any() or points.sizes(whole).min() < k:
        return
    after = split(points, whole, k, failing, lambda _: True)
    assert points.sizes(after).min() >= k
    assert not failing(after).any()
    assert cost(points, after) <= cost(points, whole) + 1e-3
    # parts of what was given
    assert len(np.unique(np.stack([whole, after], axis=1), axis=0)) == after.max() + 1
    assert split(points, whole, k, failing, lambda _: False).tolist() == whole.tolist()


def test_a_class_of_two_clumps_is_cut_between_them() -> None:
    tuples = np.array([[0, 1], [1, 2], [1, 3], [0, 30], [1, 31], [2, 33]], np.int32)
    points = points_at(tuples, np.ones(6, np.int64))
    nothing = lambda classes: np.zeros(int(classes.max()) + 1, bool)  # noqa: E731
    found = split(points, np.zeros(6, np.int64), 3, nothing, lambda _: True)
    assert found.tolist() == [0, 0, 0, 1, 1, 1]
    assert split(points, np.zeros(6, np.int64), 4, nothing, lambda _: True).max() == 0


def test_a_cut_that_saves_nothing_is_not_made() -> None:
    # c and d, e and f have no ancestor in common but the root, as the four of them
    points = points_at(np.array([[2, 1], [3, 1], [4, 1], [5, 1]], np.int32), np.ones(4, np.int64))
    nothing = lambda classes: np.zeros(int(classes.max()) + 1, bool)  # noqa: E731
    assert split(points, np.zeros(4, np.int64), 2, nothing, lambda _: True).max() == 0


@given(SEEDS, st.integers(8, 80), st.integers(2, 30))
def test_what_fails_is_merged_until_nothing_does(seed: int, number: int, k: int) -> None:
    points = points_of(seed, number)
    k = min(k, int(points.counts.sum()))
    told: list[int] = []
    alone = np.arange(len(points.places))
    classes = merged(points, alone, lambda found: points.sizes(found) < k, told.append)
    assert points.sizes(classes).min() >= k
    assert told[-1] == 0
    ready = Counter(classes.tolist())
    # what passed is not merged with what passed
    assert all(
        points.counts[classes == cls].max() < k
        or held == 1
        or points.counts[classes == cls].min() < k
        for cls, held in ready.items()
    )


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_pairs_that_are_taken_share_no_class_and_leave_none_that_could_be(
    pairs: list[tuple[int, int]],
) -> None:
    pairs = [pair for pair in pairs if pair[0] != pair[1]]
    one = np.array([pair[0] for pair in pairs], np.int64)
    other = np.array([pair[1] for pair in pairs], np.int64)
    dearness = np.arange(len(pairs), dtype=np.float32)[::-1].copy()
    taken = apart(one, other, dearness, 10)
    used = [*one[taken].tolist(), *other[taken].tolist()]
    assert len(set(used)) == len(used)
    assert all(left in used or right in used for left, right in pairs)
    if pairs:
        assert len(pairs) - 1 in taken


def test_whatever_exchanges_do_the_goal_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(3)
    table = pa.table(
        {"word": chance.choice(list("abcdef"), 90), "number": chance.integers(0, 40, 90)}
    )
    goal = AnonymityGoal(
        quasi_identifiers=("word", "number"), models=(KAnonymity(k=4),), method="local"
    )
    problem = Problem.of(table, goal, {"word": WORDS, "number": NUMBERS}, {})
    monkeypatch.setattr(whole, "exchanged", lambda _points, classes, *_: np.arange(len(classes)))
    assert np.bincount(whole.local_recoding(problem).class_of).min() >= 4
