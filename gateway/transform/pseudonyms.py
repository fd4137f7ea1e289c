"""Keyed pseudonyms: the token transform over the keyed core."""

from typing import ClassVar, Final

import pyarrow as pa

from gateway.errors import InvalidRequest
from gateway.model.transforms import Token, TokenAlphabet
from gateway.transform.alphabets import BASE32, DIGITS, HEX
from gateway.transform.base import (
    Claim,
    ColumnTransform,
    Outcome,
    Resources,
    is_text,
    unsupported,
)
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
        if not (is_text(source_type) or pa.types.is_date32(source_type)):
            raise unsupported(spec, source_type, "text, whole numbers or dates")
        return pa.string()

    def prepare(self, resources: Resources) -> None:
        if resources.key is None:
            raise InvalidRequest.of("transform", "token needs a key, and none was given")
        self._tokens = CmacTokens(
            resources.key, alphabet=_ALPHABETS[self.spec.alphabet], length=self.spec.length
        )

    def run(self, column: pa.Array) -> Outcome:
        return Outcome(self._tokens.apply(column.cast(pa.string())), None)
