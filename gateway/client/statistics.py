"""Statistics with differential privacy, seen from outside: price, ask, read, budgets."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from gateway.api.pb import release_pb2, statistics_pb2, statistics_pb2_grpc
from gateway.client.failures import DeniedRecords
from gateway.client.forms import full_name, moment
from gateway.client.link import STREAM_SECONDS, Calls, Link, new_request_id
from gateway.client.plain import number, words
from gateway.client.reading import Chunks
from gateway.client.saving import save_stream
from gateway.client.streams import Batches
from gateway.errors import InvalidRequest, ReleaseStopped

_ANSWER: Final = statistics_pb2.AnswerState.DESCRIPTOR
_BUDGET: Final = statistics_pb2.BudgetState.DESCRIPTOR
_MODEL: Final = statistics_pb2.ModelKind.DESCRIPTOR
_ANSWERING_SECONDS: Final = 120.0
_TRAINING_SECONDS: Final = 600.0

Answer = statistics_pb2.Answer
Budget = statistics_pb2.Budget
Amount = str | int | Decimal


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model: the answer with what it cost, the parameters in the units of the columns,
    and the card that says what is guaranteed."""

    answer: Answer
    parameters: dict[str, Any]
    card: dict[str, Any]


class StatisticsCalls(Calls):
    """The statistics' part of the client. An answer may be given by name or as it was returned.

    Amounts of privacy loss are exact: text such as ``"0.5"``, an int or a Decimal, never a float.
    """

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._statistics = statistics_pb2_grpc.StatisticsServiceStub(link.channel)

    # ---- questions --------------------------------------------------------------------------------

    def price(
        self,
        sql: str,
        dataset: str,
        purpose: str,
        *,
        epsilon: Amount,
        delta: Amount | None = None,
        project: str | None = None,
        groups: int | None = None,
        rows: int | None = None,
        minimum_frequency: int | None = None,
    ) -> Answer:
        """A dry run: decision, price, the expected error of each column, and what is left. Nothing
        is stored or charged, and a denial is an answer here, not an error."""
        request = _query(
            sql, dataset, purpose, epsilon, delta, project, groups, rows, minimum_frequency
        )
        request.validate_only = True
        return self._link.call(self._statistics.Query, request, _ANSWERING_SECONDS)

    def ask(
        self,
        sql: str,
        dataset: str,
        purpose: str,
        *,
        epsilon: Amount,
        delta: Amount | None = None,
        project: str | None = None,
        groups: int | None = None,
        rows: int | None = None,
        minimum_frequency: int | None = None,
        request_id: str | None = None,
    ) -> Answer:
        """The sealed answer with what it cost; ``table`` reads it. Raises DeniedRecords with the
        reasons, QuotaExhausted when a budget does not cover it, ReleaseStopped when it ended
        without a result. The same ``request_id`` gets the same answer and is charged once."""
        request = _query(
            sql, dataset, purpose, epsilon, delta, project, groups, rows, minimum_frequency
        )
        request.request_id = request_id or new_request_id()
        answer = self._link.call(self._statistics.Query, request, _ANSWERING_SECONDS)
        if answer.state == statistics_pb2.ANSWER_STATE_DENIED:
            raise DeniedRecords(answer.decision, answer=answer.name)
        return _sealed(answer)

    def query(
        self,
        sql: str,
        dataset: str,
        purpose: str,
        *,
        epsilon: Amount,
        delta: Amount | None = None,
        project: str | None = None,
        groups: int | None = None,
        rows: int | None = None,
        minimum_frequency: int | None = None,
    ) -> pa.Table:
        """``ask`` and ``table`` in one: for each noisy column NAME also NAME_lower and NAME_upper,
        the ends of its 95 % interval."""
        answer = self.ask(
            sql,
            dataset,
            purpose,
            epsilon=epsilon,
            delta=delta,
            project=project,
            groups=groups,
            rows=rows,
            minimum_frequency=minimum_frequency,
        )
        return self.table(answer)

    def fit_model(
        self,
        kind: str,
        dataset: str,
        purpose: str,
        features: Mapping[str, tuple[Amount, Amount]],
        *,
        epsilon: Amount,
        rows: int,
        target: tuple[str, Amount, Amount] | None = None,
        label: str | None = None,
        classes: Sequence[str] = (),
        where: str = "",
        project: str | None = None,
        clusters: int | None = None,
        components: int | None = None,
        trees: int | None = None,
        depth: int | None = None,
        request_id: str | None = None,
    ) -> Model:
        """Train a model with differential privacy. ``kind``: such as ``linear_regression``;
        ``features``: each column's declared lowest and highest value; ``rows``: about how many
        persons there are, after ``where``: of far fewer the model is mostly of neutral rows, and
        nothing tells so. Raises like ``ask``."""
        number_of_kind = number(_MODEL, kind)
        if not number_of_kind:
            raise InvalidRequest.of("kind", f"one of {', '.join(words(_MODEL))}")
        request = statistics_pb2.FitModelRequest(
            request_id=request_id or new_request_id(),
            dataset=full_name("datasets", dataset),
            purpose=purpose,
            project=project or "",
            epsilon=amount(epsilon),
            where=where,
            kind=number_of_kind,  # type: ignore[arg-type]
            features=[_feature(column, *ends) for column, ends in features.items()],
            target=None if target is None else _feature(*target),
            label=label or "",
            classes=classes,
            rows=rows,
            clusters=clusters,
            components=components,
            trees=trees,
            depth=depth,
        )
        answer = self._link.call(self._statistics.FitModel, request, _TRAINING_SECONDS)
        if answer.state == statistics_pb2.ANSWER_STATE_DENIED:
            raise DeniedRecords(answer.decision, answer=answer.name)
        (row,) = self.table(_sealed(answer)).to_pylist()
        return Model(answer, json.loads(row["parameters"]), json.loads(row["card"]))

    def answer(self, answer: str | Answer) -> Answer:
        """One answer as it is now, with its table where that is not too large to come with it."""
        request = statistics_pb2.GetAnswerRequest(name=_name(answer))
        return self._link.call(self._statistics.GetAnswer, request)

    def answers(self, dataset: str = "", state: str | None = None) -> Iterator[Answer]:
        """Answers that the caller may see, newest first, without their tables."""
        wanted = 0 if state is None else number(_ANSWER, state)
        if wanted is None:
            raise InvalidRequest.of("state", f"one of {', '.join(words(_ANSWER))}")
        request = statistics_pb2.ListAnswersRequest(
            dataset=full_name("datasets", dataset),
            state=wanted,  # type: ignore[arg-type]
        )
        return self._link.pages(self._statistics.ListAnswers, request, "answers")

    def table(self, answer: str | Answer) -> pa.Table:
        """The noisy table with its interval columns, compared with the hash that was sealed."""
        batches = Batches(self._table(answer))
        return pa.Table.from_batches(list(batches), batches.schema)

    def save_table(self, answer: str | Answer, path: str | Path) -> Path:
        """The same as a file: .arrows (the exact stream that the certificate is about), .parquet or
        .csv. There is no file of that name before it is whole."""
        return save_stream(self._table(answer), Path(path))

    def _table(self, answer: str | Answer) -> Chunks:
        record = self.answer(answer) if isinstance(answer, str) else answer
        _sealed(record)

        def read(offset: int) -> Iterator[release_pb2.ReadReleaseResponse]:
            if record.table:
                yield release_pb2.ReadReleaseResponse(payload=record.table, last=True)
                return
            request = statistics_pb2.ReadAnswerRequest(name=record.name, offset=offset)
            yield from self._link.stream(self._statistics.ReadAnswer, request, STREAM_SECONDS)

        return Chunks(read, self._link.wait, lambda: record.table_sha256, lambda _: None)

    # ---- budgets ----------------------------------------------------------------------------------

    def budgets(self, dataset: str = "", state: str | None = None) -> Iterator[Budget]:
        """Budgets that the caller may see, by name, without their burn-down."""
        wanted = 0 if state is None else number(_BUDGET, state)
        if wanted is None:
            raise InvalidRequest.of("state", f"one of {', '.join(words(_BUDGET))}")
        request = statistics_pb2.ListBudgetsRequest(
            dataset=full_name("datasets", dataset),
            state=wanted,  # type: ignore[arg-type]
        )
        return self._link.pages(self._statistics.ListBudgets, request, "budgets")

    def budget(self, name: str | Budget) -> Budget:
        """One budget with its burn-down."""
        request = statistics_pb2.GetBudgetRequest(name=_budget(name))
        return self._link.call(self._statistics.GetBudget, request)

    def propose_budget(
        self,
        *,
        epsilon: Amount,
        delta: Amount,
        reason: str,
        dataset: str | None = None,
        recipient: str | None = None,
        project: str | None = None,
        begins: datetime | None = None,
        ends: datetime | None = None,
    ) -> Budget:
        """Propose a budget, or other limits for one: of ``dataset`` for ``recipient``, of
        ``dataset`` for all recipients together, or of ``project`` from ``begins`` to ``ends``.
        Another officer approves it."""
        if project is not None:
            kind = statistics_pb2.BUDGET_KIND_PROJECT
        elif recipient is not None:
            kind = statistics_pb2.BUDGET_KIND_RECIPIENT
        else:
            kind = statistics_pb2.BUDGET_KIND_DATA_SET
        scope = statistics_pb2.BudgetScope(
            kind=kind,
            dataset=full_name("datasets", dataset or ""),
            recipient=full_name("parties", recipient or ""),
            project=project or "",
            begins=None if begins is None else moment(begins),
            ends=None if ends is None else moment(ends),
        )
        request = statistics_pb2.ProposeBudgetRequest(
            scope=scope, epsilon=amount(epsilon), delta=amount(delta), reason=reason
        )
        return self._link.command(self._statistics.ProposeBudget, request)

    def approve_budget(self, budget: str | Budget) -> Budget:
        """Put proposed limits in force, as another officer than the one who proposed them. Given as
        it was read, it is refused when something else is proposed by now."""
        read = self.budget(budget) if isinstance(budget, str) else budget
        request = statistics_pb2.ApproveBudgetRequest(name=read.name, etag=read.etag)
        return self._link.command(self._statistics.ApproveBudget, request)

    def withdraw_budget(self, budget: str | Budget) -> Budget:
        """Take a proposal back, or refuse it."""
        request = statistics_pb2.WithdrawBudgetRequest(name=_budget(budget))
        return self._link.command(self._statistics.WithdrawBudget, request)


