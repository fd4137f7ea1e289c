"""The statistical auditor: what two neighbouring data sets' answers say about ε.

For any set S of answers that was chosen without them, (ε, δ) means P(S | one) ≤ e^ε·P(S | other)
+ δ. Half of the answers choose sets, the other half count how often each is met. Both counts have
exact (Clopper-Pearson) bounds, and the claim is refuted where the lower bound of the left side is
above the upper bound of the right one. All bounds of an audit hold together with probability
1 − 10⁻²⁰, so a failure means wrong, never unlucky.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp, log

import numpy as np
from scipy.stats import beta

CHANCE = 1e-20
"""That a sound mechanism fails an audit."""

_CUTS = 24

Score = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Audit:
    """``least``: ε is larger than that, or δ is. ``refuted``: larger than what was claimed."""

    least: float
    refuted: bool


def audit(one: np.ndarray, other: np.ndarray, epsilon: float, delta: float = 0.0) -> Audit:
    """Answers on two neighbours, rows of shape (n,) or (n, cells), against a claim of (ε, δ)."""
    one, other = (np.atleast_2d(np.asarray(a).T).T for a in (one, other))
    half = len(one) // 2, len(other) // 2
    sets = list(_sets(one[: half[0]], other[: half[1]], epsilon))
    least, refuted = 0.0, False
    share = CHANCE / (4 * max(1, len(sets)))
    for met in sets:
        left, right = met(one[half[0] :]), met(other[half[1] :])
        for a, b in ((left, right), (right, left)):
            low = _bound(int(a.sum()), len(a), share, upper=False)
            high = _bound(int(b.sum()), len(b), share, upper=True)
            if low > delta:
                least = max(least, log((low - delta) / high))
            refuted |= low > exp(epsilon) * high + delta
    return Audit(least, refuted)


def refused_by_chance(seen: int, tries: int, probability: float, tests: int = 1) -> bool:
    """Whether ``seen`` of ``tries`` is so far from ``probability`` as a fair draw never is."""
    share = CHANCE / (2 * tests)
    low = _bound(seen, tries, share, upper=False)
    return not low <= probability <= _bound(seen, tries, share, upper=True)


def _bound(seen: int, tries: int, chance: float, *, upper: bool) -> float:
    if upper:
        return 1.0 if seen == tries else float(beta.isf(chance, seen + 1, tries - seen))
    return 0.0 if seen == 0 else float(beta.ppf(chance, seen, tries - seen + 1))


def _sets(one: np.ndarray, other: np.ndarray, epsilon: float) -> Iterator:
    # thresholds on every cell, on their sum, and on the sum of what each cell tells by itself:
    # the best there is where noise is independent
    scores: list[Score] = [lambda rows, at=at: rows[:, at] for at in range(one.shape[1])]
    if one.shape[1] > 1:
        scores += [lambda rows: rows.sum(axis=1), _told_by_cells(one, other)]
    for score in scores:
        values = np.concatenate([score(one), score(other)])
        for cut in np.unique(np.quantile(values, np.linspace(0, 1, _CUTS), method="nearest")):
            yield lambda rows, s=score, c=cut: s(rows) <= c
            yield lambda rows, s=score, c=cut: s(rows) == c
    # and all answers that are likelier by more than e^ε, here and there: the worst set there is
    rows, place = np.unique(np.concatenate([one, other]), axis=0, return_inverse=True)
    place = place.reshape(-1)
    seen = np.bincount(place[: len(one)], minlength=len(rows)) / len(one)
    there = np.bincount(place[len(one) :], minlength=len(rows)) / len(other)
    for a, b in ((seen, there), (there, seen)):
        for factor in (1.0, exp(epsilon)):
            chosen = rows[a > factor * b]
            if 0 < len(chosen) <= 10_000:
                yield _members(chosen)


def _told_by_cells(one: np.ndarray, other: np.ndarray) -> Score:
    tables = []
    for at in range(one.shape[1]):
        both = np.concatenate([one[:, at], other[:, at]])
        cuts = np.unique(np.quantile(both, np.linspace(0, 1, _CUTS)[1:-1]))
        here, there = (
            np.bincount(np.searchsorted(cuts, rows[:, at]), minlength=len(cuts) + 1) + 1.0
            for rows in (one, other)
        )
        tables.append((cuts, np.log(here / len(one)) - np.log(there / len(other))))

    def told(rows: np.ndarray) -> np.ndarray:
        return sum(
            told[np.searchsorted(cuts, rows[:, at])] for at, (cuts, told) in enumerate(tables)
        )

    return told


def _members(chosen: np.ndarray):
    known = {row.tobytes() for row in np.ascontiguousarray(chosen, dtype=np.float64)}

    def met(rows: np.ndarray) -> np.ndarray:
        doubles = np.ascontiguousarray(rows, dtype=np.float64)
        return np.array([row.tobytes() in known for row in doubles], dtype=bool)

    return met
