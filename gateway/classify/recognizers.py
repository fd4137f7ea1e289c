"""Recognisers for presidio: the pack's identifiers, and presidio's international ones, offline.

All of them fold full-width characters first (places do not move), run patterns under a time limit
that raises instead of skipping, and use the checks that columns use.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
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
from gateway.errors import ConfigurationError, ReleaseStopped

LANGUAGE = "zh"
"""One language for all: texts mix Chinese and English, and every recogniser sees every text."""

SECONDS = 10
"""Time for one pattern over one text; far above what a linear pattern needs."""

Find = tuple[int, int, float]
"""Start, end and score."""

_FLAGS = regex.IGNORECASE
_NO_LETTER_BEFORE, _NO_LETTER_AFTER = r"(?<![A-Za-z])", r"(?![A-Za-z])"
# A number with a point in it is no identifier. Where a form by itself says little, every digit and
# point beside it makes one of it; elsewhere `1.` begins an item of a list, `0.` and `116.` do not,
# and a point behind belongs to a number only where money follows.
_NO_POINT_BEFORE, _NO_POINT_AFTER = r"(?!(?<=[0-9]\.)[0-9])", r"(?!\.[0-9])"
_NO_DECIMAL_BEFORE = r"(?!(?<=(?<![0-9])(?:0|[0-9]{3,10})\.)[0-9])"
_NO_DECIMAL_AFTER = r"(?!\.[0-9]{1,9}[ ]?(?:[元万亿%‰]|RMB|CNY|USD|EUR))"


class Strict(PatternRecognizer):
    """A pattern recogniser that folds its text and never skips a pattern that ran out of time."""

    # To Unicode a Chinese character is a letter: presidio's \b saw no boundary in `主机10.0.0.1`.
    _boundaries: ClassVar[int] = regex.ASCII

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        patterns: list[Pattern] = self.patterns  # type: ignore[has-type]
        flags = self._boundaries | (self.global_regex_flags or 0)
        try:
            self._compiled = tuple((regex.compile(p.regex, flags), p.score) for p in patterns)
        except (regex.error, ValueError) as unread:
            raise ConfigurationError(
                f"the rule pack's file identifiers.yaml: the pattern of {self.supported_entities[0]} "
                "is none that texts can be searched with: write it without what only RE2 reads"
            ) from unread

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: NlpArtifacts | None = None,
        regex_flags: int | None = None,
    ) -> list[RecognizerResult]:
        """Spans of this recogniser's entity. Raises ReleaseStopped when the time is over."""
        del entities, nlp_artifacts, regex_flags
        found = [span(self, *find) for find in self.finds(fold_text(text))]
        return EntityRecognizer.remove_duplicates(found)

    def finds(self, folded: str) -> list[Find]:
        """Finds in a folded text, as each pattern gives them. ReleaseStopped as `analyze`."""
        return self.finds_in([folded])[0]

    def finds_in(self, folded: Sequence[str]) -> list[list[Find]]:
        """The finds in each of some folded texts; checked all at once. ReleaseStopped."""
        matches = [(i, *match) for i, text in enumerate(folded) for match in self._matches(text)]
        trusts = self._trusts([found for *_, found, _ in matches], [score for *_, score in matches])
        finds: list[list[Find]] = [[] for _ in folded]
        for (index, start, found, _), trust in zip(matches, trusts, strict=True):
            if trust > EntityRecognizer.MIN_SCORE:
                finds[index].append((start, start + len(found), trust))
        return finds

    def _matches(self, folded: str) -> Iterator[tuple[int, str, float]]:
        """Start, text and score of each match of a pattern."""
        try:
            for compiled, score in self._compiled:
                for match in compiled.finditer(folded, timeout=SECONDS):
                    yield match.start(), match.group(), score
        except TimeoutError as late:
            raise ReleaseStopped(
                f"a text took the pattern of {self.supported_entities[0]} more than {SECONDS} "
                "seconds: shorten the text or take the column out",
                reason="PATTERN_TIMEOUT",
            ) from late

    def _trusts(self, found: Sequence[str], scores: Sequence[float]) -> list[float]:
        """The score of each match; 0 when it is none of it."""
        return [self._trust(*match) for match in zip(found, scores, strict=True)]

    def _trust(self, found: str, score: float) -> float:
        if not found:
            return EntityRecognizer.MIN_SCORE
        valid = self.validate_result(found)
        if valid is not None:
            score = EntityRecognizer.MAX_SCORE if valid else EntityRecognizer.MIN_SCORE
        if score > EntityRecognizer.MIN_SCORE and self.invalidate_result(found):
            return EntityRecognizer.MIN_SCORE
        return score


