"""The words of column names: which there are, and how a name is split into them.

Names are split into whole words (separators, camelCase, digits, Chinese word boundaries by the
pack's own words) and are never searched for substrings: `hotel` holds no `tel`. To the words that the
pack lists come their pinyin and pinyin initials; shortened English words are written out.
"""

import re
from collections.abc import Iterable, Mapping

from gateway.classify.pack import NameWords, Strength
from gateway.classify.pinyin import Romaniser

_RUN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[\u3400-\u9fff]+|[^\W\d_]+")
_HAN = re.compile(r"[\u3400-\u9fff]+")
MAX_NAME = 200
_SHORTEST_GLUED = 3  # letters of a word that may be found glued to others, as in `phonenumber`
_SHORTEST_INITIALS = 3  # letters of derived initials that stand alone; two fit anything
_LONG_INITIALS = 5
_SHORTEST_COMPOUND = 4  # letters of two glued initials, as in `ryxb`
_VOWELS = frozenset("aeiou")
_LOWERED: Mapping[Strength, Strength | None] = {
    "certain": "likely", "likely": "weak", "weak": None,
}  # fmt: skip
# What follows the name of a thing, or of what a person has, in compounds of initials: 名称, 编码, …
_ENDINGS = {
    "mc": "名称", "bm": "编码", "bh": "编号", "dm": "代码", "hm": "号码", "h": "号", "zt": "状态",
    "lx": "类型", "sl": "数量", "je": "金额", "jg": "价格",
}  # fmt: skip
_NEUTRAL_ENDINGS = frozenset({"mc", "bm", "bh", "dm", "hm"})

Phrase = tuple[str, ...]


