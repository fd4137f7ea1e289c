"""Finds in a column of texts: which part of which text, and the texts with others in their place.

A finder counts characters, Arrow counts bytes. Characters are found by the bytes that begin one,
for a whole column at once.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gateway.errors import TransformFailed
from gateway.transform.base import Flags
from gateway.transform.characters import Counts
from gateway.transform.varlen import VarlenColumn, build_text

_CONTINUES: Final = (0xC0, 0x80)
"""UTF-8: a byte whose first two bits are 10 begins no character."""


@dataclass(frozen=True, slots=True, repr=False)
class Finds:
    """All finds of a column of texts, in order of place: find i is of ``entities[i]`` and stands
    at the bytes ``begins[i]`` to ``ends[i]`` of ``texts.data``, in the value ``rows[i]`` of those
    that are not null. The repr is blind, for this is raw data.
    """

    texts: VarlenColumn
    entities: pa.Array
    rows: Counts
    begins: Counts
    ends: Counts

    @classmethod
    def of(cls, texts: pa.Array, spans: pa.Array, threshold: int) -> "Finds":
        """From what a finder says of these texts (ports.TextFinder), of a trust of ``threshold``
        percent or more. TransformFailed when the spans do not fit the texts: what a wrong span
        would leave standing could be an identifier.
        """
        if len(spans) != len(texts) or spans.null_count != texts.null_count:
            raise TransformFailed("the finder of identifiers lost count of the texts")
        if texts.null_count:
            present = texts.is_valid()
            if not present.equals(spans.is_valid()):
                raise TransformFailed("the finder of identifiers lost count of the texts")
            spans = spans.filter(present)
        parts = VarlenColumn.of(texts)
        found = spans.flatten()
        rows = np.repeat(np.arange(parts.rows), _whole(spans.value_lengths()))
        first, last = _whole(found.field("start")), _whole(found.field("end"))
        sure = _whole(found.field("percent")) >= threshold
        begins_one = np.flatnonzero((parts.data & _CONTINUES[0]) != _CONTINUES[1])
        # The number of characters before each text, and in all; and past the last one, the end.
        bounds = np.searchsorted(begins_one, np.append(parts.starts, len(parts.data)))
        places = np.append(begins_one, len(parts.data))
        counts = np.diff(bounds)[rows] if parts.rows else rows
        if (first < 0).any() or (last <= first).any() or (last > counts).any():
            raise TransformFailed("the finder of identifiers names places outside of a text")
        begins, ends = places[bounds[rows] + first], places[bounds[rows] + last]
        if (begins[1:] < ends[:-1]).any():
            raise TransformFailed("the finder of identifiers names places that overlap")
        entities = found.field("entity").filter(pa.array(sure))
        return cls(parts, entities, rows[sure], begins[sure], ends[sure])

    @property
    def count(self) -> int:
        return len(self.rows)

    def values(self, chosen: Flags) -> pa.Array:
        """The texts of the chosen finds, as they stand."""
        lengths = (self.ends - self.begins)[chosen]
        return build_text(
            self.texts.data[_ranges(self.begins[chosen], lengths)], lengths, None, len(lengths)
        )

    def spliced(self, replacements: pa.Array) -> pa.Array:
        """The column with each find replaced by the text of that place; none may be null."""
        if len(replacements) != self.count or replacements.null_count:
            raise TransformFailed("a find in a text has nothing to be replaced by")
        texts, new = self.texts, VarlenColumn.of(replacements)
        # What stays and what is new take turns: n + 1 parts of the texts around n replacements.
        starts = np.empty(2 * self.count + 1, np.int64)
        stops = np.empty_like(starts)
        starts[0], starts[2::2] = 0, self.ends
        stops[:-1:2], stops[-1] = self.begins, len(texts.data)
        starts[1::2] = len(texts.data) + new.starts
        stops[1::2] = starts[1::2] + new.lengths
        source = np.concatenate((texts.data, new.data))
        lengths = texts.lengths.copy()
        np.add.at(lengths, self.rows, new.lengths - (self.ends - self.begins))
        return build_text(
            source[_ranges(starts, stops - starts)], lengths, texts.valid, texts.slots
        )

    def __repr__(self) -> str:
        return f"Finds({self.count} in {self.texts.slots} texts, data hidden)"


def _whole(numbers: pa.Array) -> Counts:
    whole: Counts = numbers.to_numpy(zero_copy_only=False).astype(np.int64)
    return whole


def _ranges(starts: Counts, lengths: Counts) -> NDArray[np.int64]:
    """All places of the ranges, one after another."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))
