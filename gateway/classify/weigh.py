"""Turns the name of a column and what was counted in it into evidence for entities, kept apart.

Each piece of evidence has a weight in percent, as if it were a probability that it alone is right;
pieces that agree combine as independent witnesses do, 1 - (1-a)(1-b), and evidence against scales
what they say. The weights are settings of the rule pack, not measurements.
"""

from collections.abc import Iterable, Mapping

from gateway.classify.naming import NameReading
from gateway.classify.observe import Observation
from gateway.classify.pack import Pack, Strength
from gateway.model.evidence import Evidence

_FEW = 20  # values: below this, shares say little
_RAISED: Mapping[Strength, Strength] = {"weak": "likely", "likely": "certain", "certain": "certain"}
_LOWERED: Mapping[Strength, Strength | None] = {
    "weak": None, "likely": None, "certain": "likely",
}  # fmt: skip
# Which kinds of column can hold an entity at all; text can hold any.
_NUMERIC = {"INCOME", "ACCOUNT_BALANCE", "AGE", "COORDINATES"}
_CODED = {
    "SEX", "ETHNICITY", "EDUCATION", "MARITAL_STATUS", "RELIGION", "OCCUPATION", "REGION",
    "DIAGNOSIS", "EMPLOYER",
}  # fmt: skip
_DATED = {"BIRTH_DATE", "DATE", "DATE_TIME"}
_YES_NO = {"SEX", "MARITAL_STATUS", "DIAGNOSIS", "RELIGION"}
_OF_PERSONS_ALONE = {"PERSON", "AGE"}  # what only persons have under these words
_ALLOCATED = 0.93  # of a column of mobile numbers at least so many have a prefix in use
_SMALL = 0.97
_WORTH_BY_FORM = 30  # a form of a smaller weight says something with the name only


def by_name(reading: NameReading, pack: Pack) -> list[Evidence]:
    """Evidence from the words of the name."""
    found = []
    for entity, strength in reading.hits.items():
        owned: Strength | None = strength
        detail = f"the name says {reading.phrase}"
        if entity in _OF_PERSONS_ALONE and reading.subject == "thing":
            owned, detail = _LOWERED[strength], f"{detail}, of a thing"
        elif reading.subject == "person":
            owned, detail = _RAISED[strength], f"{detail}, of a person"
        if owned is not None:
            found.append(_evidence("name", entity, detail, pack.name_weights[owned]))
    return found


def by_values(seen: Observation, reading: NameReading, pack: Pack) -> list[Evidence]:
    """Evidence from counts over the values, for entities proposed by values or by the name."""
    found = [
        *_by_form(seen, reading, pack),
        *_by_dictionary(seen, pack),
        *_by_shape(seen, reading, pack),
        *_by_distribution(seen, reading),
    ]
    return [e for e in found if e.weight > 0]


def against(seen: Observation, reading: NameReading, pack: Pack) -> list[Evidence]:
    """Evidence against entities that the name proposes: the values are of another kind."""
    found = _look_alikes(seen)
    for entity, strength in reading.hits.items():
        if not _possible(seen, entity):
            detail = f"a column of kind {seen.kind} cannot hold it"
            found.append(_evidence("value", entity, detail, -95))
        elif seen.sampled >= _FEW:
            share = _best_share(seen, entity, pack)
            if share is not None and share < 0.05:
                detail = f"{_percent(share)} of the values look like it"
                # A word with no other use still holds: the values may be masked or encrypted.
                weight = -40 if strength == "certain" else -60
                found.append(_evidence("value", entity, detail, weight))
    return found


def _look_alikes(seen: Observation) -> list[Evidence]:
    """Against forms that other numbers have as well, by what is unlike them in the whole column."""
    found = []
    if seen.sampled >= _FEW and seen.allocated < _ALLOCATED:
        detail = f"only {_percent(seen.allocated)} of the numbers have a prefix in use"
        found.append(_evidence("value", "CN_MOBILE", detail, -75))
    if seen.sampled >= _FEW and seen.small_versions >= _SMALL:
        detail = f"{_percent(seen.small_versions)} of the values count as versions do"
        found.append(_evidence("value", "IP_ADDRESS", detail, -75))
    return found


def combined(evidence: Iterable[Evidence]) -> int:
    """Percent of trust that several pieces of evidence on one entity give together, at most 99."""
    doubt, discount = 1.0, 1.0
    for piece in evidence:
        if piece.weight >= 0:
            doubt *= 1 - piece.weight / 100
        else:
            discount *= 1 + piece.weight / 100
    return min(99, round(100 * (1 - doubt) * discount))


def _by_form(seen: Observation, reading: NameReading, pack: Pack) -> list[Evidence]:
    best: dict[str, Evidence] = {}
    for position, share in seen.accepted.items():
        form = pack.identifiers[position]
        if form.weight < _WORTH_BY_FORM and form.entity not in reading.hits:
            continue
        chance = form.chance / 100
        excess = max(0.0, share - chance) / (1 - chance)
        # Half of the values passing a check digit is no accident even in dirty data.
        needed = 0.5 if form.check is not None and form.chance <= 10 else 0.8
        weight = form.weight * min(1.0, excess / needed) if excess >= 0.2 else 0.0
        weight *= _trust_in_few(seen.sampled)
        if form.check is None and (reading.technical or reading.subject == "thing"):
            weight *= 0.5  # `order_no` of eleven digits is no telephone
        rule = "form and check" if form.check is not None else "form"
        detail = f"{_percent(share)} of the values pass its {rule}"
        piece = _evidence("value", form.entity, detail, round(weight))
        if form.entity not in best or best[form.entity].weight < piece.weight:
            best[form.entity] = piece
    return list(best.values())


