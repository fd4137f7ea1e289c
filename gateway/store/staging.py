"""Staged streams: Arrow IPC cut into chunks, encrypted while they are written.

Chunk 0 is the schema's message, the last chunk the end-of-stream marker, and those between hold
whole record batch messages of 1 to 2 MB together; joined they are one Arrow IPC stream. A single
row that is larger than that makes a chunk of its own.
"""

import hashlib
from collections.abc import Iterator

import pyarrow as pa

from gateway.errors import StagingCorrupt
from gateway.ports import Entropy, StagedChunk, StagedStream, StagingWriter
from gateway.store.places import Draft, Place
from gateway.store.sealing import (
    HEADER_BYTES,
    MAGIC,
    SALT_BYTES,
    TRAILER_BYTES,
    Piece,
    Sealer,
)

CHUNK_BYTES = 1024 * 1024
"""A chunk is closed once it holds this much; pieces of a batch are at most as large, about."""

# Continuation marker and a length of zero: the end of a stream (Arrow columnar format, IPC).
_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


class EncryptedStaging:
    """Implements ports.Staging. Keys have 32 bytes; the same key may be used again for the same
    name after an attempt that failed (see sealing)."""

    def __init__(self, place: Place, entropy: Entropy) -> None:
        self._place = place
        self._entropy = entropy

    def __repr__(self) -> str:
        return f"<EncryptedStaging {self._place!r}>"

    def create(self, name: str, key: bytes, schema: pa.Schema) -> StagingWriter:
        """A new stream; drafts of that name are destroyed, and a finished one is replaced when
        this one is finished. ValueError for a schema with dictionaries."""
        if any(pa.types.is_dictionary(field.type) for field in schema):
            raise ValueError("a staged stream has no dictionaries: decode the column")
        self._place.destroy(name, drafts_only=True)
        salt = self._entropy.bytes(SALT_BYTES)
        sealer = Sealer(name, key, salt)
        draft = self._place.draft(name, self._entropy.bytes(8).hex())
        return _Writer(draft, sealer, MAGIC + salt, schema)

    def chunks(self, name: str, key: bytes, start: int) -> Iterator[StagedChunk]:
        """Authenticated chunks from ``start`` on; none when there are not so many.

        StagingCorrupt when anything read is not as it was sealed, and when the key is another.
        """
        with self._place.open(name) as file:
            size = file.size()
            sealer = Sealer.of_header(name, key, file.read_at(HEADER_BYTES, 0))
            trailer = file.read_at(TRAILER_BYTES, max(0, size - TRAILER_BYTES))
            length = sealer.index_length(trailer, size)
            pieces = sealer.open_index(file.read_at(length, size - TRAILER_BYTES - length), size)
            for index in range(max(0, start), len(pieces)):
                piece, last = pieces[index], index == len(pieces) - 1
                sealed = file.read_at(piece.sealed_length, piece.offset)
                payload = sealer.open_chunk(index, sealed, last=last)
                if len(payload) != piece.length:
                    raise StagingCorrupt(f"chunk {index} of {name} has not the length it had")
                yield StagedChunk(index, payload, piece.rows, last)

    def destroy(self, name: str) -> None:
        """Remove the stream and its drafts; no error when there are none."""
        self._place.destroy(name)

    def names(self) -> frozenset[str]:
        """All streams present, finished or not."""
        return self._place.names()


class _Writer:
    """Holds at most one open chunk and one piece of a batch in memory."""

    def __init__(self, draft: Draft, sealer: Sealer, header: bytes, schema: pa.Schema) -> None:
        self._draft = draft
        self._sealer = sealer
        self._schema = schema
        self._hash = hashlib.sha256()
        self._pieces: list[Piece] = []
        self._open: list[pa.Buffer] = []
        self._open_bytes = self._open_rows = 0
        self._ended = False
        try:
            draft.write(header)
        except BaseException:
            draft.discard()
            raise
        self._seal(schema.serialize(), 0)

    def __repr__(self) -> str:
        return f"<staging writer at chunk {len(self._pieces)}>"

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, *exc: object) -> None:
        if not self._ended:
            self._ended = True
            self._draft.discard()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch of the schema that was given; StagingUnavailable when it cannot be."""
        if self._ended:
            raise ValueError("the stream is finished")
        if not batch.schema.equals(self._schema, check_metadata=False):
            raise ValueError("the batch has another schema than the stream")
        for part in _cut(batch):
            message = part.serialize()
            if self._open_bytes + message.size > 2 * CHUNK_BYTES:
                self._close_chunk()
            self._open.append(message)
            self._open_bytes += message.size
            self._open_rows += part.num_rows
            if self._open_bytes >= CHUNK_BYTES:
                self._close_chunk()

    def finish(self) -> StagedStream:
        """Make it durable and complete."""
        if self._ended:
            raise ValueError("the stream is finished")
        self._close_chunk()
        self._seal(_END_OF_STREAM, 0, last=True)
        self._draft.write(self._sealer.seal_index(self._pieces))
        self._draft.publish()
        self._ended = True
        size = sum(piece.length for piece in self._pieces)
        return StagedStream(self._hash.hexdigest(), size, len(self._pieces))

    def _close_chunk(self) -> None:
        if not self._open:
            return
        messages, rows = self._open, self._open_rows
        self._open, self._open_bytes, self._open_rows = [], 0, 0
        self._seal(messages[0] if len(messages) == 1 else b"".join(messages), rows)

    def _seal(self, plain: bytes | pa.Buffer, rows: int, *, last: bool = False) -> None:
        view = memoryview(plain).cast("B")
        self._hash.update(view)
        try:
            self._draft.write(self._sealer.seal_chunk(len(self._pieces), view, last=last))
        except BaseException:
            # A stream with a hole must never be finished, even by a caller that went on.
            self._ended = True
            self._draft.discard()
            raise
        self._pieces.append(Piece(view.nbytes, rows, 0))


def _cut(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Slices of about a chunk's size; rows of very different sizes are cut further."""
    pieces = -(-batch.nbytes // CHUNK_BYTES)
    if pieces <= 1 or batch.num_rows <= 1:
        if batch.num_rows:
            yield batch
        return
    rows = -(-batch.num_rows // pieces)
    for first in range(0, batch.num_rows, rows):
        part = batch.slice(first, rows)
        if part.nbytes > 2 * CHUNK_BYTES:
            yield from _cut(part)
        else:
            yield part
