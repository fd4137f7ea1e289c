"""Random decisions with exact probabilities, for whole arrays at once.

A decision with probability p compares a uniform number U with p. Both are known to any number of
digits: of U the first 64 bits are drawn, of p a double is computed whose error is bounded. Where
that leaves the comparison open (about once in 10¹⁰ decisions) more bits of U are drawn and more
digits of p computed, until it is not. So the probability of the outcome is p itself, and no double
near it, and one word of entropy is enough for nearly every decision.
"""

from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.ports import Entropy

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]
Decisions = NDArray[np.bool_]

WORD: Final = 1 << 64
_TO_UNIT: Final = 2.0**-64

# Bounds of the error of a computed exp(−γ): callers keep the error of γ below 2⁻³⁸ wherever
# exp(−γ) is above 2⁻⁶⁰, NumPy's exp is within a few units of the last of 53 bits, and U is cut
# after 64 bits. Wider than needed costs only time.
_RELATIVE: Final = 2.0**-36
_ABSOLUTE: Final = 2.0**-60

_MOST_BOUND: Final = 1 << 62


def words(entropy: Entropy, count: int) -> NDArray[np.uint64]:
    """``count`` independent uniform 64-bit words."""
    return np.frombuffer(entropy.bytes(8 * count), dtype="<u8")


def coins(entropy: Entropy, count: int) -> Decisions:
    """``count`` fair decisions."""
    drawn = np.frombuffer(entropy.bytes(-(-count // 8)), dtype=np.uint8)
    return np.unpackbits(drawn, count=count).astype(bool)


def below(entropy: Entropy, count: int, bound: int) -> Integers:
    """``count`` uniform whole numbers from 0 to ``bound`` − 1; ``bound`` at most 2⁶²."""
    if not 1 <= bound <= _MOST_BOUND:
        raise ValueError("a uniform whole number is drawn below 1 to 2^62")
    drawn = words(entropy, count)
    surplus = WORD % bound
    if surplus:  # the last words would make small results more likely
        last = np.uint64(WORD - surplus - 1)
        while len(refused := np.flatnonzero(drawn > last)):
            drawn = drawn.copy()
            drawn[refused] = words(entropy, len(refused))
    return (drawn % np.uint64(bound)).astype(np.int64)


def integer_below(entropy: Entropy, bound: int) -> int:
    """A uniform whole number from 0 to ``bound`` − 1, of any size."""
    bits = (bound - 1).bit_length()
    count = -(-bits // 8)
    while True:
        drawn = int.from_bytes(entropy.bytes(count)) >> (8 * count - bits)
        if drawn < bound:
            return drawn


class Unit:
    """A uniform number between 0 and 1 of which as many bits exist as anybody asked for."""

    __slots__ = ("_bits", "_drawn", "_entropy")

    def __init__(self, entropy: Entropy, first: int | None = None) -> None:
        self._entropy = entropy
        self._bits = 64
        self._drawn = int.from_bytes(entropy.bytes(8)) if first is None else first

    def under_exp(self, gamma: Fraction, doublings: int = 0) -> bool:
        """Whether it is below exp(−``gamma``) · 2^``doublings``."""
        digits = 25
        while True:
            low, high = _exp(gamma, digits)
            scale = Fraction(1 << doublings, 1) * (1 << self._bits)
            if self._drawn + 1 <= low * scale:
                return True
            if self._drawn >= high * scale:
                return False
            self._drawn = (self._drawn << 64) | int.from_bytes(self._entropy.bytes(8))
            self._bits += 64
            digits += 20


def _exp(gamma: Fraction, digits: int) -> tuple[Fraction, Fraction]:
    # Decimal.exp is correctly rounded; the quotient that it gets is off by a unit of the last
    # digit at most, which changes the result by that times gamma.
    if gamma == 0:
        return Fraction(1), Fraction(1)
    context = Context(prec=digits, Emin=-(10**12), Emax=10**12)
    quotient = context.divide(Decimal(gamma.numerator), Decimal(gamma.denominator))
    value = Fraction(context.exp(-quotient))
    error = value * (gamma + 2) * Fraction(1, 10 ** (digits - 2))
    return value - error, value + error


def survives(
    entropy: Entropy, gamma: Doubles, exactly: Callable[[int], Fraction], doublings: int = 0
) -> Decisions:
    """Decisions that are true with probability exp(−γ) · 2^``doublings``, which is at most 1.

    ``gamma``: doubles near γ, off by 2⁻³⁸ at most; ``exactly``: γ itself of one place.
    """
    drawn = words(entropy, len(gamma))
    unit = drawn.astype(np.float64) * _TO_UNIT
    chance = np.exp(-gamma) * 2.0**doublings
    outcome: Decisions = unit < chance
    open_ = np.abs(unit - chance) <= chance * _RELATIVE + _ABSOLUTE
    for at in np.flatnonzero(open_):
        outcome[at] = Unit(entropy, int(drawn[at])).under_exp(exactly(int(at)), doublings)
    return outcome


def exponential_wholes(entropy: Entropy, count: int) -> Integers:
    """``count`` whole numbers v, each at least v with probability exp(−v): whole parts of
    exponential variables."""
    drawn = words(entropy, count)
    depth = -np.log((drawn.astype(np.float64) + 0.5) * _TO_UNIT)
    wholes = np.floor(depth)
    # near a whole number, or so small a U that its first 64 bits do not settle much
    open_ = (np.abs(depth - np.rint(depth)) <= _RELATIVE) | (drawn < np.uint64(1 << 24))
    found = wholes.astype(np.int64)
    for at in np.flatnonzero(open_):
        unit = Unit(entropy, int(drawn[at]))
        whole = max(0, int(wholes[at]) - 1)
        while unit.under_exp(Fraction(whole + 1)):
            whole += 1
        found[at] = whole
    return found
