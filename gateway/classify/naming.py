"""Reads the name of a column: its words, and what they say the column holds.

Names are split into whole words (separators, camelCase, digits, Chinese word boundaries by the
pack's own words) and are never searched for substrings: `hotel` holds no `tel`. Compounds are read
as English and Chinese build them, head last: in `email_verified` the head is `verified`, so the
column says something about an e-mail address and holds none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from gateway.classify.pack import NameWords, Pack, Strength

_RUN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[\u3400-\u9fff]+|[^\W\d_]+")
_HAN = re.compile(r"[\u3400-\u9fff]+")
MAX_NAME = 200
_SHORTEST_GLUED = 3  # letters of a word that may be found glued to others, as in `phonenumber`

Phrase = tuple[str, ...]
Subject = Literal["person", "thing", "none"]
Key = Literal["person", "group"] | None

_NUMBER_WORDS = frozenset(
    "no nr num number id code cd key 号 号码 编号 编码 代码 流水号 bh hm dm".split()
)
_QUESTIONS = frozenset("is has was can should allow allows 是否 有无".split())


@dataclass(frozen=True, slots=True)
class NameReading:
    """What the words of one name say.

    `hits`: entity → strength of the word, for the phrase that is the head of the name.
    `key`: the name is that of a number given to a person or to a group. `subject`: whose the head
    is. `about`: entities the name mentions but does not hold (`email_verified`). `technical`: it
    describes a record or a thing. `attribute`: an attribute of a person that has no entity,
    `sensitive_attribute` one that norms count as sensitive where the table is about persons.
    `numbered`: it ends in a word for a number or code.
    """

    words: Phrase
    hits: Mapping[str, Strength] = field(default_factory=dict)
    phrase: str = ""
    key: Key = None
    subject: Subject = "none"
    about: frozenset[str] = frozenset()
    technical: bool = False
    attribute: bool = False
    sensitive_attribute: bool = False
    free_text: bool = False
    numbered: bool = False


class NameReader:
    """Reads names by the words of one pack."""

    def __init__(self, words: NameWords) -> None:
        self._transparent = frozenset(words.transparent)
        self._owners = frozenset(words.person_owners)
        self._things = frozenset(words.things)
        self._technical = frozenset(map(_joined, words.technical + words.derived))
        self._attributes = frozenset(map(_joined, words.attributes))
        self._sensitive = frozenset(map(_joined, words.sensitive_attributes))
        self._free = frozenset(map(_joined, words.free_text))
        self._phrases: dict[str, dict[str, Strength]] = {}
        for entity, by_strength in words.entities.items():
            for strength, phrases in by_strength.items():
                for phrase in phrases:
                    self._phrases.setdefault(_joined(phrase), {}).setdefault(entity, strength)
        self._keys: dict[str, Key] = {
            _joined(phrase): kind for kind, phrases in words.keys.items() for phrase in phrases
        }
        listed = [p for by in words.entities.values() for phrases in by.values() for p in phrases]
        listed += [p for phrases in words.keys.values() for p in phrases]
        for more in (words.transparent, words.derived, words.person_owners, words.things,
                     words.technical, words.attributes, words.sensitive_attributes, words.free_text):  # fmt: skip
            listed += more
        self._known = frozenset(_joined(p) for p in listed) | frozenset(
            part for p in listed for part in p.split("_")
        )
        self._longest = max(map(len, self._known))
        # Pinyin initials are no words: glued to others they would turn up in anything.
        self._glued = frozenset(
            word for word in self._known
            if len(word) >= _SHORTEST_GLUED and word.isascii() and set(word) & set("aeiou")
        )  # fmt: skip

    def read(self, name: str) -> NameReading:
        """What `name` says; a name of no known word says nothing."""
        words = self.words(name)
        said = NameReading(
            words,
            technical=self._ends(words, self._technical),
            attribute=self._ends(words, self._attributes),
            sensitive_attribute=self._ends(words, self._sensitive),
            free_text=self._ends(words, self._free),
            numbered=bool(words) and words[-1] in _NUMBER_WORDS,
        )
        found = self._head(words)
        if found is None:
            subject = self._subject(words)
            # A number of a person (`insured_no`) stands for that person.
            key: Key = "person" if said.numbered and subject == "person" else None
            return replace(said, key=key, subject=subject)
        start, end = found
        joined = "".join(words[start:end])
        hits = self._phrases.get(joined, {})
        # What stands before the head says whose it is, or what follows an `of`.
        inverted = words[end : end + 1] in {("of",), ("for",)}
        said = replace(
            said,
            phrase="_".join(words[start:end]),
            subject=self._subject(words[end:] if inverted else words[:start]),
        )
        if not inverted and self._is_about(words, end):
            return replace(said, about=frozenset(hits))
        return replace(said, hits=hits, key=self._keys.get(joined))

    def words(self, name: str) -> Phrase:
        """The words of a name, small letters; numbers are left out."""
        words: list[str] = []
        for run in _RUN.findall(name[:MAX_NAME]):
            if run.isdigit():
                continue
            small = run.lower()
            if _HAN.fullmatch(small):
                words += self._segments(small, self._known)
            elif small in self._known:
                words.append(small)
            else:
                parts = self._segments(small, self._glued)
                words += parts if all(part in self._glued for part in parts) else [small]
        return tuple(words)

    def _segments(self, run: str, known: frozenset[str]) -> list[str]:
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
        return parts[::-1]

    def _head(self, words: Phrase) -> tuple[int, int] | None:
        """The phrase that ends last, the longest of those."""
        for end in range(len(words), 0, -1):
            for start in range(max(0, end - 6), end):
                joined = "".join(words[start:end])
                if joined in self._phrases or joined in self._keys:
                    return start, end
        return None

    def _is_about(self, words: Phrase, end: int) -> bool:
        """Whether what stands around the phrase makes the column say something about it."""
        return words[0] in _QUESTIONS or any(word not in self._transparent for word in words[end:])

    def _subject(self, words: Phrase) -> Subject:
        """Whose: the word nearest the head decides."""
        for word in reversed(words):
            if word in self._owners:
                return "person"
            if word in self._things:
                return "thing"
        return "none"

    @staticmethod
    def _ends(words: Phrase, among: frozenset[str]) -> bool:
        return any("".join(words[-count:]) in among for count in (1, 2, 3) if words)


def _joined(phrase: str) -> str:
    return phrase.replace("_", "").lower()


@lru_cache(maxsize=4)
def _reader(words_of: "_ByDigest") -> NameReader:
    return NameReader(words_of.pack.names)


class _ByDigest:
    """A pack as a key of the cache: by its digest, so that hashing it costs nothing."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByDigest) and self.pack.sha256 == other.pack.sha256

    def __hash__(self) -> int:
        return hash(self.pack.sha256)


def reader(pack: Pack) -> NameReader:
    """The reader of a pack's words; made once a pack."""
    return _reader(_ByDigest(pack))
