"""What a search is to solve: the table as codes, checked before any search begins.

Everything that is wrong with columns, hierarchies and weights is said here. Messages name columns
and rows, never values.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import InvalidRequest, Violation
from gateway.model.anonymity import AnonymityGoal, TCloseness
from gateway.model.exact import DECIMALS, millionths
from gateway.transform.anonymize.keys import Keys, KeySpace
from gateway.transform.anonymize.ladder import Codes, Counts, Ladder
from gateway.transform.base import as_text

_UNWEIGHTED = frozenset({"discernibility", "average_class_size"})


@dataclass(frozen=True, slots=True)
class Watch:
    """How a search tells the time and how far it is.

    ``elapsed``: seconds since the search began. ``tell``: stage, done, expected (0 when unknown);
    raises what is to stop the search, which passes it on.
    """

    elapsed: Callable[[], float] = lambda: 0.0
    tell: Callable[[str, int, int], None] = lambda _stage, _done, _expected: None


UNWATCHED = Watch()


Estimate = Callable[[Literal["pitman", "zayatz", "snb"], Mapping[int, int], float], float | None]
"""Estimator, how many classes there are of each size, sampling
fraction → share of the population that is alone in its class; None without an estimate. Given by
the caller, for the estimators are a measure of risk, and no part of a search."""


@dataclass(frozen=True, slots=True, repr=False)
class Sensitive:
    """A sensitive column: of each row the number of its value; null is a value of its own.

    What tells nothing is null: NaN and the empty text count as it, and -0.0 counts as 0.0.
    ``values`` has the type of the column, in ascending order, null last.
    """

    codes: Codes
    values: pa.Array


@dataclass(frozen=True, slots=True, repr=False)
class Population:
    """The records of a population table by their combinations of leaves."""

    tuples: Codes
    counts: Counts


@dataclass(frozen=True, slots=True, repr=False)
class Problem:
    """n rows, d quasi-identifiers, m distinct combinations of their leaves.

    ``tuples``: m × d numbers of leaves, in the order of ``goal.quasi_identifiers``. ``row_tuple``:
    which combination each row has. ``counts``: rows of each. ``trees``: by sensitive column and
    name of a hierarchy, the number that each of the column's values has at each level.
    """

    goal: AnonymityGoal
    ladders: tuple[Ladder, ...]
    tuples: Codes
    row_tuple: Keys
    counts: Counts
    sensitive: Mapping[str, Sensitive]
    trees: Mapping[tuple[str, str], tuple[Codes, ...]]
    populations: Mapping[str, Population]
    estimate: Estimate | None = None

    @classmethod
    def of(
        cls,
        table: pa.Table,
        goal: AnonymityGoal,
        ladders: Mapping[str, Ladder],
        populations: Mapping[str, pa.Table] | None = None,
        estimate: Estimate | None = None,
    ) -> Self:
        """``ladders``: of each quasi-identifier by its name, and of each hierarchical distance by
        the name that the model gives. InvalidRequest names all that is wrong."""
        _check_names(table, goal, ladders, populations or {})
        names = goal.quasi_identifiers
        given = [ladders[name] for name in names]
        columns = [one_array(table.column(name)) for name in names]
        people = {
            name: [one_array(population.column(column)) for column in names]
            for name, population in (populations or {}).items()
        }
        for place in range(len(names)):
            tables = [columns[place], *(found[place] for found in people.values())]
            if any(column.null_count for column in tables):
                given[place] = given[place].with_null()
        codes = encoded(columns, names, given, "the table")
        distinct, row_tuple, counts = _distinct(codes, given)
        sensitive = {name: _sensitive(table.column(name)) for name in sensitive_columns(goal)}
        return cls(
            goal,
            tuple(given),
            distinct,
            row_tuple,
            counts,
            sensitive,
            {
                (model.column, model.hierarchy): _tree(
                    model.column, sensitive[model.column].values, ladders[model.hierarchy]
                )
                for model in goal.models
                if isinstance(model, TCloseness) and model.hierarchy is not None
            },
            {
                name: Population(*_distinct(encoded(found, names, given, name), given)[::2])
                for name, found in people.items()
            },
            estimate,
        )

    @property
    def rows(self) -> int:
        return len(self.row_tuple)

    @property
    def limit(self) -> int:
        """Records that may be left out at most."""
        return millionths(self.goal.max_suppression) * self.rows // 10**DECIMALS

    @property
    def names(self) -> tuple[str, ...]:
        return self.goal.quasi_identifiers


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """The column in one piece, dictionaries decoded."""
    array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def leaf_texts(column: pa.Array) -> tuple[pa.Array, Codes]:
    """The distinct values of a column as the texts that hierarchies have, and each row's number
    among them."""
    found = column.dictionary_encode(null_encoding="encode")
    return as_text(found.dictionary), found.indices.to_numpy(zero_copy_only=False).astype(np.int32)


def encoded(
    columns: list[pa.Array], names: tuple[str, ...], ladders: list[Ladder], what: str
) -> Codes:
    """Numbers of leaves, n × d; InvalidRequest names each column with a value that is no leaf."""
    codes = np.empty((len(columns[0]) if columns else 0, len(columns)), np.int32, order="F")
    missing = []
    for place, (name, column, ladder) in enumerate(zip(names, columns, ladders, strict=True)):
        texts, rows = leaf_texts(column)
        leaves = ladder.find(texts)
        if leaves.null_count:
            absent = leaves.is_null().to_numpy(zero_copy_only=False)
            first = int(np.flatnonzero(absent[rows])[0]) + 1
            missing.append(
                Violation(
                    name,
                    f"the value in row {first} of {what} is not in the hierarchy; add it there, or "
                    "leave the hierarchy out and have one proposed",
                )
            )
            continue
        codes[:, place] = leaves.to_numpy(zero_copy_only=False)[rows]
    if missing:
        raise InvalidRequest.collected(missing)
    return codes


def _distinct(codes: Codes, ladders: list[Ladder]) -> tuple[Codes, Keys, Counts]:
    _, keys = KeySpace.of(codes, tuple(len(ladder.leaves) for ladder in ladders))
    _, first, rows, counts = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    return np.asfortranarray(codes[first]), rows.astype(np.int64), counts.astype(np.int64)


def sensitive_columns(goal: AnonymityGoal) -> tuple[str, ...]:
    """The columns that models speak of."""
    columns = [getattr(model, "column", None) for model in goal.models]
    return tuple(dict.fromkeys(column for column in columns if column is not None))


def _sensitive(column: pa.ChunkedArray) -> Sensitive:
    found = _told(one_array(column)).dictionary_encode(null_encoding="encode")
    order = pc.sort_indices(found.dictionary).to_numpy()
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    rows = found.indices.to_numpy(zero_copy_only=False)
    return Sensitive(rank[rows], found.dictionary.take(pa.array(order)))


def _told(column: pa.Array) -> pa.Array:
    """With null for values that are none, or two ways to write nothing would pass as diversity."""
    if pa.types.is_floating(column.type):
        if pa.types.is_float16(column.type):
            column = column.cast(pa.float32())
        nothing, zero = pc.is_nan(column), pc.equal(column, 0)
        column = pc.if_else(zero, pa.scalar(0.0, column.type), column)
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        nothing = pc.equal(column, "")
    else:
        return column
    return pc.if_else(nothing, pa.scalar(None, column.type), column)


def _tree(column: str, values: pa.Array, ladder: Ladder) -> tuple[Codes, ...]:
    if values.null_count:
        ladder = ladder.with_null()
    leaves = ladder.find(as_text(values))
    if leaves.null_count:
        raise InvalidRequest.of(
            column, "a value of the table is not in the hierarchy that closeness goes by; add it"
        )
    places = leaves.to_numpy(zero_copy_only=False)
    return tuple(codes[places] for codes in ladder.codes)


def _check_names(
    table: pa.Table,
    goal: AnonymityGoal,
    ladders: Mapping[str, Ladder],
    populations: Mapping[str, pa.Table],
) -> None:
    wrong = [
        *_absent(table, (*goal.quasi_identifiers, *sensitive_columns(goal)), "the table"),
        *_unusable(table, goal),
    ]
    wrong += [
        Violation(name, "has no hierarchy; give one, or have one proposed")
        for name in goal.quasi_identifiers
        if name not in ladders and name in table.column_names
    ]
    for model in goal.models:
        hierarchy = getattr(model, "hierarchy", None)
        if hierarchy is not None and hierarchy not in ladders:
            wrong.append(Violation(hierarchy, f"there is no such hierarchy; {model.kind} needs it"))
        population = getattr(model, "population", None)
        if population is None:
            continue
        if population not in populations:
            wrong.append(Violation(population, f"there is no such table; {model.kind} needs it"))
        else:
            wrong += _absent(populations[population], goal.quasi_identifiers, population)
    if not table.num_rows:
        wrong.append(Violation("table", "has no rows: there is nothing to anonymise"))
    if goal.weights and goal.metric in _UNWEIGHTED:
        wrong.append(
            Violation("weights", f"{goal.metric} counts classes and not columns; leave them out")
        )
    if wrong:
        raise InvalidRequest.collected(wrong)


def _absent(table: pa.Table, names: tuple[str, ...], what: str) -> list[Violation]:
    wrong = []
    for name in names:
        found = table.column_names.count(name)
        if found != 1:
            told = "has no such column" if not found else "has two columns of that name"
            wrong.append(Violation(name, f"{what} {told}"))
    return wrong


def _unusable(table: pa.Table, goal: AnonymityGoal) -> list[Violation]:
    return [
        Violation(
            field.name, f"{field.type} has neither order nor text; use text, numbers or dates"
        )
        for field in table.schema
        if field.name in (*goal.quasi_identifiers, *sensitive_columns(goal))
        and not _usable(field.type)
    ]


def _usable(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_primitive(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    )
