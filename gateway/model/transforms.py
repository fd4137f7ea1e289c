"""What may be done to a column, as frozen specs, and what stricter means between them.

``join`` makes the specs a join-semilattice with KEEP at the bottom and SUPPRESS on top. The order
is that of information: what ``join(a, b)`` shows of a value can be worked out from what ``a``
shows, and from what ``b`` shows. Where no spec short of the top does that, the join is SUPPRESS
(docs/adr/0003-strictest-wins.md).
"""

from collections.abc import Iterable
from functools import cache, reduce
from typing import Annotated, Any, ClassVar, Final, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, Field, model_validator

from gateway.model.exact import (
    Edges,
    Number,
    PositiveNumber,
    decimals_of,
    from_millionths,
    millionths,
)
from gateway.model.grades import Grade, effective
from gateway.model.noun import Digest, Noun, ShortText

MaskCharacter = Literal["#", "*", "_", "×", "■", "●", "＊"]
"""Signs that cannot be taken for data, by code point: the join of two is the smaller one."""


class Spec(Noun):
    """The base of all specs: one class a transform, told apart by the literal field ``kind``."""

    keyed: ClassVar[bool] = False
    """Whether ``apply`` needs a key."""

    def lowers(self) -> bool:
        """Whether every value that leaves shows less than the one that came (for grading)."""
        return True

    def joined(self, other: "Spec") -> "TransformSpec | None":  # noqa: ARG002 - subclasses look
        """The strictest of this and a *different* spec; None where this class knows of none."""
        return None


class Keep(Spec):
    """The value as it is."""

    kind: Literal["keep"] = "keep"

    def lowers(self) -> bool:
        return False


class Suppress(Spec):
    """Null in every row."""

    kind: Literal["suppress"] = "suppress"


class Replace(Spec):
    """The same text in every row, also where the value was null: it tells nothing at all.

    It is not above the other specs: two of them whose join is SUPPRESS would then also have every
    REPLACE above both, and the order of rules would decide which of them results.
    """

    kind: Literal["replace"] = "replace"
    text: ShortText


class Mask(Spec):
    """Hide characters by position: all but the first and last few.

    ``separators`` are punctuation that stays visible and is not counted. Values with fewer than
    ``shortest`` characters to count are hidden whole, so that something is always hidden.
    Without ``keep_length`` the hidden part is three signs whatever its length was.
    """

    kind: Literal["mask"] = "mask"
    keep_first: Annotated[int, Field(ge=0, le=100)] = 0
    keep_last: Annotated[int, Field(ge=0, le=100)] = 0
    shortest: Annotated[int, Field(ge=1, le=1000)] = 1  # keep_first + keep_last + 1 unless told
    character: MaskCharacter = "*"
    keep_length: bool = False
    separators: Annotated[str, Field(max_length=20)] = ""

    @model_validator(mode="before")
    @classmethod
    def _default_shortest(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("shortest") is None:
            kept = [data.get(name, 0) for name in ("keep_first", "keep_last")]
            if all(isinstance(count, int) for count in kept):
                return {**data, "shortest": sum(kept) + 1}
        return data

    @model_validator(mode="after")
    def _sound(self) -> Self:
        kept = self.keep_first + self.keep_last
        if self.shortest <= kept:
            raise ValueError("shortest must be more than keep_first + keep_last")
        if kept == 0 and self.shortest != 1:
            raise ValueError("nothing is kept, so shortest has no meaning: leave it out")
        if list(self.separators) != sorted(set(self.separators)):
            raise ValueError("list each separator once, in order of code points")
        if any(c.isalnum() or c == self.character for c in self.separators):
            raise ValueError("a separator is no letter, no digit, and not the mask's own sign")
        if self.separators and not self.keep_length:
            raise ValueError("separators can only stay where keep_length is true")
        return self

    def joined(self, other: Spec) -> "TransformSpec | None":
        if not isinstance(other, Mask):
            return None
        first, last = min(self.keep_first, other.keep_first), min(self.keep_last, other.keep_last)
        shortest = max(self.shortest, other.shortest)
        lengths = self.keep_length and other.keep_length
        # Which values are hidden whole can be told from a mask's output only if it shows the
        # length, or draws the same line; and only if both count the same characters.
        told = all(m.keep_length or m.shortest == shortest for m in (self, other))
        if first + last == 0 or not told or self.separators != other.separators:
            first, last, shortest = 0, 0, 1
        shared = "".join(c for c in self.separators if c in other.separators) if lengths else ""
        return Mask(
            keep_first=first,
            keep_last=last,
            shortest=shortest,
            character=min(self.character, other.character),
            keep_length=lengths,
            separators=shared,
        )


@cache
def _probes() -> pa.Array:
    # Not made on import: Arrow's first array loads pandas where it is installed.
    return pa.array(["", "a", "1", " ", "-", "a b", "1-2", "张三", "A\n"])


def _searchable(pattern: str) -> str:
    """A pattern that RE2 takes and that never matches nothing."""
    try:
        probes = _probes()
        found = pc.match_substring_regex(probes, pattern)
        removed = pc.replace_substring_regex(probes, pattern, "")
    except pa.ArrowInvalid:
        raise ValueError(
            "not a pattern that RE2 takes (no look-around, no backreference)"
        ) from None
    if pc.any(pc.and_(found, pc.equal(removed, probes))).as_py():
        raise ValueError("the pattern matches the empty string")
    return pattern


Pattern = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_searchable)]
Unmatched = Literal["keep", "suppress"]


