"""PRAM, the post-randomisation method: every category is drawn anew, by a published matrix of
chances.

Claim. Each record's category becomes v with exactly the chance that the matrix states in the row of
its true category, independently of all other records. So anybody may doubt any single value, and an
analyst who has the matrix can estimate the true counts from the published ones. An *invariant*
matrix leaves the expected count of every category as it was, so that nothing need be corrected.
Such a matrix is made of the true counts, and tells them.
A null is a category of its own. PRAM gives no k-anonymity, and this is not differential privacy
unless the matrix says so: ``local_epsilon`` states what it amounts to.

Chances are whole numbers out of 2**32, and the matrix that is stated is the one that is used.
Source: Gouweleeuw, Kooiman, Willenborg and de Wolf, Journal of Official Statistics 14 (1998)
463-478, with the two-stage invariant matrix of its section 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf, log
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.errors import InvalidRequest, TransformFailed

ONE: Final = 2**32
"""A chance of 1."""

MOST_CATEGORIES: Final = 500


@dataclass(frozen=True, slots=True)
class TransitionMatrix:
    """Chances of published categories (columns) for true ones (rows), out of `ONE`.

    ``categories``: the values in the order of both; None stands for a null.
    """

    categories: tuple[str | None, ...]
    chances: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        size = len(self.categories)
        if not 1 <= size <= MOST_CATEGORIES or len(set(self.categories)) != size:
            raise InvalidRequest.of("categories", f"are 1 to {MOST_CATEGORIES}, none of them twice")
        if len(self.chances) != size or any(len(row) != size for row in self.chances):
            raise InvalidRequest.of("chances", "are a row and a column for each category")
        if any(min(row) < 0 or sum(row) != ONE for row in self.chances):
            raise InvalidRequest.of("chances", "are not negative and add up to 1 in each row")

    @property
    def local_epsilon(self) -> float:
        """The logarithm of the largest ratio of two chances in a column: that of local
        differential privacy."""
        columns = list(zip(*self.chances, strict=True))
        if any(0 in column and any(column) for column in columns):
            return inf
        return max((log(max(one) / min(one)) for one in columns if any(one)), default=0.0)

    def stated(self) -> dict[str, object]:
        """What is published beside the data: categories, and each row as shares of 1."""
        rows = [[chance / ONE for chance in row] for row in self.chances]
        return {"categories": list(self.categories), "matrix": rows}


def retention(categories: Sequence[str | None], keep: Fraction) -> TransitionMatrix:
    """Keeps a value with the chance ``keep``; else draws one of the others, all equally likely."""
    if not 0 <= keep <= 1:
        raise InvalidRequest.of("keep", "is a chance: from 0 to 1")
    size = len(categories)
    if size == 1:
        return TransitionMatrix(tuple(categories), ((ONE,),))
    other = (1 - keep) / (size - 1)
    rows = [[keep if one == to else other for to in range(size)] for one in range(size)]
    return TransitionMatrix(tuple(categories), tuple(_whole(row) for row in rows))


def invariant(matrix: TransitionMatrix, counts: Sequence[int]) -> TransitionMatrix:
    """The two-stage matrix: of ``matrix``, and back by Bayes' rule with the true ``counts``.

    Expected counts stay as they were, up to n / 2**32 for rounding of chances. A category that does
    not occur keeps its value and is drawn by nobody.
    """
    if len(counts) != len(matrix.categories) or min(counts) < 0 or not sum(counts):
        raise InvalidRequest.of("counts", "one for each category, not all of them 0")
    chances = np.array(matrix.chances, np.float64) / ONE
    true = np.array(counts, np.float64)
    published = true @ chances
    back = (true[:, None] * chances / np.where(published > 0, published, 1)).T
    both = (chances @ back).tolist()
    size = len(counts)
    rows = [
        _whole([Fraction(share) for share in both[place]]) if count else _certain(place, size)
        for place, count in enumerate(counts)
    ]
    return TransitionMatrix(matrix.categories, tuple(rows))


def counts_of(column: pa.Array | pa.ChunkedArray) -> tuple[tuple[str | None, ...], tuple[int, ...]]:
    """The categories of a text column, sorted, a null last, and how often each occurs."""
    counted = pc.value_counts(column)
    pairs = zip(
        counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True
    )
    ordered = sorted(pairs, key=lambda pair: (pair[0] is None, pair[0] or ""))
    return tuple(value for value, _ in ordered), tuple(count for _, count in ordered)


class Pram:
    """`Pram(matrix).apply(column, draws)`: a text column to another of the same length."""

    __slots__ = ("_cumulated", "_values", "matrix")

    def __init__(self, matrix: TransitionMatrix) -> None:
        self.matrix: Final = matrix
        self._values = pa.array(matrix.categories, pa.string())
        self._cumulated = np.cumsum(np.array(matrix.chances, np.uint64), axis=1)

    def apply(self, column: pa.Array, draws: NDArray[np.uint64]) -> pa.Array:
        """``draws``: a uniform 64-bit number for each row, fresh or by key, for nothing else.

        `TransformFailed` for a value that the matrix does not name.
        """
        if len(draws) != len(column):
            raise InvalidRequest.of("draws", "one for each row")
        true = pc.index_in(column.cast(pa.string()), value_set=self._values, skip_nulls=False)
        if true.null_count:
            raise TransformFailed("a value is none of the categories of the transition matrix")
        numbers = (draws >> np.uint64(32)).astype(np.uint64)
        codes = true.to_numpy().astype(np.int64)
        # one sorted array of all rows of the matrix: row r from r * ONE to (r + 1) * ONE
        size = len(self.matrix.categories)
        shift = (np.arange(size, dtype=np.uint64) * np.uint64(ONE))[:, None]
        steps = (self._cumulated + shift).ravel()
        wanted = numbers + codes.astype(np.uint64) * np.uint64(ONE)
        found = np.searchsorted(steps, wanted, side="right") - codes * size
        return self._values.take(pa.array(found))


def estimated_counts(matrix: TransitionMatrix, published: Sequence[int]) -> NDArray[np.float64]:
    """Unbiased estimates of the true counts from published ones: by the inverse of the matrix.

    `InvalidRequest` where the matrix has none; estimates can be negative.
    """
    chances = np.array(matrix.chances, np.float64) / ONE
    if len(published) != len(chances):
        raise InvalidRequest.of("published", "a count for each category")
    if np.linalg.matrix_rank(chances) < len(chances):
        raise InvalidRequest.of("matrix", "has no inverse: counts cannot be estimated")
    return np.asarray(np.linalg.solve(chances.T, np.asarray(published, np.float64)), np.float64)


def _whole(row: Sequence[Fraction]) -> tuple[int, ...]:
    """Shares as whole numbers that add up to `ONE`, by largest remainders, ties to the first."""
    whole = sum(row, Fraction(0))
    exact = [share / whole * ONE for share in row]
    floors = [int(share) for share in exact]
    by_rest = sorted(range(len(row)), key=lambda place: floors[place] - exact[place])
    for place in by_rest[: ONE - sum(floors)]:
        floors[place] += 1
    return tuple(floors)


def _certain(place: int, size: int) -> tuple[int, ...]:
    return tuple(ONE if to == place else 0 for to in range(size))
