"""Finds identifiers in free text, Chinese and English mixed.

Importing this module loads presidio (about a second); import it where text is protected and not
at the start of a program.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.classify.engine import engine
from gateway.classify.finder import Screened, Spans
from gateway.classify.folding import without_marks
from gateway.classify.models import NameModel
from gateway.classify.pack import Pack
from gateway.classify.recognizers import LANGUAGE
from gateway.errors import InvalidRequest

MAX_CHARACTERS = 1_000_000
THRESHOLD_PERCENT = 40
# Characters that are scanned at a time.
_PART = 4_000_000

SPANS = pa.list_(
    pa.struct(
        [
            pa.field("entity", pa.string(), nullable=False),
            pa.field("start", pa.int32(), nullable=False),
            pa.field("end", pa.int32(), nullable=False),
            pa.field("percent", pa.int8(), nullable=False),
        ]
    )
)
"""Spans of one text: characters from `start` up to `end`, in order, none overlapping."""


class TextProtector:
    """Finds by the rules of one pack. Building it takes about a second: keep it.

    model: finds persons' names instead of jieba's word list.
    """

    def __init__(self, pack: Pack, *, model: NameModel | None = None) -> None:
        built = engine(pack, model)
        self.entities: Sequence[str] = sorted(built.get_supported_entities(LANGUAGE))
        self._finder = Screened(built, THRESHOLD_PERCENT / 100)

    def find(self, texts: pa.Array, entities: Sequence[str] | None = None) -> pa.Array:
        """The spans in each text, as an array of type SPANS; null where the text is null.

        entities: look only for these. Marks that show nothing are passed over, within a find they
        belong to it. Raises InvalidRequest for a text that is too long or not UTF-8,
        ReleaseStopped when a pattern runs out of time: no text is ever left out.
        """
        distinct = _distinct(texts)
        found = self._spans(distinct.dictionary, entities)
        return _array(found, len(distinct.dictionary)).take(distinct.indices)

    def _spans(self, texts: pa.StringArray, entities: Sequence[str] | None) -> dict[int, Spans]:
        """Of texts without nulls that hold some, in parts that bound the memory it takes."""
        lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
        if len(lengths) and lengths.max() > MAX_CHARACTERS:
            raise InvalidRequest.of("text", f"longer than {MAX_CHARACTERS:,} characters: split it")
        ends = np.cumsum(lengths, dtype=np.int64)
        spans: dict[int, Spans] = {}
        first = 0
        while first < len(texts):
            before = ends[first - 1] if first else 0
            end = max(first + 1, int(np.searchsorted(ends, before + _PART, side="right")))
            part = self._part(texts.slice(first, end - first), entities)
            spans |= {first + index: found for index, found in part.items()}
            first = end
        return spans

    def _part(self, texts: pa.StringArray, entities: Sequence[str] | None) -> dict[int, Spans]:
        bare, stood = without_marks(texts)
        found = self._finder.find(bare, entities)
        for index in found.keys() & stood.keys():
            places = stood[index]
            found[index] = [
                (int(places[start]), int(places[end - 1]) + 1, entity, percent)
                for start, end, entity, percent in found[index]
            ]
        return found


def _distinct(texts: pa.Array) -> pa.DictionaryArray:
    """Each distinct text once, with the places that it stands at."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid as invalid:
        raise InvalidRequest.of("texts", "a text is not valid UTF-8: declare its encoding") from (
            invalid
        )
    return pc.dictionary_encode(texts.cast(pa.string()))


def _array(found: Mapping[int, Spans], texts: int) -> pa.Array:
    counts = np.zeros(texts + 1, dtype=np.int32)
    order = sorted(found)
    counts[[index + 1 for index in order]] = [len(found[index]) for index in order]
    spans = [span for index in order for span in found[index]]
    starts, ends, entities, percents = zip(*spans, strict=True) if spans else ((),) * 4
    columns = {"entity": entities, "start": starts, "end": ends, "percent": percents}
    fields = list(SPANS.value_type)
    items = pa.StructArray.from_arrays(
        [pa.array(columns[field.name], field.type) for field in fields], fields=fields
    )
    return pa.ListArray.from_arrays(pa.array(np.cumsum(counts, dtype=np.int32)), items, type=SPANS)
