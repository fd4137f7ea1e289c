"""Visits the sets of columns of a table up to a size, and finds who is alone in each.

A record is alone by a set of columns when no other has the same values there; it is then alone by
every larger set as well. A *minimal sample unique* is a record and a set by which it is alone while
by no part of the set it is. Sets are visited so that all parts of a set come before it, and records
that a part left alone are not counted again: what they do to the counts is known.

Source of the notion, and of looking at sets in order: Manning, Haglin & Keane, "A recursive search
algorithm for statistical disclosure assessment" (SUDA2), Data Mining and Knowledge Discovery 16
(2008) 165-196. Here whole columns are grouped at once in place of the recursion by items.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb
from typing import Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gateway.errors import InvalidRequest

MOST_COLUMNS: Final = 25
MOST_BYTES: Final = 1 << 30
"""Held to remember who is alone by which set: a bit a record and set that can still grow."""

_DENSE: Final = 1 << 16

Codes = NDArray[np.int64]
Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, repr=False)
class Coded:
    """A table's columns as numbers of values, a null being a value: ``codes`` of each distinct
    record (one array a column), its ``counts``, and which of them each row is."""

    names: tuple[str, ...]
    codes: tuple[Codes, ...]
    cardinalities: tuple[int, ...]
    counts: Codes
    row_record: Codes

    @classmethod
    def of(cls, table: pa.Table, columns: Sequence[str]) -> Self:
        """`InvalidRequest` for a column that is unknown or named twice, and for none."""
        if not columns:
            raise InvalidRequest.of("columns", "name at least one")
        if len(set(columns)) != len(columns):
            raise InvalidRequest.of("columns", "a column is named twice")
        codes, cardinalities = [], []
        for name in columns:
            if table.column_names.count(name) != 1:
                raise InvalidRequest.of(name, "is not a column of the table, or stands there twice")
            column = table.column(name)
            encoded = pa.chunked_array(
                [chunk.dictionary_encode(null_encoding="encode") for chunk in column.chunks]
                if not pa.types.is_dictionary(column.type)
                else [
                    chunk.dictionary_decode().dictionary_encode(null_encoding="encode")
                    for chunk in column.chunks
                ],
                pa.dictionary(pa.int32(), _value_type(column.type)),
            ).unify_dictionaries()
            parts = [chunk.indices.to_numpy() for chunk in encoded.chunks]
            codes.append(np.concatenate(parts or [np.empty(0, np.int32)]).astype(np.int64))
            cardinalities.append(int(codes[-1].max(initial=-1)) + 1)
        keys = np.zeros(table.num_rows, np.int64)
        for column_codes, size in zip(codes, cardinalities, strict=True):
            keys, _ = _labels(keys * max(size, 1) + column_codes)
        _, first, rows, counts = np.unique(
            keys, return_index=True, return_inverse=True, return_counts=True
        )
        return cls(
            tuple(columns),
            tuple(column[first] for column in codes),
            tuple(cardinalities),
            counts.astype(np.int64),
            rows.astype(np.int64),
        )

    @property
    def rows(self) -> int:
        return len(self.row_record)


@dataclass(frozen=True, slots=True, repr=False)
class Visited:
    """One set of columns, by their places. ``classes``: groups of records that agree in them;
    ``pairs``: ordered pairs of two rows that agree; ``alone``: rows alone by the set. ``minimal``:
    the distinct records (see `Coded`) for which it is a minimal sample unique."""

    columns: tuple[int, ...]
    classes: int
    pairs: int
    alone: int
    minimal: Codes


def number_of_sets(columns: int, most: int) -> int:
    """Sets of 1 to ``most`` columns."""
    return sum(comb(columns, size) for size in range(1, min(most, columns) + 1))


def visit(coded: Coded, most: int) -> Iterator[Visited]:
    """Every set of 1 to ``most`` columns, each after all of its parts. Fails as `check_sets` does."""
    check_sets(coded, most)
    walk = _Walk(coded, most)
    records = len(coded.counts)
    whole = np.zeros(records, np.int64)
    yield from walk.below((), np.arange(records), whole, len(coded.names))


def check_sets(coded: Coded, most: int) -> None:
    """`InvalidRequest` for sets of more than `MOST_COLUMNS` columns, and when what must be remembered
    does not fit into `MOST_BYTES`.
    """
    if most > 1 and len(coded.names) > MOST_COLUMNS:
        raise InvalidRequest.of("columns", f"at most {MOST_COLUMNS} can be looked at together")
    if most < 1:
        raise InvalidRequest.of("most", "a set has at least one column")
    records = len(coded.counts)
    if number_of_sets(len(coded.names), most - 1) * -(-records // 8) > MOST_BYTES:
        raise InvalidRequest.of(
            "most", "too many sets for so many records: look at fewer columns, or smaller sets"
        )


class _Walk:
    def __init__(self, coded: Coded, most: int) -> None:
        self._coded, self._most = coded, most
        self._alone: dict[tuple[int, ...], Bits] = {}

    def below(
        self, columns: tuple[int, ...], active: Codes, labels: Codes, before: int
    ) -> Iterator[Visited]:
        """The sets that add columns ``before`` the first of ``columns`` to them.

        ``active``: the records that are not alone by ``columns``; ``labels``: their groups.
        """
        coded = self._coded
        left = len(coded.counts) - len(active)
        for column in range(before):
            grown = (column, *columns)
            keys = labels * max(coded.cardinalities[column], 1) + coded.codes[column][active]
            groups, number = _labels(keys)
            sizes = np.bincount(groups, weights=coded.counts[active], minlength=number)
            single = sizes[groups] == 1
            newly = active[single]
            yield Visited(
                grown,
                number + left,
                int((sizes * (sizes - 1)).sum()),
                left + len(newly),
                newly[self._by_no_part(grown, newly)],
            )
            if len(grown) == self._most:
                continue
            alone = np.ones(len(coded.counts), bool)
            alone[active[~single]] = False
            self._alone[grown] = np.packbits(alone)
            regrouped, _ = _labels(groups[~single])
            yield from self.below(grown, active[~single], regrouped, column)

    def _by_no_part(self, columns: tuple[int, ...], records: Codes) -> NDArray[np.bool_]:
        """Whether a record is alone by none of the sets with one column less, of which the one
        without the first column is known to leave it among others."""
        minimal = np.ones(len(records), bool)
        if len(columns) == 1:
            return minimal
        for place in range(1, len(columns)):
            bits = self._alone[columns[:place] + columns[place + 1 :]]
            minimal &= (bits[records >> 3] >> (7 - (records & 7))) & 1 == 0
        return minimal


def _labels(keys: Codes) -> tuple[Codes, int]:
    """The keys' numbers among the distinct ones, and how many those are."""
    span = int(keys.max(initial=-1)) + 1
    if span > max(_DENSE, 4 * len(keys)):
        distinct, labels = np.unique(keys, return_inverse=True)
        return labels.astype(np.int64), len(distinct)
    there = np.zeros(span, bool)
    there[keys] = True
    numbers = np.cumsum(there)
    return numbers[keys] - 1, int(numbers[-1]) if span else 0


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
