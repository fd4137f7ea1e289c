"""Masks by position and by pattern, truncation, and replacement by pattern."""

from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.model.transforms import Mask, MaskPattern, ReplacePattern, Truncate
from gateway.transform.base import (
    Claim,
    ColumnTransform,
    Outcome,
    as_text,
    outcome,
    text_output,
)
from gateway.transform.characters import Characters, is_one_of

RUN = 3
"""Signs in a mask that does not show the length of what it hides."""


class MaskColumn(ColumnTransform[Mask]):
    """All but the first and last few characters hidden."""

    claim: ClassVar[Claim] = Claim(
        guarantee=(
            "of a value only the kept characters, the separators, and (with keep_length) the number "
            "of characters can be seen; a value with any character to hide is never unchanged"
        ),
        precondition="what is kept does not identify on its own; see the ready forms for safe sizes",
        leaves="equal values stay equal; kept characters can be joined with other sources",
        source="GB/T 37964-2019, suppression of parts of a value",
    )

    @classmethod
    def output_for(cls, spec: Mask, source_type: pa.DataType) -> pa.DataType:
        return text_output(spec, source_type)

    def run(self, column: pa.Array) -> Outcome:
        text = as_text(column)
        masked = self._in_place(text) if self.spec.keep_length else self._cut(text)
        return Outcome(masked, None)

    def _in_place(self, text: pa.Array) -> pa.Array:
        spec, characters = self.spec, Characters.of(text)
        stays = is_one_of(characters.codes, spec.separators)
        places, counts = characters.positions(), characters.lengths
        if spec.separators:
            counted = np.cumsum(~stays)
            before = np.concatenate((np.zeros(1, np.int64), counted))[characters.starts]
            places = counted - 1 - np.repeat(before, characters.lengths)
            counts = counts - characters.count(stays)
        # Where the kept end begins; a short value has no kept part at all.
        short = counts < spec.shortest
        first = np.repeat(np.where(short, 0, spec.keep_first), characters.lengths)
        last = np.repeat(counts - np.where(short, 0, spec.keep_last), characters.lengths)
        stays |= (places < first) | (places >= last)
        hidden = np.where(stays, characters.codes, np.uint32(ord(spec.character)))
        return characters.with_codes(hidden).column()

    def _cut(self, text: pa.Array) -> pa.Array:
        spec, run = self.spec, self.spec.character * RUN
        short = pc.less(pc.utf8_length(text), spec.shortest)
        head = pc.utf8_slice_codeunits(text, 0, spec.keep_first)
        tail = pc.utf8_slice_codeunits(text, -spec.keep_last) if spec.keep_last else ""
        masked = pc.binary_join_element_wise(head, run, tail, "")
        return pc.if_else(short, run, masked)


class MaskPatternColumn(ColumnTransform[MaskPattern]):
    """Every match of a pattern behind three signs."""

    claim: ClassVar[Claim] = Claim(
        guarantee="no text that the pattern matched is left, nor its length",
        precondition="the pattern matches all that must be hidden",
        leaves="everything outside the matches; how many matches there were",
        source="RE2 (linear time, no time-out to run into)",
    )

    @classmethod
    def output_for(cls, spec: MaskPattern, source_type: pa.DataType) -> pa.DataType:
        return text_output(spec, source_type)

    def run(self, column: pa.Array) -> Outcome:
        text, spec = as_text(column), self.spec
        masked = pc.replace_substring_regex(text, spec.pattern, spec.character * RUN)
        return _unmatched(text, masked, spec)


class ReplacePatternColumn(ColumnTransform[ReplacePattern]):
    """Every match of a pattern rewritten."""

    claim: ClassVar[Claim] = Claim(
        guarantee="every match was rewritten; a value without a match is handled as the spec says",
        precondition="the replacement shows no more than it should of what was matched",
        leaves="everything outside the matches, and the groups that the replacement names",
        source="RE2",
    )

    @classmethod
    def output_for(cls, spec: ReplacePattern, source_type: pa.DataType) -> pa.DataType:
        return text_output(spec, source_type)

    def run(self, column: pa.Array) -> Outcome:
        text, spec = as_text(column), self.spec
        return _unmatched(
            text, pc.replace_substring_regex(text, spec.pattern, spec.replacement), spec
        )


def _unmatched(text: pa.Array, changed: pa.Array, spec: MaskPattern | ReplacePattern) -> Outcome:
    if spec.unmatched == "keep":
        return Outcome(changed, None)
    return outcome(changed, pc.invert(pc.match_substring_regex(text, spec.pattern)))


class TruncateColumn(ColumnTransform[Truncate]):
    """The first few characters."""

    claim: ClassVar[Claim] = Claim(
        guarantee="no character after the first `length` can be seen",
        precondition="all values are longer than `length`: a shorter one stays whole",
        leaves="the first characters; of shorter values everything",
        source="GB/T 37964-2019, generalisation",
    )

    @classmethod
    def output_for(cls, spec: Truncate, source_type: pa.DataType) -> pa.DataType:
        return text_output(spec, source_type)

    def run(self, column: pa.Array) -> Outcome:
        return Outcome(pc.utf8_slice_codeunits(as_text(column), 0, self.spec.length), None)
