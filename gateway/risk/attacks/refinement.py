"""Refinement: making published labels finer by knowing how recodings are made, and nothing else.

That an optimal local recoding gives away more than its labels say, to an attacker without any side
data, was shown for the ARX tool by Chhillar, Righi, Sutter & Kornaropoulos (Combinatorial
Refinement Attacks on k-Anonymity Without Auxiliary Information, arXiv 2509.03350, 2025), and for
every minimal hierarchical recoding by Cohen (downcoding, USENIX Security 2022). Their linear
program reproduces the order and tie-breaking of one program. What is here is our own, from the
principle alone, and holds for any recoding that loses no more than it must:

1. A record that a finer published class covers would have been published in it. So the records of a
   coarse class are none of those that finer classes cover.
2. Ranges are no wider than the records of the class: each of their ends belongs to one of them.

Everything else is taken to be equally likely. Where recodings do not follow these rules, the attack
guesses wrong, and its figure says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gateway.model.attacks import AttackResult
from gateway.risk.attacks.arrays import Indices, Shares, expand, index_in
from gateway.risk.attacks.intervals import Rate, result
from gateway.risk.attacks.labels import as_text, nodes
from gateway.risk.attacks.nearest import nearest
from gateway.risk.attacks.setting import Setting
from gateway.risk.attacks.view import Classes, Column, People, Relation, Release

THREAT: Final = (
    "An attacker who has the release alone, and knows that it was generalised no further than "
    "needed, guesses what a generalised value of a record was before."
)
_MOST_DRAWS: Final = 60_000
_DRAWS: Final = 200
_MOST_VALUES: Final = 5_000


@dataclass(frozen=True, slots=True)
class _Domain:
    """The values that a column may have, as everybody knows them, and what the labels cover.

    ``wide``: labels that cover more than one of them. ``low``, ``high``: the values at the ends of
    labels that are closed ranges, −1 for others.
    """

    values: pa.Array
    relation: Relation
    low: Indices
    high: Indices

    @property
    def widths(self) -> Indices:
        return np.bincount(self.relation.keys % self.relation.width, minlength=self.relation.width)

    def under(self) -> tuple[Indices, Indices, Indices]:
        """Values by label: (values, where those of each label start, how many there are)."""
        label, value = (
            self.relation.keys % self.relation.width,
            self.relation.keys // self.relation.width,
        )
        order = np.argsort(label, kind="stable")
        starts = np.searchsorted(label[order], np.arange(self.relation.width))
        return value[order], starts.astype(np.int64), self.widths


def refinement(setting: Setting) -> AttackResult | None:
    """The share of generalised values that are guessed; None when none has a known domain."""
    release = setting.release
    columns = release.columns
    classes = release.classes(columns)
    domains = {name: _domain(release, name) for name in columns}
    known = {name: domain for name, domain in domains.items() if domain is not None}
    if not known:
        return None
    person, of_class = _records(setting, classes)
    wide = {
        name: (domain.widths > 1)[classes.labels[of_class, columns.index(name)]]
        for name, domain in known.items()
    }
    some = np.logical_or.reduce(list(wide.values()))
    person, of_class = person[some], of_class[some]
    wide = {name: flags[some] for name, flags in wide.items()}
    kinds, where = np.unique(of_class, return_inverse=True)
    left = _left_over(release, classes, known, kinds, setting.draw)
    right, plain, cells = (np.zeros(len(person)) for _ in range(3))
    sure = 0
    for name, domain in known.items():
        labels = classes.labels[kinds, columns.index(name)]
        likely = _likelihoods(domain, labels, classes.sizes[kinds], left.get(name))
        best = likely == likely.max(axis=1, keepdims=True)
        truth = _truth(domain, setting.original.column(name), setting.targets[person])
        hit = (truth >= 0) & best[where, np.maximum(truth, 0)]
        chance = hit / best.sum(axis=1)[where]
        counted = wide[name]
        right += np.where(counted, chance, 0.0)
        plain += np.where(counted, 1 / np.maximum(domain.widths[labels][where], 1), 0.0)
        cells += counted
        alone = (likely > 0).sum(axis=1) == 1
        sure += int(np.count_nonzero(alone & (domain.widths[labels] > 1)))
    attempts = len(person)
    attack = Rate.of(float((right / np.maximum(cells, 1)).sum()), attempts)
    naive = float((plain / np.maximum(cells, 1)).mean()) if attempts else 0.0
    return result(
        "refinement",
        attack,
        baseline=Rate.exact(naive, attempts),
        threat=THREAT,
        explanation=f"The generalised values of {attempts} records were guessed, in "
        f"{', '.join(known)}. {sure} labels of {len(kinds)} classes leave one value alone. "
        "Columns without a hierarchy, whose labels are no ranges of whole numbers, stay as they are.",
    )


def _domain(release: Release, name: str) -> _Domain | None:
    """From the hierarchy's leaves, or the whole numbers from the least end to the greatest."""
    labels = release.labels[name].values
    if name in release.hierarchies:
        values = release.hierarchies[name].column(0).combine_chunks()
        if not len(values) or len(values) > _MOST_VALUES:
            return None
        relation = release.relation(name, values)
        in_tree, _ = index_in(labels, nodes(release.hierarchies[name]))
        tight = np.ones(len(labels), np.bool_)
        tight[in_tree] = False
    else:
        ends = release.relation(name, release.originals[name].values[:0])
        finite = ends.low[np.isfinite(ends.low)], ends.high[np.isfinite(ends.high)]
        if not all(len(side) for side in finite):
            return None
        low, high = finite[0].min(), finite[1].max()
        whole = all((side == np.floor(side)).all() for side in finite)
        numeric = pa.types.is_integer(release.originals[name].values.type)
        if not whole or not numeric or high - low >= _MOST_VALUES:
            return None
        values = pa.array(np.arange(int(low), int(high) + 1))
        relation = release.relation(name, values)
        tight = np.ones(len(labels), np.bool_)
    low_at, high_at = (_ends(relation, side, tight) for side in (relation.low, relation.high))
    return _Domain(as_text(values), relation, low_at, high_at)


