"""Randomised response: for departments that may not send a true value.

*Claim* (local model). Of k answers, the true one is given with probability e^ε / (e^ε + k − 1) and
each other one with 1 / (e^ε + k − 1), exactly. *Guarantee*: (ε, 0) for whatever the answer is (no
trust in who collects). *Neighbours*: one person's answer replaced by any other. *Precondition*: one
answer a person, of a public list; the department draws it once and keeps it, for a second draw
costs ε again. *Rounding*: none. *Source*: Warner 1965; Kairouz, Oh and Viswanath 2014.

``estimate`` finds how many persons gave each answer truly: unbiased, with an interval. It is
post-processing and costs nothing.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import exp, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.ports import Entropy
from gateway.transform.noise.chance import Integers, below, survives

_NORMAL: Final = 1.959963984540055


@dataclass(frozen=True, slots=True)
class Estimate:
    """How many persons have each answer, and its 95 % interval; float64 of shape (answers,).

    Counts can be below zero: they are unbiased, and cutting them off would make them not so.
    """

    counts: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def respond(
    truth: NDArray[np.int64], answers: int, epsilon: Fraction, entropy: Entropy
) -> Integers:
    """What each person answers; ``truth``: int64 from 0 to ``answers`` − 1.

    An answer is drawn evenly and kept if it is the true one, otherwise with probability e^−ε.
    """
    _checked(answers, epsilon)
    if truth.dtype != np.int64 or (truth.size and not 0 <= truth.min() <= truth.max() < answers):
        raise ValueError(f"answers are whole numbers from 0 to {answers - 1}")
    given = np.empty(len(truth), dtype=np.int64)
    open_ = np.arange(len(truth))
    while len(open_):
        drawn = below(entropy, len(open_), answers)
        kept = survives(entropy, np.full(len(open_), float(epsilon)), lambda _: epsilon)
        kept |= drawn == truth[open_]
        given[open_[kept]] = drawn[kept]
        open_ = open_[~kept]
    return given


def estimate(given: NDArray[np.int64], answers: int, epsilon: Fraction) -> Estimate:
    """Counts of the true answers; ``given``: int64, how many persons gave each answer.

    With p and q the probabilities of a true and of any other answer, (given − n·q) / (p − q) has
    the true count as its mean. The interval is the normal one, with the largest variance that a
    count can have: of n persons, n/4 where q ≤ 1/2 ≤ p, and else the nearer of the two.
    """
    _checked(answers, epsilon)
    if given.shape != (answers,) or given.min() < 0:
        raise ValueError(f"there is a count of 0 or more for each of {answers} answers")
    other = 1 / (exp(epsilon) + answers - 1)
    true = exp(epsilon) * other
    persons = float(given.sum())
    counts = ((given - persons * other) / (true - other)).astype(np.float64)
    nearest = min(max(0.5, other), true)
    half = np.full(answers, _NORMAL * sqrt(persons * nearest * (1 - nearest)) / (true - other))
    return Estimate(counts, counts - half, counts + half)


def _checked(answers: int, epsilon: Fraction) -> None:
    if not 2 <= answers <= 1 << 20:
        raise ValueError("there are two answers or more, a million at most")
    if not 0 < epsilon <= 100:
        raise ValueError("epsilon is above 0, at most 100")
