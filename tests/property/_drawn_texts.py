"""Strings that a regular expression matches, or nearly: drawn from its syntax tree."""

import random
import re._constants as sre
import re._parser as parser

_HAN = "王李张路街道号室楼一二三里村组省市区县明伟国强的时"
_ODD = {"k": "\u212a", "K": "\u212a", "s": "ſ", "S": "ſ", "i": "ı", "I": "İ"}
_MARKS = " -./·_:，\u3000\u200b"


class Drawn:
    """Strings of one pattern of the `regex` module. What stands around it, look-arounds and
    boundaries, is left out: neighbours are drawn by `text`."""

    def __init__(self, pattern: str) -> None:
        self._tree = parser.parse(pattern.replace(r"\p{Han}", "\u4e00"))

    def value(self, drawn: random.Random) -> str:
        """A string of the pattern; repetitions are as short, as long, or between."""
        return _sequence(drawn, self._tree, {})


def typed(drawn: random.Random, value: str) -> str:
    """A value as people and programs write it: other cases and widths, a mark that slipped in."""
    match drawn.randrange(10):
        case 0:
            return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in value)
        case 1:
            return value.lower()
        case 2:
            return value.swapcase()
        case 3:
            return "".join(_ODD.get(c, c) if drawn.random() < 0.3 else c for c in value)
        case 4:
            at = drawn.randint(0, len(value))
            return value[:at] + drawn.choice(_MARKS) + value[at:]
    return value


def _sequence(drawn: random.Random, items: object, groups: dict[int, str]) -> str:
    return "".join(_item(drawn, *item, groups) for item in items)


def _item(drawn: random.Random, operation: object, argument: object, groups: dict[int, str]) -> str:
    match operation, argument:
        case sre.LITERAL, int(code):
            return chr(code)
        case sre.NOT_LITERAL, _:
            return drawn.choice("aA1路 ")
        case sre.ANY, _:
            return drawn.choice("aA1-. 路")
        case sre.IN, list(members):
            return _member(drawn, members)
        case sre.SUBPATTERN, (group, _, _, inner):
            groups[group] = _sequence(drawn, inner, groups)
            return groups[group]
        case sre.GROUPREF, int(group):
            return groups[group]
        case sre.BRANCH, (_, branches):
            return _sequence(drawn, drawn.choice(branches), groups)
        case ((sre.MAX_REPEAT | sre.MIN_REPEAT), (int(least), most, inner)):
            most = min(int(most), least + 25)
            times = drawn.choice((least, most, drawn.randint(least, most)))
            return "".join(_sequence(drawn, inner, groups) for _ in range(times))
        case ((sre.AT | sre.ASSERT | sre.ASSERT_NOT), _):
            return ""
    raise AssertionError(f"{operation} is not drawn here")


def _member(drawn: random.Random, members: list) -> str:
    if members[0][0] is sre.NEGATE:
        return drawn.choice("aZ19-_./?=路王é")
    operation, argument = drawn.choice(members)
    match operation, argument:
        case sre.LITERAL, int(code):
            return drawn.choice(_HAN) if code == 0x4E00 else chr(code)
        case sre.RANGE, (int(first), int(last)):
            return chr(drawn.randint(first, last))
        case sre.CATEGORY, sre.CATEGORY_DIGIT:
            return drawn.choice("0123456789")
        case sre.CATEGORY, sre.CATEGORY_SPACE:
            return drawn.choice(" \t\n\u3000\u2003")
    return "w"
