"""A policy as an officer writes it, and as the store keeps its versions."""

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from gateway.model.catalog import ColumnName
from gateway.model.conditions import Condition
from gateway.model.decision import OnUnhandled, PolicyRef, Quota, SmallCells
from gateway.model.grades import Grade
from gateway.model.lifecycle import PolicyState
from gateway.model.names import ENTITIES, ColumnRole, RecipientKind, Role, identifier
from gateway.model.noun import Digest, LongText, Moment, Noun, ShortText
from gateway.model.ratio import PositiveRatio
from gateway.model.terms import AnonymityObligations
from gateway.model.transforms import TransformSpec

Purpose = Annotated[str, Field(min_length=1, max_length=200)]


class Effect(StrEnum):
    """A deny wins over every permit."""

    PERMIT = "permit"
    DENY = "deny"


class GradeRange(Noun):
    """Grades from ``at_least`` to ``at_most``, both included; an unknown grade is ``core``."""

    at_least: Grade = Grade.GENERAL_1
    at_most: Grade = Grade.CORE

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.at_most.at_least(self.at_least):
            raise ValueError("at_most is below at_least: no grade can match")
        return self

    def __contains__(self, grade: Grade) -> bool:
        return grade.at_least(self.at_least) and self.at_most.at_least(grade)


class Match(Noun):
    """When a rule applies to a column.

    Every given field must hold; a list holds when any of its items does. ``column`` compares
    with the source name and with the published name, always as a whole. At least one field is
    given: a rule that matches everything is written by giving the full grade range.
    """

    grade: GradeRange | None = None
    entity: tuple[str, ...] | None = None
    element: tuple[ShortText, ...] | None = None
    role: tuple[ColumnRole, ...] | None = None
    column: tuple[ColumnName, ...] | None = None
    dataset: tuple[str, ...] | None = None
    holder: tuple[str, ...] | None = None
    purpose: tuple[Purpose, ...] | None = None
    recipient: tuple[str, ...] | None = None
    recipient_kind: tuple[RecipientKind, ...] | None = None

    @model_validator(mode="after")
    def _meaningful(self) -> Self:
        given = {name: value for name, value in dict(self).items() if value is not None}
        if not given:
            raise ValueError("a match names at least one condition")
        for name, value in given.items():
            if value == ():
                raise ValueError(f"{name} is an empty list: it could never match")
        for entity in self.entity or ():
            if entity not in ENTITIES:
                raise ValueError(f"{entity} is not an entity of the gateway's vocabulary")
        for collection, names in (
            ("datasets", self.dataset),
            ("parties", self.holder),
            ("parties", self.recipient),
        ):
            for name in names or ():
                identifier(name, collection)
        return self


class Obligations(AnonymityObligations):
    """What a release must honour when the rule takes part; the strictest of each wins. Those about
    anonymity are told in ``AnonymityObligations``.

    ``expires_after_days``: how long the sealed result stays readable; the policy's own value, or
    30, is the longest a rule can give. ``sample_percent``: the share of persons, drawn by key,
    whose rows leave. ``max_grade``: the highest grade that what leaves may have,
    as a whole and after its transforms. ``small_cells`` belongs to ``min_cell_size``; without it
    the release is refused when a cell is too small.
    """

    row_filters: tuple[Condition, ...] = ()
    sample_percent: Annotated[int, Field(ge=1, le=99)] | None = None
    max_rows: Annotated[int, Field(ge=1)] | None = None
    max_grade: Grade | None = None
    min_cell_size: Annotated[int, Field(ge=2)] | None = None
    small_cells: SmallCells | None = None
    expires_after_days: Annotated[int, Field(ge=1, le=3660)] | None = None
    approvals: tuple[Role, ...] = ()
    quota: Quota | None = None

    @model_validator(mode="after")
    def _meaningful(self) -> Self:
        if set(self.approvals) - {Role.HOLDER, Role.OFFICER}:
            raise ValueError("approvals come from the holder and from officers")
        if self.small_cells is not None and self.min_cell_size is None:
            raise ValueError("small_cells says nothing without min_cell_size")
        return self

    @property
    def of_records_alone(self) -> bool:
        """Whether anything is demanded that only records can honour."""
        about_all = {"row_filters", "expires_after_days", "approvals"}
        kept = Obligations(**{name: getattr(self, name) for name in about_all})
        return self != kept


def _rule_name(name: object) -> object:
    if isinstance(name, str) and re.fullmatch(_RULE_NAME, name) is None:
        raise ValueError("2 to 63 of a-z, 0-9 and hyphen, no hyphen first")
    return name


