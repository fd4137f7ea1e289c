"""Runs a policy's cases: requests with the decision the officer expects, like unit tests."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from gateway.decide.engine import decide
from gateway.decide.facts import Facts
from gateway.decide.trial import UNSAVED, as_if_active
from gateway.decide.yaml_text import checked, read_yaml
from gateway.errors import InvalidRequest
from gateway.model.access import APPROVERS, Approval, Columns, ExtractRequest, Grant, Verdict
from gateway.model.catalog import Column, ColumnName, DataSet, Party, PushedSource
from gateway.model.conditions import Condition
from gateway.model.decision import ColumnDecision, Decision
from gateway.model.grades import Grade
from gateway.model.lifecycle import GrantState
from gateway.model.names import RecipientKind, Role
from gateway.model.noun import Noun, ShortText
from gateway.model.policy import Policy, Purpose
from gateway.model.transforms import TransformSpec

SCHEMA_ID = "urn:gateway:schema:policy-cases:1"

DataSetName = Annotated[str, Field(pattern=r"^datasets/[a-z][a-z0-9-]+[a-z0-9]$")]
PartyName = Annotated[str, Field(pattern=r"^parties/[a-z][a-z0-9-]+[a-z0-9]$")]


class CaseDataSet(Noun):
    """The data set that a case is about. Columns are written as in the catalogue."""

    name: DataSetName = "datasets/example"
    holder: PartyName = "parties/holder"
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]


class CaseRecipient(Noun):
    """Who asks."""

    name: PartyName = "parties/recipient"
    kind: RecipientKind


class Expected(Noun):
    """What the decision must be; what is not given is not compared.

    ``outcome`` invalid means that the request itself is refused (an unknown column or purpose);
    ``reasons`` are codes that must be among those given, for invalid the fields at fault;
    ``columns`` gives for some published columns the transform, or only its kind.
    """

    outcome: Literal["denied", "permitted_with_obligations", "permitted", "invalid"]
    reasons: tuple[ShortText, ...] = ()
    columns: dict[ColumnName, TransformSpec | ShortText] = {}
    sample_percent: int | None = None
    max_rows: int | None = None
    max_grade: Grade | None = None
    min_cell_size: int | None = None
    expires_after_days: int | None = None
    approvals: tuple[Role, ...] | None = None


_BOUNDS: Final = (
    "sample_percent", "max_rows", "max_grade", "min_cell_size", "expires_after_days", "approvals",
)  # fmt: skip


class Case(Noun):
    """One request and what is expected of it.

    ``grant``: whether the recipient has a grant that fits. ``approvals``: who approved it.
    ``dataset`` is the file's own unless the case brings one.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    columns: Columns
    purpose: Purpose
    recipient: CaseRecipient
    project: str | None = None
    filters: tuple[Condition, ...] = ()
    limit: Annotated[int, Field(ge=1)] | None = None
    grant: bool = True
    approvals: tuple[Role, ...] = APPROVERS
    dataset: CaseDataSet | None = None
    expect: Expected


class Cases(Noun):
    """A file of cases, kept beside its policy as ``<policy>.cases.yaml``."""

    format: Literal["gateway-policy-cases/1"]
    policy: Annotated[str, Field(pattern=r"^policies/")]
    dataset: CaseDataSet
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        names = [case.name for case in self.cases]
        if len(set(names)) != len(names):
            raise ValueError("two cases have the same name")
        return self


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case ended. ``differences`` is empty exactly when it passed."""

    name: str
    differences: tuple[str, ...]
    decision: Decision | None

    @property
    def passed(self) -> bool:
        return not self.differences


def parse_cases(text: str) -> Cases:
    """The cases in ``text``; InvalidRequest with path and line of everything wrong with it."""
    return checked(Cases, read_yaml(text, "cases"), "cases")


def cases_schema() -> dict[str, object]:
    """JSON Schema (2020-12) of the file of cases."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **Cases.model_json_schema(mode="validation"),
    }


def run_cases(
    policy: Policy, cases: Cases, others: Iterable[Policy] = ()
) -> tuple[CaseResult, ...]:
    """Decide every case with ``policy``, and ``others``, in force."""
    if cases.policy != policy.name:
        raise InvalidRequest.of("policy", f"the cases are for {cases.policy}, not {policy.name}")
    policies = (policy, *others)
    return tuple(_run(case, case.dataset or cases.dataset, policies) for case in cases.cases)