class MaskPattern(Spec):
    """Hide every match of an RE2 pattern behind three signs; the rest of the text stays.

    ``unmatched``: a value without any match is suppressed unless the policy says keep.
    """

    kind: Literal["mask_pattern"] = "mask_pattern"
    pattern: Pattern
    character: MaskCharacter = "*"
    unmatched: Unmatched = "suppress"

    def lowers(self) -> bool:
        return self.unmatched == "suppress"


Form = Literal["chinese_name", "resident_id", "phone", "bank_card", "email", "address"]

_KEPT: Final[dict[str, tuple[int, int, int, int]]] = {
    # form: keep_first unless told, at most; keep_last unless told, at most
    "resident_id": (2, 6, 0, 4),
    "phone": (3, 3, 2, 4),
    "bank_card": (0, 6, 4, 4),
}


class MaskForm(Spec):
    """A ready mask that knows the form of what it hides; what is not of the form is unhandled.

    ``keep_first`` and ``keep_last`` count the digits kept of an identity number (2 and 0 unless
    told), phone (3 and 2) or bank card (0 and 4); the other forms take neither.
    """

    kind: Literal["mask_form"] = "mask_form"
    form: Form
    character: MaskCharacter = "*"
    keep_first: Annotated[int, Field(ge=0)] = 0
    keep_last: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_form(cls, data: Any) -> Any:
        if isinstance(data, dict) and str(data.get("form")) in _KEPT:
            first, _, last, _ = _KEPT[str(data["form"])]
            return {"keep_first": first, "keep_last": last, **data}
        return data

    @model_validator(mode="after")
    def _within_form(self) -> Self:
        _, first, _, last = _KEPT.get(self.form, (0, 0, 0, 0))
        if self.keep_first > first or self.keep_last > last:
            raise ValueError(f"the form {self.form} keeps at most {first} first and {last} last")
        return self

    def joined(self, other: Spec) -> "TransformSpec | None":
        if not isinstance(other, MaskForm) or other.form != self.form:
            return None
        return MaskForm(
            form=self.form,
            character=min(self.character, other.character),
            keep_first=min(self.keep_first, other.keep_first),
            keep_last=min(self.keep_last, other.keep_last),
        )


class Truncate(Spec):
    """The first ``length`` characters. A value that is not longer stays whole."""

    kind: Literal["truncate"] = "truncate"
    length: Annotated[int, Field(ge=1, le=1000)]

    def lowers(self) -> bool:
        return False

    def joined(self, other: Spec) -> "TransformSpec | None":
        if not isinstance(other, Truncate):
            return None
        return Truncate(length=min(self.length, other.length))


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

    def joined(self, other: Spec) -> "TransformSpec | None":
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

    def joined(self, other: Spec) -> "TransformSpec | None":
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

    def joined(self, other: Spec) -> "TransformSpec | None":
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

    def joined(self, other: Spec) -> "TransformSpec | None":
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

    def joined(self, other: Spec) -> "TransformSpec | None":
        if not isinstance(other, GeneralizeHierarchy):
            return None
        if (self.hierarchy, self.table_digest) != (other.hierarchy, other.table_digest):
            return None
        return self if self.level > other.level else other


