"""Where staged files lie: a local folder, or any pyarrow file system (an object store, say)."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.fs as pa_fs

from gateway.errors import StagingCorrupt, StagingUnavailable
from gateway.store.secret_files import sync_folder

_DONE = ".sealed"
_PART = ".part"


class Draft(Protocol):
    """A file being written. Nobody reads it before ``publish``."""

    def write(self, data: bytes | memoryview) -> None:
        """Append all of ``data``."""

    def publish(self) -> None:
        """Make it durable and let it appear under its name, all at once."""

    def discard(self) -> None:
        """Remove it; no error when it is gone."""


class Opened(Protocol):
    """A published file open for reading."""

    def size(self) -> int:
        """Its length in bytes."""

    def read_at(self, length: int, offset: int) -> bytes:
        """That part of the file; fewer bytes when it ends before."""


class Place(ABC):
    """A folder of streams. Faults are StagingUnavailable; a missing file is StagingCorrupt.

    A draft's file name bears a token of its own: of two processes that write one stream, the
    later removes the earlier's draft, and the earlier cannot publish.
    """

    @abstractmethod
    def draft(self, name: str, token: str) -> Draft:
        """A new file for the stream ``name``."""

    @abstractmethod
    def open(self, name: str) -> AbstractContextManager[Opened]:
        """The published file of that stream."""

    @abstractmethod
    def files(self) -> Iterable[str]:
        """Names of all files in the folder."""

    @abstractmethod
    def remove(self, files: Iterable[str]) -> None:
        """Remove files; no error for one that is gone."""

    def names(self) -> frozenset[str]:
        """All streams, published or not; files of other programs are passed over."""
        with unavailable("the staging folder cannot be read"):
            return frozenset(name for name, _ in map(_stream, self.files()) if name is not None)

    def destroy(self, name: str, *, drafts_only: bool = False) -> None:
        """Remove the stream's file and drafts; no error when there are none."""
        with unavailable(f"the staged file of {name} cannot be removed"):
            self.remove(
                file
                for file in self.files()
                if (found := _stream(file))[0] == name and not (drafts_only and found[1])
            )


class LocalPlace(Place):
    """A folder of this machine; made, with mode 0700, when it is not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with unavailable(f"the staging folder {folder} cannot be made"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def __repr__(self) -> str:
        return f"<LocalPlace {self._folder}>"

    def draft(self, name: str, token: str) -> Draft:
        with unavailable(f"the staged file of {name} cannot be made"):
            return _LocalDraft(name, self._folder / _part(name, token), self._folder / _done(name))

    @contextmanager
    def open(self, name: str) -> Iterator[Opened]:
        with unavailable(f"the staged file of {name} cannot be read"):
            try:
                descriptor = os.open(self._folder / _done(name), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError as error:
                raise _missing(name) from error
            try:
                yield _LocalFile(descriptor)
            finally:
                os.close(descriptor)

    def files(self) -> Iterable[str]:
        return os.listdir(self._folder)  # noqa: PTH208 — names only, ten times faster

    def remove(self, files: Iterable[str]) -> None:
        removed = False
        for file in files:
            (self._folder / file).unlink(missing_ok=True)
            removed = True
        if removed:
            sync_folder(self._folder)


class _LocalDraft:
    def __init__(self, name: str, part: Path, done: Path) -> None:
        self._name, self._part, self._done = name, part, done
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.fdopen(os.open(part, flags, 0o600), "wb", buffering=0)

    def write(self, data: bytes | memoryview) -> None:
        with unavailable(f"the staged file of {self._name} cannot be written: is the disk full?"):
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]

    def publish(self) -> None:
        with unavailable(f"the staged file of {self._name} cannot be completed: is the disk full?"):
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self._done)
            sync_folder(self._done.parent)

    def discard(self) -> None:
        with unavailable(f"the unfinished file of {self._name} cannot be removed"):
            with suppress(OSError):  # what could not be written is not wanted any more
                self._file.close()
            self._part.unlink(missing_ok=True)


class _LocalFile:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def read_at(self, length: int, offset: int) -> bytes:
        return os.pread(self._descriptor, length, offset)


class ArrowPlace(Place):
    """The root of a pyarrow file system; wrap it in a SubTreeFileSystem for a folder of it.

    As durable as the file system makes a closed file; object stores make it so before they
    answer. For a folder of this machine use LocalPlace, which also synchronises the disk.
    """

    def __init__(self, filesystem: pa_fs.FileSystem) -> None:
        self._filesystem = filesystem

    def __repr__(self) -> str:
        return f"<ArrowPlace {self._filesystem.type_name}>"

    def draft(self, name: str, token: str) -> Draft:
        with unavailable(f"the staged file of {name} cannot be made"):
            return _ArrowDraft(name, self._filesystem, _part(name, token), _done(name))

    @contextmanager
    def open(self, name: str) -> Iterator[Opened]:
        with unavailable(f"the staged file of {name} cannot be read"):
            try:
                file = self._filesystem.open_input_file(_done(name))
            except FileNotFoundError as error:
                raise _missing(name) from error
            with file:
                yield _ArrowFile(file)

    def files(self) -> Iterable[str]:
        selector = pa_fs.FileSelector("", recursive=False)
        return [info.base_name for info in self._filesystem.get_file_info(selector)]

    def remove(self, files: Iterable[str]) -> None:
        for file in files:
            with suppress(FileNotFoundError):
                self._filesystem.delete_file(file)


class _ArrowDraft:
    def __init__(self, name: str, filesystem: pa_fs.FileSystem, part: str, done: str) -> None:
        self._name, self._part, self._done = name, part, done
        self._filesystem = filesystem
        self._file = filesystem.open_output_stream(part)

    def write(self, data: bytes | memoryview) -> None:
        with unavailable(f"the staged file of {self._name} cannot be written: is there room?"):
            self._file.write(data)

    def publish(self) -> None:
        with unavailable(f"the staged file of {self._name} cannot be completed: is there room?"):
            self._file.close()
            self._filesystem.move(self._part, self._done)

    def discard(self) -> None:
        with unavailable(f"the unfinished file of {self._name} cannot be removed"):
            with suppress(OSError, pa.ArrowException):
                self._file.close()
            with suppress(FileNotFoundError):
                self._filesystem.delete_file(self._part)


class _ArrowFile:
    def __init__(self, file: pa.NativeFile) -> None:
        self._file = file

    def size(self) -> int:
        return int(self._file.size())

    def read_at(self, length: int, offset: int) -> bytes:
        return bytes(self._file.read_at(length, offset))


@contextmanager
def unavailable(message: str) -> Iterator[None]:
    """Turns faults of disks and object stores into StagingUnavailable."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise StagingUnavailable(message) from error


def _missing(name: str) -> StagingCorrupt:
    return StagingCorrupt(f"the staged file of {name} is missing")


def _done(name: str) -> str:
    return quote(name, safe="") + _DONE


def _part(name: str, token: str) -> str:
    return f"{quote(name, safe='')}.{token}{_PART}"


def _stream(file: str) -> tuple[str | None, bool]:
    """(stream's name or None, whether the file is published)."""
    if file.endswith(_DONE):
        return unquote(file.removesuffix(_DONE)), True
    if file.endswith(_PART):
        return unquote(file.removesuffix(_PART).rpartition(".")[0]), False
    return None, False
