"""DuckDB as the engine of statistics: it sees batches of Arrow and nothing of the world.

It opens no file, loads no extension and writes nothing to disk.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Final

import duckdb
import pyarrow as pa

from gateway.errors import CheckFailed, HolderError
from gateway.execute.translation import translating
from gateway.ports import Source

_BATCH_ROWS: Final = 1 << 18
_SETTINGS: Final = (
    "SET enable_external_access = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET preserve_insertion_order = false",
    "SET TimeZone = 'UTC'",
    "SET enable_progress_bar = false",  # it would write among the output of a command
    # A condition that is looked at before the rows are would make some answers faster than others.
    # And what is held in memory for a join is what is written on its right: the groups, never rows.
    (
        "SET disabled_optimizers = "
        "'filter_pushdown,statistics_propagation,join_order,build_side_probe_side'"
    ),
    "SET lock_configuration = true",
)


class Reading:
    """An open source as a table of DuckDB: its columns under the names r0, r1, …, never their own,
    of which two may differ by case alone. ``seen`` is told the rows of each batch."""

    def __init__(
        self, dataset: str, source: Source, columns: Sequence[str], seen: Callable[[int], None]
    ) -> None:
        self.dataset = dataset
        self._source = source
        self._columns = tuple(columns)
        self._seen = seen

    def reader(self) -> pa.RecordBatchReader:
        """From the first row on."""
        types = [_without_zone(self._source.schema().field(name).type) for name in self._columns]
        schema = pa.schema([(read_name(place), kind) for place, kind in enumerate(types)])

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in self._source.batches(self._columns, (), None):
                self._seen(batch.num_rows)
                found = [
                    values if values.type == kind else values.cast(kind)
                    for values, kind in zip(batch.columns, types, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(found, schema=schema)

        return pa.RecordBatchReader.from_batches(schema, batches())


class Database:
    """A database in memory for one run. Use as a context manager."""

    def __init__(self, memory_mib: int, threads: int) -> None:
        self._connection = duckdb.connect(
            ":memory:",
            config={"threads": threads, "memory_limit": f"{memory_mib}MiB", "temp_directory": ""},
        )

    def __enter__(self) -> "Database":
        for setting in _SETTINGS:
            self._connection.execute(setting)
        return self

    def __exit__(self, *exc: object) -> None:
        self._connection.close()

    def register(self, name: str, table: pa.Table) -> None:
        """A table that queries may name."""
        self._connection.register(name, table)

    def of_table(self, query: str, table: pa.Table) -> pa.Table:
        """The result of a query over a table, which it names t. CheckFailed when memory does not
        do."""
        self.register("t", table)
        try:
            found: pa.Table = self._connection.sql(query).to_arrow_table()
        except duckdb.OutOfMemoryException:
            raise _too_large() from None
        finally:
            self._connection.unregister("t")
        return found

    @contextmanager
    def result(self, query: str, sources: Sequence[Reading]) -> Iterator[pa.RecordBatchReader]:
        """The result of a query over the sources, which it names t0, t1.

        Raises HolderError when a source cannot be read, CheckFailed when memory does not do, and
        whatever the sources themselves say. No error tells of the data.
        """
        with ExitStack() as stack:
            for number, source in enumerate(sources):
                name = f"t{number}"
                self._connection.register(name, source.reader())
                stack.callback(self._connection.unregister, name)
            with translating(lambda: _unreadable(sources)):
                try:
                    # An open result would keep the sources from being let go.
                    found = self._connection.sql(query).to_arrow_reader(_BATCH_ROWS)
                    with closing(found):
                        yield found
                except duckdb.OutOfMemoryException:
                    raise _too_large() from None


def read_name(place: int) -> str:
    """Name under which DuckDB sees the column of a source in that place."""
    return f"r{place}"


def _without_zone(kind: pa.DataType) -> pa.DataType:
    return pa.timestamp("us") if pa.types.is_timestamp(kind) else kind


def _too_large() -> CheckFailed:
    return CheckFailed(
        "the question needs more memory than the gateway gives it: ask for fewer groups or columns, "
        "or the administrator for more"
    )


def _unreadable(sources: Sequence[Reading]) -> HolderError:
    named = ", ".join(source.dataset for source in sources)
    return HolderError(f"{named} cannot be read as it was registered: ask its holder")
