"""Reversible tokens: AES-SIV of each value with the context as associated data, shown as text.

Claim. Whoever has no key learns from a token only the value's length and whether two tokens of one
context are equal; whoever has it gets the value back exactly, and a token that was altered, cut, or
made for another domain is told apart (chance 2**-128). Destroying the key makes all its tokens
irreversible. Precondition: the key and context belong to one domain. Source: RFC 5297.
"""

from collections.abc import Sequence
from typing import Final, Literal

import pyarrow as pa

from gateway.errors import InvalidRequest, TransformFailed
from gateway.transform.alphabets import BASE32
from gateway.transform.base_text import BaseText
from gateway.transform.blocks import CipherName
from gateway.transform.siv import Siv
from gateway.transform.varlen import VarlenColumn

NOT_OF_THIS_DOMAIN: Final = "not a token of this domain"


def construction(cipher: CipherName) -> str:
    """The name for certificates."""
    if cipher == "AES":
        return "AES-SIV (RFC 5297)"
    return f"SIV over {cipher} (construction of RFC 5297, not a published standard)"


class SivTokens:
    """Tokens that can be taken back: `SivTokens(key, [context]).apply(column)`, then `.reverse`.

    `key`: 32, 48 or 64 bytes (32 for SM4), of one domain. `context`: what a token is bound to
    (data set, column, purpose), as bytes; tokens of another context do not reverse. `alphabet`: 16,
    32 or 64 ASCII characters. `unfit="refuse"` raises `TransformFailed` for a token that does not
    reverse, `unfit="null"` makes it null. Thread-safe.
    """

    __slots__ = ("_siv", "_text", "_unfit", "construction")

    def __init__(
        self,
        key: bytes,
        context: Sequence[bytes] = (),
        *,
        alphabet: str = BASE32,
        unfit: Literal["refuse", "null"] = "refuse",
        cipher: CipherName = "AES",
    ) -> None:
        if unfit not in ("refuse", "null"):
            raise InvalidRequest.of("unfit", "is refuse or null")
        self._text = BaseText(alphabet)
        self._unfit = unfit
        self._siv = Siv(key, context, cipher=cipher)
        self.construction: Final = construction(cipher)

    def apply(self, column: pa.Array) -> pa.Array:
        """String, binary or their large forms to string (or large string); nulls stay null.

        A token has the value's bytes and 16 more, at 4 to 6 bits a character. The empty value is a
        value like any other.
        """
        return self._text.show(self._siv.seal(VarlenColumn.of(column))).to_arrow()

    def reverse(self, tokens: pa.Array, *, binary: bool = False) -> pa.Array:
        """The values of tokens that `apply` made with the same key and context.

        Text, or bytes if `binary`; nulls stay null. What is wrong with a token that does not
        reverse is not said: it is not a token of this domain.
        """
        sealed, canonical = self._text.read(VarlenColumn.of(tokens))
        column, authentic = self._siv.open(sealed)
        fit = canonical & authentic
        if not fit.all():
            if self._unfit == "refuse":
                raise TransformFailed(NOT_OF_THIS_DOMAIN)
            column = column.keep(fit)
        return column.to_arrow(binary=binary)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.construction}, key hidden)"
