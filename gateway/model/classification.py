"""One pass of classification over a data set: who asked for it, how far it is, how it ended."""

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from gateway.model.catalog import Column, ColumnName
from gateway.model.lifecycle import ClassificationState
from gateway.model.names import Role, identifier
from gateway.model.noun import Moment, Noun, ShortText
from gateway.model.release import Ending

GATEWAY: Final = "gateway"
"""Who asks where no party does."""


class Cause(StrEnum):
    """Why a data set is classified."""

    REGISTERED = "registered"
    REFRESHED = "refreshed"
    PUSHED = "pushed"
    ASKED = "asked"
    RULES = "rules"  # its verdicts were made under other rules
    LOOK = "look"  # nobody looked at its source for long; nothing is done unless it changed


class Classification(Noun):
    """The newest pass over a data set; each one asked for has the next ``number``.

    ``declared``: what the holder said of columns when registering, which takes effect where it is
    no weaker than what is found; ``declined`` names the columns where it was.
    """

    dataset: str
    number: Annotated[int, Field(ge=1)]
    state: ClassificationState = ClassificationState.PENDING
    cause: Cause
    asked_by: ShortText  # parties/… or "gateway"
    role: Role | None = None  # in which that party asked; None: the gateway
    declared: tuple[Column, ...] = ()
    attempt: Annotated[int, Field(ge=0)] = 0
    columns_done: Annotated[int, Field(ge=0)] = 0
    columns_total: Annotated[int, Field(ge=1)]
    declined: tuple[ColumnName, ...] = ()
    ending: Ending | None = None  # why it failed
    rules: ShortText | None = None  # those of the last attempt
    created: Moment
    updated: Moment

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        identifier(self.dataset, "datasets")
        if self.columns_done > self.columns_total:
            raise ValueError("no more columns are done than there are")
        if (self.ending is not None) != (self.state is ClassificationState.FAILED):
            raise ValueError("what failed has a reason, and nothing else has")
        return self

    @property
    def under_way(self) -> bool:
        """Whether it waits or runs."""
        return self.state in (ClassificationState.PENDING, ClassificationState.RUNNING)
