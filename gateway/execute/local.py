"""Runs a plan on this machine: read, transform, check and stage, batch by batch."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from typing import Final

import pyarrow as pa

from gateway.errors import HolderError, StagingUnavailable, TransformFailed
from gateway.execute.cells import CellCounts, SmallCells
from gateway.execute.checks import OutputChecks
from gateway.execute.pipeline import in_order
from gateway.execute.steps import BatchSteps
from gateway.execute.translation import translating
from gateway.model.content import ContentDigest
from gateway.model.plan import MinCellCheck, Plan
from gateway.model.schema import arrow_type
from gateway.ports import Progress, RunResult, Source, StagingWriter
from gateway.transform.row_order import RowOrder

_CELLS_MEMORY_MIB: Final = 512


class LocalExecutor:
    """Implements ports.Executor with threads of this process.

    ``hierarchies``: tables by name, for steps that generalise by one. ``workers``: threads that
    transform, besides the one that reads and the caller's, which checks and stages. Memory is
    bounded by a few batches a worker, and by the number of distinct cells where a minimum cell
    size is checked. Thread-safe.
    """

    def __init__(self, hierarchies: Mapping[str, pa.Table], workers: int = 2) -> None:
        if workers < 1:
            raise ValueError("at least one worker is needed")
        self._hierarchies = dict(hierarchies)
        self._workers = workers

    def run(
        self,
        plan: Plan,
        source: Source,
        keys: Mapping[str, bytes],
        open_writer: Callable[[pa.Schema], StagingWriter],
        progress: Progress,
        order_key: bytes | None = None,
    ) -> RunResult:
        """See ports.Executor. ``source`` is open. Progress counts published rows.

        Where small cells are dropped, the source is read twice: first only the quasi-identifiers,
        to count the cells, then everything. So nothing has to be kept outside the sealed stream.
        """
        try:
            return self._run(plan, source, keys, open_writer, progress, RowOrder(order_key))
        finally:
            # Arrow keeps freed memory for its next column; between runs others need it more.
            pa.default_memory_pool().release_unused()

    def _run(
        self,
        plan: Plan,
        source: Source,
        keys: Mapping[str, bytes],
        open_writer: Callable[[pa.Schema], StagingWriter],
        progress: Progress,
        order: RowOrder,
    ) -> RunResult:
        steps = BatchSteps.of(plan, keys, self._hierarchies)
        schema = pa.schema([(s.published, arrow_type(s.output_type)) for s in plan.steps])
        with OutputChecks(plan, memory_mib=_CELLS_MEMORY_MIB) as checks:
            left_out = self._small_cells(plan, steps, source, progress)
            digest = ContentDigest(schema)
            with open_writer(schema) as writer:
                with closing(self._transformed(plan, steps, source)) as batches:
                    kept = (_without(left_out, batch) for batch in batches)
                    for batch in order.applied(kept):
                        checks.see(batch)
                        with translating(_staging_failed):
                            writer.write(batch)
                        digest.update(batch)
                        progress(digest.rows)
                figures = checks.figures()
                with translating(_staging_failed):
                    stream = writer.finish()
        return RunResult(stream, digest.hexdigest(), digest.rows, figures)

    def _small_cells(
        self, plan: Plan, steps: BatchSteps, source: Source, progress: Progress
    ) -> list[SmallCells]:
        found = []
        for check in plan.checks:
            if isinstance(check, MinCellCheck) and check.small_cells == "drop":
                counts = CellCounts(check.columns)
                wanted = steps.only(check.columns)
                with closing(self._transformed(plan, wanted, source)) as batches:
                    for batch in batches:
                        counts.add(batch)
                        progress(0)
                found.append(counts.smaller_than(check.size))
        return found

    def _transformed(
        self, plan: Plan, steps: BatchSteps, source: Source
    ) -> Generator[pa.RecordBatch, None, None]:
        read = _read(source.batches(steps.columns, plan.filters, plan.limit))
        try:
            yield from in_order(read, steps.apply, self._workers)
        finally:
            # By now the reading thread has ended, and the source's own clean-up can run here.
            read.close()


def _read(batches: Iterator[pa.RecordBatch]) -> Generator[pa.RecordBatch, None, None]:
    with translating(_reading_failed):
        yield from batches


def _without(small_cells: list[SmallCells], batch: pa.RecordBatch) -> pa.RecordBatch:
    for small in small_cells:
        with translating(lambda: TransformFailed("small cells could not be left out")):
            batch = small.leave_out(batch)
    return batch


def _reading_failed() -> HolderError:
    return HolderError("the source could not be read; its holder looks at it")


def _staging_failed() -> StagingUnavailable:
    return StagingUnavailable("the result could not be staged; try again later")
