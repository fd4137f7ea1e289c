"""How large classes are when a suppressed cell may stand for any value.

Somebody who looks for a person cannot rule out a record by a cell that is suppressed there. So a
record is found among all that agree with it wherever neither is suppressed. The R package sdcMicro
counts frequencies so (Templ, Kowarik and Meindl, Statistical disclosure control for micro-data
using the R package sdcMicro, Journal of Statistical Software 67(4), 2015, section 3.1). It is the
milder view: records of which much is suppressed agree with nearly all.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

MOST_COMPARISONS: Final = 50_000_000
"""Patterns of suppression times classes, a minute's work; beyond that it is not computed."""

_MOST_KEYS: Final = 2**62


def wildcard_sizes(codes: npt.NDArray[np.int32], records: Ints) -> Ints | None:
    """How many records each class agrees with, itself among them; None where that is too many.

    ``codes``: one row a class, one column a quasi-identifier, −1 for a suppressed cell.
    ``records``: of each class. Time grows with the patterns of suppression times the classes.
    """
    classes = len(codes)
    suppressed = codes < 0
    patterns, pattern_of = np.unique(suppressed, axis=0, return_inverse=True)
    pattern_of = pattern_of.reshape(-1)
    if len(patterns) * classes > MOST_COMPARISONS:
        return None
    members = [np.flatnonzero(pattern_of == place) for place in range(len(patterns))]
    sizes = np.zeros(classes, np.int64)
    for place, pattern in enumerate(patterns):
        own = members[place]
        # All classes with which the same columns are left to compare are counted in one go.
        for common, others in _by_common(pattern, patterns):
            rows = np.concatenate([members[other] for other in others])
            sizes[own] += _agreeing(codes[own][:, common], codes[rows][:, common], records[rows])
    return sizes


def _by_common(
    pattern: npt.NDArray[np.bool_], patterns: npt.NDArray[np.bool_]
) -> Iterator[tuple[Ints, list[int]]]:
    """The columns to compare with other patterns, and which patterns have just these in common."""
    grouped: dict[bytes, list[int]] = {}
    for place, either in enumerate(patterns | pattern):
        grouped.setdefault(either.tobytes(), []).append(place)
    for either, places in grouped.items():
        yield np.flatnonzero(~np.frombuffer(either, np.bool_)), places


def _agreeing(
    looked_for: npt.NDArray[np.int32], among: npt.NDArray[np.int32], records: Ints
) -> Ints:
    """For each row of the first, the records of all rows of the second that are the same."""
    if not looked_for.shape[1]:
        return np.full(len(looked_for), records.sum())
    keys = _keys(np.concatenate([looked_for, among]))
    summed = np.zeros(keys.max() + 1, np.int64)
    np.add.at(summed, keys[len(looked_for) :], records)
    return summed[keys[: len(looked_for)]]


def _keys(rows: npt.NDArray[np.int32]) -> Ints:
    """A number for each distinct row, from 0."""
    lowest, highest = rows.min(axis=0).astype(np.int64), rows.max(axis=0).astype(np.int64)
    keys = np.zeros(len(rows), np.int64)
    used = 1
    for column, low, wide in zip(rows.T, lowest, (highest - lowest + 1).tolist(), strict=True):
        if used * wide > _MOST_KEYS:
            # Numbered anew before they overflow.
            keys = np.unique(keys, return_inverse=True)[1]
            used = int(keys.max()) + 1
        keys = keys * wide + (column - low)
        used *= wide
    return np.unique(keys, return_inverse=True)[1]
