"""Equivalence classes of a stream of batches, counted by DuckDB without holding the stream.

Only the distinct combinations stand in memory: of the quasi-identifiers, with the sensitive
values in each class. Nothing is written to disk unless a folder for it is given.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from threading import Event
from typing import Any, Final, Self, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import CheckFailed, GatewayError, InvalidRequest, Violation
from gateway.risk.privacy.definition import UNIT

Rows: TypeAlias = pa.RecordBatchReader | Iterable[pa.RecordBatch]

_SETTINGS: Final = (
    "SET enable_progress_bar = false",  # it would write among the JSON of a command
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET enable_external_access = false",
    "SET preserve_insertion_order = false",
    "SET lock_configuration = true",
)


class Classes:
    """The counted classes of one table. Use as a context manager.

    DuckDB tables: ``classes(id, n, q0, q1, …)``, one row a class of ``n`` records, and, with
    sensitive columns, ``held(id, n, s0, s1, …)``, how often each combination of sensitive values
    is in a class. Nulls are values: they agree with each other and with nothing else. In a
    sensitive column NaN and empty text are null, and -0.0 is 0.0. Sums and
    products of counts are 128-bit integers; what overflows them is an error, not a wrong figure.
    ``rows`` are those of the table; ``whole`` those that distributions are compared with, which are
    the same unless a reference was counted.
    """

    def __init__(
        self,
        quasi_identifiers: Sequence[str],
        sensitive: Sequence[str] = (),
        *,
        memory_mib: int = 1024,
        threads: int = 2,
        spill: Path | None = None,
        hierarchies: Mapping[str, pa.Table] | None = None,
    ) -> None:
        self.quasi_identifiers = tuple(quasi_identifiers)
        self.sensitive = tuple(dict.fromkeys(sensitive))
        self._places = {name: f"s{place}" for place, name in enumerate(self.sensitive)}
        self.keys = [f"q{place}" for place in range(len(self.quasi_identifiers))]
        self._memory_mib = memory_mib
        self._database = duckdb.connect(
            ":memory:", config={"threads": threads, "memory_limit": f"{memory_mib}MiB"}
        )
        folder = "" if spill is None else str(spill).replace("'", "''")
        for setting in (f"SET temp_directory = '{folder}'", *_SETTINGS):
            self.run(setting)
        # Of a share in whole numbers: in millionths, rounded up, and nothing for a share of nothing.
        self.run(
            "CREATE TEMP MACRO ceil_share(part, whole) AS "
            f"(part::HUGEINT * {UNIT} + whole - 1) // nullif(whole, 0)"
        )
        self.hierarchies = hierarchies or {}
        self.populations: dict[str, str] = {}
        self._stopped = Event()
        self._has_reference = False
        self.types: Mapping[str, pa.DataType] = {}
        self.rows = 0
        self.whole = 0
        self.whole_named = "the whole table"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._database.close()

    def count(self, rows: Rows) -> None:
        """Read the whole stream once. `InvalidRequest` for columns that are not in it."""
        schema, batches = _opened(rows)
        self.types = _types(schema, (*self.quasi_identifiers, *self.sensitive))
        keys = ", ".join(self.keys)
        held = ", ".join(self._places.values())
        chosen = ", ".join(filter(None, (keys, held)))
        with self._incoming(batches, self.quasi_identifiers, self.sensitive):
            self._read(f"CREATE TABLE cells AS {_counted(chosen, 'incoming')}")
        summed = "SELECT {}, sum(n)::BIGINT AS n FROM cells GROUP BY {}"
        self.run(
            f"CREATE TABLE classes AS SELECT row_number() OVER () AS id, * "  # noqa: S608
            f"FROM ({summed.format(keys, keys)})"
        )
        if held:
            same = " AND ".join(f"a.{key} IS NOT DISTINCT FROM b.{key}" for key in self.keys)
            self.run(
                f"CREATE TABLE held AS SELECT b.id, a.n, {held} FROM cells a JOIN classes b ON {same}"  # noqa: S608
            )
        self.run("DROP TABLE cells")
        self.rows = self.whole = self.number("SELECT sum(n) FROM classes")

    def count_population(self, name: str, rows: Rows) -> None:
        """Count another table by the same columns; ``populations`` tells its DuckDB table,
        (n, q0, q1, …), by name."""
        schema, batches = _opened(rows)
        types = _types(schema, self.quasi_identifiers)
        if unlike := [
            column
            for column in self.quasi_identifiers
            if _comparable_type(types[column]) != _comparable_type(self.types[column])
        ]:
            raise InvalidRequest.collected(
                [
                    Violation(column, "has another type in the population table: write both alike")
                    for column in unlike
                ]
            )
        table, keys = f"population_{len(self.populations)}", ", ".join(self.keys)
        with self._incoming(batches, self.quasi_identifiers, ()):
            self._read(f"CREATE TABLE {table} AS {_counted(keys, 'incoming')}")
        self.populations[name] = table

    def count_reference(self, rows: Rows) -> None:
        """Count the sensitive columns of a larger table that this one is a part of: from then on
        ``totals_of`` and ``whole`` are of that one."""
        schema, batches = _opened(rows)
        types = _types(schema, self.sensitive)
        if unlike := [
            column
            for column in self.sensitive
            if _ordered_type(types[column]) != _ordered_type(self.types[column])
        ]:
            raise InvalidRequest.collected(
                [Violation(column, "has another type in the whole") for column in unlike]
            )
        held = ", ".join(self._places.values())
        with self._incoming(batches, (), self.sensitive):
            self._read(f"CREATE TABLE reference AS {_counted(held, 'incoming')}")
        self.whole = self.number("SELECT sum(n) FROM reference")
        self.whole_named = "the whole version"
        self._has_reference = True
        for column in self.sensitive:
            # More of a value in a part than in the whole: then it is no part of it, and a value that
            # the whole lacks would drop out of every distance.
            if self.number(
                f"SELECT count(*) FROM (SELECT v, sum(n) AS n FROM {self.values_of(column)} "  # noqa: S608
                f"GROUP BY v) h LEFT JOIN {self.totals_of(column)} t "
                "ON h.v IS NOT DISTINCT FROM t.v WHERE h.n > coalesce(t.total, 0)"
            ):
                raise InvalidRequest.of(column, "has values that the whole does not have")

    def is_text(self, column: str) -> bool:
        """Whether the column holds text, which is counted as bytes."""
        kind = _comparable_type(self.types[column])
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    def values_of(self, column: str) -> str:
        """A subquery (id, v, n): how often each value of a sensitive column is in each class."""
        place = self._places[column]
        if len(self._places) == 1:
            return f"(SELECT id, {place} AS v, n FROM held)"  # noqa: S608 - own names
        return f"(SELECT id, {place} AS v, sum(n)::BIGINT AS n FROM held GROUP BY id, {place})"  # noqa: S608

    def totals_of(self, column: str) -> str:
        """A subquery (v, total): how often each value of a sensitive column is in the table, or in
        the reference where one was counted."""
        if not self._has_reference:
            return f"(SELECT v, sum(n)::HUGEINT AS total FROM {self.values_of(column)} GROUP BY v)"  # noqa: S608
        place = self._places[column]
        return f"(SELECT {place} AS v, sum(n)::HUGEINT AS total FROM reference GROUP BY {place})"  # noqa: S608

    def run(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query; `CheckFailed` when the memory is not enough, or for any failure."""
        with self._failing():
            # An unfetched result keeps the connection from its next query.
            return self._database.execute(query).fetchall()

    def arrow(self, query: str) -> pa.Table:
        """The rows of a query as a table; fails as ``run`` does."""
        with self._failing():
            return self._database.sql(query).to_arrow_table()

    def _read(self, query: str) -> None:
        """A query over a stream, in a thread: who waits for DuckDB itself does not hear Ctrl-C."""
        waiting = Event()

        def work() -> None:
            waiting.wait()  # until Ctrl-C is listened for
            self.run(query)

        with ThreadPoolExecutor(1) as pool:
            try:
                running = pool.submit(work)
                waiting.set()
                running.result()
            except KeyboardInterrupt:
                self._stopped.set()
                waiting.set()
                self._database.interrupt()
                raise

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except duckdb.OutOfMemoryException:
            raise CheckFailed(
                f"{self._named()} have too many combinations to be counted in {self._memory_mib} "
                "MiB; generalise them further, or permit more memory"
            ) from None
        except duckdb.Error:
            raise CheckFailed(f"the combinations of {self._named()} cannot be counted") from None

    def keep(self, name: str, table: pa.Table) -> None:
        """Make a small table of our own known to the queries."""
        self._database.register(name, table)

    def number(self, query: str) -> int:
        """The one whole number of a query; null is 0."""
        [(value,)] = self.run(query)
        return int(value or 0)

    @contextmanager
    def _incoming(
        self,
        batches: Iterator[pa.RecordBatch],
        quasi_identifiers: Sequence[str],
        sensitive: Sequence[str],
    ) -> Iterator[None]:
        """Registers the stream of the chosen columns; a failure of the stream is raised as it was."""
        failed: list[Exception] = []

        def chosen() -> Iterator[pa.RecordBatch]:
            try:
                for batch in batches:
                    if self._stopped.is_set():
                        return
                    yield _chosen(batch, quasi_identifiers, sensitive)
            except Exception as error:
                failed.append(error)  # DuckDB would make a text of it
                raise

        stream = chosen()
        first = next(stream)  # there is one, see `_opened`
        reader = pa.RecordBatchReader.from_batches(first.schema, chain([first], stream))
        self._database.register("incoming", reader)
        try:
            yield
        except GatewayError:
            if failed:
                raise failed[0] from None
            raise
        finally:
            self._database.unregister("incoming")

    def _named(self) -> str:
        return ", ".join(self.quasi_identifiers[:20])


