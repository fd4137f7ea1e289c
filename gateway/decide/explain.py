"""Explains a decision to people: per column, which rules matched, and why the others did not."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.decide.asked import read
from gateway.decide.engine import decide
from gateway.decide.facts import Facts
from gateway.decide.matching import Difference, Matched, differences
from gateway.model.access import ExtractRequest
from gateway.model.catalog import Column
from gateway.model.decision import Decision
from gateway.model.policy import Effect
from gateway.model.transforms import TransformSpec


@dataclass(frozen=True, slots=True)
class RuleExplained:
    """One rule against one column; it matched when nothing differs."""

    name: str
    effect: Effect
    transform: TransformSpec | None
    differences: tuple[Difference, ...]

    @property
    def matched(self) -> bool:
        return not self.differences


@dataclass(frozen=True, slots=True)
class ColumnExplained:
    """One column of the request: what it is known to be, every rule, and what comes of it.

    ``transform`` is None when the column, or the whole request, is denied.
    """

    column: Column
    rules: tuple[RuleExplained, ...]
    transform: TransformSpec | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision and, per column, how it came about."""

    decision: Decision
    columns: tuple[ColumnExplained, ...]

    def lines(self, *, unmatched: bool = True) -> Iterator[str]:
        """The explanation as text; ``unmatched`` also lists rules that did not match."""
        yield f"outcome: {self.decision.outcome}"
        yield from (f"  {reason.code}: {reason.text}" for reason in self.decision.reasons)
        for explained in self.columns:
            yield ""
            yield _heading(explained)
            for rule in explained.rules:
                if rule.matched:
                    does = _does(rule)
                    yield f"  + {rule.name}: {does}"
                elif unmatched:
                    why = "; ".join(f"{d.field}: {d.text}" for d in rule.differences)
                    yield f"  - {rule.name}: {why}"


def explain(request: ExtractRequest, facts: Facts) -> Explanation:
    """Decide, and keep what every rule said about every column. InvalidRequest as `decide`."""
    decision = decide(request, facts)
    decided = {column.column: column.transform for column in decision.columns}
    return Explanation(
        decision,
        tuple(
            ColumnExplained(column, tuple(_rules(column, request, facts)), decided.get(column.name))
            for column in read(request, facts).all
        ),
    )


def _rules(column: Column, request: ExtractRequest, facts: Facts) -> Iterator[RuleExplained]:
    for stored in facts.policies:
        for rule in sorted(stored.policy.rules, key=lambda rule: rule.name):
            matched = Matched(stored, rule)
            yield RuleExplained(
                name=matched.name,
                effect=rule.effect,
                transform=rule.transform,
                differences=tuple(differences(matched, column, request.purpose, facts)),
            )


def _does(rule: RuleExplained) -> str:
    if rule.effect is Effect.DENY:
        return "deny"
    return "statistics" if rule.transform is None else rule.transform.kind


def _heading(explained: ColumnExplained) -> str:
    column = explained.column
    name = column.published_name
    source = f" (source column {column.name})" if column.name != name else ""
    known = f"{column.entity or '?'}, {column.grade or '?'}, {column.role or '?'}"
    becomes = explained.transform.kind if explained.transform is not None else "not released"
    return f"{name}{source}: {known} → {becomes}"
