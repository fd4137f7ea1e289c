"""The answer to a request as a value: outcome, obligations per column, reasons."""

from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from gateway.model.catalog import ColumnName
from gateway.model.conditions import Condition
from gateway.model.grades import Grade
from gateway.model.names import Role
from gateway.model.noun import Digest, LongText, Noun, ShortText
from gateway.model.terms import AnonymityTerms
from gateway.model.transforms import TransformSpec

EXPIRES_AFTER_DAYS: Final = 30
"""How long a sealed result stays readable where no policy says anything."""


class Outcome(StrEnum):
    """DENIED is what happens when nothing matched."""

    DENIED = "denied"
    PERMITTED_WITH_OBLIGATIONS = "permitted_with_obligations"
    PERMITTED = "permitted"


class Reason(Noun):
    """One reason the requester may see: which rule or fact, on which column."""

    code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{2,62}$")]
    text: LongText
    rule: ShortText | None = None  # policy/rule
    column: ColumnName | None = None


class PolicyRef(Noun):
    """Exactly which version of which policy took part."""

    name: str
    version: Annotated[int, Field(ge=1)]
    sha256: Digest  # of the canonical form


class ColumnDecision(Noun):
    """What must happen to one column before it may leave; ``rules`` are those that matched."""

    column: ColumnName  # source name
    published: ColumnName
    transform: TransformSpec
    rules: tuple[ShortText, ...]


OnUnhandled = Literal["suppress", "stop"]
SmallCells = Literal["drop", "refuse"]


class Quota(Noun):
    """What one recipient may draw from one data set within a sliding period."""

    rows: Annotated[int, Field(ge=1)] | None = None
    releases: Annotated[int, Field(ge=1)] | None = None
    period_days: Annotated[int, Field(ge=1, le=3660)] = 30

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        if self.rows is None and self.releases is None:
            raise ValueError("a quota bounds rows, releases or both")
        return self


class Decision(Noun):
    """Decision over one request; columns in the order they were asked for, none when DENIED.

    ``grant`` is None also where none is needed: for a caller's own records.
    """

    outcome: Outcome
    reasons: Annotated[tuple[Reason, ...], Field(min_length=1)]
    columns: tuple[ColumnDecision, ...] = ()
    row_filters: tuple[Condition, ...] = ()
    sample_percent: Annotated[int, Field(ge=1, le=99)] | None = None
    max_rows: Annotated[int, Field(ge=1)] | None = None
    max_grade: Grade | None = None  # of what leaves, as a whole; planning refuses above
    min_cell_size: Annotated[int, Field(ge=2)] | None = None
    small_cells: SmallCells = "refuse"
    cell_columns: tuple[ColumnName, ...] = ()  # published names: the quasi-identifiers
    anonymity: AnonymityTerms | None = None  # what privacy models hold of what leaves
    on_unhandled: OnUnhandled = "stop"
    expires_after_days: Annotated[int, Field(ge=1)] = EXPIRES_AFTER_DAYS
    approvals: tuple[Role, ...] = ()
    quotas: tuple[Quota, ...] = ()  # every one of them must hold
    policies: tuple[PolicyRef, ...] = ()
    grant: str | None = None

    @model_validator(mode="after")
    def _nothing_leaves_when_denied(self) -> Self:
        if self.permitted != bool(self.columns):
            raise ValueError("a decision has columns exactly when it permits")
        if not self.permitted and (
            self.row_filters or self.anonymity is not None or self.grant is not None
        ):
            raise ValueError("a denial names no grant, no row filter and no privacy model")
        return self

    @property
    def permitted(self) -> bool:
        return self.outcome is not Outcome.DENIED
