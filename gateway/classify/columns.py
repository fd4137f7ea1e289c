"""Classifies the columns of a table: evidence from names, values and neighbours, then a verdict.

Fails towards caution: what no evidence settles stays unknown, and unknown counts as the highest
grade; conflicting evidence takes the higher grade; `NONE` needs evidence of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

import pyarrow as pa

from gateway.classify import weigh
from gateway.classify.grading import Graded
from gateway.classify.naming import NameReading, reader
from gateway.classify.observe import Observation, observe
from gateway.classify.pack import Pack
from gateway.classify.sampling import SAMPLE, Sample, draw
from gateway.classify.verdict import Verdict
from gateway.model.catalog import Column
from gateway.model.evidence import Coverage, Evidence
from gateway.model.grades import highest
from gateway.model.names import ColumnRole
from gateway.norms.elements import elements
from gateway.ports import ColumnSample

_ENOUGH = 50  # percent of trust at which an entity is settled
_NOTABLE = (
    30  # percent at which an entity that did not win still counts: for the grade, against NONE
)
_SOME = 0.01  # share of a column's values from which identifiers among them are no accident
# Two of these in a table make it one about persons.
_OF_PERSONS = frozenset(
    "PERSON CN_RESIDENT_ID CN_MOBILE EMAIL_ADDRESS SEX BIRTH_DATE AGE ETHNICITY MARITAL_STATUS"
    " EDUCATION CN_BANK_CARD CREDIT_CARD CN_PASSPORT MEDICAL_RECORD_NUMBER STUDENT_NUMBER".split()
)
_NOTHING_SEEN = Observation("opaque", 0, 0, 0, 0, {}, {}, {}, {})


@dataclass(frozen=True, slots=True)
class _Case:
    """One column with everything known about it."""

    column: Column
    reading: NameReading
    seen: Observation
    evidence: tuple[Evidence, ...]
    trust: Mapping[str, int] = field(default_factory=dict)

    def best(self, pack: Pack) -> str | None:
        """The entity with the most trust, if enough; of equals the one graded higher."""
        grades = pack.grading.entities
        settled = [e for e, trust in self.trust.items() if trust >= _ENOUGH]
        return max(settled, key=lambda e: (self.trust[e], grades[e].grade.rank, e), default=None)


def classify(
    data: pa.Table | Iterable[ColumnSample] | None, columns: Sequence[Column], *, pack: Pack
) -> tuple[Column, ...]:
    """The columns with entity, role, grade, evidence and confidence filled in, in their order.

    data: samples of the columns, which are looked at as they come, or a table at any size; None
    classifies by names alone, with less confidence. Columns missing from it are classified by name.
    What a person declared is not looked at: that, and a stricter verdict from before, are weighed
    where verdicts are kept.
    """
    return tuple(
        verdict.onto(column)
        for verdict, column in zip(verdicts(data, columns, pack=pack), columns, strict=True)
    )


def verdicts(
    data: pa.Table | Iterable[ColumnSample] | None,
    columns: Sequence[Column],
    *,
    pack: Pack,
    sample: int = SAMPLE,
) -> tuple[Verdict, ...]:
    """The verdict on each column, in their order. At most `sample` values of each column of a
    table are looked at."""
    seen = dict(_observed(data, {column.name for column in columns}, pack, sample))
    first = [_look(column, seen.get(column.name, _NOTHING_SEEN), pack) for column in columns]
    people = _speaks_of_people(first, pack)
    cases = [_with_neighbours(case, people, pack) for case in first]
    # One number, one number of persons: any column that may be about a person makes the table one.
    personal = people or any(_may_be_personal(case, pack) for case in cases)
    return tuple(_decide(case, personal, pack) for case in cases)


def _observed(
    data: pa.Table | Iterable[ColumnSample] | None, wanted: set[str], pack: Pack, limit: int
) -> Iterator[tuple[str, Observation | None]]:
    """What is seen in each column, one after the other; None where its values cannot be read."""
    if isinstance(data, pa.Table):
        for name in wanted.intersection(data.column_names):
            yield name, _observation(data.column(name), pack, limit)
        return
    for drawn in data or ():
        yield drawn.column, _observation(drawn, pack, limit)


def _observation(
    column: pa.ChunkedArray | ColumnSample, pack: Pack, limit: int
) -> Observation | None:
    try:
        if isinstance(column, ColumnSample):
            rows, present = column.coverage.rows, column.coverage.present
            return observe(Sample(column.values, rows, rows - present), pack)
        return observe(draw(column, limit), pack)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        # Not UTF-8, or a type that has no text form: the values say nothing.
        return None


def _look(column: Column, looked: Observation | None, pack: Pack) -> _Case:
    reading = reader(pack).read(column.name)
    seen, unreadable = looked or _NOTHING_SEEN, None
    if looked is None or (looked.kind == "opaque" and looked.sampled):
        unreadable = Evidence(
            kind="value", entity="NONE", detail="the values cannot be read as text", weight=0
        )
    evidence = weigh.by_name(reading, pack)
    if column.description:
        described = reader(pack).read(column.description[:40])
        evidence += [
            piece.but(detail=f"the description says {described.phrase}")
            for piece in weigh.by_name(described, pack)
            if piece.entity not in reading.hits
        ]
    if seen.sampled:
        evidence += weigh.by_values(seen, reading, pack) + weigh.against(seen, reading, pack)
    if unreadable is not None:
        evidence.append(unreadable)
    return _case(column, reading, seen, evidence)


def _case(
    column: Column, reading: NameReading, seen: Observation, evidence: Sequence[Evidence]
) -> _Case:
    by_entity: dict[str, list[Evidence]] = {}
    for piece in evidence:
        by_entity.setdefault(piece.entity, []).append(piece)
    trust = {
        entity: weigh.combined(pieces) for entity, pieces in by_entity.items() if entity != "NONE"
    }
    # A name that says whose number it is outweighs a form that any number may have.
    if reading.key is not None:
        trust = {e: t for e, t in trust.items() if t >= 90 or e in reading.hits}
    return _Case(column, reading, seen, tuple(evidence), trust)


def _speaks_of_people(cases: Sequence[_Case], pack: Pack) -> bool:
    found = {case.best(pack) for case in cases} & _OF_PERSONS
    return len(found) >= 2 or not found.isdisjoint({"CN_RESIDENT_ID", "MEDICAL_RECORD_NUMBER"})


def _with_neighbours(case: _Case, people: bool, pack: Pack) -> _Case:
    """Among columns about persons a bare `name`, or an ambiguous word, is more likely personal."""
    if not people:
        return case
    added = [
        Evidence(
            kind="neighbour",
            entity=piece.entity,
            detail="other columns of the table are about persons",
            weight=25,
        )
        for piece in case.evidence
        if piece.kind == "name"
        and piece.weight < pack.name_weights["certain"]
        and case.reading.subject != "thing"
    ]
    return _case(case.column, case.reading, case.seen, (*case.evidence, *added)) if added else case


def _may_be_personal(case: _Case, pack: Pack) -> bool:
    best = case.best(pack)
    if best is not None:
        return best not in {"DATE", "DATE_TIME", "REGION", "URL", "CN_USCC", "CN_ORG_CODE"}
    named = case.reading.key is not None or case.reading.attribute
    return named or _not_identified(case, pack) is None


def _decide(case: _Case, personal: bool, pack: Pack) -> Verdict:
    best = case.best(pack)
    if best is not None:
        graded = pack.grading.entities[best]
        rivals = [e for e, trust in case.trust.items() if trust >= _NOTABLE]
        grade = highest(pack.grading.entities[e].grade for e in rivals)
        why = Evidence(kind="rule", entity=best, detail=graded.source, weight=0)
        return _verdict(
            case, pack, best, graded.but(grade=grade), case.trust[best], (*case.evidence, why)
        )
    reason = _not_identified(case, pack)
    if reason is None:
        return _verdict(case, pack, None, None, 0, (*case.evidence, _unknown(case)))
    graded = _grade_without_entity(case, personal, pack)
    said = Evidence(kind="name", entity="NONE", detail=reason, weight=60)
    why = Evidence(kind="rule", entity="NONE", detail=graded.source, weight=0)
    # Without values nothing contradicts the name, and nothing confirms it.
    trust = 75 if case.seen.sampled else 50
    return _verdict(case, pack, "NONE", graded, trust, (*case.evidence, said, why))


def _not_identified(case: _Case, pack: Pack) -> str | None:
    """Why the column surely holds none of the entities; None when nothing says so."""
    if _may_hide(case, pack) or any(trust >= _NOTABLE for trust in case.trust.values()):
        return None
    if case.reading.key is not None:
        return f"the name is that of a number given to a {case.reading.key}"
    if case.reading.attribute:
        return "the name is that of an attribute which has no entity"
    if case.reading.sensitive_attribute:
        return "the name is that of an amount or a measure which has no entity"
    if case.reading.about:
        return f"the name says something about {case.reading.phrase}, not {case.reading.phrase}"
    if case.reading.subject == "thing":
        return "the name is that of a thing"
    if case.reading.technical:
        return "the name describes a record or a measure"
    if case.seen.kind == "boolean":
        return "the values are yes and no"
    return None


def _may_hide(case: _Case, pack: Pack) -> bool:
    """Whether the values may hold more than the name says."""
    seen = case.seen
    unseen = seen.rows > 0 and not seen.sampled  # nothing but nulls: what will come is not known
    unreadable = seen.kind == "opaque" and seen.sampled > 0
    texts = case.reading.free_text or seen.prose or bool(seen.inside)
    return texts or unseen or unreadable or _some_identifiers(seen, pack)


def _some_identifiers(seen: Observation, pack: Pack) -> bool:
    """Whether among the values are identifiers, if only a few: too few for the column to be one of
    them, and too many to be chance."""
    for position, share in seen.accepted.items():
        form = pack.identifiers[position]
        if form.weight < _ENOUGH:
            continue
        # One number in eleven passes a check digit, whatever else is asked of it.
        chance = form.chance if form.check is None else max(form.chance, 10)
        of = 1.0 if form.check is None else seen.shaped[position]
        expected = of * chance / 100
        # Three standard deviations: by chance alone, one column in a thousand passes so often.
        spread = 3 * sqrt(expected * (1 - expected) / seen.sampled)
        if share - expected >= max(_SOME, spread):
            return True
    return False


def _grade_without_entity(case: _Case, personal: bool, pack: Pack) -> Graded:
    grading = pack.grading
    if case.reading.key == "person":
        return grading.person_key
    if case.reading.key == "group":
        return grading.group_key
    if case.reading.attribute:
        return grading.personal_attribute
    if not personal:
        return grading.not_personal
    if case.reading.sensitive_attribute and not case.reading.about:
        return grading.sensitive_attribute
    unique = case.seen.sampled >= 50 and case.seen.distinct_share >= 0.95
    if unique and case.seen.kind in {"text", "integer"}:
        # A number of the record leads back to the person by any other table that has it.
        return grading.group_key
    if case.reading.subject == "thing" and case.seen.kind in {"text", "opaque"}:
        return grading.personal_attribute
    return grading.other_personal


def _unknown(case: _Case) -> Evidence:
    if case.seen.inside:
        named = ", ".join(sorted(case.seen.inside))
        detail = f"texts in which there is {named}: unknown counts as the highest grade"
    elif case.seen.prose or case.reading.free_text:
        detail = "free text: what it holds is unknown and counts as the highest grade"
    else:
        detail = "no evidence is strong enough: unknown counts as the highest grade"
    return Evidence(kind="rule", entity="NONE", detail=detail, weight=0)


def proposed_element(name: str, entity: str | None, pack: Pack) -> str | None:
    """The standard element that a column of that name and entity may be: of that very name, or
    the usual one of the entity."""
    if entity is None:
        return None
    for element in elements().values():
        if element.entity == entity and name in {element.name, element.chinese}:
            return element.name
    return pack.elements.get(entity)


def _verdict(
    case: _Case,
    pack: Pack,
    entity: str | None,
    graded: Graded | None,
    trust: int,
    evidence: Sequence[Evidence],
) -> Verdict:
    role: ColumnRole | None = graded.role if graded is not None else None
    return Verdict(
        column=case.column.name,
        entity=entity,
        role=role,
        grade=graded.grade if graded is not None else None,
        confidence_percent=trust,
        evidence=tuple(evidence),
        element=proposed_element(case.column.name, entity, pack),
        coverage=Coverage(
            rows=case.seen.rows,
            present=case.seen.rows - case.seen.nulls,
            sampled=case.seen.sampled,
        ),
        pack_version=pack.version,
        pack_sha256=pack.sha256,
    )
