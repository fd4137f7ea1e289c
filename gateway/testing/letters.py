"""Letters, case notes, complaints and calls with known identifiers, to measure finders with.

`letters(count, seed, style, per_mille)` makes the same texts on every platform. Styles: `office`
(Chinese letters and case notes, one letter in eight English), `chat` (hasty calls and messages) and
`notes` (minutes, files and messages by another hand).
Each identifier's place and entity is known; names of persons in Latin letters are marked
`PERSON_LATIN`. What lays traps and is no identifier: words that begin with a surname, places and
companies that do, product numbers, order numbers that pass the Luhn check. The people are those of
`residents`, some with rarer names; nothing comes from a person.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from gateway.testing import letter_forms as forms
from gateway.testing.draws import Purpose, Stream
from gateway.testing.letter_typing import typed
from gateway.testing.letter_values import VALUES, Draw
from gateway.testing.register import residents

TextStyle = Literal["office", "chat", "notes"]

SLOTS: Mapping[str, str] = MappingProxyType(
    {
        "person": "PERSON",
        "latin": "PERSON_LATIN",
        "resident_id": "CN_RESIDENT_ID",
        "mobile": "CN_MOBILE",
        "email": "EMAIL_ADDRESS",
        "address": "ADDRESS",
        "bank_card": "CN_BANK_CARD",
        "landline": "CN_LANDLINE",
        "foreign_phone": "PHONE_NUMBER",
        "plate": "CN_LICENSE_PLATE",
        "passport": "CN_PASSPORT",
        "hk_permit": "CN_HK_MACAU_PERMIT",
        "tw_permit": "CN_TAIWAN_PERMIT",
        "postal": "CN_POSTAL_CODE",
        "uscc": "CN_USCC",
        "org_code": "CN_ORG_CODE",
        "vin": "VIN",
        "imei": "IMEI",
        "ip": "IP_ADDRESS",
        "mac": "MAC_ADDRESS",
        "url": "URL",
        "coordinates": "COORDINATES",
        "wechat": "WECHAT_ID",
        "qq": "QQ_NUMBER",
        "iban": "IBAN_CODE",
        "credit_card": "CREDIT_CARD",
        "ssn": "US_SSN",
    }
)
"""What an identifier's slot holds; a slot that is not here holds none."""

_SLOT = re.compile(r"\{(\w+)\}")
_PEOPLE = 2000
_FULL_WIDTH = {ord("0") + digit: 0xFF10 + digit for digit in range(10)}


@dataclass(frozen=True, slots=True)
class Letter:
    """A text with its identifiers: start, end (characters) and entity, in order."""

    text: str
    spans: tuple[tuple[int, int, str], ...]


def letters(
    count: int,
    seed: int,
    style: TextStyle = "office",
    per_mille: int = 1000,
    *,
    rough: bool = False,
) -> list[Letter]:
    """Return `count` texts; `per_mille` in a thousand of them hold identifiers, the others none.

    rough: identifiers are typed as `letter_typing` says, parted and beside other signs.
    """
    people = residents(_PEOPLE, seed).select(["name", "resident_id", "phone", "email", "address",
                                              "bank_card"]).to_pylist()  # fmt: skip
    draws = (Draw(Stream(seed, Purpose.LETTERS, number)) for number in range(count))
    return [
        _filled(draw, people, _form(draw, style, per_mille), typed if rough else _cleanly)
        for draw in draws
    ]


def _cleanly(draw: Draw, slot: str, value: str) -> tuple[str, str, str]:
    del draw, slot
    return "", value, ""


