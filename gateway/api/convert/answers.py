"""Questions and answers with differential privacy."""

from collections.abc import Sequence

from gateway.api.convert.extracts import policy_ref_to_proto, reason_to_proto
from gateway.api.convert.shape import Shape
from gateway.api.convert.words import (
    ANSWER_STATE_NUMBERS,
    BUDGET_KIND_NUMBERS,
    MODEL_KINDS,
    OUTCOME_NUMBERS,
)
from gateway.api.pb import statistics_pb2
from gateway.model import amounts
from gateway.model.answers import AnswerRecord
from gateway.model.catalog import Party
from gateway.model.fitting import ModelSpec
from gateway.model.lifecycle import AnswerState
from gateway.model.names import Role
from gateway.model.statistics import StatisticsPlan, StatisticsRequest
from gateway.model.statistics_decision import StatisticsDecision
from gateway.planning.training import training_sql
from gateway.registry.budgets_of import BudgetLeft
from gateway.release.affording import exhausted
from gateway.release.asking import AnswerPreview


def request_from_proto(
    shape: Shape, message: statistics_pb2.QueryRequest
) -> StatisticsRequest | None:
    """What a consumer asks. What is absent stays absent: zero is a fault, never a default."""
    values: dict[str, object] = {
        "dataset": shape.name("dataset", message.dataset, "datasets"),
        "sql": shape.text("sql", message.sql, 20_000, least=1),
        "purpose": shape.text("purpose", message.purpose, 200, least=1),
        "project": message.project or None,
        "epsilon": message.epsilon,
    }
    for field in ("delta", "groups", "rows", "minimum_frequency"):
        if message.HasField(field):
            values[field] = getattr(message, field)
    return shape.noun("", StatisticsRequest, values)


def model_from_proto(
    shape: Shape, message: statistics_pb2.FitModelRequest
) -> StatisticsRequest | None:
    """The model that a consumer asks for, with the question that counts its columns."""
    dataset = shape.name("dataset", message.dataset, "datasets")
    where = shape.text("where", message.where, 10_000)
    spec: dict[str, object] = {
        "kind": shape.coded("kind", message.kind, MODEL_KINDS),
        "features": tuple(map(_feature, message.features)),
        "target": _feature(message.target) if message.HasField("target") else None,
        "label": message.label or None,
        "classes": tuple(message.classes),
        "rows": message.rows,
        "epsilon": message.epsilon,
    }
    for field in ("clusters", "components", "trees", "depth"):
        if message.HasField(field):
            spec[field] = getattr(message, field)
    model = shape.noun("", ModelSpec, spec)
    if model is None:
        return None
    values: dict[str, object] = {
        "dataset": dataset,
        "sql": training_sql(dataset, model, where),
        "purpose": shape.text("purpose", message.purpose, 200, least=1),
        "project": message.project or None,
        "epsilon": model.epsilon,
        "model": model,
    }
    return shape.noun("", StatisticsRequest, values)


def _feature(message: statistics_pb2.ModelFeature) -> dict[str, object]:
    return {"column": message.column, "lower": message.lower, "upper": message.upper}


def to_proto(
    record: AnswerRecord,
    caller: Party,
    *,
    left: Sequence[BudgetLeft] = (),
    table: bytes = b"",
    reused: bool = False,
    with_certificate: bool = True,
) -> statistics_pb2.Answer:
    """The record as the caller may see it: the question and its plan hold values, which are for
    the consumer and the holder."""
    with_values = caller.role in (Role.CONSUMER, Role.HOLDER)
    message = statistics_pb2.Answer(
        name=record.name,
        consumer=record.consumer,
        dataset=record.request.dataset,
        sql=record.request.sql if with_values else "",
        purpose=record.request.purpose,
        project=record.request.project or "",
        state=ANSWER_STATE_NUMBERS[record.state],
        decision=_decision(record.decision),
        left=[_left(one) for one in left],
        reused=reused,
        refunded=record.refunded,
        table=table,
    )
    if record.plan is not None:
        message.price.CopyFrom(_price(record.plan, with_values=with_values))
    if record.ending is not None:
        message.ending_reason = record.ending.reason
        message.ending_text = record.ending.text
    if record.sealed is not None:
        message.table_sha256 = record.sealed.stream_sha256
        message.chunks = record.sealed.chunks
    if record.certificate is not None and with_certificate:
        message.certificate = record.certificate
    message.created.FromDatetime(record.created)
    message.updated.FromDatetime(record.updated)
    if record.expires is not None:
        message.expires.FromDatetime(record.expires)
    return message


def preview_to_proto(
    preview: AnswerPreview, request: StatisticsRequest, caller: Party
) -> statistics_pb2.Answer:
    """A dry run: no name, and no state of its own unless denied."""
    message = statistics_pb2.Answer(
        consumer=caller.name,
        dataset=request.dataset,
        sql=request.sql,
        purpose=request.purpose,
        project=request.project or "",
        decision=_decision(preview.decision),
        left=[_left(one) for one in preview.left],
    )
    if preview.plan is None:
        message.state = ANSWER_STATE_NUMBERS[AnswerState.DENIED]
        return message
    message.price.CopyFrom(_price(preview.plan, with_values=True))
    message.price.remarks.extend(str(exhausted(one)) for one in preview.exceeded)
    message.price.affordable = not preview.exceeded
    return message


def _decision(decision: StatisticsDecision) -> statistics_pb2.QuestionDecision:
    message = statistics_pb2.QuestionDecision(
        outcome=OUTCOME_NUMBERS[decision.outcome],
        reasons=[reason_to_proto(reason) for reason in decision.reasons],
        policies=[policy_ref_to_proto(ref) for ref in decision.policies],
        grants=decision.grants,
        minimum_frequency=decision.minimum_frequency,
        expires_after_days=decision.expires_after_days,
    )
    if decision.max_epsilon is not None:
        message.max_epsilon = amounts.down(decision.max_epsilon)
    return message


def _price(plan: StatisticsPlan, *, with_values: bool) -> statistics_pb2.Price:
    names = {part.aggregate: part for part in plan.parts}
    units = {aggregate.name: aggregate.decimals for aggregate in plan.question.aggregates}
    errors = []
    for expected in plan.expected:
        error = statistics_pb2.ExpectedError(column=expected.output, note=expected.note)
        if expected.half_width is not None:
            error.half_width = amounts.up(expected.half_width)
        if (part := names.get(expected.output)) is not None:
            kinds = {plan.measures[at].mechanism.kind: None for at in part.measures}
            error.mechanism = ", ".join(kinds)
        if decimals := units.get(expected.output, 0):
            error.grid = amounts.up(f"1/{10**decimals}")
        errors.append(error)
    return statistics_pb2.Price(
        epsilon=amounts.up(plan.claim.epsilon),
        delta=amounts.up(plan.claim.delta),
        privacy_unit=plan.claim.unit,
        neighbouring=plan.claim.neighbours,
        errors=errors,
        remarks=plan.why,
        affordable=True,
        plan_digest=plan.digest(),
        plan_json=plan.canonical().decode() if with_values else "",
    )


def _left(left: BudgetLeft) -> statistics_pb2.BudgetLeft:
    return statistics_pb2.BudgetLeft(
        budget=left.budget.name,
        kind=BUDGET_KIND_NUMBERS[left.budget.scope.kind],
        epsilon=amounts.down(left.limits.epsilon),
        delta=amounts.up(left.limits.delta),
        spent=amounts.up(left.spent),
        left=amounts.left(left.limits.epsilon, left.spent),
    )
