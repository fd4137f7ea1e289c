"""Format-preserving encryption of Chinese identifiers: results stay valid and decrypt exactly.

Each profile counts the valid identifiers of a kind through (see `layouts`) and permutes the counts
with FF1 (see `ff1_integers`), so that a validator takes every result for a real one: check digits
are right, dates exist, prefixes are in use. What a profile keeps goes into the tweak, so that the
same number behind two prefixes is encrypted in two ways.

Values are taken exactly as a profile writes them: no separators, no full-width digits, capital
letters. `normalised` brings a column into that form first, where the policy says so.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.errors import InvalidRequest, TransformFailed
from gateway.transform import check_digits
from gateway.transform.alphabets import PLATE, USCC
from gateway.transform.blocks import PIECE, BlockCipher, CipherName
from gateway.transform.ff1_integers import LEAST_SIZE, IntegerPermutation
from gateway.transform.layouts import Bytes, Characters, Check, Day, Field, Fit, Layout, Options
from gateway.transform.varlen import VarlenColumn, groups, put_fixed, take_fixed

PROVINCES: Final = tuple(
    str(code)
    for first, last in (
        (11, 15),
        (21, 23),
        (31, 37),
        (41, 46),
        (50, 54),
        (61, 65),
        (71, 71),
        (81, 83),
    )
    for code in range(first, last + 1)
)
"""The first two digits of regions, GB/T 2260; 83 is in use for residence permits of Taiwan."""
PLATE_PROVINCES: Final = tuple("京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新")
_PLATE_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_REMOVED: Final = r"[\s\-.·]"


class Profile:
    """Encrypts values of given layouts; the layouts have no value in common.

    `unfit="refuse"` raises `TransformFailed` for a value of no layout, `unfit="null"` makes it
    null. Thread-safe. `key`: 16, 24 or 32 bytes (16 for SM4).
    """

    __slots__ = ("_kind", "_layouts", "_unfit")

    def __init__(
        self,
        kind: str,
        layouts: Sequence[Layout],
        key: bytes,
        *,
        unfit: Literal["refuse", "null"] = "refuse",
        cipher: CipherName = "AES",
    ) -> None:
        if unfit not in ("refuse", "null"):
            raise InvalidRequest.of("unfit", "is refuse or null")
        block = BlockCipher(key, cipher)
        self._kind = kind
        self._unfit = unfit
        self._layouts = [(layout, IntegerPermutation(block, layout.size)) for layout in layouts]

    def encrypt(self, column: pa.Array) -> pa.Array:
        """String or large string column; nulls stay null."""
        return self._apply(column, inverse=False)

    def decrypt(self, column: pa.Array) -> pa.Array:
        """The inverse of `encrypt`."""
        return self._apply(column, inverse=True)

    def _apply(self, column: pa.Array, *, inverse: bool) -> pa.Array:
        source = VarlenColumn.of(column)
        out = VarlenColumn(
            np.empty_like(source.data),
            source.starts,
            source.lengths,
            source.valid,
            source.slots,
            source.large,
        )
        fit = np.zeros(source.rows, np.bool_)
        for width, rows in groups(source.lengths):
            for begin in range(0, len(rows), PIECE):
                piece = rows[begin : begin + PIECE]
                self._apply_piece(source, out.data, fit, piece, width, inverse=inverse)
        if not fit.all():
            if self._unfit == "refuse":
                raise TransformFailed(f"the column holds a value that is no valid {self._kind}")
            out = out.keep(fit)
        return out.to_arrow()

    def _apply_piece(
        self,
        source: VarlenColumn,
        out: Bytes,
        fit: Fit,
        rows: NDArray[np.int64],
        width: int,
        *,
        inverse: bool,
    ) -> None:
        """Values of one width: write those of some layout to `out` and mark them in `fit`."""
        for layout, permutation in self._layouts:
            if layout.width != width:
                continue
            left = rows[~fit[rows]]
            values = take_fixed(source.data, source.starts[left], width)
            number, here = layout.read(values)
            if not here.all():
                values, number, left = values[here], number[here], left[here]
            number = permutation.apply(number, layout.tweaks(values), inverse=inverse)
            put_fixed(out, source.starts[left], layout.write(values, number))
            fit[left] = True

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._kind}, key hidden)"


def normalised(column: pa.Array) -> pa.Array:
    """Full-width forms to ASCII (NFKC), capitals, without white space, hyphens and dots."""
    folded = pc.utf8_upper(pc.utf8_normalize(column, form="NFKC"))
    return pc.replace_substring_regex(folded, _REMOVED, "")


def mobile(
    key: bytes,
    *,
    keep_prefix: bool = True,
    unfit: Literal["refuse", "null"] = "refuse",
    cipher: CipherName = "AES",
) -> Profile:
    """Mobile numbers of 11 digits, `1[3-9]` first; the first three stay if `keep_prefix`."""
    layout = Layout(
        f"CN_MOBILE/{keep_prefix:d}",
        Options(texts=("1",), kept=True),
        Characters(alphabet="3456789", kept=keep_prefix),
        Characters(kept=keep_prefix),
        Characters(count=8),
    )
    return Profile("mobile numbers", [layout], key, unfit=unfit, cipher=cipher)


def bank_card(
    key: bytes,
    *,
    keep: int = 6,
    unfit: Literal["refuse", "null"] = "refuse",
    cipher: CipherName = "AES",
) -> Profile:
    """Card numbers of 13 to 19 digits with a right Luhn digit; the first `keep` (0 to 8) stay.

    A length that leaves fewer than six digits between prefix and check digit is unfit, as its
    domain is below a million.
    """
    if not 0 <= keep <= 8:
        raise InvalidRequest.of("keep", "is 0 to 8 digits: an issuer prefix has 6 or 8")
    layouts = []
    for length in range(13, 20):
        free = length - keep - 1
        if 10**free >= LEAST_SIZE:
            prefix = [Characters(count=keep, kept=True)] if keep else []
            check = Check(compute=check_digits.luhn, body=slice(0, length - 1))
            layouts.append(
                Layout(f"CN_BANK_CARD/{keep}/{length}", *prefix, Characters(count=free), check)
            )
    return Profile("bank card numbers", layouts, key, unfit=unfit, cipher=cipher)


def resident_id(
    key: bytes,
    *,
    last_day: date,
    first_day: date = date(1900, 1, 1),
    unfit: Literal["refuse", "null"] = "refuse",
    cipher: CipherName = "AES",
) -> Profile:
    """Resident identity numbers of 18 characters: region, birth date and sequence as one domain.

    None of the three is ever left beside the others encrypted: region, day and sex single out a
    few people of a district. Results have a province in use, any four further region digits, a day
    from `first_day` to `last_day`, any sequence, and the right check digit. Values with a day
    outside are unfit; another range is another permutation, so keep it with the key.
    """
    layout = Layout(
        "CN_RESIDENT_ID",
        Options(texts=PROVINCES),
        Characters(count=4),
        Day(first=first_day, last=last_day),
        Characters(count=3),
        Check(compute=check_digits.resident_id, body=slice(0, 17)),
    )
    return Profile("resident identity numbers", [layout], key, unfit=unfit, cipher=cipher)


def plate(
    key: bytes,
    *,
    keep_province: bool = True,
    unfit: Literal["refuse", "null"] = "refuse",
    cipher: CipherName = "AES",
) -> Profile:
    """Licence plates: province character, letter, and five characters, or six for new energy.

    New energy plates stay such and of their class: D or F first (small) or last (large vehicles).
    """
    front: list[Field] = [
        Options(texts=PLATE_PROVINCES, kept=keep_province),
        Characters(alphabet=_PLATE_LETTERS),
    ]
    energy = Characters(alphabet="DF")
    layouts = [
        Layout(
            f"CN_LICENSE_PLATE/{keep_province:d}/5", *front, Characters(alphabet=PLATE, count=5)
        ),
        Layout(
            f"CN_LICENSE_PLATE/{keep_province:d}/small",
            *front,
            energy,
            Characters(alphabet=PLATE),
            Characters(count=4),
        ),
        Layout(f"CN_LICENSE_PLATE/{keep_province:d}/large", *front, Characters(count=5), energy),
    ]
    return Profile("licence plates", layouts, key, unfit=unfit, cipher=cipher)


def uscc(
    key: bytes,
    *,
    unfit: Literal["refuse", "null"] = "refuse",
    cipher: CipherName = "AES",
) -> Profile:
    """Unified social credit codes: the first two characters (department, kind) stay.

    Region and organisation code are one domain; both check characters are recomputed. The
    organisation code's own characters are those of the credit code's alphabet.
    """
    layout = Layout(
        "CN_USCC",
        Characters(alphabet=USCC, kept=True, count=2),
        Options(texts=PROVINCES),
        Characters(count=4),
        Characters(alphabet=USCC, count=8),
        Check(compute=check_digits.organisation_code, body=slice(8, 16)),
        Check(compute=check_digits.credit_code, body=slice(0, 17)),
    )
    return Profile("unified social credit codes", [layout], key, unfit=unfit, cipher=cipher)
