"""Randomised response has its stated probabilities, and its estimator is right."""

import secrets
from fractions import Fraction
from math import exp

import numpy as np
import pytest

from gateway.transform.noise import estimate, respond
from tests.property._audit import audit, refused_by_chance

EPSILON = Fraction(6, 5)
PERSONS = 100_000


class System:
    def bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)


@pytest.mark.parametrize("answers", [2, 3, 7])
def test_the_truth_is_told_as_often_as_stated(answers: int) -> None:
    given = respond(np.zeros(PERSONS, dtype=np.int64), answers, EPSILON, System())
    whole = exp(EPSILON) + answers - 1
    seen = np.bincount(given, minlength=answers)
    assert not refused_by_chance(int(seen[0]), PERSONS, exp(EPSILON) / whole, answers)
    for other in range(1, answers):
        assert not refused_by_chance(int(seen[other]), PERSONS, 1 / whole, answers)


def test_an_answer_costs_epsilon_and_no_less() -> None:
    one = respond(np.zeros(PERSONS, dtype=np.int64), 4, EPSILON, System())
    other = respond(np.full(PERSONS, 3, dtype=np.int64), 4, EPSILON, System())
    assert not audit(one, other, float(EPSILON)).refuted
    assert audit(one, other, float(EPSILON) / 2).refuted


def test_estimates_are_unbiased_and_their_intervals_hold() -> None:
    truth = np.repeat(np.arange(3, dtype=np.int64), [1000, 300, 0])
    found, covered = [], 0
    for _ in range(2000):
        given = np.bincount(respond(truth, 3, EPSILON, System()), minlength=3)
        told = estimate(given, 3, EPSILON)
        found.append(told.counts)
        covered += int(((told.lower <= [1000, 300, 0]) & (told.upper >= [1000, 300, 0])).sum())
    error = 10 * np.std(found, axis=0) / np.sqrt(len(found))
    assert (np.abs(np.mean(found, axis=0) - [1000, 300, 0]) < error).all()
    assert covered >= 0.94 * 3 * len(found)
    assert (np.array(found)[:, 2] < 0).any()


@pytest.mark.parametrize(
    ("answers", "epsilon"), [(1, EPSILON), (0, EPSILON), (2, Fraction(0)), (2, Fraction(-1))]
)
def test_what_protects_nobody_is_refused(answers: int, epsilon: Fraction) -> None:
    with pytest.raises(ValueError, match=r"epsilon|answers"):
        respond(np.zeros(3, dtype=np.int64), answers, epsilon, System())
    with pytest.raises(ValueError, match=r"epsilon|answers"):
        estimate(np.zeros(max(answers, 1), dtype=np.int64), answers, epsilon)


def test_an_answer_that_is_not_in_the_list_is_refused() -> None:
    for truth in (-1, 3):
        with pytest.raises(ValueError, match="from 0 to 2"):
            respond(np.array([0, truth]), 3, EPSILON, System())
    with pytest.raises(ValueError, match="a count"):
        estimate(np.array([1, -1]), 2, EPSILON)
