"""An Arrow IPC stream from somebody whom nobody trusts, as record batches.

Lengths are read from the framing and checked before anything of that length is allocated; what
could grow without bound while it is decoded (compressed bodies, dictionaries, batches of columns
that need no bytes) is refused; every batch is validated whole, because offsets that point outside
of their buffers would otherwise read the gateway's own memory. A stream that ends without its end
marker was cut off, whatever the transport says.

Source of the framing: Arrow columnar format 1.5, "Encapsulated message format", Message.fbs.
"""

import struct
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from gateway.api.bridges import Inbox
from gateway.api.pb import catalog_pb2, protect_pb2
from gateway.errors import InvalidRequest, RecordsRejected
from gateway.model.schema import carried_schema

METADATA_BYTES: Final = 4 << 20
BODY_BYTES: Final = 64 << 20
BATCH_ROWS: Final = 1 << 20
PIECE_BYTES: Final = 2 << 20

_CONTINUATION: Final = 0xFFFFFFFF
_PREFIX: Final = struct.Struct("<II")
_SCHEMA, _DICTIONARY, _RECORD_BATCH = 1, 2, 3  # union MessageHeader
# Places in a flatbuffer's table of fields: 4 + 2 * (number of the field).
_HEADER_TYPE, _HEADER, _BODY_LENGTH = 6, 8, 10  # of Message
_COMPRESSION: Final = 10  # of RecordBatch

Part = catalog_pb2.PushRecordsRequest | protect_pb2.ProtectRecordsRequest


@contextmanager
def record_reader(inbox: Inbox) -> Iterator[pa.RecordBatchReader]:
    """The records that follow the header of a client stream. Holds at most one batch and two
    messages. RecordsRejected says which part of the stream is at fault."""
    frames = _Frames(_Bytes(inbox))
    schema = _schema(frames)
    batches = _batches(frames, schema)
    try:
        yield pa.RecordBatchReader.from_batches(schema, batches)
    finally:
        batches.close()


@dataclass(frozen=True, slots=True)
class _Frame:
    """One encapsulated message: all of its bytes, and what kind it is."""

    kind: int
    compressed: bool
    buffer: pa.Buffer


