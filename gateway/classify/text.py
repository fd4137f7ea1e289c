"""Finds and replaces identifiers in free text, Chinese and English mixed.

Importing this module loads presidio (about a second); import it where text is protected and not
at the start of a program.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from presidio_analyzer import AnalyzerEngine
from presidio_anonymizer import AnonymizerEngine
from presidio_anonymizer.entities import OperatorConfig
from presidio_anonymizer.entities import RecognizerResult as Marked

from gateway.classify.engine import engine
from gateway.classify.finder import Finder, Reference, Screened, Spans
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

Operator = Literal["replace", "mask", "remove"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """An entity found in a text, at characters `start` up to `end`, with the trust in percent."""

    start: int
    end: int
    entity: str
    percent: int


class TextProtector:
    """Finds and replaces by the rules of one pack. Building it takes about a second: keep it.

    model: finds persons' names instead of jieba's word list. analyzer: an engine of one's own; it
    is run on every text as it is unless it is one of `engine.engine`.
    """

    def __init__(
        self,
        pack: Pack,
        *,
        model: NameModel | None = None,
        analyzer: AnalyzerEngine | None = None,
        threshold_percent: int = THRESHOLD_PERCENT,
    ) -> None:
        built = analyzer if analyzer is not None else engine(pack, model)
        self.entities: Sequence[str] = sorted(built.get_supported_entities(LANGUAGE))
        threshold = threshold_percent / 100
        # An engine with recognisers of somebody else's is run as it is.
        self._finder: Finder = (Screened if Screened.fits(built) else Reference)(built, threshold)
        self._anonymizer = AnonymizerEngine()  # type: ignore[no-untyped-call]

    def find(self, texts: pa.Array, entities: Sequence[str] | None = None) -> pa.Array:
        """The spans in each text, as an array of type SPANS; null where the text is null.

        entities: look only for these. Raises InvalidRequest for a text that is too long or not
        UTF-8, ReleaseStopped when a pattern runs out of time: no text is ever left out.
        """
        distinct = _distinct(texts)
        found = self._spans(distinct.dictionary, entities)
        return _array(found, len(distinct.dictionary)).take(distinct.indices)

    def redact(
        self,
        texts: pa.Array,
        operators: Mapping[str, Operator] | None = None,
        entities: Sequence[str] | None = None,
    ) -> pa.Array:
        """The texts with each span replaced by `<ENTITY>`, masked with `*`, or removed.

        operators: by entity; the key `DEFAULT` is for the others and is `replace` if not given.
        Errors as `find`.
        """
        configured = _configured(operators if operators is not None else {})
        distinct = _distinct(texts)
        found = self._spans(distinct.dictionary, entities)
        redacted = distinct.dictionary.to_pylist()
        for index, spans in found.items():
            each = [Span(*span) for span in spans]
            redacted[index] = self._redacted(redacted[index], each, configured)
        return pa.array(redacted, pa.string()).take(distinct.indices)

    def replaced(self, text: str, entities: Sequence[str] | None = None) -> tuple[str, list[Span]]:
        """One text with each span replaced by `<ENTITY>`, and the spans of the original."""
        spans = self.spans(text, entities)
        return self._redacted(text, spans, _configured({})), spans

    def spans(self, text: str, entities: Sequence[str] | None = None) -> list[Span]:
        """The spans in one text. Of overlapping ones the surer stays, then the longer."""
        found = self._spans(pa.array([text], pa.string()), entities)
        return [Span(*span) for span in found.get(0, [])]

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
            part = self._finder.find(texts.slice(first, end - first), entities)
            spans |= {first + index: found for index, found in part.items()}
            first = end
        return spans

    def _redacted(
        self, text: str, spans: list[Span], operators: Mapping[str, OperatorConfig]
    ) -> str:
        marked = [Marked(s.entity, s.start, s.end, s.percent / 100) for s in spans]
        result = self._anonymizer.anonymize(
            text, marked, dict(operators), merge_entities_with_spaces=False
        )
        return str(result.text)


def _configured(operators: Mapping[str, Operator]) -> dict[str, OperatorConfig]:
    # presidio's replace without a new value writes the entity in angle brackets.
    made = {
        "replace": OperatorConfig("replace"),
        "mask": OperatorConfig(
            "mask", {"masking_char": "*", "chars_to_mask": MAX_CHARACTERS, "from_end": False}
        ),
        "remove": OperatorConfig("redact"),
    }
    unknown = sorted(set(operators.values()) - set(made))
    if unknown:
        raise InvalidRequest.of("operators", f"known operators are {', '.join(sorted(made))}")
    return {"DEFAULT": made["replace"], **{e: made[name] for e, name in operators.items()}}


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
