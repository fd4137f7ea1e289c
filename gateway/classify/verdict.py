"""The verdict on one column: what it is, how sure, on which evidence, under which rules."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from gateway.model.catalog import Column, ColumnName
from gateway.model.evidence import Coverage, Evidence
from gateway.model.grades import Grade
from gateway.model.names import ENTITIES, ColumnRole
from gateway.model.noun import Digest, Noun, ShortText
from gateway.norms.elements import elements

_MOST_PIECES = 8
"""So many pieces of evidence a column keeps, and beside them every rule that was applied."""


class Verdict(Noun):
    """What one column is. Without entity, grade and role: unknown, treated as the highest grade."""

    column: ColumnName
    entity: str | None = None
    role: ColumnRole | None = None
    grade: Grade | None = None
    confidence_percent: Annotated[int, Field(ge=0, le=100)]
    evidence: tuple[Evidence, ...] = ()
    element: str | None = None  # proposed standard element; setting it is a person's decision
    coverage: Coverage = Coverage(rows=0, present=0, sampled=0)
    fillable: bool = False  # unknown, and a holder may say what it is; see evidence.Finding
    pack_version: ShortText
    pack_sha256: Digest

    @model_validator(mode="after")
    def _whole(self) -> Self:
        parts = (self.entity, self.role, self.grade)
        if any(part is None for part in parts) and any(part is not None for part in parts):
            raise ValueError("a verdict has entity, role and grade, or none of them")
        if self.entity is not None and self.entity not in ENTITIES:
            raise ValueError("not an entity of the gateway's vocabulary")
        return self

    def onto(self, column: Column) -> Column:
        """The column with this verdict, by the rules alone: whether it holds against what a person
        said, or a stricter one from before, is not decided here. A column that turns out to be of
        another entity loses its element, unless that is an element of the new one."""
        if column.name != self.column:
            raise ValueError("the verdict is on another column")
        return column.but(
            element=self._element_of(column),
            entity=self.entity,
            role=self.role,
            grade=self.grade,
            confidence_percent=self.confidence_percent,
            evidence=self.weightiest(),
            coverage=self.coverage,
            rules=self.rules,
            fillable=self.fillable,
            declaration=None,
            found=None,
        )

    def _element_of(self, column: Column) -> str | None:
        # Under the name of an element, a column must not leave that is something else by now.
        if column.element is None or column.entity in (None, self.entity):
            return column.element
        element = elements().get(column.element)
        return column.element if element and element.entity == self.entity else None

    @property
    def metadata_only(self) -> bool:
        """Whether no value was looked at: the verdict is weaker."""
        return self.coverage.metadata_only

    @property
    def rules(self) -> str:
        """The rule pack that the verdict was made under: its version and digest."""
        return rules(self.pack_version, self.pack_sha256)

    def weightiest(self) -> tuple[Evidence, ...]:
        """The evidence that a column keeps, the weightiest first, then the rules applied."""
        ordered = sorted(self.evidence, key=lambda e: (-abs(e.weight), e.kind, e.entity))
        applied = [piece for piece in ordered if piece.kind == "rule"]
        return (*[p for p in ordered if p.kind != "rule"][:_MOST_PIECES], *applied)


def rules(version: str, sha256: str) -> str:
    """How a column names a rule pack."""
    return f"{version}, sha256 {sha256[:12]}"
