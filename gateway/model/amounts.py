"""Exact ratios as decimal text for people and callers, rounded to the side that is safe to read."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import Final

_DIGITS: Final = 6
"""Significant digits of what has no shorter decimal form."""


def up(ratio: str) -> str:
    """What was spent or is guaranteed: never less than it is."""
    return _decimal(Fraction(ratio), ROUND_CEILING)


def down(ratio: str) -> str:
    """What is left: never more than it is."""
    return _decimal(Fraction(ratio), ROUND_FLOOR)


def left(limit: str, spent: str) -> str:
    """What is left of a limit, at least 0."""
    return down(str(max(Fraction(0), Fraction(limit) - Fraction(spent))))


def _decimal(number: Fraction, rounding: str) -> str:
    context = Context(prec=_DIGITS, rounding=rounding)
    # Dividing rounds once; a numerator that was rounded first would be rounded twice.
    rounded = context.divide(Decimal(number.numerator), Decimal(number.denominator))
    text = f"{rounded:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
