"""Proves of a pattern that a back-tracking engine, too, runs it in linear time.

RE2 is linear whatever it runs, but texts are searched by the `regex` module, which tries one way
after another. Here every way is counted: the pattern's syntax tree becomes an automaton with a
state for each character of the pattern (Glushkov's, repetitions written out), and all texts are
followed at once by how many ways lead into each state. Where never more than MOST_WAYS are open,
a start costs no more than that many steps a character. Repetition without an end is allowed only
where a start cannot pass over what other starts pass over. What is not understood is refused.
"""

import re
import re._constants as sre  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MOST_WAYS = 256
_MOST_STATES = 4_000
_MOST_SITUATIONS = 20_000

# A set of characters is a number with a bit for each ASCII character and one for all others.
_OTHERS = 1 << 128
_ALL = (1 << 129) - 1


def _bits(characters: Iterable[int]) -> int:
    bits = 0
    for code in characters:
        bits |= 1 << code if code < 128 else _OTHERS
    return bits


_ESCAPED = re.compile(r"\\.")
_CLASS = re.compile(r"\[\^?\]?[^\]]*")
_COUNT = re.compile(r"(?<=[^\\{])\{[0-9]+(?:,[0-9]*)?\}(?!\{)")
_WORD = _bits(c for c in range(128) if chr(c).isalnum())
# Of the classes with a letter only \\s: the others mean ASCII to RE2 and all of Unicode to `regex`.
_SPACES = _bits(map(ord, " \t\n\r\f\v"))


class MayBackTrack(ValueError):
    """The pattern may take more than linear time, or says what cannot be followed here."""


@dataclass(slots=True)
class _Part:
    """A part of the pattern: whether it matches nothing, the states it begins and ends in, as
    often as there are ways."""

    empty: bool
    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)


def check(pattern: str, *, within_words: bool = False) -> None:
    """MayBackTrack unless the pattern, between word boundaries, is linear for `regex` as well.

    within_words: it may also begin within a word, where nothing may be repeated without an end.
    """
    # Python knows no \\p{Han}; one such character stands for all outside of ASCII.
    plain = pattern.replace(r"\p{Han}", "\u4e00")
    # A brace that does not count is a letter to Python, an error allowed to the `regex` module.
    if "{" in _COUNT.sub("", plain):
        raise MayBackTrack("has a brace that is no count")
    # RE2 reads [a[:digit:]] as a class within a class, Python without a word as something else.
    if any("[" in found[1:] for found in _CLASS.findall(_ESCAPED.sub("", plain))):
        raise MayBackTrack("has a class within a class")
    try:
        with warnings.catch_warnings():
            # Classes in classes ([[:alpha:]], [a--b]), which others read as another thing.
            warnings.simplefilter("error", FutureWarning)
            tree = parser.parse(plain)
    except (re.error, FutureWarning) as unknown:
        raise MayBackTrack("has syntax that cannot be followed") from unknown
    automaton = _Automaton(within_words=within_words)
    whole = automaton.sequence(list(tree), last=True)
    automaton.follow_all(whole)


