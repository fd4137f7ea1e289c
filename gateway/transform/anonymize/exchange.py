"""Betters a partition: combinations that widen their class move to a class that they fit, or change
places with a member of it, as long as the classes become cheaper and keep the goal.

Local search after the interchange heuristics of clustering: of every class those whose leaving
saves most are tried against the classes that they would widen least. Which classes are compared
changes with every round; a round's changes touch no class twice, so each can be taken back alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from gateway.transform.anonymize.grouping import Failing, Ids, Mask, Points, apart, cut
from gateway.transform.anonymize.ladder import Counts
from gateway.transform.anonymize.lockstep import Lookup
from gateway.transform.anonymize.spans import Costs, Places

_WINDOW: Final = 256
"""Classes that are compared with each other in a round."""

_OUTLIERS: Final = 2
_TARGETS: Final = 3
"""Members of a class that are tried in a round, and classes that each is tried with."""

_MEMBERS: Final = 64
"""Classes of more combinations stay as they are: there are few where classes are small."""

_CHUNK: Final = 1 << 15
_LEAST: Final = 1e-4
"""Savings that are no more than the rounding of sums are none."""


@dataclass(frozen=True, slots=True, repr=False)
class _Members:
    """Classes with their combinations, (classes × most members), and spans without each."""

    ids: Ids
    there: Mask
    low: Places
    high: Places
    low_without: Places
    high_without: Places
    sizes: Counts
    totals: Costs


def exchanged(
    points: Points,
    classes: Ids,
    k: int,
    failing: Failing | None,
    rounds: int,
    go_on: Callable[[int], bool],
) -> Ids:
    """A partition that costs no more. ``k``: records that every class keeps. ``failing``: None
    where nothing but k is asked. ``go_on``: whether to begin a round, by its number."""
    for turn in range(rounds):
        if not go_on(turn):
            break
        members = _members(points, classes, k)
        if len(members.ids) < 2:
            break
        moves = _moves(points, members, k, turn)
        if not len(moves):
            break
        changed = classes.copy()
        changed[moves[:, 0]] = classes[moves[:, 1]]
        swapped = moves[:, 2] >= 0
        changed[moves[swapped, 2]] = classes[moves[swapped, 0]]
        if failing is not None:
            fails = failing(changed)
            undone = fails[classes[moves[:, 0]]] | fails[classes[moves[:, 1]]]
            for column in (0, 2):
                back = moves[undone & (moves[:, column] >= 0), column]
                changed[back] = classes[back]
        classes = changed
    return classes


def _members(points: Points, classes: Ids, k: int) -> _Members:
    """Those classes that cost anything and are small enough to be looked at."""
    held = np.bincount(classes)
    low, high = points.spans(classes)
    cost = points.cost(low, high)
    chosen = np.flatnonzero((held <= max(_MEMBERS, 2 * k)) & (held > 1) & (cost > 0))
    order = np.argsort(classes, kind="stable")
    starts = np.cumsum(held) - held
    most = int(held[chosen].max(initial=1))
    there = np.arange(most) < held[chosen, None]
    ids = order[np.minimum(starts[chosen, None] + np.arange(most), len(order) - 1)]
    places = points.places[ids]
    sizes = points.sizes(classes)[chosen]
    return _Members(
        ids,
        there,
        low[chosen],
        high[chosen],
        _without(places, there, least=True),
        _without(places, there, least=False),
        sizes,
        cost[chosen] * sizes,
    )


def _without(places: Places, there: Mask, *, least: bool) -> Places:
    """Of each member the least (or largest) place of all others of its class."""
    sign = np.int32(1 if least else -1)
    padded = np.where(there[:, :, None], places * sign, np.int32(2**31 - 1))
    two = np.partition(padded, 1, axis=1)[:, :2]
    # of equal ones only one is taken away, and the second is as little
    without = np.where(padded == two[:, :1], two[:, 1:2], two[:, :1])
    return np.where(there[:, :, None], without * sign, 0)


def _moves(points: Points, members: _Members, k: int, turn: int) -> Ids:
    """Rows of three: a combination, any member of the class that it goes to, and the combination
    that comes for it, or -1."""
    most = members.ids.shape[1]
    counts = np.where(members.there, points.counts[members.ids], 0)
    without = points.cost(members.low_without, members.high_without)
    saving = members.totals[:, None] - without * (members.sizes[:, None] - counts)
    saving[~members.there] = -np.inf
    tried = min(_OUTLIERS, most)
    outliers = np.argsort(-saving, axis=1, kind="stable")[:, :tried]
    donor, slot, target = _candidates(points, members, outliers, turn)
    keep = members.there[donor, slot] & (saving[donor, slot] > _LEAST)
    donor, slot, target = donor[keep], slot[keep], target[keep]
    gains = np.empty(len(donor), np.float32)
    partners = np.empty(len(donor), np.int64)
    step = max(_CHUNK // (most + 1), 1)
    for begin in range(0, len(donor), step):
        some = slice(begin, begin + step)
        found = _gains(points, members, counts, k, (donor[some], slot[some], target[some]))
        partners[some] = found.argmax(axis=1)
        gains[some] = found.max(axis=1)
    good = np.flatnonzero(gains > _LEAST)
    chosen = good[apart(donor[good], target[good], -gains[good], len(members.ids))]
    gone = members.ids[donor[chosen], slot[chosen]]
    partner = partners[chosen]
    come = np.where(partner < most, members.ids[target[chosen], np.minimum(partner, most - 1)], -1)
    return np.stack([gone, members.ids[target[chosen], 0], come], axis=1)


def _candidates(
    points: Points, members: _Members, outliers: Ids, turn: int
) -> tuple[Ids, Ids, Ids]:
    """Classes, places of members in them, and classes that those would widen little."""
    donors, slots, targets = [], [], []
    order = points.order(members.low, members.high, turn)
    ones = np.ones(len(order), np.int64)
    lookup = Lookup.of(points.axes, _WINDOW)
    # half a window further every other time, so that windows have other borders too
    for some in cut(np.roll(order, (turn % 2) * _WINDOW // 2), ones, _WINDOW):
        ids = members.ids[some[:, None], outliers[some]].ravel()
        score = _joined(points, lookup, members, some, ids)
        score *= members.sizes[some] + points.counts[ids][:, None]
        score -= members.totals[some]
        own = np.repeat(np.arange(len(some)), outliers.shape[1])
        score[np.arange(len(ids)), own] = np.inf
        wanted = min(_TARGETS, len(some) - 1)
        if wanted < 1:
            continue
        best = np.argpartition(score, wanted - 1, axis=1)[:, :wanted]
        donors.append(np.repeat(some[own], wanted))
        slots.append(np.repeat(outliers[some].ravel(), wanted))
        targets.append(some[best.ravel()])
    if not donors:
        nothing = np.empty(0, np.int64)
        return nothing, nothing, nothing
    return np.concatenate(donors), np.concatenate(slots), np.concatenate(targets)


def _joined(points: Points, lookup: Lookup, members: _Members, some: Ids, ids: Ids) -> Costs:
    """What a record of each class costs with each combination in it: combinations × classes."""
    low, high = members.low[some], members.high[some]
    score = np.zeros((len(ids), len(some)), np.float32)
    places = points.places[ids]
    for sums, codes in zip(lookup.sums(low, high), lookup.codes(places), strict=True):
        score += np.ascontiguousarray(sums.T).take(codes, axis=0)
    for place in lookup.single:
        own = places[:, [place]]
        score += points.axes[place].cost(
            np.minimum(own, low[:, place]), np.maximum(own, high[:, place])
        )
    return score


def _gains(
    points: Points, members: _Members, counts: Counts, k: int, tried: tuple[Ids, Ids, Ids]
) -> Costs:
    """What is saved when a member goes to another class and each member of that, or none (the last
    column), comes for it; minus infinity where a class would have fewer than k records."""
    donor, slot, target = tried
    gone = members.ids[donor, slot]
    moved = counts[donor, slot][:, None]
    away_low, away_high = members.low_without[donor, slot], members.high_without[donor, slot]
    back = counts[target]
    come = points.places[members.ids[target]]
    goes = points.places[gone][:, None]
    after = members.sizes[donor][:, None] - moved + back
    there = members.sizes[target][:, None] + moved - back
    left = points.cost(np.minimum(come, away_low[:, None]), np.maximum(come, away_high[:, None]))
    right = points.cost(
        np.minimum(members.low_without[target], goes),
        np.maximum(members.high_without[target], goes),
    )
    before = members.totals[donor] + members.totals[target]
    swaps = before[:, None] - left * after - right * there
    swaps[~members.there[target] | (after < k) | (there < k)] = -np.inf
    alone = members.sizes[donor] - moved[:, 0]
    joined = points.cost(
        np.minimum(members.low[target], goes[:, 0]), np.maximum(members.high[target], goes[:, 0])
    )
    moves = (
        before
        - points.cost(away_low, away_high) * alone
        - joined * (members.sizes[target] + moved[:, 0])
    )
    moves[alone < k] = -np.inf
    return np.concatenate([swaps, moves[:, None]], axis=1)