def _ends(relation: Relation, side: Shares, tight: NDArray[np.bool_]) -> Indices:
    """The value at one end of each label, if it covers it: the end is closed then."""
    order = np.argsort(relation.numbers, kind="stable")
    ordered = relation.numbers[order]
    place = np.minimum(np.searchsorted(ordered, side), len(order) - 1)
    value = order[place]
    label = np.arange(relation.width)[: len(side)]
    there = tight & (ordered[place] == side) & relation.covers(value, label)
    return np.where(there, value, -1)


def _records(setting: Setting, classes: Classes) -> tuple[Indices, Indices]:
    """Persons who are in the release, and the class of each: the true one, or the nearest."""
    if setting.record_of is not None:
        record = setting.record_of[setting.targets]
        person = np.flatnonzero(record >= 0)
        return person, classes.class_of[record[person]]
    near = nearest(setting.people, setting.release.columns, classes)
    first = np.unique(near.pairs.person, return_index=True)[1]
    kept = first[near.covered[near.pairs.person[first]]]
    return near.pairs.person[kept], near.pairs.fits[kept]


def _left_over(
    release: Release,
    classes: Classes,
    known: Mapping[str, _Domain],
    kinds: Indices,
    draw: np.random.Generator,
) -> dict[str, NDArray[np.int64]]:
    """Of combinations drawn from each class, how many of each value no finer class covers.

    Class × value by column; empty where nothing is ruled out, so that all stay equally likely.
    """
    each = min(_DRAWS, _MOST_DRAWS // max(len(kinds), 1))
    if each < 10 or not len(kinds):
        return {}
    columns = release.columns
    of = np.repeat(np.arange(len(kinds)), each)
    drawn: dict[str, Indices] = {}
    fields: dict[str, pa.Array] = {}
    for name in columns:
        labels = classes.labels[kinds, columns.index(name)]
        domain = known.get(name)
        if domain is None:
            fields[name] = release.labels[name].values.take(pa.array(labels[of]))
            continue
        values, starts, widths = domain.under()
        place = starts[labels[of]] + (draw.random(len(of)) * widths[labels[of]]).astype(np.int64)
        drawn[name] = values[np.minimum(place, max(len(values) - 1, 0))]
        fields[name] = domain.values.take(pa.array(drawn[name]))
    people = People(release, pa.table(fields), np.arange(len(of)))
    fitting, looked_at = people.fitting(columns, classes)
    fineness = _breadth(classes, columns, known)
    own = kinds[of]
    finer = fineness[fitting.fits] < fineness[own[fitting.person]]
    ruled_out = np.zeros(len(of), np.bool_)
    ruled_out[fitting.person[finer]] = True
    ruled_out[looked_at:] = False
    touched = np.bincount(of, ruled_out, minlength=len(kinds)) > 0
    kept = ~ruled_out & touched[of]
    counts = {}
    for name, value in drawn.items():
        width = len(known[name].values)
        counts[name] = np.bincount(
            of[kept] * width + value[kept], minlength=len(kinds) * width
        ).reshape(len(kinds), width)
    return counts


def _breadth(classes: Classes, columns: tuple[str, ...], known: Mapping[str, _Domain]) -> Shares:
    """The logarithm of how many combinations of values a class covers."""
    total = np.zeros(len(classes.sizes))
    for name, domain in known.items():
        total += np.log(np.maximum(domain.widths, 1))[classes.labels[:, columns.index(name)]]
    return np.round(total, 9)


def _likelihoods(
    domain: _Domain, labels: Indices, sizes: Indices, left: NDArray[np.int64] | None
) -> Shares:
    """Class × value: how likely a record of the class has it, in the eyes of the attacker."""
    count, width = len(labels), len(domain.values)
    covered = np.zeros((count, width), np.bool_)
    values, starts, widths = domain.under()
    which, place = expand(starts[labels], widths[labels])
    covered[which, values[place]] = True
    likely: Shares = covered / np.maximum(covered.sum(axis=1, keepdims=True), 1)
    if left is not None:
        total = left.sum(axis=1, keepdims=True)
        likely = np.where(total > 0, left / np.maximum(total, 1), likely)
    low, high = domain.low[labels], domain.high[labels]
    bound = np.flatnonzero((low >= 0) & (high >= 0) & (low != high) & (sizes >= 2))
    share = 1 / sizes[bound]
    likely[bound] *= (1 - 2 * share)[:, None]
    likely[bound, low[bound]] += share
    likely[bound, high[bound]] += share
    return likely


def _truth(domain: _Domain, column: pa.ChunkedArray, rows: Indices) -> Indices:
    """The place of each person's true value in the domain; −1 for none."""
    coded = Column.of(column).take(rows)
    found = np.full(len(coded.values), -1)
    value, place = index_in(as_text(coded.values), domain.values)
    found[value] = place
    return found[coded.codes]
