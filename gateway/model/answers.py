"""An answer's record: one question on its way, what it was charged, and what is known of its result.

The table itself is sealed apart, encrypted under a key of its own; nothing here holds a cell.
"""

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from gateway.model.audit import AuditPosition
from gateway.model.lifecycle import AnswerState
from gateway.model.names import identifier
from gateway.model.noun import Digest, Moment, Noun, ShortText
from gateway.model.ratio import NonNegativeRatio
from gateway.model.release import Ending
from gateway.model.statistics import Answer, StatisticsPlan, StatisticsRequest
from gateway.model.statistics_decision import StatisticsDecision

COLLECTION: Final = "answers"


class Charged(Noun):
    """What one budget had spent in all after this charge, rounded up, at its delta of then."""

    budget: str
    spent: NonNegativeRatio


class SealedAnswer(Noun):
    """What was sealed: the exact stream's hash and size, and what is known of the table."""

    stream_sha256: Digest
    stream_bytes: Annotated[int, Field(ge=0)]
    chunks: Annotated[int, Field(ge=1)]
    about: Answer


class AnswerRecord(Noun):
    """``plan`` exists unless DENIED, ``sealed`` once SEALED. ``same`` is equal for the same question
    of the same consumer for the same purpose on the same version of the data.

    ``refunded``: the charge was taken back, because nothing had been read.
    """

    name: str
    consumer: str
    request: StatisticsRequest
    decision: StatisticsDecision
    plan: StatisticsPlan | None = None
    same: ShortText = ""
    state: AnswerState
    charged: tuple[Charged, ...] = ()
    opened_at: AuditPosition | None = None
    attempt: Annotated[int, Field(ge=0)] = 0
    ending: Ending | None = None
    refunded: bool = False
    sealed: SealedAnswer | None = None
    certificate: str | None = None
    created: Moment
    updated: Moment
    expires: Moment | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        identifier(self.name, COLLECTION)
        if (self.plan is None) != (self.state is AnswerState.DENIED):
            raise ValueError("an answer has a plan exactly when it was not denied")
        if self.state is AnswerState.SEALED and (self.sealed is None or self.expires is None):
            raise ValueError("a sealed answer has a seal and a time until which it is kept")
        return self

    @property
    def stream(self) -> str:
        """Name of the staged stream of this attempt: a process that lost its lease and goes on
        writes to that of an earlier one, which nobody reads."""
        return f"{self.name}/{self.attempt}"
