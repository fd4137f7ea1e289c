"""The reader of Arrow streams by itself: what it lets through is sound without any later check."""

import io
import struct

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import ipc

from gateway.api.arrow_feed import BATCH_ROWS, record_reader
from gateway.api.pb import catalog_pb2
from gateway.errors import CallerError, Cancelled, HolderError, RecordsRejected

TABLE = pa.table({"id": ["a", "b", None], "amount": [1, 2, 3]})


def stream_of(*batches):
    sink = io.BytesIO()
    with ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write(batch)
    return sink.getvalue()


GOOD = stream_of(*TABLE.to_batches(max_chunksize=2))


def inbox(stream, piece=1 << 20):
    for start in range(0, len(stream), piece):
        yield catalog_pb2.PushRecordsRequest(payload=stream[start : start + piece])


def read(stream, piece=1 << 20):
    with record_reader(inbox(stream, piece)) as records:
        return records.read_all()


@given(piece=st.integers(1, 400))
def test_a_good_stream_is_read_in_pieces_of_any_size(piece):
    assert read(GOOD, piece) == TABLE


def test_a_stream_without_batches_is_an_empty_table():
    empty = stream_of(pa.RecordBatch.from_pylist([], schema=TABLE.schema))
    assert read(empty).num_rows == 0
    assert read(stream_of(TABLE.schema.empty_table().combine_chunks())).schema == TABLE.schema


def test_offsets_that_point_outside_are_refused_here():
    offsets = struct.pack("<iii", 0, 1, 2)
    assert GOOD.count(offsets) == 1
    wild = GOOD.replace(offsets, struct.pack("<iii", 0, 1, 1 << 30))
    with pytest.raises(RecordsRejected, match="batch 1 is not well formed"):
        read(wild)


def test_text_that_is_not_utf8_is_refused_here():
    text = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(struct.pack("<ii", 0, 2)), pa.py_buffer(b"\xff\xfe")]
    )
    with pytest.raises(RecordsRejected, match="not well formed"):
        read(stream_of(pa.RecordBatch.from_arrays([text], ["id"])))


def test_rows_that_need_no_bytes_are_counted_here():
    def nothing(rows):
        column = pa.Array.from_buffers(pa.null(), rows, [None])
        return stream_of(pa.RecordBatch.from_arrays([column], ["id"]))

    assert read(nothing(BATCH_ROWS)).num_rows == BATCH_ROWS
    with pytest.raises(RecordsRejected, match="more than"):
        read(nothing(BATCH_ROWS + 1))


@given(st.binary(max_size=400), st.integers(0, len(GOOD)))
def test_nothing_but_refusals_comes_of_other_bytes(noise, kept):
    try:
        table = read(GOOD[:kept] + noise)
    except (CallerError, HolderError):
        return
    assert table == TABLE


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_changed_byte_gives_a_refusal_or_a_sound_table(place, change):
    bad = bytearray(GOOD)
    bad[place] ^= change
    try:
        table = read(bytes(bad))
    except (CallerError, HolderError):
        return
    table.validate(full=True)


def test_what_breaks_the_stream_is_what_the_reader_raises():
    def breaks():
        yield from inbox(GOOD[:300])
        raise Cancelled("the stream broke off")

    with record_reader(breaks()) as records, pytest.raises(Cancelled):
        records.read_all()
