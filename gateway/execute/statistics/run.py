"""Runs a plan of statistics over its sources: exact, with bounded contributions, in bounded memory.

What does not fit into memory is put away encrypted (``spill``); DuckDB writes nothing (``database``).
"""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import structlog

from gateway.errors import SourceChanged
from gateway.execute.statistics.contributions import Contributions, parts_for
from gateway.execute.statistics.database import Database, Reading
from gateway.execute.statistics.exact import SATURATED, Exact, Integers, Weights
from gateway.execute.statistics.found_groups import FoundGroups
from gateway.execute.statistics.key_values import listed
from gateway.execute.statistics.projection import Projection, key_table
from gateway.execute.statistics.single_rows import has_single_rows
from gateway.model.statistics import GroupKey, Measure, StatisticsPlan
from gateway.ports import Entropy, Progress, Source

_log = structlog.get_logger("gateway.statistics")

_Counted = tuple[dict[int, Integers], dict[int, Weights], Integers]
"""Measures, weights of quantiles, and persons of each group."""


class StatisticsExecutor:
    """Counts and adds up. ``folder``: where encrypted batches are put away while they are needed.

    ``memory_mib``: about so much is held at once besides DuckDB's own share, which is as much.
    Thread-safe.
    """

    def __init__(self, folder: Path, *, memory_mib: int = 512, threads: int = 2) -> None:
        self._folder = folder
        self._memory_mib = memory_mib
        self._threads = threads
        self._lock = Lock()
        self._single: dict[tuple[str, str, str], bool] = {}

    def check(self, plan: StatisticsPlan, sources: Sequence[Source]) -> tuple[bool, ...]:
        """Of each data set, whether it is declared to have one row of each person and does. Reads
        the persons of one that is, once for each version.

        Raises SourceChanged where the content is not that which was planned for, and HolderError
        like ``run``.
        """
        found = []
        for asked, source in zip(plan.datasets, sources, strict=True):
            version = source.version()
            if (version.fingerprint, version.schema_digest) != (
                asked.fingerprint,
                asked.schema_digest,
            ):
                raise SourceChanged(
                    f"{asked.dataset} has changed since the question was planned: ask it again",
                    dataset=asked.dataset,
                )
            known = asked.dataset, asked.person, asked.fingerprint
            if asked.one_row_per_person and known not in self._single:
                single = has_single_rows(
                    asked.dataset,
                    asked.person,
                    source,
                    memory_mib=self._memory_mib,
                    threads=self._threads,
                    folder=self._folder,
                )
                if not single:
                    _log.warning("several rows per person, declared one", dataset=asked.dataset)
                with self._lock:
                    self._single[known] = single
            found.append(asked.one_row_per_person and self._single[known])
        return tuple(found)

    def run(
        self, plan: StatisticsPlan, sources: Sequence[Source], entropy: Entropy, progress: Progress
    ) -> Exact:
        """The exact result of a plan over its open sources, in the order of its data sets.

        ``progress`` is told rows read. Raises what ``check`` does (which it does first), and
        CheckFailed when memory does not do. No error tells of the data.
        """
        single = self.check(plan, sources)
        with _Run(self, plan, sources, single, entropy, progress) as run:
            return run.exact(entropy)

    def rows(
        self, plan: StatisticsPlan, sources: Sequence[Source], entropy: Entropy, progress: Progress
    ) -> pa.Table:
        """One row of each person for the model of a plan: numbers, and text for its label. Never
        stored, never shown. Errors as of ``run``."""
        single = self.check(plan, sources)
        with _Run(self, plan, sources, single, entropy, progress) as run:
            return run.rows()

    @property
    def limits(self) -> tuple[Path, int, int]:
        """Folder, MiB and threads."""
        return self._folder, self._memory_mib, self._threads