def amount(value: Amount) -> str:
    """Exact decimal text; InvalidRequest for a float, which is no exact number."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise InvalidRequest.of("epsilon", 'write amounts as text, such as "0.5"')
    return f"{value:f}" if isinstance(value, Decimal) and value.is_finite() else str(value)


def _feature(column: str, lower: Amount, upper: Amount) -> statistics_pb2.ModelFeature:
    return statistics_pb2.ModelFeature(column=column, lower=amount(lower), upper=amount(upper))


def _query(
    sql: str,
    dataset: str,
    purpose: str,
    epsilon: Amount,
    delta: Amount | None,
    project: str | None,
    groups: int | None,
    rows: int | None,
    minimum_frequency: int | None,
) -> statistics_pb2.QueryRequest:
    return statistics_pb2.QueryRequest(
        dataset=full_name("datasets", dataset),
        sql=sql,
        purpose=purpose,
        project=project or "",
        epsilon=amount(epsilon),
        delta=None if delta is None else amount(delta),
        groups=groups,
        rows=rows,
        minimum_frequency=minimum_frequency,
    )


def _sealed(answer: Answer) -> Answer:
    if answer.state != statistics_pb2.ANSWER_STATE_SEALED:
        raise ReleaseStopped(
            f"{answer.name} was not answered: {answer.ending_text}",
            reason=answer.ending_reason or "NOT_SEALED",
            answer=answer.name,
        )
    return answer


def _name(answer: str | Answer) -> str:
    return full_name("answers", answer) if isinstance(answer, str) else answer.name


def _budget(budget: str | Budget) -> str:
    return full_name("budgets", budget) if isinstance(budget, str) else budget.name
