"""A holder's PostgreSQL as a source, on a real server: types, snapshot, conditions, faults."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import (
    HolderError,
    InvalidRequest,
    RecordsRejected,
    SourceChanged,
    SourceUnavailable,
)
from gateway.execute import postgres_source
from gateway.execute.delivery import BATCH_ROWS
from gateway.execute.postgres_source import with_timeouts
from gateway.execute.sources import Connection, LocalSources
from gateway.model.catalog import Column, CsvSource, ParquetSource, PostgresSource, SourceRef
from gateway.model.conditions import Condition, Operator
from gateway.ports import Source

pytestmark = pytest.mark.postgres

HOLDER = "parties/health"
TABLE = PostgresSource(connection="main", table="people")


@pytest.fixture
def sources(empty_postgres_url: str, tmp_path: Path) -> LocalSources:
    connections = {
        "main": Connection(empty_postgres_url, frozenset({HOLDER})),
        "dead": Connection("postgresql://ann:sekret@127.0.0.1:1/x", frozenset({HOLDER})),
    }
    return LocalSources({HOLDER: tmp_path}, connections, None, bytes)  # type: ignore[arg-type]


@pytest.fixture
def db(empty_postgres_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(empty_postgres_url, autocommit=True) as connection:
        yield connection


def register(sources: LocalSources, source: SourceRef = TABLE) -> tuple[Column, ...]:
    with sources.open(HOLDER, "datasets/people", source, ()) as found:
        return tuple(
            Column(name=f.name, type=str(f.type), nullable=f.nullable) for f in found.schema()
        )


def opened(sources: LocalSources, source: SourceRef = TABLE) -> Source:
    return sources.open(HOLDER, "datasets/people", source, register(sources, source))


def read(sources: LocalSources, source: SourceRef = TABLE) -> list[dict[str, object]]:
    with opened(sources, source) as found:
        return [r for b in found.batches(found.schema().names, (), None) for r in b.to_pylist()]


EVERY_TYPE = """
CREATE TYPE mood AS ENUM ('calm', '激动');
CREATE DOMAIN code AS varchar(20) NOT NULL;
CREATE DOMAIN money_cents AS numeric(12, 2);
CREATE TABLE people (
  flag boolean, small smallint, whole int NOT NULL, big bigint, half real, full_ double precision,
  paid numeric(10, 2), words text, short varchar(9), padded char(5), id uuid, ip inet,
  feeling mood, tag code, cents money_cents, raw bytea, born date, at time, seen timestamp,
  noted timestamptz(3));
INSERT INTO people VALUES (
  true, -1, 2, 3, 1.5, 0.1, 12.30, '张三 ''\\" 😀', 'v', 'ab', '00000000-0000-0000-0000-000000000001',
  '10.0.0.1', '激动', 'x', -0.05, '\\x00ff', '1990-02-03', '23:59:59.000001',
  '2024-02-29 01:02:03.5', '2024-02-29 08:00:00+08');
