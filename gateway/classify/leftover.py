"""Columns without an entity: harmless for a reason of their own, or unknown.

`NONE` needs evidence: a name that is that of a number, a thing, a measure, a flag, and values that
do not contradict it. Everything else is unknown, and unknown counts as the highest grade.
"""

from collections.abc import Iterator
from typing import NamedTuple

from gateway.classify import sentences, spoken
from gateway.classify.case import NOTABLE, Case
from gateway.classify.grading import Graded
from gateway.classify.pack import Pack
from gateway.classify.sentences import Sentence

_UNSEEN = 25  # percent less trust where no value confirms the name


class Reason(NamedTuple):
    """Why a column holds none of the entities, and the trust in that before calibration."""

    said: Sentence
    trust: int


def not_identified(case: Case, pack: Pack) -> Reason | None:
    """Why the column surely holds none of the entities; None when nothing says so."""
    if _may_hide(case, pack) or any(trust >= NOTABLE for trust in case.trust.values()):
        return None
    reason = next(_reasons(case), None)
    if reason is None or case.seen.sampled:
        return reason
    return reason._replace(trust=reason.trust - _UNSEEN)


def grade_without_entity(case: Case, personal: bool, pack: Pack) -> Graded:
    """Grade and role of a column that holds none of the entities."""
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


def why_unknown(case: Case, pack: Pack, but: str | None = None) -> Sentence:
    """What an officer should know of a column that stays unknown, though it might be `but`."""
    seen = case.seen
    if seen.inside:
        return sentences.holds(seen.inside)
    if but is None and (seen.prose or case.reading.free_text):
        return sentences.FREE_TEXT
    if seen.rows > 0 and not seen.sampled and seen.nulls:
        return sentences.NOTHING_BUT_NULLS
    if spoken.some_identifiers(case, pack):
        return sentences.SOME_IDENTIFIERS
    if but is not None or (case.seen.sampled and spoken.anything(case, pack)):
        return sentences.NOT_AS_NAMED
    return sentences.NOT_ENOUGH


def fillable(case: Case, pack: Pack) -> bool:
    """Whether a holder may say what an unknown column is: that it is unknown rests on no value, and
    it is no free text by its name."""
    told = [piece for piece in case.evidence if piece.kind == "value"]
    seen = any(piece.weight > 0 or piece.detail == sentences.UNREADABLE.en for piece in told)
    open_ = (sentences.NOT_ENOUGH, sentences.NOTHING_BUT_NULLS)
    return not seen and why_unknown(case, pack) in open_


def _reasons(case: Case) -> Iterator[Reason]:
    """From the most to the least telling; which, and how far each is to be trusted."""
    reading = case.reading
    if reading.key is not None:
        yield Reason(sentences.key_name(reading.key), 85)
    if reading.attribute:
        yield Reason(sentences.ATTRIBUTE, 85)
    if reading.sensitive_attribute:
        yield Reason(sentences.MEASURE, 80)
    if reading.about:
        yield Reason(sentences.about(reading.phrase), 75)
    if reading.subject == "thing":
        yield Reason(sentences.THING, 75)
    if reading.technical:
        yield Reason(sentences.RECORD, 80)


def _may_hide(case: Case, pack: Pack) -> bool:
    """Whether the values may hold more than the name says."""
    seen = case.seen
    unseen = seen.rows > 0 and not seen.sampled  # nothing but nulls: what will come is not known
    unreadable = seen.kind == "opaque" and seen.sampled > 0
    texts = case.reading.free_text or seen.prose
    return texts or unseen or unreadable or spoken.anything(case, pack)
