"""A digest of a table's logical content, the same for Arrow, Parquet and CSV files.

The rows are cut into blocks of exactly ``BLOCK_ROWS``; a block's digest is SHA-256 over each
column's validity, lengths and values in a normal form; the content digest is SHA-256 over the
schema's digest, the number of rows, and the block digests in order. How the rows were batched,
compressed or encoded does not matter; their order does.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.model.schema import schema_digest

BLOCK_ROWS = 65_536


class ContentDigest:
    """Feed record batches in order, then ``hexdigest``. Memory is bounded by one block."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0
        self._blocks = hashlib.sha256()
        self.rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        """Add a batch; its schema must be the one given at the beginning."""
        if not batch.schema.equals(self._schema, check_metadata=False):
            raise ValueError("the batch has another schema")
        self.rows += batch.num_rows
        while batch.num_rows:
            room = BLOCK_ROWS - self._pending_rows
            head, batch = batch.slice(0, room), batch.slice(room)
            self._pending.append(head)
            self._pending_rows += head.num_rows
            if self._pending_rows == BLOCK_ROWS:
                self._close_block()

    def hexdigest(self) -> str:
        """The digest of all rows so far; afterwards nothing may be added."""
        if self._pending_rows:
            self._close_block()
        whole = hashlib.sha256()
        whole.update(bytes.fromhex(schema_digest(self._schema)))
        whole.update(self.rows.to_bytes(8, "big"))
        whole.update(self._blocks.digest())
        return whole.hexdigest()

    def _close_block(self) -> None:
        block = pa.Table.from_batches(self._pending, self._schema).combine_chunks()
        digest = hashlib.sha256()
        for column in block.columns:
            _update_column(digest, column.chunk(0) if column.num_chunks == 1 else pa.array([]))
        self._blocks.update(digest.digest())
        self._pending, self._pending_rows = [], 0


def content_digest(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> tuple[str, int]:
    """The content digest and the number of rows of a whole table."""
    digest = ContentDigest(schema)
    for batch in batches:
        digest.update(batch)
    return digest.hexdigest(), digest.rows


def _update_column(digest: "hashlib._Hash", column: pa.Array) -> None:
    digest.update(_validity(column))
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        filled = column.cast(pa.binary()).fill_null(b"")
        digest.update(_little(pc.binary_length(filled).to_numpy(zero_copy_only=False), "<i4"))
        digest.update(_joined_bytes(filled))
    elif pa.types.is_boolean(kind):
        digest.update(np.packbits(column.fill_null(False).to_numpy(zero_copy_only=False)))
    elif pa.types.is_decimal128(kind):
        digest.update(_fixed_width(column.fill_null(pa.scalar(0).cast(kind)), 16))
    else:
        width = kind.bit_width // 8
        integers = column if pa.types.is_floating(kind) else column.view(f"int{8 * width}")
        zero = pa.scalar(0, type=integers.type)
        digest.update(_fixed_width(integers.fill_null(zero), width))


def _validity(column: pa.Array) -> bytes:
    if column.null_count == 0:
        return b"\x01"
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    return b"\x00" + np.packbits(valid).tobytes()


def _joined_bytes(column: pa.Array) -> memoryview:
    offsets = np.frombuffer(column.buffers()[1], dtype=np.int32)
    first, last = offsets[column.offset], offsets[column.offset + len(column)]
    data = column.buffers()[2]
    return memoryview(data)[first:last] if data is not None else memoryview(b"")


def _fixed_width(column: pa.Array, width: int) -> memoryview:
    data = memoryview(column.buffers()[1])
    return data[column.offset * width : (column.offset + len(column)) * width]


def _little(numbers: np.ndarray, kind: str) -> bytes:  # type: ignore[type-arg]
    return numbers.astype(kind).tobytes()
