"""Small cells are left out whole, and nothing else is."""

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.execute.cells import CellCounts

VALUES = {
    pa.string(): st.sampled_from(["", "a", "b\0", "张"]),
    pa.int32(): st.integers(-1, 1),
    pa.float64(): st.sampled_from([0.0, 1.5, -2.0]),
    pa.bool_(): st.booleans(),
    pa.date32(): st.dates().filter(lambda d: d.day < 3),
    pa.decimal128(5, 2): st.decimals(0, 1, places=1),
    pa.binary(): st.sampled_from([b"", b"\xff"]),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    kinds = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=3))
    rows = draw(st.integers(0, 30))
    columns = [
        pa.array(draw(st.lists(st.none() | VALUES[k], min_size=rows, max_size=rows)), k)
        for k in kinds
    ]
    names = [f"q{n}" for n in range(len(kinds))]
    return pa.table([*columns, pa.array(range(rows), pa.int64())], [*names, "row"])


@given(tables(), st.integers(2, 5), st.integers(1, 30))
def test_exactly_the_records_of_small_cells_are_left_out(
    table: pa.Table, size: int, batch: int
) -> None:
    columns = table.column_names[:-1]
    counts = CellCounts(columns)
    batches = table.to_batches(max_chunksize=batch)
    for part in batches:
        counts.add(part)
    small = counts.smaller_than(size)
    kept = [row for part in batches for row in small.leave_out(part).to_pylist()]
    cells = [tuple(row[name] for name in columns) for row in table.to_pylist()]
    sizes = Counter(cells)
    assert [row["row"] for row in kept] == [n for n, c in enumerate(cells) if sizes[c] >= size]


@pytest.mark.parametrize(("size", "rows"), [(3, 3), (4, 0)])
def test_without_quasi_identifiers_all_records_are_one_cell(size: int, rows: int) -> None:
    batch = pa.record_batch({"x": [1, 2, 3]})
    counts = CellCounts([])
    counts.add(batch)
    assert counts.smaller_than(size).leave_out(batch).num_rows == rows


def test_counts_are_kept_compact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.execute.cells._COMPACT_ROWS", 10)
    counts = CellCounts(["x"])
    for _ in range(100):
        counts.add(pa.record_batch({"x": [1, 2, 3]}))
    assert sum(table.num_rows for table in counts._counts) <= 3 + 10 + 3
    assert counts.smaller_than(100).leave_out(pa.record_batch({"x": [1]})).num_rows == 1
    assert counts.smaller_than(101).leave_out(pa.record_batch({"x": [1]})).num_rows == 0


def test_nothing_seen_leaves_nothing_out() -> None:
    batch = pa.record_batch({"x": [1]})
    assert CellCounts(["x"]).smaller_than(2).leave_out(batch) is batch
