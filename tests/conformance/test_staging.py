"""What ports.Staging promises, on a local folder and on a pyarrow file system."""

import hashlib
import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pa_fs
import pytest

from gateway.errors import StagingCorrupt, StagingUnavailable
from gateway.ports import StagedStream
from gateway.store.places import ArrowPlace, LocalPlace
from gateway.store.staging import CHUNK_BYTES, EncryptedStaging

NAME = "releases/one"
KEY = bytes(range(32))
SCHEMA = pa.schema([("id", pa.int64()), ("text", pa.string())])


class SystemEntropy:
    def bytes(self, count: int) -> bytes:
        return os.urandom(count)


def rows(count: int, *, first: int = 0, text: str = "居民") -> pa.RecordBatch:
    numbers = range(first, first + count)
    return pa.record_batch([list(numbers), [f"{text}{n:08d}" for n in numbers]], schema=SCHEMA)


def stage(staging: EncryptedStaging, *batches: pa.RecordBatch, name: str = NAME) -> StagedStream:
    with staging.create(name, KEY, SCHEMA) as writer:
        for batch in batches:
            writer.write(batch)
        return writer.finish()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "staging"


@pytest.fixture(params=["local", "arrow"])
def staging(request: pytest.FixtureRequest, folder: Path) -> EncryptedStaging:
    if request.param == "local":
        return EncryptedStaging(LocalPlace(folder), SystemEntropy())
    folder.mkdir()
    inside = pa_fs.SubTreeFileSystem(str(folder), pa_fs.LocalFileSystem())
    return EncryptedStaging(ArrowPlace(inside), SystemEntropy())


