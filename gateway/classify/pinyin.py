"""Derives how Chinese words are written in Latin letters: whole pinyin, and its initials.

Departments name one column 身份证号, `shenfenzhenghao` or `sfzh`; the pack lists the first, and
the readings of its characters give the others.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice, product

_HAN = re.compile(r"[\u3400-\u9fff]{2,}")
_MOST_READINGS = 8  # of one word: characters with several readings multiply


class Romaniser:
    """Spells words by a table of characters and their readings, without tones."""

    def __init__(self, readings: Mapping[str, tuple[str, ...]]) -> None:
        self._readings = readings

    def spellings(self, word: str) -> Iterator[tuple[str, str]]:
        """Whole pinyin and initials of a Chinese word of two characters or more.

        Nothing for other words, and for words with a character that the table lacks.
        """
        if _HAN.fullmatch(word) is None or not all(c in self._readings for c in word):
            return
        for syllables in islice(product(*(self._readings[c] for c in word)), _MOST_READINGS):
            yield "".join(syllables), "".join(s[0] for s in syllables)
