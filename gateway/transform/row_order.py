"""Brings the rows of a release into an order of its own, so that two releases cannot be laid side
by side row by row.

Claim: within a window of rows the order is a uniformly random permutation to whoever lacks the key
(AES-256-CTR, SP 800-38A, gives each row 64 bits, and the rows are sorted by them; two rows of a
window draw the same bits with a chance below 2**-30). Windows follow each other in the source's
order, so two releases of the same rows can be aligned by whole windows, not by rows.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.errors import KeyUnavailable

WINDOW_ROWS: Final = 131_072
"""Rows that are held and permuted together; a smaller release is one window."""

WINDOW_BYTES: Final = 256 << 20
"""A window ends before that many rows where they hold so much: 2 KiB a row."""

KEY_BYTES: Final = 32
_NUMBER_BYTES: Final = 8


class RowOrder:
    """One release's order. Use it once, over the release's batches from first to last.

    The key must serve no other purpose and no other release. Without a key rows keep the order of
    the source, which is for callers who brought the records themselves.
    """

    __slots__ = ("_stream",)

    def __init__(self, key: bytes | None) -> None:
        if key is None:
            self._stream = None
            return
        if len(key) != KEY_BYTES:
            raise KeyUnavailable(f"a key for an order has {KEY_BYTES} bytes")
        self._stream = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()

    def __repr__(self) -> str:
        return "RowOrder(key hidden)"

    def applied(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same rows in the release's order, in batches of at most the size that came."""
        if self._stream is None:
            yield from batches
            return
        window: list[pa.RecordBatch] = []
        rows = size = 0
        for batch in batches:
            window.append(batch)
            rows += batch.num_rows
            size += batch.nbytes
            if rows >= WINDOW_ROWS or size >= WINDOW_BYTES:
                yield from self._permuted(window)
                window, rows, size = [], 0, 0
        yield from self._permuted(window)

    def _permuted(self, window: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = sum(batch.num_rows for batch in window)
        if not rows or self._stream is None:
            return
        drawn = np.frombuffer(self._stream.update(bytes(_NUMBER_BYTES * rows)), dtype=np.uint64)
        order = pa.array(np.argsort(drawn))
        largest = max(batch.num_rows for batch in window)
        whole = pa.concat_batches(window)
        # Column by column and all at once: half the time that a take of whole batches needs, and a
        # quarter of one for each batch.
        columns = [column.take(order) for column in whole.columns]
        permuted = pa.RecordBatch.from_arrays(columns, schema=whole.schema)
        for start in range(0, rows, largest):
            yield permuted.slice(start, largest)
