"""Necessary conditions, run by RE2 over all texts at once: which texts can hold what.

A recogniser looks only at the texts that its screen lets through. A screen may let through too
much and never too little: every text in which the recogniser finds something that counts passes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from presidio_analyzer import EntityRecognizer

from gateway.classify.folding import has_plain_cases
from gateway.classify.pack import Identifier
from gateway.classify.recognizers import AddressRecognizer, FormRecognizer, Presidio
from gateway.classify.scanned import Ints, Scanned

# What any find of presidio's own patterns holds. They have look-arounds, so RE2 runs these.
_PRESIDIO: Mapping[str, str] = MappingProxyType(
    {
        "IP_ADDRESS": r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|:[0-9A-F]{0,4}:",
        "MAC_ADDRESS": r"[0-9A-F]{2}[:-][0-9A-F]{2}[:-][0-9A-F]{2}[:-]|[0-9A-F]{4}\.[0-9A-F]{4}\.",
        "IBAN_CODE": r"[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]{4}){2}",
        "US_SSN": r"(?:^|[^0-9])[0-9]{3}[- .]?[0-9]{2}[- .]?[0-9]{4}(?:$|[^0-9])",
        "CRYPTO": r"[A-Z0-9]{26}",
    }
)
# Where an address ends: the street, then a number with its unit, in whatever signs.
_ADDRESS = (
    rf"{AddressRecognizer.STREETS}(?:[^\x00-\x7F]|[A-Z0-9#-]){{0,20}}{AddressRecognizer.NUMERALS}"
    rf"(?:\s|[^\x00-\x7F])?{AddressRecognizer.UNITS}"
)
_FAR = re.compile(r"(?<!\\)\{(\d+),\d{2,}\}")
_BRACE_IN_CLASS = re.compile(r"\[[^\]]*\{")


@dataclass(frozen=True, slots=True)
class Screen:
    """pattern: RE2, None lets all through. words: RE2 of the words of which one must stand in the
    text because a find without it does not count; None when it counts by itself."""

    pattern: str | None
    words: str | None = None


def screen(recognizer: EntityRecognizer, threshold: float) -> Screen:
    """The screen of a recogniser whose finds count from `threshold` on, with their context."""
    if isinstance(recognizer, AddressRecognizer):
        return Screen(_ADDRESS, _needed(recognizer, recognizer.best, threshold))
    if isinstance(recognizer, FormRecognizer):
        return Screen(_bounded(recognizer.form), _needed(recognizer, recognizer.best, threshold))
    if isinstance(recognizer, Presidio):
        if recognizer.form is not None:
            # Its boundaries hold other letters for cases of ASCII ones than the screen does.
            return Screen(f"(?s:{recognizer.form.pattern})")
        return Screen(_PRESIDIO[recognizer.supported_entities[0]])
    return Screen(None)


class Screens:
    """The screens of all recognisers of an engine, run with as few scans as will do."""

    def __init__(self, recognizers: Sequence[EntityRecognizer], threshold: float) -> None:
        self._screens = {r.id: screen(r, threshold) for r in recognizers}
        free = [s.pattern for s in self._screens.values() if s.words is None and s.pattern]
        # Most texts hold nothing: one scan for all says so.
        self._any_free = "|".join(f"(?:{_loose(pattern)})" for pattern in dict.fromkeys(free))
        words = [s.words for s in self._screens.values() if s.words]
        self._any_word = "|".join(dict.fromkeys(words))

    def candidates(
        self, scanned: Scanned, recognizers: Sequence[EntityRecognizer]
    ) -> dict[str, Ints]:
        """Which texts each recogniser has to look at, by the recogniser's id, ascending."""
        everything = np.arange(len(scanned))
        free = scanned.matching(self._any_free) if self._any_free else everything[:0]
        worded = scanned.matching(self._any_word) if self._any_word else everything[:0]
        found: dict[str, Ints] = {}
        for recognizer in recognizers:
            one = self._screens[recognizer.id]
            if one.pattern is None:
                found[recognizer.id] = everything
            elif one.words is None:
                found[recognizer.id] = scanned.matching(one.pattern, free)
            else:
                near = scanned.matching(one.words, worded) if one.words else everything[:0]
                found[recognizer.id] = scanned.matching(one.pattern, near)
        return found


def _bounded(form: Identifier) -> str:
    other = "[^0-9A-Z]" if form.beside == "signs" else "[^0-9]"
    # `s`: some of presidio's recognisers let a dot be a line's end.
    return rf"(?s:(?:^|{other})(?:{form.pattern})(?:$|{other}))"


def _loose(pattern: str) -> str:
    """A pattern that matches more: RE2 counts by copying, and slows down when it counts far."""
    if _BRACE_IN_CLASS.search(pattern):
        return pattern
    return _FAR.sub(lambda count: "*" if count[1] == "0" else f"{{{count[1]},}}", pattern)


def _needed(recognizer: EntityRecognizer, best: float, threshold: float) -> str | None:
    """RE2 of the context words, when a find of the trust `best` counts only beside one."""
    if best >= threshold:
        return None
    words = [word.lower() for word in recognizer.context]
    if not all(map(has_plain_cases, words)):
        return "(?s:.?)"
    return "|".join(_literal(word) for word in dict.fromkeys(words))


def _literal(word: str) -> str:
    return "".join(c if c.isalnum() else f"\\x{{{ord(c):X}}}" for c in word)
