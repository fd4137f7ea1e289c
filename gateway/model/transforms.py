"""What may be done to a column, as frozen specs, and what stricter means between them.

``join`` makes the specs a join-semilattice with KEEP at the bottom and SUPPRESS on top. The order
is that of information: what ``join(a, b)`` shows of a value can be worked out from what ``a``
shows, and from what ``b`` shows. Where no spec short of the top does that, the join is SUPPRESS
(docs/adr/0003-strictest-wins.md).
"""

from collections.abc import Iterable
from functools import reduce
from typing import Annotated, cast

from pydantic import Field

from gateway.model.generalize_specs import (
    BinNumber,
    DateLevel,
    GeneralizeDate,
    GeneralizeHierarchy,
    RoundNumber,
    TopBottomCode,
)
from gateway.model.keyed_specs import (
    BoundedNoise,
    CipherName,
    EncryptCharacters,
    EncryptIdentifier,
    KeyedSpec,
    RandomToken,
    ReversibleToken,
    ShiftDate,
    Token,
    TokenAlphabet,
)
from gateway.model.mask_specs import (
    Form,
    Keep,
    Mask,
    MaskCharacter,
    MaskForm,
    MaskPattern,
    Replace,
    ReplacePattern,
    Suppress,
    Truncate,
)
from gateway.model.spec import Spec
from gateway.model.text_specs import RedactText

__all__ = [
    "BinNumber",
    "BoundedNoise",
    "CipherName",
    "DateLevel",
    "EncryptCharacters",
    "EncryptIdentifier",
    "Form",
    "GeneralizeDate",
    "GeneralizeHierarchy",
    "Keep",
    "KeyedSpec",
    "Mask",
    "MaskCharacter",
    "MaskForm",
    "MaskPattern",
    "RandomToken",
    "RedactText",
    "Replace",
    "ReplacePattern",
    "ReversibleToken",
    "RoundNumber",
    "ShiftDate",
    "Spec",
    "Suppress",
    "Token",
    "TokenAlphabet",
    "TopBottomCode",
    "TransformSpec",
    "Truncate",
    "join",
    "join_all",
    "stricter_or_equal",
]

TransformSpec = Annotated[
    Keep
    | Suppress
    | Replace
    | Mask
    | MaskPattern
    | MaskForm
    | Truncate
    | BinNumber
    | RoundNumber
    | TopBottomCode
    | GeneralizeDate
    | GeneralizeHierarchy
    | ReplacePattern
    | Token
    | ReversibleToken
    | RandomToken
    | EncryptIdentifier
    | EncryptCharacters
    | ShiftDate
    | BoundedNoise
    | RedactText,
    Field(discriminator="kind"),
]


def join(a: TransformSpec, b: TransformSpec) -> TransformSpec:
    """The least strict spec that is as strict as both; commutative, associative, idempotent."""
    if a == b or isinstance(b, Keep):
        return a
    if isinstance(a, Keep):
        return b
    if isinstance(a, Suppress) or isinstance(b, Suppress):
        return Suppress()
    # A spec joins to specs of the union: all that there are.
    joined = a.joined(b) or b.joined(a) or Suppress()
    return cast("TransformSpec", joined)


def join_all(specs: Iterable[TransformSpec]) -> TransformSpec:
    """The join of several, in any order; of none at all: SUPPRESS, as nothing permitted more."""
    found = list(specs)
    return reduce(join, found) if found else Suppress()


def stricter_or_equal(a: TransformSpec, b: TransformSpec) -> bool:
    """Whether ``a`` shows no more than ``b``. Of two incomparable specs neither does."""
    return join(a, b) == a
