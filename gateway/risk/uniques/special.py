"""Special uniques: records scored by how few columns single them out, and in how many ways.

Scores. Of a minimal sample unique of k columns among A, looked for up to size M: the product of
(A - i) for i from k to M (less than A). A record's SUDA score is the sum over its minimal sample
uniques: Elliot, Manning, Mayes, Gurd & Bane, "SUDA: a program for detecting special uniques",
UNECE/Eurostat work session on statistical data confidentiality, Geneva 2005.

DIS. The chance that a unique match of a sample record with the population is right, estimated from
the records that are alone (U) and those in pairs (P) by all columns, at the sampling fraction f:
U f / (U f + P (1 - f)): Skinner & Elliot, "A measure of disclosure risk for microdata", JRSS B 64
(2002) 855-867. DIS-SUDA spreads it over records by their scores, as the SUDA program does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.errors import InvalidRequest
from gateway.risk.uniques.subsets import Coded, Visited

Scores = NDArray[np.float64]

_EIGHT: Final = 8.0
_TWENTY: Final = 20.0
"""Of the SUDA program's exponent 1 + (8 - A) / 20, by which scores of many columns flatten."""


@dataclass(frozen=True, slots=True, repr=False)
class Special:
    """``scores``: SUDA score of each row. ``minimal``: how many minimal sample uniques each row has.
    ``contributions``: of each column, the share of all scores that is from sets with it."""

    scores: Scores
    minimal: NDArray[np.int64]
    contributions: tuple[float, ...]


def weights(columns: int, most: int) -> tuple[float, ...]:
    """The score of a minimal sample unique of 1, 2, ... ``most`` columns."""
    last = min(most, columns - 1)
    return tuple(
        float(prod(columns - size for size in range(k, last + 1))) for k in range(1, most + 1)
    )


class Scoring:
    """Adds up what `subsets.visit` yields."""

    def __init__(self, coded: Coded, most: int) -> None:
        self._coded = coded
        self._weights = weights(len(coded.names), most)
        self._scores = np.zeros(len(coded.counts))
        self._minimal = np.zeros(len(coded.counts), np.int64)
        self._by_column = np.zeros(len(coded.names))

    def add(self, visited: Visited) -> None:
        """Counts one set; its minimal sample uniques are records that occur once."""
        worth = self._weights[len(visited.columns) - 1]
        self._scores[visited.minimal] += worth
        self._minimal[visited.minimal] += 1
        self._by_column[list(visited.columns)] += worth * len(visited.minimal)

    def done(self) -> Special:
        """Of all sets that were added."""
        total = float(self._scores.sum())
        shares = self._by_column / total if total else self._by_column
        rows = self._coded.row_record
        return Special(self._scores[rows], self._minimal[rows], tuple(shares.tolist()))


def scored(coded: Coded, most: int, sets: Iterable[Visited]) -> Special:
    """The scores of these sets, which are all of ``visit(coded, most)``."""
    scoring = Scoring(coded, most)
    for one in sets:
        scoring.add(one)
    return scoring.done()


def dis(counts: Sequence[int] | NDArray[np.int64], fraction: float) -> float:
    """Of a table whose distinct records occur so often; 0 where nobody is alone.

    ``fraction``: rows of the table divided by those of the population, above 0 and at most 1.
    """
    if not 0 < fraction <= 1:
        raise InvalidRequest.of("sampling_fraction", "is above 0 and at most 1")
    sizes = np.asarray(counts)
    alone = int(np.count_nonzero(sizes == 1)) * fraction
    paired = 2 * int(np.count_nonzero(sizes == 2)) * (1 - fraction)
    return alone / (alone + paired) if alone else 0.0


def dis_suda(special: Special, coded: Coded, fraction: float) -> Scores:
    """Of each row the chance that a match with it is right, 0 where no set singles it out."""
    chance = dis(coded.counts, fraction)
    found = np.zeros(len(special.scores))
    there = special.scores > 0
    if not chance or not there.any():
        return found
    uniques = int(np.count_nonzero(coded.counts == 1))
    # relative to the largest: powers of products of 25 columns leave the range of doubles
    relative = special.scores[there] / special.scores.max()
    powered = relative ** (1 + (_EIGHT - len(coded.names)) / _TWENTY)
    spread = powered * (1 / powered).sum()
    found[there] = 1 / (1 + uniques * (1 / chance - 1) / spread)
    return found
