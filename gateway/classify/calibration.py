"""Turns trust, which only orders verdicts, into confidence: the share of such verdicts that are right.

The curves are data of the rule pack, fitted by tests/benchmarks/_calibrate.py with isotonic
regression on the benchmark's tuning half. What they promise is about columns like those of the
benchmark; its held-out half measures how well they keep it.
"""

from bisect import bisect_left
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.model.noun import Noun

Percent = Annotated[int, Field(ge=0, le=99)]
Point = tuple[Percent, Percent]


class Basis(StrEnum):
    """What a verdict rests on, and whether it names an entity: each has a curve of its own."""

    VALUES = "values"
    VALUES_NONE = "values_none"
    NAMES = "names"
    NAMES_NONE = "names_none"

    @classmethod
    def of(cls, *, values: bool, entity: str | None) -> "Basis":
        """The basis of a verdict: whether values were looked at, and which entity it names."""
        if entity == "NONE":
            return cls.VALUES_NONE if values else cls.NAMES_NONE
        return cls.VALUES if values else cls.NAMES


_BY_NAME = frozenset({Basis.NAMES, Basis.NAMES_NONE})


class Calibration(Noun):
    """One curve a basis: points of trust and confidence in percent, both never falling.

    `most_by_name`: a verdict that no value confirmed is never surer than this.
    """

    most_by_name: Percent
    curves: dict[Basis, tuple[Point, ...]]

    @model_validator(mode="after")
    def _monotone(self) -> Self:
        if missing := set(Basis) - set(self.curves):
            raise ValueError(f"no curve for {', '.join(sorted(missing))}")
        for basis, points in self.curves.items():
            if not points:
                raise ValueError(f"the curve of {basis} has no point")
            for (low, less), (high, more) in pairwise(points):
                if low >= high or less > more:
                    raise ValueError(f"the curve of {basis} falls: more trust is never less sure")
        return self

    def confidence(self, basis: Basis, trust: int) -> int:
        """Percent of verdicts with this trust that are right, between points on a straight line."""
        found = self._on_curve(self.curves[basis], trust)
        return min(found, self.most_by_name) if basis in _BY_NAME else found

    @staticmethod
    def _on_curve(points: tuple[Point, ...], trust: int) -> int:
        place = bisect_left(points, (trust, 0))
        if place == 0:
            return points[0][1]
        if place == len(points):
            return points[-1][1]
        (low, less), (high, more) = points[place - 1], points[place]
        return round(less + (more - less) * (trust - low) / (high - low))
