"""FF1: format-preserving encryption of whole columns (NIST SP 800-38G, algorithms 7 and 8).

Claim. Under a secret key and a tweak, FF1 is a keyed permutation of the strings of each length over
the alphabet: results have the value's length and alphabet, distinct values of one length stay
distinct, and decryption is exact. It is deterministic, so equality stays visible under one key and
tweak. Precondition: radix**length of every value is at least 1,000,000 (revision 1 of the
standard), as smaller domains can be searched; `unsafe_small_domains` waives that down to the first
edition's 100. Lengths stay visible. Separators are kept as they stand.

Over SM4 it is the same construction with another cipher, and not a published standard.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.errors import InvalidRequest, TransformFailed
from gateway.transform.alphabets import Alphabet
from gateway.transform.blocks import PIECE, BlockCipher, BlockEncryptor, CipherName
from gateway.transform.ff1_rounds import Prefix, Shape, narrow_rounds, wide_rounds
from gateway.transform.ff1_text import NumeralColumn
from gateway.transform.numerals import Numerals, read_narrow, read_wide, write_narrow, write_wide
from gateway.transform.varlen import VarlenColumn, groups, put_fixed, take_fixed

LEAST_DOMAIN: Final = 1_000_000
"""SP 800-38G revision 1 (draft), section 5.1: radix**minlen is at least this."""
UNSAFE_LEAST_DOMAIN: Final = 100
"""The bound of the first edition."""
LENGTH_LIMIT: Final = 2**32
"""Section 5.1: lengths of values and tweaks are below this."""


def construction(cipher: CipherName) -> str:
    """The name for certificates."""
    if cipher == "AES":
        return "FF1 (NIST SP 800-38G)"
    return f"FF1 over {cipher} (construction of SP 800-38G, not a published standard)"


class FF1:
    """FF1 over one alphabet under one key: `FF1(key, "0123456789").encrypt(column, tweak)`.

    `key`: 16, 24 or 32 bytes (16 for SM4). `alphabet`: 2 to 65,536 characters, the position of a
    character is its numeral. `separators`: the characters outside the alphabet that keep their
    place, no letters or digits. Any other character makes a value unfit, as do a length with fewer
    than 1,000,000 possible values (100 with `unsafe_small_domains`) and a null tweak:
    `unfit="refuse"` raises `TransformFailed` for such a value, `unfit="null"` makes it null.
    Thread-safe.
    """

    __slots__ = ("_alphabet", "_cipher", "_separators", "_unfit", "construction", "shortest")

    def __init__(
        self,
        key: bytes,
        alphabet: str,
        *,
        separators: str = "",
        unfit: Literal["refuse", "null"] = "refuse",
        cipher: CipherName = "AES",
        unsafe_small_domains: bool = False,
    ) -> None:
        self._alphabet = Alphabet(alphabet)
        if set(separators) & set(alphabet):
            raise InvalidRequest.of("separators", "holds a character of the alphabet")
        if any(character.isalnum() for character in separators):
            raise InvalidRequest.of("separators", "are no letters or digits: those are data")
        if unfit not in ("refuse", "null"):
            raise InvalidRequest.of("unfit", "is refuse or null")
        self._separators = separators
        self._unfit = unfit
        self._cipher = BlockCipher(key, cipher)
        least = UNSAFE_LEAST_DOMAIN if unsafe_small_domains else LEAST_DOMAIN
        self.shortest: Final = _shortest(self._alphabet.radix, least)
        self.construction: Final = construction(cipher)

    def encrypt(self, column: pa.Array, tweak: bytes | pa.Array = b"") -> pa.Array:
        """Algorithm 7 on every value of a string column (or large string); nulls stay null.

        `tweak`: one for all values, or a string or binary column with one for each row.
        """
        return self._apply(column, tweak, inverse=False)

    def decrypt(self, column: pa.Array, tweak: bytes | pa.Array = b"") -> pa.Array:
        """Algorithm 8: the inverse of `encrypt` with the same tweak."""
        return self._apply(column, tweak, inverse=True)

    def _apply(self, column: pa.Array, tweak: bytes | pa.Array, *, inverse: bool) -> pa.Array:
        text = NumeralColumn.of(column, self._alphabet, self._separators)
        fit = self._fit(text, column, tweak)
        if fit is not None:
            if self._unfit == "refuse":
                raise TransformFailed(f"FF1 cannot take a value of this column: {self._why(text)}")
            column = pc.if_else(pa.array(fit), column, pa.scalar(None, column.type))
            text = NumeralColumn.of(column, self._alphabet, self._separators)
        tweaks = _Tweaks.of(tweak, column)
        return text.written(self._permuted(text, tweaks, inverse=inverse), self._alphabet)

    def _why(self, text: NumeralColumn) -> str:
        """The first of the reasons that some value is unfit for."""
        if text.fit is not None and not text.fit.all():
            return "it holds a character that is neither in the alphabet nor a separator"
        if (text.lengths < self.shortest).any():
            return f"it has fewer than {self.shortest} characters of the alphabet"
        if (text.lengths >= LENGTH_LIMIT).any():
            return f"it has {LENGTH_LIMIT} characters of the alphabet or more"
        return "its tweak is null"

    def _fit(
        self, text: NumeralColumn, column: pa.Array, tweak: bytes | pa.Array
    ) -> NDArray[np.bool_] | None:
        """Which slots of the column can be encrypted (nulls can), None if all."""
        fit = (text.lengths >= self.shortest) & (text.lengths < LENGTH_LIMIT)
        if text.fit is not None:
            fit &= text.fit
        slots = np.ones(text.source.slots, np.bool_)
        if text.source.valid is None:
            slots = fit
        else:
            slots[text.source.valid] = fit
        if not isinstance(tweak, bytes):
            if not isinstance(tweak, pa.Array) or len(tweak) != len(column):
                raise InvalidRequest.of("tweak", "is bytes, or an array as long as the column")
            if tweak.null_count:
                filled = pc.or_(tweak.is_valid(), column.is_null())
                slots = slots & filled.to_numpy(zero_copy_only=False)
        return None if slots.all() else slots

    def _permuted(self, text: NumeralColumn, tweaks: "_Tweaks", *, inverse: bool) -> Numerals:
        """The numerals of all values after the ten rounds, laid out as they came."""
        encrypt = self._cipher.encryptor()
        out = np.empty_like(text.values)
        source, target = text.values.view(np.uint8), out.view(np.uint8)
        for length, size, rows in _groups(text.lengths, tweaks):
            shape = Shape(self._alphabet.radix, length)
            shared = Prefix.of(encrypt, shape, tweaks.take(rows[:1], size))
            width = length * out.itemsize
            for begin in range(0, len(rows), PIECE):
                piece = rows[begin : begin + PIECE]
                prefix = shared
                if not tweaks.single:
                    prefix = Prefix.of(encrypt, shape, tweaks.take(piece, size))
                if len(rows) == len(text.lengths):
                    ends = slice(begin * width, (begin + len(piece)) * width)
                    numerals = source[ends].reshape(-1, width)
                else:
                    starts = text.starts[piece] * out.itemsize
                    numerals = take_fixed(source, starts, width)
                result = _rounds(encrypt, shape, prefix, numerals.view(out.dtype), inverse=inverse)
                put_fixed(target, text.starts[piece] * out.itemsize, result.view(np.uint8))
        return out

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.construction}, {self._alphabet!r}, key hidden)"


@dataclass(frozen=True, slots=True, repr=False)
class _Tweaks:
    """One tweak for all values (`single`), or one for each value that is not null."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    single: bool

    @classmethod
    def of(cls, tweak: bytes | pa.Array, column: pa.Array) -> "_Tweaks":
        if isinstance(tweak, bytes):
            data, none = np.frombuffer(tweak, np.uint8), np.zeros(1, np.int64)
            return cls(data, none, none + len(tweak), single=True)
        given = VarlenColumn.of(tweak.filter(column.is_valid()), "tweak")
        return cls(given.data, given.starts, given.lengths, single=False)

    def take(self, rows: NDArray[np.int64], size: int) -> NDArray[np.uint8]:
        """The tweaks of values that have tweaks of `size` bytes; one row if single."""
        return take_fixed(self.data, self.starts[:1] if self.single else self.starts[rows], size)


