"""Turns the name of a column and what was counted in it into evidence for entities, kept apart.

Each piece of evidence has a weight in percent, as if it were a probability that it alone is right;
pieces that agree combine as independent witnesses do, 1 - (1-a)(1-b), and evidence against scales
what they say. The weights are settings of the rule pack, not measurements.
"""

from collections.abc import Iterable, Mapping

from gateway.classify import sentences
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
CLOSED = frozenset({"SEX", "ETHNICITY", "EDUCATION", "MARITAL_STATUS", "RELIGION"})
"""Entities with few words, all of which are known; codes may stand for them."""
_OF_PERSONS_ALONE = {"PERSON", "AGE"}  # what only persons have under these words
ALLOCATED = 0.87  # four in five of random numbers have a prefix in use, nearly all telephones
_SMALL = 0.97
_VARIED = 10  # different values: states and grades of a thing are fewer
_LOOKS_ALIKE = -75
_WORTH_BY_FORM = 30  # a form of a smaller weight says something with the name only


def by_name(reading: NameReading, pack: Pack) -> list[Evidence]:
    """Evidence from the words of the name."""
    found = []
    for entity, strength in reading.hits.items():
        owned: Strength | None = strength
        owner = "none"
        if entity in _OF_PERSONS_ALONE and reading.subject == "thing":
            owned, owner = _LOWERED[strength], "thing"
        elif reading.subject == "person":
            owned, owner = _RAISED[strength], "person"
        if owned is not None:
            said = sentences.name_says(reading.phrase, owner)
            found.append(said.piece("name", entity, pack.name_weights[owned]))
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
    """Evidence against what name and form propose: the values are of another kind."""
    return [*_look_alikes(seen), *against_name(seen, reading, pack)]


def against_name(seen: Observation, reading: NameReading, pack: Pack) -> list[Evidence]:
    """Evidence against entities that a name, or a description, proposes."""
    found = []
    for entity, strength in reading.hits.items():
        if not _possible(seen, entity):
            found.append(sentences.impossible(seen.kind).piece("value", entity, -95))
        elif seen.sampled >= _FEW:
            share = _best_share(seen, entity, pack)
            if share is not None and share < 0.05:
                # A word with no other use still holds: the values may be masked or encrypted.
                weight = -40 if strength == "certain" else -60
                found.append(sentences.few_look_like_it(share).piece("value", entity, weight))
    return found


def _look_alikes(seen: Observation) -> list[Evidence]:
    """Against forms that other numbers have as well, by what is unlike them in the whole column."""
    found = []
    if seen.sampled >= _FEW and seen.allocated < ALLOCATED:
        said = sentences.unallocated(seen.allocated)
        found.append(said.piece("value", "CN_MOBILE", _LOOKS_ALIKE))
    if seen.sampled >= _FEW and seen.small_versions >= _SMALL:
        said = sentences.versions(seen.small_versions)
        found.append(said.piece("value", "IP_ADDRESS", _LOOKS_ALIKE))
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
        said = sentences.passes(share, form.check, form.entity)
        piece = said.piece("value", form.entity, round(weight))
        if form.entity not in best or best[form.entity].weight < piece.weight:
            best[form.entity] = piece
    return list(best.values())


def _by_dictionary(seen: Observation, pack: Pack) -> list[Evidence]:
    found = []
    for dictionary in pack.dictionaries:
        share = seen.listed.get(dictionary.entity, 0.0)
        if share * 100 >= dictionary.share:
            weight = round(dictionary.weight * _trust_in_few(seen.sampled))
            said = sentences.listed(share, dictionary.entity)
            found.append(said.piece("value", dictionary.entity, weight))
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
        found.append(
            sentences.built(share, shape.entity).piece("value", shape.entity, round(weight))
        )
    return found


def _by_distribution(seen: Observation, reading: NameReading) -> list[Evidence]:
    found = []
    few = _trust_in_few(seen.sampled)
    # Goods and files may be named with characters that begin names.
    named = few * (0.5 if reading.technical or reading.subject == "thing" else 1)
    # Not by the share of different values: more rows of the same persons are no fewer persons.
    varied = seen.distinct >= _VARIED
    if seen.chinese_names >= 0.5 and varied and seen.regions < 0.5:
        share = min(1.0, (seen.chinese_names - 0.25) / 0.45)
        said = sentences.chinese_names(seen.chinese_names, seen.distinct_share)
        found.append(said.piece("value", "PERSON", round(75 * share * named)))
    if seen.latin_names >= 0.6 and varied:
        said = sentences.latin_names(seen.latin_names)
        found.append(said.piece("value", "PERSON", round(40 * named)))
    if seen.regions >= 0.6:
        found.append(sentences.regions(seen.regions).piece("value", "REGION", round(80 * few)))
    if seen.dates >= 0.6:
        found += _by_years(seen, reading, few)
    hits = reading.hits
    low, high = seen.lowest, seen.highest
    if "AGE" in hits and low is not None and high is not None and 0 <= low <= high <= 130:
        found.append(sentences.AGES.piece("value", "AGE", 40))
    for entity in ("INCOME", "ACCOUNT_BALANCE"):
        if entity in hits and seen.amounts >= 0.8:
            found.append(sentences.AMOUNTS.piece("value", entity, 30))
    return found


def _by_years(seen: Observation, reading: NameReading, few: float) -> list[Evidence]:
    said = sentences.dates(seen.dates)
    found = [said.piece("value", "DATE", round(70 * few))]
    if seen.first_year is None or seen.last_year is None:
        return found
    span = seen.last_year - seen.first_year
    if "BIRTH_DATE" in reading.hits:
        found.append(said.piece("value", "BIRTH_DATE", round(60 * few)))
    elif span >= 50 and 1870 <= seen.first_year <= 1970 and seen.kind != "moment":
        found.append(sentences.BIRTHS.piece("value", "BIRTH_DATE", round(72 * few)))
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
    if entity in CLOSED:
        return seen.listed.get(entity, 0.0) + seen.codes if seen.kind == "text" else None
    if entity == "AGE":
        return seen.short_numbers if seen.kind == "text" else None
    forms = [i for i, form in enumerate(pack.identifiers) if form.entity == entity]
    if not forms or entity in {"ADDRESS", "COORDINATES"}:
        return None  # addresses in other scripts, and halves of coordinates, have no form
    return max(seen.accepted.get(i, 0.0) for i in forms)


def _trust_in_few(count: int) -> float:
    if count >= _FEW:
        return 1.0
    return 0.9 if count >= 5 else 0.75
