"""Which implementation each spec has: the one list to add a transform to."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa

from gateway.errors import InvalidRequest
from gateway.model.transforms import (
    BinNumber,
    BoundedNoise,
    EncryptCharacters,
    EncryptIdentifier,
    GeneralizeDate,
    GeneralizeHierarchy,
    Keep,
    Mask,
    MaskForm,
    MaskPattern,
    RandomToken,
    RedactText,
    Replace,
    ReplacePattern,
    ReversibleToken,
    RoundNumber,
    ShiftDate,
    Spec,
    Suppress,
    Token,
    TopBottomCode,
    TransformSpec,
    Truncate,
)
from gateway.ports import DomainVault, TextFinder
from gateway.transform.base import Claim, ColumnTransform, Resources, Transform
from gateway.transform.clipping import TopBottomCodeColumn
from gateway.transform.dates import GeneralizeDateColumn
from gateway.transform.encryption import EncryptCharactersColumn, EncryptIdentifierColumn
from gateway.transform.forms import MaskFormColumn
from gateway.transform.hierarchy import GeneralizeHierarchyColumn
from gateway.transform.masks import (
    MaskColumn,
    MaskPatternColumn,
    ReplacePatternColumn,
    TruncateColumn,
)
from gateway.transform.numbers import BinNumberColumn, RoundNumberColumn
from gateway.transform.per_subject import BoundedNoiseColumn, ShiftDateColumn
from gateway.transform.pseudonyms import ReversibleTokenColumn, TokenColumn
from gateway.transform.random_tokens import RandomTokenColumn
from gateway.transform.redaction import RedactTextColumn
from gateway.transform.whole import KeepColumn, ReplaceColumn, SuppressColumn

# Any: each class takes its own spec, and the key of the mapping is that spec's class.
_TRANSFORMS: Final[Mapping[type[Spec], type[ColumnTransform[Any]]]] = MappingProxyType(
    {
        Keep: KeepColumn,
        Suppress: SuppressColumn,
        Replace: ReplaceColumn,
        Mask: MaskColumn,
        MaskPattern: MaskPatternColumn,
        MaskForm: MaskFormColumn,
        Truncate: TruncateColumn,
        BinNumber: BinNumberColumn,
        RoundNumber: RoundNumberColumn,
        TopBottomCode: TopBottomCodeColumn,
        GeneralizeDate: GeneralizeDateColumn,
        GeneralizeHierarchy: GeneralizeHierarchyColumn,
        ReplacePattern: ReplacePatternColumn,
        Token: TokenColumn,
        ReversibleToken: ReversibleTokenColumn,
        RandomToken: RandomTokenColumn,
        EncryptIdentifier: EncryptIdentifierColumn,
        EncryptCharacters: EncryptCharactersColumn,
        ShiftDate: ShiftDateColumn,
        BoundedNoise: BoundedNoiseColumn,
        RedactText: RedactTextColumn,
    }
)


Keyed = tuple[str, bytes]
"""A key's domain, and the key."""


def build(
    spec: TransformSpec,
    *,
    source_type: pa.DataType,
    key: bytes | None = None,
    domain: str | None = None,
    hierarchies: Mapping[str, pa.Table] | None = None,
    vault: DomainVault | None = None,
) -> Transform:
    """The transform of that spec for columns of ``source_type``; ``domain`` is the key's,
    ``vault`` its random tokens'.

    `InvalidRequest` names the transform and the type when the type is not taken, and says what is
    missing: a key, a hierarchy, a level of it. A key for a transform that takes none is refused,
    as it tells of a plan that was not understood. Free text has ``build_redaction``.
    """
    if key is not None and not spec.keyed:
        raise InvalidRequest.of("transform", f"{spec.kind} takes no key")
    given = Resources(key, domain, hierarchies or {}, vault)
    return _implementation(spec)(spec, source_type, given)


def build_redaction(
    spec: RedactText,
    finder: TextFinder,
    keys: Mapping[str, Keyed],
    hierarchies: Mapping[str, pa.Table] | None = None,
) -> RedactTextColumn:
    """The transform of free text with what ``finder`` finds in it replaced; ``keys`` by entity.

    `InvalidRequest` as in ``build``, also for a key of an entity whose transform takes none.
    """
    specs = spec.transforms
    if unused := sorted(set(keys) - set(specs)):
        raise InvalidRequest.of("transform", f"{spec.kind} takes no key for {', '.join(unused)}")
    finds = {}
    for entity, inner in specs.items():
        domain, key = keys.get(entity, (None, None))
        finds[entity] = build(
            inner, source_type=pa.string(), key=key, domain=domain, hierarchies=hierarchies
        )
    return RedactTextColumn(spec, pa.string(), Resources(finder=finder, finds=finds))


def output_type(spec: TransformSpec, source_type: pa.DataType) -> pa.DataType:
    """The type of the output, known without a key or a hierarchy; errors as in ``build``."""
    return _implementation(spec).output_for(spec, source_type)


def claim(spec: TransformSpec) -> Claim:
    """What the transform of that spec promises, for certificates and documents."""
    return _implementation(spec).claim


def construction(spec: TransformSpec) -> str | None:
    """The cryptographic construction of a keyed transform, for certificates; known without a key.

    Names a construction over SM4 as such where it is no published standard.
    """
    return _implementation(spec).construction_of(spec)


def _implementation(spec: Spec) -> type[ColumnTransform[Any]]:
    return _TRANSFORMS[type(spec)]
