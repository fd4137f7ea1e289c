"""Staged files that somebody changed, and disks that are full."""

import os
import resource
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pa_fs
import pytest

from gateway.errors import StagingCorrupt, StagingUnavailable
from gateway.store.places import ArrowPlace, LocalPlace, Place
from gateway.store.sealing import HEADER_BYTES, TRAILER_BYTES
from gateway.store.staging import EncryptedStaging

KEY = bytes(range(32))
SCHEMA = pa.schema([("id", pa.int64())])


class SystemEntropy:
    def bytes(self, count: int) -> bytes:
        return os.urandom(count)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "staging"


@pytest.fixture
def staging(folder: Path) -> EncryptedStaging:
    return EncryptedStaging(LocalPlace(folder), SystemEntropy())


def stage(staging: EncryptedStaging, name: str = "releases/one", key: bytes = KEY) -> None:
    with staging.create(name, key, SCHEMA) as writer:
        for first in range(3):  # three chunks of a mebibyte
            numbers = pa.array(range(first * 131_072, (first + 1) * 131_072), pa.int64())
            writer.write(pa.record_batch([numbers], schema=SCHEMA))
        writer.finish()


def read(staging: EncryptedStaging, name: str = "releases/one", key: bytes = KEY) -> int:
    return sum(len(chunk.payload) for chunk in staging.chunks(name, key, 0))


def only_file(folder: Path) -> Path:
    (file,) = folder.glob("*.sealed")
    return file


