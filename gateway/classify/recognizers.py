"""Recognisers for presidio: the pack's identifiers, and presidio's international ones, offline.

All of them fold full-width characters first (places do not move), run patterns under a time limit
that raises instead of skipping, and use the checks that columns use.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar

import pyarrow as pa
import regex  # type: ignore[import-untyped]
from presidio_analyzer import (
    AnalysisExplanation,
    EntityRecognizer,
    Pattern,
    PatternRecognizer,
    RecognizerResult,
)
from presidio_analyzer.nlp_engine import NlpArtifacts
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    CryptoRecognizer,
    EmailRecognizer,
    IbanRecognizer,
    IpRecognizer,
    MacAddressRecognizer,
    UrlRecognizer,
    UsSsnRecognizer,
)
from tldextract import TLDExtract

from gateway.classify.checks import CHECKS
from gateway.classify.folding import fold_text
from gateway.classify.pack import Identifier, Pack
from gateway.errors import ReleaseStopped

LANGUAGE = "zh"
"""One language for all: texts mix Chinese and English, and every recogniser sees every text."""

SECONDS = 10
"""Time for one pattern over one text; far above what a linear pattern needs."""

_FLAGS = regex.IGNORECASE
_NO_LETTER_BEFORE = r"(?<![0-9A-Za-z_])(?<![0-9]\.)"
_NO_LETTER_AFTER = r"(?![0-9A-Za-z_])(?!\.[0-9])"


class _Strict(PatternRecognizer):
    """A pattern recogniser that folds its text and never skips a pattern that ran out of time."""

    # To Unicode a Chinese character is a letter: presidio's \b saw no boundary in `主机10.0.0.1`.
    _boundaries: ClassVar[int] = regex.ASCII

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: NlpArtifacts | None = None,
        regex_flags: int | None = None,
    ) -> list[RecognizerResult]:
        """Spans of this recogniser's entity. Raises ReleaseStopped when the time is over."""
        del entities, nlp_artifacts
        folded = fold_text(text)
        flags = self._boundaries | (regex_flags or self.global_regex_flags or 0)
        results = []
        patterns: list[Pattern] = self.patterns  # type: ignore[has-type]
        for pattern in patterns:
            compiled = regex.compile(pattern.regex, flags)  # kept in the module's cache
            try:
                for match in compiled.finditer(folded, timeout=SECONDS):
                    result = self._result(pattern, match.start(), match.group())
                    if result is not None:
                        results.append(result)
            except TimeoutError as late:
                raise ReleaseStopped(
                    f"a text took the pattern of {self.supported_entities[0]} more than {SECONDS} "
                    "seconds: shorten the text or take the column out",
                    reason="PATTERN_TIMEOUT",
                ) from late
        return EntityRecognizer.remove_duplicates(results)

    def _result(self, pattern: Pattern, start: int, found: str) -> RecognizerResult | None:
        if not found:
            return None
        valid, score = self.validate_result(found), pattern.score
        if valid is not None:
            score = EntityRecognizer.MAX_SCORE if valid else EntityRecognizer.MIN_SCORE
        if score <= EntityRecognizer.MIN_SCORE or self.invalidate_result(found):
            return None
        return _span(self, start, start + len(found), score)


class FormRecognizer(_Strict):
    """Finds one form of an identifier of the pack, with its check."""

    # The pack's patterns bring their own boundaries, and may name Chinese characters.
    _boundaries = 0

    def __init__(self, form: Identifier, position: int) -> None:
        self._form = form
        super().__init__(
            supported_entity=form.entity,
            name=f"{form.entity}#{position}",
            supported_language=LANGUAGE,
            patterns=[_pattern(form)],
            context=list(form.context),
            global_regex_flags=_FLAGS,
        )

    def _result(self, pattern: Pattern, start: int, found: str) -> RecognizerResult | None:
        result = super()._result(pattern, start, found)
        if result is None or self._form.check is None:
            return result
        bare = "".join(c for c in found.upper() if c not in self._form.drop)
        if not CHECKS[self._form.check](pa.array([bare]))[0]:
            return None
        if not self._form.needs_context:
            # A check digit that one number in ten passes by chance proves less than another.
            result.score = 1 - self._form.chance / 100
        return result


