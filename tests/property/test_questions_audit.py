"""Whole questions on neighbouring data sets: one person, chosen by an adversary, is there or not.

The exact results of two neighbours differ by no more than was charged for, and the noisy answers pass
the auditor; and the auditor refutes the same questions once their bounds are broken.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gateway.execute.statistics import contributions
from gateway.execute.statistics.exact import Exact
from gateway.execute.statistics.projection import Projection
from gateway.model.statistics import Measure, StatisticsPlan
from gateway.transform.noise import add_noise, named_groups
from tests.property._asked import Asking, SystemEntropy, described, numbers
from tests.property._audit import audit

DRAWS = 20_000
VICTIM = 10**6


def _crowd(**victim: list[object]) -> tuple[pa.Table, pa.Table]:
    """A table with the victim's rows, and without."""
    draw = np.random.default_rng(5)
    crowd = pa.table(
        {
            "person": pa.array(range(200), pa.int64()),
            "g": pa.array(draw.integers(0, 3, 200), pa.int64()),
            "v": pa.array(draw.integers(0, 10, 200), pa.int64()),
            "w": pa.array(draw.random(200)),
            "name": pa.array(["common"] * 200),
        }
    )
    size = len(next(iter(victim.values())))
    columns = {"person": [VICTIM] * size, "g": [1] * size, "v": [5] * size, "w": [0.5] * size}
    given = {**columns, "name": ["common"] * size, **victim}
    return pa.concat_tables([crowd, pa.table(given, schema=crowd.schema)]), crowd


NEIGHBOURS = {
    "an outlier": _crowd(v=[2**62], w=[1e308]),
    "an outlier below": _crowd(v=[-(2**63)], w=[-1e308]),
    "no number": _crowd(v=[None], w=[float("nan")]),
    "a heavy contributor": _crowd(v=[10] * 5000),
    "a heavy contributor of nulls": _crowd(v=[10] + [None] * 5000),
    "the only member of a group": _crowd(g=[4], name=["rare"]),
    "in every group": _crowd(g=[0, 1, 2, 3, 4] * 3, v=[10] * 15),
}
QUESTIONS = {
    "count": "SELECT COUNT(*) n FROM tab",
    "persons": "SELECT COUNT(DISTINCT person) n FROM tab",
    "sum": "SELECT SUM(v) s FROM tab",
    "average": "SELECT AVG(v) s FROM tab",
    "spread": "SELECT STDDEV(w) s FROM tab",
    "quantile": "SELECT QUANTILE(v, 0.9) q FROM tab",
    "all together": "SELECT COUNT(*) n, SUM(v) s, MEDIAN(v) q, COUNT(DISTINCT person) p FROM tab",
    "in groups": "SELECT g, COUNT(*) n, SUM(v) s FROM tab GROUP BY g",
    "groups of another column": "SELECT WIDTH_BUCKET(w, 0, 1, 3) b, COUNT(v) n FROM tab GROUP BY b",
    "under a condition": "SELECT SUM(CLAMP(10 / v, 0, 9)) s FROM tab WHERE v % 2 = 1 OR w > 0.9 OR v IS NULL",
}
BOUNDS = {"v": (0, 10), "w": (0, 1), "g": (0, 4)}


def _asking(sql: str, table: pa.Table, folder: Path, **options: object) -> Asking:
    dataset = described("tab", table, bounds=BOUNDS)
    given = {"epsilon": 1, "delta": "1e-6", "groups": 5, "rows": 3, **options}
    return Asking(sql, {"tab": (dataset, table)}, folder, **given)


def _distance(plan: StatisticsPlan, one: Exact, other: Exact) -> None:
    """The two results differ by no more than the events say."""
    for at, measure in enumerate(plan.measures):
        if not isinstance(measure, Measure):
            everything = np.arange(one.groups)
            moved = one.weights[at].of(everything) - other.weights[at].of(everything)
            assert abs(moved).sum(axis=1).max() <= measure.mechanism.sensitivity
            continue
        apart = abs(one.measures[at] - other.measures[at])
        assert apart.max() <= measure.mechanism.sensitivity, measure.kind
        assert np.count_nonzero(apart) <= plan.bounds.groups


