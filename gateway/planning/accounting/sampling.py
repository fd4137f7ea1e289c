"""Amplification by Poisson sampling: each person takes part with probability q, drawn in secret.

If (P, Q) dominates the answers with and without a person, then ((1 − q)·Q + q·P, Q) dominates
those of the sampled question when a person comes, and (Q, (1 − q)·Q + q·P) when one goes (Zhu, Dong
and Wang 2022, theorem 11). The two differ, so both are kept.
"""

import numpy as np
from numpy.typing import NDArray

from gateway.planning.accounting.distributions import GRID, Distribution


def sampled(whole: Distribution, q: float) -> tuple[Distribution, Distribution]:
    """The losses when a person comes and when one goes; ``q`` rounded up, 0 < q ≤ 1."""
    losses = whole.losses
    upper = whole.mass
    lower = upper * np.exp(-losses)
    # What Q has where P has nothing: the rest, for it adds up to one. Where it is more than one by
    # rounding, P and Q dominate none the less, and there is no rest.
    rest = max(0.0, 1.0 - float(lower.sum()))
    mixed = np.logaddexp(np.log1p(-q), np.log(q) + losses) if q < 1 else losses
    coming = _rounded(mixed, (1 - q) * lower + q * upper, q * whole.infinite)
    going = _rounded(-mixed, lower, 0.0)
    if rest and q < 1:
        last = np.array([np.log1p(-q)])
        coming = _joined(coming, _rounded(last, np.array([(1 - q) * rest]), 0.0))
        going = _joined(going, _rounded(-last, np.array([rest]), 0.0))
    elif rest:
        going = Distribution(going.lowest, going.mass, going.infinite + rest)
    return coming, going


def _rounded(
    losses: NDArray[np.float64], mass: NDArray[np.float64], infinite: float
) -> Distribution:
    at = np.ceil(losses / GRID).astype(np.int64)
    lowest = int(at.min())
    gathered = np.bincount(at - lowest, weights=mass).astype(np.float64)
    return Distribution(lowest, gathered, infinite)


def _joined(one: Distribution, other: Distribution) -> Distribution:
    lowest = min(one.lowest, other.lowest)
    highest = max(d.lowest + len(d.mass) for d in (one, other))
    mass = np.zeros(highest - lowest)
    for part in (one, other):
        mass[part.lowest - lowest : part.lowest - lowest + len(part.mass)] += part.mass
    return Distribution(lowest, mass, one.infinite + other.infinite)