def _form(draw: Draw, style: TextStyle, per_mille: int) -> str:
    holds = draw.chance(per_mille)
    english = style == "office" and draw.chance(125)
    if english:
        marked, plain = forms.ENGLISH, forms.ENGLISH_PLAIN
    elif style == "office":
        marked, plain = forms.OFFICE, forms.OFFICE_PLAIN
    else:
        marked = forms.CHAT if style == "chat" else forms.NOTES
        plain = forms.CHAT_PLAIN
    sentences = [draw.one(plain) for _ in range(1 + draw.below(2))]
    if holds:
        sentences.insert(draw.below(len(sentences) + 1), draw.one(marked))
    return (" " if english or style != "office" else "").join(sentences)


def _filled(
    draw: Draw,
    people: Sequence[Mapping[str, str | None]],
    form: str,
    type_: Callable[[Draw, str, str], tuple[str, str, str]],
) -> Letter:
    """The form with a value in each slot, about one resident unless it names several persons."""
    parts: list[str] = []
    spans: list[tuple[int, int, str]] = []
    length = read = 0
    for slot in _SLOT.finditer(form):
        name, value = slot.group(1), _value(draw, people, slot.group(1))
        before, behind = form[read : slot.start()], ""
        if name in SLOTS and not SLOTS[name].startswith("PERSON"):
            beside, value, behind = type_(draw, name, value)
            before += beside
        length += len(before)
        if name in SLOTS:
            spans.append((length, length + len(value), SLOTS[name]))
        parts += [before, value, behind]
        length += len(value) + len(behind)
        read = slot.end()
    parts.append(form[read:])
    return Letter("".join(parts), tuple(spans))


def _value(draw: Draw, people: Sequence[Mapping[str, str | None]], slot: str) -> str:
    if slot in forms.WORDS:
        return draw.one(forms.WORDS[slot]).replace("-", " ")
    if slot in _OF_PEOPLE:
        return _OF_PEOPLE[slot](draw, people)
    return VALUES[slot](draw)


def _person(draw: Draw, people: Sequence[Mapping[str, str | None]]) -> str:
    name = str(draw.one(people)["name"])
    if "·" in name:
        return name
    kind = draw.below(10)
    if kind == 0:
        surname = draw.one(forms.RARE_SURNAMES)
    else:
        surname = name[:2] if len(name) == 4 else name[0]
    if kind in (1, 2):
        given = "".join(draw.one(forms.RARE_GIVEN) for _ in range(1 + draw.chance(750)))
    else:
        given = name[2:] if len(name) == 4 else name[1:]
    return surname + given


def _known(column: str) -> Callable[[Draw, Sequence[Mapping[str, str | None]]], str]:
    def known(draw: Draw, people: Sequence[Mapping[str, str | None]]) -> str:
        while True:  # ends: most residents have each
            value = draw.one(people)[column]
            if value is not None:
                return value

    return known


def _resident_id(draw: Draw, people: Sequence[Mapping[str, str | None]]) -> str:
    number = _known("resident_id")(draw, people)
    kind = draw.below(10)
    if kind == 0:
        return number.lower()
    if kind == 1:
        return f"{number[:6]} {number[6:14]} {number[14:]}"
    if kind == 2:
        return number.translate(_FULL_WIDTH)
    if kind == 3 and number[6:8] == "19":
        return number[:6] + number[8:17]  # the old form: two digits of the year, no check digit
    return number


def _mobile(draw: Draw, people: Sequence[Mapping[str, str | None]]) -> str:
    number = _known("phone")(draw, people)
    kind = draw.below(10)
    if kind == 0:
        return "+86 " + number
    if kind == 1:
        return "0086" + number
    if kind == 2:
        return f"{number[:3]}-{number[3:7]}-{number[7:]}"
    if kind == 3:
        return number.translate(_FULL_WIDTH)
    return number


_OF_PEOPLE: Mapping[str, Callable[[Draw, Sequence[Mapping[str, str | None]]], str]] = (
    MappingProxyType(
        {
            "person": _person,
            "resident_id": _resident_id,
            "mobile": _mobile,
            "email": _known("email"),
            "address": _known("address"),
            "bank_card": _known("bank_card"),
        }
    )
)
