"""Reads the name of a column: its words, and what they say the column holds.

Compounds are read as English and Chinese build them, head last: in `email_verified` the head is
`verified`, so the column says something about an e-mail address and holds none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from gateway.classify.lexicon import Lexicon, Phrase
from gateway.classify.pack import Pack, Strength

_LOWERED: Mapping[Strength, Strength | None] = {
    "certain": "likely", "likely": "weak", "weak": None,
}  # fmt: skip
Subject = Literal["person", "thing", "none"]
Key = Literal["person", "group"] | None

_NUMBER_WORDS = frozenset(
    """
    no nr num number id code cd key 号 号码 编号 编码 代码 流水号 bh hm dm haoma bianhao bianma daima
    """.split()
)
_QUESTIONS = frozenset("is has was can should allow allows 是否 有无 shifou youwu".split())


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

    def __init__(self, pack: Pack) -> None:
        words = pack.names
        self._lexicon = lexicon = Lexicon(words, pack.readings)
        self._technical = lexicon.of(words.technical + words.derived)
        self._attributes = lexicon.of(words.attributes)
        self._sensitive = lexicon.of(words.sensitive_attributes)
        self._free = lexicon.of(words.free_text)

    def read(self, name: str) -> NameReading:
        """What `name` says; a name of no known word says nothing."""
        words = self._lexicon.words(name)
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
        said_as = "".join(words[start:end])
        hits = self._lexicon.phrases.get(said_as, {})
        # What stands before the head says whose it is, or what follows an `of`.
        inverted = words[end : end + 1] in {("of",), ("for",)}
        said = replace(
            said,
            phrase="_".join(words[start:end]),
            subject=self._subject(words[end:] if inverted else words[:start]),
        )
        # `equipment_age` is a word of its own, and no age.
        swallowed = end == len(words) and self._technical_words(words) > end - start
        if not inverted and (swallowed or self._is_about(words, end)):
            if not swallowed and not self._tells(words, end):
                # Who knows what `applicant_xyz` is: somewhat what it says, and not harmless.
                lowered = {entity: _LOWERED[strength] for entity, strength in hits.items()}
                return replace(said, hits={e: s for e, s in lowered.items() if s is not None})
            return replace(said, about=frozenset(hits))
        return replace(said, hits=hits, key=self._lexicon.keys.get(said_as))

    def _head(self, words: Phrase) -> tuple[int, int] | None:
        """The phrase that ends last, the longest of those."""
        for end in range(len(words), 0, -1):
            for start in range(max(0, end - 6), end):
                said_as = "".join(words[start:end])
                if said_as in self._lexicon.phrases or said_as in self._lexicon.keys:
                    return start, end
        return None

    def _is_about(self, words: Phrase, end: int) -> bool:
        """Whether what stands around the phrase makes the column say something about it."""
        return words[0] in _QUESTIONS or any(
            word not in self._lexicon.transparent for word in words[end:]
        )

    def _tells(self, words: Phrase, end: int) -> bool:
        """Whether what follows the phrase is known to make it something else."""
        return words[0] in _QUESTIONS or any(
            self._lexicon.knows(word) and word not in self._lexicon.transparent
            for word in words[end:]
        )

    def _technical_words(self, words: Phrase) -> int:
        """How many words the longest technical phrase has with which the name ends."""
        counts = (3, 2, 1)
        return next((n for n in counts if "".join(words[-n:]) in self._technical), 0)

    def _subject(self, words: Phrase) -> Subject:
        """Whose: the word nearest the head decides."""
        for word in reversed(words):
            if word in self._lexicon.owners:
                return "person"
            if word in self._lexicon.things:
                return "thing"
        return "none"

    def _ends(self, words: Phrase, among: frozenset[str]) -> bool:
        """Whether the name ends in one of the phrases, if need be before words like 编号."""
        while words:
            if any("".join(words[-count:]) in among for count in (1, 2, 3)):
                return True
            if words[-1] not in self._lexicon.transparent:
                return False
            words = words[:-1]
        return False


@lru_cache(maxsize=4)
def _reader(words_of: "_ByDigest") -> NameReader:
    return NameReader(words_of.pack)


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
