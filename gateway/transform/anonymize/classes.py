"""Equivalence classes of a node of the lattice, rolled up from those of a more specific node.

A class is a key: the numbers of its labels in mixed radix, one digit a quasi-identifier. Going to
another node maps digits, and adds up the classes whose keys become one. The table itself is read
once, for the bottom node (roll-up: LeFevre, DeWitt & Ramakrishnan 2005, Incognito).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.transform.anonymize.keys import Keys, KeySpace
from gateway.transform.anonymize.ladder import Codes, Counts
from gateway.transform.anonymize.problem import Problem
from gateway.transform.anonymize.shelf import Shelf

Node = tuple[int, ...]
"""A level of each quasi-identifier, in their order."""

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_MOST_KEY: Final = 1 << 62
_CHUNK: Final = 1 << 16
"""Digits are mapped together as long as a table of all their combinations is no larger."""

_SPARSE: Final = 4
"""Keys are counted in an array of all possible ones while there are at most so many times more."""

_CACHED: Final = 12_000_000
"""Classes kept to roll up from, in all tables together: about 200 MB."""

_ON_THE_WAY: Final = 2_000
"""From a table with more classes the way to a node leads over nodes that others share."""


@dataclass(frozen=True, slots=True, repr=False)
class Held:
    """How often each sensitive value is in each class: one entry a pair that occurs, by class."""

    cls: Keys
    value: Codes
    count: Counts


@dataclass(frozen=True, slots=True, repr=False)
class Classes:
    """The classes of ``node``. ``first``: of each a combination of the problem that is in it.

    ``counts``: its records, 0 where only a population table has any. ``people``: records of each
    population table. ``keys`` are None where they would not fit into 62 bits.
    """

    node: Node
    keys: Keys | None
    first: Keys
    counts: Counts
    people: Mapping[str, Counts]
    held: Mapping[str, Held]

    def __len__(self) -> int:
        return len(self.counts)


class RollUp:
    """The classes of any node of one problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.rows = problem.rows
        tuples, counts, people = _with_populations(problem)
        self._digits: list[list[Codes]] = []
        self.labels: list[list[Codes]] = []
        """Of each quasi-identifier and level the numbers of the labels that occur."""
        self._tuples = np.empty_like(tuples)
        for place, ladder in enumerate(problem.ladders):
            present, self._tuples[:, place] = np.unique(tuples[:, place], return_inverse=True)
            digits, labels = [], []
            for codes in ladder.codes:
                occurring, digit = np.unique(codes[present], return_inverse=True)
                digits.append(digit.astype(np.int32))
                labels.append(occurring)
            self._digits.append(digits)
            self.labels.append(labels)
        self.radices = [[len(labels) for labels in levels] for levels in self.labels]
        self.shape: Node = tuple(len(levels) for levels in self.radices)
        self._ways = _shared_first([levels[0] for levels in self.radices])
        self.bottom = self._bottom(counts, people)
        self._shelf = Shelf(self.bottom.node, self.bottom, _CACHED)
        self.leaf_rows = [
            np.bincount(self._tuples[:, place], weights=counts, minlength=levels[0])
            for place, levels in enumerate(self.radices)
        ]

    def rows_at(self, place: int, level: int) -> Floats:
        """Records under each occurring label."""
        return np.bincount(
            self._digits[place][level],
            weights=self.leaf_rows[place],
            minlength=self.radices[place][level],
        ).astype(np.float64)

    def classes(self, node: Node) -> Classes:
        """The classes of a node, from the nearest that is at hand."""
        found = self._shelf.get(node)
        if found is not None:
            return found
        nearest = self._shelf.nearest(node)
        for columns in self._ways:
            if len(nearest) > _ON_THE_WAY:
                way = tuple(v if j in columns else 0 for j, v in enumerate(node))
                if self._shelf.get(way) is None:
                    self._add(way, self._shelf.nearest(way))
                    nearest = self._shelf.nearest(node)
        return self._add(node, nearest)

    def digits(self, classes: Classes, chosen: Keys, place: int) -> Codes:
        """Of some classes the digit that a quasi-identifier has."""
        leaves = self._tuples[classes.first[chosen], place]
        digits: Codes = self._digits[place][classes.node[place]][leaves]
        return digits

    def combination(self, node: Node) -> tuple[Classes, Keys]:
        """The classes of a node, and which of them each combination of the problem is in."""
        codes = self._coded(np.arange(len(self._tuples)), node)
        radices = tuple(self.radices[place][level] for place, level in enumerate(node))
        _, keys = KeySpace.of(codes, radices)
        found = self.classes(node)
        # Those of the table come first; a class may be known by one of a population.
        own = keys[: len(self.problem.tuples)]
        if found.keys is not None:
            return found, np.searchsorted(found.keys, own)
        order = np.argsort(keys[found.first])
        return found, order[np.searchsorted(keys[found.first][order], own)]

    # ---- grouping -------------------------------------------------------------------------------

    def _bottom(self, counts: Counts, people: Mapping[str, Counts]) -> Classes:
        node = (0,) * len(self.shape)
        first = np.arange(len(counts), dtype=np.int64)
        keys = None
        if self._span(node) <= _MOST_KEY:
            keys = self._packed(first, node)
            # In the order of their keys, as of every other node.
            first = np.argsort(keys)
            keys = keys[first]
        place = np.empty(len(first), np.int64)
        place[first] = np.arange(len(first))
        held = {
            name: _grouped_pairs(
                place[self.problem.row_tuple],
                sensitive.codes,
                np.ones(len(sensitive.codes), np.int64),
                len(sensitive.values),
            )
            for name, sensitive in self.problem.sensitive.items()
        }
        return Classes(
            node, keys, first, counts[first], {n: p[first] for n, p in people.items()}, held
        )

    def _span(self, node: Node) -> int:
        span = 1
        for place, level in enumerate(node):
            span *= self.radices[place][level]
        return span

    def _add(self, node: Node, nearest: Classes) -> Classes:
        made = nearest if nearest.node == node else self._rolled(nearest, node)
        if made is not nearest:
            self._shelf.put(node, made)
        return made

    def _rolled(self, finer: Classes, node: Node) -> Classes:
        span = self._span(node)
        if span > _MOST_KEY:
            codes = self._coded(finer.first, node)
            radices = tuple(self.radices[place][level] for place, level in enumerate(node))
            _, mapped = KeySpace.of(codes, radices)
        elif finer.keys is None:
            mapped = self._packed(finer.first, node)
        else:
            mapped = self._mapped(finer.keys, finer.node, node)
        keys, position, counts = _grouped(mapped, finer.counts, span)
        first = np.empty(len(keys), np.int64)
        first[position] = finer.first
        return Classes(
            node,
            keys if span <= _MOST_KEY else None,
            first,
            counts,
            {
                name: np.bincount(position, weights=found, minlength=len(keys)).astype(np.int64)
                for name, found in finer.people.items()
            },
            {
                name: _grouped_pairs(
                    position[found.cls],
                    found.value,
                    found.count,
                    len(self.problem.sensitive[name].values),
                )
                for name, found in finer.held.items()
            },
        )

    def _coded(self, combinations: Keys, node: Node) -> Codes:
        return np.stack(
            [
                self._digits[place][level][self._tuples[combinations, place]]
                for place, level in enumerate(node)
            ],
            axis=1,
        )

    def _packed(self, combinations: Keys, node: Node) -> Keys:
        keys = np.zeros(len(combinations), np.int64)
        for place, level in enumerate(node):
            if self.radices[place][level] > 1:
                keys *= self.radices[place][level]
                keys += self._digits[place][level][self._tuples[combinations, place]]
        return keys

    def _mapped(self, keys: Keys, source: Node, target: Node) -> Keys:
        """The keys at ``target``: digits of the source looked up some at a time, from the last."""
        weight, chunks = 1, []
        table, size = np.zeros(1, np.int64), 1
        for place in reversed(range(len(source))):
            radix = self.radices[place][source[place]]
            if size > 1 and size * radix > _CHUNK:
                chunks.append((size, table))
                table, size = np.zeros(1, np.int64), 1
            step = self._step(place, source[place], target[place]) * weight
            table = (step[:, None] + table[None, :]).ravel()
            size *= radix
            weight *= self.radices[place][target[place]]
        mapped = np.zeros(len(keys), np.int64)
        for chunk, looked_up in chunks:
            keys, digits = np.divmod(keys, chunk)
            mapped += looked_up[digits]
        mapped += table[keys]
        return mapped

    def _step(self, place: int, low: int, high: int) -> Keys:
        """Of each digit at a level the digit at a higher level."""
        step = np.empty(self.radices[place][low], np.int64)
        step[self._digits[place][low]] = self._digits[place][high]
        return step