def test_joined_payloads_are_one_arrow_stream(staging: EncryptedStaging) -> None:
    batches = [rows(65_536, first=65_536 * n) for n in range(5)]
    staged = stage(staging, *batches)
    chunks = list(staging.chunks(NAME, KEY, 0))
    stream = b"".join(chunk.payload for chunk in chunks)
    assert pa.ipc.open_stream(stream).read_all() == pa.Table.from_batches(batches)
    assert staged.sha256 == hashlib.sha256(stream).hexdigest()
    assert (staged.bytes, staged.chunks) == (len(stream), len(chunks))
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    assert [chunk.last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert sum(chunk.rows for chunk in chunks) == 5 * 65_536
    # Schema first and marker last, each by itself.
    assert pa.ipc.read_schema(pa.py_buffer(chunks[0].payload)) == SCHEMA
    assert chunks[-1].payload == b"\xff\xff\xff\xff\x00\x00\x00\x00"


def test_chunks_are_of_1_to_2_megabytes(staging: EncryptedStaging) -> None:
    large, small = rows(200_000), [rows(50, first=n) for n in range(2_000)]
    stage(staging, large, *small)
    sizes = [len(chunk.payload) for chunk in staging.chunks(NAME, KEY, 0)][1:-1]
    assert all(CHUNK_BYTES <= size <= 2 * CHUNK_BYTES + 4096 for size in sizes[:-1])


def test_rows_of_very_different_sizes(staging: EncryptedStaging) -> None:
    texts = ["x" * (3 * CHUNK_BYTES), *["y"] * 1000, "z" * CHUNK_BYTES, *["y"] * 1000]
    batch = pa.record_batch([list(range(len(texts))), texts], schema=SCHEMA)
    stage(staging, batch)
    chunks = list(staging.chunks(NAME, KEY, 0))
    stream = b"".join(chunk.payload for chunk in chunks)
    assert pa.ipc.open_stream(stream).read_all() == pa.Table.from_batches([batch])
    # Only the row that is larger than a chunk makes a larger one.
    assert sum(len(chunk.payload) > 2 * CHUNK_BYTES + 4096 for chunk in chunks) == 1


@pytest.mark.parametrize("batches", [[], [rows(0)], [rows(1)], [rows(0), rows(3), rows(0)]])
def test_few_or_no_rows(staging: EncryptedStaging, batches: list[pa.RecordBatch]) -> None:
    stage(staging, *batches)
    stream = b"".join(chunk.payload for chunk in staging.chunks(NAME, KEY, 0))
    table = pa.ipc.open_stream(stream).read_all()
    assert table == pa.Table.from_batches(batches, SCHEMA)


def test_nulls_and_slices(staging: EncryptedStaging) -> None:
    whole = pa.record_batch([[1, None, 3, None, 5], ["a", None, "", "四", None]], schema=SCHEMA)
    stage(staging, whole.slice(1, 3))
    stream = b"".join(chunk.payload for chunk in staging.chunks(NAME, KEY, 0))
    assert pa.ipc.open_stream(stream).read_all().to_pylist() == whole.slice(1, 3).to_pylist()


def test_read_from_any_chunk(staging: EncryptedStaging) -> None:
    stage(staging, rows(300_000))
    chunks = list(staging.chunks(NAME, KEY, 0))
    for start in range(len(chunks)):
        assert list(staging.chunks(NAME, KEY, start)) == chunks[start:]
    assert list(staging.chunks(NAME, KEY, len(chunks))) == []


def test_leaving_without_finish_leaves_nothing(staging: EncryptedStaging, folder: Path) -> None:
    def fail() -> None:
        with staging.create(NAME, KEY, SCHEMA) as writer:
            writer.write(rows(100_000))
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fail()
    assert staging.names() == frozenset()
    assert list(folder.iterdir()) == []


def test_not_readable_before_finish(staging: EncryptedStaging) -> None:
    with staging.create(NAME, KEY, SCHEMA) as writer:
        writer.write(rows(100_000))
        assert staging.names() == {NAME}
        with pytest.raises(StagingCorrupt, match="missing"):
            next(staging.chunks(NAME, KEY, 0))


def test_nothing_after_finish(staging: EncryptedStaging) -> None:
    with staging.create(NAME, KEY, SCHEMA) as writer:
        writer.finish()
        with pytest.raises(ValueError, match="finished"):
            writer.write(rows(1))
        with pytest.raises(ValueError, match="finished"):
            writer.finish()
    assert len(list(staging.chunks(NAME, KEY, 0))) == 2


def test_an_unfinished_one_is_destroyed_first(staging: EncryptedStaging, folder: Path) -> None:
    first = staging.create(NAME, KEY, SCHEMA)
    first.write(rows(10))
    second = staging.create(NAME, KEY, SCHEMA)
    second.write(rows(20))
    # The first belonged to a process that lost its lease: it cannot put its stream in place.
    with pytest.raises(StagingUnavailable), first:
        first.finish()
    with second:
        second.finish()
    assert sum(chunk.rows for chunk in staging.chunks(NAME, KEY, 0)) == 20
    assert len(list(folder.iterdir())) == 1


def test_a_finished_one_is_replaced_when_the_next_is_finished(staging: EncryptedStaging) -> None:
    stage(staging, rows(10))
    with staging.create(NAME, KEY, SCHEMA) as writer:
        writer.write(rows(20))
        assert sum(chunk.rows for chunk in staging.chunks(NAME, KEY, 0)) == 10
        writer.finish()
    assert sum(chunk.rows for chunk in staging.chunks(NAME, KEY, 0)) == 20


def test_names_and_destruction(staging: EncryptedStaging, folder: Path) -> None:
    names = ["releases/one", "releases/one.two", "releases/one%2Ftwo", "名", "..", "a b"]
    for name in names:
        stage(staging, rows(3), name=name)
    (folder / "README").write_text("of somebody else")
    assert staging.names() == set(names)
    staging.destroy("releases/one")
    staging.destroy("releases/one")
    staging.destroy("README")
    assert staging.names() == set(names[1:])
    assert (folder / "README").exists()
    with pytest.raises(StagingCorrupt, match="releases/one is missing"):
        next(staging.chunks("releases/one", KEY, 0))


def test_nothing_of_the_records_is_in_the_file(staging: EncryptedStaging, folder: Path) -> None:
    stage(staging, rows(1000, text="CANARY"))
    (file,) = folder.iterdir()
    content = file.read_bytes()
    assert b"CANARY" not in content
    assert b"text" not in content  # a column's name
    assert KEY not in content


def test_a_repeated_run_meets_no_nonce_again(staging: EncryptedStaging, folder: Path) -> None:
    """The same rows under the same key: were the keystream the same, so would be the bytes."""
    stage(staging, rows(1000))
    (file,) = folder.iterdir()
    before = file.read_bytes()
    stage(staging, rows(1000))
    after = file.read_bytes()
    assert len(before) == len(after)
    same = sum(a == b for a, b in zip(before[40:-16], after[40:-16], strict=True))
    assert same < len(before) / 64  # one in 256 by chance


def test_other_schemas_are_refused(staging: EncryptedStaging) -> None:
    coded = pa.schema([("a", pa.dictionary(pa.int32(), pa.string()))])
    with pytest.raises(ValueError, match="dictionaries"):
        staging.create(NAME, KEY, coded)
    with pytest.raises(ValueError, match="another schema"), staging.create(NAME, KEY, SCHEMA) as w:
        w.write(pa.record_batch({"id": [1]}))
    with pytest.raises(ValueError, match="32 bytes"):
        staging.create(NAME, b"short", SCHEMA)
    assert staging.names() == frozenset()


def test_the_last_chunk_of_many_is_there_at_once(staging: EncryptedStaging) -> None:
    staged = stage(staging, *[rows(65_536)] * 20)
    began = time.perf_counter()
    last = next(staging.chunks(NAME, KEY, staged.chunks - 2))
    # Reading and opening all 20 MB takes longer than this on any machine of today.
    assert time.perf_counter() - began < 1
    assert last.index == staged.chunks - 2