def _groups(
    lengths: NDArray[np.int64], tweaks: _Tweaks
) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
    """Values of one length with tweaks of one length: both lengths, and the values' indices."""
    if tweaks.single:
        size = int(tweaks.lengths[0])
        for length, rows in groups(lengths):
            yield length, size, rows
        return
    span = int(tweaks.lengths.max(initial=0)) + 1
    for key, rows in groups(lengths * span + tweaks.lengths):
        yield key // span, key % span, rows


def _rounds(
    encrypt: BlockEncryptor, shape: Shape, prefix: Prefix, numerals: Numerals, *, inverse: bool
) -> Numerals:
    """Algorithm 7 or 8 for values of one length: numerals in, numerals out, shape (rows, n)."""
    u, v, radix = shape.left, shape.right, shape.radix  # step 1
    result = np.empty_like(numerals)
    if shape.narrow:
        a, b = read_narrow(numerals, 0, u, radix), read_narrow(numerals, u, v, radix)  # step 2
        a, b = narrow_rounds(encrypt, shape, prefix, a, b, inverse=inverse)  # step 6
        write_narrow(result, 0, u, radix, a)  # step 7
        write_narrow(result, u, v, radix, b)
    else:
        wide_a, wide_b = read_wide(numerals, 0, u, radix), read_wide(numerals, u, v, radix)
        wide_a, wide_b = wide_rounds(encrypt, shape, prefix, wide_a, wide_b, inverse=inverse)
        write_wide(result, 0, u, radix, wide_a)
        write_wide(result, u, v, radix, wide_b)
    return result


def _shortest(radix: int, least: int) -> int:
    """The least length whose domain is large enough; section 5.1 asks for 2 at least."""
    length = 2
    while radix**length < least:
        length += 1
    return length
