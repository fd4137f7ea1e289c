"""Takes Arrow columns of text or bytes apart into NumPy buffers, and puts them together again.

Nulls are dropped before the bytes are looked at: an Arrow slot that is null may still have its
value's bytes under it, and those must not reach an output buffer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gateway.errors import InvalidRequest, TransformFailed

_INT32_MAX: Final = 2**31 - 1


@dataclass(frozen=True, slots=True, repr=False)
class VarlenColumn:
    """The values that are not null, back to back, and where in the column they stand.

    `data` holds the values' bytes; value i, the starts ascending, is `data[starts[i]:starts[i] + lengths[i]]`.
    `valid` is None when no slot is null, else a boolean for each of the column's `slots`.
    The repr is blind, for this is raw data.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    valid: NDArray[np.bool_] | None
    slots: int
    large: bool

    @classmethod
    def of(cls, column: pa.Array, parameter: str = "column") -> "VarlenColumn":
        """From string, binary or their large forms; a slice is read from its own offset.

        Other types and chunked columns are refused: what the bytes of a number or a date are is
        for the caller to say (cast it), and a chunked column is a loop over its chunks.
        """
        if not isinstance(column, pa.Array):
            raise InvalidRequest.of(
                parameter,
                "must be one Arrow array: call combine_chunks(), or pass chunks one by one",
            )
        kind = column.type
        large = pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)
        if not (large or pa.types.is_string(kind) or pa.types.is_binary(kind)):
            raise InvalidRequest.of(parameter, f"is {kind}; cast it to string or binary first")
        valid, slots = None, len(column)
        if column.null_count:
            valid = column.is_valid().to_numpy(zero_copy_only=False)
            column = column.drop_null()
        _, ends, values = column.buffers()
        rows = len(column)
        if not rows or values is None:
            nothing = np.zeros(rows, np.int64)
            return cls(np.empty(0, np.uint8), nothing, nothing, valid, slots, large)
        width = np.dtype(np.int64 if large else np.int32)
        offsets = np.frombuffer(ends, width, rows + 1, column.offset * width.itemsize)
        first, last = int(offsets[0]), int(offsets[-1])
        data = np.frombuffer(values, np.uint8, last - first, first)
        starts = offsets[:-1].astype(np.int64)
        starts -= first
        return cls(data, starts, np.diff(offsets).astype(np.int64), valid, slots, large)

    @property
    def stride(self) -> int:
        """The one length of all values, if they have one and lie back to back; else 0."""
        if not self.rows or self.starts[0]:
            return 0
        length = int(self.lengths[0])
        together = self.starts[-1] == (self.rows - 1) * length
        return length if together and (self.lengths == length).all() else 0

    @property
    def rows(self) -> int:
        """How many values there are, nulls not counted."""
        return len(self.lengths)

    def keep(self, fit: NDArray[np.bool_]) -> "VarlenColumn":
        """The same slots, those values null for which `fit` is False; values lie back to back."""
        valid = np.ones(self.slots, np.bool_) if self.valid is None else self.valid.copy()
        valid[valid] = fit
        lengths = self.lengths[fit]
        return VarlenColumn(
            self.data[np.repeat(fit, self.lengths)],
            np.cumsum(lengths) - lengths,
            lengths,
            valid,
            self.slots,
            self.large,
        )

    def to_arrow(self, *, binary: bool = False) -> pa.Array:
        """The column, if its values lie back to back. Text that is not UTF-8 is refused."""
        made = build_text(
            self.data, self.lengths, self.valid, self.slots, large=self.large, binary=True
        )
        if binary:
            return made
        try:
            return made.cast(_KINDS[self.large, False])
        except pa.ArrowInvalid:
            # from None: the foreign exception may carry the text
            raise TransformFailed("the values are not valid UTF-8: read them as binary") from None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.slots} slots, data hidden)"


def groups(keys: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each key that occurs, ascending, with the indices where it stands, ascending."""
    if not len(keys):
        return
    # NumPy sorts 16-bit keys by radix, ten times as fast as wider ones
    order = np.argsort(keys.astype(np.uint16) if keys.max() < 2**16 else keys, kind="stable")
    ordered = keys[order]
    for group in np.split(order, np.flatnonzero(np.diff(ordered)) + 1):
        yield int(keys[group[0]]), group


def windows(data: NDArray[np.uint8], width: int) -> NDArray[np.void]:
    """Every run of `width` bytes in `data`, as items that one index copies whole; no copy made."""
    return np.ndarray((max(len(data) - width + 1, 0),), np.dtype((np.void, width)), data, 0, (1,))


def take_fixed(data: NDArray[np.uint8], starts: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
    """The `width` bytes from each start on, shape (rows, width)."""
    if not width:
        return np.empty((len(starts), 0), np.uint8)
    return windows(data, width)[starts].view(np.uint8).reshape(-1, width)


def put_fixed(
    data: NDArray[np.uint8], starts: NDArray[np.int64], values: NDArray[np.uint8]
) -> None:
    """The inverse of `take_fixed`; `values` has shape (rows, width) and is C-contiguous."""
    width = values.shape[1]
    windows(data, width)[starts] = values.view(np.dtype((np.void, width)))[:, 0]


def build_text(
    data: NDArray[np.uint8],
    lengths: NDArray[np.int64] | int,
    valid: NDArray[np.bool_] | None,
    slots: int,
    *,
    large: bool = False,
    binary: bool = False,
) -> pa.Array:
    """An Arrow column over `data`, the values that are not null back to back.

    `lengths` has one entry for each value that is not null, or is the one length of all. The bytes
    must be UTF-8 unless `binary`. 2 GB or more without `large` is refused, as Arrow's own offsets
    cannot say it.
    """
    if not large and data.size > _INT32_MAX:
        raise TransformFailed("the result exceeds 2 GB in one array: use smaller batches")
    offsets = np.zeros(slots + 1, np.int64)
    if valid is None:
        offsets[1:] = lengths
    else:
        offsets[1:][valid] = lengths
    np.cumsum(offsets, out=offsets)
    bitmap, nulls = None, 0
    if valid is not None:
        bitmap = pa.py_buffer(np.packbits(valid, bitorder="little"))
        nulls = slots - int(np.count_nonzero(valid))
    kind = _KINDS[large, binary]
    ends = offsets if large else offsets.astype(np.int32)
    return pa.Array.from_buffers(
        kind, slots, [bitmap, pa.py_buffer(ends), pa.py_buffer(data)], null_count=nulls
    )


_KINDS: Final = {
    (False, False): pa.string(),
    (False, True): pa.binary(),
    (True, False): pa.large_string(),
    (True, True): pa.large_binary(),
}