class _Automaton:
    def __init__(self, *, within_words: bool) -> None:
        self._within_words = within_words
        self._sets: list[int] = []
        self._next: list[list[int]] = []

    def sequence(self, items: list[tuple[Any, Any]], *, last: bool = False) -> _Part:
        whole = _Part(empty=True)
        for place, (operation, argument) in enumerate(items):
            part = self._item(operation, argument, last=last and place == len(items) - 1)
            whole = self._joined(whole, part)
        return whole

    def follow_all(self, whole: _Part) -> None:
        """Follow every text through the automaton; MayBackTrack when too many ways are open."""
        start = _counted(whole.first)
        seen = {start}
        waiting = [start]
        while waiting:
            # Characters that no open state tells apart are one.
            open_states = waiting.pop()
            for chosen in _atoms([self._sets[state] for state, _ in open_states]):
                reached: list[int] = []
                for state, ways in open_states:
                    if self._sets[state] & chosen:
                        reached += self._next[state] * ways
                if len(reached) > MOST_WAYS:
                    raise MayBackTrack(f"can match a text in more than {MOST_WAYS} ways")
                situation = _counted(reached)
                if situation not in seen:
                    seen.add(situation)
                    waiting.append(situation)
                if len(seen) > _MOST_SITUATIONS:
                    raise MayBackTrack("is too complicated to be followed")

    def _item(self, operation: Any, argument: Any, *, last: bool) -> _Part:
        match operation, argument:
            case sre.SUBPATTERN, (_, 0, 0, inner):
                return self.sequence(list(inner), last=last)
            case sre.BRANCH, (_, branches):
                parts = [self.sequence(list(branch), last=last) for branch in branches]
                if sum(part.empty for part in parts) > 1:
                    raise MayBackTrack("has several ways to match nothing")
                return _Part(
                    any(part.empty for part in parts),
                    [state for part in parts for state in part.first],
                    [state for part in parts for state in part.last],
                )
            case ((sre.MAX_REPEAT | sre.MIN_REPEAT), (int(least), most, inner)):
                return self._repeated(list(inner), least, most, last=last)
        return self._state(_characters(operation, argument))

    def _repeated(
        self, inner: list[tuple[Any, Any]], least: int, most: Any, *, last: bool
    ) -> _Part:
        endless = most is sre.MAXREPEAT
        whole = _Part(empty=True)
        for _ in range(least):
            whole = self._joined(whole, self._unempty(inner, most))
        if endless:
            if len(inner) != 1:
                raise MayBackTrack("repeats more than one character without an end")
            characters = _characters(*inner[0])
            to_the_end = last and characters & (_WORD | 1 << ord(".")) == _WORD | 1 << ord(".")
            if self._within_words or (characters & ~_WORD and not to_the_end):
                raise MayBackTrack("repeats without an end what stands between words")
            loop = self._state(characters)
            self._next[loop.first[0]].append(loop.first[0])
            loop.empty = True
            return self._joined(whole, loop)
        # x{0,2} as (x(x)?)?: each number of rounds is one way.
        tail = _Part(empty=True)
        for _ in range(int(most) - least):
            round_ = self._unempty(inner, most, last=last and int(most) == 1)
            tail = self._joined(round_, tail)
            if tail.empty:
                raise MayBackTrack("repeats what may match nothing")
            tail.empty = True
        return self._joined(whole, tail)

    def _unempty(self, inner: list[tuple[Any, Any]], most: Any, *, last: bool = False) -> _Part:
        part = self.sequence(inner, last=last)
        if part.empty and (most is sre.MAXREPEAT or int(most) > 1):
            raise MayBackTrack("repeats what may match nothing")
        return part

    def _joined(self, left: _Part, right: _Part) -> _Part:
        for state in left.last:
            self._next[state] += right.first
        return _Part(
            left.empty and right.empty,
            left.first + (right.first if left.empty else []),
            right.last + (left.last if right.empty else []),
        )

    def _state(self, characters: int) -> _Part:
        self._sets.append(characters)
        self._next.append([])
        if len(self._sets) > _MOST_STATES:
            raise MayBackTrack("counts too far")
        return _Part(False, [len(self._sets) - 1], [len(self._sets) - 1])


def _characters(operation: Any, argument: Any) -> int:
    match operation, argument:
        case sre.LITERAL, int(code):
            return _cases(_bits([code]))
        case sre.NOT_LITERAL, int(code):
            return _ALL & ~_cases(_bits([code])) | _OTHERS
        case sre.ANY, _:
            return _ALL
        case sre.IN, list(members):
            return _members(members)
    raise MayBackTrack("has syntax that cannot be followed")


def _members(members: list[tuple[Any, Any]]) -> int:
    bits = 0
    for operation, argument in members:
        match operation, argument:
            case sre.NEGATE, _:
                continue
            case sre.LITERAL, int(code):
                bits |= _bits([code])
            case sre.RANGE, (int(first), int(last)):
                bits |= _bits(range(first, min(last, 128) + 1))
            case sre.CATEGORY, sre.CATEGORY_SPACE:
                bits |= _SPACES | _OTHERS
            case _:
                raise MayBackTrack("has syntax that cannot be followed")
    bits = _cases(bits)
    negated = bool(members) and members[0][0] is sre.NEGATE
    return _ALL & ~bits | _OTHERS if negated else bits


def _cases(bits: int) -> int:
    """The set with the other case of each letter; some outside of ASCII are cases of i, k, s."""
    lower = bits >> 32 & _bits(range(ord("A"), ord("Z") + 1))
    upper = (bits & _bits(range(ord("A"), ord("Z") + 1))) << 32
    odd = _OTHERS if (bits | lower | upper) & _bits(map(ord, "iks")) else 0
    return bits | lower | upper | odd


def _counted(states: list[int]) -> tuple[tuple[int, int], ...]:
    ways: dict[int, int] = {}
    for state in states:
        ways[state] = ways.get(state, 0) + 1
    return tuple(sorted(ways.items()))


def _atoms(sets: list[int]) -> list[int]:
    """The parts into which the sets cut all characters, without what lies in none."""
    parts = [_ALL]
    for one in set(sets):
        parts = [piece for part in parts for piece in (part & one, part & ~one) if piece]
    union = 0
    for one in sets:
        union |= one
    return [part for part in parts if part & union]
