"""A digest of a table's logical content, the same for Arrow, Parquet and CSV files.

The rows are cut into blocks of exactly ``BLOCK_ROWS``; a block's digest is SHA-256 over each
column's validity, lengths and values in a normal form; the content digest is SHA-256 over the
schema's digest, the number of rows, and the block digests in order. How the rows were batched,
compressed or encoded does not matter; their order does. What a null hides does not matter, and
all NaNs are one NaN, because a text file cannot tell them apart.

Each section's length follows from the number of rows, the type and what came before it, so two
different tables never feed the hash the same bytes.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.model.schema import carried_schema, schema_digest

BLOCK_ROWS = 65_536


class ContentDigest:
    """Feed record batches in order, then ``hexdigest``. Memory is bounded by one block.

    Columns may come in any encoding of the schema's carried types (dictionaries, large strings);
    the digest is that of the carried types.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = carried_schema(schema)
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0
        self._blocks = hashlib.sha256()
        self._complete = False
        self.rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        """Add a batch; ValueError when its schema is not the one given at the beginning."""
        if self._complete:
            raise ValueError("the digest is complete; nothing may be added")
        carried = carried_schema(batch.schema)
        if (carried.names, carried.types) != (self._schema.names, self._schema.types):
            raise ValueError("the batch has another schema")
        self.rows += batch.num_rows
        start = 0
        while start < batch.num_rows:
            head = batch.slice(start, BLOCK_ROWS - self._pending_rows)
            start += head.num_rows
            self._pending.append(head)
            self._pending_rows += head.num_rows
            if self._pending_rows == BLOCK_ROWS:
                self._close_block()

    def hexdigest(self) -> str:
        """The digest of all rows so far; afterwards nothing may be added."""
        if self._pending_rows:
            self._close_block()
        self._complete = True
        whole = hashlib.sha256()
        whole.update(bytes.fromhex(schema_digest(self._schema)))
        whole.update(self.rows.to_bytes(8, "big"))
        whole.update(self._blocks.digest())
        return whole.hexdigest()

    def _close_block(self) -> None:
        block = hashlib.sha256()
        for index, kind in enumerate(self._schema.types):
            pieces = [batch.column(index) for batch in self._pending]
            _update_column(block, [p if p.type == kind else p.cast(kind) for p in pieces])
        self._blocks.update(block.digest())
        self._pending, self._pending_rows = [], 0


def content_digest(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> tuple[str, int]:
    """The content digest and the number of rows of a whole table."""
    digest = ContentDigest(schema)
    for batch in batches:
        digest.update(batch)
    return digest.hexdigest(), digest.rows


def _update_column(block: "hashlib._Hash", pieces: Sequence[pa.Array]) -> None:
    """One column of a block, in as many pieces as it came, without joining them."""
    block.update(_validity(pieces))
    kind = pieces[0].type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        filled = [_filled(p.cast(pa.binary())) for p in pieces]
        for piece in filled:
            block.update(np.diff(_offsets(piece)).astype("<i4").data)
        for piece in filled:
            block.update(_joined_bytes(piece))
    elif pa.types.is_boolean(kind):
        bits = [_ones(_filled(p)) for p in pieces]
        block.update(np.packbits(np.concatenate(bits)).data)
    elif pa.types.is_floating(kind):
        for piece in pieces:
            block.update(_floats(_filled(piece)).data)
    else:
        # Integers of the same width stand for everything else; of decimals, pairs of them.
        width = kind.bit_width // 8
        for piece in pieces:
            block.update(_fixed_width(_filled(piece), width))


def _filled(piece: pa.Array) -> pa.Array:
    """Zero or nothing in place of nulls, so that what lies beneath them is the same everywhere."""
    if piece.null_count == 0:
        return piece
    # Of zeros whatever the type; pa.scalar would load pandas, see _values.
    buffers = [None, pa.py_buffer(bytes(16))]
    if pa.types.is_binary(piece.type):
        buffers.append(pa.py_buffer(b""))
    return pc.fill_null(piece, pa.Array.from_buffers(piece.type, 1, buffers)[0])


def _validity(pieces: Sequence[pa.Array]) -> bytes:
    if not any(piece.null_count for piece in pieces):
        return b"\x01"
    valid = [_ones(piece.is_valid()) for piece in pieces]
    return b"\x00" + np.packbits(np.concatenate(valid)).tobytes()


def _ones(piece: pa.Array) -> npt.NDArray[np.uint8]:
    """Truth values without nulls, a byte each."""
    return _values(piece.cast(pa.uint8()), np.uint8)


def _values(piece: pa.Array, kind: type[np.generic]) -> npt.NDArray[Any]:
    # Arrow's own to_numpy loads pandas where it is installed, which takes longer than all else.
    values = np.frombuffer(piece.buffers()[1], dtype=kind)
    return values[piece.offset : piece.offset + len(piece)]


def _offsets(piece: pa.Array) -> npt.NDArray[np.int32]:
    offsets = np.frombuffer(piece.buffers()[1], dtype=np.int32)
    return offsets[piece.offset : piece.offset + len(piece) + 1]


def _joined_bytes(piece: pa.Array) -> memoryview:
    offsets, data = _offsets(piece), piece.buffers()[2]
    return memoryview(data)[offsets[0] : offsets[-1]] if data is not None else memoryview(b"")


def _floats(piece: pa.Array) -> npt.NDArray[np.floating]:
    floats: npt.NDArray[np.floating] = _values(piece, piece.type.to_pandas_dtype())
    strange = np.isnan(floats)
    if strange.any():
        floats = floats.copy()
        floats[strange] = np.nan
    return np.ascontiguousarray(floats)


def _fixed_width(piece: pa.Array, width: int) -> memoryview:
    data = memoryview(piece.buffers()[1])
    return data[piece.offset * width : (piece.offset + len(piece)) * width]