def layout(content: bytes) -> dict[str, range]:
    """Where the parts of the file are."""
    (index_length,) = struct.unpack(">Q", content[-TRAILER_BYTES : -TRAILER_BYTES + 8])
    end = len(content) - TRAILER_BYTES
    return {
        "magic": range(8),
        "salt": range(8, HEADER_BYTES),
        "first chunk": range(HEADER_BYTES, HEADER_BYTES + 40),
        "middle": range(len(content) // 2, len(content) // 2 + 3),
        "last chunk": range(end - index_length - 24, end - index_length),
        "index": range(end - index_length, end),
        "index length": range(end, end + 8),
        "end magic": range(end + 8, len(content)),
    }


def test_every_changed_byte_is_noticed(staging: EncryptedStaging, folder: Path) -> None:
    stage(staging)
    file = only_file(folder)
    content = bytearray(file.read_bytes())
    passed = []
    for part, places in layout(bytes(content)).items():
        for place in places:
            content[place] ^= 0x80
            file.write_bytes(content)
            try:
                read(staging)
            except StagingCorrupt:
                pass
            else:
                passed.append((part, place))
            content[place] ^= 0x80
    assert passed == []
    file.write_bytes(content)
    read(staging)


def test_every_cut_and_every_addition_is_noticed(staging: EncryptedStaging, folder: Path) -> None:
    stage(staging)
    file = only_file(folder)
    content = file.read_bytes()
    lengths = [0, 1, 8, HEADER_BYTES, HEADER_BYTES + 1, len(content) // 2]
    lengths += [len(content) - cut for cut in (1, 8, 15, 16, 17, 56, 80, 100)]
    for length in lengths:
        file.write_bytes(content[:length])
        with pytest.raises(StagingCorrupt):
            read(staging)
    middle, index = HEADER_BYTES + 2000, layout(content)["index"].start
    for changed in (
        content + b"\0",
        content + content[-TRAILER_BYTES:],
        content[:middle] + content[middle + 1 :],
        content[:middle] + b"\0" + content[middle:],
        content[:index] + b"\0" + content[index:],
    ):
        file.write_bytes(changed)
        with pytest.raises(StagingCorrupt):
            read(staging)


def chunk_places(staging: EncryptedStaging) -> list[range]:
    places, offset = [], HEADER_BYTES
    for chunk in staging.chunks("releases/one", KEY, 0):
        places.append(range(offset, offset + len(chunk.payload) + 16))
        offset += len(chunk.payload) + 16
    return places


def test_exchanged_chunks_are_noticed(staging: EncryptedStaging, folder: Path) -> None:
    stage(staging)
    one, two = chunk_places(staging)[1:3]
    assert len(one) == len(two)  # so that the index fits as before
    file = only_file(folder)
    content = bytearray(file.read_bytes())
    first, second = content[one.start : one.stop], content[two.start : two.stop]
    content[one.start : one.stop], content[two.start : two.stop] = second, first
    file.write_bytes(content)
    with pytest.raises(StagingCorrupt, match="chunk 1 of"):
        read(staging)


@pytest.mark.parametrize("same_name", [True, False])
def test_chunks_of_another_file_are_noticed(
    staging: EncryptedStaging, folder: Path, same_name: bool
) -> None:
    """Of another release, and of another attempt at the same one, under the same key."""
    stage(staging)
    place = chunk_places(staging)[2]
    before = only_file(folder).read_bytes()
    other = "releases/one" if same_name else "releases/two"
    stage(staging, other)
    file = next(f for f in folder.iterdir() if (b"two" in bytes(f)) is not same_name)
    content = bytearray(file.read_bytes())
    content[place.start : place.stop] = before[place.start : place.stop]
    file.write_bytes(content)
    with pytest.raises(StagingCorrupt, match="chunk 2 of"):
        read(staging, other)


def test_a_file_under_another_name_is_noticed(staging: EncryptedStaging, folder: Path) -> None:
    stage(staging, "releases/one")
    stage(staging, "releases/two")
    one, two = sorted(folder.iterdir())
    shutil.copyfile(two, one)
    with pytest.raises(StagingCorrupt):
        read(staging, "releases/one")
    read(staging, "releases/two")


def test_another_key_opens_nothing(staging: EncryptedStaging) -> None:
    stage(staging)
    with pytest.raises(StagingCorrupt, match="the key is another"):
        read(staging, key=bytes(32))


def test_a_folder_in_its_place(staging: EncryptedStaging, folder: Path) -> None:
    (folder / "releases%2Fone.sealed").mkdir()
    with pytest.raises((StagingCorrupt, StagingUnavailable)):
        read(staging)


def test_files_are_private(staging: EncryptedStaging, folder: Path) -> None:
    stage(staging)
    assert only_file(folder).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def places(folder: Path) -> list[Place]:
    inside = pa_fs.SubTreeFileSystem(str(folder), pa_fs.LocalFileSystem())
    return [LocalPlace(folder), ArrowPlace(inside)]


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """As on a disk that is full: writing beyond fails (Python ignores the signal)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 20, 1000, 1_500_000, 3_146_000])
def test_a_write_that_fails_leaves_nothing(folder: Path, size: int) -> None:
    folder.mkdir()
    for place in places(folder):
        staging = EncryptedStaging(place, SystemEntropy())
        with files_no_larger_than(size), pytest.raises(StagingUnavailable) as caught:
            stage(staging)
        assert "releases/one" in str(caught.value)
        assert list(folder.iterdir()) == []
        stage(staging)
        assert read(staging) > 3_000_000
        staging.destroy("releases/one")


def test_a_caller_that_goes_on_after_a_failed_write(folder: Path) -> None:
    folder.mkdir()
    staging = EncryptedStaging(LocalPlace(folder), SystemEntropy())
    batch = pa.record_batch([pa.array(range(131_072), pa.int64())], schema=SCHEMA)
    with staging.create("releases/one", KEY, SCHEMA) as writer:
        with files_no_larger_than(1000), pytest.raises(StagingUnavailable):
            writer.write(batch)
        with pytest.raises(ValueError, match="finished"):
            writer.finish()
    assert list(folder.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes, where the test may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting needs a right that this user does not have")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_nothing(small_disk: Path) -> None:
    for place in places(small_disk):
        with pytest.raises(StagingUnavailable) as caught:
            stage(EncryptedStaging(place, SystemEntropy()))
        assert "releases/one" in str(caught.value)
        assert list(small_disk.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StagingUnavailable):
        LocalPlace(tmp_path / "file" / "staging")


def test_memory_does_not_grow_with_the_stream(staging: EncryptedStaging) -> None:
    batch = pa.record_batch([pa.array(range(65_536), pa.int64())], schema=SCHEMA)
    pool = pa.default_memory_pool()
    held = []
    with staging.create("releases/one", KEY, SCHEMA) as writer:
        for _ in range(100):
            writer.write(batch)
            held.append(pool.bytes_allocated())
        writer.finish()
    assert max(held) - held[0] < 4 * 1024 * 1024


def test_shows_no_key(staging: EncryptedStaging) -> None:
    with staging.create("releases/one", KEY, SCHEMA) as writer:
        assert repr(writer) == "<staging writer at chunk 1>"
        assert KEY.hex() not in f"{vars(writer)}"
        assert repr(KEY) not in f"{vars(writer)}"
