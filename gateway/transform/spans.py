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
    that are not null. ``whole[i]`` is False where it is only a part of what was found, so that no
    transform can be asked about it. The repr is blind, for this is raw data.
    """

    texts: VarlenColumn
    entities: pa.Array
    rows: Counts
    begins: Counts
    ends: Counts
    whole: Flags

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
        whole = np.ones(len(entities), np.bool_)
        return cls(parts, entities, rows[sure], begins[sure], ends[sure], whole)

    @property
    def count(self) -> int:
        return len(self.rows)

    def giving_way(self, flags: Flags, kept: "Finds", others: "Finds") -> "Finds":
        """The finds with those that are to be kept, which ``flags`` names, out of the way of others.

        ``kept`` and ``others`` are what is found in the values that hold such a find when nothing
        but the entities to be kept, and nothing but all others, is looked for. Where two overlap,
        the other stands there whole, and what is left of the kept find beside it is a find that is
        not whole. Only of the very same characters the kept find stays what it is if it was surer.
        """
        first = np.searchsorted(others.ends, kept.begins, side="right")
        last = np.searchsorted(others.begins, kept.ends, side="left")
        stood = np.searchsorted(self.begins[flags], kept.begins, side="right") - 1
        won = (stood >= 0) & (self.begins[flags][stood] == kept.begins)
        won &= self.ends[flags][stood] == kept.ends
        same = np.zeros(kept.count, np.bool_)
        alone = np.flatnonzero((last - first == 1) & won)
        other = first[alone]
        same[alone] = (others.begins[other] == kept.begins[alone]) & (
            others.ends[other] == kept.ends[alone]
        )
        displaced = np.zeros(others.count, np.bool_)
        displaced[first[same]] = True
        mixed = (last > first) & ~same
        return _in_order(
            self.only(~np.isin(self.rows, self.rows[flags])),
            kept.only(~mixed),
            others.only(~displaced),
            kept.beside(np.flatnonzero(mixed), others, first[mixed], last[mixed]),
        )

    def beside(self, finds: Counts, others: "Finds", first: Counts, last: Counts) -> "Finds":
        """What of each of the finds stands before, between and behind those of ``others`` from
        ``first`` up to ``last``."""
        inside = last - first
        places = np.repeat(np.arange(len(finds)), inside + 1)
        opens, closes = np.cumsum(inside + 1) - inside - 1, np.cumsum(inside + 1) - 1
        overlapping = _ranges(first, inside)
        begins, ends = np.empty(len(places), np.int64), np.empty(len(places), np.int64)
        opening, closing = np.zeros(len(places), np.bool_), np.zeros(len(places), np.bool_)
        opening[opens], closing[closes] = True, True
        begins[opening], begins[~opening] = self.begins[finds], others.ends[overlapping]
        ends[closing], ends[~closing] = self.ends[finds], others.begins[overlapping]
        parts = begins < ends
        chosen = finds[places][parts]
        return Finds(
            self.texts,
            self.entities.take(pa.array(chosen)),
            self.rows[chosen],
            begins[parts],
            ends[parts],
            np.zeros(len(chosen), np.bool_),
        )

    def of_parts(self, before: Counts, after: Counts, over: int) -> tuple["Finds", int]:
        """The same in texts that are parts of longer ones, without the ``before`` and ``after``
        bytes of each that stand around the part (of each value that is not null).

        A find that begins in a part belongs to it whole, also where it goes on behind it; the parts
        that follow begin behind it. ``over``: how many bytes the part before the first one took of
        it; the second result is the same for the part that follows the last one.
        """
        texts = self.texts
        sizes = texts.lengths - before - after
        totals = np.cumsum(sizes)
        # From here on places count bytes of the parts, one part after another, nothing around them.
        shift = totals - sizes - texts.starts - before
        begins, ends = self.begins + shift[self.rows], self.ends + shift[self.rows]
        mine = (ends > (totals - sizes)[self.rows]) & (begins < totals[self.rows])
        reach = np.full(texts.rows + 1, over, np.int64)
        np.maximum.at(reach, self.rows[mine] + 1, ends[mine])
        reach = np.maximum.accumulate(reach)
        lowest = np.maximum(reach[:-1], totals - sizes)
        mine &= ends > lowest[self.rows]
        found, lows = self.only(mine), lowest[self.rows[mine]]
        begins, ends = begins[mine], ends[mine]
        whole = found.whole & (begins >= lows)
        upto = np.maximum(reach[1:], totals)
        lengths = upto - lowest
        data = texts.data[_ranges(lowest - shift, lengths)]
        starts = np.cumsum(lengths) - lengths
        cut = VarlenColumn(data, starts, lengths, texts.valid, texts.slots, large=texts.large)
        moved = (starts - lowest)[found.rows]
        done = Finds(
            cut, found.entities, found.rows, np.maximum(begins, lows) + moved, ends + moved, whole
        )
        end = int(totals[-1]) if len(totals) else 0
        return done, max(int(reach[-1]) - end, 0)

    def only(self, chosen: Flags) -> "Finds":
        """The chosen ones."""
        return Finds(
            self.texts,
            self.entities.filter(pa.array(chosen)),
            self.rows[chosen],
            self.begins[chosen],
            self.ends[chosen],
            self.whole[chosen],
        )

    def values(self, chosen: Flags) -> pa.Array:
        """The texts of the chosen finds, as they stand."""
        lengths = (self.ends - self.begins)[chosen]
        return build_text(
            self.texts.data[_ranges(self.begins[chosen], lengths)], lengths, None, len(lengths)
        )

    def spliced(self, replacements: pa.Array) -> pa.Array:
        """The texts with each find replaced by the text of that place; none may be null."""
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


def _in_order(*finds: Finds) -> Finds:
    begins = np.concatenate([one.begins for one in finds])
    order = np.argsort(begins, kind="stable")
    return Finds(
        finds[0].texts,
        pa.concat_arrays([one.entities for one in finds]).take(pa.array(order)),
        np.concatenate([one.rows for one in finds])[order],
        begins[order],
        np.concatenate([one.ends for one in finds])[order],
        np.concatenate([one.whole for one in finds])[order],
    )


def _whole(numbers: pa.Array) -> Counts:
    whole: Counts = numbers.to_numpy(zero_copy_only=False).astype(np.int64)
    return whole


def _ranges(starts: Counts, lengths: Counts) -> NDArray[np.int64]:
    """All places of the ranges, one after another."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))
