"""Joins the obligations of all rules that take part: of each kind, the strictest wins.

What stricter means for transforms is docs/adr/0003, for obligations docs/adr/0002. Every join
here is commutative, associative and idempotent, so the order of rules never matters; and adding
a participant never loosens what the others demanded.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from gateway.decide import anonymity
from gateway.decide.anonymity import Wanted
from gateway.decide.matching import Matched
from gateway.model.access import APPROVERS
from gateway.model.conditions import Condition
from gateway.model.decision import (
    EXPIRES_AFTER_DAYS,
    OnUnhandled,
    PolicyRef,
    Quota,
    SmallCells,
)
from gateway.model.grades import Grade
from gateway.model.names import Role
from gateway.model.noun import Noun
from gateway.model.policy import Obligations, StoredPolicy

N = TypeVar("N", bound=Noun)


@dataclass(frozen=True, slots=True)
class Combined:
    """The obligations of one release, and the policies they come from."""

    row_filters: tuple[Condition, ...]
    sample_percent: int | None
    max_rows: int | None
    max_grade: Grade | None
    min_cell_size: int | None
    small_cells: SmallCells
    anonymity: Wanted | None
    expires_after_days: int
    approvals: frozenset[Role]
    quotas: tuple[Quota, ...]
    on_unhandled: OnUnhandled
    policies: tuple[StoredPolicy, ...]

    def refs(self) -> tuple[PolicyRef, ...]:
        """Which versions took part. Digests them, which takes longer than deciding."""
        return tuple(stored.ref for stored in self.policies)

    @property
    def demanding(self) -> bool:
        """Whether anything is demanded beyond the transforms."""
        return bool(
            self.row_filters
            or self.sample_percent is not None
            or self.max_rows is not None
            or self.max_grade is not None
            or self.min_cell_size is not None
            or self.anonymity is not None
            or self.quotas
            or self.expires_after_days != EXPIRES_AFTER_DAYS
        )


def combine(matched: Iterable[Matched]) -> Combined:
    """The strictest of every obligation of these rules and of the policies they stand in."""
    rules = tuple(matched)
    policies = {(m.stored.name, m.stored.version): m.stored for m in rules}
    demands = [p.policy.obligations for p in policies.values()]
    demands += [m.rule.obligations for m in rules]
    return Combined(
        row_filters=_distinct(c for d in demands for c in d.row_filters),
        # Samples under one key are nested, so the smallest holds nobody that another leaves out.
        sample_percent=min(
            (d.sample_percent for d in demands if d.sample_percent is not None), default=None
        ),
        max_rows=min((d.max_rows for d in demands if d.max_rows is not None), default=None),
        max_grade=min(
            (d.max_grade for d in demands if d.max_grade is not None),
            key=lambda grade: grade.rank,
            default=None,
        ),
        min_cell_size=max(
            (d.min_cell_size for d in demands if d.min_cell_size is not None), default=None
        ),
        small_cells=_small_cells(demands),
        anonymity=anonymity.combine(demands),
        expires_after_days=_expiry(policies.values(), rules),
        approvals=frozenset(role for d in demands for role in d.approvals),
        quotas=_distinct(d.quota for d in demands if d.quota is not None),
        on_unhandled=_on_unhandled(policies.values()),
        policies=tuple(policies[key] for key in sorted(policies)),
    )


def in_order(roles: Iterable[Role]) -> tuple[Role, ...]:
    """Approving roles in the order in which they are listed everywhere."""
    wanted = frozenset(roles)
    return tuple(role for role in APPROVERS if role in wanted)


def _small_cells(demands: Iterable[Obligations]) -> SmallCells:
    # Refusing is stricter: nothing leaves. Whoever demands a cell size and does not say counts
    # as refusing; who demands none has no opinion.
    opinions = {d.small_cells or "refuse" for d in demands if d.min_cell_size is not None}
    return "drop" if opinions == {"drop"} else "refuse"


def _expiry(policies: Iterable[StoredPolicy], rules: Iterable[Matched]) -> int:
    # A policy that says nothing means the default, and a rule can only shorten its policy's.
    # If a rule could lengthen it, adding that rule would loosen what was permitted before.
    whole = [p.policy.obligations.expires_after_days or EXPIRES_AFTER_DAYS for p in policies]
    single = [m.rule.obligations.expires_after_days for m in rules]
    return min([*whole, *(days for days in single if days is not None)], default=EXPIRES_AFTER_DAYS)


def _on_unhandled(policies: Iterable[StoredPolicy]) -> OnUnhandled:
    # Stopping is stricter: one value that a transform cannot handle lets no row out.
    chosen = {p.policy.on_unhandled for p in policies}
    return "suppress" if chosen == {"suppress"} else "stop"


def _distinct(nouns: Iterable[N]) -> tuple[N, ...]:
    found = {noun.canonical(): noun for noun in nouns}
    return tuple(found[key] for key in sorted(found))
