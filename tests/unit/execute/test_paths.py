"""Files below the holder's folder can be opened, and nothing else."""

import os
from pathlib import Path

import pytest

from gateway.errors import InvalidRequest, SourceUnavailable
from gateway.execute.paths import FileIdentity, is_folder, open_below, open_file_below


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    return secret


def test_files_and_folders_below_are_opened(root: Path) -> None:
    (root / "year").mkdir()
    (root / "year" / "a.csv").write_text("x")
    (root / "link.csv").symlink_to("year/a.csv")
    for path in ("year/a.csv", "./year/a.csv", "link.csv", str(root / "year" / "a.csv")):
        descriptor = open_below(root, path, "d")
        assert os.pread(descriptor, 1, 0) == b"x"
        os.close(descriptor)
    folder = open_below(root, "year", "d")
    assert is_folder(folder)
    os.close(folder)


@pytest.mark.parametrize(
    "path",
    [
        "../secret.csv",
        "../missing.csv",
        "/etc/passwd",
        "/etc/missing",
        "a/../../secret.csv",
        "a\0b",
    ],
)
def test_paths_out_of_the_folder_are_refused_alike(root: Path, outside: Path, path: str) -> None:
    with pytest.raises(InvalidRequest, match="does not stay below your source folder"):
        open_below(root, path, "d")


@pytest.mark.parametrize("target", ["../secret.csv", "../missing.csv", "/etc/passwd", "loop"])
def test_links_out_of_the_folder_are_refused_alike(root: Path, outside: Path, target: str) -> None:
    (root / "loop").symlink_to(target)
    with pytest.raises(InvalidRequest, match="does not stay below your source folder"):
        open_below(root, "loop", "d")


def test_a_linked_folder_is_no_way_out(root: Path, outside: Path) -> None:
    (root / "up").symlink_to("..")
    with pytest.raises(InvalidRequest):
        open_below(root, "up/secret.csv", "d")


def test_a_link_put_in_place_after_the_check_is_not_followed(
    root: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "data").mkdir()
    (root / "data" / "secret.csv").write_text("harmless")
    real_open = os.open

    def swapping(path: object, flags: int, *args: object, **kwargs: object) -> int:
        if path == "data":
            (root / "data").rename(root / "old")
            (root / "data").symlink_to("..")
        return real_open(path, flags, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", swapping)
    before = len(list(Path("/dev/fd").iterdir()))
    with pytest.raises((InvalidRequest, SourceUnavailable)):
        open_below(root, "data/secret.csv", "d")
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_what_is_missing_is_unavailable_and_keeps_no_descriptor(root: Path) -> None:
    (root / "file").write_text("")
    before = len(list(Path("/dev/fd").iterdir()))
    for path in ("missing.csv", "missing/a.csv", "file/a.csv"):
        with pytest.raises(SourceUnavailable, match="not there"):
            open_below(root, path, "datasets/x")
    with pytest.raises(SourceUnavailable, match="source folder"):
        open_below(root / "missing", "a.csv", "datasets/x")
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_pipe_is_no_file_and_does_not_hang(root: Path) -> None:
    os.mkfifo(root / "pipe.csv")
    with pytest.raises(InvalidRequest, match="neither a file nor a folder"):
        open_below(root, "pipe.csv", "d")


def test_a_folder_is_no_file(root: Path) -> None:
    (root / "folder").mkdir()
    with pytest.raises(InvalidRequest, match="is a folder"):
        open_file_below(root, "folder", "d")


def test_a_rewrite_that_keeps_size_and_times_is_another_identity(root: Path) -> None:
    file = root / "a.csv"
    file.write_text("a\n1\n")
    with file.open() as stream:
        before = FileIdentity.of(stream.fileno())
        times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
        while True:  # until the file system's clock has ticked
            file.write_text("a\n2\n")
            os.utime(file, ns=times)
            after = FileIdentity.of(stream.fileno())
            if after != before:
                break
    assert (after.size, after.modified_ns) == (before.size, before.modified_ns)
