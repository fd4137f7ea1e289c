"""Specs of transforms under a key, and what stricter means for them."""

from typing import Any, ClassVar, Final, Literal, Self

from pydantic import model_validator

from gateway.model.spec import Spec

TokenAlphabet = Literal["base32", "hex", "digits"]

_TOKEN_LENGTHS: Final[dict[str, tuple[int, int]]] = {
    # From the length at which 2**32 values share a token with a chance below 10**-6, to all the
    # 128 bits that the keyed function gives.
    "base32": (17, 26),
    "hex": (21, 32),
    "digits": (25, 39),
}


class Token(Spec):
    """A keyed pseudonym of ``length`` characters: equal values get equal tokens.

    ``length`` is, unless told, the shortest at which collisions can be left out of account (17 of
    base32, 21 of hex, 25 digits). ``scope``: whether the key is the recipient's own, or shared by
    the parties of a project so that they can join their tables on purpose.
    """

    kind: Literal["token"] = "token"
    keyed: ClassVar[bool] = True
    alphabet: TokenAlphabet = "base32"
    length: int = 17
    scope: Literal["recipient", "project"] = "recipient"

    @model_validator(mode="before")
    @classmethod
    def _default_length(cls, data: Any) -> Any:
        if isinstance(data, dict) and str(data.get("alphabet")) in _TOKEN_LENGTHS:
            return {"length": _TOKEN_LENGTHS[str(data["alphabet"])][0], **data}
        return data

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        shortest, longest = _TOKEN_LENGTHS[self.alphabet]
        if not shortest <= self.length <= longest:
            raise ValueError(f"a token of {self.alphabet} has {shortest} to {longest} characters")
        return self

    def joined(self, other: Spec) -> "Token | None":
        if not isinstance(other, Token):
            return None
        if (self.length, self.alphabet) != (other.length, other.alphabet):
            return None
        return self if self.scope == "recipient" else other