class _Bytes:
    """The payloads of a client stream, joined."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._held = memoryview(b"")

    def fill(self, view: memoryview) -> None:
        """Fill ``view`` with the next bytes; RecordsRejected when the stream ends before."""
        filled = 0
        while filled < len(view):
            if not self._held and not self._more():
                raise _rejected("it was cut off: the end marker of the Arrow stream is missing")
            taken = min(len(view) - filled, len(self._held))
            view[filled : filled + taken] = self._held[:taken]
            self._held = self._held[taken:]
            filled += taken

    def require_end(self) -> None:
        """Nothing may follow the end marker."""
        if self._held or self._more():
            raise _rejected("bytes follow its end marker")

    def _more(self) -> bool:
        part = next(self._inbox, None)
        if part is None:
            return False
        if not isinstance(part, Part) or part.WhichOneof("part") != "payload":
            raise InvalidRequest.of("payload", "required in every message after the first")
        if not 1 <= len(part.payload) <= PIECE_BYTES:
            raise InvalidRequest.of("payload", f"1 to {PIECE_BYTES} bytes in a message")
        self._held = memoryview(part.payload)
        return True


class _Frames:
    """Encapsulated messages, each read whole once its lengths are known to be sane."""

    def __init__(self, source: _Bytes) -> None:
        self._source = source

    def next(self) -> _Frame | None:
        """The next message; None at the end marker."""
        prefix = bytearray(_PREFIX.size)
        self._source.fill(memoryview(prefix))
        marker, length = _PREFIX.unpack(prefix)
        if marker != _CONTINUATION:
            raise _rejected("it is not an Arrow IPC stream (of format 0.15 or later)")
        if length == 0:
            self._source.require_end()
            return None
        if length > METADATA_BYTES or length % 8:
            raise _rejected("a message's metadata has an impossible length")
        metadata = bytearray(length)
        self._source.fill(memoryview(metadata))
        kind, body, compressed = _described(bytes(metadata))
        if not 0 <= body <= BODY_BYTES:
            raise _rejected(f"a batch is larger than {BODY_BYTES >> 20} MiB; send smaller batches")
        # Allocated by Arrow, aligned for its kernels; the two parts before it are multiples of 8.
        buffer = pa.allocate_buffer(_PREFIX.size + length + body)
        view = memoryview(buffer).cast("B")
        view[: _PREFIX.size] = prefix
        view[_PREFIX.size : _PREFIX.size + length] = metadata
        self._source.fill(view[_PREFIX.size + length :])
        return _Frame(kind, compressed, buffer)


def _schema(frames: _Frames) -> pa.Schema:
    frame = frames.next()
    if frame is None or frame.kind != _SCHEMA:
        raise _rejected("it does not begin with a schema")
    try:
        schema = pa.ipc.read_schema(frame.buffer)
        names = set(schema.names)  # fails when a name is not UTF-8
    except (pa.ArrowException, ValueError, OSError) as error:
        raise _rejected("its schema cannot be read") from error
    if len(names) != len(schema):
        raise _rejected("two of its columns have the same name")
    if any(pa.types.is_dictionary(field.type) for field in schema):
        raise _rejected("columns are dictionary-encoded; decode them before sending")
    carried_schema(schema)  # names every column of a type that is not carried
    return schema


def _batches(frames: _Frames, schema: pa.Schema) -> Generator[pa.RecordBatch, None, None]:
    number = 0
    while (frame := frames.next()) is not None:
        number += 1
        if frame.kind != _RECORD_BATCH:
            raise _rejected(f"message {number} after the schema is not a record batch")
        if frame.compressed:
            raise _rejected("its batches are compressed; send them uncompressed")
        try:
            batch = pa.ipc.read_record_batch(frame.buffer, schema)
            if batch.num_rows > BATCH_ROWS:
                raise _rejected(
                    f"batch {number} has more than {BATCH_ROWS} rows; send smaller ones"
                )
            batch.validate(full=True)
        except (pa.ArrowException, ValueError, OSError) as error:
            # Without the cause: Arrow's text may quote what it found.
            raise _rejected(f"batch {number} is not well formed") from error
        yield batch


def _described(metadata: bytes) -> tuple[int, int, bool]:
    """Kind of header, length of the body, and whether it is compressed, from the flatbuffer."""
    try:
        message = struct.unpack_from("<I", metadata, 0)[0]
        kind = _scalar(metadata, message, _HEADER_TYPE, "<B")
        body = _scalar(metadata, message, _BODY_LENGTH, "<q")
        compressed = False
        if kind == _RECORD_BATCH:
            place = _place(metadata, message, _HEADER)
            batch = place + struct.unpack_from("<I", metadata, place)[0]
            compressed = _field(metadata, batch, _COMPRESSION) != 0
    except (struct.error, IndexError) as error:
        raise _rejected("a message's metadata cannot be read") from error
    return kind, body, compressed


def _field(data: bytes, table: int, slot: int) -> int:
    """Offset of a field within its table, 0 when it is absent."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    if vtable < 0:
        raise IndexError
    (size,) = struct.unpack_from("<H", data, vtable)
    found: int = struct.unpack_from("<H", data, vtable + slot)[0] if slot < size else 0
    return found


def _place(data: bytes, table: int, slot: int) -> int:
    offset = _field(data, table, slot)
    if offset == 0:
        raise IndexError
    return table + offset


def _scalar(data: bytes, table: int, slot: int, form: str) -> int:
    offset = _field(data, table, slot)
    found: int = struct.unpack_from(form, data, table + offset)[0] if offset else 0
    return found


def _rejected(what: str) -> RecordsRejected:
    return RecordsRejected(f"the stream of records was refused: {what}", reason="STREAM_MALFORMED")
