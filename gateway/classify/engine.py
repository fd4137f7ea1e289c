"""Builds the presidio engine that free text is searched with: local, from one rule pack."""

from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NlpEngine

from gateway.classify.language import enhancer
from gateway.classify.pack import Pack
from gateway.classify.recognizers import LANGUAGE, recognizers
from gateway.classify.words import JiebaNlpEngine


def engine(pack: Pack, nlp: NlpEngine | None = None) -> AnalyzerEngine:
    """An analyzer with every recogniser of the pack; it opens no connection, now or later.

    nlp: a language engine built from local files instead of jieba. Analyse with the language
    `recognizers.LANGUAGE`.
    """
    return AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=recognizers(pack), supported_languages=[LANGUAGE]),
        nlp_engine=nlp if nlp is not None else JiebaNlpEngine(pack),
        supported_languages=[LANGUAGE],
        context_aware_enhancer=enhancer(),
    )
