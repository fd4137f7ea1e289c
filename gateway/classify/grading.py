"""How grave is it? The grades of columns, as a rule pack carries them."""

from typing import Self

from pydantic import model_validator

from gateway.model.grades import Grade
from gateway.model.names import ENTITIES, ColumnRole
from gateway.model.noun import Noun, ShortText


class Graded(Noun):
    """Grade and role of what a column holds, with where that is said."""

    grade: Grade
    role: ColumnRole
    source: ShortText


class Grading(Noun):
    """One dated grading standard."""

    standard: ShortText
    effective: ShortText
    version: ShortText
    entities: dict[str, Graded]
    person_key: Graded
    group_key: Graded
    personal_attribute: Graded
    sensitive_attribute: Graded
    other_personal: Graded
    not_personal: Graded

    @model_validator(mode="after")
    def _complete(self) -> Self:
        unknown = set(self.entities) - ENTITIES
        if unknown:
            raise ValueError(
                f"{', '.join(sorted(unknown))} is not in the gateway's vocabulary of entities"
            )
        missing = ENTITIES - {"NONE"} - set(self.entities)
        if missing:
            raise ValueError(f"no grade for {', '.join(sorted(missing))}")
        return self
