"""Budgets of privacy loss: whose spending one bounds, its limits, and who set them.

A budget is named after its scope, so that there is never a second one for the same spending. Its
limits take two officers; what was spent is kept apart, in the ledger, and nothing here lowers it.
"""

from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from gateway.model.lifecycle import BudgetState
from gateway.model.names import identifier, is_identifier, resource
from gateway.model.noun import LongText, Moment, Noun
from gateway.model.ratio import NonNegativeRatio, PositiveRatio

COLLECTION: Final = "budgets"
LARGEST_EPSILON: Final = Fraction(100)
"""Of a budget. Beyond it the guarantee says nothing: an answer could be e^100 times likelier."""

LARGEST_DELTA: Final = Fraction(1, 1000)
"""With a greater one, whole records could be given away within the guarantee."""


class BudgetKind(StrEnum):
    """Whose spending a budget bounds; see BudgetScope."""

    RECIPIENT = "recipient"
    DATA_SET = "data_set"
    PROJECT = "project"


class BudgetScope(Noun):
    """RECIPIENT: one recipient's of one data set. DATA_SET: all recipients' of one, for they may
    pool what they were told. PROJECT: one project's from ``begins`` until before ``ends``, over
    all data sets and recipients."""

    kind: BudgetKind
    dataset: str | None = None
    recipient: str | None = None
    project: str | None = None
    begins: Moment | None = None
    ends: Moment | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        given = {name for name in _FIELDS if getattr(self, name) is not None}
        if given != _NEEDED[self.kind]:
            needed = ", ".join(sorted(_NEEDED[self.kind]))
            raise ValueError(f"a budget of kind {self.kind} names {needed} and no more")
        if self.dataset is not None:
            identifier(self.dataset, "datasets")
        if self.recipient is not None:
            identifier(self.recipient, "parties")
        if self.project is not None and not is_identifier(self.project):
            raise ValueError("a project has 3 to 63 characters a-z, 0-9 and hyphen")
        if self.begins is not None and self.ends is not None and self.begins >= self.ends:
            raise ValueError("a period ends after it begins")
        return self

    @classmethod
    def of_recipient(cls, dataset: str, recipient: str) -> "BudgetScope":
        return cls(kind=BudgetKind.RECIPIENT, dataset=dataset, recipient=recipient)

    @classmethod
    def of_dataset(cls, dataset: str) -> "BudgetScope":
        return cls(kind=BudgetKind.DATA_SET, dataset=dataset)

    @property
    def name(self) -> str:
        """The resource name of the budget of this scope: the same for the same scope."""
        return resource(COLLECTION, f"b-{self.digest()[:40]}")

    def holds(self, now: datetime) -> bool:
        """Whether its period, if it has one, is now."""
        if self.begins is None or self.ends is None:
            return True
        return self.begins <= now < self.ends


_FIELDS: Final = ("dataset", "recipient", "project", "begins", "ends")
_NEEDED: Final = {
    BudgetKind.RECIPIENT: {"dataset", "recipient"},
    BudgetKind.DATA_SET: {"dataset"},
    BudgetKind.PROJECT: {"project", "begins", "ends"},
}


class Limits(Noun):
    """Spending is stated at ``delta`` and may not pass ``epsilon``."""

    epsilon: PositiveRatio
    delta: PositiveRatio

    @model_validator(mode="after")
    def _protects(self) -> Self:
        if Fraction(self.epsilon) > LARGEST_EPSILON:
            raise ValueError(f"epsilon is at most {LARGEST_EPSILON}: more protects nobody")
        if Fraction(self.delta) > LARGEST_DELTA:
            raise ValueError(f"delta is at most {float(LARGEST_DELTA)}")
        return self


class BudgetProposal(Noun):
    """Limits that an officer wants, and why; another officer puts them in force."""

    proposed_by: str
    limits: Limits
    reason: Annotated[LongText, Field(min_length=1)]
    at: Moment


class Budget(Noun):
    """The record of one budget. ``limits`` are in force in ACTIVE and CHANGING."""

    name: str
    scope: BudgetScope
    state: BudgetState
    limits: Limits | None = None
    proposal: BudgetProposal | None = None
    approved_by: str | None = None
    approved: Moment | None = None
    revision: Annotated[int, Field(ge=1)] = 1
    created: Moment

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.name != self.scope.name:
            raise ValueError("a budget bears the name that its scope gives it")
        if self.in_force != (self.limits is not None and self.approved_by is not None):
            raise ValueError("limits are in force once another officer approved them")
        waiting = self.state in (BudgetState.PROPOSED, BudgetState.CHANGING)
        if waiting != (self.proposal is not None):
            raise ValueError("a budget that waits for an officer tells what is proposed")
        return self

    @property
    def in_force(self) -> bool:
        return self.state in (BudgetState.ACTIVE, BudgetState.CHANGING)


class Spending(Noun):
    """How much of a budget is spent: epsilon at the budget's delta, rounded up, and charges."""

    spent: NonNegativeRatio
    charges: Annotated[int, Field(ge=0)]


class BurnPoint(Noun):
    """One charge in a budget's history: what was spent in all after it, at the delta of then."""

    at: Moment
    spent: NonNegativeRatio
    answer: str
