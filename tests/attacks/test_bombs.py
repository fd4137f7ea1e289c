"""Small messages that would cost much: each is refused, and the gateway goes on serving."""

import struct
import time
from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest

from gateway.api.pb import catalog_pb2, policy_pb2, protect_pb2
from gateway.model.catalog import Column, DataSetDraft, PushedSource

SOON = 10.0
HEAD = "format: gateway-policy/1\nname: policies/bomb\npurposes: {study: x}\n"


def rules(count: int) -> str:
    one = "  - {{name: r{0}, match: {{column: [c{0}]}}, transform: {{kind: keep}}}}\n"
    return HEAD + "rules:\n" + "".join(one.format(number) for number in range(count))


def pattern(text: str) -> str:
    return (
        HEAD + "rules:\n  - name: one\n    match: {column: [name]}\n"
        f"    transform: {{kind: mask_pattern, pattern: '{text}'}}\n"
    )


LAUGHS = (
    HEAD
    + "a0: &a0 [x, x]\n"
    + "".join(f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 9) + "]\n" for n in range(1, 12))
)
BOMBS = {
    "a billion laughs": LAUGHS,
    "a key that merges": HEAD + "base: &b {a: 1}\nrules:\n  <<: *b\n",
    "a tag that builds an object": HEAD + "title: !!python/object/apply:os.system ['true']\n",
    "ten thousand levels": HEAD + "rules: " + "[" * 10_000 + "]" * 10_000,
    "more than a megabyte": HEAD + "description: " + "x" * (1 << 20),
    "too many rules": rules(1001),
    "many documents": HEAD + "---\n" * 10_000,
    "a huge number": HEAD + "rules: " + "9" * 100_000,
    "a backreference": pattern(r"(a)\1"),
    "a look-ahead": pattern("(?=a)b"),
    "repetition of repetition": pattern("((a{1,1000}){1,1000}){1,1000}"),
    "a huge repetition": pattern("a{1,1000000}"),
    "many classes": pattern("(" + r"\pL{100}" * 60 + "){10}"),
    "an endless pattern": pattern("(a|" * 160 + "b" + ")" * 160 + "?"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_policy_that_would_cost_much_is_refused_at_once(rpcs, bomb) -> None:
    officer = rpcs.stub("policies", "officer")
    began = time.monotonic()
    for call in (
        lambda: officer.LintPolicy(policy_pb2.LintPolicyRequest(text=BOMBS[bomb])),
        lambda: officer.CreatePolicy(
            policy_pb2.CreatePolicyRequest(request_id=rpcs.new_id(), text=BOMBS[bomb])
        ),
    ):
        found = rpcs.refused(call)
        assert found.code == "INVALID_ARGUMENT", found
        assert found.fields, found
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize("text", ["(a+)+z", "(a|aa)+z", "(.*)*z", "([a-z]+)*[0-9]"])
def test_a_pattern_that_is_catastrophic_elsewhere_takes_linear_time(rpcs, text) -> None:
    rpcs.activate(
        pattern(text).replace("bomb", "slow")
        + "    obligations: {expires_after_days: 1}\non_unhandled: suppress\n"
    )
    records = pa.table({"name": ["a" * 100_000] * 20})
    began = time.monotonic()
    answers = protect(rpcs, stream_of(records), policy="policies/slow", purpose="study")
    assert answers[0].HasField("decision")
    assert time.monotonic() - began < SOON


# ---- streams of records --------------------------------------------------------------------------


def stream_of(table: pa.Table, **options) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


GOOD = stream_of(pa.table({"name": ["张三", "李四"], "n": pa.array([1, 2])}))


def messages(stream: bytes) -> list[int]:
    """Where each encapsulated message begins."""
    places, at = [], 0
    while at < len(stream):
        places.append(at)
        length = struct.unpack_from("<I", stream, at + 4)[0]
        if length == 0:
            break
        at += 8 + length + pa.ipc.read_message(stream[at:]).body.size if length else 0
    return places


def with_offsets_outside() -> bytes:
    """Text whose offsets point far outside of its buffer."""
    batch = pa.record_batch({"name": ["aaaa", "bbbb"], "n": pa.array([1, 2])})
    offsets = struct.pack("<iii", 0, 4, 8)
    whole = stream_of(pa.Table.from_batches([batch]))
    assert whole.count(offsets) == 1
    return whole.replace(offsets, struct.pack("<iii", 0, 1 << 30, (1 << 31) - 1))


def huge_length() -> bytes:
    return GOOD[:4] + struct.pack("<I", 0xFFFFFFF8) + GOOD[8:]


def no_columns() -> bytes:
    return stream_of(pa.table({}))


def nested() -> bytes:
    kind = pa.int8()
    for _ in range(60):
        kind = pa.list_(kind)
    return stream_of(pa.table({"name": pa.array([None], kind), "n": pa.array([1])}))


def dictionary() -> bytes:
    names = pa.array(["x", "y"]).dictionary_encode()
    return stream_of(pa.table({"name": names, "n": pa.array([1, 2])}))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"\x00",
    "noise": lambda: bytes(range(256)) * 64,
    "text": lambda: b"name,n\n1,2\n",
    "a Parquet file": lambda: b"PAR1" + b"\x00" * 100 + b"PAR1",
    "cut in the schema": lambda: GOOD[:40],
    "cut in a batch": lambda: GOOD[:-30],
    "cut before its end marker": lambda: GOOD[:-8],
    "bytes after its end": lambda: GOOD + b"x",
    "two streams": lambda: GOOD + GOOD,
    "a batch before the schema": lambda: GOOD[messages(GOOD)[1] :],
    "lengths of gigabytes": huge_length,
    "offsets outside": with_offsets_outside,
    "no columns": no_columns,
    "sixty levels of lists": nested,
    "dictionaries": dictionary,
    "compressed": lambda: stream_of(
        pa.table({"name": ["x" * 1000] * 1000, "n": pa.array([1] * 1000)}), compression="zstd"
    ),
    "a column of another type": lambda: stream_of(pa.table({"name": [1], "n": pa.array([1])})),
    "a column twice": lambda: stream_of(
        pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["name", "name"])
    ),
    "a name that is a path": lambda: stream_of(
        pa.table({"../name": ["x"], "n'; DROP TABLE audit; --": pa.array([1])})
    ),
}


