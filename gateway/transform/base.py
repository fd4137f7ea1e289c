"""What every transform is: a claim, an output type, and ``apply`` from column to outcome."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.errors import InvalidRequest, TransformFailed
from gateway.model.transforms import Spec
from gateway.ports import DomainVault, TextFinder

Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a transform promises, when, what stays visible all the same, and where it is from."""

    guarantee: str
    precondition: str
    leaves: str
    source: str


@dataclass(frozen=True, slots=True, repr=False)
class Outcome:
    """A transformed column, and the rows whose value could not be handled.

    ``column`` has the input's length. ``unhandled`` has no nulls of its own and is True only where
    ``column`` is null; None says that every value was handled. The repr is blind.
    """

    column: pa.Array
    unhandled: pa.BooleanArray | None

    def __post_init__(self) -> None:
        if self.unhandled is None:
            return
        if len(self.unhandled) != len(self.column) or self.unhandled.null_count:
            raise TransformFailed("a transform lost count of its rows")
        if pc.any(pc.and_(self.unhandled, self.column.is_valid())).as_py():
            raise TransformFailed("a transform let a value through that it could not handle")

    def __repr__(self) -> str:
        return f"Outcome({len(self.column)} rows, data hidden)"


def outcome(column: pa.Array, unhandled: pa.BooleanArray) -> Outcome:
    """``column`` with null wherever ``unhandled`` is True; null entries of it count as False."""
    unhandled = unhandled.fill_null(False)
    if not pc.any(unhandled).as_py():
        return Outcome(column, None)
    return Outcome(pc.if_else(unhandled, pa.scalar(None, column.type), column), unhandled)


class Transform(Protocol):
    """What the executor sees. ``apply`` may be called from several threads at once.

    ``construction`` names the cryptographic construction of a keyed transform, for certificates.
    ``subjects`` is the column that names the person of each row, given exactly to transforms
    whose spec is ``per_subject``.
    """

    claim: ClassVar[Claim]
    output_type: pa.DataType

    @property
    def construction(self) -> str | None: ...

    def apply(self, column: pa.Array, subjects: pa.Array | None = None) -> Outcome: ...


@dataclass(frozen=True, slots=True, repr=False)
class Resources:
    """What a spec does not hold itself: a key with its domain and that domain's part of the vault,
    and the hierarchies by name; for free text what finds identifiers, and by entity the transforms of what it finds.

    The repr is blind.
    """

    key: bytes | None = None
    domain: str | None = None
    hierarchies: Mapping[str, pa.Table] = field(default_factory=lambda: MappingProxyType({}))
    vault: DomainVault | None = None
    finder: TextFinder | None = None
    finds: Mapping[str, "Transform"] = field(default_factory=lambda: MappingProxyType({}))

    def key_for(self, spec: Spec) -> bytes:
        """The key; `InvalidRequest` when none was given."""
        if self.key is None:
            raise InvalidRequest.of("transform", f"{_kind(spec)} needs a key, and none was given")
        return self.key

    def __repr__(self) -> str:
        return f"Resources(key hidden, hierarchies {sorted(self.hierarchies)})"


SpecT = TypeVar("SpecT", bound=Spec)


class ColumnTransform(ABC, Generic[SpecT]):
    """The base of the implementations: refuses types it was not built for.

    A subclass says in ``output_for`` which types it takes and what comes out, reads its spec in
    ``prepare``, and works on one array of ``source_type`` in ``run``.
    """

    claim: ClassVar[Claim]

    def __init__(self, spec: SpecT, source_type: pa.DataType, resources: Resources) -> None:
        self.spec = spec
        self.source_type = source_type
        self.output_type = self.output_for(spec, source_type)
        self.prepare(resources)

    @classmethod
    @abstractmethod
    def output_for(cls, spec: SpecT, source_type: pa.DataType) -> pa.DataType:
        """The type of the output; `InvalidRequest` for a type that it does not take."""

    def prepare(self, resources: Resources) -> None:
        """Read what the spec does not hold; `InvalidRequest` when it is not there."""

    @abstractmethod
    def run(self, column: pa.Array) -> Outcome:
        """The work, on an array that is known to be of ``source_type``."""

    @classmethod
    def construction_of(cls, spec: SpecT) -> str | None:  # noqa: ARG003 - keyed ones look
        """The cryptographic construction's name, None for a transform without a key."""
        return None

    @property
    def construction(self) -> str | None:
        return self.construction_of(self.spec)

    def apply(self, column: pa.Array, subjects: pa.Array | None = None) -> Outcome:
        """Transform one array; never a value that the transform has not handled."""
        if not isinstance(column, pa.Array) or column.type != self.source_type:
            raise TransformFailed(f"{_kind(self.spec)} was given another type than planned")
        done = self._outcome(column, subjects)
        if len(done.column) != len(column) or done.column.type != self.output_type:
            raise TransformFailed(f"{_kind(self.spec)} did not give what was planned")
        return done

    def _outcome(self, column: pa.Array, subjects: pa.Array | None) -> Outcome:
        if subjects is not None:
            raise TransformFailed(f"{_kind(self.spec)} looks at no second column")
        return self.run(column)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.source_type} to {self.output_type})"


class SubjectTransform(ColumnTransform[SpecT]):
    """The base of those that also look at whose row it is; a row of nobody is unhandled."""

    @abstractmethod
    def run_for(self, column: pa.Array, subjects: pa.Array) -> Outcome:
        """The work; ``subjects`` is text, as long as the column, null for a row of nobody."""

    def run(self, column: pa.Array) -> Outcome:  # noqa: ARG002 - nothing can be done
        raise TransformFailed(f"{_kind(self.spec)} was not told whose each row is")

    def _outcome(self, column: pa.Array, subjects: pa.Array | None) -> Outcome:
        if subjects is None:
            return self.run(column)
        if not is_text(subjects.type) or len(subjects) != len(column):
            raise TransformFailed(f"{_kind(self.spec)} was given no fitting column of persons")
        return self.run_for(column, as_text(subjects))


class ReversibleTransform(ColumnTransform[SpecT]):
    """The base of those that the key takes back. Nothing that runs a plan does so."""

    @abstractmethod
    def take_back(self, tokens: pa.Array) -> pa.Array:
        """The values, as text, of what ``apply`` made under the same key; null for what it
        cannot have made, and for null. Called by ``reversal.reverse`` alone."""


def unsupported(spec: Spec, source_type: pa.DataType, wanted: str) -> InvalidRequest:
    """The error for a column type that the transform does not take."""
    return InvalidRequest.of(
        "transform", f"{_kind(spec)} takes {wanted}, not a column of type {source_type}"
    )


def _kind(spec: Spec) -> str:
    kind: Any = getattr(spec, "kind", type(spec).__name__)
    return str(kind)


def is_text(kind: pa.DataType) -> bool:
    """Text, or whole numbers that are read by their decimal digits."""
    return bool(pa.types.is_string(kind) or pa.types.is_integer(kind))


def text_output(spec: Spec, source_type: pa.DataType) -> pa.DataType:
    """The output type of transforms from text to text."""
    if not is_text(source_type):
        raise unsupported(spec, source_type, "text or whole numbers")
    return pa.string()


def as_text(column: pa.Array) -> pa.Array:
    """Text as it is; whole numbers as their decimal digits."""
    return column if pa.types.is_string(column.type) else column.cast(pa.string())
