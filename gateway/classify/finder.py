"""Finds identifiers in a column of texts: what presidio finds in each by itself, much faster.

All texts are screened at once; each recogniser then reads only its own candidates, and words are
cut only where a word matters. Spans, entities and scores are those of `reference`, which defines
them: a property test holds the two together.
"""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
from presidio_analyzer import AnalyzerEngine, EntityRecognizer

from gateway.classify.language import Find, Language
from gateway.classify.recognizers import LANGUAGE, AddressRecognizer, NameRecognizer, Strict
from gateway.classify.scanned import Scanned
from gateway.classify.screens import Screens
from gateway.classify.words import JiebaNlpEngine
from gateway.model.names import ENTITIES

Spans = list[tuple[int, int, str, int]]
"""Start, end, entity and trust in percent of each span of a text, in order, none overlapping."""


class Reference:
    """presidio by itself, one text after another. What it finds is what is right."""

    def __init__(self, analyzer: AnalyzerEngine, threshold: float) -> None:
        self._analyzer = analyzer
        self._threshold = threshold

    def find(self, texts: pa.StringArray, entities: Sequence[str] | None) -> dict[int, Spans]:
        """The spans of each text in which there are some; entities None means all."""
        each = ((i, self.spans(text, entities)) for i, text in enumerate(texts.to_pylist()))
        return {index: spans for index, spans in each if spans}

    def spans(self, text: str, entities: Sequence[str] | None = None) -> Spans:
        """The spans of one text."""
        found = self._analyzer.analyze(
            text,
            language=LANGUAGE,
            entities=list(entities) if entities is not None else None,
            score_threshold=self._threshold,
        )
        return resolved(text, [(r.entity_type, r.start, r.end, r.score) for r in found])


class Screened:
    """The same for an engine of `engine.engine`, a whole column at a time."""

    def __init__(self, analyzer: AnalyzerEngine, threshold: float) -> None:
        self._analyzer = analyzer
        self._threshold = threshold
        self._screens = Screens(self._recognizers(None), threshold)
        nlp = analyzer.nlp_engine
        if not isinstance(nlp, JiebaNlpEngine):
            raise TypeError("an engine that `engine.engine` did not build")
        self._language = Language(nlp)

    def find(self, texts: pa.StringArray, entities: Sequence[str] | None) -> dict[int, Spans]:
        """As `Reference.find`."""
        scanned = Scanned(texts)
        recognizers = self._recognizers(entities)
        names = [r for r in recognizers if isinstance(r, NameRecognizer)]
        readers = [r for r in recognizers if isinstance(r, Strict | AddressRecognizer)]
        found: dict[int, list[Find]] = {}
        candidates = self._screens.candidates(scanned, readers)
        for reader in readers:
            chosen = candidates[reader.id].tolist()
            entity = reader.supported_entities[0]
            read = reader.finds_in([scanned.text(index) for index in chosen])
            for index, finds in zip(chosen, read, strict=True):
                if finds:
                    kept = without_contained([(entity, *find) for find in finds])
                    found.setdefault(index, []).extend((reader, *find[1:]) for find in kept)
        settled = self._language.settle(scanned, texts, found, names[0] if names else None)
        spans: dict[int, Spans] = {}
        for index, settled_finds in settled.items():
            sure = [
                (reader.supported_entities[0], start, end, score)
                for reader, start, end, score in settled_finds
                if score >= self._threshold
            ]
            kept_spans = resolved(texts[index].as_py(), without_contained(sure))
            if kept_spans:
                spans[index] = kept_spans
        return spans

    def _recognizers(self, entities: Sequence[str] | None) -> list[EntityRecognizer]:
        chosen: list[EntityRecognizer] = self._analyzer.registry.get_recognizers(
            language=LANGUAGE,
            entities=list(entities) if entities else None,
            all_fields=not entities,
        )
        return chosen


def without_contained(
    finds: list[tuple[str, int, int, float]],
) -> list[tuple[str, int, int, float]]:
    """What presidio's `remove_duplicates` leaves: no find within a surer one of its entity."""
    if len(finds) < 2:
        return finds
    kept: list[tuple[str, int, int, float]] = []
    active: list[tuple[str, int, int, float]] = []
    for find in sorted(set(finds), key=lambda f: (f[0], f[1], f[1] - f[2], -f[3])):
        entity, start, end, score = find
        active = [other for other in active if other[0] == entity and other[2] >= start]
        if not any(start >= a[1] and end <= a[2] and score <= a[3] for a in active):
            kept.append(find)
            active.append(find)
    return kept


def resolved(text: str, finds: Iterable[tuple[str, int, int, float]]) -> Spans:
    """Of overlapping finds the surer stays whole, then the longer; of the other stays what sticks
    out of it, as spans of its own entity, so that all that was found is hidden. A placeholder is
    no find."""
    # The same number may pass as several things; the order must not depend on the engine's.
    ranked = sorted(finds, key=lambda find: (-find[3], find[1] - find[2], find[1], find[0]))
    taken = bytearray(len(text) if len(ranked) > 1 else 0)
    kept: Spans = []
    for entity, start, end, score in ranked:
        if _is_placeholder(text, start, end):
            continue
        percent = round(score * 100)
        if not any(taken[start:end]):
            kept.append((start, end, entity, percent))
        else:
            kept += [(*gap, entity, percent) for gap in _gaps(text, taken, start, end)]
        if taken:
            taken[start:end] = b"\x01" * (end - start)
    return sorted(kept)


def _gaps(text: str, taken: bytearray, start: int, end: int) -> Iterator[tuple[int, int]]:
    """What is not taken yet between two places, where it is more than signs and spaces."""
    while (begin := taken.find(0, start, end)) >= 0:
        start = taken.find(1, begin, end)
        start = start if start >= 0 else end
        if any(map(str.isalnum, text[begin:start])):
            yield begin, start


def _is_placeholder(text: str, start: int, end: int) -> bool:
    """Whether this is what `replace` wrote: a text may come to be protected twice."""
    return text[start:end] in ENTITIES and text[start - 1 : start] + text[end : end + 1] == "<>"
