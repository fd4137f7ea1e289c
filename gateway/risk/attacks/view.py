"""A release as an attacker sees it, and the records of it that fit what is known of a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.errors import InvalidRequest
from gateway.risk.attacks.arrays import Indices, Shares, expand, is_member, joined
from gateway.risk.attacks.labels import Domain, as_text, covered, flags, ranges, understood

_PAIRS_AT_ONCE: Final = 4_000_000
MOST_PAIRS: Final = 60_000_000
"""Comparisons of a person with a class, in one attack; persons beyond them are left out."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column, coded: ``values`` are its distinct values, ``codes`` those of each row."""

    values: pa.Array
    codes: Indices

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> "Column":
        plain = column.combine_chunks()
        if pa.types.is_dictionary(plain.type):
            plain = plain.dictionary_decode()
        if pa.types.is_null(plain.type) or pa.types.is_string_view(plain.type):
            plain = plain.cast(pa.string())
        coded = plain.dictionary_encode(null_encoding="encode")
        return cls(coded.dictionary, coded.indices.to_numpy(zero_copy_only=False).astype(np.int64))

    def text(self) -> "Column":
        """The same as text; values that are one text become one."""
        text = as_text(self.values).dictionary_encode(null_encoding="encode")
        codes = text.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return Column(text.dictionary, codes[self.codes])

    @property
    def null_share(self) -> float:
        null = flags(pc.is_null(self.values))
        return float(null[self.codes].mean()) if len(self.codes) else 0.0

    def take(self, rows: Indices) -> "Column":
        """Some rows, with the values of these alone."""
        kept, codes = np.unique(self.codes[rows], return_inverse=True)
        return Column(self.values.take(pa.array(kept)), codes.astype(np.int64))


@dataclass(frozen=True, slots=True)
class Classes:
    """The records that agree in some columns, together.

    ``labels``: classes × columns, codes of the labels. ``class_of``: of each record. ``sizes``:
    records of each class.
    """

    labels: Indices
    class_of: Indices
    sizes: Indices


