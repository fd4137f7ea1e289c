"""Judges what a run is about to publish, from the plan and the batches alone.

Nothing here is shared with the code that made the batches. DuckDB counts the cells, in memory
only: it has no folder to spill to, and when its memory is not enough the check fails.
"""

from typing import Any, Final

import duckdb
import pyarrow as pa

from gateway.errors import CheckFailed
from gateway.model.plan import (
    CheckSpec,
    GradesCheck,
    MaxRowsCheck,
    MinCellCheck,
    Plan,
    SchemaCheck,
)
from gateway.model.release import Figure
from gateway.risk.grades import grade_left

_COMPACT_ROWS: Final = 1 << 20
_SETTINGS: Final = (
    "SET temp_directory = ''",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET enable_external_access = false",
    "SET enable_progress_bar = false",  # it would write among the output of a command
    "SET lock_configuration = true",
)


class OutputChecks:
    """All checks of a plan over its output. Use as a context manager: see, then figures."""

    def __init__(self, plan: Plan, *, memory_mib: int) -> None:
        self._expected = [(step.published, step.output_type) for step in plan.steps]
        self._most_rows = [c.rows for c in plan.checks if isinstance(c, MaxRowsCheck)]
        self._kinds = plan.checks
        self._steps = plan.steps
        published = {name for name, _ in self._expected}
        self._cells: list[CellSizes] = []
        for check in plan.checks:
            if isinstance(check, MinCellCheck):
                if not published.issuperset(check.columns):
                    raise CheckFailed("the minimum cell size is of columns that are not released")
                self._cells.append(CellSizes(check, memory_mib))
        self._rows = 0

    def __enter__(self) -> "OutputChecks":
        return self

    def __exit__(self, *exc: object) -> None:
        for cells in self._cells:
            cells.close()

    def see(self, batch: pa.RecordBatch) -> None:
        """One more batch of output; CheckFailed as soon as a check cannot be passed any more."""
        if [(field.name, str(field.type)) for field in batch.schema] != self._expected:
            raise CheckFailed("the output does not have exactly the planned columns and types")
        try:
            batch.validate(full=True)
        except pa.ArrowInvalid:
            raise CheckFailed("a column of the output is not well-formed") from None
        self._rows += batch.num_rows
        if any(self._rows > most for most in self._most_rows):
            raise CheckFailed("the output has more rows than the policy permits")
        for cells in self._cells:
            cells.add(batch)

    def figures(self) -> tuple[Figure, ...]:
        """One figure for each check that is made here, in the plan's order; CheckFailed when the output
        fails one."""
        cells = iter(self._cells)
        figures = (
            next(cells).figure() if isinstance(check, MinCellCheck) else self._figure(check)
            for check in self._kinds
        )
        return tuple(figure for figure in figures if figure is not None)

    def _figure(self, check: CheckSpec) -> Figure | None:
        if isinstance(check, GradesCheck):
            return self._grade(check)
        if isinstance(check, SchemaCheck):
            return _passed("schema", "columns as planned", len(self._expected))
        if isinstance(check, MaxRowsCheck):
            return _passed("max_rows", "most rows permitted", check.rows)
        return None  # of privacy models, extracts and attacks: judged on what is staged

    def _grade(self, check: GradesCheck) -> Figure:
        grade = grade_left(self._steps, self._rows)
        if not check.highest.at_least(grade):
            raise CheckFailed(
                f"the result is graded {grade}, above {check.highest} as planned: ask again, with a "
                "smaller limit or fewer columns"
            )
        return _passed("grades", "grade of what leaves, GB/T 43697-2024", grade)


class CellSizes:
    """Sizes of all cells of the output, by DuckDB."""

    def __init__(self, check: MinCellCheck, memory_mib: int) -> None:
        self._check = check
        self._database = duckdb.connect(
            ":memory:", config={"threads": 1, "memory_limit": f"{memory_mib}MiB"}
        )
        for setting in _SETTINGS:
            self._run(setting)
        self._names = [f"c{position}" for position in range(len(check.columns))]
        self._stored = 0
        self._limit = _COMPACT_ROWS

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def add(self, batch: pa.RecordBatch) -> None:
        """Count one more batch."""
        if not batch.num_rows:
            return
        columns = [_comparable(batch.column(name)) for name in self._check.columns]
        rows = pa.table([*columns, pa.repeat(1, batch.num_rows)], [*self._names, "n"])
        self._database.register("batch", rows)
        into = "INSERT INTO cells" if self._stored else "CREATE TABLE cells AS"
        self._run(f"{into} {self._summed('batch')}")
        self._database.unregister("batch")
        self._stored = self._count()
        if self._stored > self._limit:
            self._run(f"CREATE OR REPLACE TABLE cells AS {self._summed('cells')}")
            self._stored = self._count()
            self._limit = 2 * max(self._stored, _COMPACT_ROWS)

    def figure(self) -> Figure:
        """The size of the smallest cell; CheckFailed when it is below the policy's."""
        smallest = None
        if self._stored:
            [(smallest,)] = self._run(f"SELECT min(n) FROM ({self._summed('cells')})")  # noqa: S608
        if smallest is None:
            return _passed("min_cell", "records in the smallest cell", "no records")
        if int(smallest) < self._check.size:
            raise CheckFailed(
                f"a combination of {self._named()} is shared by fewer than "
                f"{self._check.size} records; generalise these columns further"
            )
        return _passed("min_cell", "records in the smallest cell", int(smallest))

    def _summed(self, table: str) -> str:
        keys = "".join(f"{name}, " for name in self._names)
        # Grouped by nothing, no rows at all would still give one.
        return f"SELECT {keys}sum(n)::BIGINT AS n FROM {table} GROUP BY ALL HAVING count(*) > 0"  # noqa: S608 - own names

    def _count(self) -> int:
        [(rows,)] = self._run("SELECT count(*) FROM cells")
        return int(rows)

    def _run(self, query: str) -> list[tuple[Any, ...]]:
        try:
            # An unfetched result keeps the connection from its next query.
            return self._database.execute(query).fetchall()
        except duckdb.OutOfMemoryException:
            raise CheckFailed(
                f"{self._named()} have too many combinations to be counted; generalise them further"
            ) from None
        except duckdb.Error:
            raise CheckFailed(f"the combinations of {self._named()} cannot be counted") from None

    def _named(self) -> str:
        return ", ".join(self._check.columns) or "all columns"


def _comparable(column: pa.Array) -> pa.Array:
    """In a type that DuckDB compares by nothing but the value: bytes, integers, decimals."""
    if pa.types.is_string(column.type):
        return column.cast(pa.binary())
    if pa.types.is_floating(column.type) or pa.types.is_temporal(column.type):
        return column.view(f"int{column.type.bit_width}")
    return column


def _passed(check: str, name: str, value: int | str) -> Figure:
    return Figure(check=check, name=name, value=str(value), passed=True)