def _drawn(plan: StatisticsPlan, exact: Exact) -> np.ndarray:
    """Noisy measures of all groups, a row a draw."""
    columns = []
    for at, measure in enumerate(plan.measures):
        assert isinstance(measure, Measure)
        tiled = np.tile(exact.measures[at], (DRAWS, 1))
        columns.append(add_noise(measure.mechanism, tiled, SystemEntropy()))
    return np.hstack(columns)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("neighbour", NEIGHBOURS)
def test_one_person_moves_nothing_further_than_was_charged(
    tmp_path: Path, neighbour: str, question: str
) -> None:
    one, other = (_asking(QUESTIONS[question], t, tmp_path) for t in NEIGHBOURS[neighbour])
    assert one.plan.events == other.plan.events
    _distance(one.plan, one.exact(), other.exact())


@pytest.mark.parametrize(
    ("neighbour", "question"),
    [
        ("an outlier", "sum"),
        ("a heavy contributor", "count"),
        ("a heavy contributor", "all additive"),
        ("in every group", "in groups"),
        ("the only member of a group", "in groups"),
    ],
)
def test_noisy_answers_on_neighbours_pass_the_auditor(
    tmp_path: Path, neighbour: str, question: str
) -> None:
    sql = QUESTIONS.get(question, "SELECT COUNT(*) n, SUM(v) s, COUNT(DISTINCT person) p FROM tab")
    one, other = (_asking(sql, t, tmp_path) for t in NEIGHBOURS[neighbour])
    drawn = [_drawn(a.plan, a.exact()) for a in (one, other)]
    assert not audit(*drawn, epsilon=1, delta=1e-6).refuted


def _unclamped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Projection, "_units", lambda s, m: f"least(1000, {s._written(m.expression)})")
    patch.setattr(contributions, "_share", lambda added, *_: added)


def _unbounded(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(contributions.np, "minimum", lambda values, _: values)


def _half_the_noise(patch: pytest.MonkeyPatch) -> None:
    def weaker(mechanism, exact, entropy):
        half = mechanism.but(scale=str(Fraction(mechanism.scale) / 2))
        return add_noise(half, exact, entropy)

    patch.setitem(globals(), "drawn_noise", weaker)


drawn_noise = add_noise

BROKEN = {
    "unclamped sums": (_unclamped, "an outlier", "SELECT SUM(CLAMP(v, 0, 10)) s FROM tab"),
    "unbounded rows": (_unbounded, "a heavy contributor", "SELECT COUNT(*) n FROM tab"),
    "half the noise": (_half_the_noise, "a heavy contributor", "SELECT COUNT(*) n FROM tab"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_the_auditor_catches_broken_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    sabotage, neighbour, sql = BROKEN[fault]
    asked = [_asking(sql, table, tmp_path) for table in NEIGHBOURS[neighbour]]
    for broken in (False, True):
        if broken:
            sabotage(monkeypatch)
        (measure,) = asked[0].plan.measures
        cells = [np.repeat(a.exact().measures[0], DRAWS) for a in asked]
        drawn = [drawn_noise(measure.mechanism, cell, SystemEntropy()) for cell in cells]
        assert audit(*drawn, epsilon=1, delta=1e-6).refuted is broken


def test_a_group_of_one_person_is_not_named(tmp_path: Path) -> None:
    with_victim, _ = NEIGHBOURS["the only member of a group"]
    asking = _asking("SELECT name, COUNT(*) n FROM tab GROUP BY name", with_victim, tmp_path)
    exact = asking.exact()
    assert exact.keys.column("name").to_pylist() == ["common", "rare"]
    assert exact.persons.tolist() == [200, 1]
    alone = np.ones(1_000_000, dtype=np.int64)
    named = np.count_nonzero(named_groups(asking.plan.selection, alone, SystemEntropy()))
    # δ of a cell is a tenth of 10⁻⁶ at most: a million draws give fewer than a dozen for sure
    assert named < 12
    stricter = asking.plan.selection.but(minimum_frequency=5)
    few = np.full(1_000_000, 4, dtype=np.int64)
    assert not named_groups(stricter, few, SystemEntropy()).any()


def test_rows_of_nobody_change_nothing(tmp_path: Path) -> None:
    _, crowd = NEIGHBOURS["an outlier"]
    nobody = crowd.set_column(0, "person", pa.nulls(crowd.num_rows, pa.int64()))
    filled = pa.concat_tables([crowd, *[nobody] * 50])
    for sql in QUESTIONS.values():
        plain, more = (_asking(sql, t, tmp_path).exact() for t in (crowd, filled))
        assert numbers(plain) == numbers(more)
