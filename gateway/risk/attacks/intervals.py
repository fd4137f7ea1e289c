"""How sure a rate of success is: Wilson's interval, and what is above a control."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from math import sqrt
from typing import Final

from gateway.model.attacks import Attack, AttackResult
from gateway.model.exact import DECIMALS

Z95: Final = 1.959963984540054
"""The two-sided 95 % point of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of attempts, with its interval."""

    share: float
    low: float
    high: float
    attempts: int

    @classmethod
    def of(cls, successes: float, attempts: int) -> "Rate":
        """Wilson's score interval at 95 % (E. B. Wilson, JASA 22, 1927).

        ``successes`` may be a sum of probabilities of success instead of a count: that varies
        less than a count of coin tosses with them, so the interval is then too wide, never too
        narrow. No attempts: 0, and nothing known.
        """
        if attempts == 0:
            return cls(0.0, 0.0, 1.0, 0)
        share = successes / attempts
        weight = 1 + Z95**2 / attempts
        centre = (share + Z95**2 / (2 * attempts)) / weight
        half = Z95 / weight * sqrt(share * (1 - share) / attempts + Z95**2 / (4 * attempts**2))
        return cls(
            share,
            min(share, max(0.0, centre - half)),
            max(share, min(1.0, centre + half)),
            attempts,
        )

    @classmethod
    def exact(cls, share: float, attempts: int) -> "Rate":
        """A share that was counted over everybody, or calculated: no sampling error."""
        return cls(share, share, share, attempts)


@dataclass(frozen=True, slots=True)
class Excess:
    """What an attack reaches above a control: a share, with its interval."""

    share: float
    low: float
    high: float

    @classmethod
    def of(cls, attack: Rate, control: Rate) -> "Excess":
        """(attack − control) / (1 − control), as Anonymeter defines the risk (Giomi et al.,
        PoPETs 2023, section 4), cut at 0.

        The interval recovers the variance of each rate from its own limits (Zou & Donner,
        Statistics in Medicine 27, 2008), which keeps it apart from 0 and 1 where it should be.
        """
        middle = _excess(attack.share, control.share)
        up = sqrt(
            (_excess(attack.high, control.share) - middle) ** 2
            + (_excess(attack.share, control.low) - middle) ** 2
        )
        down = sqrt(
            (middle - _excess(attack.low, control.share)) ** 2
            + (middle - _excess(attack.share, control.high)) ** 2
        )
        share, low, high = (min(1.0, max(0.0, end)) for end in (middle, middle - down, middle + up))
        return cls(share, low, high)


def _excess(attack: float, control: float) -> float:
    # Where the control always succeeds there is nothing left that the release could add.
    return (attack - control) / (1 - control) if control < 1 else min(0.0, attack - control)


def result(
    name: Attack,
    attack: Rate,
    *,
    baseline: Rate,
    control: Rate | None = None,
    subtracted: bool = True,
    column: str | None = None,
    threat: str,
    explanation: str,
) -> AttackResult:
    """The noun of what was measured; an attack of no attempts has no success at all.

    Without a control the baseline is one, unless it is not to be ``subtracted``.
    """
    if control is not None:
        excess = Excess.of(attack, control)
    elif subtracted:
        excess = Excess.of(attack, baseline)
    else:
        excess = Excess(attack.share, attack.low, attack.high)
    if attack.attempts == 0:
        excess = Excess(0.0, 0.0, 0.0)
    share = _text(excess.share, ROUND_HALF_EVEN)
    return AttackResult(
        name=name,
        column=column,
        success=share,
        low=_text(excess.low, ROUND_FLOOR),
        high=_text(excess.high, ROUND_CEILING),
        rate=_text(attack.share, ROUND_HALF_EVEN),
        baseline=_text(baseline.share, ROUND_HALF_EVEN),
        control=None if control is None else _text(control.share, ROUND_HALF_EVEN),
        attempts=attack.attempts,
        threat=threat,
        explanation=explanation,
    )


def _text(share: float, rounding: str) -> str:
    exact = Decimal(share).quantize(Decimal(1).scaleb(-DECIMALS), rounding)
    return f"{exact:f}"
