"""Records in and out: whole or not at all, bounded, and from nobody who is trusted."""

import struct
import threading
import time

import grpc
import pyarrow as pa
import pytest
from pyarrow import ipc

from gateway.api.limits import Limits
from gateway.api.pb import catalog_pb2, protect_pb2, release_pb2
from gateway.model.catalog import Column, DataSetDraft, PushedSource
from gateway.model.lifecycle import DataSetState

SCHEMA = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("amount", pa.int64())])
TABLE = pa.table({"id": ["a", "b", "c"], "amount": [1, 2, None]}, SCHEMA)


def stream_of(table, schema=None, batch_rows=2, **options):
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, schema or table.schema, options=ipc.IpcWriteOptions(**options)) as w:
        w.write_table(table, max_chunksize=batch_rows)
    return sink.getvalue().to_pybytes()


GOOD = stream_of(TABLE)


@pytest.fixture
def pushed(office):
    """A data set that awaits records."""
    columns = tuple(
        Column(name=field.name, type=str(field.type), nullable=field.nullable) for field in SCHEMA
    )
    draft = DataSetDraft(
        name="datasets/pushed", title="Pushed", source=PushedSource(), columns=columns
    )
    return office.rooms.catalog.register(office.holder, draft, office.key())


def parts(served, stream, piece=7, dataset="datasets/pushed", request_id=None):
    header = catalog_pb2.PushRecordsHeader(
        request_id=request_id or served.new_id(), dataset=dataset
    )
    yield catalog_pb2.PushRecordsRequest(header=header)
    for start in range(0, len(stream), piece):
        yield catalog_pb2.PushRecordsRequest(payload=stream[start : start + piece])


def push(served, stream, **options):
    return served.stub("catalog", "holder").PushRecords(parts(served, stream, **options))


def state(served):
    dataset = served.office.rooms.catalog.get(served.office.holder, "datasets/pushed")
    return dataset.state, dataset.version.rows if dataset.version else None


def left_behind(served):
    staging = served.office.settings.state / "staging"
    return [path for path in staging.rglob("*") if path.is_file()]


def test_records_arrive_whole_in_pieces_of_any_size(served, pushed):
    for piece in (1, 7, 1 << 20):
        answer = push(served, GOOD, piece=piece)
        assert (answer.dataset.state, answer.dataset.rows) == (2, 3), piece
    assert len(left_behind(served)) == 1


def test_a_repeated_push_is_not_taken_in_twice(served, pushed):
    request_id = served.new_id()
    first = push(served, GOOD, request_id=request_id)
    again = push(served, GOOD, request_id=request_id)
    newest = [answer.dataset.classification.number for answer in (first, again)]
    assert newest[0] == newest[1]  # taken in twice, it would have been classified twice


def cut(at):
    return GOOD[:at]


def with_length(length):
    return struct.pack("<II", 0xFFFFFFFF, length) + b"\0" * 64


def with_body_length(length):
    """The good stream, whose first batch says that it is so long."""
    schema_end = 8 + struct.unpack_from("<I", GOOD, 4)[0]
    metadata = bytearray(GOOD[schema_end:])
    message = 8 + struct.unpack_from("<I", metadata, 8)[0]
    vtable = message - struct.unpack_from("<i", metadata, message)[0]
    field = struct.unpack_from("<H", metadata, vtable + 10)[0]
    struct.pack_into("<q", metadata, message + field, length)
    return GOOD[:schema_end] + bytes(metadata)


def wild_offsets():
    """A text column whose last offset points far outside of its bytes."""
    offsets = struct.pack("<iii", 0, 1, 2)
    assert GOOD.count(offsets) == 1
    return GOOD.replace(offsets, struct.pack("<iii", 0, 1, 1 << 30))


def not_utf8():
    offsets = pa.py_buffer(struct.pack("<ii", 0, 2))
    ids = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"\xff\xfe")])
    batch = pa.RecordBatch.from_arrays([ids, pa.array([1])], schema=SCHEMA)
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, SCHEMA) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def many_rows_of_nothing():
    schema = pa.schema([pa.field("id", pa.null())])
    batch = pa.RecordBatch.from_arrays(
        [pa.Array.from_buffers(pa.null(), (1 << 31) - 1, [None])], schema=schema
    )
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


