"""Cheap facts about values and patterns, so that a pattern meets only values it could match.

Of a value: its length and which classes of characters it holds, found for a whole column in one
pass over its bytes. Of a pattern: the lengths it can match, the classes it may and must hold, read
off its syntax tree. What the tree does not settle counts as possible, so the pre-check never rules
out a value that the pattern matches (property-tested against the patterns alone).
"""

import re
import re._constants as sre  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Bools = NDArray[np.bool_]

DIGIT, LETTER, OTHER = 1, 2, 4
"""Classes of characters: ASCII digits, ASCII letters, everything outside of ASCII. Each other
ASCII character is a class of its own, as far as there are bits; the rest share one."""
_MARKS = " -.:/@+()_,*#%\"'<>=&;[]"
ALL = 2**32 - 1
_REST = 1 << (3 + len(_MARKS))
_UNBOUNDED = 2**31


def _classes() -> NDArray[np.uint32]:
    table = np.full(256, _REST, np.uint32)
    table[ord("0") : ord("9") + 1] = DIGIT
    for first, last in ("AZ", "az"):
        table[ord(first) : ord(last) + 1] = LETTER
    for place, mark in enumerate(_MARKS):
        table[ord(mark)] = 1 << (3 + place)
    table[128:] = OTHER
    return table


_CLASS = _classes()


@dataclass(frozen=True, slots=True)
class Traits:
    """Of each value: its characters and the classes among them."""

    lengths: NDArray[np.int64]
    classes: NDArray[np.uint32]

    def without(self, unwanted: int) -> Bools:
        """Values with no character of the classes."""
        without: Bools = (self.classes & np.uint32(unwanted)) == 0
        return without


@dataclass(frozen=True, slots=True)
class Needs:
    """What a value must be like for a pattern to match the whole of it."""

    shortest: int
    longest: int
    allowed: int
    required: int

    def met(self, traits: Traits, dropped: str = "") -> Bools:
        """Values that the pattern could match when the characters `dropped` are taken out."""
        gone = classes_of(dropped)
        # Without those characters a value is shorter, by how much is not known here.
        fits = (traits.lengths <= self.longest) | ~traits.without(gone)
        met: Bools = (
            (traits.lengths >= self.shortest)
            & fits
            & traits.without(~(self.allowed | gone) & ALL)
            & ((traits.classes & np.uint32(self.required)) == self.required)
        )
        return met

    def met_within(self, traits: Traits, beside: int) -> Bools:
        """Values longer than the pattern that could hold a match beside one of the classes."""
        within: Bools = (
            (traits.lengths > self.shortest)
            & ((traits.classes & np.uint32(self.required)) == self.required)
            & ((traits.classes & np.uint32(beside)) != 0)
        )
        return within


def traits(values: pa.Array) -> Traits:
    """The traits of an Arrow string array; a null is an empty text."""
    filled = values.cast(pa.string()).fill_null("")
    offsets = np.frombuffer(filled.buffers()[1], np.int32)
    offsets = offsets[filled.offset : filled.offset + len(filled) + 1].astype(np.int64)
    data = filled.buffers()[2]
    held = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    classes = np.zeros(len(filled), np.uint32)
    present = np.flatnonzero(np.diff(offsets))
    if len(present):
        # Between the starts of two values that are not empty there are only empty ones.
        each = _CLASS[held[offsets[0] : offsets[-1]]]
        classes[present] = np.bitwise_or.reduceat(each, offsets[present] - offsets[0])
    return Traits(np.asarray(pc.utf8_length(filled)).astype(np.int64), classes)


def classes_of(characters: Iterable[str]) -> int:
    """The classes of some characters."""
    return reduce(lambda bits, c: bits | _class_of(ord(c)), characters, 0)


@lru_cache(maxsize=256)
def needs(pattern: str) -> Needs:
    """What a value must be like for an RE2 pattern to match the whole of it."""
    try:
        # Python knows no \p{Han}; any character outside of ASCII stands for it.
        tree = parser.parse(pattern.replace(r"\p{Han}", "\u4e00"), re.ASCII)
    except re.error:
        return Needs(0, _UNBOUNDED, ALL, 0)
    return _sequence(tree)


def _sequence(items: Iterable[tuple[Any, Any]]) -> Needs:
    shortest = longest = allowed = required = 0
    for operation, argument in items:
        part = _item(operation, argument)
        shortest += part.shortest
        longest = min(_UNBOUNDED, longest + part.longest)
        allowed |= part.allowed
        required |= part.required
    return Needs(shortest, longest, allowed, required)


def _item(operation: Any, argument: Any) -> Needs:
    match operation, argument:
        case sre.LITERAL, int(code):
            bit = _class_of(code)
            return Needs(1, 1, bit, bit)
        case sre.IN, list(members):
            bits = _members(members)
            return Needs(1, 1, bits, bits if bits.bit_count() == 1 else 0)
        case ((sre.NOT_LITERAL | sre.ANY), _):
            return Needs(1, 1, ALL, 0)
        case sre.AT, _:
            return Needs(0, 0, 0, 0)
        case sre.SUBPATTERN, (_, _, _, inner):
            return _sequence(inner)
        case ((sre.MAX_REPEAT | sre.MIN_REPEAT), (int(least), most, inner)):
            part = _sequence(inner)
            times = _UNBOUNDED if most is sre.MAXREPEAT else int(most)
            return Needs(
                part.shortest * least,
                min(_UNBOUNDED, part.longest * times),
                part.allowed,
                part.required if least else 0,
            )
        case sre.BRANCH, (_, branches):
            parts = [_sequence(branch) for branch in branches]
            return Needs(
                min(p.shortest for p in parts),
                max(p.longest for p in parts),
                reduce(lambda a, p: a | p.allowed, parts, 0),
                reduce(lambda a, p: a & p.required, parts, ALL),
            )
    return Needs(0, _UNBOUNDED, ALL, 0)


def _members(members: list[tuple[Any, Any]]) -> int:
    bits = 0
    for operation, argument in members:
        match operation, argument:
            case sre.LITERAL, int(code):
                bits |= _class_of(code)
            case sre.RANGE, (int(first), int(last)):
                bits |= reduce(
                    lambda a, code: a | _class_of(code), range(first, min(last, 128) + 1), 0
                )
            case _:  # negation, or a class such as \s, which outside of ASCII holds more
                return ALL
    return bits


def _class_of(code: int) -> int:
    return OTHER if code > 127 else int(_CLASS[code])
