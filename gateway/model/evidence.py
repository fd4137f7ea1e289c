"""Why a column is taken for what it is: evidence, and how much of the data was looked at."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.model.noun import Noun, ShortText

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
    """

    rows: Annotated[int, Field(ge=0)]
    present: Annotated[int, Field(ge=0)]
    sampled: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _no_more_than_there_is(self) -> Self:
        if not self.sampled <= self.present <= self.rows:
            raise ValueError("no more values are looked at than are present, nor present than rows")
        return self

    @property
    def metadata_only(self) -> bool:
        """Whether no value was looked at: the verdict is weaker."""
        return self.sampled == 0
