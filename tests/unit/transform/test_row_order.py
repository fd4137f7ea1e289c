"""A release's order of rows: the same rows, in an order that only its key tells."""

import pyarrow as pa
import pytest

from gateway.errors import KeyUnavailable
from gateway.transform import row_order
from gateway.transform.row_order import RowOrder


def batches(rows: int, size: int) -> list[pa.RecordBatch]:
    table = pa.table({"n": pa.array(range(rows)), "t": [f"row {n}" for n in range(rows)]})
    return table.to_batches(max_chunksize=size)


def order(key: bytes | None, given: list[pa.RecordBatch]) -> list[int]:
    made = list(RowOrder(key).applied(iter(given)))
    for batch in made:
        pairs = zip(batch["n"].to_pylist(), batch["t"].to_pylist(), strict=True)
        assert all(text == f"row {number}" for number, text in pairs)
    return [number for batch in made for number in batch["n"].to_pylist()]


def test_rows_stay_whole_and_none_is_lost_or_doubled() -> None:
    assert sorted(order(bytes(32), batches(10_000, 333))) == list(range(10_000))
    assert order(bytes(32), []) == []


def test_the_order_is_that_of_the_key_and_no_other() -> None:
    given = batches(5_000, 1_000)
    one, again, other = (order(bytes([k]) * 32, given) for k in (1, 1, 2))
    assert one == again
    # Of two unrelated orders about one row stands in the same place; of 5,000, never a hundred.
    assert sum(a == b for a, b in zip(one, other, strict=True)) < 100
    assert sum(a == b for a, b in enumerate(one)) < 100


def test_how_the_rows_were_batched_inside_a_window_does_not_matter() -> None:
    assert order(bytes(32), batches(5_000, 77)) == order(bytes(32), batches(5_000, 5_000))


def test_windows_bound_what_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_order, "WINDOW_ROWS", 100)
    found = order(bytes(32), batches(1_000, 50))
    assert [sorted(found[i : i + 100]) for i in range(0, 1_000, 100)] == [
        list(range(i, i + 100)) for i in range(0, 1_000, 100)
    ]
    assert found[:100] != [n - 100 for n in found[100:200]]


def test_long_rows_make_a_window_of_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    given = batches(1_000, 50)
    monkeypatch.setattr(row_order, "WINDOW_BYTES", 2 * given[0].nbytes)
    found = order(bytes(32), given)
    windows = [sorted(found[i : i + 100]) for i in range(0, 200, 100)]
    assert windows == [list(range(100)), list(range(100, 200))]


def test_without_a_key_rows_stay_where_they_were() -> None:
    assert order(None, batches(1_000, 70)) == list(range(1_000))


def test_a_short_key_is_refused_and_never_shown() -> None:
    with pytest.raises(KeyUnavailable):
        RowOrder(b"short")
    assert "hidden" in repr(RowOrder(bytes(32)))
