"""A PostgreSQL table or view as a source, read through ADBC in one read-only snapshot."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

import adbc_driver_manager
import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_postgresql import StatementOptions

from gateway.errors import HolderError, SourceUnavailable
from gateway.execute import postgres_sql as sql
from gateway.execute.delivery import as_registered, check_asked, deliver, rejected
from gateway.execute.filters import RowFilter
from gateway.execute.fingerprints import fingerprint
from gateway.execute.postgres_types import DESCRIBE, Described, schema_of
from gateway.execute.sampling import Draw, draws, finished
from gateway.execute.texts import Unreadable, read_text
from gateway.model.catalog import Column, PostgresSource, SourceVersion
from gateway.model.conditions import Condition
from gateway.model.schema import schema_digest
from gateway.ports import SAMPLED_VALUES, ColumnSample, Progress

_BATCH_BYTES: Final = 4 << 20
_BATCH_HINT: Final = StatementOptions.BATCH_SIZE_HINT_BYTES.value
_FIRST_DAY: Final = -719_162  # 0001-01-01, in days from 1970-01-01
_AFTER_LAST: Final = 2_932_897  # 10000-01-01
_SESSION: Final = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    # Or whoever may create functions in a schema that is searched could run theirs with our rights.
    "SET LOCAL search_path = pg_catalog",
    # Literals are written for it.
    "SET LOCAL standard_conforming_strings = on",
    # Two readings give the rows in the same order.
    "SET LOCAL synchronize_seqscans = off",
    "SET LOCAL max_parallel_workers_per_gather = 0",
    # Text forms of values, for the fingerprint of views.
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL DateStyle = 'ISO'",
    "SET LOCAL IntervalStyle = 'iso_8601'",
    "SET LOCAL extra_float_digits = 3",
    "SET LOCAL bytea_output = 'hex'",
    # A table locked for a change of its structure is an error soon, not a hang.
    "SET LOCAL lock_timeout = '10s'",
)
_DESCRIBING_LIMIT: Final = "20s"
"""Longest query that describes the relation, computes its version or draws a sample of it: calls
wait for these."""

_SAMPLE_ROWS: Final = 60_000
"""Rows of a large relation that are drawn in any case: three times the values taken of a column."""

_PRESENT_ROWS: Final = 1_000_000
"""Most rows that are read of those in which a sparse column has a value."""

_WITH_ROW_VERSIONS: Final = frozenset("rpm")
"""Relations whose rows have ctid and xmin: tables, partitioned tables, materialised views."""


class PostgresTable:
    """A table or view; schema, version and rows are of one snapshot. See ports.Source.

    The fingerprint of a table changes with every row that was inserted, updated or deleted (it
    hashes the versions of all rows), and also when the table was rewritten without a change
    (VACUUM FULL, restore). That of a view or foreign table hashes all rows as text, which is
    slower. Columns of these types are read: boolean, smallint, integer, bigint, real, double
    precision, numeric with precision and scale, text, varchar, char, name, uuid, inet, cidr,
    macaddr, enumerations, bytea, date, time, timestamp, timestamptz, and domains over them.
    """

    def __init__(
        self, dataset: str, uri: str, source: PostgresSource, columns: Sequence[Column]
    ) -> None:
        self._dataset = dataset
        self._uri = uri
        self._source = source
        self._columns = tuple(columns)
        self._table = sql.table(source.namespace, source.table)
        self._version: SourceVersion | None = None

    def __enter__(self) -> "PostgresTable":
        with self._translated():
            self._connection = adbc.connect(with_timeouts(self._uri))
        self._version = None
        try:
            described = self._described()
            self._row_versions = described[0].relation_kind in _WITH_ROW_VERSIONS
            self._schema = as_registered(self._dataset, schema_of(described), self._columns)
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._connection.close()

    def schema(self) -> pa.Schema:
        return self._schema

    def version(self) -> SourceVersion:
        if self._version is None:  # of the snapshot, which stays as it is
            self._version = self._hashed()
        return self._version

    def _hashed(self) -> SourceVersion:
        digest = schema_digest(self._schema)
        query = sql.content_hash(self._table, row_versions=self._row_versions)
        with self._translated():
            rows, content = self._fetched(query)[0]
        return SourceVersion(
            fingerprint=fingerprint("postgres", digest, int(rows), str(content)),
            schema_digest=digest,
            rows=int(rows),
        )

    def batches(
        self, columns: Sequence[str], filters: Sequence[Condition], limit: int | None
    ) -> Iterator[pa.RecordBatch]:
        check_asked(columns, self._schema)
        row_filter = RowFilter.of(filters, self._schema)
        query = sql.select_rows(
            self._table, self._schema, list(dict.fromkeys(columns)), row_filter, limit
        )
        with closing(self._raw(query)) as raw:
            yield from deliver(raw, self._schema, columns, RowFilter(()), limit)

    def sample(
        self,
        columns: Sequence[str],
        progress: Progress = lambda _: None,
        most: int = SAMPLED_VALUES,
    ) -> Iterator[ColumnSample]:
        """Pages all over a large table, rows all over a large view. For columns with too few
        values in these, the rows that have some, as far as the time limit lets them be found."""
        check_asked(columns, self._schema)
        schema = pa.schema([self._schema.field(name) for name in columns])
        rows = self.version().rows
        held = self._drawn(self._sample_query(columns, rows), columns, most)
        progress(len(columns) * rows // 2)
        sparse = [name for name in columns if not held[name].enough]
        stopped = False
        if sparse and rows > _SAMPLE_ROWS:
            found, stopped = self._drawn_in_time(
                sql.select_present(self._table, self._schema, sparse, _PRESENT_ROWS), sparse, most
            )
            held |= {
                name: draw for name, draw in found.items() if draw.present > held[name].present
            }
        progress(len(columns) * rows)
        for field in schema:
            late = stopped and field.name in sparse
            yield finished(held.pop(field.name), field, rows, stopped=late)

    # ---- inside ---------------------------------------------------------------------------------

    def _described(self) -> list[Described]:
        """Begin the snapshot and describe the relation; SourceUnavailable when it is not there."""
        with self._translated():
            with self._connection.cursor() as cursor:
                for setting in _SESSION:
                    cursor.execute(setting)
            rows = self._fetched(DESCRIBE, self._source.namespace, self._source.table)
        if not rows:
            raise self._unavailable()
        return [Described(*row) for row in rows]

    def _fetched(self, query: str, *parameters: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{_DESCRIBING_LIMIT}'")
            cursor.execute(query, parameters or None)
            return list(cursor.fetchall())

    def _raw(self, query: str, limit: str | None = None) -> Generator[pa.RecordBatch, None, None]:
        row = 0
        with self._translated(), self._connection.cursor() as cursor:
            # As long as the consumer takes; a limit that the database sets its users holds again.
            wanted = "TO DEFAULT" if limit is None else f"= '{limit}'"
            cursor.execute(f"SET LOCAL statement_timeout {wanted}")
            cursor.adbc_statement.set_options(**{_BATCH_HINT: str(_BATCH_BYTES)})
            cursor.execute(query)
            with cursor.fetch_record_batch() as reader:
                for batch in reader:
                    yield self._typed(batch, row)
                    row += batch.num_rows

    def _sample_query(self, columns: Sequence[str], rows: int) -> str:
        if rows <= _SAMPLE_ROWS:
            return sql.select_rows(self._table, self._schema, columns, RowFilter(()), None)
        with self._translated(), self._connection.cursor() as cursor:
            cursor.execute("SELECT setseed(0)")  # the same rows each time
        return sql.select_sample(
            self._table,
            self._schema,
            columns,
            _SAMPLE_ROWS / rows,
            pages=self._row_versions,
            most=2 * _SAMPLE_ROWS,
        )

    def _drawn(self, query: str, columns: Sequence[str], most: int) -> dict[str, Draw]:
        held = dict(zip(columns, draws(len(columns), most), strict=True))
        self._draw(query, held)
        return held

    def _drawn_in_time(
        self, query: str, columns: Sequence[str], most: int
    ) -> tuple[dict[str, Draw], bool]:
        """What is found before the time limit, and whether that stopped it. A connection that is
        lost is no such limit: SourceUnavailable."""
        held = dict(zip(columns, draws(len(columns), most), strict=True))
        # In a snapshot of its own: a statement that was stopped ends the transaction it is in.
        aside = PostgresTable(self._dataset, self._uri, self._source, self._columns)
        with aside:
            began = str(aside._fetched("SELECT clock_timestamp()::text")[0][0])
            try:
                aside._draw(query, held)
            except SourceUnavailable:
                if not aside._limit_passed(began):
                    raise
                return held, True
        return held, False

    def _limit_passed(self, began: str) -> bool:
        """Whether a query that failed since then was stopped by its limit. Errors between rows come
        without their state, and their text is in the server's language: but a server that stopped
        a query still answers, and the time has passed."""
        with self._translated():
            self._connection.rollback()
        passed = f"clock_timestamp() - $1::timestamptz >= interval '{_DESCRIBING_LIMIT}'"
        return bool(self._fetched(f"SELECT {passed}", began)[0][0])

    def _draw(self, query: str, held: dict[str, Draw]) -> None:
        with closing(self._raw(query, _DESCRIBING_LIMIT)) as raw:
            for batch in deliver(raw, self._schema, list(held), RowFilter(()), None):
                for draw, column in zip(held.values(), batch.columns, strict=True):
                    draw.see(column)

    def _typed(self, batch: pa.RecordBatch, rows_before: int) -> pa.RecordBatch:
        fields = [self._schema.field(name) for name in batch.schema.names]
        columns = [
            _read(column, field, rows_before)
            for column, field in zip(batch.columns, fields, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Errors of the driver in our words: its own may hold hosts, users, SQL and values."""
        try:
            yield
        except adbc_driver_manager.Error as fault:
            if fault.sqlstate == "42501":
                raise HolderError(
                    f"the gateway's database user may not read the table of {self._dataset}; "
                    "grant it SELECT",
                    dataset=self._dataset,
                ) from None
            if fault.sqlstate == "57014":
                raise SourceUnavailable(
                    f"a query on the table of {self._dataset} took too long and was stopped; "
                    "register a table or a materialised view in place of a slow view",
                    dataset=self._dataset,
                ) from None
            raise self._unavailable() from None
        except (pa.ArrowException, OSError):
            raise self._unavailable() from None

    def _unavailable(self) -> SourceUnavailable:
        return SourceUnavailable(
            f"the database of {self._dataset} does not answer, or the table is not there; "
            "try again later or register the data set again",
            dataset=self._dataset,
        )


