"""The released records that an attacker takes for a person: those that are nearest.

Records that cover the person are nearest; of several classes of them the one that covers fewest
people. A person whom none covers, because the record was left out or the values were changed, is
compared with all by Gower's distance: per column 0 if covered, for numbers the gap to the range as
a share of the column's extent, else 1 (J. C. Gower, Biometrics 27, 1971; record linkage by distance
as in Domingo-Ferrer & Torra, 2003).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.risk.attacks.arrays import Indices, Shares, expand
from gateway.risk.attacks.view import Classes, Pairs, People

_CELLS: Final = 2_000_000
_MOST_DISTANCES: Final = 240_000_000


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest classes of each person, tied; ``covered``: whether they cover the person.

    ``rows``: records in the nearest classes of each person. ``looked_at``: so many persons, the
    first ones, were attacked before the bound on work.
    """

    pairs: Pairs
    rows: Indices
    covered: NDArray[np.bool_]
    looked_at: int


def nearest(people: People, columns: Sequence[str], classes: Classes) -> Nearest:
    """What an attacker who knows ``columns`` of the persons takes for their records."""
    fitting, looked_at = people.fitting(columns, classes)
    generality = people.generality(columns, classes)
    best = _least(fitting, generality[fitting.fits], people.count)
    covered = np.zeros(people.count, np.bool_)
    covered[best.person] = True
    rest = np.flatnonzero(~covered[:looked_at])
    far, reached = _by_distance(people, columns, classes, rest)
    if reached < len(rest):
        looked_at = int(rest[reached])
    person = np.concatenate([best.person, far.person])
    fits = np.concatenate([best.fits, far.fits])
    kept = person < looked_at
    order = np.argsort(person[kept], kind="stable")
    pairs = Pairs(person[kept][order], fits[kept][order])
    rows = np.bincount(pairs.person, classes.sizes[pairs.fits], minlength=people.count)
    return Nearest(pairs, rows[:looked_at].astype(np.int64), covered[:looked_at], looked_at)


def _least(pairs: Pairs, measure: Shares, count: int) -> Pairs:
    least = np.full(count, np.inf)
    np.minimum.at(least, pairs.person, measure)
    kept = measure == least[pairs.person]
    return Pairs(pairs.person[kept], pairs.fits[kept])


def _by_distance(
    people: People, columns: Sequence[str], classes: Classes, persons: Indices
) -> tuple[Pairs, int]:
    """The nearest classes of persons whom no class covers, and how many of them were looked at."""
    count = len(classes.sizes)
    if not count:
        return Pairs(persons[:0], persons[:0]), len(persons)
    at_once = max(1, _CELLS // count)
    most = min(len(persons), max(at_once, _MOST_DISTANCES // (count * len(columns))))
    found = [Pairs(persons[:0], persons[:0])]
    for start in range(0, most, at_once):
        some = persons[start : min(start + at_once, most)]
        total = np.zeros((len(some), count))
        for place, name in enumerate(columns):
            total += _distances(people, name, some, classes.labels[:, place])
        total = np.round(total, 9)
        near, fits = np.nonzero(total == total.min(axis=1, keepdims=True))
        found.append(Pairs(some[near], fits))
    return Pairs(
        np.concatenate([pairs.person for pairs in found]),
        np.concatenate([pairs.fits for pairs in found]),
    ), most


def _distances(people: People, name: str, persons: Indices, labels: Indices) -> Shares:
    """Persons × classes, from 0 to 1 in one column."""
    relation, codes = people.relations[name], people.codes[name][persons]
    values, row = np.unique(codes, return_inverse=True)
    kinds, column = np.unique(labels, return_inverse=True)
    apart = np.ones((len(values), len(kinds)))
    known = np.isfinite(relation.numbers)
    extent = np.ptp(relation.numbers[known]) if known.any() else 0.0
    if extent > 0:
        numbers = relation.numbers[values][:, None]
        gap = np.maximum(relation.low[kinds] - numbers, numbers - relation.high[kinds])
        apart = np.where(np.isnan(gap), 1.0, np.clip(gap / extent, 0.0, 1.0))
    starts, counts = relation.labels_of(int(codes.max(initial=-1)) + 1)
    value, place = expand(starts[values], counts[values])
    label = relation.keys[place] % relation.width
    where = np.searchsorted(kinds, label)
    here = (where < len(kinds)) & (kinds[np.minimum(where, len(kinds) - 1)] == label)
    apart[value[here], where[here]] = 0.0
    return apart[row][:, column]
