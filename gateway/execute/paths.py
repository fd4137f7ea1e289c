"""Opens files below a holder's source folder, and nothing outside it.

The path is resolved first, and then opened one component at a time without following links, so
that a link put in its place between the two steps is refused and not followed.
"""

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePath

from gateway.errors import InvalidRequest, SourceChanged, SourceUnavailable

_OUTSIDE = "does not stay below your source folder; move the file there and give its relative path"


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What tells a file's content from any other: changes whenever the content may have.

    The change time cannot be set back by a program, so a rewrite that keeps size and
    modification time shows too. A change of permissions or name counts as a change.
    """

    size: int
    modified_ns: int
    changed_ns: int
    inode: int

    @classmethod
    def of(cls, descriptor: int) -> "FileIdentity":
        found = os.fstat(descriptor)
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def resolve_below(root: Path, path: str) -> PurePath:
    """``path`` below ``root`` with all links resolved, relative to it; InvalidRequest outside.

    What is outside is refused in the same words whether it exists or not.
    """
    try:
        base = root.resolve(strict=True)
    except (OSError, RuntimeError):
        raise SourceUnavailable("the holder's source folder is not there") from None
    try:
        return (base / path).resolve().relative_to(base)
    except (ValueError, OSError, RuntimeError):  # outside, no path at all, a loop of links
        raise InvalidRequest.of("path", _OUTSIDE) from None


def open_below(root: Path, path: str, dataset: str) -> int:
    """A descriptor of the regular file or folder ``path`` below ``root``; the caller closes it.

    InvalidRequest when it is outside or neither file nor folder, SourceUnavailable when it is not
    there or not readable.
    """
    parts = resolve_below(root, path).parts
    try:
        descriptor = os.open(root.resolve(), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in parts:
            parent = descriptor
            try:
                # O_NONBLOCK: opening a pipe without a writer would wait for ever.
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
                descriptor = os.open(part, flags, dir_fd=parent)
            finally:
                os.close(parent)
    except OSError as fault:
        if fault.errno == errno.ELOOP:
            raise InvalidRequest.of("path", _OUTSIDE) from None
        raise gone(dataset) from None
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        os.close(descriptor)
        raise InvalidRequest.of("path", "is neither a file nor a folder")
    return descriptor


def open_file_below(root: Path, path: str, dataset: str) -> int:
    """As ``open_below``; a folder is InvalidRequest."""
    descriptor = open_below(root, path, dataset)
    if is_folder(descriptor):
        os.close(descriptor)
        raise InvalidRequest.of("path", "is a folder; name one file")
    return descriptor


def is_folder(descriptor: int) -> bool:
    """Whether an open descriptor is a folder."""
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


def gone(dataset: str) -> SourceUnavailable:
    """The error for a source file that cannot be opened."""
    return SourceUnavailable(
        f"the file of {dataset} is not there or cannot be read; "
        "put it back or register the data set again",
        dataset=dataset,
    )


def changed_while_read(dataset: str) -> SourceChanged:
    """The error for a source file whose content changed between two looks at it."""
    return SourceChanged(
        f"the file of {dataset} changed while it was read; ask again when it is complete",
        dataset=dataset,
    )