class _Run:
    def __init__(
        self,
        executor: StatisticsExecutor,
        plan: StatisticsPlan,
        sources: Sequence[Source],
        single: tuple[bool, ...],
        entropy: Entropy,
        progress: Progress,
    ) -> None:
        self._folder, self._memory_mib, self._threads = executor.limits
        self._plan = plan
        self._progress = progress
        self._projection = Projection(plan, int.from_bytes(entropy.bytes(8)), single)
        self._sources = [
            Reading(asked.dataset, source, self._projection.needed(number), self._seen)
            for number, (asked, source) in enumerate(zip(plan.datasets, sources, strict=True))
        ]
        self._expected = sum(source.version().rows for source in sources)
        self._done = 0
        self._database = Database(self._memory_mib, self._threads)

    def __enter__(self) -> "_Run":
        self._database.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._database.__exit__(*exc)

    def _seen(self, rows: int) -> None:
        self._done += rows
        self._progress(self._done)

    def exact(self, entropy: Entropy) -> Exact:
        keys = None
        if self._projection.found:
            keys = self._found_keys()
            groups = keys.num_rows
        else:
            groups = 1
            for place, key in enumerate(self._plan.question.group_by):
                groups *= key.size or 1
                if key.values is not None:
                    self._database.register(key_table(place), _listed(key))
        if self._projection.plain:
            measures, weights, persons = self._of_single_rows(groups)
        else:
            measures, weights, persons = self._bounded(groups, entropy)
        return Exact(groups, measures, weights, persons if keys is not None else None, keys)

    def rows(self) -> pa.Table:
        with self._database.result(self._projection.trained_on(), self._sources) as batches:
            return pa.Table.from_batches(list(batches), schema=batches.schema)

    def _found_keys(self) -> pa.Table:
        found = self._drawn_keys() if self._projection.drawn else self._all_keys()
        self._database.register(key_table(0), found)
        names = [key.name for key in self._plan.question.group_by]
        return found.drop_columns(["code"]).rename_columns(names)

    def _all_keys(self) -> pa.Table:
        with self._database.result(self._projection.keys_found(), self._sources) as batches:
            return pa.Table.from_batches(list(batches), schema=batches.schema)

    def _drawn_keys(self) -> pa.Table:
        parts = parts_for(self._expected)
        with FoundGroups(
            self._plan.bounds.groups,
            len(self._plan.question.group_by),
            parts=parts,
            memory_mib=self._memory_mib,
            threads=self._threads,
            folder=self._folder,
        ) as groups:
            with self._database.result(self._projection.pairs(parts), self._sources) as batches:
                groups.add(pa.RecordBatch.from_pylist([], schema=batches.schema))  # says the types
                for batch in batches:
                    groups.add(batch)
            return groups.keys()

    # ---- one row a person -----------------------------------------------------------------------

    def _of_single_rows(self, groups: int) -> _Counted:
        rows = np.zeros(groups, dtype=np.int64)
        sums = [np.zeros(groups, dtype=np.int64) for _ in self._projection.summed]
        with self._database.result(self._projection.sums(), self._sources) as batches:
            for batch in batches:
                code = batch.column(0).to_numpy()
                rows[code] = batch.column(1).to_numpy()
                for place, total in enumerate(sums):
                    total[code] = _saturated(batch.column(2 + place))
        weights = []
        for number, ranked in enumerate(self._projection.ranks()):
            found = Weights(groups, ranked.bins)
            with self._database.result(
                self._projection.histogram(number), self._sources
            ) as batches:
                for batch in batches:
                    code, place, count = (column.to_numpy() for column in batch.columns)
                    found.add(code * ranked.bins + place, count * ranked.weight)
            weights.append(found)
        return *self._by_place(rows, rows, sums, weights), rows

    # ---- bounded contributions ------------------------------------------------------------------

    def _bounded(self, groups: int, entropy: Entropy) -> _Counted:
        parts = parts_for(self._expected)
        with Contributions(
            self._plan.bounds,
            groups,
            self._projection.amounts(),
            self._projection.ranks(),
            parts=parts,
            memory=self._memory_mib << 20,
            folder=self._folder,
            key=entropy.bytes(16),
            threads=self._threads,
        ) as contributions:
            with self._database.result(self._projection.rows(parts), self._sources) as batches:
                for batch in batches:
                    contributions.add(batch)
            contributions.finish()
            persons = contributions.persons
            sums = [contributions.amount(n) for n in range(len(self._projection.summed))]
            weights = [contributions.weights(n) for n in range(len(self._projection.ranked))]
            return *self._by_place(contributions.rows, persons, sums, weights), persons

    def _by_place(
        self,
        rows: Integers,
        persons: Integers,
        sums: Sequence[Integers],
        weights: Sequence[Weights],
    ) -> tuple[dict[int, Integers], dict[int, Weights]]:
        found: dict[int, Integers] = {}
        for at, measure in enumerate(self._plan.measures):
            if isinstance(measure, Measure) and at not in self._projection.summed:
                found[at] = persons if measure.kind == "persons" else rows
        found |= dict(zip(self._projection.summed, sums, strict=True))
        return found, dict(zip(self._projection.ranked, weights, strict=True))


def _saturated(sums: pa.Array) -> Integers:
    """Sums of 128 bits in 64, standing still at ±2⁶²."""
    wide = sums.cast(pa.decimal128(38, 0)) if not pa.types.is_decimal(sums.type) else sums
    ends = [pa.scalar(end, pa.int64()).cast(wide.type) for end in (-SATURATED, SATURATED)]
    low = pc.max_element_wise(wide, ends[0])
    inside: Integers = pc.min_element_wise(low, ends[1]).cast(pa.int64()).to_numpy()
    return inside


def _listed(key: GroupKey) -> pa.Table:
    values = listed(key)
    return pa.table({"g": values, "code": pa.array(range(len(values)), pa.int64())})