@dataclass(frozen=True, slots=True)
class Relation:
    """Which values of a column are covered by which of its labels.

    ``keys``: value · ``width`` + label, sorted. ``numbers``: the values as numbers. ``low`` and
    ``high``: the labels as ranges, a number being one of its own; NaN for what is none.
    """

    keys: Indices
    width: int
    numbers: Shares
    low: Shares
    high: Shares

    def covers(self, value: Indices, label: Indices) -> NDArray[np.bool_]:
        return is_member(value * self.width + label, self.keys)

    def labels_of(self, values: int) -> tuple[Indices, Indices]:
        """Where the labels of each value begin, and how many there are."""
        starts = np.searchsorted(self.keys, np.arange(values) * self.width)
        return starts.astype(np.int64), np.diff(np.append(starts, len(self.keys))).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Persons and the classes that fit them, by person."""

    person: Indices
    fits: Indices


class Release:
    """What was released, coded once for all attacks on it."""

    def __init__(
        self,
        original: pa.Table,
        released: pa.Table,
        columns: Sequence[str],
        hierarchies: Mapping[str, pa.Table],
    ) -> None:
        """``columns`` of both tables; InvalidRequest names the column whose labels nothing explains."""
        self.columns = tuple(columns)
        self.rows = released.num_rows
        # Every attack asks for the same few.
        self._classes: dict[tuple[str, ...], Classes] = {}
        self.originals = {name: Column.of(original.column(name)) for name in columns}
        self.labels = {name: Column.of(released.column(name)).text() for name in columns}
        self.hierarchies = {name: hierarchies[name] for name in columns if name in hierarchies}
        # Where the release has more of them than the original had, nulls were put there: they may
        # stand for anything. Otherwise a null says that the original has none either.
        self.null_is_value = {
            name: self.labels[name].null_share <= self.originals[name].null_share
            for name in columns
        }
        kinds = {name: released.schema.field(name).type for name in columns}
        self.plain = {name: not _is_text(kind) for name, kind in kinds.items()}
        for name in columns:
            if not self.plain[name]:
                self._require_understood(name)

    def _require_understood(self, name: str) -> None:
        domain, labels = Domain.of(self.originals[name].values), self.labels[name].values
        known = understood(domain, labels, self.hierarchies.get(name))
        if len(known) and not known.all():
            raise InvalidRequest.of(
                name,
                "the release holds values of it that are no values of the original, no ranges and "
                "not in its hierarchy; give the hierarchy that was used, or leave the column out "
                "if an attacker cannot know it",
            )

    def relation(self, name: str, values: pa.Array) -> Relation:
        """Which of ``values`` each label of a column covers."""
        domain, labels = Domain.of(values), self.labels[name].values
        value, label = covered(
            domain,
            labels,
            self.hierarchies.get(name),
            null_is_value=self.null_is_value[name],
            plain=self.plain[name],
        )
        width = max(len(labels), 1)
        low, high = _ends(labels, dates=domain.dates, plain=self.plain[name])
        return Relation(value * width + label, width, domain.numbers, low, high)

    def classes(self, columns: Sequence[str]) -> Classes:
        """The classes of the release in ``columns``."""
        wanted = tuple(columns)
        if wanted not in self._classes:
            self._classes[wanted] = self._grouped(wanted)
        return self._classes[wanted]

    def _grouped(self, columns: tuple[str, ...]) -> Classes:
        codes = [self.labels[name].codes for name in columns]
        class_of, first = joined(codes)
        labels = np.stack([column[first] for column in codes], axis=1)
        return Classes(labels, class_of, np.bincount(class_of, minlength=len(first)))


class People:
    """Persons whose values an attacker knows, against a release."""

    def __init__(self, release: Release, table: pa.Table, rows: Indices) -> None:
        """The persons of some rows of ``table``, which has the columns of the release."""
        coded = {name: Column.of(table.column(name)).take(rows) for name in release.columns}
        self.count = len(rows)
        self.release = release
        self.codes = {name: column.codes for name, column in coded.items()}
        self.relations = {
            name: release.relation(name, column.values) for name, column in coded.items()
        }

    def fitting(self, columns: Sequence[str], classes: Classes) -> tuple[Pairs, int]:
        """The classes that cover each person in all ``columns``, and how many of the persons, the
        first ones, were looked at."""
        order = sorted(columns, key=lambda name: self._fanout(name, columns, classes))
        first, rest = order[0], order[1:]
        at = {name: place for place, name in enumerate(columns)}
        relation, codes = self.relations[first], self.codes[first]
        labels = classes.labels[:, at[first]]
        by_label = np.argsort(labels, kind="stable")
        starts = np.searchsorted(labels[by_label], np.arange(relation.width))
        counts = np.bincount(labels, minlength=relation.width)
        begin, many = relation.labels_of(int(codes.max(initial=-1)) + 1)
        person, place = expand(begin[codes], many[codes])
        label = relation.keys[place] % relation.width
        load = np.cumsum(counts[label])
        looked_at, found, taken = 0, [], 0
        while looked_at < self.count:
            stop = int(np.searchsorted(load, taken + _PAIRS_AT_ONCE, "right"))
            last = int(person[stop]) if stop < len(person) else self.count
            last = max(last, looked_at + 1)
            chosen = slice(
                int(np.searchsorted(person, looked_at)), int(np.searchsorted(person, last))
            )
            which, row = expand(starts[label[chosen]], counts[label[chosen]])
            pairs = Pairs(person[chosen][which], by_label[row])
            for name in rest:
                kept = self.relations[name].covers(
                    self.codes[name][pairs.person], classes.labels[pairs.fits, at[name]]
                )
                pairs = Pairs(pairs.person[kept], pairs.fits[kept])
            found.append(pairs)
            looked_at = last
            taken = int(load[chosen.stop - 1]) if chosen.stop else 0
            if taken > MOST_PAIRS:
                break
        return (
            Pairs(
                np.concatenate([pairs.person for pairs in found] or [np.empty(0, np.int64)]),
                np.concatenate([pairs.fits for pairs in found] or [np.empty(0, np.int64)]),
            ),
            looked_at,
        )

    def _fanout(self, name: str, columns: Sequence[str], classes: Classes) -> float:
        """How many classes a person fits by one column alone, on average."""
        relation = self.relations[name]
        labels = classes.labels[:, list(columns).index(name)]
        counts = np.bincount(labels, minlength=relation.width)
        weights = np.bincount(self.codes[name])
        fits = counts[relation.keys % relation.width] * weights[relation.keys // relation.width]
        return float(fits.sum())

    def generality(self, columns: Sequence[str], classes: Classes) -> Shares:
        """Of each class: the logarithm of the share of the persons that it would cover if the
        columns were independent."""
        total = np.zeros(len(classes.sizes))
        for place, name in enumerate(columns):
            relation = self.relations[name]
            weights = np.bincount(self.codes[name]) / max(self.count, 1)
            share = np.bincount(
                relation.keys % relation.width,
                weights[relation.keys // relation.width],
                minlength=relation.width,
            )
            total += np.log(np.maximum(share, 1e-12))[classes.labels[:, place]]
        return np.round(total, 9)


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_null(kind)
    )


def _ends(labels: pa.Array, *, dates: bool, plain: bool) -> tuple[Shares, Shares]:
    low = Domain.of(labels).numbers.copy()
    high = low.copy()
    if plain:
        return low, high
    spans = ranges(labels, dates=dates)
    low[spans.labels], high[spans.labels] = spans.low, spans.high
    return low, high
