"""Whether a rule speaks about a column of a request, and if not, why not."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.decide.facts import Facts
from gateway.model.catalog import Column
from gateway.model.policy import Effect, Match, Rule, StoredPolicy


@dataclass(frozen=True, slots=True)
class Matched:
    """A rule that speaks about a column, with the policy it stands in."""

    stored: StoredPolicy
    rule: Rule

    @property
    def name(self) -> str:
        """``policies/x/rule``."""
        return f"{self.stored.name}/{self.rule.name}"


@dataclass(frozen=True, slots=True)
class Difference:
    """One condition that does not hold: its field, and what the column or request has instead."""

    field: str
    text: str


def matched_rules(column: Column, purpose: str, facts: Facts) -> tuple[Matched, ...]:
    """All rules of all active policies that speak about the column, by policy and rule name."""
    found = [
        Matched(stored, rule)
        for stored in facts.policies
        for rule in stored.policy.rules
        if next(differences(stored, rule, column, purpose, facts), None) is None
    ]
    return tuple(sorted(found, key=lambda m: (m.stored.name, m.stored.version, m.rule.name)))


def differences(
    stored: StoredPolicy, rule: Rule, column: Column, purpose: str, facts: Facts
) -> Iterator[Difference]:
    """Every condition of the rule that does not hold; none at all when the rule matches."""
    policy = stored.policy
    if rule.effect is Effect.PERMIT and purpose not in policy.purposes:
        # Otherwise a permit written with its own file's purposes in mind would let data out for
        # a purpose that some other officer adds later.
        yield Difference("purpose", "its policy does not define this purpose")
    if policy.applies_to is not None:
        for difference in _unmet(policy.applies_to, column, purpose, facts):
            yield Difference(f"applies_to.{difference.field}", difference.text)
    yield from _unmet(rule.match, column, purpose, facts)


def _unmet(match: Match, column: Column, purpose: str, facts: Facts) -> Iterator[Difference]:
    grade = column.effective_grade
    if match.grade is not None and not (
        grade.at_least(match.grade.at_least) and match.grade.at_most.at_least(grade)
    ):
        text = f"the grade is {grade}, not {match.grade.at_least} to {match.grade.at_most}"
        yield Difference("grade", text if column.grade else f"{text} (unknown counts as core)")
    listed: tuple[tuple[str, tuple[str, ...] | None, tuple[str | None, ...]], ...] = (
        ("entity", match.entity, (column.entity,)),
        ("element", match.element, (column.element,)),
        ("role", match.role, (column.role,)),
        ("column", match.column, (column.name, column.published_name)),
        ("dataset", match.dataset, (facts.dataset.name,)),
        ("holder", match.holder, (facts.dataset.holder,)),
        ("purpose", match.purpose, (purpose,)),
        ("recipient", match.recipient, (facts.recipient.name,)),
        ("recipient_kind", match.recipient_kind, (facts.recipient.kind,)),
    )
    for field, wanted, actual in listed:
        if wanted is not None and not any(value in wanted for value in actual):
            has = " or ".join(dict.fromkeys(str(v) for v in actual if v is not None)) or "unknown"
            yield Difference(field, f"it is {has}, not {_some_of(wanted)}")


def _some_of(names: tuple[str, ...]) -> str:
    shown = ", ".join(str(name) for name in names[:5])
    return f"{shown} or {len(names) - 5} more" if len(names) > 5 else shown