def _by_dictionary(seen: Observation, pack: Pack) -> list[Evidence]:
    found = []
    for dictionary in pack.dictionaries:
        share = seen.listed.get(dictionary.entity, 0.0)
        if share * 100 >= dictionary.share:
            detail = f"{_percent(share)} of the values are in its dictionary"
            weight = round(dictionary.weight * _trust_in_few(seen.sampled))
            found.append(_evidence("value", dictionary.entity, detail, weight))
    return found


def _by_shape(seen: Observation, reading: NameReading, pack: Pack) -> list[Evidence]:
    found = []
    for position, share in seen.shapes.items():
        shape = pack.shapes[position]
        if share * 100 < shape.share or (shape.with_name and shape.entity not in reading.hits):
            continue
        weight = shape.weight * _trust_in_few(seen.sampled)
        if reading.technical or reading.subject == "thing" or reading.key is not None:
            weight *= 0.5
        detail = f"{_percent(share)} of the values are built as {shape.source} says"
        found.append(_evidence("value", shape.entity, detail, round(weight)))
    return found


def _by_distribution(seen: Observation, reading: NameReading) -> list[Evidence]:
    found = []
    few = _trust_in_few(seen.sampled)
    varied = seen.distinct_share >= 0.05 or seen.distinct >= 200
    if seen.chinese_names >= 0.5 and varied and seen.regions < 0.5:
        share = min(1.0, (seen.chinese_names - 0.25) / 0.45)
        detail = f"{_percent(seen.chinese_names)} of the values are built like Chinese names"
        found.append(_evidence("value", "PERSON", detail, round(75 * share * few)))
    if seen.latin_names >= 0.6 and varied:
        detail = f"{_percent(seen.latin_names)} of the values are built like names"
        found.append(_evidence("value", "PERSON", detail, round(40 * few)))
    if seen.regions >= 0.6:
        detail = f"{_percent(seen.regions)} of the values end as names of regions do"
        found.append(_evidence("value", "REGION", detail, round(80 * few)))
    if seen.dates >= 0.6:
        found += _by_years(seen, reading, few)
    hits = reading.hits
    low, high = seen.lowest, seen.highest
    if "AGE" in hits and low is not None and high is not None and 0 <= low <= high <= 130:
        found.append(_evidence("value", "AGE", "all numbers are between 0 and 130", 40))
    for entity in ("INCOME", "ACCOUNT_BALANCE"):
        if entity in hits and seen.amounts >= 0.8:
            found.append(_evidence("value", entity, "the values are amounts", 30))
    return found


def _by_years(seen: Observation, reading: NameReading, few: float) -> list[Evidence]:
    detail = f"{_percent(seen.dates)} of the values are dates"
    found = [_evidence("value", "DATE", detail, round(70 * few))]
    if seen.first_year is None or seen.last_year is None:
        return found
    span = seen.last_year - seen.first_year
    if "BIRTH_DATE" in reading.hits:
        found.append(_evidence("value", "BIRTH_DATE", detail, round(60 * few)))
    elif span >= 50 and 1870 <= seen.first_year <= 1970 and seen.kind != "moment":
        detail = "dates spread over the years in which living people were born"
        found.append(_evidence("value", "BIRTH_DATE", detail, round(72 * few)))
    return found


def _possible(seen: Observation, entity: str) -> bool:
    if seen.kind in {"text", "opaque"}:
        return True
    if seen.kind == "boolean":
        return entity in _YES_NO
    if seen.kind in {"date", "moment"}:
        return entity in _DATED
    if seen.kind == "real":
        return entity in _NUMERIC | _CODED
    # Whole numbers hold identity numbers, telephones and codes too; names and addresses never.
    return entity not in {"PERSON", "ADDRESS", "EMAIL_ADDRESS", "URL", "BIOMETRIC", "IP_ADDRESS"}


def _best_share(seen: Observation, entity: str, pack: Pack) -> float | None:
    """Share of values that look like the entity; None when nothing can tell."""
    if entity == "PERSON":
        return max(seen.chinese_names, seen.latin_names) if seen.kind == "text" else None
    if entity in _DATED:
        return None if seen.kind == "integer" else seen.dates
    if entity in {"INCOME", "ACCOUNT_BALANCE"}:
        return seen.amounts if seen.kind == "text" else None
    forms = [i for i, form in enumerate(pack.identifiers) if form.entity == entity]
    if not forms or entity in {"ADDRESS", "COORDINATES"}:
        return None  # addresses in other scripts, and halves of coordinates, have no form
    return max(seen.accepted.get(i, 0.0) for i in forms)


def _trust_in_few(count: int) -> float:
    if count >= _FEW:
        return 1.0
    return 0.9 if count >= 5 else 0.75


def _percent(share: float) -> str:
    # All and none are said only when they are true of the whole sample.
    if share in {0.0, 1.0}:
        return f"{share:.0%}"
    return f"about {min(99, max(1, round(share * 100)))}%"


def _evidence(kind: str, entity: str, detail: str, weight: int) -> Evidence:
    return Evidence.model_validate(
        {"kind": kind, "entity": entity, "detail": detail[:200], "weight": weight}
    )
