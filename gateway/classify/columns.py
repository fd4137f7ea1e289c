"""Classifies the columns of a table: evidence from names, values and neighbours, then a verdict.

Fails towards caution: what no evidence settles stays unknown, and unknown counts as the highest
grade; conflicting evidence takes the higher grade; `NONE` needs evidence of its own.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyarrow as pa

from gateway.classify import sentences, spoken, weigh
from gateway.classify.calibration import Basis
from gateway.classify.case import Case, case
from gateway.classify.grading import Graded
from gateway.classify.leftover import (
    fillable,
    grade_without_entity,
    not_identified,
    why_unknown,
)
from gateway.classify.naming import reader
from gateway.classify.neighbours import with_neighbours
from gateway.classify.observe import NOTHING_SEEN, Observation, observe
from gateway.classify.pack import Pack
from gateway.classify.verdict import Verdict
from gateway.model.catalog import Column
from gateway.model.evidence import Coverage, Evidence
from gateway.model.grades import highest
from gateway.model.names import ColumnRole
from gateway.norms.elements import elements
from gateway.ports import ColumnSample

_IMPERSONAL = frozenset({"DATE", "DATE_TIME", "REGION", "URL", "CN_USCC", "CN_ORG_CODE"})
# Of a description the first clause says what the column is; the others speak of much else.
_CLAUSE = re.compile(r"[^，,。.;；:：(（\n]{1,40}")


def classify(
    data: Iterable[ColumnSample] | None, columns: Sequence[Column], *, pack: Pack
) -> tuple[Column, ...]:
    """The columns with entity, role, grade, evidence and confidence filled in, in their order.

    data: samples of the columns, which are looked at as they come; None classifies by names alone,
    with less confidence. Columns missing from it are classified by name.
    What a person declared is not looked at: that, and a stricter verdict from before, are weighed
    where verdicts are kept.
    """
    return tuple(
        verdict.onto(column)
        for verdict, column in zip(verdicts(data, columns, pack=pack), columns, strict=True)
    )


def verdicts(
    data: Iterable[ColumnSample] | None,
    columns: Sequence[Column],
    *,
    pack: Pack,
) -> tuple[Verdict, ...]:
    """The verdict on each column, in their order."""
    seen, stopped = {}, set()
    for drawn in data or ():
        seen[drawn.column] = _observation(drawn, pack)
        if drawn.coverage.stopped:
            stopped.add(drawn.column)
    first = [_look(column, seen.get(column.name, NOTHING_SEEN), pack) for column in columns]
    cases, people = with_neighbours(first, pack)
    # One number, one number of persons: any column that may be about a person makes the table one.
    personal = people or any(_may_be_personal(case, pack) for case in cases)
    found = (_decide(case, personal, pack) for case in cases)
    return tuple(
        verdict.but(coverage=verdict.coverage.but(stopped=verdict.column in stopped))
        for verdict in found
    )


def _observation(drawn: ColumnSample, pack: Pack) -> Observation | None:
    """What is seen in a column; None where its values cannot be read."""
    try:
        return observe(drawn, pack)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        # Not UTF-8, or a type that has no text form: the values say nothing.
        return None


def _look(column: Column, looked: Observation | None, pack: Pack) -> Case:
    reading = reader(pack).read(column.name)
    seen, evidence = looked or NOTHING_SEEN, weigh.by_name(reading, pack)
    clause = _CLAUSE.search(column.description)
    if clause is not None:
        described = reader(pack).read(clause.group())
        described = replace(
            described, hits={e: s for e, s in described.hits.items() if e not in reading.hits}
        )
        said = sentences.description_says(described.phrase)
        evidence += [
            said.piece("name", piece.entity, piece.weight)
            for piece in weigh.by_name(described, pack)
        ]
        if looked is not None and seen.sampled:
            # A look-alike in the values is weighed once, with the name.
            evidence += weigh.against_name(seen, described, pack)
    if looked is None or (looked.kind == "opaque" and looked.sampled):
        evidence.append(sentences.UNREADABLE.piece("value", "NONE"))
    elif seen.sampled:
        evidence += weigh.by_values(seen, reading, pack) + weigh.against(seen, reading, pack)
    return case(column, reading, seen, evidence)


def _may_be_personal(case: Case, pack: Pack) -> bool:
    best = case.best(pack)
    if best is not None:
        return best not in _IMPERSONAL
    named = case.reading.key is not None or case.reading.attribute
    return named or not_identified(case, pack) is None


def _decide(case: Case, personal: bool, pack: Pack) -> Verdict:
    best = case.best(pack)
    if best is not None and (
        spoken.direct_identifier(case, best, pack) or _described_as_milder(case, best, pack)
    ):
        told = [why_unknown(case, pack, best).piece("rule", "NONE")]
        return _verdict(case, pack, None, None, 0, told)
    if best is not None:
        rivals = case.rivals(best)
        every = [pack.grading.entities[e] for e in (best, *rivals)]
        graded = every[0].but(grade=highest([one.grade for one in every]))
        if any(one.role is ColumnRole.DIRECT_IDENTIFIER for one in every):
            graded = graded.but(role=ColumnRole.DIRECT_IDENTIFIER)
        told = [sentences.rival(e, trust).piece("rule", e) for e, trust in sorted(rivals.items())]
        return _verdict(case, pack, best, graded, case.trust[best], told)
    reason = not_identified(case, pack)
    if reason is None:
        told = [why_unknown(case, pack).piece("rule", "NONE")]
        if case.seen.distinct:
            seen = case.seen
            spread = sentences.profile(seen.distinct_share, seen.absent_share, seen.mean_length)
            told.insert(0, spread.piece("value", "NONE"))
        return _verdict(case, pack, None, None, 0, told).but(fillable=fillable(case, pack))
    graded = grade_without_entity(case, personal, pack)
    said = reason.said.piece("name", "NONE", reason.trust)
    return _verdict(case, pack, "NONE", graded, reason.trust, [said])


def _described_as_milder(case: Case, best: str, pack: Pack) -> bool:
    """Whether the description alone says `best`, and name or values say something graver."""
    graded = pack.grading.entities
    if best in case.reading.hits or not any(
        piece.kind == "name" and piece.entity == best for piece in case.evidence
    ):
        return False
    direct = graded[best].role is ColumnRole.DIRECT_IDENTIFIER
    return any(
        graded[e].grade.rank > graded[best].grade.rank
        or (graded[e].role is ColumnRole.DIRECT_IDENTIFIER and not direct)
        for e in case.rivals(best)
    )


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
    case: Case,
    pack: Pack,
    entity: str | None,
    graded: Graded | None,
    trust: int,
    told: Sequence[Evidence],
) -> Verdict:
    evidence = [*case.evidence, *told]
    if graded is not None:
        by = sentences.graded(graded, pack.grading.standard)
        evidence.append(by.piece("rule", entity or "NONE"))
    # A harmless name that no value confirms is no surer than without any values.
    looked = case.seen.sampled > 0 and (entity != "NONE" or spoken.as_named(case, pack))
    basis = Basis.of(values=looked, entity=entity)
    return Verdict(
        column=case.column.name,
        entity=entity,
        role=graded.role if graded is not None else None,
        grade=graded.grade if graded is not None else None,
        confidence_percent=pack.calibration.confidence(basis, trust) if entity else 0,
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
