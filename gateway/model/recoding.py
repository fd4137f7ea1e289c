"""What is known of a data set version's recoding, which itself lies encrypted in staging."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.model.anonymity import Method, Metric
from gateway.model.catalog import ColumnName
from gateway.model.noun import Digest, Moment, Noun, ShortText
from gateway.model.release import Figure


class StoredRecoding(Noun):
    """One recoding of a version; each ``generation`` coarsens the one before.

    ``stream``: where it is staged, under a data key of that name. ``goals``: digests of what it
    was found to reach. ``figures``: what the search and the verifier measured on the whole
    version. Holds no value of the data.
    """

    dataset: str
    fingerprint: Digest
    generation: Annotated[int, Field(ge=1)]
    stream: ShortText
    quasi_identifiers: tuple[ColumnName, ...]
    method: Method
    metric: Metric
    levels: dict[ColumnName, int] | None = None  # of a full-domain recoding
    goals: tuple[Digest, ...]
    figures: tuple[Figure, ...]
    created: Moment

    @model_validator(mode="after")
    def _found_something(self) -> Self:
        if not self.goals:
            raise ValueError("a recoding reaches the goal that it was made for")
        return self
