"""Builds the presidio engine that free text is searched with: local, from one rule pack."""

from presidio_analyzer import AnalyzerEngine, RecognizerRegistry

from gateway.classify.language import enhancer
from gateway.classify.models import NameModel
from gateway.classify.pack import Pack
from gateway.classify.recognizers import LANGUAGE, recognizers
from gateway.classify.words import JiebaNlpEngine


def engine(pack: Pack, model: NameModel | None = None) -> AnalyzerEngine:
    """An analyzer with every recogniser of the pack; it opens no connection, now or later.

    model: finds names instead of surnames and likelihoods. Analyse with the language
    `recognizers.LANGUAGE`.
    """
    return AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=recognizers(pack), supported_languages=[LANGUAGE]),
        nlp_engine=JiebaNlpEngine(pack, model),
        supported_languages=[LANGUAGE],
        context_aware_enhancer=enhancer(),
    )
