"""Free text with the identifiers in it replaced: found, transformed as columns are, put back.

All finds of a piece of the column are one flat array for each entity, so that a transform of
columns runs once for all of them; no loop goes over texts or finds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import CallerError, InvalidRequest, TransformFailed
from gateway.model.transforms import RedactText
from gateway.ports import TextFinder
from gateway.transform.base import (
    Claim,
    ColumnTransform,
    Flags,
    Outcome,
    Resources,
    unsupported,
)
from gateway.transform.characters import Counts
from gateway.transform.found import canonical_form
from gateway.transform.spans import Finds
from gateway.transform.text_parts import Parts, in_parts, joined

_PIECE: Final = 4 << 20
"""Bytes of text that are worked on at a time; about ten times as many are needed for them."""


@dataclass(frozen=True, slots=True, repr=False)
class Redacted:
    """The texts protected, and of each the entities that were found in it, in order of place:
    an array of lists of text, null where the text is null. The repr is blind."""

    texts: pa.Array
    found: pa.Array

    def __repr__(self) -> str:
        return f"Redacted({len(self.texts)} texts, data hidden)"


class RedactTextColumn(ColumnTransform[RedactText]):
    """Texts with each find replaced by what the spec says of its entity."""

    claim: ClassVar[Claim] = Claim(
        guarantee=(
            "whatever the named rules find with the trust asked for is replaced as its entity's "
            "transform says; a find that the transform cannot handle is replaced by its entity's "
            "name; a find that is kept never uncovers another one: where the two overlap both are "
            "hidden; a value has the token of its form in a clean column"
        ),
        precondition=(
            "the rules find what must be hidden: unusual names, nicknames, and what only people "
            "who know the case can recognise are not found"
        ),
        leaves="the whole rest of the text; where something was found and of which entity",
        source="GB/T 37964-2019, suppression and pseudonymisation",
    )

    @classmethod
    def output_for(cls, spec: RedactText, source_type: pa.DataType) -> pa.DataType:
        if not pa.types.is_string(source_type):
            raise unsupported(spec, source_type, "text")
        return pa.string()

    def prepare(self, resources: Resources) -> None:
        finder = resources.finder
        if finder is None:
            raise InvalidRequest.of("transform", "redact_text needs a finder of identifiers")
        if self.spec.rules not in (None, finder.rules):
            raise InvalidRequest.of(
                "transform", "the rules that find identifiers are not those it was planned with"
            )
        self._finder: TextFinder = finder
        self._transforms = resources.finds
        kept = (e for e, action in self.spec.transforms.items() if action.kind == "keep")
        self._kept = frozenset(kept)

    def run(self, column: pa.Array) -> Outcome:
        return Outcome(self.redact(column).texts, None)

    def redact(self, column: pa.Array) -> Redacted:
        """As ``apply``, and what was found. ReleaseStopped or TransformFailed when a text could
        not be searched: none is ever left out."""
        parts, offsets = in_parts(column)
        done, _ = self.redact_parts(parts)
        if offsets is None:
            return done
        return Redacted(joined(done.texts, offsets), _lists_joined(done.found, offsets))

    def redact_parts(
        self, parts: Parts, over: int = 0, entities: Sequence[str] | None = None
    ) -> tuple[Redacted, int]:
        """Parts of texts protected, without what stands around them; ``entities``: look only for
        these. ``over`` is the second result of the call for the parts before, if the first of these
        goes on with their text. Raises as ``redact``."""
        done = []
        for piece in _pieces(parts):
            redacted, over = self._redact(piece, over, entities)
            done.append(redacted)
        texts = pa.concat_arrays([one.texts for one in done])
        return Redacted(texts, pa.concat_arrays([one.found for one in done])), over

    def _redact(
        self, parts: Parts, over: int, entities: Sequence[str] | None
    ) -> tuple[Redacted, int]:
        finds = self._found(parts.texts, entities)
        texts = parts.texts
        if over or parts.before.any() or parts.after.any():
            there = slice(None) if finds.texts.valid is None else finds.texts.valid
            finds, over = finds.of_parts(parts.before[there], parts.after[there], over)
            texts = finds.texts.to_arrow()
        self._finder.settled(finds.entities)
        written = finds.spliced(self._replacements(finds)) if finds.count else texts
        return Redacted(written, _lists(finds)), over

    def _found(self, texts: pa.Array, entities: Sequence[str] | None) -> Finds:
        finds = Finds.of(texts, self._searched(texts, entities), self.spec.threshold)
        kept = pc.is_in(finds.entities, pa.array(sorted(self._kept), pa.string()))
        looked_for = entities or self._finder.entities
        others = [e for e in looked_for if e not in self._kept]
        if not others or not pc.any(kept).as_py():
            return finds
        # A find that is kept may have won over another one, which then would be kept with it.
        flags = kept.to_numpy(zero_copy_only=False)
        valid = finds.texts.valid
        there = np.arange(len(texts)) if valid is None else np.flatnonzero(valid)
        chosen = there[np.unique(finds.rows[flags])]
        return finds.giving_way(
            flags,
            self._found_in(texts, chosen, [e for e in looked_for if e in self._kept]),
            self._found_in(texts, chosen, others),
        )

    def _found_in(self, texts: pa.Array, chosen: Counts, entities: Sequence[str]) -> Finds:
        """What is found of the entities in the chosen texts, as finds in all of them."""
        spans = self._searched(texts.take(pa.array(chosen)), entities)
        places = np.full(len(texts), len(chosen))
        places[chosen] = np.arange(len(chosen))
        order = pa.array(places, mask=texts.is_null().to_numpy(zero_copy_only=False))
        everywhere = pa.concat_arrays([spans, pa.array([[]], spans.type)]).take(order)
        return Finds.of(texts, everywhere, self.spec.threshold)

    def _searched(self, texts: pa.Array, entities: Sequence[str] | None) -> pa.Array:
        try:
            return self._finder.find(texts, entities)
        except CallerError as fault:
            # Who asks for a release did not write the text.
            raise TransformFailed(f"a text could not be searched: {fault.message}") from fault

    def _replacements(self, finds: Finds) -> pa.Array:
        coded = finds.entities.dictionary_encode()
        codes = coded.indices.to_numpy(zero_copy_only=False)
        replaced, places = [], []
        for code, entity in enumerate(coded.dictionary.to_pylist()):
            chosen = codes == code
            replaced.append(self._replaced(finds, chosen, entity))
            places.append(np.flatnonzero(chosen))
        order = np.argsort(np.concatenate(places))
        return pa.concat_arrays(replaced).take(pa.array(order))

    def _replaced(self, finds: Finds, chosen: Flags, entity: str) -> pa.Array:
        values, action = finds.values(chosen), self.spec.action(entity)
        if isinstance(action, str):
            return self._finder.write(action, entity, pc.utf8_length(values))
        # Kept as it was typed; everything else is one form of a value whatever was typed.
        shaped = values if action.kind == "keep" else canonical_form(entity, values)
        written = self._transforms[entity].apply(shaped).column
        whole = finds.whole[chosen]
        if not written.null_count and whole.all():
            return written
        named = self._finder.write("replace", entity, pc.utf8_length(values))
        return pc.coalesce(pc.if_else(pa.array(whole), written, None), named)


def _pieces(parts: Parts) -> Iterator[Parts]:
    """Slices of about _PIECE bytes; one at least."""
    size = pc.fill_null(pc.binary_length(parts.texts), 0).to_numpy(zero_copy_only=False)
    piece = np.cumsum(size, dtype=np.int64) // _PIECE
    begins = [0, *(np.flatnonzero(np.diff(piece)) + 1).tolist(), len(parts.texts)]
    for begin, end in pairwise(begins):
        yield parts.slice(begin, end)


def _lists(finds: Finds) -> pa.Array:
    texts = finds.texts
    counts = np.zeros(texts.slots, np.int64)
    in_texts = np.bincount(finds.rows, minlength=texts.rows)
    counts[slice(None) if texts.valid is None else texts.valid] = in_texts
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    nulls = None if texts.valid is None else pa.array(~texts.valid)
    return pa.ListArray.from_arrays(pa.array(offsets), finds.entities, mask=nulls)


def _lists_joined(lists: pa.Array, offsets: pa.Array) -> pa.Array:
    """Lists of parts as lists of texts: only a text of one part can be null."""
    ends = np.concatenate(([0], np.cumsum(pc.fill_null(pc.list_value_length(lists), 0))))
    firsts = offsets.to_numpy()
    nulls = lists.is_null().to_numpy(zero_copy_only=False)[firsts[:-1]]
    return pa.ListArray.from_arrays(
        pa.array(ends[firsts].astype(np.int32)), lists.flatten(), mask=pa.array(nulls)
    )