def with_timeouts(uri: str) -> str:
    """The connection string with limits on waiting, unless it sets its own."""
    if "connect_timeout=" in uri:
        return uri
    wanted = ["connect_timeout=10", "keepalives_idle=30", "tcp_user_timeout=30000"]
    if uri.startswith(("postgres://", "postgresql://")):
        return uri + ("&" if "?" in uri else "?") + "&".join(wanted)
    return " ".join([uri, *wanted])


def _read(column: pa.Array, field: pa.Field, rows_before: int) -> pa.Array:
    """Text as decimals; dates and moments within the years 1 to 9999, so never infinite."""
    try:
        if pa.types.is_decimal(field.type):
            return read_text(column, field.type)
        if pa.types.is_date(field.type) or pa.types.is_timestamp(field.type):
            _check_years(column)
    except Unreadable as fault:
        raise rejected(rows_before + fault.index, field) from None
    return column


def _check_years(column: pa.Array) -> None:
    days = column.view("int32") if pa.types.is_date(column.type) else column.view("int64")
    unit = 1 if pa.types.is_date(column.type) else 86_400_000_000
    outside = pc.or_(pc.less(days, _FIRST_DAY * unit), pc.greater_equal(days, _AFTER_LAST * unit))
    first = pc.index(outside, value=True).as_py()
    if first >= 0:
        raise Unreadable(first)