INSERT INTO people (whole, tag) VALUES (5, 'y');
"""


def test_every_type_is_carried(sources: LocalSources, db: psycopg.Connection) -> None:
    db.execute(EVERY_TYPE)
    types = {c.name: c.type for c in register(sources)}
    assert types == {
        "flag": "bool",
        "small": "int16",
        "whole": "int32",
        "big": "int64",
        "half": "float",
        "full_": "double",
        "paid": "decimal128(10, 2)",
        "words": "string",
        "short": "string",
        "padded": "string",
        "id": "string",
        "ip": "string",
        "feeling": "string",
        "tag": "string",
        "cents": "decimal128(12, 2)",
        "raw": "binary",
        "born": "date32[day]",
        "at": "time64[us]",
        "seen": "timestamp[us]",
        "noted": "timestamp[us, tz=UTC]",
    }
    assert [c.name for c in register(sources) if not c.nullable] == ["whole"]
    first, second = read(sources)
    assert list(first.values()) == [
        True,
        -1,
        2,
        3,
        1.5,
        0.1,
        Decimal("12.30"),
        "张三 '\\\" 😀",
        "v",
        "ab",
        "00000000-0000-0000-0000-000000000001",
        "10.0.0.1/32",
        "激动",
        "x",
        Decimal("-0.05"),
        b"\x00\xff",
        date(1990, 2, 3),
        time(23, 59, 59, 1),
        datetime(2024, 2, 29, 1, 2, 3, 500_000),  # noqa: DTZ001 - the column has no zone
        datetime(2024, 2, 29, tzinfo=UTC),
    ]
    assert {k: v for k, v in second.items() if v is not None} == {"whole": 5, "tag": "y"}


def test_types_that_are_not_carried_are_all_named(
    sources: LocalSources, db: psycopg.Connection
) -> None:
    db.execute(
        "CREATE TABLE people (a int, b numeric, c int[], d jsonb, e interval, f money,"
        " g numeric(39, 0), h numeric(5, -2), i point)"
    )
    with pytest.raises(InvalidRequest) as caught:
        register(sources)
    assert [v.field for v in caught.value.violations] == list("bcdefghi")
    assert "b: the type numeric is not carried; give it precision and scale" in str(caught.value)
    assert "c: the type integer[] is not carried; cast it in a view" in str(caught.value)


def test_strange_names_are_only_names(sources: LocalSources, db: psycopg.Connection) -> None:
    db.execute(
        'CREATE SCHEMA "s""; DROP"; CREATE TABLE "s""; DROP"."t\'; --" ("a"" , 1" int, "姓名" text);'
        'INSERT INTO "s""; DROP"."t\'; --" VALUES (1, \'x\')'
    )
    source = PostgresSource(connection="main", table="t'; --", namespace='s"; DROP')
    with opened(sources, source) as found:
        wanted = Condition(column='a" , 1', operator=Operator.EQUAL, values=("1",))
        batches = list(found.batches(["姓名", 'a" , 1'], [wanted], None))
        assert found.version().rows == 1
    assert batches[0].to_pydict() == {"姓名": ["x"], 'a" , 1': [1]}


@pytest.mark.parametrize(
    "value", ["' OR '1'='1", "\\' OR 1=1 --", "x'; DROP TABLE people; --", "$1"]
)
def test_values_are_only_values(sources: LocalSources, db: psycopg.Connection, value: str) -> None:
    db.execute("CREATE TABLE people (s text)")
    db.execute("ALTER DATABASE " + db.info.dbname + " SET standard_conforming_strings = off")
    db.execute("INSERT INTO people VALUES (%s), ('other')", (value,))
    wanted = Condition(column="s", operator=Operator.EQUAL, values=(value,))
    with opened(sources) as found:
        [batch] = found.batches(["s"], [wanted], None)
    assert batch["s"].to_pylist() == [value]


def test_version_count_and_rows_are_of_one_snapshot(
    sources: LocalSources, db: psycopg.Connection
) -> None:
    db.execute("CREATE TABLE people (n int); INSERT INTO people SELECT generate_series(1, 1000)")
    with opened(sources) as found:
        before = found.version()
        db.execute("DELETE FROM people WHERE n > 10")
        assert found.version() == before
        assert sum(b.num_rows for b in found.batches(["n"], (), None)) == before.rows == 1000
    with opened(sources) as found:
        assert found.version().rows == 10


@pytest.mark.parametrize("relation", ["people", "seen_people", "copied_people", "parted"])
def test_the_fingerprint_changes_with_the_content_only(
    sources: LocalSources, db: psycopg.Connection, relation: str
) -> None:
    db.execute(
        "CREATE TABLE people (n int, s text); INSERT INTO people VALUES (1, 'a'), (2, 'b');"
        "CREATE VIEW seen_people AS SELECT * FROM people;"
        "CREATE MATERIALIZED VIEW copied_people AS SELECT * FROM people;"
        "CREATE TABLE parted (n int, s text) PARTITION BY RANGE (n);"
        "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (2);"
        "CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (2) TO (9);"
        "INSERT INTO parted SELECT * FROM people"
    )
    source = PostgresSource(connection="main", table=relation)

    def fingerprint() -> str:
        with opened(sources, source) as found:
            return found.version().fingerprint

    seen = [fingerprint()]
    assert fingerprint() == seen[0]
    for change in (
        "UPDATE {0} SET s = 'c' WHERE n = 1",
        "DELETE FROM {0} WHERE n = 2",
        "INSERT INTO {0} VALUES (3, 'd')",
    ):
        for table in ("people", "parted"):
            db.execute(change.format(table))
        db.execute("REFRESH MATERIALIZED VIEW copied_people")
        seen.append(fingerprint())
    assert len(set(seen)) == 4


def test_a_view_with_awkward_column_names_is_fingerprinted(
    sources: LocalSources, db: psycopg.Connection
) -> None:
    db.execute("CREATE VIEW people AS SELECT 1 AS t, 'x'::text AS row")
    with opened(sources) as found:
        assert found.version().rows == 1


def test_functions_of_others_are_not_called(sources: LocalSources, db: psycopg.Connection) -> None:
    """Whoever may create functions in a schema that is searched could otherwise run them with the
    gateway's rights (CVE-2018-1058): one with closer argument types is preferred."""
    db.execute("CREATE VIEW people AS SELECT 'x'::text AS a")
    db.execute(
        "CREATE FUNCTION hashtextextended(text, int) RETURNS bigint LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'called'; END $$"
    )
    with opened(sources) as found:
        assert found.version().rows == 1