class ReplacePattern(Spec):
    r"""Every match of an RE2 pattern becomes ``replacement``, in which ``\1`` is a group.

    ``unmatched``: a value without any match is suppressed unless the policy says keep.
    """

    kind: Literal["replace_pattern"] = "replace_pattern"
    pattern: Pattern
    replacement: ShortText
    unmatched: Unmatched = "suppress"

    @model_validator(mode="after")
    def _replaceable(self) -> Self:
        try:
            pc.replace_substring_regex(_probes(), self.pattern, self.replacement)
        except pa.ArrowInvalid:
            raise ValueError("the replacement names a group that the pattern has not") from None
        return self

    def lowers(self) -> bool:
        return False


TokenAlphabet = Literal["base32", "hex", "digits"]

_TOKEN_LENGTHS: Final[dict[str, tuple[int, int]]] = {
    # From the length at which 2**32 values share a token with a chance below 10**-6, to all the
    # 128 bits that the keyed function gives.
    "base32": (17, 26),
    "hex": (21, 32),
    "digits": (25, 39),
}


class Token(Spec):
    """A keyed pseudonym of ``length`` characters: equal values get equal tokens.

    ``length`` is, unless told, the shortest at which collisions can be left out of account (17 of
    base32, 21 of hex, 25 digits). ``scope``: whether the key is the recipient's own, or shared by
    the parties of a project so that they can join their tables on purpose.
    """

    kind: Literal["token"] = "token"
    keyed: ClassVar[bool] = True
    alphabet: TokenAlphabet = "base32"
    length: int = 17
    scope: Literal["recipient", "project"] = "recipient"

    @model_validator(mode="before")
    @classmethod
    def _default_length(cls, data: Any) -> Any:
        if isinstance(data, dict) and str(data.get("alphabet")) in _TOKEN_LENGTHS:
            return {"length": _TOKEN_LENGTHS[str(data["alphabet"])][0], **data}
        return data

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        shortest, longest = _TOKEN_LENGTHS[self.alphabet]
        if not shortest <= self.length <= longest:
            raise ValueError(f"a token of {self.alphabet} has {shortest} to {longest} characters")
        return self

    def joined(self, other: Spec) -> "TransformSpec | None":
        if not isinstance(other, Token):
            return None
        if (self.length, self.alphabet) != (other.length, other.alphabet):
            return None
        return self if self.scope == "recipient" else other


TransformSpec = Annotated[
    Keep
    | Suppress
    | Replace
    | Mask
    | MaskPattern
    | MaskForm
    | Truncate
    | BinNumber
    | RoundNumber
    | TopBottomCode
    | GeneralizeDate
    | GeneralizeHierarchy
    | ReplacePattern
    | Token,
    Field(discriminator="kind"),
]


def join(a: TransformSpec, b: TransformSpec) -> TransformSpec:
    """The least strict spec that is as strict as both; commutative, associative, idempotent."""
    if a == b or isinstance(b, Keep):
        return a
    if isinstance(a, Keep):
        return b
    if isinstance(a, Suppress) or isinstance(b, Suppress):
        return Suppress()
    return a.joined(b) or b.joined(a) or Suppress()


def join_all(specs: Iterable[TransformSpec]) -> TransformSpec:
    """The join of several, in any order; of none at all: SUPPRESS, as nothing permitted more."""
    found = list(specs)
    return reduce(join, found) if found else Suppress()


def stricter_or_equal(a: TransformSpec, b: TransformSpec) -> bool:
    """Whether ``a`` shows no more than ``b``. Of two incomparable specs neither does."""
    return join(a, b) == a


def grade_after(spec: TransformSpec, grade: Grade | None, entity: str | None) -> Grade:
    """The grade of what the transform leaves; never above the grade that came in.

    GB/T 43697-2024 grades derived data again. Taken conservatively: a constant is general-1;
    where every value shows less than before, general data go down one level, personal data not
    below general-2; an entity that is unknown counts as personal, a grade that is unknown as
    core. Core and important data stay: what makes them so is rarely one value.
    """
    before = effective(grade)
    if isinstance(spec, Suppress | Replace):
        return Grade.GENERAL_1
    if before.at_least(Grade.IMPORTANT) or not spec.lowers():
        return before
    floor = Grade.GENERAL_1 if entity == "NONE" else Grade.GENERAL_2
    ladder = tuple(Grade)
    lowered = ladder[max(before.rank - 1, floor.rank)]
    return lowered if before.at_least(lowered) else before