class Lexicon:
    """The words of one pack, with their other spellings; splits names into them.

    `phrases`: joined phrase → entity → strength. `keys`: joined phrase → whose number it is.
    """

    def __init__(self, words: NameWords, readings: Mapping[str, tuple[str, ...]]) -> None:
        self._romaniser = Romaniser(readings)
        self.phrases: dict[str, dict[str, Strength]] = {}
        for entity, by_strength in words.entities.items():
            for strength, phrases in by_strength.items():
                for phrase in phrases:
                    self.phrases.setdefault(joined(phrase), {}).setdefault(entity, strength)
        self.keys = {joined(p): kind for kind, phrases in words.keys.items() for p in phrases}
        self._listed = self._all_listed(words)
        self._derive_phrases()
        self.keys |= {
            spelled: kind
            for phrase, kind in list(self.keys.items())
            for spelled in self._spelled(phrase, _SHORTEST_INITIALS)
            if spelled not in self.phrases
        }
        self.transparent = self.of(words.transparent)
        self.owners = self.of(words.person_owners)
        self.things = self.of(words.things)
        self._abbreviations = {
            short: tuple(long.split("_")) for short, long in words.abbreviations.items()
        }
        self.placeholders = frozenset(words.placeholders)
        self._whole = known = {*self.phrases, *self.keys}
        for more in (words.transparent, words.derived, words.person_owners, words.things,
                     words.technical, words.attributes, words.sensitive_attributes,
                     words.free_text):  # fmt: skip
            known = known | self.of(more)
        known = known | self._listed  # also the parts of phrases
        self._known = frozenset(known)
        self._longest = max(map(len, known))
        # Pinyin initials are no words: glued to others they would turn up in anything.
        self._glued = frozenset(
            word for word in known
            if len(word) >= _SHORTEST_GLUED and word.isascii() and set(word) & _VOWELS
        )  # fmt: skip
        self._owner_initials = self._initials_of(words.person_owners)
        self._thing_initials = self._initials_of(words.things)
        self._entity_initials = {
            phrase: phrase for phrase, hits in self.phrases.items()
            if len(phrase) >= 2 and "certain" in hits.values()
            and phrase.isascii() and not set(phrase) & _VOWELS
        }  # fmt: skip

    def of(self, phrases: Iterable[str]) -> frozenset[str]:
        """Phrases joined, and their pinyin; initials where they are nothing else."""
        plain = {joined(phrase) for phrase in phrases}
        spelled = {
            other
            for phrase in plain
            for other in self._spelled(phrase, _SHORTEST_INITIALS)
            if other not in self.phrases and other not in self.keys
        }
        return frozenset(plain | spelled)

    def knows(self, word: str) -> bool:
        """Whether the word, or a phrase that it is part of, is in the pack."""
        return word in self._known

    def words(self, name: str) -> Phrase:
        """The words of a name, small letters; numbers, and names that only number, are left out."""
        words: list[str] = []
        for run in _RUN.findall(name[:MAX_NAME]):
            if not run.isdigit():
                words += self._of_run(run.lower())
        if len(words) > 1 and len(words[0]) == 1 and "".join(words[:2]) not in self._known:
            del words[0]  # f_xm, c_id: the letter tells the type
        if all(word in self.placeholders or (len(word) == 1 and word.isascii()) for word in words):
            return ()
        return tuple(words)

    def _of_run(self, run: str) -> Phrase:
        if _HAN.fullmatch(run):
            return self._segments(run, self._known)
        if run in self._whole:
            return (run,)
        if run in self._abbreviations:
            return self._abbreviations[run]
        if run in self._known:
            return (run,)
        parts = self._segments(run, self._glued)
        if all(part in self._glued for part in parts):
            return parts
        return self._compound(run) or (run,)

    def _compound(self, run: str) -> Phrase | None:
        """Two words in initials: 人员 + 性别 in `ryxb`, 产品 + 名称 in `cpmc`."""
        if len(run) < _SHORTEST_COMPOUND or not run.isascii() or set(run) & _VOWELS:
            return None
        splits = [(run[:i], run[i:]) for i in range(2, len(run))]
        for first, last in splits:
            if first in self._owner_initials and last in self._entity_initials:
                return self._owner_initials[first], last
        for first, last in splits:
            if first in self._entity_initials and last in _NEUTRAL_ENDINGS:
                return first, _ENDINGS[last]
        for first, last in splits:
            if first in self._thing_initials and last in _ENDINGS:
                return self._thing_initials[first], _ENDINGS[last]
        return None

    def _segments(self, run: str, known: frozenset[str]) -> Phrase:
        """Split a run into known words: fewest characters unknown, then fewest words."""
        # best[i]: (unknown characters, words, start of the last word) for the first i characters.
        best: list[tuple[int, int, int]] = [(0, 0, 0)]
        for end in range(1, len(run) + 1):
            unknown, count, _ = best[end - 1]
            known_last = (
                (best[start][0], best[start][1] + 1, start)
                for start in range(max(0, end - self._longest), end)
                if run[start:end] in known
            )
            best.append(min([(unknown + 1, count + 1, end - 1), *known_last]))
        parts: list[str] = []
        end = len(run)
        while end:
            start = best[end][2]
            parts.append(run[start:end])
            end = start
        return tuple(parts[::-1])

    def _derive_phrases(self) -> None:
        """Entities in pinyin are as sure as in Chinese; in three initials less sure."""
        listed = dict(self.phrases)
        for phrase, hits in listed.items():
            for whole, initials in self._romaniser.spellings(phrase):
                self._add(whole, hits)
                # English words have vowels; five letters in a row that are initials are no word.
                if initials not in self._listed and (
                    not set(initials) & _VOWELS or len(initials) >= _LONG_INITIALS
                ):
                    if len(initials) > _SHORTEST_INITIALS:
                        self._add(initials, hits)
                    elif len(initials) == _SHORTEST_INITIALS:
                        lowered = {e: _LOWERED[s] for e, s in hits.items()}
                        self._add(initials, {e: s for e, s in lowered.items() if s is not None})

    def _add(self, phrase: str, hits: Mapping[str, Strength]) -> None:
        if hits and phrase not in self._listed:
            held = self.phrases.setdefault(phrase, {})
            for entity, strength in hits.items():
                held.setdefault(entity, strength)

    def _spelled(self, phrase: str, shortest: int) -> list[str]:
        """Other spellings of a word that are not listed as something else."""
        spelled = []
        for whole, initials in self._romaniser.spellings(phrase):
            spelled.append(whole)
            if len(initials) >= shortest and not set(initials) & _VOWELS:
                spelled.append(initials)
        return [other for other in spelled if other not in self._listed]

    def _initials_of(self, words: Iterable[str]) -> dict[str, str]:
        """Initials → a Chinese word that has them."""
        return {
            initials: word
            for word in words
            for _, initials in self._romaniser.spellings(word)
            if not set(initials) & _VOWELS
        }

    @staticmethod
    def _all_listed(words: NameWords) -> frozenset[str]:
        listed = [p for by in words.entities.values() for phrases in by.values() for p in phrases]
        listed += [p for phrases in words.keys.values() for p in phrases]
        for more in (words.transparent, words.derived, words.person_owners, words.things,
                     words.technical, words.attributes, words.sensitive_attributes,
                     words.free_text):  # fmt: skip
            listed += more
        return frozenset(map(joined, listed)) | {part for p in listed for part in p.split("_")}


def joined(phrase: str) -> str:
    """A phrase as one word: `birth_date` as birthdate."""
    return phrase.replace("_", "").lower()
