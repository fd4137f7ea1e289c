"""Record linkage: finding the released record of a known person by distance."""

from typing import Final

import numpy as np

from gateway.model.attacks import AttackResult
from gateway.risk.attacks.arrays import Shares
from gateway.risk.attacks.intervals import Rate, result
from gateway.risk.attacks.nearest import Nearest, nearest
from gateway.risk.attacks.setting import Setting
from gateway.risk.attacks.view import Classes

THREAT: Final = (
    "An attacker knows the quasi-identifiers of a person exactly, knows that the person is among "
    "the original records, and picks the released record that is nearest; of several that are "
    "equally near, one at random."
)


def record_linkage(setting: Setting) -> AttackResult:
    """The share of persons whose nearest released record is their own."""
    columns = setting.spec.quasi_identifiers
    classes = setting.release.classes(columns)
    near = nearest(setting.people, columns, classes)
    chances = _right(setting, classes, near)
    attempts = near.looked_at
    if setting.record_of is None:
        known = (
            "Which record came from whom was not given: a person whom a record covers counts as if "
            "the own record were among those that cover."
        )
    else:
        known = "Links were compared with the true origin of each record."
    alone = int(np.count_nonzero(near.rows == 1))
    return result(
        "record_linkage",
        _rate(setting, chances, attempts),
        baseline=Rate.exact(1 / setting.release.rows if setting.release.rows else 0.0, attempts),
        threat=THREAT,
        explanation=f"{attempts} persons were looked for; {alone} of them had one single nearest "
        f"record. {known}",
    )


def _right(setting: Setting, classes: Classes, near: Nearest) -> Shares:
    """Of each person the probability that the record that is picked is the right one."""
    chance = np.zeros(near.looked_at)
    if setting.record_of is None:
        chance[near.covered] = 1 / near.rows[near.covered]
        return chance
    record = setting.record_of[setting.targets[: near.looked_at]]
    own = np.append(classes.class_of, -1)[record]  # −1, the last, for who was left out
    hit = near.pairs.person[near.pairs.fits == own[near.pairs.person]]
    chance[hit] = 1 / near.rows[hit]
    return chance


def _rate(setting: Setting, chances: Shares, attempts: int) -> Rate:
    if attempts == setting.original.num_rows and setting.spec.whole:
        return Rate.exact(float(chances.mean()), attempts)
    return Rate.of(float(chances.sum()), attempts)
