"""Whole-number noise on whole numbers: discrete Laplace and discrete Gaussian.

*Claim.* ``add_noise`` releases ``exact + z`` for every cell, z independent with exactly the
distribution that the mechanism states, clamped to 64 bits afterwards, which is post-processing.
*Guarantee* of one cell that one person changes by ``sensitivity`` at most: discrete Laplace
(ε, 0) with ε = sensitivity / scale (Ghosh, Roughgarden and Sundararajan 2009); discrete Gaussian
as Canonne, Kamath and Steinke 2020, Theorem 7; ``planning.accounting`` composes both.
*Neighbours*: all rows of one person added or removed. *Precondition*: the cell's sensitivity holds.
*Rounding*: none; parameters are ratios of whole numbers.

Sampling is algorithms 2 and 3 of that paper, for many cells at once. diffprivlib's classes are not
used here; ADR 0014 says what was found in them.
"""

from fractions import Fraction
from functools import partial
from math import isqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.model.mechanisms import DiscreteGaussian, DiscreteLaplace
from gateway.ports import Entropy
from gateway.transform.noise.chance import Integers, below, coins, exponential_wholes, survives

MOST_SCALE: Final = 1 << 55
"""Largest numerator and denominator of a scale. Every intermediate result fits 63 bits unless 256
decisions of probability 1/e in a row are true, which is a chance of 10⁻¹¹¹."""

_INT64: Final = np.iinfo(np.int64)


def add_noise(
    mechanism: DiscreteLaplace | DiscreteGaussian, exact: NDArray[np.int64], entropy: Entropy
) -> Integers:
    """``exact``, int64 of any shape, with independent noise in every cell."""
    if exact.dtype != np.int64:
        raise TypeError("noise is added to 64-bit whole numbers")
    if isinstance(mechanism, DiscreteLaplace):
        noise = discrete_laplace(Fraction(mechanism.scale), exact.size, entropy)
    else:
        noise = discrete_gaussian(Fraction(mechanism.variance), exact.size, entropy)
    return _clamped_sum(exact, noise.reshape(exact.shape))


def _clamped_sum(exact: Integers, noise: Integers) -> Integers:
    total = exact + noise  # wraps around; mended below
    total = np.where((noise > 0) & (total < exact), _INT64.max, total)
    return np.where((noise < 0) & (total > exact), _INT64.min, total)


def discrete_laplace(scale: Fraction, count: int, entropy: Entropy) -> Integers:
    """``count`` whole numbers z with probability proportional to exp(−|z| / ``scale``).

    Algorithm 2: x = u + t·v has P(x) ∝ exp(−x / t), its quotient by s is geometric, and a sign
    makes it two-sided, with minus zero refused so that zero is not counted twice.
    """
    t, s = scale.numerator, scale.denominator
    if not (0 < t <= MOST_SCALE and s <= MOST_SCALE):
        raise ValueError(
            "the scale of discrete Laplace noise is above 0, a ratio of numbers up to 2^55"
        )
    found = np.empty(count, dtype=np.int64)
    filled = 0
    while filled < count:
        # 0.63 of the tries are kept by the first step; half of the zeros go by the sign
        u = below(entropy, 2 * (count - filled) + 16, t)
        u = u[survives(entropy, u / t, partial(_part, u, t))]
        x = u + t * exponential_wholes(entropy, len(u))
        magnitude = x // s if s > 1 else x
        minus = coins(entropy, len(u))
        kept = np.where(minus, -magnitude, magnitude)[~(minus & (magnitude == 0))]
        taken = min(len(kept), count - filled)
        found[filled : filled + taken] = kept[:taken]
        filled += taken
    return found


def discrete_gaussian(variance: Fraction, count: int, entropy: Entropy) -> Integers:
    """``count`` whole numbers z with probability proportional to exp(−z² / (2 · ``variance``)).

    Algorithm 3: discrete Laplace of scale t = ⌊σ⌋ + 1, kept with probability
    exp(−(|z| − σ²/t)² / (2σ²)).
    """
    if not 0 < variance < MOST_SCALE**2:
        raise ValueError("the variance of discrete Gaussian noise is above 0, below 2^110")
    t = isqrt(variance.numerator // variance.denominator) + 1
    centre = variance / t
    near_variance, near_centre = float(variance), float(centre)
    found = np.empty(count, dtype=np.int64)
    filled = 0
    while filled < count:
        z = discrete_laplace(Fraction(t), 2 * (count - filled) + 16, entropy)
        size = np.abs(z)
        # The error of γ is below 2⁻⁴⁰ where exp(−γ) matters: size and σ²/t are doubles off by
        # 2⁻⁵¹ of themselves, and both, like their distance, at most 50 σ there.
        gamma = (size - near_centre) ** 2 / (2 * near_variance)
        kept = z[survives(entropy, gamma, partial(_excess, size, centre, variance))]
        taken = min(len(kept), count - filled)
        found[filled : filled + taken] = kept[:taken]
        filled += taken
    return found


def _part(numerators: Integers, denominator: int, at: int) -> Fraction:
    return Fraction(int(numerators[at]), denominator)


def _excess(sizes: Integers, centre: Fraction, variance: Fraction, at: int) -> Fraction:
    return (int(sizes[at]) - centre) ** 2 / (2 * variance)
