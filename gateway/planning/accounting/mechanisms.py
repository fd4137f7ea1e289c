"""The privacy-loss distribution of each mechanism, in one cell and in several.

A person changes ``count`` cells, each by the mechanism's sensitivity at most. Noise of log-concave
shape loses most where the change is largest, and cells have independent noise, so ``count``
compositions of the largest change dominate. Cells that a person has no part in lose nothing, which
is parallel composition: a thousand groups cost as much as the groups that one person can be in.

dp_accounting knows each mechanism's δ(ε); the least distribution on the grid that dominates it
("connect the dots": Doroshenko, Ghazi, Kamath, Kumar and Manurangsi 2022, algorithm 1) is made
here, for whole arrays.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from math import ceil, exp, sqrt
from typing import Final

import numpy as np
from dp_accounting.pld.privacy_loss_mechanism import (
    DiscreteGaussianPrivacyLoss,
    DiscreteLaplacePrivacyLoss,
    GaussianPrivacyLoss,
)
from numpy.typing import NDArray

from gateway.model.mechanisms import (
    DiscreteGaussian,
    DiscreteLaplace,
    ExponentialQuantile,
    Mechanism,
    ModelFit,
    PartitionSelection,
)
from gateway.planning.accounting.distributions import GRID, Distribution

_LARGE_SIGMA: Final = 500
"""From here on a discrete Gaussian is accounted as a continuous one that is moved by one unit."""

_KEPT: Final = 512

_Doubles = NDArray[np.float64]


def basic(mechanism: Mechanism) -> tuple[Fraction, Fraction] | None:
    """ε and δ of one cell, exactly, which may be added up; None where only the curve is known."""
    if isinstance(mechanism, DiscreteGaussian):
        return None
    if isinstance(mechanism, DiscreteLaplace):
        return mechanism.epsilon, Fraction(0)
    delta = Fraction(mechanism.delta) if isinstance(mechanism, PartitionSelection) else Fraction(0)
    return Fraction(mechanism.epsilon), delta


@lru_cache(maxsize=_KEPT)
def distribution(mechanism: Mechanism, count: int) -> Distribution:
    """Of ``count`` cells; the same whether the person comes or goes."""
    if is_large_gaussian(mechanism):
        return large_gaussians({mechanism: count})
    return _cell(mechanism).times(count)


def large_gaussians(counts: Mapping[Mechanism, int]) -> Distribution:
    """Of Gaussian mechanisms of many scales at once, each in so many cells."""
    multipliers, extra = Fraction(0), Fraction(0)
    for mechanism, count in counts.items():
        if not isinstance(mechanism, DiscreteGaussian):
            raise TypeError(f"{mechanism.kind} is no Gaussian mechanism")
        of_one = mechanism.sensitivity / Fraction(mechanism.variance)
        multipliers += count * mechanism.sensitivity * of_one
        extra += count * of_one
    return _large_gaussians(multipliers, extra)


def is_large_gaussian(mechanism: Mechanism) -> bool:
    """Whether it is accounted as a continuous one."""
    if not isinstance(mechanism, DiscreteGaussian):
        return False
    return Fraction(mechanism.variance) >= _LARGE_SIGMA**2


@lru_cache(maxsize=_KEPT)
def _cell(mechanism: Mechanism) -> Distribution:
    if isinstance(mechanism, DiscreteLaplace):
        return _laplace(1 / Fraction(mechanism.scale), mechanism.sensitivity)
    if isinstance(mechanism, DiscreteGaussian):
        return _small_gaussian(mechanism)
    if isinstance(mechanism, PartitionSelection):
        return _guaranteed(Fraction(mechanism.epsilon), Fraction(mechanism.delta))
    if isinstance(mechanism, ExponentialQuantile | ModelFit):
        return _guaranteed(Fraction(mechanism.epsilon), Fraction(0))
    raise TypeError(f"the loss of {mechanism.kind} is not known")


def _guaranteed(epsilon: Fraction, delta: Fraction) -> Distribution:
    """Dominates everything that is (ε, δ) (Kairouz, Oh and Viswanath 2015): randomised response."""
    most, failing = _up(epsilon), _up(delta)
    truth = 1 / (1 + exp(-most))

    def hockey_stick(at: _Doubles) -> _Doubles:
        finite = np.maximum(truth - np.exp(at) * (1 - truth), 0.0)
        kept = np.where(at < -most, -np.expm1(np.minimum(at, 0.0)), finite)
        return np.asarray(failing + (1 - failing) * kept, dtype=np.float64)

    return _connected(np.array([-most, most]), hockey_stick)


def _laplace(rate: Fraction, sensitivity: int) -> Distribution:
    most = _up(rate * sensitivity)
    # losses are as many as the change has units, unless that is more than the grid has points
    steps = sensitivity + 1 if sensitivity < most / GRID else 2 * ceil(most / GRID) + 1
    points: _Doubles = np.linspace(-most, most, steps, dtype=np.float64)
    noise = DiscreteLaplacePrivacyLoss(_up(rate), sensitivity=sensitivity)
    return _connected(points, noise.get_delta_for_epsilon)


def _small_gaussian(mechanism: DiscreteGaussian) -> Distribution:
    variance = Fraction(mechanism.variance)
    noise = DiscreteGaussianPrivacyLoss(_down(sqrt(variance)), sensitivity=mechanism.sensitivity)
    bounds = noise.connect_dots_bounds()
    outcomes = np.arange(bounds.lower_x, bounds.upper_x + 1, dtype=np.float64)
    losses = (mechanism.sensitivity - 2 * outcomes) * (mechanism.sensitivity / (2 * variance))
    return _connected(losses.astype(np.float64), noise.get_delta_for_epsilon)


@lru_cache(maxsize=_KEPT)
def _large_gaussians(multipliers: Fraction, extra: Fraction) -> Distribution:
    # For whole m, P(discrete ≥ m) ≤ P(continuous + 1 ≥ m) (Canonne, Kamath and Steinke 2020,
    # proposition 25; for m ≤ 0 up to a factor 1 + 3·exp(−2π²σ²), which is 1 here). The loss is
    # linear in the outcome, so it is at most that of the continuous one plus s/σ², and losses that
    # are stochastically larger dominate. Continuous ones compose to a continuous one, whose
    # (s/σ)² is the sum of theirs.
    noise = GaussianPrivacyLoss(_down(1 / sqrt(multipliers)), sensitivity=1)
    bounds = noise.connect_dots_bounds()
    points = np.arange(bounds.epsilon_lower // GRID, bounds.epsilon_upper // GRID + 2) * GRID
    return _connected(points, noise.get_delta_for_epsilon).moved(_up(extra))


def _connected(losses: _Doubles, hockey_stick: Callable[[_Doubles], _Doubles]) -> Distribution:
    """The least distribution on the grid points about ``losses``, in any order, that dominates
    one whose δ(ε) is ``hockey_stick``: it has that very δ at these points."""
    cells = losses / GRID
    points = np.unique(np.concatenate([np.floor(cells), np.ceil(cells)])).astype(np.int64)
    deltas = np.clip(hockey_stick(points.astype(np.float64) * GRID), 0.0, 1.0)
    deltas = np.maximum.accumulate(deltas[::-1])[::-1]  # only rounding can make one rise
    steps, falls = np.diff(points) * GRID, np.diff(deltas)
    # of each interval, what its slope in e^ε gives to the point at either end
    right = falls / np.expm1(-steps)
    mass = np.zeros(points[-1] - points[0] + 1)
    places = points - points[0]
    mass[places[0]] = 1 - deltas[0]
    mass[places[1:]] += right
    mass[places[:-1]] += falls / np.expm1(steps)
    return Distribution(int(points[0]), np.maximum(mass, 0.0), float(deltas[-1]))


def _up(value: Fraction) -> float:
    return float(np.nextafter(float(value), np.inf)) if value else 0.0


def _down(value: float) -> float:
    return float(np.nextafter(value, 0.0))