def _run(case: Case, dataset: CaseDataSet, policies: tuple[Policy, ...]) -> CaseResult:
    try:
        decision = decide(*_situation(case, dataset, policies))
    except InvalidRequest as refused:
        fields = [violation.field for violation in refused.violations]
        return CaseResult(case.name, tuple(_invalid(case.expect, fields)), None)
    return CaseResult(case.name, tuple(_differences(case.expect, decision)), decision)


def _situation(
    case: Case, dataset: CaseDataSet, policies: tuple[Policy, ...]
) -> tuple[ExtractRequest, Facts]:
    request = ExtractRequest(
        dataset=dataset.name,
        columns=case.columns,
        purpose=case.purpose,
        project=case.project,
        filters=case.filters,
        limit=case.limit,
    )
    registered = DataSet(
        name=dataset.name,
        holder=dataset.holder,
        title="",
        source=PushedSource(),
        columns=dataset.columns,
        created=UNSAVED,
        updated=UNSAVED,
    )
    recipient = Party(
        name=case.recipient.name, role=Role.CONSUMER, kind=case.recipient.kind, display_name=""
    )
    grants = (_grant(case, dataset),) if case.grant else ()
    stored = tuple(as_if_active(policy) for policy in policies)
    return request, Facts(registered, recipient, stored, grants, UNSAVED)


def _grant(case: Case, dataset: CaseDataSet) -> Grant:
    return Grant(
        name="grants/example",
        consumer=case.recipient.name,
        dataset=dataset.name,
        # Every column, so that a case about filters needs no list of its own.
        columns=tuple(column.name for column in dataset.columns),
        purpose=case.purpose,
        project=case.project,
        not_before=UNSAVED,
        expires=UNSAVED + timedelta(days=1),
        required=(Role.HOLDER,),
        approvals=tuple(_approval(role, dataset) for role in case.approvals),
        state=GrantState.ACTIVE,
        created=UNSAVED,
    )


def _approval(role: Role, dataset: CaseDataSet) -> Approval:
    party = dataset.holder if role is Role.HOLDER else "parties/officer"
    return Approval(party=party, role=role, verdict=Verdict.APPROVED, reason="", at=UNSAVED)


def _invalid(expect: Expected, fields: list[str]) -> Iterator[str]:
    if expect.outcome != "invalid":
        yield f"outcome: expected {expect.outcome}, the request is invalid at {', '.join(fields)}"
    for wanted in expect.reasons:
        if wanted not in fields and expect.outcome == "invalid":
            yield f"reasons: expected a fault at {wanted}, found {', '.join(fields)}"


def _differences(expect: Expected, decision: Decision) -> Iterator[str]:
    codes = sorted({reason.code for reason in decision.reasons})
    if expect.outcome != decision.outcome.value:
        denied = "" if decision.permitted else f" ({', '.join(codes)})"
        yield f"outcome: expected {expect.outcome}, is {decision.outcome}{denied}"
    for wanted in expect.reasons:
        if wanted not in codes:
            yield f"reasons: expected {wanted}, found {', '.join(codes)}"
    decided = {column.published: column for column in decision.columns}
    for name, transform in expect.columns.items():
        yield from _column_differences(name, transform, decided.get(name))
    for field in _BOUNDS:
        wanted_value, actual = getattr(expect, field), getattr(decision, field)
        if wanted_value is not None and wanted_value != actual:
            yield f"{field}: expected {_shown(wanted_value)}, is {_shown(actual)}"


def _column_differences(
    name: str, wanted: TransformSpec | str, decided: ColumnDecision | None
) -> Iterator[str]:
    if decided is None:
        yield f"columns.{name}: expected a transform, the column is not released"
    elif isinstance(wanted, str):
        if decided.transform.kind != wanted:
            yield f"columns.{name}: expected {wanted}, is {_shown(decided.transform)}"
    elif decided.transform != wanted:
        yield f"columns.{name}: expected {_shown(wanted)}, is {_shown(decided.transform)}"


def _shown(value: object) -> str:
    if isinstance(value, Noun):
        return value.canonical().decode()
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value) or "none"
    return str(value)
