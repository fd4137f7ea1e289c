"""The statistical auditor on every mechanism and on whole questions, and on broken ones.

Neighbours are chosen against the mechanism: an outlier at the end of the range, a person of many
rows and groups, the only member of a group. A sound mechanism is never refuted, and always when
its noise is for twice the ε that is claimed. What must be caught is here as well, each fault by
its name.
"""

import secrets
from collections.abc import Callable
from fractions import Fraction
from math import exp

import numpy as np
import pytest
from diffprivlib.mechanisms import Geometric

from gateway.model.mechanisms import (
    DiscreteGaussian,
    DiscreteLaplace,
    ExponentialQuantile,
    Mechanism,
    PartitionSelection,
    PrivacyEvent,
    Sensitivity,
)
from gateway.planning.accounting import calibrate, compose
from gateway.transform.noise import add_noise, choose_bins, named_groups
from tests.property._audit import audit

TIMES = 60_000


class System:
    def bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)


def released(mechanism: Mechanism, cell: int | list[int]) -> np.ndarray:
    """Many independent answers about one cell."""
    if isinstance(mechanism, ExponentialQuantile):
        return choose_bins(
            mechanism, np.tile(np.array(cell, dtype=np.int64), (TIMES // 3, 1)), System()
        )
    cells = np.full(TIMES, cell, dtype=np.int64)
    if isinstance(mechanism, PartitionSelection):
        return named_groups(mechanism, cells, System()).astype(np.int64)
    return add_noise(mechanism, cells, System())


def about(mechanism: Mechanism, one: int | list[int], other: int | list[int]) -> list[np.ndarray]:
    """Answers about both, less what is the same in both: the auditor reckons in doubles."""
    both = [released(mechanism, one), released(mechanism, other)]
    return [a - one for a in both] if isinstance(one, int) and abs(one) > 2**50 else both


CASES = {
    "a count": (DiscreteLaplace(scale="1", sensitivity=1), 41, 42, Fraction(0)),
    "a sum": (DiscreteLaplace(scale="250", sensitivity=100), 10**12, 10**12 - 100, Fraction(0)),
    "a count near the end of 64 bits": (
        DiscreteLaplace(scale="3/2", sensitivity=1),
        2**63 - 2,
        2**63 - 1,
        Fraction(0),
    ),
    "a Gaussian count": (DiscreteGaussian(variance="4", sensitivity=1), 0, 1, Fraction(1, 100)),
    "a Gaussian sum": (
        DiscreteGaussian(variance="1000000", sensitivity=900),
        -(10**15),
        900 - 10**15,
        Fraction(1, 100),
    ),
    "a median with an outlier": (
        ExponentialQuantile(epsilon="1", sensitivity=1, quantile="1/2", bins=5),
        [0, 1, 0, 0, 0],
        [0, 1, 0, 0, 1],
        Fraction(0),
    ),
    "a quartile with a heavy contributor": (
        ExponentialQuantile(epsilon="1", sensitivity=4, quantile="1/4", bins=5),
        [4, 0, 0, 0, 4],
        [4, 0, 0, 0, 8],
        Fraction(0),
    ),
    "the only member of a group": (
        PartitionSelection(epsilon="1", delta="1/20"),
        0,
        1,
        Fraction(1, 20),
    ),
    "a group at its minimum frequency": (
        PartitionSelection(epsilon="1", delta="1/20", minimum_frequency=10),
        11,
        12,
        Fraction(1, 20),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_no_mechanism_tells_more_of_a_person_than_it_claims(case: str) -> None:
    mechanism, one, other, delta = CASES[case]
    claimed = compose([PrivacyEvent(mechanism=mechanism)]).epsilon(delta)
    assert not audit(*about(mechanism, one, other), claimed, float(delta)).refuted


TIGHT = [case for case in CASES if "quartile" not in case and "only member" not in case]


@pytest.mark.parametrize("case", TIGHT)
def test_the_auditor_would_notice_a_claim_of_half(case: str) -> None:
    mechanism, one, other, delta = CASES[case]
    claimed = compose([PrivacyEvent(mechanism=mechanism)]).epsilon(delta)
    slack = float(delta) / 2
    if "median" in case or "frequency" in case:
        claimed /= 3  # these neighbours are not the worst that there could be
    assert audit(*about(mechanism, one, other), claimed / 2, slack).refuted


def test_a_group_of_one_person_is_named_no_more_often_than_delta() -> None:
    mechanism = PartitionSelection(epsilon="1", delta="1/20")
    found = audit(released(mechanism, 0), released(mechanism, 1), 1.0, 0.03)
    assert found.refuted


# ---- whole questions: counts and sums of bounded groups ------------------------------------------

GROUPS = 4
CLAMP = 50
MOST_GROUPS = 2

Rows = list[tuple[int, int, int]]  # person, group, value


def everybody() -> Rows:
    return [(person, person % GROUPS, 10 * person % CLAMP) for person in range(12)]


HEAVY: Rows = [(99, group, 1000) for group in range(GROUPS) for _ in range(5)]
"""A person in every group, with several rows in each, of values far outside of the clamp."""


def bounded(rows: Rows, *, groups: int = MOST_GROUPS, clamp: int | None = CLAMP) -> np.ndarray:
    """Counts and sums by group, with one row of each person in each group and in few groups."""
    cells = np.zeros((GROUPS, 2), dtype=np.int64)
    met: dict[int, set[int]] = {}
    for person, group, value in rows:
        of = met.setdefault(person, set())
        if group in of or len(of) >= groups:
            continue
        of.add(group)
        cells[group] += (1, value if clamp is None else min(max(value, 0), clamp))
    return cells


EPSILON = Fraction(1)
FOUND = calibrate(
    EPSILON,
    Fraction(0),
    [Sensitivity(cell=1, cells=MOST_GROUPS), Sensitivity(cell=CLAMP, cells=MOST_GROUPS)],
)


def answers(cells: np.ndarray, scale: Fraction = Fraction(1)) -> np.ndarray:
    noisy = []
    for at, mechanism in enumerate(FOUND.additive):
        assert isinstance(mechanism, DiscreteLaplace)
        drawn = mechanism.but(scale=str(Fraction(mechanism.scale) * scale))
        noisy.append(add_noise(drawn, np.tile(cells[:, at], (TIMES, 1)), System()))
    # in units of the sensitivity, so that the auditor's sum of all cells is the likelihood's
    return np.concatenate([noisy[0], noisy[1] / CLAMP], axis=1)


def test_a_heavy_contributor_is_hidden_in_a_whole_question() -> None:
    one = answers(bounded(everybody()))
    other = answers(bounded(everybody() + HEAVY))
    assert not audit(one, other, float(EPSILON)).refuted
    assert audit(one, other, float(EPSILON) / 3).refuted


def data_bounds(rows: Rows) -> int:
    return max(value for _, _, value in rows)


BROKEN: dict[str, Callable[[Rows], np.ndarray]] = {
    "half the noise": lambda rows: answers(bounded(rows), Fraction(1, 3)),
    "unclamped sums": lambda rows: answers(bounded(rows, clamp=None)),
    "unbounded groups": lambda rows: answers(bounded(rows, groups=GROUPS), Fraction(3, 5)),
    "bounds from the data": lambda rows: answers(
        bounded(rows, clamp=data_bounds(rows)), Fraction(data_bounds(rows), CLAMP)
    ),
    "rows that are not bounded": lambda rows: answers(
        np.array([[sum(g == at for _, g, _ in rows), 0] for at in range(GROUPS)])
    ),
    "groups shown because they are there": lambda rows: np.full(
        (TIMES, 1), len({g for _, g, _ in rows})
    ),
    "one noise for two cells": lambda rows: same_noise(bounded(rows)),
}


def same_noise(cells: np.ndarray) -> np.ndarray:
    noisy = answers(cells)
    noisy[:, 1] = noisy[:, 0] - cells[0, 0] + cells[1, 0]
    return np.column_stack([noisy[:, 0] - noisy[:, 1], noisy[:, 2]])


@pytest.mark.parametrize("fault", BROKEN)
def test_the_auditor_catches(fault: str) -> None:
    without = everybody()
    # the only member of its group, a heavy contributor and an outlier, whichever the fault hides
    person = [(99, 7, 1)] if "shown" in fault else HEAVY
    if "two cells" in fault:
        person = [(99, 1, 0)]
    one, other = BROKEN[fault](without), BROKEN[fault](without + person)
    assert audit(one, other, float(EPSILON)).refuted


def test_half_the_noise_of_a_gaussian_answer_is_caught() -> None:
    found = calibrate(Fraction(1), Fraction(1, 100), [Sensitivity(cell=1, cells=1)] * 40)
    mechanism = found.additive[0]
    assert isinstance(mechanism, DiscreteGaussian)
    for scale, refuted in ((1, False), (4, True)):
        drawn = mechanism.but(variance=str(Fraction(mechanism.variance) / scale))
        sums = [
            sum(add_noise(drawn, np.full(TIMES, cell, dtype=np.int64), System()) for _ in range(40))
            for cell in (0, 1)
        ]
        assert audit(sums[0], sums[1], 1.0, 0.01).refuted is refuted


# ---- numbers of real machines --------------------------------------------------------------------


def test_noise_of_doubles_gives_the_value_away_and_ours_has_none() -> None:
    # Mironov 2012: a double v + z, z of the inverse distribution function, is one that v can give
    # or it is not. A double near it that was given by another v mostly is not.
    drawn = np.random.default_rng()

    def noisy(value: float) -> np.ndarray:
        return value - np.log(1 - drawn.random(TIMES // 10))  # one-sided, ε = 1

    def possible(answer: float, value: float) -> bool:
        z = answer - value
        near = 1 - exp(-z)
        steps = round(near * 2**53)
        return any(-np.log(1 - s * 2.0**-53) == z for s in range(steps - 8, steps + 9))

    one, other = (
        np.array([possible(a, 0.0) for a in noisy(v) if 2 < a < 6], dtype=np.int64)
        for v in (0.0, 1.0)
    )
    assert audit(one, other, 0.1).refuted
    ours = add_noise(
        DiscreteLaplace(scale="1", sensitivity=1), np.zeros(9, dtype=np.int64), System()
    )
    assert ours.dtype == np.int64


def test_a_large_count_is_not_rounded_before_noise_is_added() -> None:
    # Near 2^60 a double has steps of 256. diffprivlib adds the noise to one, and a person who moves
    # the count over the middle of a step moves the answer by all of it.
    one, other = 2**60 + 128, 2**60 + 129
    theirs = Geometric(epsilon=0.5, sensitivity=1)
    shown = [np.array([theirs.randomise(v) - 2**60 for _ in range(2000)]) for v in (one, other)]
    assert audit(*shown, 0.5).refuted
    ours = DiscreteLaplace(scale="2", sensitivity=1)
    assert not audit(released(ours, one) - 2**60, released(ours, other) - 2**60, 0.5).refuted
