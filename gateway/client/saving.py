"""Saves a stream of records as a file, which is there whole or not at all."""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from gateway.client.streams import Batches
from gateway.errors import InvalidRequest

Write = Callable[[Iterable[bytes], BinaryIO], None]


def save_stream(payloads: Iterable[bytes], path: Path) -> Path:
    """Write the pieces of one Arrow IPC stream in the format that the suffix names.

    InvalidRequest for a suffix that is none of them, or a folder that is not there, before
    anything is read.
    """
    write = _FORMATS.get(path.suffix.lower())
    if write is None:
        raise InvalidRequest.of("file", f"{path.name}: end it in {', '.join(_FORMATS)}")
    with whole_file(path) as file:
        write(payloads, file)
    return path


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which is there under its name once the context ends well, or not at all."""
    if not path.parent.is_dir():
        raise InvalidRequest.of("file", f"the folder {path.parent} is not there")
    # Readable by its owner alone until somebody decides otherwise, as mkstemp makes it.
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(draft).unlink()
        raise


def _write_stream(payloads: Iterable[bytes], file: BinaryIO) -> None:
    file.writelines(payloads)


def _write_parquet(payloads: Iterable[bytes], file: BinaryIO) -> None:
    batches = Batches(payloads)
    with pq.ParquetWriter(file, batches.schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _write_csv(payloads: Iterable[bytes], file: BinaryIO) -> None:
    # "needed" quotes every text and leaves nulls empty: the two stay apart, and the verifier
    # can work the content digest out again.
    batches = Batches(payloads)
    options = pa_csv.WriteOptions(quoting_style="needed")
    with pa_csv.CSVWriter(file, batches.schema, write_options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)


_FORMATS: Final[dict[str, Write]] = {
    ".arrows": _write_stream,
    ".parquet": _write_parquet,
    ".csv": _write_csv,
}