def pieces(header, kind, stream: bytes) -> Iterator:
    yield kind(header=header)
    for start in range(0, len(stream), 1 << 20):
        yield kind(payload=stream[start : start + (1 << 20)])


def protect(rpcs, stream: bytes, *, policy: str, purpose: str) -> list:
    header = protect_pb2.ProtectRecordsHeader(
        policy=policy, purpose=purpose, recipient_kind="research"
    )
    header.columns.add(name="name", type="string", entity="NONE", grade="general-2", role=4)
    stub = rpcs.stub("protect", "holder")
    return list(stub.ProtectRecords(pieces(header, protect_pb2.ProtectRecordsRequest, stream)))


@pytest.fixture
def pushed(office) -> str:
    columns = tuple(
        Column(name=name, type=kind, entity="NONE", grade="general-2", role="other")
        for name, kind in (("name", "string"), ("n", "int64"))
    )
    draft = DataSetDraft(name="datasets/pushed", title="t", source=PushedSource(), columns=columns)
    return office.rooms.catalog.register(office.holder, draft, office.key()).name


def push(rpcs, name: str, stream: bytes):
    header = catalog_pb2.PushRecordsHeader(request_id=rpcs.new_id(), dataset=name)
    stub = rpcs.stub("catalog", "holder")
    return stub.PushRecords(pieces(header, catalog_pb2.PushRecordsRequest, stream))


def test_hostile_records_are_refused_whole_and_the_next_ones_taken(rpcs, office, pushed) -> None:
    staging = office.settings.state / "staging"
    for what, make in HOSTILE.items():
        found = rpcs.refused(lambda make=make: push(rpcs, pushed, make()))
        assert found.code == "INVALID_ARGUMENT", (what, found)
        assert found.reason in {"STREAM_MALFORMED", "RECORDS_REJECTED", "INVALID_REQUEST"}, what
        assert not list(staging.iterdir()), what
    assert push(rpcs, pushed, GOOD).dataset.rows == 2


def test_hostile_records_are_not_protected_either(rpcs, office) -> None:
    staging = office.settings.state / "staging"
    purpose = {"policy": "policies/study", "purpose": "public-health-research"}
    for what, make in HOSTILE.items():
        if what in {"a column of another type", "a name that is a path"}:
            continue  # nobody said what these records were to be
        found = rpcs.refused(lambda make=make: protect(rpcs, make(), **purpose))
        assert found.code == "INVALID_ARGUMENT", (what, found)
        assert not list(staging.iterdir()), what
