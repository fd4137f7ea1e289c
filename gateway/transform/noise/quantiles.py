"""Quantiles by the exponential mechanism, over public bins of a declared range.

*Claim.* Of n bins, bin j is chosen with probability exactly proportional to
exp(−ε · dⱼ / (2 · Δ)), where dⱼ is how far ``quantile`` of all the weight lies outside of the
weights up to and including the bin, cut off at a distance that the data has no part in.
*Guarantee*: (ε, 0) (McSherry and Talwar 2007): one person of weight w ≤ ``sensitivity`` changes
every distance by max(q, 1 − q) · w at most, which is Δ, and the cut makes no change larger.
*Neighbours*: all rows of one person added or removed. *Precondition*: weights are whole numbers
from 0, and range and number of bins come from the catalogue or the question. *Rounding*: none.
"""

from fractions import Fraction
from math import ceil, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.model.mechanisms import ExponentialQuantile
from gateway.ports import Entropy
from gateway.transform.noise.chance import Integers, Unit, integer_below

_REACH: Final = 128
"""Bins whose chance is below 2⁻¹²⁸ of the best one's all get that chance of it."""

_MOST: Final = 1 << 62


def choose_bins(
    mechanism: ExponentialQuantile, weights: NDArray[np.int64], entropy: Entropy
) -> Integers:
    """The chosen bin of every group; ``weights``: int64 of shape (groups, bins)."""
    if weights.dtype != np.int64 or weights.ndim != 2 or weights.shape[1] != mechanism.bins:
        raise TypeError(f"weights are 64-bit whole numbers in {mechanism.bins} bins")
    if weights.size and weights.min() < 0:
        raise ValueError("a weight is below zero")
    return np.array([_choose(mechanism, row, entropy) for row in weights], dtype=np.int64)


def distances(mechanism: ExponentialQuantile, weights: NDArray[np.int64]) -> Integers:
    """How far the quantile lies from each bin, times the quantile's denominator; 2⁶² at most."""
    quantile = Fraction(mechanism.quantile)
    share, whole = quantile.numerator, quantile.denominator
    total = int(weights.sum(dtype=object))  # a sum that would not fit is seen, and does not wrap
    # Where 64 bits do not hold them, whole numbers of any size: an error would tell of the data.
    exact = weights if total * whole < _MOST else weights.astype(object)
    upto = np.cumsum(exact) * whole
    target = total * share
    outside = np.maximum(upto - exact * whole - target, target - upto)
    found: Integers = np.minimum(np.maximum(outside, 0), _MOST).astype(np.int64)
    return found


def _choose(mechanism: ExponentialQuantile, weights: NDArray[np.int64], entropy: Entropy) -> int:
    quantile = Fraction(mechanism.quantile)
    most = max(quantile.numerator, quantile.denominator - quantile.numerator)
    rate = Fraction(mechanism.epsilon) / (2 * mechanism.sensitivity * most)
    cut = min(ceil(_REACH * log(2) / rate), _MOST)
    far = np.minimum(distances(mechanism, weights), cut)
    # Chances are exp(−rate · far) = 2^−level · (a rest from about 1/2 to 1). The levels are summed
    # as whole numbers; the rest is a decision of its own, and where it fails all begins again.
    # A level that is one too low is right as well: the rest makes up for it.
    level = np.floor(far * float(rate / Fraction(log(2))) * (1 - 1e-9)).astype(np.int64)
    deepest = int(level.max())
    members = np.bincount(level)
    mass = [int(many) << (deepest - at) for at, many in enumerate(members)]
    total = sum(mass)
    while True:
        drawn = integer_below(entropy, total)
        at = 0
        while drawn >= mass[at]:
            drawn -= mass[at]
            at += 1
        found = int(np.flatnonzero(level == at)[drawn >> (deepest - at)])
        if Unit(entropy).under_exp(rate * int(far[found]), at):
            return found
