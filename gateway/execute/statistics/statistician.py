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
        exact = self._executor.run(plan, sources, self._entropy, lambda _: None)
        table = answer(plan, exact, self._entropy)
        about = Answer(
            plan=plan.digest(),
            columns=answer_columns(plan),
            rows=table.num_rows,
            claim=plan.claim,
            answered=self._clock.now(),
        )
        return table, about