def _with_populations(problem: Problem) -> tuple[Codes, Counts, dict[str, Counts]]:
    """The combinations of table and populations together, those of the table first."""
    tuples, counts = problem.tuples, problem.counts
    if not problem.populations:
        return tuples, counts, {}
    every = np.concatenate([tuples, *(found.tuples for found in problem.populations.values())])
    _, keys = KeySpace.of(every, tuple(len(ladder.leaves) for ladder in problem.ladders))
    _, first, position = np.unique(keys, return_index=True, return_inverse=True)
    # `first` is the earliest: a combination of the table keeps its number.
    order = np.argsort(first)
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    people, begin = {}, len(tuples)
    for name, found in problem.populations.items():
        people[name] = np.bincount(
            number[position[begin : begin + len(found.tuples)]],
            weights=found.counts,
            minlength=len(first),
        ).astype(np.int64)
        begin += len(found.tuples)
    padded = np.zeros(len(first), np.int64)
    padded[: len(counts)] = counts
    return every[first[order]], padded, people


def _shared_first(leaves: Sequence[int]) -> list[frozenset[int]]:
    """Sets of quasi-identifiers, each holding the one before: those with most values first."""
    order = sorted(range(len(leaves)), key=lambda place: -leaves[place])
    parts = max(len(order) // 3, 1)
    return [frozenset(order[:parts]), frozenset(order[: 2 * parts])]


def _grouped(keys: Keys, counts: Counts, span: int) -> tuple[Keys, Keys, Counts]:
    """Distinct keys in ascending order, the place of each key among them, and sums of counts."""
    if span <= max(_CHUNK, _SPARSE * len(keys)):
        occurs = np.zeros(span, bool)
        occurs[keys] = True
        found = np.flatnonzero(occurs)
        number = np.cumsum(occurs)
        position = number[keys] - 1
    else:
        found, position = np.unique(keys, return_inverse=True)
    sums = np.bincount(position, weights=counts, minlength=len(found))
    return found, position, sums.astype(np.int64)  # exact: fewer than 2⁵³ records


def _grouped_pairs(cls: Keys, value: Codes, count: Counts, values: int) -> Held:
    pairs, _, sums = _grouped(
        cls * values + value, count, (int(cls.max(initial=0)) + 1) * max(values, 1)
    )
    found, held = np.divmod(pairs, max(values, 1))
    return Held(found, held.astype(np.int32), sums)
