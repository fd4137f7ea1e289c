"""Files that hold secrets: private when written, refused when they are not private when read."""

import os
import stat
from pathlib import Path

from gateway.errors import KeyUnavailable

_LARGEST = 1024 * 1024


def read_secret(path: Path) -> bytes:
    """The file's content. KeyUnavailable when missing, unreadable, or open to group or others."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise KeyUnavailable(f"{path} is missing: restore it, or run `gateway init`") from error
    except OSError as error:
        raise KeyUnavailable(f"{path} cannot be read: check its owner and mode") from error
    with os.fdopen(descriptor, "rb") as file:
        # Asked of the open file, so that nobody can swap it between the question and the reading.
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise KeyUnavailable(f"{path} is not a file")
        if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyUnavailable(f"{path} is open to other users: run chmod 600 {path}")
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise KeyUnavailable(f"{path} is too large to be a key file")
    return content


def write_secret(path: Path, content: bytes, *, replace: bool) -> None:
    """Write with mode 0600, whole or not at all, and durably.

    KeyUnavailable when the file exists and is not to be replaced, or cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
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


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable (a file's own fsync does not cover its name)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
