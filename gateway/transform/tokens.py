"""Deterministic tokens: AES-CMAC-PRF-128 of each value, shown as text.

Claim. Without the key, tokens of distinct values cannot be told from random ones that do not
collide more often than `collision_bound` says, and nothing but equality can be learnt from them.
Precondition: the key belongs to one domain; under one key the same value always has the same
token, so how often a value occurs stays visible, and whoever can ask for tokens of values of their
choice can find who is who. Not reversible. Source: RFC 4493, RFC 4615 (SP 800-38B).
"""

from fractions import Fraction
from typing import Final

import numpy as np
import pyarrow as pa

from gateway.errors import InvalidRequest, KeyUnavailable, TransformFailed
from gateway.transform.alphabets import BASE32, Alphabet
from gateway.transform.blocks import PIECE, BlockCipher, CipherName
from gateway.transform.cmac import Cmac, prf_key
from gateway.transform.numerals import spell
from gateway.transform.varlen import VarlenColumn, build_text

BITS: Final = 128
SHORTEST_KEY: Final = 16
"""Bytes; RFC 4615 takes any length, but less than the cipher's own strength protects nothing."""
MOST_ROWS: Final = 2**32
"""How many distinct values a domain is taken to hold when nothing is said."""
MOST_RISK: Final = Fraction(1, 10**6)
"""The largest accepted probability that any two distinct values of a domain share a token."""


def construction(cipher: CipherName) -> str:
    """The name for certificates."""
    if cipher == "AES":
        return "AES-CMAC-PRF-128 (RFC 4615)"
    return f"CMAC-PRF-128 over {cipher} (construction of RFC 4615, not a published standard)"


def full_length(radix: int) -> int:
    """Characters that show all 128 bits: the least n with radix**n >= 2**128."""
    length, reach = 0, 1
    while reach < 1 << BITS:
        length, reach = length + 1, reach * radix
    return length


def collision_bound(rows: int, length: int, radix: int = len(BASE32)) -> Fraction:
    """An upper bound on the probability that any two of `rows` distinct values share a token.

    A token of n characters is the 128-bit number modulo radix**n. Each residue has at most
    ceil(2**128 / radix**n) of the 2**128 numbers, and there are rows·(rows - 1) / 2 pairs, so for
    a random function the bound is exact up to the rounding, which is upwards. It is 1 at most.
    """
    if rows < 0 or length < 1 or radix < 2:
        raise InvalidRequest.of("rows, length, radix", "are at least 0, 1 and 2")
    most = -(-(1 << BITS) // radix**length)
    return min(Fraction(rows * (rows - 1) // 2 * most, 1 << BITS), Fraction(1))


class CmacTokens:
    """Tokens of whole columns: `CmacTokens(key).apply(column)`.

    `key`: 16 bytes or more, of one domain. `alphabet`: 2 to 128 ASCII characters. `length`:
    characters of a token, at most (and by default) as many as show all 128 bits. `rows`: the most
    distinct values that the domain will ever hold; `risk`: the largest `collision_bound` accepted
    for that many: a shorter token is `InvalidRequest`, and so is a column longer than `rows`.
    `cipher="SM4"` is the same construction over SM4 and not a published standard. Thread-safe.
    """

    __slots__ = ("_alphabet", "_cmac", "construction", "length", "rows")

    def __init__(
        self,
        key: bytes,
        *,
        alphabet: str = BASE32,
        length: int | None = None,
        rows: int = MOST_ROWS,
        risk: Fraction = MOST_RISK,
        cipher: CipherName = "AES",
    ) -> None:
        self._alphabet = Alphabet(alphabet)
        if not self._alphabet.is_ascii:
            raise InvalidRequest.of("alphabet", "of a token must be of ASCII characters")
        longest = full_length(self._alphabet.radix)
        self.length: Final = longest if length is None else length
        if not 1 <= self.length <= longest:
            raise InvalidRequest.of("length", f"is 1 to {longest} characters of this alphabet")
        self.rows: Final = rows
        if collision_bound(rows, self.length, self._alphabet.radix) > risk:
            raise InvalidRequest.of(
                "length",
                f"{self.length} characters are too few for {rows} distinct values: the chance that "
                f"two share a token exceeds {float(risk):.3g}; use "
                f"{_shortest(rows, risk, self._alphabet.radix)} or more",
            )
        if len(key) < SHORTEST_KEY:
            raise KeyUnavailable(f"a key for tokens has at least {SHORTEST_KEY} bytes")
        self._cmac = Cmac(BlockCipher(prf_key(key, cipher), cipher))
        self.construction: Final = construction(cipher)

    def apply(self, column: pa.Array) -> pa.Array:
        """String, binary or their large forms to string (or large string); nulls stay null.

        The empty string is a value like any other and has its token. Raises `InvalidRequest` for
        another type, `TransformFailed` for more rows than were declared.
        """
        source = VarlenColumn.of(column)
        if source.rows > self.rows:
            raise TransformFailed(
                f"the column is longer than the {self.rows} rows the token length was declared for"
            )
        macs = self._cmac.column(source)
        text = np.empty((source.rows, self.length), np.uint8)
        for begin in range(0, source.rows, PIECE):
            piece = slice(begin, begin + PIECE)
            text[piece] = self._alphabet.write(
                spell(macs[piece], self._alphabet.radix, self.length)
            )
        return build_text(
            text.reshape(-1), self.length, source.valid, source.slots, large=source.large
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.construction}, length {self.length}, key hidden)"


def _shortest(rows: int, risk: Fraction, radix: int) -> str:
    for length in range(1, full_length(radix) + 1):
        if collision_bound(rows, length, radix) <= risk:
            return str(length)
    return "fewer rows, or a higher risk: no length suffices"
