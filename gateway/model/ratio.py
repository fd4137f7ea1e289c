"""Exact ratios as text: what a privacy guarantee is computed with.

A ratio is written as an integer, as decimal text (``"0.5"``, ``"1e-9"``) or as ``"n/d"``, and is
kept in lowest terms (``"1/2"``). A float is refused: 0.1 would not be a tenth, and what is charged
would not be what was asked for. NaN and infinity have no such text.
"""

import re
from fractions import Fraction
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

_DIGITS: Final = 40
"""Most digits of a numerator or denominator that is written; what is computed may have more."""
_MOST_DIGITS: Final = 400
_DECIMAL: Final = re.compile(
    rf"([+-]?[0-9]{{1,{_DIGITS}}}(\.[0-9]{{1,{_DIGITS}}})?)([eE]([+-]?[0-9]{{1,2}}))?", re.ASCII
)
_FRACTION: Final = re.compile(
    rf"-?[0-9]{{1,{_MOST_DIGITS}}}(/[0-9]{{1,{_MOST_DIGITS}}})?", re.ASCII
)


def ratio(text: str) -> Fraction:
    """The number that a canonical ratio stands for."""
    return Fraction(text)


def _canonical(value: object) -> object:
    if isinstance(value, Fraction) or (isinstance(value, int) and not isinstance(value, bool)):
        text = str(value)
    elif isinstance(value, str):
        text = value.strip()
    else:
        raise ValueError(  # noqa: TRY004 - pydantic turns only a ValueError into a violation
            'write the number as an integer or as text such as "0.5", "1e-9" or "1/3"'
        )
    if _DECIMAL.fullmatch(text) is None and _FRACTION.fullmatch(text) is None:
        raise ValueError('not a finite number written like "0.5", "1e-9" or "1/3"')
    try:
        return str(Fraction(text))
    except ZeroDivisionError:
        raise ValueError("the denominator is zero") from None


def _above_zero(text: str) -> str:
    if Fraction(text) <= 0:
        raise ValueError("must be more than zero")
    return text


def _not_negative(text: str) -> str:
    if Fraction(text) < 0:
        raise ValueError("must not be negative")
    return text


def _at_most_one(text: str) -> str:
    if Fraction(text) > 1:
        raise ValueError("must not be more than 1")
    return text


_SCHEMA: Final = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
_Text = Annotated[
    str,
    Field(max_length=2 * _MOST_DIGITS + 2),
    BeforeValidator(_canonical),
    WithJsonSchema(_SCHEMA),
]

PositiveRatio = Annotated[_Text, AfterValidator(_above_zero)]
"""An exact number above zero."""

NonNegativeRatio = Annotated[_Text, AfterValidator(_not_negative)]
"""An exact number of zero or more."""

Probability = Annotated[_Text, AfterValidator(_above_zero), AfterValidator(_at_most_one)]
"""An exact number above 0, at most 1."""
