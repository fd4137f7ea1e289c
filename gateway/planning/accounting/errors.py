"""How far from the truth a noisy number is, before any data is seen.

*Claim.* With probability 95 % at least, a cell's noise is at most ``half_width`` units in size (or
with another probability, where several intervals are to hold together).
Exact for discrete Laplace, whose tails add up to a closed form; for discrete Gaussian at most a
unit too wide. *Rounding*: up.
"""

from fractions import Fraction
from math import ceil, exp, expm1, log, sqrt
from statistics import NormalDist
from typing import Final

from gateway.model.mechanisms import (
    Additive,
    DiscreteLaplace,
    ExponentialQuantile,
    PartitionSelection,
)

OUTSIDE: Final = 0.05
"""Of all noise, what is outside of a 95 % interval."""

_SMALL_VARIANCE: Final = 10_000

_MOST_PERSONS: Final = 1_000_000


def half_width(mechanism: Additive, outside: float = OUTSIDE) -> int:
    """Half of the interval that the noise is ``outside`` of with that probability, in units."""
    if isinstance(mechanism, DiscreteLaplace):
        rate = float(1 / Fraction(mechanism.scale))
        # P(|z| > w) = 2·exp(−rate·(w + 1)) / (1 + exp(−rate))
        return max(0, ceil(log(2 / (outside * (1 + exp(-rate)))) / rate * (1 + 1e-12) - 1))
    variance = float(Fraction(mechanism.variance))
    if variance >= _SMALL_VARIANCE:
        # P(|z| > w) ≤ P(|normal| > w) for whole w (Canonne, Kamath and Steinke, proposition 25)
        return ceil(NormalDist().inv_cdf(1 - outside / 2) * (1 + 1e-9) * sqrt(variance))
    reach = ceil(12 * sqrt(variance)) + 1
    weights = [exp(-z * z / (2 * variance)) for z in range(reach)]
    total = 2 * sum(weights) - weights[0]
    inside, width = weights[0], 0
    while inside < (1 - outside) * total:
        width += 1
        inside += 2 * weights[width]
    return width


def standard_deviation(mechanism: Additive) -> float:
    """Of a cell's noise, in units."""
    if isinstance(mechanism, DiscreteLaplace):
        rate = float(1 / Fraction(mechanism.scale))
        return sqrt(2 * exp(-rate)) / -expm1(-rate)
    # The discrete one's variance is below the parameter (Canonne, Kamath and Steinke, corollary 9)
    return sqrt(float(Fraction(mechanism.variance)))


def rank_error(mechanism: ExponentialQuantile) -> int:
    """With probability 95 % at least, the quantile is at most so much weight outside of the chosen
    bin (McSherry and Talwar 2007: 2·Δ/ε · ln(bins / 0.05))."""
    share = Fraction(mechanism.quantile)
    change = mechanism.sensitivity * max(share, 1 - share)
    logarithm = Fraction(ceil(1000 * log(mechanism.bins / OUTSIDE)), 1000)
    return ceil(2 * change / Fraction(mechanism.epsilon) * logarithm)


def persons_needed(mechanism: PartitionSelection) -> int | None:
    """Least number of persons with which a group is named with probability 95 % at least; None
    for more than a million."""
    growth, delta = exp(Fraction(mechanism.epsilon)), float(Fraction(mechanism.delta))
    chance = 0.0
    for persons in range(mechanism.minimum_frequency, _MOST_PERSONS):
        chance = min(growth * chance + delta, 1 - (1 - chance - delta) / growth, 1.0)
        if chance >= 1 - OUTSIDE:
            return persons
    return None