HOSTILE = {
    "empty": b"",
    "garbage": b"\x00\x01garbage" * 50,
    "text": b"id,amount\na,1\n" * 20,
    "a Parquet file": b"PAR1" + b"\0" * 100,
    "cut before the end marker": cut(-8),
    "cut in a batch": cut(-40),
    "cut in the schema": cut(100),
    "only a schema, cut off": cut(8 + struct.unpack_from("<I", GOOD, 4)[0]),
    "an end marker only": GOOD[-8:],
    "no schema": GOOD[8 + struct.unpack_from("<I", GOOD, 4)[0] :],
    "bytes after the end": GOOD + b"more",
    "two streams": GOOD + GOOD,
    "a huge length of metadata": with_length(0x7FFFFFF8),
    "an odd length of metadata": with_length(13),
    "metadata of zeros": with_length(64),
    "a huge body": with_body_length(1 << 62),
    "a negative body": with_body_length(-8),
    "offsets that point outside": wild_offsets(),
    "text that is not UTF-8": not_utf8(),
    "compressed": stream_of(TABLE, compression="lz4"),
    "dictionaries": stream_of(pa.table({"id": pa.array(["a", "a"]).dictionary_encode()})),
    "a batch of very many rows of nothing": many_rows_of_nothing(),
    "two columns of one name": stream_of(pa.Table.from_arrays([TABLE["id"]] * 2, ["id", "id"])),
    "nested columns": stream_of(pa.table({"id": [[1]], "amount": [1]})),
    "another schema": stream_of(pa.table({"id": ["a"]})),
    "nulls where there are none": stream_of(pa.table({"id": ["a", None], "amount": [1, 2]})),
}


@pytest.mark.parametrize("fault", HOSTILE)
def test_a_hostile_stream_leaves_everything_as_it_was(served, pushed, fault):
    push(served, GOOD)
    kept = left_behind(served)
    memory = pa.total_allocated_bytes()
    found = served.refused(lambda: push(served, HOSTILE[fault], piece=64))
    assert found.code == "INVALID_ARGUMENT", found
    assert found.reason in {"STREAM_MALFORMED", "RECORDS_REJECTED", "INVALID_REQUEST"}
    assert state(served) == (DataSetState.ACTIVE, 3)
    assert left_behind(served) == kept
    assert pa.total_allocated_bytes() - memory < 1 << 20


def test_every_truncation_of_a_stream_is_noticed(served, pushed):
    for end in range(0, len(GOOD), 24):
        found = served.refused(lambda end=end: push(served, GOOD[:end], piece=4096))
        assert found.reason == "STREAM_MALFORMED", end
    assert state(served) == (DataSetState.AWAITING_RECORDS, None)


def test_every_flipped_byte_is_harmless(served, pushed):
    # What is still a sound stream of this schema may be taken in; nothing else, and no crash.
    for place in range(0, len(GOOD), 16):
        bad = bytearray(GOOD)
        bad[place] ^= 0x55
        assert outcome(lambda bad=bad: push(served, bytes(bad), piece=4096)) in (
            None,
            grpc.StatusCode.INVALID_ARGUMENT,
        ), place


