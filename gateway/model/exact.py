"""Exact decimal numbers as text, and the bin edges made of them; no float anywhere.

A policy writes a number as an integer or as decimal text (``"0.5"``). A float would have no
canonical form, and 0.1 would not be a tenth.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from math import gcd
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, WithJsonSchema

DECIMALS: Final = 6
"""Most decimal places of a number in a spec."""

_UNIT: Final = 10**DECIMALS
_LIMIT: Final = 10**15 * _UNIT
_TEXT: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?", re.ASCII)


def millionths(text: str) -> int:
    """The number in units of 10⁻⁶, exactly: ``"0.5"`` → 500000."""
    return int(Decimal(text).scaleb(DECIMALS))


def from_millionths(units: int) -> str | None:
    """The canonical text of that many millionths; None beyond 15 digits before the point."""
    if abs(units) >= _LIMIT:
        return None
    whole, part = divmod(abs(units), _UNIT)
    sign = "-" if units < 0 else ""
    decimals = f".{part:0{DECIMALS}d}".rstrip("0") if part else ""
    return f"{sign}{whole}{decimals}"


def decimals_of(text: str) -> int:
    """How many decimal places a canonical number has."""
    return len(text.partition(".")[2])


def _canonical(value: object) -> object:
    if isinstance(value, bool | float):
        # pydantic turns a ValueError, and no TypeError, into a violation of the field
        raise ValueError(  # noqa: TRY004
            'write the number as an integer or as text such as "0.5"'
        )
    text = str(value) if isinstance(value, int) else value
    if not isinstance(text, str) or _TEXT.fullmatch(text) is None:
        raise ValueError("a number has at most 15 digits before the point and 6 after it")
    return from_millionths(millionths(text))


_SCHEMA: Final = {
    "anyOf": [
        {"type": "integer", "minimum": -(10**15) + 1, "maximum": 10**15 - 1},
        {"type": "string", "pattern": "^" + _TEXT.pattern + "$"},
    ]
}

Number = Annotated[str, BeforeValidator(_canonical), WithJsonSchema(_SCHEMA)]
"""An exact number: int or decimal text in, canonical decimal text inside."""


def _positive(value: object) -> object:
    text = _canonical(value)
    if isinstance(text, str) and millionths(text) <= 0:
        raise ValueError("must be more than zero")
    return text


PositiveNumber = Annotated[
    str, Field(min_length=1), BeforeValidator(_positive), WithJsonSchema(_SCHEMA)
]
"""An exact number above zero."""


@dataclass(frozen=True, slots=True)
class Edges:
    """The cuts of a binning: origin + n · width for every n, from ``bottom`` to ``top``.

    All in millionths, 0 ≤ origin < width, ``bottom`` ≤ ``top`` and both are cuts themselves;
    None is no end. A cut at e parts the values below e from those at or above it, so fewer cuts
    reveal less, and what two binnings both permit is what they cut in common.
    """

    width: int
    origin: int
    bottom: int | None
    top: int | None

    def common(self, other: Self) -> Self | None:
        """The cuts that both have; None when there is none."""
        divisor = gcd(self.width, other.width)
        apart = other.origin - self.origin
        if apart % divisor:
            return None
        modulus = other.width // divisor
        # Chinese remainder theorem: origin ≡ self.origin (self.width) and ≡ other.origin
        step = apart // divisor * pow(self.width // divisor, -1, modulus) % modulus
        width = self.width * modulus
        origin = (self.origin + self.width * step) % width
        cuts = type(self)(width, origin, self.bottom, self.top)
        return cuts.between(other.bottom, other.top)

    def between(self, low: int | None, high: int | None) -> Self | None:
        """These cuts from ``low`` to ``high``, ends moved inward onto a cut; None if none is left."""
        bottom = max((end for end in (self.bottom, low) if end is not None), default=None)
        top = min((end for end in (self.top, high) if end is not None), default=None)
        if bottom is not None:
            bottom += (self.origin - bottom) % self.width
        if top is not None:
            top -= (top - self.origin) % self.width
        if bottom is not None and top is not None and bottom > top:
            return None
        return type(self)(self.width, self.origin, bottom, top)

    def has(self, cut: int | None) -> bool:
        """Whether ``cut`` is none, or one of origin + n · width."""
        return cut is None or (cut - self.origin) % self.width == 0
