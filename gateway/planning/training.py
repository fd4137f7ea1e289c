"""Models under the same ledger as questions: a model is trained on the columns that a question
counts, so that grants, policies and their filters are decided on as they are for any question."""

from collections.abc import Sequence
from typing import Final

from gateway.errors import InvalidRequest
from gateway.model.fitting import ModelSpec
from gateway.model.statistics import (
    Asked,
    Claim,
    ContributionBounds,
    Question,
    StatisticsPlan,
    StatisticsRequest,
)
from gateway.model.statistics_decision import StatisticsDecision

_LABELS: Final = {"text", "integer", "boolean"}
_NUMBERS: Final = {"integer", "number"}
_ROWS: Final = (
    "trained on exactly {} rows: neutral ones where there are fewer persons, a secret sample where "
    "there are more"
)


def training_sql(dataset: str, model: ModelSpec, where: str = "") -> str:
    """The question that counts every column of a model, in its order. ``where``: a condition on
    rows, of which ``training_plan`` checks that it is nothing more."""
    columns = ", ".join(
        f"COUNT({_quoted(column)}) AS x{place}" for place, column in enumerate(model.columns)
    )
    source = _quoted(dataset.removeprefix("datasets/"))
    return f"SELECT {columns} FROM {source}" + (f" WHERE {where}" if where else "")  # noqa: S608 - read by the parser of questions, and run by nobody


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def training_plan(
    request: StatisticsRequest,
    question: Question,
    asked: Sequence[Asked],
    recipient: str,
    decision: StatisticsDecision,
) -> StatisticsPlan:
    """The plan of a permitted model; InvalidRequest where columns or conditions are not fit."""
    model = request.model
    if model is None:
        raise TypeError("only a request for a model is planned here")
    _checked(model, question)
    return StatisticsPlan(
        question=question,
        datasets=tuple(asked),
        recipient=recipient,
        purpose=request.purpose,
        project=request.project,
        bounds=ContributionBounds(groups=1, rows=1),
        measures=(),
        parts=(),
        model=model,
        events=(model.event,),
        expected=(),
        why=(_ROWS.format(model.rows),),
        claim=_claim(model, asked),
        policies=decision.policies,
        grants=decision.grants,
        expires_after_days=decision.expires_after_days,
    )


def _checked(model: ModelSpec, question: Question) -> None:
    if question.group_by or question.having or question.order or question.limit:
        raise InvalidRequest.of("where", "a condition on rows, and nothing after it")
    found = [aggregate.expression for aggregate in question.aggregates]
    if len(question.tables) != 1 or len(found) != len(model.columns):
        raise InvalidRequest.of("where", "a condition on rows of the one data set")
    for column, expression in zip(model.columns, found, strict=True):
        if expression is None:
            raise InvalidRequest.of("features", f"{column} is not a column with values")
        permitted = _LABELS if column == model.label else _NUMBERS
        if expression.type not in permitted:
            raise InvalidRequest.of(
                "features", f"{column} is of type {expression.type}; use {', '.join(permitted)}"
            )


def _claim(model: ModelSpec, asked: Sequence[Asked]) -> Claim:
    persons = " and ".join(f"{a.person} of {a.dataset}" for a in asked)
    return Claim(
        epsilon=model.epsilon,
        delta="0",
        unit=f"the person named by {persons}; rows that name nobody are not trained on",
        neighbours="all rows of one person are there, or none of them (add or remove)",
        composition="the model is charged as one answer; the ledger composes answers by their "
        "privacy loss distributions",
        bounds="one row of a person is trained on, each as likely; ranges, classes and number of "
        "rows are declared; none of them was taken from the data",
        groups="none",
        mechanisms=f"{model.kind.replace('_', ' ')} of diffprivlib; the model's card says more",
        rounding="parameters are double precision, and noise is added in it: round them before "
        "they are published",
        side_channels="errors do not tell of the data, but a training that fails tells that it "
        "did; the time that it takes is not bounded by this claim",
    )
