"""Runs a plan on this machine: read, transform, check and stage, batch by batch."""

from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from threading import Event
from typing import Final

import pyarrow as pa

from gateway.errors import HolderError, StagingUnavailable, TransformFailed
from gateway.execute.cells import CellCounts, SmallCells
from gateway.execute.checks import OutputChecks
from gateway.execute.pipeline import ahead, in_order
from gateway.execute.steps import BatchSteps
from gateway.execute.translation import translating
from gateway.model.content import ContentDigest
from gateway.model.plan import MinCellCheck, Plan
from gateway.model.schema import arrow_type
from gateway.ports import (
    Progress,
    RowRecoding,
    RunResult,
    Source,
    StagingWriter,
    TextFinder,
    TokenVault,
)
from gateway.transform.row_order import RowOrder

_CELLS_MEMORY_MIB: Final = 512


class LocalExecutor:
    """Implements ports.Executor with threads of this process.

    ``hierarchies``: tables by name, for steps that generalise by one. ``finder``: finds identifiers
    in free text, for steps that replace them. ``vault`` keeps random tokens. ``workers``: threads that transform, besides the one
    that reads and the caller's, which checks and stages. Memory is
    bounded by a few batches a worker, and by the number of distinct cells where a minimum cell
    size is checked. Thread-safe.
    """

    def __init__(
        self,
        hierarchies: Mapping[str, pa.Table],
        workers: int = 2,
        finder: TextFinder | None = None,
        vault: TokenVault | None = None,
    ) -> None:
        if workers < 1:
            raise ValueError("at least one worker is needed")
        self._hierarchies = dict(hierarchies)
        self._workers = workers
        self._finder = finder
        self._vault = vault

    def run(
        self,
        plan: Plan,
        source: Source,
        keys: Mapping[str, bytes],
        open_writer: Callable[[pa.Schema], StagingWriter],
        progress: Progress,
        order_key: bytes | None = None,
        recoding: RowRecoding | None = None,
    ) -> RunResult:
        """See ports.Executor. ``source`` is open. Progress counts published rows.

        Where small cells are dropped, the source is read twice: first only the quasi-identifiers,
        to count the cells, then everything. So nothing has to be kept outside the sealed stream.
        """
        try:
            return self._run(
                plan, source, keys, open_writer, progress, RowOrder(order_key), recoding
            )
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
        recoding: RowRecoding | None,
    ) -> RunResult:
        steps = BatchSteps.of(
            plan, keys, self._hierarchies, self._finder, self._vault, recoding=recoding
        )
        schema = pa.schema([(s.published, arrow_type(s.output_type)) for s in plan.steps])
        with OutputChecks(plan, memory_mib=_CELLS_MEMORY_MIB) as checks:
            left_out = self._small_cells(plan, steps, source, progress)
            digest = ContentDigest(schema)
            alive = partial(_still_at, digest, progress)
            with (
                open_writer(schema) as writer,
                ThreadPoolExecutor(1, "gateway-stage") as stager,
                closing(self._published(plan, steps, source, left_out, order, alive)) as batches,
            ):
                written = stager.submit(_nothing)
                for batch in batches:
                    checks.see(batch)
                    with translating(_staging_failed):
                        written.result()
                    written = stager.submit(writer.write, batch)
                    digest.update(batch)
                    progress(digest.rows)
                with translating(_staging_failed):
                    written.result()
                figures = checks.figures()
                with translating(_staging_failed):
                    stream = writer.finish()
        return RunResult(stream, digest.hexdigest(), digest.rows, figures)

    def _published(
        self,
        plan: Plan,
        steps: BatchSteps,
        source: Source,
        left_out: list[SmallCells],
        order: RowOrder,
        alive: Callable[[], None],
    ) -> Generator[pa.RecordBatch, None, None]:
        """The rows that are published, in the release's order; a thread brings them into it."""
        stopped = Event()  # or the thread would complete its window before it ends

        def kept() -> Iterator[pa.RecordBatch]:
            for batch in batches:
                if stopped.is_set():
                    return
                yield _without(left_out, batch)

        def alive_or_stopped() -> None:
            try:
                alive()
            except BaseException:
                stopped.set()
                raise

        with (
            closing(self._transformed(plan, steps, source)) as batches,
            closing(ahead(order.applied(kept()), "gateway-order", alive_or_stopped)) as ordered,
        ):
            try:
                for batch in ordered:  # noqa: UP028 - closed, it must say so before it waits
                    yield batch
            finally:
                stopped.set()

    def _small_cells(
        self, plan: Plan, steps: BatchSteps, source: Source, progress: Progress
    ) -> list[SmallCells]:
        found = []
        for check in plan.checks:
            if isinstance(check, MinCellCheck) and check.small_cells == "drop":
                counts = CellCounts(check.columns)
                wanted = steps.only(check.columns)
                alive = partial(progress, 0)
                with closing(self._transformed(plan, wanted, source, alive)) as batches:
                    for batch in batches:
                        counts.add(batch)
                        progress(0)
                found.append(counts.smaller_than(check.size))
        return found

    def _transformed(
        self,
        plan: Plan,
        steps: BatchSteps,
        source: Source,
        alive: Callable[[], None] = lambda: None,
    ) -> Generator[pa.RecordBatch, None, None]:
        read = _read(source.batches(steps.columns, plan.filters, plan.limit), steps.batch_rows)
        try:
            yield from in_order(read, steps.apply, self._workers, alive)
        finally:
            # By now the reading thread has ended, and the source's own clean-up can run here.
            read.close()


def _read(
    batches: Iterator[pa.RecordBatch], most_rows: int | None
) -> Generator[pa.RecordBatch, None, None]:
    with translating(_reading_failed):
        for batch in batches:
            size = most_rows or max(batch.num_rows, 1)
            for start in range(0, max(batch.num_rows, 1), size):
                yield batch.slice(start, size)


def _nothing() -> None:
    """What is written before the first batch."""


def _still_at(digest: ContentDigest, progress: Progress) -> None:
    # A window of rows whose texts are searched takes minutes, in which nothing is published.
    progress(digest.rows)


def _without(small_cells: list[SmallCells], batch: pa.RecordBatch) -> pa.RecordBatch:
    for small in small_cells:
        with translating(lambda: TransformFailed("small cells could not be left out")):
            batch = small.leave_out(batch)
    return batch


def _reading_failed() -> HolderError:
    return HolderError("the source could not be read; its holder looks at it")


def _staging_failed() -> StagingUnavailable:
    return StagingUnavailable("the result could not be staged; try again later")