def test_changed_columns_are_named(sources: LocalSources, db: psycopg.Connection) -> None:
    db.execute("CREATE TABLE people (a int, b text, c date)")
    columns = register(sources)
    db.execute("ALTER TABLE people DROP a, ALTER c TYPE timestamp, ADD d int")
    with (
        pytest.raises(SourceChanged, match="removed: a; added: d; of another type: c"),
        sources.open(HOLDER, "datasets/people", TABLE, columns),
    ):
        pass


def test_faults_are_told_without_address_user_or_password(
    sources: LocalSources, db: psycopg.Connection, empty_postgres_url: str
) -> None:
    dead = PostgresSource(connection="dead", table="people")
    with pytest.raises(SourceUnavailable, match="does not answer") as caught:
        register(sources, dead)
    for fault in (caught.value, caught.value.__cause__):
        assert not any(word in str(fault) for word in ("ann", "sekret", "127.0.0.1"))
    assert caught.value.__suppress_context__
    with pytest.raises(SourceUnavailable, match="table is not there"):
        register(sources)
    assert "sekret" not in repr(sources._connections)


def test_connections_are_bound_to_holders(sources: LocalSources) -> None:
    for holder, name in (("parties/other", "main"), (HOLDER, "unknown")):
        source = PostgresSource(connection=name, table="people")
        with pytest.raises(InvalidRequest, match=f"{name} is not configured for {holder}"):
            sources.open(holder, "datasets/people", source, ())


def test_a_missing_right_is_told(sources: LocalSources, db: psycopg.Connection) -> None:
    db.execute("CREATE TABLE people (n int)")
    role = f"reader_{os.getpid()}"
    db.execute(f"CREATE ROLE {role} LOGIN")
    try:
        uri = sources._connections["main"].uri.replace("postgres:@", f"{role}@")
        sources._connections["main"] = Connection(uri, frozenset({HOLDER}))
        with opened(sources) as found, pytest.raises(HolderError, match="grant it SELECT"):
            found.version()
        with opened(sources) as found, pytest.raises(HolderError, match="grant it SELECT"):
            list(found.batches(["n"], (), None))
    finally:
        db.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("date", "infinity"),
        ("date", "-infinity"),
        ("timestamp", "infinity"),
        ("timestamptz", "-infinity"),
        ("date", "0044-03-15 BC"),
        ("numeric(5, 2)", "NaN"),
    ],
)
def test_values_that_arrow_cannot_mean_name_their_row(
    sources: LocalSources, db: psycopg.Connection, kind: str, value: str
) -> None:
    db.execute(f"CREATE TABLE people (v {kind})")  # type: ignore[arg-type]
    db.execute("INSERT INTO people VALUES (NULL), (%s)", (value,))
    with pytest.raises(RecordsRejected, match="row 2: the value of column v is not of type"):
        read(sources)


def test_the_connection_lost_while_reading_is_unavailable(
    sources: LocalSources, db: psycopg.Connection
) -> None:
    db.execute(
        "CREATE TABLE people AS SELECT i, repeat('x', 1000) s FROM generate_series(1, 100000) i"
    )
    with opened(sources) as found:
        batches = found.batches(["s"], (), None)
        next(batches)
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with pytest.raises(SourceUnavailable):
            list(batches)


def test_a_locked_table_is_no_hang(sources: LocalSources, db: psycopg.Connection) -> None:
    db.execute("CREATE TABLE people (n int)")
    columns = register(sources)
    with db.transaction(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "gateway.execute.postgres_source._SESSION", ("SET LOCAL lock_timeout = '50ms'",)
        )
        db.execute("LOCK TABLE people")
        with (
            sources.open(HOLDER, "datasets/people", TABLE, columns) as found,
            pytest.raises(SourceUnavailable),
        ):
            found.version()


