"""Builds the presidio engine that free text is searched with: local, from one rule pack."""

from bisect import bisect_right
from collections.abc import Sequence, Sized

from presidio_analyzer import (
    AnalyzerEngine,
    EntityRecognizer,
    RecognizerRegistry,
    RecognizerResult,
)
from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

from gateway.classify.pack import Pack
from gateway.classify.recognizers import LANGUAGE, recognizers
from gateway.classify.words import JiebaNlpEngine


class _Nearby(LemmaContextAwareEnhancer):
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


def engine(pack: Pack, nlp: NlpEngine | None = None) -> AnalyzerEngine:
    """An analyzer with every recogniser of the pack; it opens no connection, now or later.

    nlp: a language engine built from local files instead of jieba. Analyse with the language
    `recognizers.LANGUAGE`.
    """
    return AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=recognizers(pack), supported_languages=[LANGUAGE]),
        nlp_engine=nlp if nlp is not None else JiebaNlpEngine(pack),
        supported_languages=[LANGUAGE],
        # Whole words: `tel` near a number helps, `hotel` does not.
        context_aware_enhancer=_Nearby(context_prefix_count=6, context_matching_mode="whole_word"),
    )
