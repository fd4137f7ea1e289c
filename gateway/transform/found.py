"""The one form of a found value, so that a number has the same token however it was typed.

A text writes a mobile number as ``+86 138-1234-5678`` or in full-width digits where a register has
eleven digits. Both are brought into the form that a clean column has. What is not named here (an
address, a link, a WeChat ID) is only folded and trimmed, as every sign of it could mean something.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gateway.norms.marks import DOTS, HYPHENS, INVISIBLE, re2_class
from gateway.transform.profiles import normalised

_INVISIBLE: Final = re2_class(INVISIBLE)
_HYPHENS: Final = re2_class(HYPHENS)
_DOTS: Final = re2_class(DOTS)
_MOBILE: Final = r"^(?:\+|00)?86(1[3-9][0-9]{9})$"
_LANDLINE: Final = (
    # With the country's number the area code has lost its 0.
    (r"^(?:\+|00)?86(?:0)?([1-9][0-9]{8,10})(-|$)", r"0\1\2"),
    (r"^0(10|2[0-9])([0-9]{7,8})(-|$)", r"0\1-\2\3"),
    (r"^0([3-9][0-9]{2})([0-9]{7,8})(-|$)", r"0\1-\2\3"),
)
_EXTENSION: Final = (
    # Behind a word, or behind a hyphen where the number before it is whole.
    r"[,;(]?(?:转|轉|分机|内线|EXT|X|#)[:.]?([0-9]{1,6})\)?$",
    r"((?:^|[^0-9])[2-9][0-9]{6,7}|0[0-9]{9,11})-([0-9]{1,6})$",
)


def canonical_form(entity: str, values: pa.Array) -> pa.Array:
    """Found values of the entity in the form of a clean column; as many, in the same order."""
    plain = pc.replace_substring_regex(values, _INVISIBLE, "")
    plain = pc.replace_substring_regex(plain, _HYPHENS, "-")
    plain = pc.replace_substring_regex(plain, _DOTS, "·")
    return _FORMS.get(entity, _folded)(plain)


def _folded(values: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(pc.utf8_normalize(values, form="NFKC"))


def _small(values: pa.Array) -> pa.Array:
    """Mail systems and IPv6 take capitals and small letters for the same."""
    return pc.utf8_lower(_folded(values))


def _code(values: pa.Array) -> pa.Array:
    """A code is written with capitals and without separators."""
    return pc.replace_substring_regex(normalised(values), "[/_()]", "")


def _digits(values: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(_folded(values), "[^0-9]", "")


def _international(values: pa.Array) -> pa.Array:
    """ITU-T E.164: a plus and digits; what has no country's number keeps its digits only."""
    plain = pc.replace_substring_regex(_folded(values), r"^\s*(?:\(?\+|00)", "+")
    plain = pc.replace_substring_regex(plain, r"\(0\)", "")
    return pc.replace_substring_regex(plain, "[^0-9+]", "")


def _mobile(values: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(_code(values), _MOBILE, r"\1")


def _landline(values: pa.Array) -> pa.Array:
    """``010-82345678``, and ``010-82345678-12`` with an extension."""
    plain = pc.replace_substring_regex(pc.utf8_upper(_folded(values)), r"\s", "")
    marked = pc.replace_substring_regex(plain, _EXTENSION[0], r"~\1")
    marked = pc.replace_substring_regex(marked, _EXTENSION[1], r"\1~\2")
    marked = pc.replace_substring_regex(marked, "[^0-9+~]", "")
    joined = pc.replace_substring(marked, "~", "-")
    for pattern, written in _LANDLINE:
        joined = pc.replace_substring_regex(joined, pattern, written)
    return joined


def _grouped(pattern: str, written: str) -> Callable[[pa.Array], pa.Array]:
    def form(values: pa.Array) -> pa.Array:
        plain = pc.replace_substring(_code(values), ":", "")
        return pc.replace_substring_regex(plain, pattern, written)

    return form


def _name(values: pa.Array) -> pa.Array:
    """``张 三`` is ``张三``; between words of other scripts the space stays."""
    return pc.replace_substring_regex(_folded(values), r"(\p{Han})\s+(\p{Han})", r"\1\2")


_FORMS: Final[Mapping[str, Callable[[pa.Array], pa.Array]]] = MappingProxyType(
    {
        **dict.fromkeys(
            """
            CN_RESIDENT_ID CN_USCC CN_ORG_CODE CN_BANK_CARD CREDIT_CARD CN_LICENSE_PLATE
            CN_PASSPORT CN_HK_MACAU_PERMIT CN_TAIWAN_PERMIT IMEI VIN IBAN_CODE
            """.split(),
            _code,
        ),
        **dict.fromkeys(("QQ_NUMBER", "CN_POSTAL_CODE"), _digits),
        **dict.fromkeys(("EMAIL_ADDRESS", "IP_ADDRESS"), _small),
        "CN_MOBILE": _mobile,
        "CN_LANDLINE": _landline,
        "PHONE_NUMBER": _international,
        "MAC_ADDRESS": _grouped("^" + "([0-9A-F]{2})" * 6 + "$", r"\1:\2:\3:\4:\5:\6"),
        "US_SSN": _grouped("^([0-9]{3})([0-9]{2})([0-9]{4})$", r"\1-\2-\3"),
        "PERSON": _name,
    }
)
