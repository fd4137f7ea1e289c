"""Files that hold secrets: private when written, refused when they are not private when read."""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp

from gateway.errors import KeyUnavailable

_LARGEST = 1024 * 1024
_PATIENCE_SECONDS = 10
_BETWEEN_TRIES = 0.02


def read_secret(path: Path) -> bytes:
    """The file's content. KeyUnavailable when missing, unreadable, or open to group or others."""
    try:
        # Without blocking, should somebody have put a pipe in its place.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise KeyUnavailable(f"{path} is missing: restore it, or run `gateway init`") from error
    except OSError as error:
        raise KeyUnavailable(f"{path} cannot be read: check its owner and mode") from error
    try:
        # Asked of the open file, so that nobody can swap it between the question and the reading.
        _refuse_unfit(path, os.fstat(descriptor))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def write_secret(path: Path, content: bytes, *, replace: bool) -> None:
    """Write with mode 0600, whole or not at all, and durably.

    KeyUnavailable when the file exists and is not to be replaced, or cannot be written.
    """
    try:
        descriptor, name = mkstemp(prefix=f".{path.name}.", dir=path.parent)  # with mode 0600
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                temporary.replace(path)
            else:
                path.hardlink_to(temporary)  # unlike a rename it never overwrites
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)
    except FileExistsError as error:
        raise KeyUnavailable(f"{path} exists already and is not overwritten") from error
    except OSError as error:
        raise KeyUnavailable(f"{path} cannot be written: check folder, owner and space") from error


@contextmanager
def changing(path: Path) -> Iterator[None]:
    """One process at a time, and one thread of it, is inside for the same file.

    The lock is a file of its own beside it, as the file itself is replaced; it stays. The kernel
    frees it when a process dies. KeyUnavailable after some seconds, or where it cannot be made.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise KeyUnavailable(f"{path} cannot be written: check folder, owner and space") from error
    try:
        _locked(path, descriptor)
        yield
    finally:
        os.close(descriptor)


def remove_leftovers(path: Path) -> None:
    """Remove what a process that was killed while it wrote ``path`` left beside it.

    It has the whole secret in it, also what was taken out of the file since.
    """
    if not _leftovers(path):
        return
    with changing(path):  # nobody is writing now, so none of them will be moved into place
        for leftover in _leftovers(path):
            with suppress(FileNotFoundError):
                leftover.unlink()
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable (a file's own fsync does not cover its name)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_unfit(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise KeyUnavailable(f"{path} is not a file")
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyUnavailable(f"{path} is open to other users: run chmod 600 {path}")
    if found.st_size > _LARGEST:
        raise KeyUnavailable(f"{path} is too large to be a key file")


def _leftovers(path: Path) -> list[Path]:
    # As mkstemp names them: eight characters of its own.
    return [p for p in path.parent.glob(f".{path.name}.*") if len(p.suffix) == 1 + 8]


def _locked(path: Path, descriptor: int) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise KeyUnavailable(
                    f"{path} is being changed by another process: try again later"
                ) from None
            time.sleep(_BETWEEN_TRIES)
        except OSError as error:
            raise KeyUnavailable(f"{path} cannot be locked: is its disk a local one?") from error
        else:
            return
