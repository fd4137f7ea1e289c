"""Predicates over columns, many at once, and how many records satisfy each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gateway.risk.attacks.arrays import Indices, Shares, joined
from gateway.risk.attacks.view import Column, Relation, Release

UNUSED: Final = 0
IS: Final = 1
AT_LEAST: Final = 2
AT_MOST: Final = 3
EQUALS: Final = 4

_CELLS: Final = 4_000_000
_MOST_CELLS: Final = 240_000_000
"""Predicates times records times columns."""


@dataclass(frozen=True, slots=True)
class Predicates:
    """Conjunctions: predicate × column.

    ``forms``: UNUSED; IS, the value is covered by the label; AT_LEAST and AT_MOST, it is no less
    than the label's lower end, or no more than its upper; EQUALS, it is the number in ``numbers``.
    ``labels``: codes of the release's.
    """

    forms: NDArray[np.int8]
    labels: Indices
    numbers: Shares | None = None

    def __len__(self) -> int:
        return len(self.forms)

    def take(self, which: Indices) -> "Predicates":
        numbers = None if self.numbers is None else self.numbers[which]
        return Predicates(self.forms[which], self.labels[which], numbers)

    def distinct(self) -> "Predicates":
        """Each once, in the order of their first."""
        if not len(self):
            return self
        used = np.where(self.forms == UNUSED, -1, self.labels)
        _, first = np.unique(np.hstack([self.forms, used]), axis=0, return_index=True)
        return self.take(np.sort(first))


class Records:
    """Distinct records to count in: those of the release, or those of a table of persons.

    ``codes``: record × column, of the values of ``relations``; ``sizes``: how many there are.
    """

    def __init__(
        self, codes: Indices, sizes: Indices, relations: Sequence[Relation], *, are_labels: bool
    ) -> None:
        self.codes, self.sizes = codes, sizes
        self.relations = relations
        self.are_labels = are_labels
        self._weights = [np.bincount(column) for column in codes.T]

    @property
    def at_most(self) -> int:
        """So many predicates are counted in bearable time; at least one."""
        return max(1, _MOST_CELLS // max(self.codes.size, 1))

    def matches(self, predicates: Predicates) -> Indices:
        """How many records satisfy each predicate."""
        count = len(self.sizes)
        found = np.zeros(len(predicates), np.int64)
        at_once = max(1, _CELLS // max(count, 1))
        for start in range(0, len(predicates), at_once):
            some = predicates.take(np.arange(start, min(start + at_once, len(predicates))))
            tables = [
                self._satisfied(relation, some, place, len(weights))
                for place, (relation, weights) in enumerate(
                    zip(self.relations, self._weights, strict=True)
                )
            ]
            # The column that the fewest records satisfy first: few pairs are left for the others.
            order = sorted(
                range(len(tables)),
                key=lambda place: float((tables[place] @ self._weights[place]).sum()),
            )
            predicate, record = np.nonzero(tables[order[0]][:, self.codes[:, order[0]]])
            for place in order[1:]:
                kept = tables[place][predicate, self.codes[record, place]]
                predicate, record = predicate[kept], record[kept]
            found[start : start + len(some)] = np.bincount(
                predicate, self.sizes[record], minlength=len(some)
            )
        return found

    def _satisfied(
        self, relation: Relation, predicates: Predicates, place: int, values: int
    ) -> NDArray[np.bool_]:
        """Predicates × values of one column."""
        forms, labels = predicates.forms[:, place], predicates.labels[:, place]
        value = np.arange(values)
        if self.are_labels:
            low, high = relation.low[value], relation.high[value]
            same = labels[:, None] == value[None, :]
        else:
            low = high = relation.numbers[value]
            same = relation.covers(np.tile(value, len(labels)), np.repeat(labels, values)).reshape(
                len(labels), values
            )
        wanted = np.full(len(forms), np.nan)
        if predicates.numbers is not None:
            wanted = predicates.numbers[:, place]
        satisfied: NDArray[np.bool_] = np.select(
            [(forms == form)[:, None] for form in (IS, EQUALS, AT_LEAST, AT_MOST)],
            [
                same,
                low[None, :] == wanted[:, None],
                low[None, :] >= relation.low[labels][:, None],
                high[None, :] <= relation.high[labels][:, None],
            ],
            default=True,
        )
        return satisfied


def records_of(release: Release, table: pa.Table) -> Records:
    """The persons of a table, in the columns of the release."""
    coded = [Column.of(table.column(name)) for name in release.columns]
    relations = [
        release.relation(name, column.values)
        for name, column in zip(release.columns, coded, strict=True)
    ]
    code, first = joined([column.codes for column in coded])
    codes = np.stack([column.codes[first] for column in coded], axis=1)
    return Records(codes, np.bincount(code, minlength=len(first)), relations, are_labels=False)


def rare(
    release: Release, relations: Sequence[Relation], draw: np.random.Generator, most: int
) -> tuple[Predicates, int]:
    """Predicates on one column that one released record alone satisfies, ``most`` of them drawn at
    random, and how many there are: a label that occurs once, and an end of the column that one
    record alone reaches."""
    found: list[Indices] = []
    for place, (name, relation) in enumerate(zip(release.columns, relations, strict=True)):
        column = release.labels[name]
        counts = np.bincount(column.codes, minlength=len(column.values))
        labels = {IS: np.flatnonzero(counts == 1)}
        for form, ends in ((AT_LEAST, relation.low), (AT_MOST, -relation.high)):
            reached = np.where(np.isfinite(ends) & (counts > 0), ends, -np.inf)
            outermost = np.flatnonzero((reached == reached.max(initial=-np.inf)) & (counts > 0))
            alone = counts[outermost].sum() == 1 and np.isfinite(reached[outermost]).all()
            labels[form] = outermost if alone else outermost[:0]
        found.extend(
            np.stack([np.full(len(codes), form), np.full(len(codes), place), codes])
            for form, codes in labels.items()
        )
    form, place, label = np.concatenate(found, axis=1)
    chosen = draw.permutation(len(form))[:most]
    forms = np.full((len(chosen), len(relations)), UNUSED, np.int8)
    labels_of = np.zeros(forms.shape, np.int64)
    row = np.arange(len(chosen))
    forms[row, place[chosen]], labels_of[row, place[chosen]] = form[chosen], label[chosen]
    return Predicates(forms, labels_of), len(form)


def of_records(
    labels: Indices, relations: Sequence[Relation], draw: np.random.Generator, *, some: bool
) -> Predicates:
    """One predicate a record of its own labels: on all columns, or on ``some`` drawn at random.

    In a column of numbers it is, half of the time, that the value is no less than the record's,
    or no more, whichever end of the column is closer.
    """
    count, width = labels.shape
    forms = np.full((count, width), IS, np.int8)
    for place, relation in enumerate(relations):
        low, high = relation.low[labels[:, place]], relation.high[labels[:, place]]
        ends = np.isfinite(low) & np.isfinite(high)
        if ends.any():
            middle = np.median((low + high)[ends])
            open_end = ends & (draw.random(count) < 0.5)
            upward = low + high >= middle
            forms[open_end & upward, place] = AT_LEAST
            forms[open_end & ~upward, place] = AT_MOST
    if some:
        kept = draw.integers(min(2, width), width + 1, count)
        rank = draw.random((count, width)).argsort(axis=1).argsort(axis=1)
        forms[rank >= kept[:, None]] = UNUSED
    return Predicates(forms, labels)