def test_a_slow_view_is_no_hang_but_may_be_read_slowly(
    sources: LocalSources, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.execute.postgres_source._DESCRIBING_LIMIT", "100ms", raising=False)
    db.execute("CREATE VIEW people AS SELECT pg_sleep(0.4)::text AS waited")
    columns = register(sources)
    with (
        sources.open(HOLDER, "datasets/people", TABLE, columns) as found,
        pytest.raises(SourceUnavailable, match="materialised view"),
    ):
        found.version()
    assert len(read(sources)) == 1


def test_reading_stops_early_and_in_any_thread(
    sources: LocalSources, db: psycopg.Connection
) -> None:
    db.execute("CREATE TABLE people AS SELECT generate_series(1, 500000) n")
    with opened(sources) as found:
        batches = found.batches(["n"], (), None)
        with ThreadPoolExecutor(1) as thread:
            first = thread.submit(next, batches).result()
        assert 0 < first.num_rows <= BATCH_ROWS
        batches.close()
        assert found.version().rows == 500_000
        limited = list(found.batches(["n"], (), 70_000))
        assert [b.num_rows for b in limited] == [BATCH_ROWS, BATCH_ROWS, 70_000 - 2 * BATCH_ROWS]
    assert threading.active_count() < 20


@pytest.mark.parametrize(
    ("uri", "ready"),
    [
        ("postgresql://h/d", "postgresql://h/d?connect_timeout=10&"),
        ("postgresql://h/d?a=b", "postgresql://h/d?a=b&connect_timeout=10&"),
        ("host=h dbname=d", "host=h dbname=d connect_timeout=10 "),
    ],
)
def test_waiting_has_limits(uri: str, ready: str) -> None:
    assert with_timeouts(uri).startswith(ready)
    assert with_timeouts(uri + "?connect_timeout=3") == uri + "?connect_timeout=3"


# ---- the same conditions on every source ---------------------------------------------------------

COLUMNS = {
    "n": (pa.int32(), "int", [None, -5, 0, 1, 2**31 - 1]),
    "f": (pa.float64(), "float8", [None, -0.0, 0.0, 0.1, float("nan"), float("inf")]),
    "r": (pa.float32(), "real", [None, 0.10000000149011612, 0.0, 2.0, float("nan")]),
    "s": (pa.string(), "text", [None, "", "a", "B", "b", "é", "张", "a'\\b"]),
    "c": (pa.string(), "char(3)", [None, "", "a", "ab"]),
    "b": (pa.bool_(), "boolean", [None, True, False]),
    "p": (pa.decimal128(6, 2), "numeric(6, 2)", [None, Decimal("0.10"), Decimal("-1.00")]),
    "d": (pa.date32(), "date", [None, date(1970, 1, 1), date(2024, 2, 29)]),
    "t": (pa.time64("us"), "time", [None, time(0), time(23, 59, 59, 999_999)]),
    "m": (pa.timestamp("us", tz="UTC"), "timestamptz", [None, datetime(2024, 1, 1, tzinfo=UTC)]),
}
WRITTEN = {
    "n": ["0", "1", "-5", "7"],
    "f": ["0", "-0", "0.1", "inf", "1e300"],
    "r": ["0.1", "0", "2"],
    "s": ["", "a", "B", "b", "Z", "é", "张", "a'\\b"],
    "c": ["", "a", "ab", "b"],
    "b": ["true", "false"],
    "p": ["0.1", "-1", "0.10"],
    "d": ["1970-01-01", "2000-01-01"],
    "t": ["00:00:00", "12:00:00.5"],
    "m": ["2024-01-01T08:00:00+08:00", "2023-12-31T23:59:59Z"],
}


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    column = draw(st.sampled_from(list(COLUMNS)))
    operators = list(Operator)
    if column == "b":
        operators = [o for o in operators if o.value not in ("<", "<=", ">", ">=")]
    operator = draw(st.sampled_from(operators))
    many = operator in (Operator.IN, Operator.NOT_IN)
    none = operator in (Operator.IS_NULL, Operator.IS_NOT_NULL)
    count = 0 if none else draw(st.integers(1, 3)) if many else 1
    values = draw(st.lists(st.sampled_from(WRITTEN[column]), min_size=count, max_size=count))
    return Condition(column=column, operator=operator, values=tuple(values))


ROWS = 400


@pytest.fixture
def everywhere(sources: LocalSources, db: psycopg.Connection, tmp_path: Path) -> list[Source]:
    """The same rows as a table, a Parquet file and a CSV file, each open."""
    table = pa.table(
        {
            "row": pa.array(range(ROWS), pa.int32()),
            **{
                name: pa.array([values[(i * 7 + k) % len(values)] for i in range(ROWS)], kind)
                for k, (name, (kind, _, values)) in enumerate(COLUMNS.items())
            },
        }
    )
    written = ", ".join(f'"{name}" {kind}' for name, (_, kind, _) in COLUMNS.items())
    db.execute(f"CREATE TABLE people (row int, {written})")  # type: ignore[arg-type]
    with db.cursor() as cursor, cursor.copy("COPY people FROM STDIN") as copy:
        for row in table.to_pylist():
            copy.write_row(tuple(row.values()))
    pq.write_table(table, tmp_path / "p.parquet")
    pa.csv.write_csv(table, tmp_path / "p.csv")
    types = {field.name: str(field.type) for field in table.schema}
    refs = [TABLE, ParquetSource(path="p.parquet"), CsvSource(path="p.csv", types=types)]
    return [opened(sources, ref) for ref in refs]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.lists(conditions(), max_size=2))
