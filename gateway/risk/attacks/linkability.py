"""Linkability: two sets of data about the same people, joined by help of the release.

Giomi et al., A Unified Framework for Quantifying Privacy Risk in Synthetic Data (PoPETs 2023,
section 5.2), for the criterion of the Article 29 Working Party's opinion WP216. One thing is
different: of several nearest records one is taken at random, where the authors' program takes the
first in the order of the file, which would make records of one class seem to be linked.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from gateway.model.attacks import AttackResult
from gateway.risk.attacks.arrays import Indices, expand, joined
from gateway.risk.attacks.intervals import Rate, result
from gateway.risk.attacks.nearest import Nearest, nearest
from gateway.risk.attacks.setting import Setting
from gateway.risk.attacks.view import Classes, People

THREAT: Final = (
    "An attacker holds two files about the same people with different quasi-identifiers and no "
    "common key, and joins two entries when the same released record is nearest to both."
)


def linkability(setting: Setting, control: pa.Table | None = None) -> AttackResult | None:
    """The share of persons whose two entries are joined; None with fewer than two columns."""
    columns = setting.spec.quasi_identifiers
    if len(columns) < 2:
        return None
    halves = _halves(setting)
    attack = _rate(setting, setting.people, halves)
    others = None if control is None else _rate(setting, setting.others(control)[1], halves)
    rows = setting.release.rows
    return result(
        "linkability",
        attack,
        baseline=Rate.exact(1 / rows if rows else 0.0, attack.attempts),
        control=others,
        threat=THREAT,
        explanation=f"One file holds {', '.join(halves[0])}, the other {', '.join(halves[1])}; "
        f"{attack.attempts} persons were tried.",
    )


def _halves(setting: Setting) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns in two, equally telling: dealt out by how many values are released of each."""
    labels = setting.release.labels
    order = sorted(setting.spec.quasi_identifiers, key=lambda name: -len(labels[name].values))
    first = {name for place, name in enumerate(order) if place % 4 in {0, 3}}
    columns = setting.spec.quasi_identifiers
    return (
        tuple(name for name in columns if name in first),
        tuple(name for name in columns if name not in first),
    )


def _rate(setting: Setting, people: People, halves: Sequence[Sequence[str]]) -> Rate:
    classes = [setting.release.classes(half) for half in halves]
    near = [nearest(people, half, found) for half, found in zip(halves, classes, strict=True)]
    attempts = min(side.looked_at for side in near)
    common = _common(classes, near, attempts)
    possible = near[0].rows[:attempts].astype(float) * near[1].rows[:attempts]
    chance = np.divide(common, possible, out=np.zeros(attempts), where=possible > 0)
    return Rate.of(float(chance.sum()), attempts)


def _common(classes: Sequence[Classes], near: Sequence[Nearest], attempts: int) -> Indices:
    """Released records that are nearest on both sides, of each person."""
    cell, first = joined([side.class_of for side in classes])
    width = len(classes[1].sizes)
    keys = classes[0].class_of[first] * width + classes[1].class_of[first]
    order = np.argsort(keys)
    keys, sizes = keys[order], np.bincount(cell, minlength=len(first))[order]
    left, right = near[0].pairs, near[1].pairs
    starts = np.searchsorted(right.person, left.person, "left")
    counts = np.searchsorted(right.person, left.person, "right") - starts
    counts[left.person >= attempts] = 0
    which, place = expand(starts, counts)
    wanted = left.fits[which] * width + right.fits[place]
    found = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    shared = np.where(keys[found] == wanted, sizes[found], 0) if len(keys) else wanted * 0
    return np.bincount(left.person[which], shared, minlength=attempts)[:attempts].astype(np.int64)
