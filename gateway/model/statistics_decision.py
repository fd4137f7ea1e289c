"""The answer to whether a question may be asked, as a value: for statistics nothing is transformed,
so a decision says under which limits, and which rows count."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.model.conditions import Condition
from gateway.model.decision import EXPIRES_AFTER_DAYS, Outcome, PolicyRef, Reason
from gateway.model.names import Role
from gateway.model.noun import Noun
from gateway.model.ratio import PositiveRatio


class TableFilters(Noun):
    """Conditions of policies on the rows of one data set that count, by source names."""

    dataset: str
    conditions: tuple[Condition, ...]


class StatisticsDecision(Noun):
    """Decision over one question. ``grants``: one for each data set, in the question's order.

    ``max_epsilon``: what this question may spend at most. ``minimum_frequency``: least persons of a
    group that is found and named.
    """

    outcome: Outcome
    reasons: Annotated[tuple[Reason, ...], Field(min_length=1)]
    row_filters: tuple[TableFilters, ...] = ()
    max_epsilon: PositiveRatio | None = None
    minimum_frequency: Annotated[int, Field(ge=1)] = 1
    expires_after_days: Annotated[int, Field(ge=1)] = EXPIRES_AFTER_DAYS
    approvals: tuple[Role, ...] = ()
    policies: tuple[PolicyRef, ...] = ()
    grants: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _nothing_when_denied(self) -> Self:
        if self.permitted != bool(self.grants):
            raise ValueError("a decision names grants exactly when it permits")
        return self

    @property
    def permitted(self) -> bool:
        return self.outcome is not Outcome.DENIED
