"""Where in a column of texts a name can begin, by the same likelihoods, for all places at once.

The same reckoning as `Persons`, in NumPy: a name that loses against the best cutting of its own
characters cannot be in the likeliest cutting of any text. What is left is a few places in a
hundred; only the runs of characters around them are cut. It may keep too much and never too little.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from gateway.classify.persons import (
    ALONE,
    COMMON,
    CUED,
    CUES,
    ONE,
    SEPARATORS,
    TIBETAN,
    TITLED,
    TITLES,
    TWO,
    Likelihoods,
)
from gateway.classify.scanned import Bools, Codes, Ints, Scanned

Floats = NDArray[np.float64]
_Keys = NDArray[np.uint64]

_BMP = 0x10000
_INTERPUNCT = 0xB7
# Two sums of the same terms in another order differ by less.
_ROUNDING = 1e-6


class PersonScreen:
    """Built once from the likelihoods; holds about ten megabytes."""

    def __init__(self, by: Likelihoods) -> None:
        singles = {word: value for word, value in by.words.items() if len(word) == 1}
        self._word = _table(singles, by.unknown)
        self._only = _table(by.only, by.unseen)
        self._first = _table(by.first, by.unseen)
        self._last = _table(by.last, by.unseen)
        lone = {name: value for name, value in by.surnames.items() if len(name) == 1}
        self._surname = _table(lone, -np.inf)
        self._double = _keys(name for name in by.surnames if len(name) == 2)
        self._pairs = _Words(by, 2)
        self._triples = _Words(by, 3)
        self._cues = _keys({cue[-2:] for cue in CUES})
        self._titles = _keys(TITLES)
        self._tibetan = _keys(TIBETAN)
        # What surnames of two characters and Tibetan names begin with.
        self._opening = np.zeros(_BMP, dtype=np.bool_)
        self._opening[[ord(name[0]) for name in by.surnames if len(name) == 2]] = True
        self._opening[[ord(word[0]) for word in TIBETAN]] = True
        self._separators = np.zeros(_BMP, dtype=np.bool_)
        self._separators[[ord(c) for c in SEPARATORS]] = True

    def runs(self, scanned: Scanned) -> tuple[Ints, Ints]:
        """Start and end of every run of Chinese characters in which a name can be."""
        codes = np.minimum(np.concatenate([scanned.codes, np.zeros(4, np.uint32)]), _BMP - 1)
        size = len(scanned.codes)
        begins = np.zeros(size + 4, dtype=np.bool_)
        begins[scanned.starts] = True
        han = (codes >= 0x3400) & (codes <= 0x9FFF)
        inside = (han | (codes == _INTERPUNCT))[:size]
        first = inside.copy()
        first[1:] &= ~inside[:-1] | begins[1:size]
        last = inside.copy()
        last[:-1] &= ~inside[1:] | begins[1:size]
        starts, ends = np.flatnonzero(first), np.flatnonzero(last) + 1
        places = self._places(codes, han, begins)
        chosen = np.unique(np.searchsorted(starts, places, side="right") - 1)
        return starts[chosen], ends[chosen]

    def _places(self, codes: Codes, han: Bools, begins: Bools) -> Ints:
        """Where a name, or the mark of one, can begin."""
        follows = han & ~begins
        near = np.flatnonzero((self._surname[codes[:-4]] > -np.inf) & follows[1:-3])
        opening = np.flatnonzero(self._opening[codes[:-4]])
        here = _key(codes[opening], codes[opening + 1])
        behind = _key(codes[opening + 2], codes[opening + 3])
        tibetan = _among(here, self._tibetan) & _among(behind, self._tibetan)
        return np.concatenate(
            [
                near[self._can_begin(codes, han, begins, near)],
                np.flatnonzero(codes == _INTERPUNCT),
                opening[_among(here, self._double) | tibetan],
            ]
        )

    def _can_begin(self, codes: Codes, han: Bools, begins: Bools, places: Ints) -> Bools:
        """Whether a name with a surname of one character can begin at each place."""
        follows = han & ~begins
        head, one, two = codes[places], codes[places + 1], codes[places + 2]
        surname = self._surname[head] + self._cued(codes, places)
        bare = begins[places] | ~han[places - 1]
        pair, tail = _key(head, one), _key(one, two)
        word, split = self._word, self._word[head] + self._word[one]

        titled = _among(tail, self._titles)
        name = ONE + surname + self._only[one] + self._around(codes, follows, bare, places + 2)
        known, is_name = self._pairs.look_up(pair)
        as_word = known > np.where(is_name, name + COMMON, -np.inf)
        short = (name + _ROUNDING > split) & ~(as_word & (known > name + _ROUNDING))

        name = TWO + surname + self._first[one] + self._last[two]
        name += self._around(codes, follows, bare, places + 3)
        tail_known, _ = self._pairs.look_up(tail)
        whole, whole_is_name = self._triples.look_up(pair << np.uint64(16) | two)
        cut = np.maximum.reduce(
            [
                split + word[two],
                known + word[two],
                word[head] + tail_known,
                np.where(whole_is_name, -np.inf, whole),
            ]
        )
        long = (name + _ROUNDING > cut) & follows[places + 2]
        can: Bools = titled | short | long
        return can

    def _cued(self, codes: Codes, places: Ints) -> Floats:
        """CUED where a cue stands before, which may be parted by a separator."""
        at = [np.maximum(places - back, 0) for back in (1, 2, 3)]
        before = [codes[place] for place in at]
        cued = _among(_key(before[1], before[0]), self._cues)
        parted = self._separators[before[0]] & _among(_key(before[2], before[1]), self._cues)
        return np.where(cued | parted, CUED, 0.0)

    def _around(self, codes: Codes, follows: Bools, bare: Bools, ends: Ints) -> Floats:
        ends = np.minimum(ends, len(codes) - 2)
        titled = _among(_key(codes[ends], codes[ends + 1]), self._titles)
        return np.where(titled, TITLED, np.where(bare & ~follows[ends], ALONE, 0.0))


class _Words:
    """Dictionary words of one length: how likely, and whether they are persons' names."""

    def __init__(self, by: Likelihoods, length: int) -> None:
        words = [word for word in by.words if len(word) == length and max(word) < chr(_BMP)]
        keys = _keys_of(words)
        order = np.argsort(keys)
        self._keys = keys[order]
        self._values = np.array([by.words[word] for word in words])[order]
        self._named = np.array([word in by.named for word in words])[order]

    def look_up(self, keys: _Keys) -> tuple[Floats, Bools]:
        """Likelihood, minus infinity where it is no word, and whether the word is a name."""
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        found = self._keys[at] == keys
        return np.where(found, self._values[at], -np.inf), found & self._named[at]


def _table(values: dict[str, float], other: float) -> Floats:
    table = np.full(_BMP, other)
    for character, value in values.items():
        if ord(character) < _BMP:
            table[ord(character)] = value
    return table


def _keys_of(words: Sequence[str]) -> _Keys:
    """A number for each word; all are of one length and of the basic plane."""
    codes = np.frombuffer("".join(words).encode("utf-32-le"), np.uint32)
    keys = np.zeros(len(words), dtype=np.uint64)
    for column in codes.reshape(len(words), -1).T:
        keys = keys << np.uint64(16) | column
    return keys


def _keys(words: Iterable[str]) -> _Keys:
    return np.sort(_keys_of(sorted(words)))


def _key(left: Codes, right: Codes) -> _Keys:
    keys: _Keys = left.astype(np.uint64) << np.uint64(16) | right
    return keys


def _among(keys: _Keys, sorted_keys: _Keys) -> Bools:
    at = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    found: Bools = sorted_keys[at] == keys
    return found
