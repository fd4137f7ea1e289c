"""Record batches on disk while they do not fit into memory, encrypted under a key of this run.

The file has no name from the moment it exists, and its key is only in memory: whatever happens to
the process or the machine, nothing that can be read stays.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import StagingUnavailable


class Spill:
    """Batches of one schema, by number of a part; AES-256-GCM, a nonce by number. Use as a context
    manager."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed in __exit__
        self._cipher = AESGCM(os.urandom(32))
        self._pieces: dict[int, list[tuple[int, int, int]]] = {}
        self._count = 0
        self.bytes = 0

    def __enter__(self) -> "Spill":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, part: int, batch: pa.RecordBatch) -> None:
        """Put a batch away. StagingUnavailable when the disk does not take it."""
        plain = memoryview(_serialised(batch)).cast("B")
        sealed = self._cipher.encrypt(self._nonce(self._count), plain, None)
        try:
            self._file.write(sealed)
        except OSError:
            raise StagingUnavailable(
                "no room is left to work on a question; try again later"
            ) from None
        self._pieces.setdefault(part, []).append((self.bytes, len(sealed), self._count))
        self.bytes += len(sealed)
        self._count += 1

    def read(self, part: int) -> Iterator[pa.RecordBatch]:
        """The batches of a part, in the order in which they came."""
        for start, length, number in self._pieces.get(part, ()):
            self._file.seek(start)
            plain = self._cipher.decrypt(self._nonce(number), self._file.read(length), None)
            with pa.ipc.open_stream(plain) as stream:
                yield from stream

    @staticmethod
    def _nonce(number: int) -> bytes:
        return number.to_bytes(12, "big")


def _serialised(batch: pa.RecordBatch) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return sink.getvalue()
