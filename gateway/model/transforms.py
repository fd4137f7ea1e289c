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
from gateway.model.grades import Grade, effective
from gateway.model.keyed_specs import (
    BoundedNoise,
    CipherName,
    EncryptCharacters,
    EncryptIdentifier,
    KeyedSpec,
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
    "grade_after",
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
    | EncryptIdentifier
    | EncryptCharacters
    | ShiftDate
    | BoundedNoise,
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


def grade_after(spec: TransformSpec, grade: Grade | None, entity: str | None) -> Grade:
    """The grade of what the transform leaves; never above the grade that came in.

    GB/T 43697-2024 grades derived data again. Taken conservatively: a constant is general-1;
    where every value shows less than before, general data go down one level, personal data and
    what a key takes back not below general-2; an entity that is unknown counts as personal, a
    grade that is unknown as core. Core and important data stay: what makes them so is rarely one
    value.
    """
    before = effective(grade)
    if isinstance(spec, Suppress | Replace):
        return Grade.GENERAL_1
    if before.at_least(Grade.IMPORTANT) or not spec.lowers():
        return before
    personal = entity != "NONE" or spec.reversible
    floor = Grade.GENERAL_2 if personal else Grade.GENERAL_1
    ladder = tuple(Grade)
    lowered = ladder[max(before.rank - 1, floor.rank)]
    return lowered if before.at_least(lowered) else before
