"""Specs of transforms that hide a value, or characters of a text, and what stricter means for them."""

from functools import cache
from typing import Annotated, Any, Final, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, Field, model_validator

from gateway.model.noun import ShortText
from gateway.model.spec import Spec

MaskCharacter = Literal["#", "*", "_", "×", "■", "●", "＊"]
"""Signs that cannot be taken for data, by code point: the join of two is the smaller one."""


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

    def joined(self, other: Spec) -> "Mask | None":
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

    def joined(self, other: Spec) -> "MaskForm | None":
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

    def joined(self, other: Spec) -> "Truncate | None":
        if not isinstance(other, Truncate):
            return None
        return Truncate(length=min(self.length, other.length))


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