class FormRecognizer(Strict):
    """Finds one form of an identifier of the pack, with its check."""

    # The pack's patterns bring their own boundaries, and may name Chinese characters.
    _boundaries = 0

    def __init__(self, form: Identifier, position: int) -> None:
        self.form = form
        self.best = _best(form)
        super().__init__(
            supported_entity=form.entity,
            name=f"{form.entity}#{position}",
            supported_language=LANGUAGE,
            patterns=[_pattern(form)],
            context=list(form.context),
            global_regex_flags=_FLAGS,
        )

    def _trusts(self, found: Sequence[str], scores: Sequence[float]) -> list[float]:
        if self.form.check is None or not found:
            return list(scores)
        bare = pa.array(found, pa.string())
        for character in self.form.drop:
            bare = pc.replace_substring(bare, character, "")
        passed = CHECKS[self.form.check](pc.utf8_upper(bare)).tolist()
        # A check digit that one number in ten passes by chance proves less than another.
        sure = None if self.form.needs_context else 1 - self.form.chance / 100
        return [
            (score if sure is None else sure) if good else EntityRecognizer.MIN_SCORE
            for good, score in zip(passed, scores, strict=True)
        ]


class AddressRecognizer(EntityRecognizer):
    """Finds Chinese addresses from a street and number outwards, in linear time."""

    STREETS = r"(?:大道|路|街|巷|弄|胡同|道|村|里|苑|园|屯|组|小区|社区)"
    NUMERALS = r"[0-9一二三四五六七八九十百]{1,6}"
    UNITS = r"(?:号|栋|幢|室|单元|楼|组|弄|层|座)"
    _TAIL = regex.compile(
        rf"{STREETS}(?:(?:(?![了在到是有说这那])[\p{{Han}}A-Za-z0-9#-]){{0,20}}?{NUMERALS}\s?"
        rf"{UNITS}){{1,8}}",
        regex.IGNORECASE,
    )
    # Words that stand before an address and are none of it.
    _LEAD = regex.compile(
        r".*(?:地址|住址|现住|居住|家住|住|至|到|往|去|从|在|于|是|为|和|与|的|请|将|把)"
    )
    _BEFORE = 40  # characters of province, city, district before the street

    def __init__(self, form: Identifier, position: int) -> None:
        self.best = self._score = form.score / 100
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
        found = [span(self, *find) for find in self.finds(fold_text(text))]
        return EntityRecognizer.remove_duplicates(found)

    def finds_in(self, folded: Sequence[str]) -> list[list[Find]]:
        """The finds in each of some folded texts. ReleaseStopped as `analyze`."""
        return [list(self.finds(text)) for text in folded]

    def finds(self, folded: str) -> Iterator[Find]:
        """Finds in a folded text. ReleaseStopped as `analyze`."""
        try:
            for match in self._TAIL.finditer(folded, timeout=SECONDS):
                yield self._start(folded, match.start()), match.end(), self._score
        except TimeoutError as late:
            raise ReleaseStopped(
                f"a text took the search for addresses more than {SECONDS} seconds: shorten the "
                "text or take the column out",
                reason="PATTERN_TIMEOUT",
            ) from late

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
            span(self, named.start_char, named.end_char, score)
            for named, score in zip(nlp_artifacts.entities, nlp_artifacts.scores, strict=True)
            if named.label_ == "PERSON"
        ]


