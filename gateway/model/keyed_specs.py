"""Specs of transforms under a key, and what stricter means for them.

``scope``: whether the key is the recipient's own, or shared by the parties of a project so that
they can join their tables on purpose. ``cipher``: AES, or SM4, over which the constructions are
the same and no published standards (GB/T 32907 is the cipher's own).
"""

import re
from datetime import date
from itertools import count
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gateway.model.exact import PositiveNumber
from gateway.model.spec import Spec

KeyScope = Literal["recipient", "project"]
CipherName = Literal["AES", "SM4"]
CryptoProfile = Literal["international", "national"]
"""Whether keyed transforms and wrapped keys rest on AES and SHA-256, or on SM4 and SM3."""


def _narrower(a: KeyScope, b: KeyScope) -> KeyScope:
    # Equal results mean equal values under either key, but only the project's meet another table.
    return "project" if a == b == "project" else "recipient"


# ---- tokens -------------------------------------------------------------------------------------

TokenAlphabet = Literal["base32", "hex", "digits"]

_RADIX: Final[dict[str, int]] = {"base32": 32, "hex": 16, "digits": 10}
_TOKEN_BITS: Final = 128
_MOST_VALUES: Final = 2**32


def _token_lengths(alphabet: str, rows: int) -> tuple[int, int]:
    """From the least at which any two of ``rows`` values share a token with a chance of 10**-6 at
    most, to all the bits that there are."""
    radix, reach = _RADIX[alphabet], 1 << _TOKEN_BITS
    longest = next(n for n in count(1) if radix**n >= reach)
    pairs = rows * (rows - 1) // 2
    fits = (n for n in range(1, longest) if pairs * -(-reach // radix**n) * 10**6 <= reach)
    return next(fits, longest), longest


class Token(Spec):
    """A keyed pseudonym of ``length`` characters: equal values get equal tokens, for good.

    ``rows``: the most distinct values that the tokens' domain will ever hold, all its releases
    together; a data set with more rows is refused when it is planned. ``length`` is, unless told,
    the shortest at which that many share no token with a chance above 10**-6 (for the default
    17 of base32, 21 of hex, 25 digits).
    """

    kind: Literal["token"] = "token"
    keyed: ClassVar[bool] = True
    alphabet: TokenAlphabet = "base32"
    rows: Annotated[int, Field(ge=1000, le=_MOST_VALUES)] = _MOST_VALUES
    length: int = 17
    scope: KeyScope = "recipient"
    cipher: CipherName = "AES"

    @model_validator(mode="before")
    @classmethod
    def _default_length(cls, data: Any) -> Any:
        if isinstance(data, dict):
            alphabet, rows = data.get("alphabet", "base32"), data.get("rows", _MOST_VALUES)
            if str(alphabet) in _RADIX and isinstance(rows, int) and 1 <= rows <= _MOST_VALUES:
                return {"length": _token_lengths(str(alphabet), rows)[0], **data}
        return data

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        shortest, longest = _token_lengths(self.alphabet, self.rows)
        if not shortest <= self.length <= longest:
            raise ValueError(
                f"a token of {self.alphabet} for {self.rows} distinct values has {shortest} to "
                f"{longest} characters"
            )
        return self

    def opaque(self) -> bool:
        return True

    def joined(self, other: Spec) -> "Token | None":
        if isinstance(other, ReversibleToken):
            # It shows equality too, and the length besides; and this one cannot be taken back.
            if other.cipher != self.cipher:
                return None
            return self.but(scope=_narrower(self.scope, other.scope))
        if not isinstance(other, Token):
            return None
        if (self.length, self.alphabet, self.cipher) != (
            other.length, other.alphabet, other.cipher,
        ):  # fmt: skip
            return None
        return self.but(rows=min(self.rows, other.rows), scope=_narrower(self.scope, other.scope))


class ReversibleToken(Spec):
    """A keyed pseudonym from which the key's holder gets the value back; it shows the length.

    Its one alphabet (base32) is no parameter: two that differed would join to SUPPRESS, while each
    would join with an irreversible token to that, and the order of rules would then decide.
    """

    kind: Literal["reversible_token"] = "reversible_token"
    keyed: ClassVar[bool] = True
    reversible: ClassVar[bool] = True
    scope: KeyScope = "recipient"
    cipher: CipherName = "AES"

    def opaque(self) -> bool:
        return True

    def joined(self, other: Spec) -> "ReversibleToken | None":
        if not isinstance(other, ReversibleToken) or other.cipher != self.cipher:
            return None
        return self.but(scope=_narrower(self.scope, other.scope))


class RandomToken(Spec):
    """A random pseudonym that the gateway keeps, with the value, encrypted: where no relation to
    the value may remain, whatever key becomes known. Equal values of a domain get equal ones.
    """

    kind: Literal["random_token"] = "random_token"
    keyed: ClassVar[bool] = True
    reversible: ClassVar[bool] = True
    scope: KeyScope = "recipient"
    cipher: CipherName = "AES"

    def opaque(self) -> bool:
        return True

    def joined(self, other: Spec) -> "RandomToken | None":
        # Not with Token: two of different lengths would join to SUPPRESS, while each would join
        # with this, and the order of rules would then decide.
        if not isinstance(other, RandomToken | ReversibleToken) or other.cipher != self.cipher:
            return None
        return self.but(scope=_narrower(self.scope, other.scope))


# ---- format-preserving encryption ---------------------------------------------------------------

Profile = Literal["mobile", "bank_card", "resident_id", "plate", "uscc"]

_KEPT: Final[dict[str, tuple[int, tuple[int, ...]]]] = {
    # profile: characters kept in front unless told; what can be told
    "mobile": (3, (0, 3)),
    "bank_card": (6, tuple(range(9))),
    "resident_id": (0, (0,)),
    "plate": (1, (0, 1)),
    "uscc": (2, (2,)),
}
_ALL_CARDS: Final = 6
"""Characters of a card number that can be kept with all lengths still in domains large enough."""
_FIRST_DAY: Final = date(1900, 1, 1)
_EARLIEST: Final = date(1800, 1, 1)
_LATEST: Final = date(2099, 12, 31)
"""Validators take dates outside for slips of the pen."""
_ISO_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _iso_day(value: object) -> object:
    # A policy file is read strictly, and behind a validator that fills in defaults a strict date
    # may not be text.
    if isinstance(value, str) and _ISO_DAY.fullmatch(value):
        return date.fromisoformat(value)
    return value


def _validated_anywhere(day: date) -> date:
    if not _EARLIEST <= day <= _LATEST:
        raise ValueError(f"a birth date is from {_EARLIEST} to {_LATEST}")
    return day


Day = Annotated[date, BeforeValidator(_iso_day), AfterValidator(_validated_anywhere)]


class EncryptIdentifier(Spec):
    """Another valid identifier of the same profile for each; what is not valid is unhandled.

    ``keep``: characters in front that stay: mobile 3 (unless told) or 0, bank_card 0 to 8 (6),
    plate 1 or 0 (1), uscc 2, resident_id none. ``normalise``: read full-width forms, small letters
    and separators as what they mean. ``first_day`` to ``last_day``: the birth dates of a
    resident_id, those that come and those that result; ``last_day`` is told there, and with
    another range every result is another.
    """

    kind: Literal["encrypt_identifier"] = "encrypt_identifier"
    keyed: ClassVar[bool] = True
    reversible: ClassVar[bool] = True
    profile: Profile
    keep: Annotated[int, Field(ge=0, le=8)] = 0
    normalise: bool = False
    first_day: Day | None = None
    last_day: Day | None = None
    scope: KeyScope = "recipient"
    cipher: CipherName = "AES"

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_profile(cls, data: Any) -> Any:
        if isinstance(data, dict) and str(data.get("profile")) in _KEPT:
            data = {"keep": _KEPT[str(data["profile"])][0], **data}
            if data["profile"] == "resident_id" and data.get("first_day") is None:
                data["first_day"] = _FIRST_DAY
        return data

    @model_validator(mode="after")
    def _within_profile(self) -> Self:
        _, kept = _KEPT[self.profile]
        if self.keep not in kept:
            text = " or ".join(map(str, kept))
            raise ValueError(f"of a {self.profile} the first {text} characters can be kept")
        if (self.profile == "resident_id") != (self.last_day is not None):
            raise ValueError(
                "give last_day, the last birth date there will be, for a resident_id and only there"
            )
        if self.profile != "resident_id" and self.first_day is not None:
            raise ValueError("first_day belongs to a resident_id")
        if self.first_day and self.last_day and self.first_day > self.last_day:
            raise ValueError("first_day must not be after last_day")
        return self

    def opaque(self) -> bool:
        return self.keep == 0

    def joined(self, other: Spec) -> "EncryptIdentifier | None":
        if not isinstance(other, EncryptIdentifier) or self.handled != other.handled:
            return None
        return self.but(keep=min(self.keep, other.keep), scope=_narrower(self.scope, other.scope))

    @property
    def handled(self) -> tuple[object, ...]:
        """What two must share for the same values to be handled, and distinctly."""
        cards = max(self.keep, _ALL_CARDS)  # with more kept, short cards are no longer handled
        return (self.profile, self.normalise, self.first_day, self.last_day, self.cipher, cards)


_LEAST_DOMAIN: Final = 1_000_000
"""SP 800-38G revision 1 (draft), section 5.1: smaller domains can be searched."""
_UNSAFE_LEAST_DOMAIN: Final = 100
"""The bound of the first edition."""
_MOST_CHARACTERS: Final = 2**16

Length = Annotated[int, Field(ge=2, le=1000)]


class EncryptCharacters(Spec):
    """Another text of the same length over the same ``alphabet``; ``separators`` keep their place.

    A value with any other character is unhandled, and so is one of fewer characters than make a
    domain of a million (6 digits), or of another ``length`` where one is given: characters of the
    alphabet, separators not counted. ``unsafe_small_domains`` takes that bound down to a hundred;
    so few values can be tried one by one, and the grade is then not lowered.
    """

    kind: Literal["encrypt_characters"] = "encrypt_characters"
    keyed: ClassVar[bool] = True
    reversible: ClassVar[bool] = True
    alphabet: Annotated[str, Field(min_length=2, max_length=_MOST_CHARACTERS)]
    separators: Annotated[str, Field(max_length=20)] = ""
    length: Length | None = None
    unsafe_small_domains: bool = False
    scope: KeyScope = "recipient"
    cipher: CipherName = "AES"

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if len(set(self.alphabet)) != len(self.alphabet):
            raise ValueError("the alphabet names a character twice")
        if list(self.separators) != sorted(set(self.separators)):
            raise ValueError("list each separator once, in order of code points")
        if any(c.isalnum() or c in self.alphabet for c in self.separators):
            raise ValueError("a separator is no letter, no digit, and not in the alphabet")
        if self.length is not None and self.length < self.least:
            raise ValueError(
                f"{self.length} characters of this alphabet have fewer than {self._domain} values, "
                f"which can be tried one by one: {self.least} are needed; use token or suppress"
            )
        return self

    @property
    def shortest(self) -> int:
        """The fewest characters that a value may have."""
        return self.least if self.length is None else self.length

    @property
    def _domain(self) -> int:
        return _UNSAFE_LEAST_DOMAIN if self.unsafe_small_domains else _LEAST_DOMAIN

    @property
    def least(self) -> int:
        """The fewest characters whose values make a domain large enough."""
        return next(n for n in count(2) if len(self.alphabet) ** n >= self._domain)

    def lowers(self) -> bool:
        return not self.unsafe_small_domains

    def opaque(self) -> bool:
        return not (self.separators or self.unsafe_small_domains)

    def joined(self, other: Spec) -> "EncryptCharacters | None":
        if not isinstance(other, EncryptCharacters):
            return None
        if (self.alphabet, self.separators, self.cipher) != (
            other.alphabet, other.separators, other.cipher,
        ):  # fmt: skip
            return None
        lengths = {n for n in (self.length, other.length) if n is not None}
        # The length of a value shows, so the one that handles fewer lengths shows less.
        strict = self if other.unsafe_small_domains else other
        if len(lengths) > 1 or any(n < strict.least for n in lengths):
            return None
        return strict.but(
            length=min(lengths, default=None), scope=_narrower(self.scope, other.scope)
        )


# ---- drawn by key from the person of the row ----------------------------------------------------


class ShiftDate(Spec):
    """Dates off by 1 to ``most_days`` days to either side, all of a person's by the same.

    The intervals between a person's dates stay. The data set must name its privacy unit.
    """

    kind: Literal["shift_date"] = "shift_date"
    keyed: ClassVar[bool] = True
    per_subject: ClassVar[bool] = True
    most_days: Annotated[int, Field(ge=1, le=36_525)]
    scope: KeyScope = "recipient"
    cipher: CipherName = "AES"

    def lowers(self) -> bool:
        return False


class BoundedNoise(Spec):
    """Numbers rounded to ``step``, and then off by at most ``most_steps`` of them to either side.

    The same for the same person and column each time. Not differential privacy: the noise has a
    bound and is not accounted for. The data set must name its privacy unit.
    """

    kind: Literal["bounded_noise"] = "bounded_noise"
    keyed: ClassVar[bool] = True
    per_subject: ClassVar[bool] = True
    step: PositiveNumber = "1"
    most_steps: Annotated[int, Field(ge=1, le=2**31 - 1)]
    scope: KeyScope = "recipient"
    cipher: CipherName = "AES"

    def lowers(self) -> bool:
        return False


KeyedSpec = (
    Token
    | ReversibleToken
    | RandomToken
    | EncryptIdentifier
    | EncryptCharacters
    | ShiftDate
    | BoundedNoise
)
