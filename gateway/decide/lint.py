"""Finds what an officer would regret in a policy before it is in force."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Final

from gateway.decide.overlap import Scope, covers, meet, meet_in_request, scope
from gateway.model.catalog import DataSet, Party
from gateway.model.decision import EXPIRES_AFTER_DAYS
from gateway.model.grades import Grade
from gateway.model.names import ColumnRole, Role
from gateway.model.policy import Effect, Policy, Rule, Use
from gateway.model.terms import k_of_risk
from gateway.model.transforms import Keep, RedactText, ShiftDate, Suppress, join

FEW_VALUES: Final = frozenset(
    "SEX AGE ETHNICITY RELIGION MARITAL_STATUS EDUCATION REGION NRP BIRTH_DATE CN_POSTAL_CODE".split()
)
"""Entities with so few values that tokens of them can be told by how often they occur."""

IDENTIFYING: Final = frozenset(
    """
    PERSON CN_RESIDENT_ID CN_MOBILE CN_BANK_CARD CN_PASSPORT CN_HK_MACAU_PERMIT CN_TAIWAN_PERMIT
    ADDRESS EMAIL_ADDRESS MEDICAL_RECORD_NUMBER BIOMETRIC CREDIT_CARD PHONE_NUMBER US_SSN
    """.split()
)
"""Entities that name a person by themselves."""


class Severity(StrEnum):
    """An error cannot be meant; a warning may be; a note is to be known."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a policy; ``rule`` is None when it is about the whole file."""

    severity: Severity
    code: str
    rule: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is registered. None means not known, and then nothing is said about it."""

    datasets: Collection[DataSet] | None = None
    parties: Collection[Party] | None = None


def lint(policy: Policy, catalogue: Catalogue | None = None) -> tuple[Finding, ...]:
    """All findings, the gravest first, then by rule."""
    known = catalogue or Catalogue()
    scopes = {rule.name: scope(policy, rule) for rule in policy.rules}
    found = [
        *(finding for check in _CHECKS for finding in check(policy, scopes)),
        *_unknown_names(policy, known),
    ]
    order = list(Severity)
    return tuple(
        sorted(found, key=lambda f: (order.index(f.severity), f.rule or "", f.code, f.text))
    )


Check = Callable[[Policy, dict[str, Scope]], Iterator[Finding]]


def _never_matches(policy: Policy, scopes: dict[str, Scope]) -> Iterator[Finding]:
    for rule in policy.rules:
        fields = scopes[rule.name].empty_fields
        if fields:
            text = f"can never match: its {', '.join(fields)} and applies_to exclude each other"
            yield Finding(Severity.ERROR, "NEVER_MATCHES", rule.name, text)


def _shadowed(policy: Policy, scopes: dict[str, Scope]) -> Iterator[Finding]:
    denies = [rule for rule in policy.rules if rule.effect is Effect.DENY]
    for rule in _permits(policy):
        for deny in denies:
            use: Use = "records" if rule.statistics is None else "statistics"
            if deny.speaks_of(use) and covers(scopes[deny.name], scopes[rule.name]):
                text = f"has no effect: {deny.name} denies everything it permits"
                yield Finding(Severity.ERROR, "SHADOWED_BY_DENY", rule.name, text)


def _collisions(policy: Policy, scopes: dict[str, Scope]) -> Iterator[Finding]:
    for one, other in combinations(sorted(_permits(policy), key=lambda rule: rule.name), 2):
        if one.transform is None or other.transform is None:
            continue
        joined = join(one.transform, other.transform)
        wanted = isinstance(one.transform, Suppress) or isinstance(other.transform, Suppress)
        if (
            isinstance(joined, Suppress)
            and not wanted
            and meet(scopes[one.name], scopes[other.name])
        ):
            text = (
                f"where it meets {other.name} the column is suppressed: {one.transform.kind} and "
                f"{other.transform.kind} have nothing in common; make one of them narrower"
            )
            yield Finding(Severity.WARNING, "COLLIDES", one.name, text)


def _shifts_differ(policy: Policy, scopes: dict[str, Scope]) -> Iterator[Finding]:
    shifts = [rule for rule in _permits(policy) if isinstance(rule.transform, ShiftDate)]
    for one, other in combinations(sorted(shifts, key=lambda rule: rule.name), 2):
        if one.transform != other.transform and meet_in_request(
            scopes[one.name], scopes[other.name]
        ):
            text = (
                f"a request for columns of this rule and of {other.name} is refused: they shift a "
                "person's dates by other days; give both the same most_days, scope and cipher"
            )
            yield Finding(Severity.WARNING, "SHIFTS_DIFFER", one.name, text)


def _grade_gaps(_: Policy, scopes: dict[str, Scope]) -> Iterator[Finding]:
    spoken = frozenset(grade for s in scopes.values() for grade in s.grades)
    for grade in Grade:
        if grade not in spoken:
            text = f"no rule speaks about grade {grade}: such columns are denied without a rule's reason"
            yield Finding(Severity.NOTE, "GRADE_GAP", None, text)


def _keyed(policy: Policy, scopes: dict[str, Scope]) -> Iterator[Finding]:
    for rule in _permits(policy):
        spec = rule.transform
        if isinstance(spec, RedactText):
            keyed = {entity for entity, inner in spec.transforms.items() if inner.keyed}
            if few := sorted(FEW_VALUES & keyed):
                yield Finding(Severity.WARNING, "TOKENS_OF_FEW_VALUES", rule.name, _of_few(few))
        if spec is None or not spec.keyed or spec.per_subject:
            continue
        lists = scopes[rule.name].lists
        few = sorted(FEW_VALUES & lists.get("entity", frozenset()))
        named = lists.keys() & {"entity", "element", "column"}
        if few:
            yield Finding(Severity.WARNING, "TOKENS_OF_FEW_VALUES", rule.name, _of_few(few))
        elif not named and lists.get("role") != frozenset({ColumnRole.DIRECT_IDENTIFIER}):
            text = "gives tokens to columns that may be no identifiers: name their entity or role"
            yield Finding(Severity.WARNING, "TOKENS_OF_ANYTHING", rule.name, text)


def _of_few(entities: list[str]) -> str:
    return (
        f"gives tokens to {', '.join(entities)}: there are so few values that each can be told "
        "by how often its token occurs; generalise them instead"
    )


def _keeps_identifiers(policy: Policy, scopes: dict[str, Scope]) -> Iterator[Finding]:
    for rule in _permits(policy):
        approvals = {*rule.obligations.approvals, *policy.obligations.approvals}
        if Role.OFFICER in approvals:
            continue
        spec = rule.transform
        inner = spec.transforms if isinstance(spec, RedactText) else {}
        kept = sorted(e for e in inner if e in IDENTIFYING and isinstance(inner[e], Keep))
        if kept:
            text = (
                f"keeps {', '.join(kept)} in free text without an officer's approval: replace "
                "them, or oblige the approval"
            )
            yield Finding(Severity.WARNING, "KEEPS_IDENTIFIERS", rule.name, text)
        if isinstance(spec, Keep) and _may_identify(scopes[rule.name]):
            text = (
                "lets identifiers leave unchanged without an officer's approval: name the "
                "entities or roles it means, or oblige the approval"
            )
            yield Finding(Severity.WARNING, "KEEPS_IDENTIFIERS", rule.name, text)


def _may_identify(spoken: Scope) -> bool:
    if "entity" in spoken.lists and not spoken.lists["entity"] & IDENTIFYING:
        return False
    return ColumnRole.DIRECT_IDENTIFIER in spoken.lists.get(
        "role", frozenset({ColumnRole.DIRECT_IDENTIFIER})
    ) and not spoken.lists.keys() & {"column", "element"}


def _unused_purposes(policy: Policy, scopes: dict[str, Scope]) -> Iterator[Finding]:
    used = frozenset(
        purpose for rule in _permits(policy) for purpose in scopes[rule.name].lists["purpose"]
    )
    for purpose in sorted(set(policy.purposes) - used):
        text = f"no rule permits anything for the purpose {purpose}"
        yield Finding(Severity.WARNING, "PURPOSE_UNUSED", None, text)


def _expiry_without_effect(policy: Policy, _: dict[str, Scope]) -> Iterator[Finding]:
    longest = policy.obligations.expires_after_days or EXPIRES_AFTER_DAYS
    for rule in policy.rules:
        days = rule.obligations.expires_after_days
        if days is not None and days > longest:
            text = f"expires_after_days {days} has no effect: the policy's own is {longest}"
            yield Finding(Severity.WARNING, "EXPIRY_WITHOUT_EFFECT", rule.name, text)


def _anonymity(policy: Policy, scopes: dict[str, Scope]) -> Iterator[Finding]:
    places = [(None, policy.obligations), *((r.name, r.obligations) for r in _permits(policy))]
    demanded = any(obligations.demands_anonymity for _, obligations in places)
    for rule, obligations in places:
        if obligations.says_anonymity and not demanded:
            text = (
                "says how to anonymise, and no rule of the file demands it: give k, l, t, max_risk "
                "or max_average_risk"
            )
            yield Finding(Severity.WARNING, "ANONYMITY_WITHOUT_MODEL", rule, text)
        if obligations.max_risk is not None and obligations.k is not None:
            least = k_of_risk(obligations.max_risk)
            if least > obligations.k:
                text = (
                    f"max_risk {obligations.max_risk} is of the highest risk and needs classes of "
                    f"{least}, so k {obligations.k} has no effect; max_average_risk is of the mean"
                )
                yield Finding(Severity.NOTE, "K_WITHOUT_EFFECT", rule, text)
    if not demanded:
        return
    for rule_ in _permits(policy):
        roles = scopes[rule_.name].lists.get("role", frozenset(ColumnRole))
        spec = rule_.transform
        if (
            ColumnRole.QUASI_IDENTIFIER in roles
            and spec is not None
            and not isinstance(spec, Keep | Suppress)
        ):
            text = (
                f"a quasi-identifier that it permits with {spec.kind} cannot be planned beside the "
                "demand for anonymity: permit quasi-identifiers with keep or suppress"
            )
            yield Finding(Severity.WARNING, "BESIDE_ANONYMITY", rule_.name, text)


_CHECKS: Final[tuple[Check, ...]] = (
    _never_matches,
    _shadowed,
    _collisions,
    _shifts_differ,
    _grade_gaps,
    _keyed,
    _keeps_identifiers,
    _unused_purposes,
    _expiry_without_effect,
    _anonymity,
)


def _unknown_names(policy: Policy, known: Catalogue) -> Iterator[Finding]:
    matches = [(rule.name, rule.match) for rule in policy.rules]
    places = [*matches, *([(None, policy.applies_to)] if policy.applies_to is not None else [])]
    if known.datasets is not None:
        datasets = {dataset.name for dataset in known.datasets}
        for rule, match in places:
            yield from _missing("UNKNOWN_DATASET", rule, match.dataset, datasets, "data set")
            # Departments spell one column in several ways: one of the spellings is enough.
            if not _columns(known) & set(match.column or ()):
                yield from _missing("UNKNOWN_COLUMN", rule, match.column, set(), "column")
        yield from _missing_filter_columns(policy, known)
    if known.parties is not None:
        parties = {party.name for party in known.parties}
        for rule, match in places:
            yield from _missing("UNKNOWN_HOLDER", rule, match.holder, parties, "holder")
            yield from _missing("UNKNOWN_RECIPIENT", rule, match.recipient, parties, "recipient")


def _missing_filter_columns(policy: Policy, known: Catalogue) -> Iterator[Finding]:
    columns = _columns(known)
    owners = [*((rule.name, rule.obligations) for rule in policy.rules), (None, policy.obligations)]
    for rule, obligations in owners:
        named = tuple(condition.column for condition in obligations.row_filters)
        yield from _missing("UNKNOWN_FILTER_COLUMN", rule, named, columns, "column")
        spoken = (*obligations.l, *obligations.t)
        yield from _missing("UNKNOWN_SENSITIVE_COLUMN", rule, spoken, columns, "column")


def _columns(known: Catalogue) -> set[str]:
    return {
        name
        for dataset in known.datasets or ()
        for column in dataset.columns
        for name in (column.name, column.published_name)
    }


def _missing(
    code: str, rule: str | None, named: Collection[str] | None, known: set[str], what: str
) -> Iterator[Finding]:
    for name in sorted(set(named or ()) - known):
        yield Finding(Severity.WARNING, code, rule, f"no {what} {name} is registered")


def _permits(policy: Policy) -> list[Rule]:
    return [rule for rule in policy.rules if rule.effect is Effect.PERMIT]
