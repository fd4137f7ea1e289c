"""Whether a rule speaks about a column of a request, and if not, why not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.decide.facts import Facts
from gateway.model.catalog import Column
from gateway.model.grades import Grade
from gateway.model.policy import Effect, Match, Rule, StoredPolicy, Use

Values: TypeAlias = Mapping[str, frozenset[str]]

OF_REQUEST: Final = ("dataset", "holder", "purpose", "recipient", "recipient_kind")
OF_COLUMN: Final = ("entity", "element", "role", "column")


@dataclass(frozen=True, slots=True)
class Matched:
    """A rule that speaks about a column, with the policy it stands in."""

    stored: StoredPolicy
    rule: Rule

    @property
    def name(self) -> str:
        """``policies/x/rule``."""
        return f"{self.stored.name}/{self.rule.name}"

    @property
    def demands(self) -> tuple[tuple[str, Match], ...]:
        """The matches that must hold, each with the prefix its fields are told with."""
        own, around = ("", self.rule.match), self.stored.policy.applies_to
        return (own,) if around is None else (("applies_to.", around), own)

    def permits_for(self, purpose: str) -> bool:
        """Whether the file may speak about the purpose at all.

        Otherwise a permit written with its own file's purposes in mind would let data out for a
        purpose that some other officer adds later. A deny needs no such leave.
        """
        return self.rule.effect is Effect.DENY or purpose in self.stored.policy.purposes


@dataclass(frozen=True, slots=True)
class Difference:
    """One condition that does not hold: its field, and what the column or request has instead."""

    field: str
    text: str


class RuleBook:
    """The rules that can speak about a request, ready to be compared with its columns.

    ``use``: what the data is wanted for; None: for anything.
    """

    def __init__(self, purpose: str, facts: Facts, use: Use | None = "records") -> None:
        found = [
            matched
            for stored in facts.policies
            for rule in stored.policy.rules
            if rule.speaks_of(use)
            and (matched := Matched(stored, rule)).permits_for(purpose)
            and _agree(_restricted(matched, OF_REQUEST), _of_request(purpose, facts))
        ]
        found.sort(key=lambda m: (m.stored.name, m.stored.version, m.rule.name))
        self._rules = [(m, _grades(m), _restricted(m, OF_COLUMN)) for m in found]

    def about(self, column: Column) -> tuple[Matched, ...]:
        """All rules that speak about the column, by policy and rule name."""
        grade, values = column.effective_grade, _of_column(column)
        return tuple(
            matched
            for matched, grades, restricted in self._rules
            if grade in grades and _agree(restricted, values)
        )


def differences(
    matched: Matched, column: Column, purpose: str, facts: Facts
) -> Iterator[Difference]:
    """Every condition of the rule that does not hold for records to leave; none at all when it
    matches."""
    if not matched.rule.speaks_of("records"):
        yield Difference("statistics", "it is about statistics, and records are wanted")
    if not matched.permits_for(purpose):
        yield Difference("purpose", "its policy does not define this purpose")
    values = {**_of_request(purpose, facts), **_of_column(column)}
    for prefix, match in matched.demands:
        if match.grade is not None and column.effective_grade not in match.grade:
            known = "" if column.grade else " (unknown counts as core)"
            wanted = f"{match.grade.at_least} to {match.grade.at_most}"
            text = f"it is {column.effective_grade}{known}, not {wanted}"
            yield Difference(f"{prefix}grade", text)
        for field in (*OF_COLUMN, *OF_REQUEST):
            names = getattr(match, field)
            if names is not None and values[field].isdisjoint(names):
                has = " or ".join(sorted(values[field])) or "unknown"
                yield Difference(f"{prefix}{field}", f"it is {has}, not {_some_of(names)}")


def _agree(restricted: list[tuple[str, frozenset[str]]], values: Values) -> bool:
    return all(not values[field].isdisjoint(names) for field, names in restricted)


def _restricted(matched: Matched, fields: tuple[str, ...]) -> list[tuple[str, frozenset[str]]]:
    return [
        (field, frozenset(names))
        for _, match in matched.demands
        for field in fields
        if (names := getattr(match, field)) is not None
    ]


def _grades(matched: Matched) -> frozenset[Grade]:
    ranges = [match.grade for _, match in matched.demands if match.grade is not None]
    return frozenset(grade for grade in Grade if all(grade in allowed for allowed in ranges))


def _of_request(purpose: str, facts: Facts) -> Values:
    return {
        "dataset": frozenset({facts.dataset.name}),
        "holder": frozenset({facts.dataset.holder}),
        "purpose": frozenset({purpose}),
        "recipient": frozenset({facts.recipient.name}),
        "recipient_kind": frozenset({facts.recipient.kind.value}),
    }


def _of_column(column: Column) -> Values:
    known = {"entity": column.entity, "element": column.element, "role": column.role}
    return {
        **{field: frozenset({str(v)} if v is not None else ()) for field, v in known.items()},
        "column": frozenset({column.name, column.published_name}),
    }


def _some_of(names: tuple[str, ...]) -> str:
    shown = ", ".join(str(name) for name in names[:5])
    return f"{shown} or {len(names) - 5} more" if len(names) > 5 else shown
