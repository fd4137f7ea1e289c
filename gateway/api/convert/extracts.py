"""Requests for an extract, decisions and plans: what several services exchange."""

from gateway.api.convert.shape import Shape
from gateway.api.convert.words import OUTCOME_NUMBERS
from gateway.api.pb import types_pb2
from gateway.model.access import ExtractRequest
from gateway.model.conditions import Condition, Operator
from gateway.model.decision import ColumnDecision, Decision, PolicyRef, Reason
from gateway.model.plan import (
    AttacksCheck,
    CheckSpec,
    ExtractsCheck,
    GradesCheck,
    MaxRowsCheck,
    MinCellCheck,
    ModelsCheck,
    Plan,
    Step,
)
from gateway.risk.grades import step_grade

_MOST_COLUMNS = 1000
_MOST_FILTERS = 50


def request_from_proto(
    shape: Shape, message: types_pb2.ExtractRequest, at: str
) -> ExtractRequest | None:
    """What a consumer asks for."""
    shape.name(f"{at}.dataset", message.dataset, "datasets")
    if not 1 <= len(message.columns) <= _MOST_COLUMNS:
        shape.fault(f"{at}.columns", f"1 to {_MOST_COLUMNS} names")
    if len(message.filters) > _MOST_FILTERS:
        shape.fault(f"{at}.filters", f"at most {_MOST_FILTERS}")
    shape.text(f"{at}.purpose", message.purpose, 200, least=1)
    filters = [
        _condition(shape, condition, f"{at}.filters[{number}]")
        for number, condition in enumerate(message.filters[:_MOST_FILTERS])
    ]
    if not shape.sound:
        return None
    return shape.noun(
        at,
        ExtractRequest,
        {
            "dataset": message.dataset,
            "columns": tuple(message.columns),
            "purpose": message.purpose,
            "project": message.project or None,
            "filters": tuple(filters),
            "limit": message.limit if message.HasField("limit") else None,
        },
    )


def _condition(shape: Shape, message: types_pb2.Condition, at: str) -> Condition | None:
    operator = shape.worded(f"{at}.operator", message.operator, Operator)
    if operator is None:
        return None
    values = {
        "column": message.column,
        "operator": operator,
        "values": tuple(message.values),
    }
    return shape.noun(at, Condition, values)


def request_to_proto(request: ExtractRequest, *, with_values: bool) -> types_pb2.ExtractRequest:
    """``with_values``: filter values may be personal; who may not see them gets the columns."""
    message = types_pb2.ExtractRequest(
        dataset=request.dataset,
        columns=request.columns,
        purpose=request.purpose,
        project=request.project or "",
        filters=[
            types_pb2.Condition(
                column=condition.column,
                operator=condition.operator,
                values=condition.values if with_values else (),
            )
            for condition in request.filters
        ],
    )
    if request.limit is not None:
        message.limit = request.limit
    return message


def decision_to_proto(decision: Decision) -> types_pb2.Decision:
    """The outcome with its reasons, and what happens to each column."""
    message = types_pb2.Decision(
        outcome=OUTCOME_NUMBERS[decision.outcome],
        reasons=[reason_to_proto(reason) for reason in decision.reasons],
        columns=[_column(column) for column in decision.columns],
        policies=[policy_ref_to_proto(ref) for ref in decision.policies],
        grant=decision.grant or "",
        expires_after_days=decision.expires_after_days,
    )
    if decision.sample_percent is not None:
        message.sample_percent = decision.sample_percent
    if decision.max_rows is not None:
        message.max_rows = decision.max_rows
    if decision.max_grade is not None:
        message.max_grade = decision.max_grade
    if decision.min_cell_size is not None:
        message.min_cell_size = decision.min_cell_size
    return message


def policy_ref_to_proto(ref: PolicyRef) -> types_pb2.PolicyRef:
    """Which version of a policy took part."""
    return types_pb2.PolicyRef(name=ref.name, version=ref.version, digest=ref.sha256)


def reason_to_proto(reason: Reason) -> types_pb2.Reason:
    """One reason, as the requester may see it."""
    return types_pb2.Reason(
        code=reason.code, text=reason.text, rule=reason.rule or "", column=reason.column or ""
    )


def _column(column: ColumnDecision) -> types_pb2.ColumnDecision:
    return types_pb2.ColumnDecision(
        column=column.column,
        published=column.published,
        transform=column.transform.kind,
        transform_json=column.transform.canonical().decode(),
        rules=column.rules,
    )


def plan_to_proto(plan: Plan, *, with_values: bool) -> types_pb2.Plan:
    """The plan; its canonical form holds filter values, and is left out for who may not see
    them: the digest still says which plan it was."""
    shown = with_values or not plan.filters
    return types_pb2.Plan(
        digest=plan.digest(),
        steps=[_step(step) for step in plan.steps],
        checks=[_check(check) for check in plan.checks],
        charge_rows=plan.charge.rows,
        canonical_json=plan.canonical().decode() if shown else "",
        grade=plan.grade,
    )


def _step(step: Step) -> types_pb2.PlanStep:
    return types_pb2.PlanStep(
        column=step.column,
        published=step.published,
        source_type=step.source_type,
        output_type=step.output_type,
        recoded=step.recoded,
        transform_json=step.transform.canonical().decode(),
        key_domain=step.key_domain or "",
        subject=step.subject or "",
        key_version=step.key_version,
        finds=[
            types_pb2.FindKey(
                entity=find.entity, key_domain=find.key_domain, key_version=find.key_version
            )
            for find in step.finds
        ],
        grade=step_grade(step),
    )


def _check(check: CheckSpec) -> str:
    if isinstance(check, MaxRowsCheck):
        return f"at most {check.rows} rows"
    if isinstance(check, MinCellCheck):
        over = ", ".join(check.columns) or "the whole output"
        how = "smaller cells are left out" if check.small_cells == "drop" else "refused otherwise"
        return f"at least {check.size} records share each combination of {over}; {how}"
    if isinstance(check, GradesCheck):
        return f"what leaves is graded {check.highest} at most"
    if isinstance(check, ModelsCheck):
        models = ", ".join(dict.fromkeys(model.kind for model in check.models))
        return f"{models} over {', '.join(check.columns) or 'the whole output'}"
    if isinstance(check, ExtractsCheck):
        return (
            f"with earlier extracts, whatever can be told apart has at least {check.least} records"
        )
    if isinstance(check, AttacksCheck):
        limits = ", ".join(
            f"{kind} at most {most}" for kind, most in check.limits.by_kind().items()
        )
        return f"attacks are run: {limits or 'no limit on their success'}"
    return "exactly the planned columns with the planned types"
