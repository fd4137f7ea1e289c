"""Specs of transforms that make numbers, dates and codes coarser, and what stricter means for them."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from gateway.model.exact import (
    Edges,
    Number,
    PositiveNumber,
    decimals_of,
    from_millionths,
    millionths,
)
from gateway.model.noun import Digest
from gateway.model.spec import Spec


class BinNumber(Spec):
    """Numbers as text ranges [origin + n · width, origin + (n+1) · width).

    Everything below ``bottom`` is one range, everything from ``top`` upward another.
    """

    kind: Literal["bin_number"] = "bin_number"
    width: PositiveNumber
    origin: Number = "0"
    bottom: Number | None = None
    top: Number | None = None

    @model_validator(mode="after")
    def _on_the_cuts(self) -> Self:
        cuts = self.edges
        if not 0 <= cuts.origin < cuts.width:
            raise ValueError("origin must be at least 0 and below width")
        if not (cuts.has(cuts.bottom) and cuts.has(cuts.top)):
            raise ValueError("bottom and top must each be a bound of a bin: origin + n · width")
        if cuts.bottom is not None and cuts.top is not None and cuts.bottom > cuts.top:
            raise ValueError("bottom must not be above top")
        return self

    @property
    def edges(self) -> Edges:
        return Edges(
            millionths(self.width),
            millionths(self.origin),
            None if self.bottom is None else millionths(self.bottom),
            None if self.top is None else millionths(self.top),
        )

    @property
    def decimals(self) -> int:
        """Decimal places that every bound of a bin can be written with."""
        return max(decimals_of(self.width), decimals_of(self.origin))

    def joined(self, other: Spec) -> "BinNumber | None":
        if isinstance(other, BinNumber):
            return _bins(self.edges.common(other.edges))
        if isinstance(other, TopBottomCode):
            # Clipping merges all values up to its bottom, so a cut there would part them again.
            low = None if other.bottom is None else millionths(other.bottom) + 1
            high = None if other.top is None else millionths(other.top)
            return _bins(self.edges.between(low, high))
        return None


def _bins(cuts: Edges | None) -> "BinNumber | None":
    if cuts is None:
        return None
    width, origin = from_millionths(cuts.width), from_millionths(cuts.origin)
    bottom = None if cuts.bottom is None else from_millionths(cuts.bottom)
    top = None if cuts.top is None else from_millionths(cuts.top)
    written = (bottom is None) == (cuts.bottom is None) and (top is None) == (cuts.top is None)
    if width is None or origin is None or not written:
        return None  # bins too wide to be written down
    return BinNumber(width=width, origin=origin, bottom=bottom, top=top)


class RoundNumber(Spec):
    """The nearest multiple of ``step``, halves upward; the column keeps its type."""

    kind: Literal["round_number"] = "round_number"
    step: PositiveNumber

    def lowers(self) -> bool:
        return False

    def joined(self, other: Spec) -> "RoundNumber | None":
        if not isinstance(other, RoundNumber):
            return None
        # Rounding to s cuts at the odd multiples of s/2. Two steps have cuts in common only if
        # they hold the same power of two, and then those are the cuts of the common multiple.
        ours, theirs = millionths(self.step), millionths(other.step)
        cuts = Edges(2 * ours, ours, None, None).common(Edges(2 * theirs, theirs, None, None))
        step = None if cuts is None else from_millionths(cuts.width // 2)
        return None if step is None else RoundNumber(step=step)


class TopBottomCode(Spec):
    """Numbers below ``bottom`` become it, above ``top`` become it; the column keeps its type."""

    kind: Literal["top_bottom_code"] = "top_bottom_code"
    bottom: Number | None = None
    top: Number | None = None

    @model_validator(mode="after")
    def _some_bound(self) -> Self:
        if self.bottom is None and self.top is None:
            raise ValueError("give bottom, top or both")
        if not _in_order(self.bottom, self.top):
            raise ValueError("bottom must not be above top")
        return self

    def lowers(self) -> bool:
        return False

    def joined(self, other: Spec) -> "TopBottomCode | None":
        if not isinstance(other, TopBottomCode):
            return None
        bottoms = [b for b in (self.bottom, other.bottom) if b is not None]
        tops = [t for t in (self.top, other.top) if t is not None]
        bottom = max(bottoms, key=millionths, default=None)
        top = min(tops, key=millionths, default=None)
        return TopBottomCode(bottom=bottom, top=top) if _in_order(bottom, top) else None


def _in_order(bottom: str | None, top: str | None) -> bool:
    return bottom is None or top is None or millionths(bottom) <= millionths(top)


DateLevel = Literal["month", "quarter", "year", "five_years"]
_LEVELS: Final[tuple[DateLevel, ...]] = ("month", "quarter", "year", "five_years")


class GeneralizeDate(Spec):
    """Dates as text: ``2024-03``, ``2024-Q1``, ``2024`` or ``2020–2024``."""

    kind: Literal["generalize_date"] = "generalize_date"
    to: DateLevel

    def joined(self, other: Spec) -> "GeneralizeDate | None":
        if not isinstance(other, GeneralizeDate):
            return None
        return GeneralizeDate(to=max(self.to, other.to, key=_LEVELS.index))


class GeneralizeHierarchy(Spec):
    """The value's ancestor ``level`` steps up in a named hierarchy.

    ``table_digest`` is the content digest of the hierarchy's table. Planning fills it, so that the
    plan's digest covers the table; a table with another digest is then refused.
    """

    kind: Literal["generalize_hierarchy"] = "generalize_hierarchy"
    hierarchy: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,61}[a-z0-9]$")]
    level: Annotated[int, Field(ge=1, le=50)]
    table_digest: Digest | None = None

    def joined(self, other: Spec) -> "GeneralizeHierarchy | None":
        if not isinstance(other, GeneralizeHierarchy):
            return None
        if (self.hierarchy, self.table_digest) != (other.hierarchy, other.table_digest):
            return None
        return self if self.level > other.level else other
