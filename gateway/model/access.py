"""Who asks for what, and who agreed: requests, grants, approvals."""

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from gateway.model.catalog import ColumnName
from gateway.model.conditions import Condition
from gateway.model.decision import Reason
from gateway.model.evidence import Entity
from gateway.model.lifecycle import GrantState
from gateway.model.names import Role, identifier, is_identifier
from gateway.model.noun import LongText, Moment, Noun, ShortText
from gateway.model.transforms import TransformSpec

Columns = Annotated[tuple[ColumnName, ...], Field(min_length=1, max_length=1000)]


class ExtractRequest(Noun):
    """A consumer's wish: these columns of that data set, for a purpose.

    ``limit``: at most so many rows, None for all. ``filters`` are joined by AND and may only
    use columns that the decision lets through unchanged (anything else would be an oracle).
    """

    dataset: str
    columns: Columns
    purpose: ShortText
    project: str | None = None  # linkage domain: same tokens inside a project
    filters: Annotated[tuple[Condition, ...], Field(max_length=50)] = ()
    limit: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        identifier(self.dataset, "datasets")
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("a column is named twice")
        if self.project is not None and not is_identifier(self.project):
            raise ValueError("a project has 3 to 63 characters a-z, 0-9 and hyphen")
        return self


APPROVERS: Final = (Role.HOLDER, Role.OFFICER)
"""Roles that can approve a grant, in the order in which they are listed everywhere."""


class Verdict(StrEnum):
    """What an approver said."""

    APPROVED = "approved"
    REFUSED = "refused"


class Approval(Noun):
    """One approver's answer, with a reason that the requester may see."""

    party: str
    role: Role
    verdict: Verdict
    reason: LongText
    at: Moment

    @model_validator(mode="after")
    def _by_an_approver(self) -> Self:
        identifier(self.party, "parties")
        if self.role not in APPROVERS:
            raise ValueError("only the holder and officers approve")
        return self


class Revocation(Noun):
    """Who ended a grant before its time, and why; all involved may see it."""

    party: str
    reason: LongText
    at: Moment


class Carried(Noun):
    """What a grant carried of one column when it was first looked at: the transform under which it
    left, and what it was; None: it did not leave."""

    column: ColumnName
    transform: TransformSpec | None = None
    entity: Entity | None = None


class Grant(Noun):
    """Use of some columns of a data set by one consumer for one purpose and period.

    ``columns`` are source names, whatever the columns are published as. ``affected`` says why it no
    longer carries what it ``carried``, since the verdicts on its columns changed; decisions do not
    read it, they look for themselves.
    """

    name: str
    consumer: str
    dataset: str
    columns: Columns
    purpose: ShortText
    project: str | None = None
    justification: LongText = ""
    not_before: Moment
    expires: Moment
    required: tuple[Role, ...]  # roles whose approval it needs before it is ACTIVE
    approvals: tuple[Approval, ...] = ()
    revocation: Revocation | None = None
    carried: tuple[Carried, ...] = ()
    affected: tuple[Reason, ...] = ()
    state: GrantState = GrantState.REQUESTED
    revision: Annotated[int, Field(ge=1)] = 1
    created: Moment

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        identifier(self.name, "grants")
        identifier(self.consumer, "parties")
        identifier(self.dataset, "datasets")
        if self.expires <= self.not_before:
            raise ValueError("a grant ends after it begins")
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("a column is named twice")
        if self.project is not None and not is_identifier(self.project):
            raise ValueError("a project has 3 to 63 characters a-z, 0-9 and hyphen")
        if set(self.required) - set(APPROVERS) or Role.HOLDER not in self.required:
            raise ValueError("a grant needs the holder's approval, and at most the officer's too")
        if any(approval.party == self.consumer for approval in self.approvals):
            raise ValueError("nobody approves their own grant")
        return self

    @property
    def approved_roles(self) -> frozenset[Role]:
        return frozenset(a.role for a in self.approvals if a.verdict is Verdict.APPROVED)

    @property
    def missing(self) -> tuple[Role, ...]:
        """Roles whose approval is still wanted."""
        return tuple(role for role in self.required if role not in self.approved_roles)
