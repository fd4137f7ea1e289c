"""What a search found: of each combination of quasi-identifiers the class it falls in, and what is
published of the class.

It depends on values and not on the order of rows, so it can be stored and applied to the rows of
the same data set version again, batch by batch. It holds values of the data: store it encrypted.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.errors import InvalidRequest
from gateway.model.anonymity import Method, Metric
from gateway.transform.anonymize.keys import Keys, KeySpace, places
from gateway.transform.anonymize.ladder import Codes
from gateway.transform.anonymize.problem import leaf_texts, one_array

SUPPRESSED: Final = -1
"""The class of a record that is left out."""

_CLASS: Final = "class"


@dataclass(frozen=True, slots=True, repr=False)
class Recoding:
    """``value`` of ``metric``: what it costs, less is better. ``levels``: of each column, for a
    full-domain recoding. ``proven_optimal``: no other recoding of the method is better.

    ``leaves``: of each quasi-identifier the texts that ``tuples`` (m × d) are numbers of.
    ``classes``: the class of each combination, SUPPRESSED or a row of ``published``, whose columns
    are the quasi-identifiers as text. A column in ``untouched`` is published as it is in the
    source, with its type. ``row_tuple``: the combination of each row of the table that was
    searched; None in one that was stored.
    """

    method: Method
    metric: Metric
    value: float
    levels: Mapping[str, int] | None
    proven_optimal: bool
    leaves: tuple[pa.Array, ...]
    tuples: Codes
    classes: Keys
    published: pa.Table
    untouched: frozenset[str]
    row_tuple: Keys | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The quasi-identifiers."""
        return tuple(self.published.column_names)

    @property
    def class_of(self) -> Keys:
        """The class of each row of the table that was searched."""
        if self.row_tuple is None:
            raise ValueError("a stored recoding knows no rows: ask for the classes of a table")
        found: Keys = self.classes[self.row_tuple]
        return found

    @property
    def suppressed(self) -> NDArray[np.bool_]:
        """Which rows of the table that was searched are left out."""
        left_out: NDArray[np.bool_] = self.class_of == SUPPRESSED
        return left_out

    def classes_of(self, table: pa.Table | pa.RecordBatch) -> Keys:
        """The class of each row, also of a batch; InvalidRequest when a row has a combination
        that was not in the table searched: it is of another version then."""
        return Lookup(self).classes_of(table)

    def apply(self, table: pa.Table) -> pa.Table:
        """The anonymised table: quasi-identifiers recoded, other columns as they are, suppressed
        records left out, order kept."""
        classes = self.classes_of(table)
        kept = np.flatnonzero(classes != SUPPRESSED)
        return self.publish(table.take(pa.array(kept)), classes[kept])

    def publish(self, table: pa.Table, classes: Keys) -> pa.Table:
        """The rows of ``table``, whose classes are given and none of them suppressed, with what is
        published in place of those quasi-identifiers that the table has."""
        where = pa.array(classes)
        for place, field in enumerate(table.schema):
            if field.name in self.names and field.name not in self.untouched:
                labels = one_array(self.published.column(field.name)).take(where)
                table = table.set_column(place, pa.field(field.name, pa.string()), labels)
        return table

    def to_bytes(self) -> bytes:
        """The stored form: a line of JSON, then two Arrow streams."""
        told = {
            "method": self.method,
            "metric": self.metric,
            "value": self.value.hex(),
            "levels": None if self.levels is None else dict(self.levels),
            "proven_optimal": self.proven_optimal,
            "untouched": sorted(self.untouched),
        }
        columns = [
            pa.DictionaryArray.from_arrays(pa.array(self.tuples[:, place]), leaves)
            for place, leaves in enumerate(self.leaves)
        ]
        names = [f"leaf_{place}" for place in range(len(columns))]
        combinations = pa.table([*columns, pa.array(self.classes)], names=[*names, _CLASS])
        sink = pa.BufferOutputStream()
        sink.write(json.dumps(told, ensure_ascii=False).encode() + b"\n")
        for table in (combinations, self.published):
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
        stored: bytes = sink.getvalue().to_pybytes()
        return stored

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """Reads what ``to_bytes`` made."""
        head, _, rest = stored.partition(b"\n")
        told = json.loads(head)
        source = pa.BufferReader(rest)
        combinations = pa.ipc.open_stream(source).read_all()
        published = pa.ipc.open_stream(source).read_all()
        leaves, codes = [], []
        for name in combinations.column_names[:-1]:
            column = combinations.column(name).unify_dictionaries().combine_chunks()
            leaves.append(column.dictionary)
            codes.append(column.indices.to_numpy(zero_copy_only=False))
        return cls(
            told["method"],
            told["metric"],
            float.fromhex(told["value"]),
            told["levels"],
            told["proven_optimal"],
            tuple(leaves),
            np.stack(codes, axis=1).astype(np.int32),
            combinations.column(_CLASS).to_numpy(),
            published,
            frozenset(told["untouched"]),
        )


class Lookup:
    """The classes of many batches under one recoding, whose combinations are put in order once.
    Thread-safe; the repr is blind."""

    def __init__(self, recoding: Recoding) -> None:
        self._names, self._leaves = recoding.names, recoding.leaves
        radices = tuple(len(leaves) for leaves in recoding.leaves)
        self._space, known = KeySpace.of(recoding.tuples, radices)
        order = np.argsort(known)
        self._known: Keys = known[order]
        self._classes: Keys = recoding.classes[order]

    def classes_of(self, table: pa.Table | pa.RecordBatch) -> Keys:
        """As ``Recoding.classes_of``."""
        codes = np.empty((table.num_rows, len(self._names)), np.int32)
        for place, (name, leaves) in enumerate(zip(self._names, self._leaves, strict=True)):
            column = table.column(name)
            texts, rows = leaf_texts(
                one_array(column) if isinstance(column, pa.ChunkedArray) else column
            )
            found = pc.index_in(texts, value_set=leaves).fill_null(-1)
            codes[:, place] = found.to_numpy(zero_copy_only=False)[rows]
        unknown = (codes < 0).any(axis=1)
        at, there = places(self._known, self._space.keys(np.maximum(codes, 0)))
        if bool((unknown | ~there).any()):
            raise InvalidRequest.of(
                "table", "a row is not of the version that the recoding was made for"
            )
        found_classes: Keys = self._classes[at]
        return found_classes

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._names)} columns)"
