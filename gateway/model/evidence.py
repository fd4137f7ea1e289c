"""Why a column is taken for what it is: evidence, how much was looked at, and who says so."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.model.grades import Grade
from gateway.model.names import ENTITIES, ColumnRole, Role, identifier
from gateway.model.noun import Digest, Moment, Noun, ShortText


def _known(entity: str) -> str:
    if entity not in ENTITIES:
        raise ValueError("not an entity of the gateway's vocabulary")
    return entity


Entity = Annotated[str, AfterValidator(_known)]
"""One of the vocabulary's entities, or NONE."""

EvidenceKind = Literal["name", "value", "neighbour", "rule", "declared"]


class Evidence(Noun):
    """One reason. ``weight`` in percent: how far it speaks for the entity, negative against it.

    ``detail`` says it in English and ``detail_zh`` the same in Chinese; both are for people and
    neither ever holds a value of the data.
    """

    kind: EvidenceKind
    entity: str
    detail: ShortText
    detail_zh: ShortText = ""
    weight: Annotated[int, Field(ge=-100, le=100)]


class Coverage(Noun):
    """How much of a column a verdict rests on, as counts.

    ``rows``: of the data set. ``present``: non-null values among the rows that were scanned.
    ``sampled``: non-null values that were looked at; 0 where the verdict rests on metadata alone.
    ``stopped``: there are few values in what was scanned, and the search for others took too long.
    """

    rows: Annotated[int, Field(ge=0)]
    present: Annotated[int, Field(ge=0)]
    sampled: Annotated[int, Field(ge=0)]
    stopped: bool = False

    @model_validator(mode="after")
    def _no_more_than_there_is(self) -> Self:
        if not self.sampled <= self.present <= self.rows:
            raise ValueError("no more values are looked at than are present, nor present than rows")
        return self

    @property
    def metadata_only(self) -> bool:
        """Whether no value was looked at: the verdict is weaker."""
        return self.sampled == 0


class Finding(Noun):
    """What the rules alone make of a column; without entity, grade and role they do not know.

    ``fillable``: they do not know, and that does not rest on what the values hold, so that the
    holder may say what it is. Otherwise an officer must.
    """

    entity: Entity | None = None
    grade: Grade | None = None
    role: ColumnRole | None = None
    confidence_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    evidence: tuple[Evidence, ...] = ()
    coverage: Coverage | None = None
    rules: ShortText | None = None
    fillable: bool = False


class Declaration(Noun):
    """A person's verdict: who said it, in which role, why, when, and until when it holds.

    ``until`` None: for good. A holder's is only ever stricter than what the rules find; an
    officer's stands against them until it lapses.
    """

    party: str
    role: Role
    reason: ShortText = ""
    at: Moment
    until: Moment | None = None

    @model_validator(mode="after")
    def _by_somebody_who_may(self) -> Self:
        identifier(self.party, "parties")
        if self.role not in (Role.HOLDER, Role.OFFICER):
            raise ValueError("a verdict is declared by the holder or an officer")
        if self.until is not None and self.until <= self.at:
            raise ValueError("a declaration lapses later than it is made")
        return self

    def holds(self, now: datetime) -> bool:
        """Whether it has not lapsed."""
        return self.until is None or now < self.until


class Judged(Noun):
    """Under which rules the verdicts of a data set were made, and on which content.

    ``fingerprint`` None: on names alone, before there were records.
    """

    rules: ShortText
    fingerprint: Digest | None = None
