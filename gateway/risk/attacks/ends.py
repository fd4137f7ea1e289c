"""Singling out by the ends of ranges, with nothing but the release.

A recoding that loses no more than it must publishes the tightest range that its class permits, so
somebody of the class has each end. That somebody is often the only one: Cohen (Attacks on
Deidentification's Defenses, USENIX Security 2022) shows that what is minimal and hierarchical lets
persons be singled out like this. Our own, from the principle; see ``refinement`` for the paper that
the attack on labels goes back to.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.model.attacks import AttackResult
from gateway.risk.attacks.arrays import Indices, Shares, index_in
from gateway.risk.attacks.intervals import Rate, result
from gateway.risk.attacks.labels import Domain, nodes, ranges
from gateway.risk.attacks.predicates import EQUALS, IS, Predicates, records_of
from gateway.risk.attacks.setting import Setting
from gateway.risk.attacks.view import Release

THREAT: Final = (
    "An attacker who has the release alone, and knows that its ranges are no wider than needed, "
    "claims that exactly one person has what is published of a class and the very end of a range."
)


def ends(setting: Setting) -> AttackResult | None:
    """The share of such claims that are right, one for each class that has a range outside of
    hierarchies; None without the whole original."""
    if not setting.spec.whole:
        return None
    release, draw = setting.release, setting.draw
    classes = release.classes(release.columns)
    people = records_of(release, setting.original)
    low, high = (np.full(classes.labels.shape, np.nan) for _ in range(2))
    for at, name in enumerate(release.columns):
        found = _ranges(release, name)
        low[:, at], high[:, at] = (side[classes.labels[:, at]] for side in found)
    ranged = ~np.isnan(low)
    most = min(setting.spec.targets, people.at_most)
    chosen = draw.permutation(np.flatnonzero(ranged.any(axis=1)))[:most]
    place = _one_of(ranged[chosen], draw)
    row = np.arange(len(chosen))
    bottom, top = low[chosen, place], high[chosen, place]
    end = np.where(draw.random(len(chosen)) < 0.5, bottom, top)
    between = bottom + np.floor(draw.random(len(chosen)) * (top - bottom + 1))

    def right(numbers: Shares) -> int:
        forms = np.full((len(chosen), len(release.columns)), IS, np.int8)
        wanted = np.full(forms.shape, np.nan)
        forms[row, place], wanted[row, place] = EQUALS, numbers
        claims = Predicates(forms, classes.labels[chosen], wanted)
        return int(np.count_nonzero(people.matches(claims) == 1))

    attempts = len(chosen)
    return result(
        "refinement_singling_out",
        Rate.of(right(end), attempts),
        baseline=Rate.of(right(between), attempts),
        threat=THREAT,
        explanation=f"{attempts} classes with a range that is in no hierarchy were tried."
        if attempts
        else "No class has a range that is in no hierarchy, so no range need be tight.",
    )


def _ranges(release: Release, name: str) -> tuple[Shares, Shares]:
    """The ends of each label that is a closed range of whole numbers or days outside of the
    hierarchy; NaN for others."""
    labels = release.labels[name].values
    low, high = (np.full(len(labels), np.nan) for _ in range(2))
    spans = ranges(labels, dates=Domain.of(release.originals[name].values).dates)
    closed = np.isfinite(spans.low) & np.isfinite(spans.high) & (spans.low < spans.high)
    closed &= (spans.low == np.floor(spans.low)) & (spans.high == np.floor(spans.high))
    closed &= ~(spans.low_open | spans.high_open)
    low[spans.labels[closed]], high[spans.labels[closed]] = spans.low[closed], spans.high[closed]
    if name in release.hierarchies:
        listed, _ = index_in(labels, nodes(release.hierarchies[name]))
        low[listed], high[listed] = np.nan, np.nan
    return low, high


def _one_of(flags: NDArray[np.bool_], draw: np.random.Generator) -> Indices:
    """The place of one flag of each row, drawn at random."""
    chosen: Indices = np.where(flags, draw.random(flags.shape), -1.0).argmax(axis=1)
    return chosen
