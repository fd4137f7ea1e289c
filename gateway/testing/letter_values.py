"""Single identifiers of letters, each with its check digit, and numbers that are none."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from gateway.testing.check_digits import (
    USCC_ALPHABET,
    luhn_check,
    organisation_code_check,
    uscc_check,
)
from gateway.testing.draws import Stream

T = TypeVar("T")

_PLATE = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
_VIN = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
_VIN_VALUES = dict(zip(_VIN, (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9,
                              0, 1, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))  # fmt: skip
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


class Draw:
    """Single draws from one stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def below(self, bound: int) -> int:
        """An integer in [0, bound)."""
        return int(self._stream.below(bound, 1)[0])

    def chance(self, per_mille: int) -> bool:
        """True with `per_mille` in a thousand."""
        return self.below(1000) < per_mille

    def one(self, among: Sequence[T]) -> T:
        """One of them."""
        return among[self.below(len(among))]

    def text(self, alphabet: str, length: int) -> str:
        """`length` characters of the alphabet."""
        return "".join(alphabet[i] for i in self._stream.below(len(alphabet), length).tolist())

    def digits(self, length: int) -> str:
        """`length` digits."""
        return self.text("0123456789", length)


def _checked(body: str, check: Callable[[np.ndarray], np.ndarray]) -> str:
    return body + chr(int(check(np.frombuffer(body.encode(), np.uint8)[None, :])[0]))


def _landline(draw: Draw) -> str:
    area = draw.one(("010", "021", "0755", "0571", "027"))
    number = draw.one("2345678") + draw.digits(7)
    kind = draw.below(4)
    if kind == 0:
        return f"({area}){number}"
    return (
        f"{area}-{number}转{draw.one('123456789')}{draw.digits(2)}"
        if kind == 1
        else f"{area}-{number}"
    )


def _plate(draw: Draw) -> str:
    head = draw.one("京津沪渝冀豫云辽黑湘皖鲁苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼") + draw.one(
        "ABCDE"
    )
    if draw.chance(300):
        return head + draw.one("DF") + draw.digits(5)
    return head + draw.one(("", "·")) + draw.text(_PLATE, 4) + draw.one("0123456789")


def _passport(draw: Draw) -> str:
    return draw.one("EGDSP") + draw.digits(8)


def _uscc(draw: Draw) -> str:
    organisation = _checked(draw.text(USCC_ALPHABET, 8), organisation_code_check)
    return _checked("91" + "36" + "01" + draw.digits(2) + organisation, uscc_check)


def _org_code(draw: Draw) -> str:
    code = _checked(draw.digits(8), organisation_code_check)
    return f"{code[:8]}-{code[8]}"


def _vin(draw: Draw) -> str:
    body = list(draw.text(_VIN, 17))
    body[8] = "0"
    rest = sum(_VIN_VALUES[c] * w for c, w in zip(body, _VIN_WEIGHTS, strict=True)) % 11
    body[8] = "0123456789X"[rest]
    return "".join(body)


def _imei(draw: Draw) -> str:
    return _checked("35" + draw.digits(12), luhn_check)


def _ip(draw: Draw) -> str:
    if draw.chance(250):
        return ":".join(draw.text("123456789abcdef", 4) for _ in range(8))
    return ".".join(str(1 + draw.below(254)) for _ in range(4))


def _mac(draw: Draw) -> str:
    return draw.one(":-").join(draw.text("0123456789ABCDEF", 2) for _ in range(6))


def _url(draw: Draw) -> str:
    return f"https://{draw.text('abcdefghij', 6)}.example.{draw.one(('com', 'org', 'net'))}/{draw.digits(4)}"


def _coordinates(draw: Draw) -> str:
    return f"{20 + draw.below(30)}.{draw.digits(5)},{100 + draw.below(30)}.{draw.digits(5)}"


def _iban(draw: Draw) -> str:
    country, bank = "DE", draw.digits(18)
    rest = int(bank + "131400") % 97  # D is 13, E is 14, then the two check digits as zeros
    return f"{country}{98 - rest:02d}{bank}"


def _credit_card(draw: Draw) -> str:
    number = _checked("4" + draw.digits(14), luhn_check)
    return " ".join(number[i : i + 4] for i in range(0, 16, 4)) if draw.chance(300) else number


def _ssn(draw: Draw) -> str:
    return f"{100 + draw.below(500)}-{10 + draw.below(89)}-{1000 + draw.below(8999)}"


def _order(draw: Draw) -> str:
    body = f"2026{1 + draw.below(12):02d}{1 + draw.below(28):02d}" + draw.digits(9)
    return _checked(body, luhn_check) if draw.chance(500) else body + draw.digits(1)


VALUES: Mapping[str, Callable[[Draw], str]] = MappingProxyType(
    {
        "landline": _landline,
        "foreign_phone": lambda draw: f"+44 20 7946 {draw.digits(4)}",
        "plate": _plate,
        "passport": _passport,
        "hk_permit": lambda draw: draw.one("HM") + draw.digits(draw.one((8, 10))),
        "tw_permit": lambda draw: draw.digits(8),
        "postal": lambda draw: draw.one(("10", "33", "51", "20")) + draw.digits(4),
        "uscc": _uscc,
        "org_code": _org_code,
        "vin": _vin,
        "imei": _imei,
        "ip": _ip,
        "mac": _mac,
        "url": _url,
        "coordinates": _coordinates,
        "wechat": lambda draw: draw.text("abcdefghijkmnpqrst", 5) + "_" + draw.digits(3),
        "qq": lambda draw: draw.one("123456789") + draw.digits(7 + draw.below(3)),
        "iban": _iban,
        "credit_card": _credit_card,
        "ssn": _ssn,
        "age": lambda draw: str(18 + draw.below(70)),
        "count": lambda draw: str(10 + draw.below(900)),
        "measure": lambda draw: f"{36 + draw.below(4)}.{draw.digits(1)}",
        "order": _order,
        "product": lambda draw: f"{draw.text('ABCDEFGHK', 3)}-{draw.digits(4)}{draw.one('ABC')}",
    }
)
