"""Privacy-loss distributions on a grid, and their composition.

The loss of an outcome o is ln(P(o) / Q(o)), o drawn from P: the answers with and without a person.
A distribution here *dominates* the true one: its δ(ε) is never smaller, at any ε, and composing
dominating distributions gives a dominating one (Koskela, Jälkö and Honkela 2020; Zhu, Dong and
Wang 2022, theorem 10; dp_accounting's supplement). Every rounding is to that side: losses move up,
mass cut off above becomes an infinite loss, and a bound of the error of a Fourier transform is
added to it. dp_accounting makes the distributions of mechanisms; they are composed here, for its
own composition loops over the grid in Python and takes ten times as long on a full ledger.
"""

from dataclasses import dataclass, field
from math import ceil, floor, log, log2
from typing import Final

import numpy as np
from numpy.fft import irfft, rfft
from numpy.typing import NDArray

GRID: Final = 1e-4
"""Distance of two losses, dp_accounting's own default."""

TAIL: Final = 1e-15
"""Mass that one composition may move: above to infinity, below to the lowest loss that is kept."""

_FEW: Final = 32
"""So many points and fewer are composed by adding shifted copies, which has no error to bound."""

_SOLVED: Final = 1e-9
"""Added to an ε that was solved for: more than its rounding, for δ from about 10⁻¹²."""

_ROUNDING: Final = 2.0**-52
_TRANSFORM: Final = 8 * 2.0**-53
"""Error of a transform of length n in the Euclidean norm, relative, for each of log2 n steps:
Higham 2002, section 24.1 proves less than 7 units of rounding for good twiddle factors."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """``mass[i]`` is the probability of the loss (``lowest`` + i) · GRID; ``infinite`` that of an
    infinite loss. Float64 of any length above 0."""

    lowest: int
    mass: NDArray[np.float64] = field(repr=False)
    infinite: float

    def __post_init__(self) -> None:
        self.mass.flags.writeable = False

    @classmethod
    def nothing(cls) -> "Distribution":
        """Of an answer that the data has no part in."""
        return cls(0, np.ones(1), 0.0)

    @property
    def losses(self) -> NDArray[np.float64]:
        """The loss of each mass."""
        return np.arange(self.lowest, self.lowest + len(self.mass), dtype=np.float64) * GRID

    def delta(self, epsilon: float) -> float:
        """The smallest δ that goes with ``epsilon``, rounded up; at most 1."""
        losses = self.losses
        above = np.searchsorted(losses, epsilon, side="right")
        finite = _inner(-np.expm1(epsilon - losses[above:]), self.mass[above:])
        return min(1.0, (self.infinite + finite) * (1 + len(losses) * _ROUNDING))

    def epsilon(self, delta: float) -> float:
        """The smallest ε that goes with ``delta``, rounded up; infinity when there is none."""
        if self.delta(0.0) <= delta:
            return 0.0
        low, high = 0, self.lowest + len(self.mass)  # the highest loss has nothing finite above it
        if self.delta(high * GRID) > delta:
            return float("inf")
        while high - low > 1:
            middle = (low + high) // 2
            if self.delta(middle * GRID) <= delta:
                high = middle
            else:
                low = middle
        # Between two grid points δ(ε) = above − e^ε · below, which is solved for ε.
        above = self.mass[high - self.lowest :] if high > self.lowest else self.mass
        losses = self.losses[len(self.mass) - len(above) :]
        below = _inner(above, np.exp(-losses))
        left = self.infinite + float(above.sum()) - delta
        if not (below > 0 and left > 0):
            return high * GRID
        return min(high * GRID, max(low * GRID, log(left / below) + _SOLVED))

    def delta_with(self, other: "Distribution", epsilon: float) -> float:
        """δ of both together at ``epsilon`` without composing them; the same but for rounding."""
        few, many = sorted((self, other), key=lambda one: len(one.mass))
        at = floor(epsilon / GRID) - (np.arange(len(few.mass)) + few.lowest)
        curve, first = many.curve()
        # Below the curve's first point all mass counts, and δ is 1 − e^ε·(what Q has) there.
        found = np.where(
            at < first,
            curve[0],
            curve[np.clip(at - first, 0, len(curve) - 1)],
        )
        below = np.flatnonzero(at < first)
        if len(below):
            lower = _inner(many.mass, np.exp(-many.losses))
            found[below] = many.infinite + many.mass.sum() - np.exp(at[below] * GRID) * lower
        total = few.infinite + _inner(few.mass, found)
        return min(1.0, total * (1 + (len(curve) + len(found)) * _ROUNDING))

    def curve(self) -> tuple[NDArray[np.float64], int]:
        """δ at every grid point from the lowest loss to the highest, and the first of them."""
        losses = self.losses
        upper = np.concatenate([np.cumsum(self.mass[::-1])[::-1][1:], [0.0]])
        # e^ε · Q(loss > ε), by the recursion that never leaves the range of a double
        weights = self.mass * np.exp(-losses)
        lower = np.concatenate([np.cumsum(weights[::-1])[::-1][1:], [0.0]]) * np.exp(losses)
        return np.maximum(upper - lower, 0.0) + self.infinite, self.lowest

    def with_(self, other: "Distribution") -> "Distribution":
        """Of both answers together."""
        few, many = sorted((self, other), key=lambda one: len(one.mass))
        infinite = few.infinite + many.infinite
        if np.count_nonzero(few.mass) <= _FEW:
            mass = np.zeros(len(few.mass) + len(many.mass) - 1)
            for at in np.flatnonzero(few.mass):
                mass[at : at + len(many.mass)] += few.mass[at] * many.mass
        else:
            length = len(few.mass) + len(many.mass) - 1
            size = min(
                odd << max(0, (-(-length // odd) - 1).bit_length()) for odd in (1, 3, 5, 9, 15)
            )
            mass = irfft(rfft(few.mass, size) * rfft(many.mass, size), size)[:length]
            mass = np.maximum(mass, 0.0)
            norms = sum(_inner(one.mass, one.mass) ** 0.5 for one in (few, many))
            infinite += 3 * _TRANSFORM * log2(size) * size**0.5 * norms
        return _trimmed(few.lowest + many.lowest, mass, infinite)

    def times(self, count: int) -> "Distribution":
        """Of ``count`` independent answers, by repeated squaring."""
        found, power = None, self
        while True:
            if count & 1:
                found = power if found is None else found.with_(power)
            count >>= 1
            if not count:
                return Distribution.nothing() if found is None else found
            power = power.with_(power)

    def moved(self, loss: float) -> "Distribution":
        """With ``loss`` ≥ 0 added to every outcome's, rounded up to the grid."""
        return Distribution(self.lowest + ceil(loss / GRID), self.mass, self.infinite)


def _inner(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    # not a product of the linear algebra library: its threads cost more than these sums take
    return float((one * other).sum())


def _trimmed(lowest: int, mass: NDArray[np.float64], infinite: float) -> Distribution:
    below = int(np.searchsorted(np.cumsum(mass), TAIL / 2, side="right"))
    below = min(below, len(mass) - 1)
    rest = np.cumsum(mass[::-1])
    above = min(int(np.searchsorted(rest, TAIL / 2, side="right")), len(mass) - below - 1)
    kept = mass[below : len(mass) - above].copy()
    kept[0] += mass[:below].sum()
    return Distribution(lowest + below, kept, infinite + float(mass[len(mass) - above :].sum()))
