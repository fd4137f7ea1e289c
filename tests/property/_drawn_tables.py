"""Small random tables as the verifier may meet them: nulls, few and many values, some suppressed."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

TYPES = {
    "text": (pa.string(), st.sampled_from(["", "a", "b", "*", "男", "a\x00"])),
    "coded": (pa.dictionary(pa.int32(), pa.string()), st.sampled_from(["a", "b", "c"])),
    "whole": (pa.int64(), st.integers(-2, 2)),
    "real": (pa.float64(), st.sampled_from([-0.5, 0.0, 1.5])),
    "day": (pa.date32(), st.integers(0, 2)),
    "truth": (pa.bool_(), st.booleans()),
    "nothing": (pa.null(), st.none()),
}


@dataclass(frozen=True)
class Drawn:
    """A table, its quasi-identifiers, and its sensitive columns ``text`` and ``number``."""

    table: pa.Table
    quasi_identifiers: list[str]

    @property
    def sensitive(self) -> list[str]:
        return ["text", "number"]

    def batches(self, size: int = 3) -> Iterator[pa.RecordBatch]:
        return iter(self.table.to_batches(max_chunksize=size))

    def classes(self, columns: Sequence[str] | None = None) -> dict[tuple[Any, ...], list[int]]:
        """Brute force: the rows of each class."""
        keys = [self.table.column(name).to_pylist() for name in self.quasi_identifiers]
        found: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for row in range(self.table.num_rows):
            found[tuple(key[row] for key in keys)].append(row)
        return dict(found)

    def held(self, column: str) -> list[list[Any]]:
        """Brute force: the values of a sensitive column in each class; empty text is no value."""
        told = self.table.column(column).to_pylist()
        values = [None if value == "" else value for value in told]
        return [[values[row] for row in rows] for rows in self.classes().values()]


@st.composite
def tables(draw: st.DrawFn, *, least: int = 0, most: int = 14) -> Drawn:
    """Up to three quasi-identifiers and two sensitive columns; some records wholly suppressed."""
    rows = draw(st.integers(least, most))
    kinds = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=3))
    suppressed = draw(st.sets(st.integers(0, max(rows - 1, 0)), max_size=rows))
    columns: dict[str, pa.Array] = {}
    for place, kind in enumerate(kinds):
        arrow, values = TYPES[kind]
        cells = draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        cells = [None if row in suppressed else cell for row, cell in enumerate(cells)]
        columns[f"q{place}"] = _array(cells, arrow)
    for name, kind in (
        ("text", "text"),
        ("number", draw(st.sampled_from(["whole", "real", "day"]))),
    ):
        arrow, values = TYPES[kind]
        cells = draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        columns[name] = _array(cells, arrow)
    return Drawn(pa.table(columns), [f"q{place}" for place in range(len(kinds))])


def _array(cells: list[Any], arrow: pa.DataType) -> pa.Array:
    if pa.types.is_date32(arrow):
        return pa.array(cells, pa.int32()).cast(arrow)
    return pa.array(cells, arrow)
