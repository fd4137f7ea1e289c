"""What words add to finds: names, and the trust that a word near a find gives it.

presidio cuts every text into words and looks through them; here jieba is asked only for the words
that matter: it cuts each run of characters by itself.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass

import pyarrow as pa
from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.context_aware_enhancers import (
    LemmaContextAwareEnhancer,
)
from presidio_analyzer.nlp_engine import NlpArtifacts

from gateway.classify.folding import has_plain_cases
from gateway.classify.recognizers import LANGUAGE, NameRecognizer
from gateway.classify.scanned import Scanned
from gateway.classify.words import BLOCK, JiebaNlpEngine

Find = tuple[EntityRecognizer, int, int, float]
"""Who found it, start, end and score."""
Found = dict[int, list[Find]]
"""The finds in each text, by the text's number."""

WORDS_BEFORE = 6
"""How many words before a find are looked at, beside the one it begins in."""


def enhancer() -> LemmaContextAwareEnhancer:
    """Presidio's enhancer as this module reckons: whole words (`tel` near a number helps, `hotel`
    does not), and none behind the find."""
    return Nearby(context_prefix_count=WORDS_BEFORE, context_matching_mode="whole_word")


class Nearby(LemmaContextAwareEnhancer):
    """presidio's, which walks through all words of the text for each find: in a text of many
    finds that takes minutes, in which the process does little else."""

    def enhance_using_context(
        self,
        text: str,
        raw_results: list[RecognizerResult],
        nlp_artifacts: NlpArtifacts,
        recognizers: list[EntityRecognizer],
        context: list[str] | None = None,
    ) -> list[RecognizerResult]:
        # It is only asked what is in them, for each word near each find.
        nlp_artifacts.keywords = frozenset(nlp_artifacts.keywords)  # type: ignore[assignment]
        enhanced: list[RecognizerResult] = super().enhance_using_context(
            text, raw_results, nlp_artifacts, recognizers, context
        )
        return enhanced

    @staticmethod
    def _find_index_of_match_token(
        word: str,  # noqa: ARG004 - presidio's signature
        start: int,
        tokens: Sequence[Sized],
        tokens_indices: Sequence[int],
    ) -> int:
        """The word at character ``start``, or the first one behind it."""
        at = max(0, bisect_right(tokens_indices, start) - 1)
        behind = start >= tokens_indices[at] + len(tokens[at])
        return min(at + behind, len(tokens) - 1)


class Language:
    """Adds names to the finds of a column of texts, and raises scores by context."""

    def __init__(self, nlp: JiebaNlpEngine) -> None:
        self._nlp = nlp
        self._context: dict[str, _Context] = {}
        nearby = enhancer()
        self._factor = nearby.context_similarity_factor
        self._least = nearby.min_score_with_context_similarity

    def settle(
        self, scanned: Scanned, texts: pa.StringArray, found: Found, names: NameRecognizer | None
    ) -> Found:
        """The finds with their scores raised, and the names; `texts` as they came, not folded."""
        settled = {
            index: self._raised(scanned.text(index), finds) for index, finds in found.items()
        }
        if names is not None:
            for index, start, end, score in self._nlp.names_in(scanned, texts):
                settled.setdefault(index, []).append((names, start, end, score))
        return settled

    def _raised(self, folded: str, finds: list[Find]) -> list[Find]:
        words: _Words | None = None
        lowered = folded.lower()
        near: dict[str, bool] = {}
        raised = []
        for by, start, end, score in finds:
            wanted = self._context_of(by)
            if by.id not in near:
                # Only what stands in the text at all can be one of its words.
                near[by.id] = wanted.can_be_in(lowered)
            if score < 1 and near[by.id]:
                words = words or _Words(self._nlp, folded)
                if words.is_near(wanted.words, start):
                    score = min(max(score + self._factor, self._least), 1.0)  # noqa: PLW2901
            raised.append((by, start, end, score))
        return raised

    def _context_of(self, by: EntityRecognizer) -> "_Context":
        if by.id not in self._context:
            words = frozenset(word.lower() for word in by.context)
            self._context[by.id] = _Context(words, all(map(has_plain_cases, words)))
        return self._context[by.id]


@dataclass(frozen=True, slots=True)
class _Context:
    """The context words of a recogniser, in small letters."""

    words: frozenset[str]
    plain: bool

    def can_be_in(self, lowered: str) -> bool:
        """Whether a word can be one of those of a text, whose small letters are given."""
        return any(word in lowered for word in self.words) if self.plain else True


class _Words:
    """The words of one folded text, cut where they are asked for."""

    def __init__(self, nlp: JiebaNlpEngine, folded: str) -> None:
        self._nlp = nlp
        self._folded = folded
        self._blocks = [match.span() for match in BLOCK.finditer(folded)]
        self._starts = [start for start, _ in self._blocks]
        self._cut: dict[int, tuple[list[str], list[int]]] = {}

    def is_near(self, wanted: frozenset[str], place: int) -> bool:
        """Whether one of the words stands at the place or among the WORDS_BEFORE before it.

        presidio looks forward, too, for no word more than the one at the place. Where that does
        not count (`be`, or a sign that a find begins with) it takes the next that does.
        """
        if next(self._forward(place), None) in wanted:
            return True
        left = WORDS_BEFORE + 1
        for word in self._backward(place):
            if word in wanted:
                return True
            left -= 1
            if not left:
                break
        return False

    def _backward(self, place: int) -> Iterator[str]:
        """Small letters of the words that count, from the one at the place to the beginning."""
        block = bisect_right(self._starts, place) - 1
        while place >= 0:
            if block >= 0 and place < self._blocks[block][1]:
                words, starts = self._words(block)
                for at in range(bisect_right(starts, place) - 1, -1, -1):
                    if self._counts(word := words[at].lower()):
                        yield word
                place = self._blocks[block][0] - 1
                block -= 1
            else:
                if self._counts(word := self._folded[place].lower()):
                    yield word
                place -= 1

    def _forward(self, place: int) -> Iterator[str]:
        """The same from the one at the place to the end."""
        block = bisect_right(self._starts, place) - 1
        while place < len(self._folded):
            if block >= 0 and place < self._blocks[block][1]:
                words, starts = self._words(block)
                for at in range(bisect_right(starts, place) - 1, len(words)):
                    if self._counts(word := words[at].lower()):
                        yield word
                place = self._blocks[block][1]
            else:
                if self._counts(word := self._folded[place].lower()):
                    yield word
                place += 1
            if place in self._starts[block + 1 : block + 2]:
                block += 1

    def _counts(self, word: str) -> bool:
        return word != "be" and not self._nlp.is_punct(word, LANGUAGE)

    def _words(self, block: int) -> tuple[list[str], list[int]]:
        """The words of a block and where they begin in the text."""
        if block not in self._cut:
            start, end = self._blocks[block]
            words = self._nlp.cut(self._folded[start:end])
            starts = []
            for word in words:
                starts.append(start)
                start += len(word)
            self._cut[block] = words, starts
        return self._cut[block]
