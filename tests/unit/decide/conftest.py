"""A small register, a laboratory that asks, and builders for policies, grants and requests."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.decide.facts import Facts
from gateway.decide.trial import as_if_active
from gateway.model.access import Approval, ExtractRequest, Grant, Verdict
from gateway.model.catalog import Column, DataSet, Party, PushedSource
from gateway.model.lifecycle import GrantState
from gateway.model.names import RecipientKind, Role
from gateway.model.policy import Policy

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def column(
    name: str, entity: str | None, grade: str | None, role: str | None, **more: Any
) -> Column:
    kind = more.pop("type", "string")
    return Column.model_validate(
        {"name": name, "type": kind, "entity": entity, "grade": grade, "role": role, **more}
    )


COLUMNS = (
    column("xm", "PERSON", "general-3", "direct_identifier", element="name"),
    column("district", "REGION", "general-2", "quasi_identifier"),
    column("birth", "BIRTH_DATE", "general-2", "quasi_identifier", type="date32[day]"),
    column("income", "INCOME", "general-4", "sensitive", type="int64"),
    column("state", "NONE", "important", "other"),
    column("odd", "NONE", None, "other"),
)

RULES: tuple[dict[str, Any], ...] = (
    {
        "name": "names",
        "match": {"entity": ["PERSON"]},
        "transform": {"kind": "mask", "keep_first": 1},
    },
    {"name": "regions", "match": {"entity": ["REGION"]}, "transform": {"kind": "keep"}},
    {
        "name": "births",
        "match": {"entity": ["BIRTH_DATE"]},
        "transform": {"kind": "generalize_date", "to": "month"},
    },
    {
        "name": "incomes",
        "match": {"entity": ["INCOME"]},
        "transform": {"kind": "bin_number", "width": 1000},
    },
)


def policy(*rules: dict[str, Any], name: str = "policies/main", **more: Any) -> Policy:
    return Policy.model_validate(
        {
            "format": "gateway-policy/1",
            "name": name,
            "purposes": {"research": "to find out"},
            "rules": rules or RULES,
            **more,
        }
    )


def grant(**more: Any) -> Grant:
    given: dict[str, Any] = {
        "name": "grants/g-1",
        "consumer": "parties/lab",
        "dataset": "datasets/register",
        "columns": ("xm", "district", "birth", "income", "state", "odd"),
        "purpose": "research",
        "not_before": NOW - timedelta(days=1),
        "expires": NOW + timedelta(days=1),
        "required": (Role.HOLDER, Role.OFFICER),
        "approvals": approvals(),
        "state": GrantState.ACTIVE,
        "created": NOW - timedelta(days=2),
    }
    return Grant(**{**given, **more})


def approvals(holder: str = "parties/bureau", officer: str | None = "parties/officer") -> Any:
    given = [(holder, Role.HOLDER), *([(officer, Role.OFFICER)] if officer else [])]
    return tuple(
        Approval(party=party, role=role, verdict=Verdict.APPROVED, reason="fine", at=NOW)
        for party, role in given
    )


def request(*columns: str, **more: Any) -> ExtractRequest:
    given = {"dataset": "datasets/register", "columns": columns, "purpose": "research"}
    return ExtractRequest.model_validate({**given, **more})


@dataclass(frozen=True)
class Bench:
    """Everything a test of this room builds with."""

    facts: Facts
    policy: Callable[..., Policy] = policy
    grant: Callable[..., Grant] = grant
    approvals: Callable[..., Any] = approvals
    request: Callable[..., ExtractRequest] = request
    column: Callable[..., Column] = column
    rules: tuple[dict[str, Any], ...] = RULES
    now: datetime = NOW

    def under(self, *policies: Policy, **more: Any) -> Facts:
        """The facts with these policies in force, and other fields replaced."""
        stored = tuple(as_if_active(each) for each in policies)
        return replace(self.facts, **{**({"policies": stored} if policies else {}), **more})


@pytest.fixture
def bench() -> Bench:
    register = DataSet(
        name="datasets/register",
        holder="parties/bureau",
        title="A register",
        source=PushedSource(),
        columns=COLUMNS,
        created=NOW,
        updated=NOW,
    )
    lab = Party(
        name="parties/lab",
        role=Role.CONSUMER,
        kind=RecipientKind.RESEARCH,
        display_name="A laboratory",
    )
    return Bench(Facts(register, lab, (as_if_active(policy()),), (grant(),), NOW))
