"""What a check of a privacy model promises, and what it found."""

from dataclasses import dataclass
from math import ceil, floor
from typing import Final

from gateway.model.anonymity import PrivacyModel
from gateway.model.exact import from_millionths

UNIT: Final = 10**6
"""Thresholds are whole millionths. So a share rounded up to a millionth is at most the threshold
exactly when the share itself is, and the figure that is shown is the one that decided."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a table that passes guarantees, how nulls count, and what it does not guarantee.

    ``guarantee`` is the definition as it is checked; ``source`` the paper it is from.
    """

    guarantee: str
    nulls: str
    leaves: str
    source: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a model holds, by which figure against which limit.

    ``name`` says what the figure is, of the worst class. Both are decimal text or, where a table
    has no such figure, a word. Figures depend on the data: they are for certificates and for who
    may see the table, not for whoever was refused it.
    """

    model: PrivacyModel
    holds: bool
    name: str
    figure: str
    limit: str


def decimal(millionths: int) -> str:
    """Millionths as decimal text."""
    return from_millionths(millionths) or "more than 10^15"


def rounded_up(value: float) -> int:
    """An estimate in millionths, upwards: what must not exceed a limit."""
    return ceil(value * UNIT)


def rounded_down(value: float) -> int:
    """An estimate in millionths, downwards: what must not fall below a limit."""
    return floor(value * UNIT)
