"""The plan: complete before any row is read, frozen, with a canonical form and a digest."""

import re
from fractions import Fraction
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from gateway.model.catalog import ColumnName
from gateway.model.conditions import Condition
from gateway.model.decision import OnUnhandled, SmallCells
from gateway.model.noun import Digest, LongText, Noun, ShortText
from gateway.model.transforms import TransformSpec

_RATIO: Final = re.compile(r"[1-9][0-9]{0,20}(/[1-9][0-9]{0,20})?", re.ASCII)


class Step(Noun):
    """What happens to one column: read as ``source_type``, scaled, transformed, published.

    With a ``scale`` other than 1 the values are multiplied by it first and then have the type
    that ``model.schema.scaled_type`` gives. ``subject`` is the source column that names the
    person of each row: it is read beside ``column`` for the transforms that draw by it, and what
    it holds is not published by this step.
    """

    column: ColumnName
    published: ColumnName
    source_type: ShortText
    output_type: ShortText
    scale: str = "1"  # exact ratio "n/d" from the stored unit to the element's unit
    transform: TransformSpec
    key_domain: LongText | None = None  # from which the key is derived, for keyed transforms
    key_version: Annotated[int, Field(ge=1)] | None = None  # of the domain's secret
    subject: ColumnName | None = None  # for transforms that draw by the row's person
    on_unhandled: OnUnhandled

    @field_validator("scale")
    @classmethod
    def _positive_ratio(cls, scale: str) -> str:
        if _RATIO.fullmatch(scale) is None or scale != str(Fraction(scale)):
            raise ValueError("a unit's scale is a positive ratio n or n/d in lowest terms")
        return scale

    @model_validator(mode="after")
    def _keyed_steps_name_what_they_need(self) -> Self:
        if self.transform.keyed != (self.key_domain is not None):
            raise ValueError("a step names a key domain exactly when its transform is keyed")
        if (self.key_domain is None) != (self.key_version is None):
            raise ValueError("a step names a key version exactly when it names a key domain")
        if self.transform.per_subject != (self.subject is not None):
            raise ValueError("a step names a subject exactly when its transform draws by it")
        return self


class SchemaCheck(Noun):
    """The output has exactly the published columns with the planned types."""

    kind: Literal["schema"] = "schema"


class MaxRowsCheck(Noun):
    """Not more rows than the policy permits."""

    kind: Literal["max_rows"] = "max_rows"
    rows: Annotated[int, Field(ge=1)]


class MinCellCheck(Noun):
    """Every combination of the quasi-identifiers in the output occurs at least ``size`` times.

    With ``small_cells`` = drop, the records of smaller cells are left out; with refuse, the
    release ends in REFUSED. Nulls count as a value of their own (GB/T 37964 k-anonymity).
    Without any quasi-identifier the whole output is one cell.
    """

    kind: Literal["min_cell"] = "min_cell"
    size: Annotated[int, Field(ge=2)]
    columns: tuple[ColumnName, ...]
    small_cells: SmallCells


CheckSpec = Annotated[SchemaCheck | MaxRowsCheck | MinCellCheck, Field(discriminator="kind")]


class Charge(Noun):
    """What the release costs: one release and at most so many rows of the recipient's quota."""

    releases: Literal[1] = 1
    rows: Annotated[int, Field(ge=0)]


class Plan(Noun):
    """Everything an engine needs: the same plan gives the same result on any engine."""

    dataset: str
    dataset_fingerprint: Digest
    schema_digest: Digest
    recipient: str
    purpose: ShortText
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    filters: tuple[Condition, ...] = ()
    limit: Annotated[int, Field(ge=1)] | None = None
    checks: tuple[CheckSpec, ...]
    charge: Charge
    expires_after_days: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        published = [step.published for step in self.steps]
        if len(set(published)) != len(published):
            raise ValueError("two steps publish the same column")
        if not any(isinstance(check, SchemaCheck) for check in self.checks):
            raise ValueError("a plan always checks the schema of its output")
        return self
