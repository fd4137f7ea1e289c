"""Builds Arrow string columns from matrices of ASCII bytes and from dictionaries of words."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_ZERO = 48


def blank(rows: int, width: int) -> Bytes:
    """Return a matrix of ASCII zeros."""
    return np.full((rows, width), _ZERO, dtype=np.uint8)


def write_number(matrix: Bytes, column: int, width: int, numbers: NDArray[np.int64]) -> None:
    """Write each number in decimal, zero-padded, into `width` bytes from `column` on."""
    rest = numbers
    for place in range(column + width - 1, column - 1, -1):
        rest, digit = np.divmod(rest, 10)
        matrix[:, place] = digit + _ZERO


def strings(
    matrix: Bytes,
    lengths: NDArray[np.int64] | None = None,
    valid: NDArray[np.bool_] | None = None,
) -> pa.StringArray:
    """Return one string a row: its last `lengths` bytes (all, if not given), null if not valid."""
    rows, width = matrix.shape
    kept = np.full(rows, width, dtype=np.int64) if lengths is None else lengths
    if valid is not None:
        kept = np.where(valid, kept, 0)
    offsets = np.zeros(rows + 1, dtype=np.int32)
    np.cumsum(kept, out=offsets[1:])
    if lengths is None and valid is None:
        data = np.ascontiguousarray(matrix)
    else:
        data = matrix[np.arange(width) >= (width - kept)[:, None]]
    return pa.StringArray.from_buffers(
        rows, pa.py_buffer(offsets), pa.py_buffer(data), _bitmap(valid), -1
    )


def _bitmap(valid: NDArray[np.bool_] | None) -> pa.Buffer | None:
    return None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))


def words(values: Sequence[str]) -> pa.StringArray:
    """Return a dictionary of words to take from."""
    return pa.array(values, type=pa.string())


def take(
    dictionary: pa.StringArray,
    index: NDArray[np.int64],
    valid: NDArray[np.bool_] | None = None,
) -> pa.StringArray:
    """Return the word at each index, null where not valid."""
    mask = None if valid is None else ~valid
    return dictionary.take(pa.array(index, mask=mask))
