"""Grades of GB/T 43697-2024 as an ordered scale on which unknown counts as the highest."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Grade(StrEnum):
    """Grades, lowest first in order of ``rank``. Source: GB/T 43697-2024 (see norms data)."""

    GENERAL_1 = "general-1"
    GENERAL_2 = "general-2"
    GENERAL_3 = "general-3"
    GENERAL_4 = "general-4"
    IMPORTANT = "important"
    CORE = "core"

    @property
    def rank(self) -> int:
        """Position on the scale; compare grades only by this."""
        return _ORDER.index(self)

    def at_least(self, other: "Grade") -> bool:
        return self.rank >= other.rank


_ORDER = (
    Grade.GENERAL_1,
    Grade.GENERAL_2,
    Grade.GENERAL_3,
    Grade.GENERAL_4,
    Grade.IMPORTANT,
    Grade.CORE,
)


PERSONAL: Final = Grade.GENERAL_2
"""The least grade of what is about a person."""


def effective(grade: Grade | None) -> Grade:
    """What a verdict counts as: unknown is treated as the highest, never as zero."""
    return Grade.CORE if grade is None else grade


def highest(grades: Iterable[Grade | None]) -> Grade:
    """Highest of several (就高从严); an unknown (None) and an empty collection count as CORE."""
    return max((effective(grade) for grade in grades), key=lambda g: g.rank, default=Grade.CORE)
