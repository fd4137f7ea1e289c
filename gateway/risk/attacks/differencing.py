"""Differencing: what several releases tell together that none of them tells alone.

Each release hides a person in a class. Whoever holds two knows both classes, and that is a smaller
group: the cell of those whom every release shows alike (intersection attack: Ganta, Kasiviswanathan
& Smith, KDD 2008; differencing of filters: Denning, TODS 1980).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from gateway.errors import InvalidRequest
from gateway.model.attacks import AttackResult
from gateway.risk.attacks.arrays import Indices, joined
from gateway.risk.attacks.intervals import Rate, result
from gateway.risk.attacks.setting import Setting, record_of
from gateway.risk.attacks.view import Column, People, Release

THREAT: Final = (
    "A recipient, or several who share what they have, lays releases about the same people side by "
    "side and tells apart whom any of them tells apart."
)


@dataclass(frozen=True, slots=True)
class Held:
    """An earlier release in the same hands; ``origin`` as in ``run_attacks``."""

    released: pa.Table
    origin: Sequence[int] | Indices | None = None


def differencing(setting: Setting, held: Sequence[Held] | None) -> AttackResult | None:
    """`side_by_side` for the release and those that are held; None when nobody said what is held
    (None), or the original is a sample."""
    if held is None or not setting.spec.whole:
        return None
    shown = [_shown(setting, setting.release, setting.record_of)]
    for place, release in enumerate(held):
        columns = [
            name for name in setting.spec.quasi_identifiers if name in release.released.column_names
        ]
        if not columns:
            raise InvalidRequest.of(f"held {place + 1}", "has none of the quasi-identifiers")
        view = Release(setting.original, release.released, columns, setting.spec.hierarchies)
        records = (
            None
            if release.origin is None
            else record_of(release.origin, setting.original, release.released)
        )
        shown.append(_shown(setting, view, records))
    by_origin = setting.record_of is not None and all(one.origin is not None for one in held)
    return side_by_side(shown, setting.spec.k, by_origin=by_origin)


def side_by_side(shown: Sequence[Indices], k: int, *, by_origin: bool) -> AttackResult:
    """The share of the persons in some release whom fewer than ``k`` look alike with in all of them
    together, of those whom ``k`` or more look alike with in each.

    ``shown``: for each release the group in which it shows each person, 0 for not at all, by
    origin or by labels alone. One release alone bares nobody: no attempts.
    """
    everybody = len(shown[0])
    somewhere = np.logical_or.reduce([groups > 0 for groups in shown])
    each = np.minimum.reduce(
        [np.where(groups > 0, np.bincount(groups)[groups], everybody) for groups in shown]
    )
    together, _ = joined(list(shown))
    cell = np.bincount(together)[together]
    hidden = somewhere & (each >= k)
    bared = hidden & (cell < k)
    known = (
        "Who is in which release was given."
        if by_origin
        else "Who is in which release was not given, so only what the labels tell apart was counted, "
        "and not who was left out of one of them."
    )
    return _counted(
        int(np.count_nonzero(bared)), int(np.count_nonzero(hidden)), len(shown), k, known
    )


def _counted(bared: int, hidden: int, releases: int, k: int, known: str) -> AttackResult:
    """The result of a count: of ``hidden`` persons whom each release hides among
    ``k`` or more, ``bared`` are among fewer in all of them. ``known``: what the count rests on."""
    attempts = hidden if releases > 1 else 0
    return result(
        "differencing",
        Rate.exact(bared / max(attempts, 1), attempts),
        baseline=Rate.exact(0.0, attempts),
        threat=THREAT,
        explanation=f"{releases} releases were laid side by side; of {attempts} persons whom each "
        f"of them hides among {k} or more it was counted who is hidden among fewer in all of them. "
        f"{known}"
        if releases > 1
        else "No other release of these records is in the same hands.",
    )


def _shown(setting: Setting, release: Release, records: Indices | None) -> Indices:
    """The group in which a release shows each person of the original; 0 for those that it does
    not show.

    By the class of the person's record where that is known, else by all classes that cover the
    person, which is one class unless classes overlap.
    """
    classes = release.classes(release.columns)
    if records is not None:
        return np.append(classes.class_of + 1, 0)[records]  # −1, the last, for who was left out
    coded = [Column.of(setting.original.column(name)).codes for name in release.columns]
    combination, first = joined(coded)
    people = People(release, setting.original, first)
    fitting, looked_at = people.fitting(release.columns, classes)
    if looked_at < people.count:
        raise InvalidRequest.of(
            "held",
            "these releases are too large to compare by their labels; give the origin of records",
        )
    # A set of classes as the sum of a random number for each: two sets agree by chance alone.
    marks = setting.draw.integers(1, 1 << 62, len(classes.sizes))
    sums = np.zeros(people.count, np.int64)
    np.add.at(sums, fitting.person, marks[fitting.fits])
    _, group = np.unique(np.append(0, sums), return_inverse=True)
    zero = group[0]
    groups = np.where(group[1:] == zero, 0, group[1:] + 1)
    return groups[combination].astype(np.int64)
