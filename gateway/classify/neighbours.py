"""What the other columns of a table say of one: a birth date beside a name, a name among goods."""

from collections.abc import Sequence

from gateway.classify import sentences
from gateway.classify.case import Case
from gateway.classify.pack import Pack

# Two of these in a table make it one about persons.
_OF_PERSONS = frozenset(
    "PERSON CN_RESIDENT_ID CN_MOBILE EMAIL_ADDRESS SEX BIRTH_DATE AGE ETHNICITY MARITAL_STATUS"
    " EDUCATION CN_BANK_CARD CREDIT_CARD CN_PASSPORT MEDICAL_RECORD_NUMBER STUDENT_NUMBER".split()
)
_ENOUGH_ALONE = frozenset({"CN_RESIDENT_ID", "MEDICAL_RECORD_NUMBER"})
_FOR = 25  # percent, for an ambiguous word
_FOR_BUILT = 35  # percent, for values that are built like names, or dates like births
_AGAINST = -30  # percent, where values alone look personal and nothing beside them is


def with_neighbours(cases: Sequence[Case], pack: Pack) -> tuple[list[Case], bool]:
    """The cases with what their neighbours say, and whether the table is about persons.

    A column is no neighbour of itself: what it holds must be said by others.
    """
    held = [best if (best := c.best(pack)) in _OF_PERSONS else None for c in cases]
    number = {entity: held.count(entity) for entity in set(held) if entity is not None}
    weighed = []
    for case, own in zip(cases, held, strict=True):
        others = {e for e, count in number.items() if count - (e == own) > 0}
        weighed.append(_weighed(case, others, pack))
    return weighed, _about_persons(set(number))


def _about_persons(entities: set[str]) -> bool:
    return len(entities) >= 2 or not entities.isdisjoint(_ENOUGH_ALONE)


def _weighed(case: Case, others: set[str], pack: Pack) -> Case:
    people = _about_persons(others)
    sure = pack.name_weights["certain"]
    added = []
    for piece in case.evidence:
        ambiguous = piece.kind == "name" and piece.entity != "NONE" and piece.weight < sure
        if ambiguous and people and case.reading.subject != "thing":
            added.append(sentences.PEOPLE_BESIDE.piece("neighbour", piece.entity, _FOR))
        elif (
            piece.kind == "value" and piece.entity in {"PERSON", "BIRTH_DATE"} and piece.weight > 0
        ):
            if case.reading.hits:
                continue  # the name has spoken
            if people:
                beside = others - {piece.entity}
                said = sentences.beside(beside) if beside else sentences.PEOPLE_BESIDE
                added.append(said.piece("neighbour", piece.entity, _FOR_BUILT))
            elif not others and case.seen.repeats:
                said = sentences.NO_PEOPLE_BESIDE
                added.append(said.piece("neighbour", piece.entity, _AGAINST))
    return case.with_more(added)