def outcome(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return None


def test_messages_in_the_wrong_order(served, pushed):
    header = next(parts(served, b""))
    stub = served.stub("catalog", "holder")
    payload = catalog_pb2.PushRecordsRequest(payload=GOOD)
    for messages, field in (
        ([], "header"),
        ([payload], "header"),
        ([catalog_pb2.PushRecordsRequest()], "header"),
        ([header, header], "payload"),
        ([header, catalog_pb2.PushRecordsRequest()], "payload"),
        ([header, catalog_pb2.PushRecordsRequest(payload=b"")], "payload"),
        ([header, catalog_pb2.PushRecordsRequest(payload=b"x" * ((2 << 20) + 1))], "payload"),
    ):
        found = served.refused(lambda messages=messages: stub.PushRecords(iter(messages)))
        assert (found.code, found.fields) == ("INVALID_ARGUMENT", [field])


def hanging(first, event):
    yield from first
    event.wait(20)


def test_a_client_that_goes_silent_or_away_leaves_nothing(serve, office, pushed):
    limits = Limits(idle_seconds=0.3, intakes=1, threads=2)
    with serve(limits=limits) as served:
        stub = served.stub("catalog", "holder")
        silent = threading.Event()
        found = served.refused(
            lambda: stub.PushRecords(hanging(list(parts(served, GOOD[:200])), silent))
        )
        silent.set()
        assert (found.code, found.reason) == ("DEADLINE_EXCEEDED", "STREAM_IDLE")
        gone = threading.Event()
        call = stub.PushRecords.future(hanging(list(parts(served, GOOD[:200])), gone))
        time.sleep(0.05)
        busy = served.refused(lambda: push(served, GOOD))
        assert (busy.code, busy.reason) == ("RESOURCE_EXHAUSTED", "INTAKE_BUSY")
        call.cancel()
        gone.set()
        for _ in range(100):
            if outcome(lambda: push(served, GOOD)) is None:
                break
            time.sleep(0.02)
        assert state(served) == (DataSetState.ACTIVE, 3)
        assert len(left_behind(served)) == 1


def test_one_party_cannot_keep_all_others_from_sending(serve, office, pushed):
    with serve(limits=Limits(idle_seconds=20, intakes=4, threads=4)) as served:
        ended = threading.Event()
        stub = served.stub("catalog", "holder")
        held = [
            stub.PushRecords.future(hanging(list(parts(served, GOOD[:200])), ended))
            for _ in range(2)
        ]
        try:
            for _ in range(100):
                if served.server._door._intakes._value == 2:
                    break
                time.sleep(0.02)
            found = served.refused(lambda: push(served, GOOD))
            assert (found.code, found.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_CALLS")
            consumer = served.stub("protect", "consumer")
            found = served.refused(lambda: list(consumer.ProtectRecords(iter(()))))
            assert found.code == "INVALID_ARGUMENT"  # it was let in and listened to
        finally:
            ended.set()
            for call in held:
                call.cancel()


# ---- protection of what a caller brings ---------------------------------------------------------


POLICY = """
format: gateway-policy/1
name: policies/own
title: Own records
purposes: {testing: tests}
rules:
  - name: mask-identifiers
    match: {column: [id], purpose: [testing]}
    transform: {kind: mask, keep_first: 1}
  - name: keep-amounts
    match: {column: [amount], purpose: [testing]}
    transform: {kind: keep}
"""


def protect(served, stream, purpose="testing", policy="policies/own"):
    header = protect_pb2.ProtectRecordsHeader(
        policy=policy,
        purpose=purpose,
        recipient_kind="research",
        columns=[
            catalog_pb2.Column(name="id", entity="NONE", grade="general-2", role=1),
            catalog_pb2.Column(name="amount", entity="NONE", grade="general-1", role=4),
        ],
    )
    messages = [protect_pb2.ProtectRecordsRequest(header=header)]
    messages += [
        protect_pb2.ProtectRecordsRequest(payload=stream[start : start + 100])
        for start in range(0, len(stream), 100)
    ]
    return served.stub("protect", "holder").ProtectRecords(iter(messages))


def test_records_of_the_callers_own_come_back_protected(served):
    served.office.activate(POLICY)
    table = pa.table({"id": ["abcdef", "ghijkl"], "amount": [1, 2]})
    first, *rest = protect(served, stream_of(table))
    assert first.decision.outcome == 2
    protected = ipc.open_stream(b"".join(part.payload for part in rest)).read_all()
    assert protected["id"].to_pylist() == ["a*****", "g*****"] or all(
        "bcdef" not in text for text in protected["id"].to_pylist()
    )
    assert protected["amount"].to_pylist() == [1, 2]
    assert left_behind(served) == []
    assert ("protect.records", "ok") in served.office.actions()


def test_a_denial_of_own_records_is_all_that_comes_back(served):
    served.office.activate(POLICY)
    table = pa.table({"id": ["a"], "amount": [1], "more": ["x"]})
    (only,) = protect(served, stream_of(table))
    assert only.decision.outcome == 1
    assert only.decision.reasons
    assert left_behind(served) == []


def test_own_records_under_a_policy_that_is_not_there(served):
    found = served.refused(lambda: protect(served, GOOD, policy="policies/nothing"))
    assert found.code == "NOT_FOUND"
    found = served.refused(lambda: protect(served, HOSTILE["garbage"]))
    assert found.code == "INVALID_ARGUMENT"


# ---- reading ------------------------------------------------------------------------------------


def test_a_reader_that_goes_away_is_logged_with_how_far_it_came(served):
    release = served.office.sealed()
    stub = served.stub("releases", "consumer")
    reading = stub.ReadRelease(release_pb2.ReadReleaseRequest(name=release.name))
    next(reading)
    reading.cancel()
    served.stop()
    read = [
        (entry.event.outcome, entry.event.details["from_chunk"])
        for entry in served.office.rooms.trail.entries(0, 1000)
        if entry.event.action == "release.read"
    ]
    assert read[0] == ("STARTED", "0")
    assert read[1][0] in {"CANCELLED", "ok"}  # a small stream may have been sent by then
    assert len(read) == 2


@pytest.mark.parametrize("offset", [-1, 99, 2**31 - 1])
def test_offsets_out_of_bounds(served, offset):
    release = served.office.sealed()
    stub = served.stub("releases", "consumer")
    request = release_pb2.ReadReleaseRequest(name=release.name, offset=offset)
    found = served.refused(lambda: stub.ReadRelease(request))
    assert found.code in {"INVALID_ARGUMENT", "FAILED_PRECONDITION"}


def test_another_consumers_release_does_not_exist(served):
    release = served.office.sealed()
    alice = served.authority.issue_party("alice", served.office.clock.now())
    channel = served.channel_with(alice.private_key, alice.certificate)
    read = channel.unary_stream("/gateway.v1.ReleaseService/ReadRelease")
    request = release_pb2.ReadReleaseRequest(name=release.name).SerializeToString()
    assert served.refused(lambda: read(request)).reason == "NOT_FOUND"
    watch = channel.unary_stream("/gateway.v1.ReleaseService/WatchRelease")
    assert served.refused(lambda: watch(request)).reason == "NOT_FOUND"
