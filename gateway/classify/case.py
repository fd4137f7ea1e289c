"""One column with everything known about it, and how its evidence adds up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.classify import weigh
from gateway.classify.naming import NameReading
from gateway.classify.observe import Observation
from gateway.classify.pack import Pack
from gateway.model.catalog import Column
from gateway.model.evidence import Evidence

ENOUGH = 50
"""Percent of trust at which an entity is settled."""
NOTABLE = 30
"""Percent at which an entity that did not win still counts: for the grade, and against NONE."""

_DATES = frozenset({"DATE", "DATE_TIME"})


@dataclass(frozen=True, slots=True)
class Case:
    """One column: what its name says, what is seen in it, and the trust in each entity."""

    column: Column
    reading: NameReading
    seen: Observation
    evidence: tuple[Evidence, ...]
    trust: Mapping[str, int] = field(default_factory=dict)

    def best(self, pack: Pack) -> str | None:
        """The entity with the most trust, if enough; of equals the one graded higher."""
        grades = pack.grading.entities
        settled = [e for e, trust in self.trust.items() if trust >= ENOUGH]
        return max(settled, key=lambda e: (self.trust[e], grades[e].grade.rank, e), default=None)

    def rivals(self, winner: str) -> dict[str, int]:
        """Other entities that still count, with the trust in each. A birth date is a date: that
        it is one too is no other opinion."""
        same = {winner} | (_DATES if winner == "BIRTH_DATE" else set())
        return {e: t for e, t in self.trust.items() if e not in same and t >= NOTABLE}

    def with_more(self, added: Sequence[Evidence]) -> "Case":
        """The case with further evidence."""
        if not added:
            return self
        return case(self.column, self.reading, self.seen, (*self.evidence, *added))


def case(
    column: Column, reading: NameReading, seen: Observation, evidence: Sequence[Evidence]
) -> Case:
    """A case with its trust computed from the evidence."""
    by_entity: dict[str, list[Evidence]] = {}
    for piece in evidence:
        by_entity.setdefault(piece.entity, []).append(piece)
    trust = {
        entity: weigh.combined(pieces) for entity, pieces in by_entity.items() if entity != "NONE"
    }
    # A name that says whose number it is outweighs a form that any number may have.
    if reading.key is not None:
        trust = {e: t for e, t in trust.items() if t >= 90 or e in reading.hits}
    return Case(column, reading, seen, tuple(evidence), trust)
