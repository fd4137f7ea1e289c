"""The one form of a found value, so that a number has the same token however it was typed.

A text writes a mobile number as ``+86 138-1234-5678`` or in full-width digits where a register has
eleven digits. Both are brought into the form that a clean column has: what is not known here is
only folded and trimmed, as it could mean something.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gateway.transform.profiles import normalised

_INVISIBLE: Final = r"[\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2064}\x{FEFF}]"
_DASHES: Final = r"[\x{2010}-\x{2014}\x{2212}]"
_DOTS: Final = r"[\x{2022}\x{2027}\x{30FB}\x{FF65}]"
_COUNTRY: Final = r"^(?:\+|00)?86(1[3-9][0-9]{9})$"


def canonical_form(entity: str, values: pa.Array) -> pa.Array:
    """Found values of the entity in the form of a clean column; as many, in the same order."""
    plain = pc.replace_substring_regex(values, _INVISIBLE, "")
    plain = pc.replace_substring_regex(plain, _DASHES, "-")
    plain = pc.replace_substring_regex(plain, _DOTS, "·")
    return _FORMS.get(entity, _folded)(plain)


def _folded(values: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(pc.utf8_normalize(values, form="NFKC"))


def _mobile(values: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(normalised(values), _COUNTRY, r"\1")


def _name(values: pa.Array) -> pa.Array:
    """``张 三`` is ``张三``; between words of other scripts the space stays."""
    return pc.replace_substring_regex(_folded(values), r"(\p{Han})\s+(\p{Han})", r"\1\2")


# A code is written with capitals and without separators.
_FORMS: Final[Mapping[str, Callable[[pa.Array], pa.Array]]] = MappingProxyType(
    {
        **dict.fromkeys(
            """
            CN_RESIDENT_ID CN_USCC CN_ORG_CODE CN_BANK_CARD CREDIT_CARD CN_LICENSE_PLATE
            CN_PASSPORT CN_HK_MACAU_PERMIT CN_TAIWAN_PERMIT IMEI VIN IBAN_CODE
            """.split(),
            normalised,
        ),
        "CN_MOBILE": _mobile,
        "PERSON": _name,
    }
)
