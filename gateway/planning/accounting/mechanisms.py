"""The privacy-loss distribution of each mechanism, in one cell and in several.

A person changes ``count`` cells, each by the mechanism's sensitivity at most. Noise of log-concave
shape loses most where the change is largest, and cells have independent noise, so ``count``
compositions of the largest change dominate. Cells that a person has no part in lose nothing, which
is parallel composition: a thousand groups cost as much as the groups that one person can be in.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from math import ceil, exp, sqrt
from typing import Final

import numpy as np
from dp_accounting.pld import pld_pmf, privacy_loss_distribution
from numpy.typing import NDArray

from gateway.model.mechanisms import (
    DiscreteGaussian,
    DiscreteLaplace,
    ExponentialQuantile,
    Mechanism,
    PartitionSelection,
    PrivacyEvent,
)
from gateway.planning.accounting.distributions import GRID, Distribution

_LARGE_SIGMA: Final = 500
"""From here on a discrete Gaussian is accounted as a continuous one that is moved by one unit."""

_KEPT: Final = 512


def pure_epsilon(event: PrivacyEvent) -> Fraction | None:
    """ε of the whole event with δ = 0; None where there is none. Exact, without amplification:
    sampling never makes a loss larger."""
    mechanism = event.mechanism
    if isinstance(mechanism, DiscreteLaplace):
        return mechanism.epsilon * event.count
    if isinstance(mechanism, ExponentialQuantile):
        return Fraction(mechanism.epsilon) * event.count
    return None


@lru_cache(maxsize=_KEPT)
def distribution(mechanism: Mechanism, count: int) -> Distribution:
    """Of ``count`` cells; the same whether the person comes or goes."""
    if isinstance(mechanism, DiscreteGaussian):
        return _gaussian(mechanism, count)
    return _cell(mechanism).times(count)


@lru_cache(maxsize=_KEPT)
def _cell(mechanism: Mechanism) -> Distribution:
    if isinstance(mechanism, DiscreteLaplace):
        return _laplace(1 / Fraction(mechanism.scale), mechanism.sensitivity)
    if isinstance(mechanism, PartitionSelection):
        return _guaranteed(Fraction(mechanism.epsilon), Fraction(mechanism.delta))
    if isinstance(mechanism, ExponentialQuantile):
        return _guaranteed(Fraction(mechanism.epsilon), Fraction(0))
    raise TypeError(f"{mechanism.kind} has no loss of one cell")


def _guaranteed(epsilon: Fraction, delta: Fraction) -> Distribution:
    """Dominates everything that is (ε, δ) (Kairouz, Oh and Viswanath 2015): randomised response."""
    most, failing = _up(epsilon), _up(delta)

    def hockey_stick(at: NDArray[np.float64]) -> NDArray[np.float64]:
        truth = 1 / (1 + exp(-most))
        finite = np.maximum(truth - np.exp(at) * (1 - truth), 0.0)
        return failing + (1 - failing) * np.where(at < -most, -np.expm1(at), finite)

    return _connected(np.array([-most, most]), hockey_stick)


def _laplace(rate: Fraction, sensitivity: int) -> Distribution:
    """P(z) ∝ exp(−rate·|z|), moved by ``sensitivity`` whole numbers."""
    a, most = _up(rate), _up(rate * sensitivity)

    def distributed(at: NDArray[np.float64]) -> NDArray[np.float64]:
        low = np.exp(a * np.minimum(at, 0)) / (1 + exp(-a))
        return np.where(at <= 0, low, 1 - np.exp(-a * (np.maximum(at, 0) + 1)) / (1 + exp(-a)))

    def hockey_stick(at: NDArray[np.float64]) -> NDArray[np.float64]:
        # the loss a·(|x − s| − |x|) falls in x, and is above ε up to this x
        last = np.ceil((sensitivity - at / a) / 2) - 1
        inside = distributed(last) - np.exp(at) * distributed(last - sensitivity)
        return np.where(at >= most, 0.0, np.where(at < -most, -np.expm1(at), inside))

    steps = sensitivity + 1 if sensitivity < most / GRID else 2 * ceil(most / GRID) + 1
    points: NDArray[np.float64] = np.linspace(-most, most, steps, dtype=np.float64)
    return _connected(points, hockey_stick)


def _gaussian(mechanism: DiscreteGaussian, count: int) -> Distribution:
    variance = Fraction(mechanism.variance)
    sigma = _down(sqrt(variance))
    if sigma < _LARGE_SIGMA:
        made = privacy_loss_distribution.from_discrete_gaussian_mechanism(
            sigma,
            sensitivity=mechanism.sensitivity,
            value_discretization_interval=GRID,
            use_connect_dots=True,
        )
        return _taken(made._pmf_remove).times(count)  # noqa: SLF001 - there is no other way to it
    # For whole m, P(discrete ≥ m) ≤ P(continuous + 1 ≥ m) (Canonne, Kamath and Steinke 2020,
    # proposition 25; for m ≤ 0 up to a factor 1 + 3·exp(−2π²σ²), which is 1 here). The loss is
    # linear in the outcome, so it is at most that of the continuous one plus s/σ², and losses that
    # are stochastically larger dominate. Continuous ones compose to a continuous one.
    made = privacy_loss_distribution.from_gaussian_mechanism(
        _down(sigma / mechanism.sensitivity / sqrt(count)), value_discretization_interval=GRID
    )
    extra = _up(count * mechanism.sensitivity / variance)
    return _taken(made._pmf_remove).moved(extra)  # noqa: SLF001


def _taken(made: pld_pmf.PLDPmf) -> Distribution:
    dense = made.to_dense_pmf()
    return Distribution(dense._lower_loss, np.array(dense._probs), float(dense._infinity_mass))  # noqa: SLF001


def _connected(
    losses: NDArray[np.float64], hockey_stick: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> Distribution:
    """The least distribution on the grid points about ``losses`` that dominates one whose δ(ε) is
    ``hockey_stick`` ("connect the dots": Doroshenko et al. 2022)."""
    cells = losses / GRID
    points = np.unique(np.concatenate([np.floor(cells), np.ceil(cells)])).astype(np.int64)
    deltas = np.clip(hockey_stick(points.astype(np.float64) * GRID), 0.0, 1.0)
    deltas = np.maximum.accumulate(deltas[::-1])[::-1]  # only rounding can make one rise
    return _taken(pld_pmf.create_pmf_pessimistic_connect_dots(GRID, points, deltas))


def _up(value: Fraction | float) -> float:
    return float(np.nextafter(float(value), np.inf)) if value else 0.0


def _down(value: float) -> float:
    return float(np.nextafter(value, 0.0))
