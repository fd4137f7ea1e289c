"""Compares what rules speak about: whether two can meet on one column, or one covers another."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.decide.matching import OF_COLUMN, OF_REQUEST
from gateway.model.grades import Grade
from gateway.model.policy import Effect, Match, Policy, Rule


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything a rule demands, its policy's ``applies_to`` included.

    ``lists`` hold only the fields that are restricted. An empty list or no grade means that the
    rule can never match.
    """

    grades: frozenset[Grade]
    lists: Mapping[str, frozenset[str]]

    @property
    def empty_fields(self) -> tuple[str, ...]:
        """The fields on which rule and policy exclude each other."""
        lists = tuple(field for field, allowed in self.lists.items() if not allowed)
        return lists if self.grades else ("grade", *lists)


def scope(policy: Policy, rule: Rule) -> Scope:
    """What the rule speaks about."""
    matches = [rule.match] if policy.applies_to is None else [rule.match, policy.applies_to]
    lists: dict[str, frozenset[str]] = {}
    for field in (*OF_COLUMN, *OF_REQUEST):
        given = [frozenset(names) for m in matches if (names := getattr(m, field)) is not None]
        if field == "purpose" and rule.effect is Effect.PERMIT:
            given.append(frozenset(policy.purposes))
        if given:
            lists[field] = frozenset.intersection(*given)
    return Scope(frozenset.intersection(*(_grades(match) for match in matches)), lists)


def meet(one: Scope, other: Scope) -> bool:
    """Whether a column and request could exist that both speak about.

    On the safe side: fields are taken to be independent, so it may say yes where no real column
    would do (an e-mail address in a column called ``age``).
    """
    if not one.grades & other.grades:
        return False
    shared = one.lists.keys() & other.lists.keys()
    return all(one.lists[field] & other.lists[field] for field in shared)


def meet_in_request(one: Scope, other: Scope) -> bool:
    """Whether a request could exist that both speak about, each of another column of it."""
    fields = one.lists.keys() & other.lists.keys() & set(OF_REQUEST)
    return all(one.lists[field] & other.lists[field] for field in fields)


def covers(wide: Scope, narrow: Scope) -> bool:
    """Whether ``wide`` speaks about everything that ``narrow`` does."""
    if not narrow.grades <= wide.grades:
        return False
    nothing: frozenset[str] = frozenset()
    return all(
        field in narrow.lists and narrow.lists.get(field, nothing) <= allowed
        for field, allowed in wide.lists.items()
    )


def _grades(match: Match) -> frozenset[Grade]:
    if match.grade is None:
        return frozenset(Grade)
    return frozenset(grade for grade in Grade if grade in match.grade)