def _counted(columns: str, table: str) -> str:
    return f"SELECT {columns}, count(*)::BIGINT AS n FROM {table} GROUP BY {columns}"  # noqa: S608 - own names


def _opened(rows: Rows) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The schema, and the batches with at least one, which may be empty."""
    if isinstance(rows, pa.RecordBatchReader):
        schema = rows.schema
        return schema, chain([_empty(schema)], rows)
    batches: Iterator[pa.RecordBatch] = iter(rows)
    first = next(batches, None)
    if first is None:
        raise InvalidRequest("there are no batches: give a reader, whose schema is known")
    return first.schema, chain([first], batches)


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], kind) for kind in schema.types], schema=schema)


def _types(schema: pa.Schema, columns: Sequence[str]) -> dict[str, pa.DataType]:
    """The types of the columns, or all that is wrong with them."""
    wrong: list[Violation] = []
    if not columns:
        wrong.append(Violation("quasi_identifiers", "name at least one column"))
    for name in dict.fromkeys(columns):
        if columns.count(name) > 1:
            wrong.append(Violation(name, "is named twice"))
        times = schema.names.count(name)
        if times == 0:
            wrong.append(Violation(name, "is not a column of the table"))
        elif times > 1:
            wrong.append(Violation(name, "the table has several columns of this name"))
        elif pa.types.is_nested(_plain(schema.field(name).type)):
            wrong.append(Violation(name, "holds lists or structures, which have no classes"))
    if wrong:
        raise InvalidRequest.collected(wrong)
    return {name: schema.field(name).type for name in columns}


def _chosen(
    batch: pa.RecordBatch, quasi_identifiers: Sequence[str], sensitive: Sequence[str]
) -> pa.RecordBatch:
    arrays = [_comparable(batch.column(name)) for name in quasi_identifiers]
    arrays += [_value(batch.column(name)) for name in sensitive]
    names = [f"q{place}" for place in range(len(quasi_identifiers))]
    names += [f"s{place}" for place in range(len(sensitive))]
    return pa.RecordBatch.from_arrays(arrays, names=names)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _comparable(column: pa.Array) -> pa.Array:
    """In a type that DuckDB tells apart by nothing but the value: a reader of the table sees that
    -0.0 is not 0.0, so they are two values here, which is the safe side."""
    column = _ordered(column)
    if pa.types.is_floating(column.type):
        return column.view(f"int{column.type.bit_width}")
    return column


def _value(column: pa.Array) -> pa.Array:
    """A sensitive column as what it tells: nothing by NaN and by an empty text, which two classes
    of diversity would otherwise be made of."""
    column = _ordered(column)
    empty: Any = None
    if pa.types.is_floating(column.type):
        column = pc.add(column, pa.scalar(0.0, column.type))  # -0.0 becomes 0.0
        empty = pc.is_nan(column)
    elif pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        empty = pc.equal(pc.binary_length(column), 0)
    if empty is None:
        return column
    return pc.replace_with_mask(column, pc.fill_null(empty, False), pa.scalar(None, column.type))


def _comparable_type(kind: pa.DataType) -> pa.DataType:
    return _comparable(pa.array([], kind)).type


def _ordered_type(kind: pa.DataType) -> pa.DataType:
    return _ordered(pa.array([], kind)).type


def _ordered(column: pa.Array) -> pa.Array:
    """In a type that DuckDB also orders as the values are: bytes, numbers."""
    kind = _plain(column.type)
    if kind != column.type:
        column = column.cast(kind)
    if pa.types.is_null(kind):
        return column.cast(pa.int8())
    if pa.types.is_string(kind) or pa.types.is_fixed_size_binary(kind):
        return column.cast(pa.binary())
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.large_binary())
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    if pa.types.is_temporal(kind):
        return column.view(f"int{kind.bit_width}")
    return column
