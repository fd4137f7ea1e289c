"""Small vector operations that the attacks share."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Shares = NDArray[np.float64]

_LARGEST: Final = 1 << 62


def expand(starts: Indices, counts: Indices) -> tuple[Indices, Indices]:
    """The runs start, start + 1, … of each count, one after another: (which run, place)."""
    counts = counts.astype(np.int64)
    which = np.repeat(np.arange(len(counts)), counts)
    before = np.cumsum(counts) - counts
    return which, np.arange(len(which)) - before[which] + starts.astype(np.int64)[which]


def index_in(values: pa.Array, among: pa.Array) -> tuple[Indices, Indices]:
    """The pairs (index of a value, index in ``among``) that are equal; ``among`` is distinct.

    Null equals nothing.
    """
    found = pc.index_in(values, value_set=among, skip_nulls=True)
    where = np.flatnonzero(pc.is_valid(found).to_numpy(zero_copy_only=False))
    places: Indices = found.take(pa.array(where)).to_numpy(zero_copy_only=False).astype(np.int64)
    return where, places


def unique_sorted(keys: Indices) -> Indices:
    """The distinct keys in ascending order."""
    ordered = np.sort(keys)
    kept: Indices = ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(keys) else ordered
    return kept


def is_member(keys: Indices, among: Indices) -> NDArray[np.bool_]:
    """Which keys are in ``among``, which is sorted."""
    if not len(among):
        return np.zeros(len(keys), np.bool_)
    place = np.minimum(np.searchsorted(among, keys), len(among) - 1)
    found: NDArray[np.bool_] = among[place] == keys
    return found


def joined(codes: list[Indices]) -> tuple[Indices, Indices]:
    """Rows by what they have in all columns: (a code of each row, one row of each code).

    Codes count from 0 in no meaningful order.
    """
    code = np.zeros(len(codes[0]), np.int64)
    kinds = 1
    for column in codes:
        width = int(column.max(initial=0)) + 1
        if kinds * width > _LARGEST:
            # Only now is it worth a sort to count what there is instead of what there might be.
            distinct, code = np.unique(code, return_inverse=True)
            kinds = len(distinct)
        code = code * width + column
        kinds *= width
    _, first, code = np.unique(code, return_index=True, return_inverse=True)
    return code.astype(np.int64), first.astype(np.int64)
