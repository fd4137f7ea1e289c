"""Which noise a question gets for its (ε, δ): Laplace or Gaussian, whichever errs less.

Every part of a question (a noisy vector, a quantile, the finding of groups) has the same share of
ε. Three ways are tried:

- *Laplace, added up*: the shares add up to ε. All that there is with δ = 0.
- *Laplace, composed*: with δ, several cells of one person cost less than their sum, so every share
  grows by a common factor, the largest one that the composed loss permits.
- *Gaussian*: with δ, noise grows with the root of the number of cells, and not with the number.

The one whose 95 % interval is narrowest is taken, the first of them when equal. Whatever is taken
is composed once more as it will be charged: ``Calibration.loss`` is within (ε, δ), always.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, erfc, exp, isqrt, sqrt
from typing import Final, Literal

from gateway.errors import InvalidRequest
from gateway.model.mechanisms import (
    Additive,
    DiscreteGaussian,
    DiscreteLaplace,
    ExponentialQuantile,
    PartitionSelection,
    PrivacyEvent,
    Sensitivity,
)
from gateway.planning.accounting.errors import half_width
from gateway.planning.accounting.losses import Loss, compose

FINEST: Final = 1 << 20
"""Largest denominator of a scale or variance that is computed here; rounded up to it."""

_LARGEST: Final = 1 << 52
_LEAST_GAIN: Final = Fraction(26, 25)
"""Less is not worth the search."""
_STEPS: Final = 7


@dataclass(frozen=True, slots=True)
class QuantileNeed:
    """A quantile: one person has a weight of at most ``sensitivity`` in each of ``cells`` groups."""

    quantile: Fraction
    bins: int
    sensitivity: int
    cells: int


@dataclass(frozen=True, slots=True)
class SelectionNeed:
    """Groups to be found, of which a person is in at most ``cells``."""

    cells: int
    minimum_frequency: int = 1


@dataclass(frozen=True, slots=True)
class Calibration:
    """Mechanisms in the order of the needs, what is charged for them, and why they are these."""

    additive: tuple[Additive, ...]
    quantiles: tuple[ExponentialQuantile, ...]
    selection: PartitionSelection | None
    events: tuple[PrivacyEvent, ...]
    loss: Loss
    noise: Literal["laplace", "gaussian", "none"]
    why: tuple[str, ...]


def calibrate(
    epsilon: Fraction,
    delta: Fraction,
    additive: Sequence[Sensitivity],
    quantiles: Sequence[QuantileNeed] = (),
    selection: SelectionNeed | None = None,
) -> Calibration:
    """The mechanisms for a question with (``epsilon``, ``delta``) in all.

    InvalidRequest where δ is missing for groups to be found, and where the noise would not fit
    63 bits.
    """
    if epsilon <= 0:
        raise InvalidRequest.of("epsilon", "must be more than zero")
    if not 0 <= delta < 1:
        raise InvalidRequest.of("delta", "must be 0 or more, and below 1")
    if not (additive or quantiles or selection):
        raise InvalidRequest.of("sql", "asks nothing that has an answer")
    if selection is not None and delta == 0:
        raise InvalidRequest.of(
            "delta", "groups that are not listed in the catalogue are found with a delta above 0"
        )
    return _calibrated(epsilon, delta, tuple(additive), tuple(quantiles), selection)


@lru_cache(maxsize=512)
def _calibrated(
    epsilon: Fraction,
    delta: Fraction,
    additive: tuple[Sensitivity, ...],
    quantiles: tuple[QuantileNeed, ...],
    selection: SelectionNeed | None,
) -> Calibration:
    needs = _Needs(epsilon, delta, additive, quantiles, selection)
    best = needs.laplace(Fraction(1))
    added_up = best
    if delta:
        # what is selected with needs all of δ in the first way, and half of it in the others
        if additive:
            best = _narrowest(best, needs.gaussian())
        gained = added_up.width / best.width if best.width else 1.0
        best = _narrowest(best, needs.composed_laplace(gained))
    return Calibration(
        best.additive,
        best.quantiles,
        best.selection,
        best.events,
        best.loss,
        _noise(best),
        tuple(_reasons(needs, best, added_up)),
    )


@dataclass(frozen=True, slots=True)
class _Choice:
    additive: tuple[Additive, ...]
    quantiles: tuple[ExponentialQuantile, ...]
    selection: PartitionSelection | None
    events: tuple[PrivacyEvent, ...]
    loss: Loss

    @property
    def width(self) -> float:
        """What is compared: intervals in units of their sensitivity, or privacy without any."""
        if self.additive:
            return sum(half_width(one) / one.sensitivity for one in self.additive)
        found = sum(1 / float(Fraction(one.epsilon)) for one in self.quantiles)
        return found + (1 / float(Fraction(self.selection.epsilon)) if self.selection else 0.0)


def _narrowest(one: _Choice, other: _Choice | None) -> _Choice:
    return one if other is None or other.width >= one.width else other


def _noise(choice: _Choice) -> Literal["laplace", "gaussian", "none"]:
    if not choice.additive:
        return "none"
    return "gaussian" if isinstance(choice.additive[0], DiscreteGaussian) else "laplace"


@dataclass(frozen=True, slots=True)
class _Needs:
    epsilon: Fraction
    delta: Fraction
    additive: tuple[Sensitivity, ...]
    quantiles: tuple[QuantileNeed, ...]
    selection: SelectionNeed | None

    @property
    def share(self) -> Fraction:
        """Of each part, of ε."""
        return self.epsilon / (
            len(self.additive) + len(self.quantiles) + (self.selection is not None)
        )

    @property
    def cells(self) -> int:
        """How many noisy things one person has a part in."""
        named = self.selection.cells if self.selection else 0
        chosen = sum(n.cells for n in self.quantiles)
        return sum(n.cells for n in self.additive) + chosen + named

    def laplace(self, gain: Fraction) -> _Choice:
        """Every part with ``gain`` times its share."""
        share = self.share * gain
        delta = self.delta if gain == 1 else self.delta / 2
        noise = tuple(
            DiscreteLaplace(
                scale=_text(_upward(n.cell * n.cells / share), "epsilon"), sensitivity=n.cell
            )
            for n in self.additive
        )
        return self._choice(noise, share, delta)

    def composed_laplace(self, least: float) -> _Choice | None:
        """With the largest gain that was found to be within (ε, δ); None: it is not ``least``."""
        if self.cells == 1:
            return None
        low = max(_LEAST_GAIN, Fraction(least).limit_denominator(1024))
        high = max(low, Fraction(4 * (isqrt(self.cells) + 1)))
        found = self._fitting(low)
        for _ in range(_STEPS if found else 0):
            middle = Fraction(sqrt(low * high)).limit_denominator(1024)
            tried = self._fitting(middle)
            if tried is None:
                high = middle
            else:
                low, found = middle, tried
        return found

    def _fitting(self, gain: Fraction) -> _Choice | None:
        tried = self.laplace(gain)
        return tried if tried.loss.within(self.epsilon, self.delta) else None

    def gaussian(self) -> _Choice | None:
        """The parts that are not additive keep their shares; what is left is Gaussian."""
        left = self.share * len(self.additive)
        delta = self.delta / 2 if self.selection else self.delta
        mu = _mu(float(left), float(delta))
        # δ of the composed distribution is a little above the formula; a few tries settle it
        for _ in range(40):
            noise = tuple(
                DiscreteGaussian(
                    variance=_text(
                        _upward(
                            Fraction(n.cell**2 * n.cells * len(self.additive)) / Fraction(mu) ** 2
                        ),
                        "epsilon",
                        square=True,
                    ),
                    sensitivity=n.cell,
                )
                for n in self.additive
            )
            tried = self._choice(noise, self.share, delta if self.selection else Fraction(0))
            if tried.loss.within(self.epsilon, self.delta):
                return tried
            mu *= 0.998
        return None

    def _choice(self, noise: tuple[Additive, ...], share: Fraction, delta: Fraction) -> _Choice:
        quantiles = tuple(
            ExponentialQuantile(
                epsilon=_short(share / n.cells),
                sensitivity=n.sensitivity,
                quantile=str(n.quantile),
                bins=n.bins,
            )
            for n in self.quantiles
        )
        cells = [n.cells for n in self.additive] + [n.cells for n in self.quantiles]
        events = [
            PrivacyEvent(mechanism=one, count=count)
            for one, count in zip((*noise, *quantiles), cells, strict=True)
        ]
        selection = None
        if self.selection is not None:
            selection = PartitionSelection(
                epsilon=_short(share / self.selection.cells),
                delta=_short(delta / self.selection.cells),
                minimum_frequency=self.selection.minimum_frequency,
            )
            events.append(PrivacyEvent(mechanism=selection, count=self.selection.cells))
        return _Choice(noise, quantiles, selection, tuple(events), compose(events))


def _mu(epsilon: float, delta: float) -> float:
    """Of the Gaussian mechanism with (ε, δ): sensitivity / σ (Balle and Wang 2018, theorem 8)."""
    low, high = 0.0, 1.0
    while _gaussian_delta(epsilon, high) < delta:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        if _gaussian_delta(epsilon, middle) <= delta:
            low = middle
        else:
            high = middle
    return low * (1 - 2e-4)


def _gaussian_delta(epsilon: float, mu: float) -> float:
    if mu == 0:
        return 0.0
    upper = erfc((epsilon / mu - mu / 2) / sqrt(2)) / 2
    lower = erfc((epsilon / mu + mu / 2) / sqrt(2)) / 2
    return upper - (exp(epsilon) * lower if lower else 0.0)


def _upward(value: Fraction) -> Fraction:
    # more noise than asked for is on the safe side
    if value.denominator <= FINEST and value.numerator <= _LARGEST:
        return value
    return Fraction(ceil(value)) if value >= FINEST else Fraction(ceil(value * FINEST), FINEST)


def _text(value: Fraction, field: str, *, square: bool = False) -> str:
    if value.numerator > (_LARGEST**2 if square else _LARGEST):
        raise InvalidRequest.of(
            field,
            "the noise that it asks for does not fit 63 bits; ask for more epsilon, a narrower "
            "clamp or fewer decimals",
        )
    return str(value)


def _short(value: Fraction) -> str:
    # less of the budget than asked for is on the safe side; 18 digits are kept
    if value.denominator <= 10**18 and value.numerator <= 10**18:
        return str(value)
    digits = 10**18
    while value * digits < 10**17:
        digits *= 10
    return str(Fraction(int(value * digits), digits))


def _reasons(needs: _Needs, best: _Choice, added_up: _Choice) -> list[str]:
    found: list[str] = []
    if best.additive:
        name = "Gaussian" if _noise(best) == "gaussian" else "Laplace"
        if not needs.delta:
            found.append("Laplace noise: without a delta there is no other.")
        elif needs.cells == 1:
            found.append(f"{name} noise: it errs least when a person has a part in one number.")
        elif best is added_up:
            found.append(
                f"Laplace noise whose epsilons add up: for the {needs.cells} numbers that a person "
                "has a part in, Gaussian noise with the given delta would err more."
            )
        else:
            part = best.width / added_up.width if added_up.width else 1.0
            found.append(
                f"{name} noise: a person has a part in {needs.cells} numbers, and with the given "
                f"delta its 95 % interval is {100 * part:.0f} % as wide as that of Laplace noise "
                "whose epsilons add up."
            )
    return found
