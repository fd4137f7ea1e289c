"""Compares two versions of a policy by what they would decide over requests that were made."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from gateway.decide.engine import decide
from gateway.decide.facts import Facts
from gateway.decide.trial import with_policy
from gateway.errors import InvalidRequest
from gateway.model.access import ExtractRequest
from gateway.model.decision import Decision
from gateway.model.grades import Grade, effective
from gateway.model.policy import Policy
from gateway.model.terms import AnonymityTerms
from gateway.model.transforms import TransformSpec, join, stricter_or_equal


@dataclass(frozen=True, slots=True)
class PastRequest:
    """A request that was made, under the name it is known by, with the facts as they are now."""

    name: str
    request: ExtractRequest
    facts: Facts


class Direction(StrEnum):
    """Whether the later version lets out less or more; mixed when it does both."""

    TIGHTER = "tighter"
    LOOSER = "looser"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Change:
    """One request whose decision differs; ``lines`` say in what."""

    name: str
    before: str
    after: str
    direction: Direction
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    looser: bool
    tighter: bool


def changed_outcomes(
    before: Policy, after: Policy, requests: Iterable[PastRequest]
) -> tuple[Change, ...]:
    """The requests that the two versions decide differently, in the order given.

    Other active policies of the facts stay in force beside both. Reasons alone are no change.
    """
    found = []
    for past in requests:
        was = _decided(past, before)
        becomes = _decided(past, after)
        lines = tuple(_lines(was, becomes))
        if lines:
            found.append(
                Change(
                    name=past.name,
                    before=_outcome(was),
                    after=_outcome(becomes),
                    direction=_direction(lines),
                    lines=tuple(line.text for line in lines),
                )
            )
    return tuple(found)


def _decided(past: PastRequest, policy: Policy) -> Decision | None:
    """None where the version does not know the purpose or a column any more."""
    try:
        return decide(past.request, with_policy(past.facts, policy))
    except InvalidRequest:
        return None


def _outcome(decision: Decision | None) -> str:
    return "invalid" if decision is None else decision.outcome.value


def _lines(was: Decision | None, becomes: Decision | None) -> Iterator[_Line]:
    could = was is not None and was.permitted
    can = becomes is not None and becomes.permitted
    if could != can or (was is None) != (becomes is None):
        text = f"outcome: {_outcome(was)} → {_outcome(becomes)}"
        yield _Line(text, looser=can, tighter=could)
    if was is None or becomes is None or not (could and can):
        return
    then = {column.published: column.transform for column in becomes.columns}
    for column in was.columns:
        yield from _transform_line(column.published, column.transform, then[column.published])
    yield from _bound(
        "sample_percent", was.sample_percent, becomes.sample_percent, less_is_tighter=True
    )
    yield from _bound("max_rows", was.max_rows, becomes.max_rows, less_is_tighter=True)
    yield from _grade_bound(was.max_grade, becomes.max_grade)
    yield from _bound(
        "min_cell_size", was.min_cell_size, becomes.min_cell_size, less_is_tighter=False
    )
    yield from _bound(
        "expires_after_days",
        was.expires_after_days,
        becomes.expires_after_days,
        less_is_tighter=True,
    )
    yield from _anonymity(was.anonymity, becomes.anonymity)
    yield from _demands("row_filters", was.row_filters, becomes.row_filters)
    yield from _demands("approvals", was.approvals, becomes.approvals)
    yield from _demands("quotas", was.quotas, becomes.quotas)
    for name, strict in (("small_cells", "refuse"), ("on_unhandled", "stop")):
        old, new = getattr(was, name), getattr(becomes, name)
        if old != new:
            yield _Line(f"{name}: {old} → {new}", looser=old == strict, tighter=new == strict)


def _transform_line(name: str, old: TransformSpec, new: TransformSpec) -> Iterator[_Line]:
    if old == new:
        return
    looser = not stricter_or_equal(new, old)
    # Incomparable transforms show something that the other hid: that counts as both.
    tighter = join(old, new) != old
    yield _Line(f"{name}: {old.canonical().decode()} → {new.canonical().decode()}", looser, tighter)


def _bound(
    name: str, old: int | None, new: int | None, *, less_is_tighter: bool
) -> Iterator[_Line]:
    if old == new:
        return
    tighter = new is not None and (old is None or (new < old) == less_is_tighter)
    shown = [("none" if value is None else str(value)) for value in (old, new)]
    yield _Line(f"{name}: {shown[0]} → {shown[1]}", looser=not tighter, tighter=tighter)


def _grade_bound(old: Grade | None, new: Grade | None) -> Iterator[_Line]:
    if old == new:
        return
    # No bound lets everything through, as a bound at the highest does.
    tighter = effective(old).rank > effective(new).rank
    looser = effective(new).rank > effective(old).rank
    yield _Line(f"max_grade: {old or 'none'} → {new or 'none'}", looser=looser, tighter=tighter)


def _anonymity(old: AnonymityTerms | None, new: AnonymityTerms | None) -> Iterator[_Line]:
    if old == new:
        return
    # Another metric, hierarchy or coalition shows something that the other hid: that is both.
    yield _Line(
        f"anonymity: {_terms(old)} → {_terms(new)}", looser=old is not None, tighter=new is not None
    )


def _terms(terms: AnonymityTerms | None) -> str:
    return "none" if terms is None else terms.canonical().decode()


def _demands(name: str, old: Iterable[object], new: Iterable[object]) -> Iterator[_Line]:
    # Only how many came and went: a row filter's values are not for a report.
    before, after = set(old), set(new)
    gone, come = len(before - after), len(after - before)
    if gone or come:
        yield _Line(f"{name}: {gone} less, {come} more", looser=gone > 0, tighter=come > 0)


def _direction(lines: tuple[_Line, ...]) -> Direction:
    looser, tighter = any(x.looser for x in lines), any(x.tighter for x in lines)
    if looser and tighter:
        return Direction.MIXED
    return Direction.LOOSER if looser else Direction.TIGHTER
