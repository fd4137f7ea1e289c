"""Format-preserving encryption: identifiers of a profile, and text over a stated alphabet."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import GatewayFault
from gateway.model.transforms import CipherName, EncryptCharacters, EncryptIdentifier
from gateway.transform import ff1, profiles
from gateway.transform.alphabets import DIGITS
from gateway.transform.base import (
    Claim,
    Outcome,
    Resources,
    ReversibleTransform,
    as_text,
    outcome,
    text_output,
    unsupported,
)
from gateway.transform.ff1 import FF1
from gateway.transform.profiles import Profile

_SM4_KEY: Final = 16

_SHORTEST: Final[Mapping[str, int]] = MappingProxyType({"mobile": 11, "bank_card": 13})
"""Characters of the shortest value, for the profiles of nothing but digits."""


class EncryptIdentifierColumn(ReversibleTransform[EncryptIdentifier]):
    """Each identifier becomes another valid one; equal ones become equal ones."""

    claim: ClassVar[Claim] = Claim(
        guarantee=(
            "without the key a result tells nothing of its value but equality and the characters "
            "that the profile keeps; results are valid identifiers, distinct for distinct values, "
            "and with the key each comes back exactly"
        ),
        precondition=(
            "the key belongs to one domain, and nobody may ask for results of values of their "
            "choice; recipients know that the identifiers are not real, as nothing shows it"
        ),
        leaves="which records have equal values, how often each occurs, and what is kept of each",
        source="FF1, NIST SP 800-38G with the least domain of its revision 1; GB/T 37964-2019",
    )

    @classmethod
    def output_for(cls, spec: EncryptIdentifier, source_type: pa.DataType) -> pa.DataType:
        kind = text_output(spec, source_type)
        if pa.types.is_integer(source_type):
            shortest = _SHORTEST.get(spec.profile)
            if shortest is None:
                raise unsupported(spec, source_type, f"text for a {spec.profile}")
            if _most_digits(source_type) < shortest:
                raise unsupported(spec, source_type, f"text, or numbers of {shortest} digits")
        return kind

    @classmethod
    def construction_of(cls, spec: EncryptIdentifier) -> str:
        return f"{ff1.construction(spec.cipher)}, walking cycles on valid {spec.profile}"

    def prepare(self, resources: Resources) -> None:
        key = _key(resources.key_for(self.spec), self.spec.cipher)
        self._profile = _profile(self.spec, key)

    def run(self, column: pa.Array) -> Outcome:
        text = as_text(column)
        if self.spec.normalise:
            text = profiles.normalised(text)
        return _handled(text, self._profile.encrypt(text))

    def take_back(self, tokens: pa.Array) -> pa.Array:
        return self._profile.decrypt(tokens)


class EncryptCharactersColumn(ReversibleTransform[EncryptCharacters]):
    """Each text becomes another of its length over the same alphabet, separators in place."""

    claim: ClassVar[Claim] = Claim(
        guarantee=(
            "without the key a result tells nothing of its value but equality, length and where "
            "separators stand; results are distinct for distinct values, and with the key each "
            "comes back exactly"
        ),
        precondition=(
            "the key belongs to one domain, nobody may ask for results of values of their choice, "
            "and unsafe_small_domains is not set: small domains can be tried value by value"
        ),
        leaves="which records have equal values, how often each occurs, lengths and separators",
        source="FF1, NIST SP 800-38G with the least domain of its revision 1; GB/T 37964-2019",
    )

    @classmethod
    def output_for(cls, spec: EncryptCharacters, source_type: pa.DataType) -> pa.DataType:
        kind = text_output(spec, source_type)
        if pa.types.is_integer(source_type):
            if not set(DIGITS) <= set(spec.alphabet):
                raise unsupported(spec, source_type, "text, where the alphabet lacks digits")
            if _most_digits(source_type) < spec.shortest:
                raise unsupported(spec, source_type, f"text, or numbers of {spec.shortest} digits")
        return kind

    @classmethod
    def construction_of(cls, spec: EncryptCharacters) -> str:
        return ff1.construction(spec.cipher)

    def prepare(self, resources: Resources) -> None:
        spec = self.spec
        self._ff1 = FF1(
            _key(resources.key_for(spec), spec.cipher),
            spec.alphabet,
            separators=spec.separators,
            unfit="null",
            cipher=spec.cipher,
            unsafe_small_domains=spec.unsafe_small_domains,
        )

    def run(self, column: pa.Array) -> Outcome:
        text = as_text(column)
        return _handled(text, self._ff1.encrypt(self._of_length(text)))

    def take_back(self, tokens: pa.Array) -> pa.Array:
        return self._ff1.decrypt(self._of_length(tokens))

    def _of_length(self, text: pa.Array) -> pa.Array:
        """The values that have the length asked for, null for the others."""
        if self.spec.length is None:
            return text
        counted = text
        for separator in self.spec.separators:
            counted = pc.replace_substring(counted, separator, "")
        fits = pc.equal(pc.utf8_length(counted), self.spec.length)
        return pc.if_else(fits, text, pa.scalar(None, text.type))


def _profile(spec: EncryptIdentifier, key: bytes) -> Profile:
    cipher = spec.cipher
    match spec.profile:
        case "mobile":
            return profiles.mobile(key, keep_prefix=bool(spec.keep), unfit="null", cipher=cipher)
        case "bank_card":
            return profiles.bank_card(key, keep=spec.keep, unfit="null", cipher=cipher)
        case "resident_id":
            if spec.first_day is None or spec.last_day is None:
                raise GatewayFault("a resident_id without its range of days")
            days = {"first_day": spec.first_day, "last_day": spec.last_day}
            return profiles.resident_id(key, **days, unfit="null", cipher=cipher)
        case "plate":
            return profiles.plate(key, keep_province=bool(spec.keep), unfit="null", cipher=cipher)
        case "uscc":
            return profiles.uscc(key, unfit="null", cipher=cipher)


def _key(key: bytes, cipher: CipherName) -> bytes:
    # HKDF-Expand gives the same first bytes whatever length is asked for (RFC 5869, 2.3): this is
    # the key that it would have derived for a cipher with shorter keys.
    return key[:_SM4_KEY] if cipher == "SM4" else key


def _handled(text: pa.Array, sealed: pa.Array) -> Outcome:
    return outcome(sealed, pc.and_(text.is_valid(), sealed.is_null()))


def _most_digits(kind: pa.DataType) -> int:
    """Digits of the largest number of an integer type."""
    bits = kind.bit_width - pa.types.is_signed_integer(kind)
    return len(str(2**bits - 1))
