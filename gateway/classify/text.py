"""Finds and replaces identifiers in free text, Chinese and English mixed.

Importing this module loads presidio (about a second); import it where text is protected and not
at the start of a program.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from presidio_analyzer import AnalyzerEngine
from presidio_anonymizer import AnonymizerEngine
from presidio_anonymizer.entities import OperatorConfig
from presidio_anonymizer.entities import RecognizerResult as Marked

from gateway.classify.engine import engine
from gateway.classify.pack import Pack
from gateway.classify.recognizers import LANGUAGE
from gateway.errors import InvalidRequest
from gateway.model.names import ENTITIES

MAX_CHARACTERS = 1_000_000
THRESHOLD_PERCENT = 40

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
    """Finds and replaces by the rules of one pack. Building it takes about a second: keep it."""

    def __init__(
        self,
        pack: Pack,
        *,
        analyzer: AnalyzerEngine | None = None,
        threshold_percent: int = THRESHOLD_PERCENT,
    ) -> None:
        self._analyzer = analyzer if analyzer is not None else engine(pack)
        self._anonymizer = AnonymizerEngine()  # type: ignore[no-untyped-call]
        self._threshold = threshold_percent / 100

    def find(self, texts: pa.Array, entities: Sequence[str] | None = None) -> pa.Array:
        """The spans in each text, as an array of type SPANS; null where the text is null.

        entities: look only for these. Raises InvalidRequest for a text that is too long or not
        UTF-8, ReleaseStopped when a pattern runs out of time: no text is ever left out.
        """

        def listed(text: str) -> list[dict[str, object]]:
            return [
                {"entity": s.entity, "start": s.start, "end": s.end, "percent": s.percent}
                for s in self.spans(text, entities)
            ]

        return _over_distinct(texts, listed, SPANS)

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

        def redacted(text: str) -> str:
            return self._redacted(text, self.spans(text, entities), configured)

        return _over_distinct(texts, redacted, pa.string())

    def replaced(self, text: str, entities: Sequence[str] | None = None) -> tuple[str, list[Span]]:
        """One text with each span replaced by `<ENTITY>`, and the spans of the original."""
        spans = self.spans(text, entities)
        return self._redacted(text, spans, _configured({})), spans

    def spans(self, text: str, entities: Sequence[str] | None = None) -> list[Span]:
        """The spans in one text. Of overlapping ones the surer stays, then the longer."""
        if len(text) > MAX_CHARACTERS:
            raise InvalidRequest.of("text", f"longer than {MAX_CHARACTERS:,} characters: split it")
        found = self._analyzer.analyze(
            text,
            language=LANGUAGE,
            entities=list(entities) if entities is not None else None,
            score_threshold=self._threshold,
        )
        # The same number may pass as several things; the order must not depend on the engine's.
        found = [result for result in found if not _is_placeholder(text, result.start, result.end)]
        ranked = sorted(found, key=lambda r: (-r.score, r.start - r.end, r.start, r.entity_type))
        kept: list[Span] = []
        taken = bytearray(len(text))
        for result in ranked:
            if not any(taken[result.start : result.end]):
                taken[result.start : result.end] = b"\x01" * (result.end - result.start)
                percent = round(result.score * 100)
                kept.append(Span(result.start, result.end, result.entity_type, percent))
        return sorted(kept)

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


def _is_placeholder(text: str, start: int, end: int) -> bool:
    """Whether this is what `replace` wrote: a text may come to be protected twice."""
    return text[start:end] in ENTITIES and text[start - 1 : start] + text[end : end + 1] == "<>"


def _over_distinct(texts: pa.Array, work: Callable[[str], object], kind: pa.DataType) -> pa.Array:
    """Run `work` once for each distinct text and lay the results out in the texts' order."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid as invalid:
        raise InvalidRequest.of("texts", "a text is not valid UTF-8: declare its encoding") from (
            invalid
        )
    encoded = pc.dictionary_encode(texts.cast(pa.string()))
    results = pa.array([work(text) for text in encoded.dictionary.to_pylist()], kind)
    return results.take(encoded.indices)
