"""Random tokens: each value's token is drawn once and kept in a vault, sealed, with its value.

Claim. A token has no relation to its value that any key could show: it is 128 random bits. Inside one
domain equal values have equal tokens, because the vault is asked first. Who has the vault and the
domain's key gets values back; without either nobody does, and destroying both leaves 128 random bits.
What stays visible: which records have equal values, and how often each occurs. The vault finds a value
by AES-CMAC-PRF-128 (RFC 4615) of it and keeps it under AES-SIV (RFC 5297), each under a key of its own,
so that the vault alone tells neither values nor which of them stand in two domains.
"""

from typing import ClassVar

import pyarrow as pa

from gateway.errors import InvalidRequest
from gateway.model.transforms import RandomToken
from gateway.transform import siv_tokens, tokens
from gateway.transform.base import (
    Claim,
    Outcome,
    Resources,
    ReversibleTransform,
    is_text,
    unsupported,
)
from gateway.transform.blocks import BlockCipher
from gateway.transform.cmac import Cmac, prf_key
from gateway.transform.derivation import derive
from gateway.transform.siv import Siv
from gateway.transform.varlen import VarlenColumn


class RandomTokenColumn(ReversibleTransform[RandomToken]):
    """A random pseudonym, kept in the gateway's vault; equal values of a domain get equal ones."""

    claim: ClassVar[Claim] = Claim(
        guarantee=(
            "a token is random and has no relation to its value, whatever key becomes known; only "
            "the gateway's vault, with the domain's key, leads back"
        ),
        precondition=(
            "nobody may ask for tokens of values of their choice, and the vault is kept as the "
            "records of the gateway are"
        ),
        leaves="which records have equal values, and how often each occurs",
        source="GB/T 37964-2019, pseudonymisation; ISO/IEC 20889, tokenisation",
    )

    @classmethod
    def output_for(cls, spec: RandomToken, source_type: pa.DataType) -> pa.DataType:
        if not (is_text(source_type) or pa.types.is_date32(source_type)):
            raise unsupported(spec, source_type, "text, whole numbers or dates")
        return pa.string()

    @classmethod
    def construction_of(cls, spec: RandomToken) -> str:
        found = tokens.construction(spec.cipher)
        kept = siv_tokens.construction(spec.cipher)
        return f"128 random bits, kept in a vault: found by {found}, sealed by {kept}"

    def prepare(self, resources: Resources) -> None:
        key, cipher = resources.key_for(self.spec), self.spec.cipher
        if resources.vault is None or resources.domain is None:
            raise InvalidRequest(
                "random_token needs a gateway that keeps its tokens: use token here"
            )
        self._vault = resources.vault
        lookup = derive(key, "vault lookup", resources.domain)
        self._cmac = Cmac(BlockCipher(prf_key(lookup, cipher), cipher))
        seal = derive(key, "vault seal", resources.domain)
        self._siv = Siv(seal, [resources.domain.encode()], cipher=cipher)

    def run(self, column: pa.Array) -> Outcome:
        encoded = column.cast(pa.string()).dictionary_encode()
        distinct = VarlenColumn.of(encoded.dictionary)
        macs = self._cmac.column(distinct)
        lookups = [row.tobytes().hex() for row in macs]
        sealed = self._siv.seal(distinct).to_arrow(binary=True).to_pylist()
        drawn = pa.array(self._vault.tokens(lookups, sealed), pa.string())
        return Outcome(drawn.take(encoded.indices), None)

    def take_back(self, tokens: pa.Array) -> pa.Array:
        sealed = pa.array(self._vault.sealed(tokens.to_pylist()), pa.binary())
        values, authentic = self._siv.open(VarlenColumn.of(sealed))
        return values.keep(authentic).to_arrow()
