"""A question over a table that is made up: from its text to the exact numbers and the answer."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from gateway.execute.statistics.answer import answer
from gateway.execute.statistics.exact import Exact
from gateway.execute.statistics.run import StatisticsExecutor
from gateway.model.catalog import (
    Bounds,
    Column,
    Contributions,
    DataSet,
    ParquetSource,
    SourceVersion,
)
from gateway.model.decision import Outcome, Reason
from gateway.model.schema import schema_digest
from gateway.model.statistics import StatisticsPlan, StatisticsRequest
from gateway.model.statistics_decision import StatisticsDecision
from gateway.planning.questions.parse import parse
from gateway.planning.statistics import compile_statistics

NOW = datetime(2026, 1, 1, tzinfo=UTC)


PERMITTED = StatisticsDecision(
    outcome=Outcome.PERMITTED_WITH_OBLIGATIONS,
    reasons=(Reason(code="GRANTED", text="covered by a grant"),),
    grants=("grants/any",),
)


class SystemEntropy:
    """ports.Entropy."""

    def bytes(self, count: int) -> bytes:
        return os.urandom(count)


class Rows:
    """A table in memory as ports.Source has it."""

    def __init__(self, table: pa.Table, batch_rows: int = 65_536) -> None:
        self._table = table
        self._batch_rows = batch_rows

    def __enter__(self) -> "Rows":
        return self

    def __exit__(self, *exc: object) -> None:
        return

    def schema(self) -> pa.Schema:
        return self._table.schema

    def version(self) -> SourceVersion:
        return SourceVersion(
            # of this object: a neighbour is another version
            fingerprint=hashlib.sha256(str(id(self._table)).encode()).hexdigest(),
            schema_digest=schema_digest(self._table.schema),
            rows=self._table.num_rows,
        )

    def batches(self, columns: Sequence[str], filters: object, limit: object) -> Iterator:
        del filters, limit
        yield from self._table.select(columns).to_batches(max_chunksize=self._batch_rows)


def described(
    name: str,
    table: pa.Table,
    *,
    bounds: dict[str, tuple[object, object]] | None = None,
    groups: dict[str, Sequence[str]] | None = None,
    contributions: Contributions | None = None,
    person: str = "person",
) -> DataSet:
    """The catalogue's entry for a table."""
    columns = []
    for field in table.schema:
        ends = (bounds or {}).get(field.name)
        columns.append(
            Column(
                name=field.name,
                type=str(field.type),
                bounds=None if ends is None else Bounds(lower=ends[0], upper=ends[1]),
                groups=tuple((groups or {}).get(field.name, ())),
            )
        )
    return DataSet(
        name=f"datasets/{name}",
        holder="parties/registry",
        title=name,
        privacy_unit=person,
        source=ParquetSource(path="x.parquet"),
        columns=tuple(columns),
        contributions=contributions,
        created=NOW,
        updated=NOW,
    )


class Asking:
    """One question over tables; several answers may be drawn from its exact result."""

    def __init__(
        self,
        sql: str,
        tables: dict[str, tuple[DataSet, pa.Table]],
        folder: Path,
        *,
        epsilon: object = 1,
        delta: object = "1e-9",
        batch_rows: int = 65_536,
        memory_mib: int = 64,
        **options: object,
    ) -> None:
        catalogue = {dataset.name: dataset for dataset, _ in tables.values()}
        question = parse(sql, catalogue)
        request = StatisticsRequest.model_validate(
            {
                "dataset": question.tables[0].dataset,
                "sql": sql,
                "purpose": "research",
                "epsilon": epsilon,
                "delta": delta,
                **options,
            }
        )
        sources = {d.name: Rows(table, batch_rows) for d, table in tables.values()}
        self._sources = [sources[t.dataset] for t in question.tables]
        self.plan: StatisticsPlan = compile_statistics(
            request,
            question,
            catalogue,
            {name: source.version() for name, source in sources.items()},
            "parties/analyst",
            PERMITTED,
        )
        self._executor = StatisticsExecutor(folder, memory_mib=memory_mib, threads=1)

    def exact(self) -> Exact:
        """Counted and added up, without noise."""
        return self._executor.run(self.plan, self._sources, SystemEntropy(), lambda _: None)

    def answer(self) -> pa.Table:
        """As the consumer gets it."""
        return answer(self.plan, self.exact(), SystemEntropy())


def numbers(exact: Exact) -> dict[int, list]:
    """Everything that was counted, by place in the plan."""
    everything = np.arange(exact.groups)
    found = {at: values.tolist() for at, values in exact.measures.items()}
    return found | {at: weights.of(everything).tolist() for at, weights in exact.weights.items()}