_RULE_NAME: Final = r"^[a-z0-9][a-z0-9-]{1,62}$"
RuleName: TypeAlias = Annotated[str, Field(pattern=_RULE_NAME), BeforeValidator(_rule_name)]


Use = Literal["records", "statistics"]
"""What data is used for: records leave after transforms, statistics leave with noise."""


class Statistics(Noun):
    """That a column may be used in statistics with differential privacy: counted, added up, chosen
    or grouped by. A permit for records does not imply it, nor the other way round (ADR 0013).

    ``max_epsilon``: most of the budget that one question may spend. ``minimum_frequency``: least
    persons of a group that is found and named; public groups are all answered.
    """

    max_epsilon: PositiveRatio | None = None
    minimum_frequency: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class Rule(Noun):
    """One rule. A permit carries the transform that the column must undergo, or ``statistics``.

    ``denies``: what a deny is about; not given, it is about everything.
    """

    name: RuleName
    description: LongText = ""
    match: Match
    effect: Effect = Effect.PERMIT
    denies: Use | None = None
    transform: TransformSpec | None = None
    statistics: Statistics | None = None
    obligations: Obligations = Obligations()

    @model_validator(mode="after")
    def _transform_when_permitted(self) -> Self:
        given = (self.transform is not None) + (self.statistics is not None)
        if given != (self.effect is Effect.PERMIT):
            raise ValueError(
                "a permit names a transform (keep if nothing is hidden) or statistics, a deny none"
            )
        if self.denies is not None and self.effect is Effect.PERMIT:
            raise ValueError("denies belongs to a deny")
        if self.statistics is not None and self.obligations.of_records_alone:
            raise ValueError(
                "statistics have no records: of the obligations only row_filters, "
                "expires_after_days and approvals go with them"
            )
        if self.effect is Effect.DENY and self.obligations != Obligations():
            raise ValueError("a deny lets nothing out, so it can have no obligations")
        return self

    def speaks_of(self, use: Use | None) -> bool:
        """Whether the rule is about that use of data; None: about any."""
        if use is None:
            return True
        if self.effect is Effect.DENY:
            return self.denies in (None, use)
        return (self.statistics is not None) == (use == "statistics")


class Policy(Noun):
    """A policy file.

    ``purposes`` are the vocabulary that requests may use, each with its meaning. A permit speaks
    only about purposes that its own file defines; a deny without ``purpose`` holds for all.
    ``applies_to`` is what every rule of the file demands besides its own match.
    ``obligations`` hold for every release that a permit of the file takes part in.
    """

    format: Literal["gateway-policy/1"]
    name: Annotated[str, Field(description="policies/…")]
    title: ShortText = ""
    description: LongText = ""
    source: LongText = ""
    effective: date | None = None  # since when the officer holds it to be in force; informative
    purposes: Annotated[dict[Purpose, LongText], Field(min_length=1)]
    applies_to: Match | None = None
    obligations: Obligations = Obligations()
    on_unhandled: OnUnhandled = "stop"
    rules: Annotated[tuple[Rule, ...], Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        identifier(self.name, "policies")
        names = [rule.name for rule in self.rules]
        if len(set(names)) != len(names):
            raise ValueError("two rules have the same name")
        places = {f"rule {rule.name}": rule.match for rule in self.rules}
        if self.applies_to is not None:
            places["applies_to"] = self.applies_to
        for place, match in places.items():
            unknown = set(match.purpose or ()) - set(self.purposes)
            if unknown:
                raise ValueError(
                    f"{place} names a purpose that the policy does not define: "
                    + ", ".join(sorted(unknown))
                )
        return self


class StoredPolicy(Noun):
    """One version of a policy in the store, with who wrote and who activated it."""

    policy: Policy
    version: Annotated[int, Field(ge=1)]
    text: str  # as the officer wrote it, comments included
    text_sha256: Digest
    state: PolicyState
    author: str
    created: Moment
    activated_by: str | None = None
    activated: Moment | None = None

    @model_validator(mode="after")
    def _four_eyes(self) -> Self:
        if self.activated_by is not None and self.activated_by == self.author:
            raise ValueError("a policy is activated by another officer than its author")
        return self

    @property
    def name(self) -> str:
        return self.policy.name

    @property
    def ref(self) -> PolicyRef:
        return PolicyRef(name=self.name, version=self.version, sha256=self.policy.digest())
