"""Which groups may be named, by how many persons each has.

*Claim.* A group of n persons is named with probability π(n − m + 1), where m is the minimum
frequency, π(0) = 0 and π(n + 1) = min(e^ε·π(n) + δ, 1 − e^−ε·(1 − π(n) − δ), 1): the largest
probabilities that (ε, δ) permits (Desfontaines, Voss, Gipson and Mandayam 2022, theorem 1), each
rounded down to a multiple of 2⁻⁶⁴ in a way that keeps every inequality of the guarantee.
*Guarantee*: (ε, δ) for each group that a person is in, and a group of fewer than m persons is
never named: n changes by one for one person, so does n − m + 1. *Neighbours*: all rows of one
person added or removed. *Precondition*: n counts persons, each in a bounded number of groups.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.model.mechanisms import PartitionSelection
from gateway.ports import Entropy
from gateway.transform.noise.chance import WORD, Decisions, words

_LONGEST: Final = 1 << 20
"""Beyond so many persons the probability stays: equal ones keep the guarantee as well."""

_BITS: Final = 128
_ONE: Final = 1 << _BITS


def named_groups(
    mechanism: PartitionSelection, persons: NDArray[np.int64], entropy: Entropy
) -> Decisions:
    """Which groups are named; ``persons``: int64, how many persons each group has."""
    if persons.dtype != np.int64:
        raise TypeError("groups are selected by 64-bit whole numbers of persons")
    chances = probabilities(mechanism.epsilon, mechanism.delta)
    above = np.clip(persons - (mechanism.minimum_frequency - 1), 0, len(chances) - 1)
    certain = np.array([chance == WORD for chance in chances])[above]
    bars = np.array([min(chance, WORD - 1) for chance in chances], dtype=np.uint64)[above]
    return certain | (words(entropy, len(persons)) < bars)


@lru_cache(maxsize=64)
def probabilities(epsilon: str, delta: str) -> tuple[int, ...]:
    """π(0), π(1), … in units of 2⁻⁶⁴, up to the first that is 1 (or ``_LONGEST`` of them)."""
    growth = _exp(Fraction(epsilon), ROUND_FLOOR)
    decay = _exp(-Fraction(epsilon), ROUND_CEILING)
    step = Fraction(delta).numerator * _ONE // Fraction(delta).denominator
    found = [0]
    while found[-1] < WORD and len(found) <= _LONGEST:
        chance = found[-1] << (_BITS - 64)
        # both sides rounded down: the products of what is left are rounded up
        grown = (growth * chance >> _BITS) + step
        left = max(0, _ONE - chance - step)
        shrunk = _ONE - -(-decay * left >> _BITS)
        following = min(grown, shrunk, _ONE) >> (_BITS - 64)
        found.append(max(following, found[-1]))
    return tuple(found)


def _exp(exponent: Fraction, rounding: str) -> int:
    context = Context(prec=60, rounding=rounding)
    # A quotient rounded down makes exp smaller, one rounded up larger: the same side as the rest
    quotient = context.divide(Decimal(exponent.numerator), Decimal(exponent.denominator))
    # exp itself is rounded half-even by decimal: one unit of the last of 60 digits to the side
    value = Fraction(context.exp(quotient))
    unit = value / 10**58
    scaled = (value - unit if rounding == ROUND_FLOOR else value + unit) * _ONE
    return (
        scaled.numerator // scaled.denominator
        if rounding == ROUND_FLOOR
        else -(-scaled.numerator // scaled.denominator)
    )
