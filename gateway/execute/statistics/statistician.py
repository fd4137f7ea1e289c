"""Answers a plan here: counted and added up exactly, then noise, then what is made of it."""

from collections.abc import Sequence

import pyarrow as pa

from gateway.execute.statistics.answer import answer, answer_columns
from gateway.execute.statistics.run import StatisticsExecutor
from gateway.model.statistics import Answer, StatisticsPlan
from gateway.ports import Clock, Entropy, Source


class LocalStatistician:
    """Implements ports.Statistician. The exact result lives in here and nowhere else."""

    def __init__(self, executor: StatisticsExecutor, clock: Clock, entropy: Entropy) -> None:
        self._executor = executor
        self._clock = clock
        self._entropy = entropy

    def answer(self, plan: StatisticsPlan, sources: Sequence[Source]) -> tuple[pa.Table, Answer]:
        """See ports.Statistician."""
        if plan.model is not None:
            # Its libraries take more than a second to load, and most gateways train no model.
            from gateway.execute.statistics.training import COLUMNS, trained  # noqa: PLC0415

            rows = self._executor.rows(plan, sources, self._entropy, lambda _: None)
            table, columns = trained(plan.model, rows, self._entropy), COLUMNS
        else:
            exact = self._executor.run(plan, sources, self._entropy, lambda _: None)
            table, columns = answer(plan, exact, self._entropy), answer_columns(plan)
        about = Answer(
            plan=plan.digest(),
            columns=columns,
            rows=table.num_rows,
            claim=plan.claim,
            answered=self._clock.now(),
        )
        return table, about