def test_conditions_mean_the_same_on_every_source(
    everywhere: list[Source], wanted: list[Condition]
) -> None:
    found = []
    for source in everywhere:
        with source:
            batches = list(source.batches(["row"], wanted, None))
        found.append([row for batch in batches for row in batch["row"].to_pylist()])
    assert found[0] == found[1] == found[2]


# ---- samples --------------------------------------------------------------------------------

MANY = """
CREATE TABLE people (id int, late text, words text);
INSERT INTO people SELECT i, CASE WHEN i > 199900 THEN 'x' || i END, repeat('words ', 9)
  FROM generate_series(1, 200000) AS i;
CREATE VIEW seen AS SELECT * FROM people;
"""


@pytest.mark.parametrize("table", ["people", "seen"])
def test_of_a_large_relation_rows_all_over_it_are_drawn_and_rare_values_are_found(
    sources: LocalSources, db: psycopg.Connection, table: str
) -> None:
    db.execute(MANY)
    with opened(sources, TABLE.but(table=table)) as source:
        found = {one.column: one for one in source.sample(["late", "id"])}
    assert found["late"].values.to_pylist() == [f"x{n}" for n in range(199_901, 200_001)]
    assert not found["late"].coverage.stopped
    assert found["late"].coverage.rows == 200_000
    ids = found["id"].values.to_numpy()
    assert found["id"].coverage.sampled == len(set(ids)) == 20_000
    assert found["id"].coverage.present < 120_000
    counted, _ = np.histogram(ids, bins=10, range=(0, 200_000))
    assert counted.min() > 1_000
    with opened(sources, TABLE.but(table=table)) as source:
        again = next(iter(source.sample(["id"])))
    if table == "people":
        assert again.values.to_numpy().tolist() == ids.tolist()


def test_a_small_table_is_looked_at_whole(sources: LocalSources, db: psycopg.Connection) -> None:
    db.execute("CREATE TABLE people AS SELECT i, NULL::text AS none FROM generate_series(1, 9) i")
    with opened(sources) as source:
        found = list(source.sample(["none", "i"]))
    assert [one.coverage.sampled for one in found] == [0, 9]
    assert found[1].values.to_pylist() == list(range(1, 10))


def test_looking_for_rare_values_ends_in_time_and_the_snapshot_goes_on(
    sources: LocalSources, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.execute(MANY)
    with opened(sources) as source:
        version = source.version()
        slow = "SELECT late FROM public.people WHERE id > 199990 AND pg_sleep(0.5) IS NOT NULL"
        monkeypatch.setattr(postgres_source.sql, "select_present", lambda *_: slow)
        monkeypatch.setattr(postgres_source, "_DESCRIBING_LIMIT", "1500ms")
        found = {one.column: one for one in source.sample(["late", "id"])}
        assert found["id"].coverage.sampled == 20_000
        assert found["late"].coverage.sampled < 100
        assert [found[name].coverage.stopped for name in ("late", "id")] == [True, False]
        assert next(source.batches(["id"], (), 1)).num_rows == 1
        assert source.version() == version


@pytest.mark.parametrize("lost", ["on the way", "at once", "by a fault of the view"])
def test_a_connection_lost_while_looking_for_rare_values_is_not_that_there_are_none(
    sources: LocalSources, db: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    db.execute(MANY)
    ended = "SELECT pg_terminate_backend(pg_backend_pid())::text AS late"
    with opened(sources) as source:
        source.version()
        if lost != "at once":
            fault = "SELECT (1 / (id - 150000))::text AS late FROM people"
            query = ended if lost == "on the way" else fault
            monkeypatch.setattr(postgres_source.sql, "select_present", lambda *_: query)
        else:
            away = "postgresql://127.0.0.1:1/none"
            monkeypatch.setattr(source, "_uri", away)
        with pytest.raises(SourceUnavailable, match="does not answer"):
            list(source.sample(["late"]))
