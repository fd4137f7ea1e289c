"""Keyed pseudonyms: tokens that say no more than equality, and tokens that a key takes back."""

from typing import ClassVar, Final

import pyarrow as pa

from gateway.errors import InvalidRequest
from gateway.model.transforms import ReversibleToken, Spec, Token, TokenAlphabet
from gateway.transform import siv_tokens, tokens
from gateway.transform.alphabets import BASE32, DIGITS, HEX
from gateway.transform.base import (
    Claim,
    ColumnTransform,
    Outcome,
    Resources,
    ReversibleTransform,
    is_text,
    unsupported,
)
from gateway.transform.siv_tokens import SivTokens
from gateway.transform.tokens import CmacTokens

_ALPHABETS: Final[dict[TokenAlphabet, str]] = {"base32": BASE32, "hex": HEX, "digits": DIGITS}


class TokenColumn(ColumnTransform[Token]):
    """A pseudonym that only the key's holder can compute; equal values get equal ones."""

    claim: ClassVar[Claim] = Claim(
        guarantee=(
            "without the key a token tells nothing of its value but equality; under another key "
            "(recipient, project, column) the tokens of the same values have nothing in common"
        ),
        precondition=(
            "the key belongs to one domain, and nobody may ask for tokens of values of their choice"
        ),
        leaves="which records have equal values, and how often each occurs",
        source="AES-CMAC-PRF-128, RFC 4615; GB/T 37964-2019, pseudonymisation",
    )

    @classmethod
    def output_for(cls, spec: Token, source_type: pa.DataType) -> pa.DataType:
        return _token_type(spec, source_type)

    @classmethod
    def construction_of(cls, spec: Token) -> str:
        return tokens.construction(spec.cipher)

    def prepare(self, resources: Resources) -> None:
        spec = self.spec
        self._tokens = CmacTokens(
            resources.key_for(spec),
            alphabet=_ALPHABETS[spec.alphabet],
            length=spec.length,
            rows=spec.rows,
            cipher=spec.cipher,
        )

    def run(self, column: pa.Array) -> Outcome:
        return Outcome(self._tokens.apply(column.cast(pa.string())), None)


class ReversibleTokenColumn(ReversibleTransform[ReversibleToken]):
    """A pseudonym that the key's holder can take back; bound to the key's domain."""

    claim: ClassVar[Claim] = Claim(
        guarantee=(
            "without the key a token tells nothing of its value but equality and length; with it "
            "the value comes back exactly, and what is no token of the domain is told apart; "
            "destroying the key makes the tokens irreversible"
        ),
        precondition=(
            "the key belongs to one domain, and nobody may ask for tokens of values of their choice"
        ),
        leaves="which records have equal values, how often each occurs, and the length of each",
        source="AES-SIV, RFC 5297; GB/T 37964-2019, pseudonymisation",
    )

    @classmethod
    def output_for(cls, spec: ReversibleToken, source_type: pa.DataType) -> pa.DataType:
        return _token_type(spec, source_type)

    @classmethod
    def construction_of(cls, spec: ReversibleToken) -> str:
        return siv_tokens.construction(spec.cipher)

    def prepare(self, resources: Resources) -> None:
        key = resources.key_for(self.spec)
        if resources.domain is None:
            raise InvalidRequest.of("transform", "reversible_token needs the domain of its key")
        self._tokens = SivTokens(
            key, [resources.domain.encode()], unfit="null", cipher=self.spec.cipher
        )

    def run(self, column: pa.Array) -> Outcome:
        return Outcome(self._tokens.apply(column.cast(pa.string())), None)

    def take_back(self, tokens: pa.Array) -> pa.Array:
        return self._tokens.reverse(tokens)


def _token_type(spec: Spec, source_type: pa.DataType) -> pa.DataType:
    if not (is_text(source_type) or pa.types.is_date32(source_type)):
        raise unsupported(spec, source_type, "text, whole numbers or dates")
    return pa.string()