class AddressRecognizer(EntityRecognizer):
    """Finds Chinese addresses from a street and number outwards, in linear time."""

    _TAIL = regex.compile(
        r"(?:大道|路|街|巷|弄|胡同|道|村|里|苑|园|屯|组|小区|社区)"
        r"(?:[\p{Han}A-Za-z0-9#-]{0,20}?[0-9一二三四五六七八九十百]{1,6}\s?"
        r"(?:号|栋|幢|室|单元|楼|组|弄|层|座)){1,8}",
        regex.IGNORECASE,
    )
    # Words that stand before an address and are none of it.
    _LEAD = regex.compile(
        r".*(?:地址|住址|现住|居住|家住|住在|住于|住|位于|迁至|搬到|寄到|寄往|送到|前往|在|于|是|为)"
    )
    _BEFORE = 40  # characters of province, city, district before the street

    def __init__(self, form: Identifier, position: int) -> None:
        self._score = form.score / 100
        super().__init__(
            supported_entities=[form.entity],
            name=f"{form.entity}#{position}",
            supported_language=LANGUAGE,
            context=list(form.context),
        )

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Spans of addresses. Raises ReleaseStopped when the time is over."""
        del entities, nlp_artifacts
        folded = fold_text(text)
        results: list[RecognizerResult] = []
        try:
            for match in self._TAIL.finditer(folded, timeout=SECONDS):
                start = self._start(folded, match.start())
                results.append(_span(self, start, match.end(), self._score))
        except TimeoutError as late:
            raise ReleaseStopped(
                f"a text took the search for addresses more than {SECONDS} seconds: shorten the "
                "text or take the column out",
                reason="PATTERN_TIMEOUT",
            ) from late
        return EntityRecognizer.remove_duplicates(results)

    def _start(self, text: str, street: int) -> int:
        start = street
        while start > max(0, street - self._BEFORE) and "\u3400" <= text[start - 1] <= "\u9fff":
            start -= 1
        lead = self._LEAD.match(text[start:street])
        return start + lead.end() if lead is not None else start


class NameRecognizer(EntityRecognizer):
    """Passes on the names that the engine's language model or word list found."""

    def __init__(self) -> None:
        super().__init__(supported_entities=["PERSON"], name="PERSON", supported_language=LANGUAGE)

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Spans of names, with the engine's scores."""
        del text, entities
        if nlp_artifacts is None:
            return []
        return [
            _span(self, span.start_char, span.end_char, score)
            for span, score in zip(nlp_artifacts.entities, nlp_artifacts.scores, strict=True)
            if span.label_ == "PERSON"
        ]


class _Email(_Strict, EmailRecognizer):
    """presidio's, with a linear pattern and the public suffix list that the package carries.

    An unknown suffix keeps the pattern's score: inside an office `@mail.internal` is an address.
    """

    _suffixes = TLDExtract(cache_dir=None, suffix_list_urls=(), fallback_to_snapshot=True)

    def validate_result(self, pattern_text: str) -> bool | None:
        return True if self._suffixes(pattern_text).fqdn else None


class _Url(_Strict, UrlRecognizer):
    """presidio's, with a linear pattern: its own tries 1,500 endings at every letter."""


class _Ip(_Strict, IpRecognizer):
    """presidio's."""


class _Mac(_Strict, MacAddressRecognizer):
    """presidio's."""


class _CreditCard(_Strict, CreditCardRecognizer):
    """presidio's."""


class _Iban(_Strict, IbanRecognizer):
    """presidio's, matching the pack's pattern and validating with presidio's table."""


class _Ssn(_Strict, UsSsnRecognizer):
    """presidio's."""


class _Crypto(_Strict, CryptoRecognizer):
    """presidio's."""


# How presidio's own are built; those given a pattern have a quadratic one of their own.
_International: Mapping[str, Callable[[Identifier], PatternRecognizer]] = MappingProxyType(
    {
        "EMAIL_ADDRESS": lambda form: _Email([_pattern(form)], list(form.context), LANGUAGE),
        "URL": lambda form: _Url([_pattern(form)], list(form.context), LANGUAGE),
        "IP_ADDRESS": lambda form: _Ip(context=list(form.context), supported_language=LANGUAGE),
        "MAC_ADDRESS": lambda form: _Mac(context=list(form.context), supported_language=LANGUAGE),
        "CREDIT_CARD": lambda form: _CreditCard(
            context=list(form.context), supported_language=LANGUAGE
        ),
        "IBAN_CODE": lambda form: _Iban(context=list(form.context), supported_language=LANGUAGE),
        "US_SSN": lambda form: _Ssn(context=list(form.context), supported_language=LANGUAGE),
    }
)


def recognizers(pack: Pack) -> list[EntityRecognizer]:
    """Every recogniser of the pack, for an AnalyzerEngine of the language LANGUAGE."""
    return [*_of(pack.identifiers), _Crypto(supported_language=LANGUAGE), NameRecognizer()]


def _of(forms: Iterable[Identifier]) -> list[EntityRecognizer]:
    built: list[EntityRecognizer] = []
    for position, form in enumerate(forms):
        if form.text == "presidio":
            built.append(_International[form.entity](form))
        elif form.text == "address":
            built.append(AddressRecognizer(form, position))
        else:
            built.append(FormRecognizer(form, position))
    return built


def _span(by: EntityRecognizer, start: int, end: int, score: float) -> RecognizerResult:
    return RecognizerResult(
        by.supported_entities[0],
        start,
        end,
        score,
        # The context enhancer writes into it.
        analysis_explanation=AnalysisExplanation(recognizer=by.id, original_score=score),
        recognition_metadata={
            RecognizerResult.RECOGNIZER_NAME_KEY: by.id,
            RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: by.id,
        },
    )


def _pattern(form: Identifier) -> Pattern:
    bounded = f"{_NO_LETTER_BEFORE}(?:{form.pattern}){_NO_LETTER_AFTER}"
    return Pattern(form.entity, bounded, form.score / 100)
