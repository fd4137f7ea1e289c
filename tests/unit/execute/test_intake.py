"""Pushed records are held to the schema, staged whole or not at all, and read back."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from gateway.errors import (
    FailedPrecondition,
    RecordsRejected,
    StagingCorrupt,
    StagingUnavailable,
)
from gateway.execute.delivery import BATCH_ROWS
from gateway.execute.intake import StagedIntake
from gateway.model.catalog import Column, DataSet, PushedSource
from gateway.model.content import content_digest
from gateway.model.evidence import Coverage
from gateway.ports import SAMPLED_VALUES

COLUMNS = (
    Column(name="id", type="int64", nullable=False),
    Column(name="name", type="string"),
    Column(name="born", type="date32[day]"),
)
NOW = datetime(2025, 1, 1, tzinfo=UTC)
SET = DataSet(
    name="datasets/residents",
    holder="parties/health",
    title="",
    source=PushedSource(),
    columns=COLUMNS,
    created=NOW,
    updated=NOW,
)
SCHEMA = pa.schema([("id", pa.int64()), ("name", pa.string()), ("born", pa.date32())])


class Keys:
    version = 1

    def derive(self, domain: str, *, version: int | None = None) -> bytes:
        return b"d" * 32

    def wrap(self, key: bytes, context: str) -> bytes:
        return b"wrapped for " + context.encode()

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        return b"k" * 32


class Bytes:
    def bytes(self, count: int) -> bytes:
        return bytes(range(count))


@pytest.fixture
def intake(staging) -> StagedIntake:
    return StagedIntake(staging, Keys(), Bytes())


def rows(count: int) -> pa.Table:
    ids = pa.array(range(count), pa.int64())
    names = pa.array([None if i % 3 == 0 else f"n{i}" for i in range(count)])
    return pa.table([ids, names, ids.cast(pa.int32()).cast(pa.date32())], schema=SCHEMA)


def reader(table: pa.Table, size: int | None = None) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=size))


def test_records_are_staged_and_read_back(intake, staging, opened) -> None:
    table = rows(200_000)
    received = intake.receive(SET, reader(table, 100_000))
    assert received.version.rows == 200_000
    assert received.wrapped_key == b"wrapped for " + received.stream.encode()
    names = received.samples[1]
    assert names.column == "name"
    assert names.coverage == Coverage(rows=200_000, present=133_333, sampled=SAMPLED_VALUES)
    # From the end of what was pushed too, and not from its beginning alone.
    assert pc.max(pc.utf8_ltrim(names.values, "n").cast(pa.int64())).as_py() > 199_000
    source = PushedSource(stream=received.stream)
    with opened(source, COLUMNS) as found:
        assert found.version() == received.version
        assert found.schema().names == ["id", "name", "born"]
        batches = list(found.batches(["born", "id"], (), 150_000))
    assert all(batch.num_rows <= BATCH_ROWS for batch in batches)
    expected = table.select(["born", "id"]).slice(0, 150_000)
    assert content_digest(batches[0].schema, batches) == content_digest(
        expected.schema, expected.to_batches()
    )


def test_other_encodings_and_orders_of_columns_are_taken(intake, staging) -> None:
    pushed = pa.table(
        {
            "name": pa.array(["x", None]).dictionary_encode(),
            "born": pa.array([0, 86_400_000], pa.date64()),
            "id": pa.array([1, 2], pa.int64()),
        }
    )
    received = intake.receive(SET, reader(pushed))
    assert staging.table(received.stream).to_pydict()["name"] == ["x", None]


def test_nothing_pushed_is_an_empty_data_set(intake, opened) -> None:
    received = intake.receive(SET, reader(rows(0)))
    assert [(drawn.column, len(drawn.values)) for drawn in received.samples] == [
        (name, 0) for name in SCHEMA.names
    ]
    with opened(PushedSource(stream=received.stream), COLUMNS) as found:
        assert list(found.batches(["id"], (), None)) == []


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (rows(1).drop_columns("born"), "born is missing"),
        (rows(1).append_column("x", [[1]]), "x is not a column"),
        (rows(1).set_column(0, "id", [["1"]]), "id is string and not int64"),
        (rows(1).append_column("id", rows(1)["id"]), "id is there twice"),
        (rows(1).set_column(0, "id", [[[1]]]), "id is list.* and not int64"),
    ],
)
def test_columns_that_do_not_fit_are_all_named(intake, staging, table, told) -> None:
    with pytest.raises(RecordsRejected, match=told):
        intake.receive(SET, reader(table))
    assert not staging.names()


def test_a_missing_value_names_the_row_in_the_whole_stream(intake, staging) -> None:
    table = rows(100_000)
    ids = pa.chunked_array([table["id"].slice(0, 99_998), pa.array([None, 5], pa.int64())])
    with pytest.raises(RecordsRejected, match="row 99999: column id must have a value") as caught:
        intake.receive(SET, reader(table.set_column(0, "id", ids), 30_000))
    assert caught.value.metadata["row"] == "99999"
    assert not staging.names()


def test_text_that_is_no_utf8_names_row_and_column_and_no_value(intake, staging) -> None:
    bad = pa.array([b"ok", b"secret\xff"], pa.binary()).view(pa.string())
    table = rows(2).set_column(1, "name", bad)
    with pytest.raises(RecordsRejected, match="row 2: the value of column name") as caught:
        intake.receive(SET, reader(table))
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert not staging.names()


def test_lying_offsets_are_refused_before_they_are_followed(intake, staging) -> None:
    honest = rows(1).set_column(1, "name", [["x" * 77_777]])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, honest.schema) as writer:
        writer.write_table(honest)
    head, told, rest = sink.getvalue().to_pybytes().rpartition((77_777).to_bytes(4, "little"))
    lying = pa.ipc.open_stream(head + (2_000_000_000).to_bytes(len(told), "little") + rest)
    with pytest.raises(RecordsRejected, match="row 1"):
        intake.receive(SET, lying)
    assert not staging.names()


def test_indices_out_of_their_dictionary_are_refused_before_they_are_followed(
    intake, staging
) -> None:
    wild = pa.DictionaryArray.from_arrays(
        pa.array([0, 1_000_000_000], pa.int32()), pa.array(["x"]), safe=False
    )
    with pytest.raises(RecordsRejected, match="row 2: the value of column name"):
        intake.receive(SET, reader(rows(2).set_column(1, "name", wild)))
    assert not staging.names()


def test_a_stream_whose_lengths_lie_is_refused(intake, staging) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA) as writer:
        writer.write_table(rows(777))
    honest, length = sink.getvalue().to_pybytes(), (777).to_bytes(8, "little")
    places = [i for i in range(len(honest)) if honest.startswith(length, i)][:4]
    assert len(places) == 4  # the batch's length and those of its columns
    for place in places:
        lying = honest[:place] + (776).to_bytes(8, "little") + honest[place + 8 :]
        with pytest.raises(RecordsRejected, match="well-formed"):
            intake.receive(SET, pa.ipc.open_stream(lying))
    assert not staging.names()


class Broken(Exception):
    """The caller went away."""


def test_a_broken_stream_leaves_nothing(intake, staging) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from rows(10).to_batches()
        raise Broken

    with pytest.raises(Broken):
        intake.receive(SET, pa.RecordBatchReader.from_batches(SCHEMA, batches()))
    assert not staging.names()


def test_a_full_disk_leaves_nothing(intake, staging) -> None:
    staging.room = 1
    with pytest.raises(StagingUnavailable):
        intake.receive(SET, reader(rows(200_000), 50_000))
    assert not staging.names()


def test_no_records_yet_is_said(opened) -> None:
    with (
        pytest.raises(FailedPrecondition, match="push them first"),
        opened(PushedSource(), COLUMNS),
    ):
        pass


def test_a_damaged_stream_is_never_read_as_data(intake, staging, opened) -> None:
    received = intake.receive(SET, reader(rows(10)))
    chunks = staging.streams[received.stream]
    chunks[1] = (chunks[1][0][:-40], chunks[1][1])
    with (
        opened(PushedSource(stream=received.stream), COLUMNS) as found,
        pytest.raises(StagingCorrupt),
    ):
        list(found.batches(["id"], (), None))


def test_a_stream_can_be_discarded(intake, staging) -> None:
    received = intake.receive(SET, reader(rows(10)))
    intake.discard(received.stream)
    assert not staging.names()
