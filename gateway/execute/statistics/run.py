"""Runs a plan of statistics over its sources: exact, with bounded contributions, in bounded memory.

DuckDB only ever sees batches of Arrow: it opens no file, loads no extension and writes nothing to
disk. What does not fit into memory is put away encrypted (``spill``).
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import CheckFailed, HolderError, SourceChanged
from gateway.execute.statistics.contributions import MOST_PARTS, PART_ROWS, Contributions
from gateway.execute.statistics.exact import SATURATED, Exact, Integers
from gateway.execute.statistics.key_values import listed
from gateway.execute.statistics.projection import Projection, key_table, read_name
from gateway.execute.translation import translating
from gateway.model.statistics import GroupKey, Measure, StatisticsPlan
from gateway.ports import Entropy, Progress, Source

_BATCH_ROWS: Final = 1 << 20
_SETTINGS: Final = (
    "SET enable_external_access = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET preserve_insertion_order = false",
    "SET TimeZone = 'UTC'",
    # A condition that is looked at before the rows are would make some answers faster than others.
    "SET disabled_optimizers = 'filter_pushdown,statistics_propagation'",
    "SET lock_configuration = true",
)


class StatisticsExecutor:
    """Counts and adds up. ``folder``: where encrypted batches are put away while they are needed.

    ``memory_mib``: about so much is held at once besides DuckDB's own share, which is as much.
    Thread-safe.
    """

    def __init__(self, folder: Path, *, memory_mib: int = 512, threads: int = 2) -> None:
        self._folder = folder
        self._memory_mib = memory_mib
        self._threads = threads

    def run(
        self, plan: StatisticsPlan, sources: Sequence[Source], entropy: Entropy, progress: Progress
    ) -> Exact:
        """The exact result of a plan over its open sources, in the order of its data sets.

        ``progress`` is told rows read. Raises SourceChanged when a source is not the version that
        was planned for, HolderError when it cannot be read, CheckFailed when memory does not do.
        No error tells of the data.
        """
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
        with _Run(self, plan, sources, progress) as run:
            return run.exact(entropy)

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
        progress: Progress,
    ) -> None:
        self._folder, self._memory_mib, threads = executor.limits
        self._plan = plan
        self._sources = sources
        self._progress = progress
        self._projection = Projection(plan)
        self._done = 0
        self._database = duckdb.connect(
            ":memory:",
            config={
                "threads": threads,
                "memory_limit": f"{self._memory_mib}MiB",
                "temp_directory": "",
            },
        )

    def __enter__(self) -> "_Run":
        for setting in _SETTINGS:
            self._database.execute(setting)
        return self

    def __exit__(self, *exc: object) -> None:
        self._database.close()

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
        if all(asked.one_row_per_person for asked in self._plan.datasets):
            measures, persons = self._of_single_rows(groups)
        else:
            measures, persons = self._bounded(groups, entropy)
        return Exact(measures, persons if keys is not None else None, keys)

    def _found_keys(self) -> pa.Table:
        with self._reading(self._projection.keys_found()) as batches:
            found = pa.Table.from_batches(list(batches), schema=batches.schema)
        self._database.register(key_table(0), found)
        names = [key.name for key in self._plan.question.group_by]
        return found.drop_columns(["code"]).rename_columns(names)

    # ---- one row a person -----------------------------------------------------------------------

    def _of_single_rows(self, groups: int) -> tuple[dict[int, Integers], Integers]:
        rows = np.zeros(groups, dtype=np.int64)
        sums = [np.zeros(groups, dtype=np.int64) for _ in self._projection.summed]
        with self._reading(self._projection.sums()) as batches:
            for batch in batches:
                code = batch.column(0).to_numpy()
                rows[code] = batch.column(1).to_numpy()
                for place, total in enumerate(sums):
                    total[code] = _saturated(batch.column(2 + place))
        weights = []
        for number, ranked in enumerate(self._projection.ranks()):
            found = np.zeros((groups, ranked.bins), dtype=np.int64)
            with self._reading(self._projection.histogram(number)) as batches:
                for batch in batches:
                    code, place, count = (column.to_numpy() for column in batch.columns)
                    found[code, place] = count * ranked.weight
            weights.append(found)
        return self._by_place(rows, rows, sums, weights), rows

    # ---- bounded contributions ------------------------------------------------------------------

    def _bounded(self, groups: int, entropy: Entropy) -> tuple[dict[int, Integers], Integers]:
        expected = sum(source.version().rows for source in self._sources)
        parts = min(MOST_PARTS, -(-max(expected, 1) // PART_ROWS))
        with Contributions(
            self._plan.bounds,
            groups,
            self._projection.amounts(),
            self._projection.ranks(),
            parts=parts,
            memory=self._memory_mib << 20,
            folder=self._folder,
            key=entropy.bytes(16),
        ) as contributions:
            with self._reading(self._projection.rows(parts)) as batches:
                for batch in batches:
                    contributions.add(batch)
            contributions.finish()
            persons = contributions.persons
            sums = [contributions.amount(n) for n in range(len(self._projection.summed))]
            weights = [contributions.weights(n) for n in range(len(self._projection.ranked))]
            return self._by_place(contributions.rows, persons, sums, weights), persons

    def _by_place(
        self,
        rows: Integers,
        persons: Integers,
        sums: Sequence[Integers],
        weights: Sequence[Integers],
    ) -> dict[int, Integers]:
        found: dict[int, Integers] = {}
        for at, measure in enumerate(self._plan.measures):
            if isinstance(measure, Measure) and at not in self._projection.summed:
                found[at] = persons if measure.kind == "persons" else rows
        found |= dict(zip(self._projection.summed, sums, strict=True))
        found |= dict(zip(self._projection.ranked, weights, strict=True))
        return found

    # ---- reading --------------------------------------------------------------------------------

    @contextmanager
    def _reading(self, query: str) -> Iterator[pa.RecordBatchReader]:
        """The result of a query over all sources, which are read from their beginning."""
        with ExitStack() as stack:
            for number, source in enumerate(self._sources):
                name = f"t{number}"
                self._database.register(name, self._reader(number, source))
                stack.callback(self._database.unregister, name)
            with translating(self._unreadable):
                try:
                    # An open result would keep the sources from being let go.
                    with closing(self._database.sql(query).to_arrow_reader(_BATCH_ROWS)) as found:
                        yield found
                except duckdb.OutOfMemoryException:
                    raise CheckFailed(
                        "the question needs more memory than the gateway gives it: ask for fewer "
                        "groups or columns, or the administrator for more"
                    ) from None

    def _reader(self, number: int, source: Source) -> pa.RecordBatchReader:
        columns = self._projection.needed(number)
        types = [_without_zone(source.schema().field(name).type) for name in columns]
        schema = pa.schema([(read_name(place), kind) for place, kind in enumerate(types)])

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in source.batches(columns, (), None):
                self._done += batch.num_rows
                self._progress(self._done)
                found = [
                    values if values.type == kind else values.cast(kind)
                    for values, kind in zip(batch.columns, types, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(found, schema=schema)

        return pa.RecordBatchReader.from_batches(schema, batches())

    def _unreadable(self) -> HolderError:
        named = ", ".join(asked.dataset for asked in self._plan.datasets)
        return HolderError(f"{named} cannot be read as it was registered: ask its holder")


def _without_zone(kind: pa.DataType) -> pa.DataType:
    return pa.timestamp("us") if pa.types.is_timestamp(kind) else kind


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
