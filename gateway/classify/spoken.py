"""What the values of a column speak of, whatever its name says.

A verdict that is not a direct identifier needs that no value speaks of one: neither one that has an
identifier's form, nor one beside other words, nor one that is written otherwise. Else the column is
unknown. Only where many numbers have a form by chance is it asked whether more have it than chance
gives; where that cannot be told, it counts as more.
"""

from collections.abc import Iterator
from math import comb, sqrt

from gateway.classify import weigh
from gateway.classify.case import ENOUGH, NOTABLE, Case
from gateway.classify.observe import Passing
from gateway.classify.pack import Identifier, Pack
from gateway.model.names import ColumnRole

_FEW = 100  # values, among which one that speaks is enough
_RARE = 0.01  # so seldom chance gives as many
_SEEN_FROM = 0.07  # a share of identifiers that a test by chance must be able to see
_DEVIATIONS = 2.33  # of which chance exceeds `_RARE`
_EXACT = 200  # numbers: of more, the normal curve is near enough
_WEAK = 40  # weight of a form that many numbers have, as one letter and eight digits are
_OFTEN = 0.2  # share of the values with such a form: by chance, one code in nine has it
_NAMES = 20  # different values built like names
_LATIN = 8  # the same, of two words of Latin letters that begin with capitals
# The same beside the words of an entity: cities and trades may begin with a surname; among the few
# words for a sex, and among dates and numbers, there are none.
_NAMES_AMONG = {"REGION": 100, "LOCATION": 100, "OCCUPATION": 20, "EMPLOYER": 20, "DIAGNOSIS": 20}
_NONE_BELONG = 5
_WORDS = 50  # different values: more than the words of a status
_IDLE = 4  # prefixes of no telephone, of thirteen: serials have them as often as others


def direct_identifier(case: Case, best: str, pack: Pack) -> bool:
    """Whether the values speak of something graver than `best`, which is no direct identifier."""
    graded = pack.grading.entities
    if graded[best].role is ColumnRole.DIRECT_IDENTIFIER:
        return False
    if case.seen.inside or _written_otherwise(case) or _names_beside(case, best):
        return True
    spoken = {form.entity for form in identifiers(case, pack)}
    if any(graded[e].role is ColumnRole.DIRECT_IDENTIFIER for e in spoken):
        return True
    own = _by_values(case, best)
    return any(
        _by_values(case, entity) >= max(NOTABLE, own + 1)
        and (
            graded[entity].role is ColumnRole.DIRECT_IDENTIFIER
            or graded[entity].grade.rank > graded[best].grade.rank
        )
        for entity in case.rivals(best)
    )


def anything(case: Case, pack: Pack) -> bool:
    """Whether the values of a column without an entity speak of one."""
    return (
        bool(case.seen.inside)
        or some_identifiers(case, pack)
        or _built_like_names(case)
        or _other_than_named(case)
    )


def as_named(case: Case, pack: Pack) -> bool:
    """Whether the values confirm a name that says they are harmless: numbers, codes, a few words;
    not where they are many different words, or nearly all have a form that says little."""
    seen = case.seen
    many = seen.kind == "text" and seen.words >= 0.5 and seen.distinct >= _NAMES
    # A name that says whose number it is explains a form that any number has.
    alike = case.reading.key is None and any(
        share >= 0.8 and pack.identifiers[position].weight < ENOUGH
        for position, share in seen.accepted.items()
    )
    return not many and not alike


def some_identifiers(case: Case, pack: Pack) -> bool:
    """Whether there are identifiers among the values, as such or written otherwise."""
    return _written_otherwise(case) or any(True for _ in identifiers(case, pack))