class Presidio(Strict):
    """One of presidio's own, strict; `form` is the pack's, when it is given that pattern."""

    form: Identifier | None = None


class _Email(Presidio, EmailRecognizer):
    """presidio's, with a linear pattern and the public suffix list that the package carries.

    An unknown suffix keeps the pattern's score: inside an office `@mail.internal` is an address.
    """

    _suffixes = TLDExtract(cache_dir=None, suffix_list_urls=(), fallback_to_snapshot=True)

    def validate_result(self, pattern_text: str) -> bool | None:
        return True if self._suffixes(pattern_text).fqdn else None


class _Url(Presidio, UrlRecognizer):
    """presidio's, with a linear pattern: its own tries 1,500 endings at every letter."""


class _Ip(Presidio, IpRecognizer):
    """presidio's."""


class _Mac(Presidio, MacAddressRecognizer):
    """presidio's."""


class _Iban(Presidio, IbanRecognizer):
    """presidio's, matching the pack's pattern and validating with presidio's table."""


class _Ssn(Presidio, UsSsnRecognizer):
    """presidio's."""


class _Crypto(Presidio, CryptoRecognizer):
    """presidio's."""


_INTERNATIONAL: Mapping[str, type[Presidio]] = MappingProxyType(
    {
        "EMAIL_ADDRESS": _Email,
        "URL": _Url,
        "IP_ADDRESS": _Ip,
        "MAC_ADDRESS": _Mac,
        "IBAN_CODE": _Iban,
        "US_SSN": _Ssn,
    }
)
# presidio's own patterns of these are quadratic.
_OF_THE_PACK = frozenset({"EMAIL_ADDRESS", "URL"})


def recognizers(pack: Pack) -> list[EntityRecognizer]:
    """Every recogniser of the pack, for an AnalyzerEngine of the language LANGUAGE."""
    return [*_of(pack.identifiers), _Crypto(supported_language=LANGUAGE), NameRecognizer()]


def _of(forms: Iterable[Identifier]) -> list[EntityRecognizer]:
    built: list[EntityRecognizer] = []
    for position, form in enumerate(forms):
        if form.text == "presidio":
            built.append(_international(form))
        elif form.text == "address":
            built.append(AddressRecognizer(form, position))
        else:
            built.append(FormRecognizer(form, position))
    return built


def _international(form: Identifier) -> Presidio:
    if form.entity not in _INTERNATIONAL:
        raise ConfigurationError(
            f"the rule pack's file identifiers.yaml: presidio has no recogniser of {form.entity} "
            f"here, only of {', '.join(sorted(_INTERNATIONAL))}: write text: pattern"
        )
    own = form.entity in _OF_THE_PACK
    made = _INTERNATIONAL[form.entity](
        patterns=[_pattern(form)] if own else None,
        context=list(form.context),
        supported_language=LANGUAGE,
    )
    made.form = form if own else None
    return made


def _best(form: Identifier) -> float:
    """The highest score of a find without its context."""
    if form.check is None or form.needs_context:
        return form.score / 100
    return 1 - form.chance / 100


def span(by: EntityRecognizer, start: int, end: int, score: float) -> RecognizerResult:
    """A find as presidio hands it on."""
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
    own = f"(?:{form.pattern})"
    if form.beside == "signs":
        own = _NO_LETTER_BEFORE + own + _NO_LETTER_AFTER
    elif form.beside == "one_side":
        own = f"(?:{_NO_LETTER_BEFORE}{own}|{own}{_NO_LETTER_AFTER})"
    if form.needs_context:
        own = _NO_POINT_BEFORE + own + _NO_POINT_AFTER
    else:
        own = _NO_DECIMAL_BEFORE + own + _NO_DECIMAL_AFTER
    return Pattern(form.entity, f"(?<![0-9]){own}(?![0-9])", form.score / 100)
