"""How people type identifiers in letters: parted in other ways, and with something right beside them.

What a list, a form or a hasty hand puts next to a number is no part of it; what parts it is.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.testing.letter_values import Draw

# Those that are found by themselves and cannot be read together with what stands beside them.
_LONG = frozenset({"resident_id", "mobile", "bank_card", "credit_card", "landline"})
_ALONE = _LONG | {"uscc", "vin", "passport", "hk_permit", "plate", "iban"}
_LETTERS = ("tel", "No", "ID", "sfz", "mob", "card")
_MARKS = "\u200b\u200d\u00ad\u2060\ufeff"


def typed(draw: Draw, slot: str, value: str) -> tuple[str, str, str]:
    """What stands before it, the identifier as typed, and what stands behind it."""
    kind = draw.below(6)
    if kind == 0 and slot in _ALONE:
        return f"{1 + draw.below(12)}.", value, ""
    if kind == 1 and slot in _LONG and value[0].isascii() and value[0].isdigit():
        return draw.one(_LETTERS), value, ""
    if kind == 2 and slot in _ALONE:
        return draw.one(("no_", "a_")), value, draw.one(("", "_"))
    if kind == 3 and slot in _ALONE:
        return "", value, draw.one((".2、", ".5", ".2026年"))
    if kind == 4 and len(value) > 1:
        at = 1 + draw.below(len(value) - 1)
        return "", value[:at] + draw.one(_MARKS) + value[at:], ""
    return "", _PARTED[slot](draw, value) if slot in _PARTED else value, ""


def _grouped(value: str, sizes: tuple[int, ...], sign: str) -> str:
    groups, at = [], 0
    for size in sizes:
        groups.append(value[at : at + size])
        at += size
    return sign.join(group for group in (*groups, value[at:]) if group)


def _resident_id(draw: Draw, value: str) -> str:
    if not value.isalnum():
        return value
    if len(value) == 15:
        return _grouped(value, (6, 6), draw.one((" ", "-", ".")))
    sizes = draw.one(((6, 8), (4, 4, 4, 4), (3, 3, 4, 4)))
    return _grouped(
        value, sizes, draw.one(("-", "  ", ".", "/", "·", "—") if sizes[0] > 3 else " ")
    )


def _mobile(draw: Draw, value: str) -> str:
    if not value.isdigit() or len(value) != 11:
        return value
    sizes = draw.one(((3, 4), (3, 4), (3, 3), (5,)))
    signs = (".", "—", "‑", "  ") if sizes == (3, 4) else (" ", "-")
    return _grouped(value, sizes, draw.one(signs))


def _card(draw: Draw, value: str) -> str:
    return _grouped(value, (4,) * 4, draw.one((".", "-", "  "))) if value.isdigit() else value


def _landline(draw: Draw, value: str) -> str:
    area, _, number = value.partition("-")
    if not number.isdigit():
        return value
    split = f"{number[:-4]}{draw.one((' ', '-'))}{number[-4:]}"
    return draw.one((f"{area} {split}", f"+86 {area[1:]} {split}", f"(86-{area[1:]}) {number}"))


_PARTED: Mapping[str, Callable[[Draw, str], str]] = MappingProxyType(
    {
        "resident_id": _resident_id,
        "mobile": _mobile,
        "bank_card": _card,
        "landline": _landline,
    }
)