def identifiers(case: Case, pack: Pack) -> Iterator[Identifier]:
    """The forms that some values have, if only a few, and more of them than chance gives."""
    seen = case.seen
    for position, share in seen.accepted.items():
        form = pack.identifiers[position]
        if _spoken_against(case, form):
            continue
        if form.weight < ENOUGH:
            speaks = form.weight >= _WEAK and share >= _OFTEN
        elif form.check is not None:
            speaks = _more_than_chance(seen.passing[position], seen.distinct)
        elif form.entity == "CN_MOBILE":
            speaks = _telephones(case, share)
        else:
            speaks = _some(round(share * seen.sampled), seen.sampled)
        if speaks:
            yield form


def _some(count: int, of: int) -> bool:
    return count >= 2 or (count == 1 and of < _FEW)


def _spoken_against(case: Case, form: Identifier) -> bool:
    """Whether the column as a whole shows numbers as small as versions have."""
    return form.entity == "IP_ADDRESS" and any(
        e.entity == form.entity and e.weight <= -NOTABLE for e in case.evidence
    )


def _more_than_chance(passing: Passing, distinct: int) -> bool:
    """Whether more different values pass the check than of numbers that only have the form."""
    passed, expected = passing.passed, passing.expected
    if passed < 2:
        return passed == distinct
    if passed == passing.shaped:
        return True
    if passing.shaped <= _EXACT:
        rare = _tail(passed, passing.shaped, expected / passing.shaped) < _RARE
    else:
        rare = passed - expected > _DEVIATIONS * sqrt(passing.variance) + 1
    smallest = (_DEVIATIONS * sqrt(passing.variance) + 1) / distinct
    return rare or smallest > _SEEN_FROM


def _tail(least: int, of: int, chance: float) -> float:
    """Probability of `least` or more of so many, each with that chance."""
    return sum(comb(of, k) * chance**k * (1 - chance) ** (of - k) for k in range(least, of + 1))


def _telephones(case: Case, share: float) -> bool:
    """Eleven digits are a telephone where the prefix is in use. Serials have such prefixes too, as
    often as they have the others."""
    seen = case.seen
    idle = seen.telephones
    count = round(share * seen.sampled) - idle.idle
    if idle.prefixes < _IDLE or seen.allocated >= weigh.ALLOCATED:
        return _some(count, seen.sampled)
    different = idle.shaped - idle.different_idle
    expected = idle.shaped * idle.in_use
    return different - expected > _DEVIATIONS * sqrt(expected * (1 - idle.in_use)) + 1


def _written_otherwise(case: Case) -> bool:
    return any(
        _some(round(share * case.seen.sampled), case.seen.sampled)
        for share in case.seen.disguised.values()
    )


def _built_like_names(case: Case) -> bool:
    """Different values built like names, under whatever name. Repeated rows change nothing."""
    seen = case.seen
    if seen.words < 0.5 and max(seen.different_names, seen.different_latin) >= 2:
        return True  # among codes and numbers
    chinese = seen.different_names >= _NAMES and seen.unlisted_names >= 0.05
    latin = seen.different_latin >= _LATIN and seen.latin_names >= 0.3
    return chinese or latin or (seen.different_latin >= _NAMES and seen.latin_names >= 0.05)


def _names_beside(case: Case, best: str) -> bool:
    """Names among the words of a list, or among numbers; or in place of all of them."""
    seen = case.seen
    if best not in _NAMES_AMONG and max(seen.different_names, seen.different_latin) >= _NONE_BELONG:
        return True
    least = _NAMES_AMONG.get(best, _NAMES)
    if seen.different_names >= least and seen.unlisted_names >= 0.05:
        return True
    latin = seen.different_latin >= _LATIN and seen.latin_names >= 0.6
    return latin and _by_values(case, best) == 0


def _other_than_named(case: Case) -> bool:
    """Many different words where the name says a number, a state, a measure."""
    seen = case.seen
    words = seen.kind == "text" and seen.words >= 0.5 and seen.distinct >= _WORDS
    return words and case.reading.subject != "thing" and not case.reading.attribute


def _by_values(case: Case, entity: str) -> int:
    """Percent of trust in the entity by its values alone, and what speaks against them."""
    return weigh.combined(
        piece for piece in case.evidence if piece.kind == "value" and piece.entity == entity
    )
