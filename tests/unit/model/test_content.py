"""The content digest: one value for one table, whatever carried it."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.model.content import BLOCK_ROWS, ContentDigest, content_digest

VALUES: dict[pa.DataType, st.SearchStrategy[object]] = {
    pa.string(): st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    pa.binary(): st.binary(max_size=6),
    pa.bool_(): st.booleans(),
    pa.int8(): st.integers(-128, 127),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float32(): st.floats(width=32),
    pa.float64(): st.floats(),
    pa.decimal128(5, 2): st.decimals(-999, 999, places=2),
    pa.date32(): st.dates(),
    pa.time64("us"): st.times(),
    pa.timestamp("us"): st.datetimes(),
    pa.timestamp("us", tz="UTC"): st.datetimes(timezones=st.just(UTC)),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(0, 40))
    kinds = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=4))
    columns = [
        pa.array(draw(st.lists(st.none() | VALUES[k], min_size=rows, max_size=rows)), k)
        for k in kinds
    ]
    return pa.table(columns, [f"c{n}" for n in range(len(kinds))])


def digest(table: pa.Table, size: int | None = None) -> str:
    return content_digest(table.schema, table.to_batches(max_chunksize=size))[0]


@given(tables(), st.integers(1, 40))
def test_batching_does_not_matter(table: pa.Table, size: int) -> None:
    assert digest(table, size) == digest(table)


@given(tables(), st.integers(0, 40))
def test_slices_with_offsets_are_their_own_content(table: pa.Table, start: int) -> None:
    part = table.slice(min(start, table.num_rows))
    copy = pa.table({n: pa.array(part[n].to_pylist(), part[n].type) for n in part.column_names})
    assert digest(part) == digest(copy)


@given(tables())
def test_parquet_keeps_the_digest(table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=7)
    assert digest(pq.read_table(pa.BufferReader(sink.getvalue()))) == digest(table)


def test_encodings_do_not_matter() -> None:
    plain = pa.table({"a": ["x", None, "y", "x"], "n": pa.array([1, 2, None, 4], pa.int64())})
    texts = plain["a"].combine_chunks()
    for encoded in (
        texts.dictionary_encode(),
        texts.cast(pa.large_string()),
        texts.cast(pa.string_view()),
    ):
        assert digest(plain.set_column(0, "a", encoded)) == digest(plain)


def test_what_a_null_hides_does_not_matter() -> None:
    mask = np.array([False, True])
    hidden = pa.array(np.array([1, 99]), mask=mask)
    assert digest(pa.table({"a": hidden})) == digest(pa.table({"a": pa.array([1, None])}))
    texts = pa.StringArray.from_buffers(
        2,
        pa.array([0, 1, 4], pa.int32()).buffers()[1],
        pa.py_buffer(b"xyyy"),
        pc.is_valid(hidden).buffers()[1],
    )
    assert digest(pa.table({"a": texts})) == digest(pa.table({"a": ["x", None]}))


def test_all_nans_are_one() -> None:
    strange = np.array([0x7FF8000000000001, 0xFFF8000000000000], dtype=np.uint64).view(np.float64)
    assert digest(pa.table({"a": strange})) == digest(pa.table({"a": [float("nan")] * 2}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["a", "b"], ["b", "a"]),
        (["ab", "c"], ["a", "bc"]),
        (["", None], [None, ""]),
        ([0, None], [0, 0]),
        ([1, 2], [1, 2, 2]),
        ([0.0], [-0.0]),
        ([True, False], [True, True]),
        ([date(2020, 1, 1)], [date(2020, 1, 2)]),
        ([datetime(2020, 1, 1)], [datetime(2020, 1, 1, 0, 0, 1)]),  # noqa: DTZ001 - no zone meant
        ([time(1)], [time(2)]),
        ([Decimal("1.10")], [Decimal("1.11")]),
    ],
)
def test_other_content_has_another_digest(one: list[object], other: list[object]) -> None:
    assert digest(pa.table({"a": one})) != digest(pa.table({"a": other}))


def test_names_and_types_are_content() -> None:
    table = pa.table({"a": pa.array([1], pa.int64())})
    assert digest(table) != digest(table.rename_columns(["b"]))
    assert digest(table) != digest(table.cast(pa.schema([("a", pa.int32())])))


def test_rows_of_an_empty_table_count() -> None:
    empty = pa.schema([("a", pa.string())])
    assert content_digest(empty, [])[1] == 0
    assert content_digest(empty, [])[0] != digest(pa.table({"a": pa.array([None], pa.string())}))


def test_blocks_end_at_the_same_row_however_batched() -> None:
    table = pa.table({"a": np.arange(2 * BLOCK_ROWS + 3), "b": pa.nulls(2 * BLOCK_ROWS + 3)})
    assert digest(table, BLOCK_ROWS - 1) == digest(table, 1_000) == digest(table)


def test_a_batch_of_another_schema_is_refused() -> None:
    running = ContentDigest(pa.schema([("a", pa.string())]))
    for columns in ({"b": ["x"]}, {"a": [1]}, {"a": ["x"], "b": ["x"]}):
        with pytest.raises(ValueError, match="another schema"):
            running.update(pa.record_batch(columns))


def test_a_complete_digest_takes_nothing_more() -> None:
    running = ContentDigest(pa.schema([("a", pa.string())]))
    first = running.hexdigest()
    assert running.hexdigest() == first
    with pytest.raises(ValueError, match="complete"):
        running.update(pa.record_batch({"a": ["x"]}))


def test_a_type_that_is_not_carried_has_no_digest() -> None:
    with pytest.raises(InvalidRequest, match="a: the type list"):
        ContentDigest(pa.schema([("a", pa.list_(pa.int8()))]))


def test_the_digest_of_a_known_table_never_changes() -> None:
    # Certificates hold digests for years: another value here breaks every one of them.
    table = pa.table(
        {
            "name": ["张三", None, ""],
            "born": [date(1990, 2, 3), None, date(1900, 1, 1)],
            "income": pa.array([Decimal("12.50"), Decimal("-1.00"), None]),
            "score": [1.5, None, float("nan")],
            "staff": [True, None, False],
        }
    )
    assert digest(table) == "b6ad9857a0c76b3eb8ffecff33eb9a43b0bf4b190d00d04d02ccc9da7fac1be8"
