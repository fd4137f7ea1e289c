"""Samples of columns: spread over everything, bounded, and the same each time."""

import threading
from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Cancelled, RecordsRejected, SourceChanged
from gateway.execute import parquet_sample
from gateway.execute.parquet_sample import RowGroup, planned
from gateway.execute.sampling import Draw, draws
from gateway.model.catalog import CsvSource, ParquetSource
from gateway.model.evidence import Coverage
from gateway.ports import SAMPLED_VALUES

FILE = ParquetSource(path="r.parquet")


def drawn(column: pa.Array, most: int, piece: int = 1 << 30, most_bytes: int = 1 << 30) -> Draw:
    draw = Draw(most, most_bytes)
    for start in range(0, len(column), piece):
        draw.see(column.slice(start, piece))
    return draw


def values(draw: Draw) -> list[object]:
    return draw.values(pa.int64()).to_pylist()


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=400),
    st.integers(1, 50),
    st.integers(1, 90),
)
def test_a_draw_is_bounded_in_order_and_the_same_however_it_comes(numbers, most, piece) -> None:
    places = pa.array([None if n is None else i for i, n in enumerate(numbers)], pa.int64())
    draw = drawn(places, most, piece)
    found = values(draw)
    present = len(places) - places.null_count
    assert (draw.passed, draw.present) == (len(places), present)
    # A stretch at the end may have chosen a value that never came.
    assert min(most, present) - 1 <= len(found) <= most
    assert found or not present
    assert found == sorted(set(found))
    assert found == values(drawn(places, most, 7))
    assert found == values(drawn(places, most))


@pytest.mark.parametrize("rows", [20_001, 100_000, 1_000_003])
def test_every_part_of_the_data_has_its_share(rows: int) -> None:
    found = np.array(values(drawn(pa.array(np.arange(rows)), 1000, 32_768)))
    assert len(found) >= 999
    counted, _ = np.histogram(found, bins=20, range=(0, rows))
    assert counted.min() >= 45
    assert counted.max() <= 55


def test_data_that_repeats_itself_is_not_fallen_in_step_with() -> None:
    # Every second, fourth, … value is of the same kind: every n-th would see one kind alone.
    kinds = pa.array(np.arange(512_000) % 64)
    counted = np.bincount(values(drawn(kinds, 4_000, 32_768)), minlength=64)
    assert counted.min() > 30


def test_long_values_are_fewer() -> None:
    texts = pa.array(["x" * 100_000] * 300)
    draw = drawn(texts, 1000, 10, most_bytes=1_000_000)
    found = draw.values(pa.string())
    assert 4 <= len(found) <= 10
    one = drawn(pa.array(["x" * 100_000] * 3), 1000, 1, most_bytes=10)
    assert len(one.values(pa.string())) == 1


@given(st.lists(st.integers(0, 400_000), min_size=1, max_size=4), st.integers(1, 40))
def test_of_a_dictionary_no_more_is_decoded_at_once_than_may_be_held(lengths, piece) -> None:
    words = pa.array(["x" * length for length in lengths])
    indices = pa.array([n % len(lengths) if n % 7 else None for n in range(200)], pa.int32())
    column = pa.DictionaryArray.from_arrays(indices, words)
    draw = drawn(column, 1000, piece, most_bytes=1_000_000)
    assert (draw.passed, draw.present) == (200, 171)
    found = draw.values(pa.string())
    assert found.nbytes <= 1_000_000
    assert len(found) >= 1
    if sum(lengths[n % len(lengths)] for n in range(200)) < 500_000:
        assert found.to_pylist() == [words[n % len(lengths)].as_py() for n in range(200) if n % 7]


def test_a_long_value_a_hundred_thousand_times_in_a_short_file(root, opened) -> None:
    words = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(100_000, np.int32)), pa.array(["x" * 5_000_000])
    )
    # As most programs write it: nothing in the file says that it was a dictionary.
    pq.write_table(pa.table({"s": words}), root / "r.parquet", store_schema=False)
    assert (root / "r.parquet").stat().st_size < 6_000_000
    found = sampled(opened, FILE)["s"]
    assert (found.coverage.present, found.values.type) == (100_000, pa.string())
    assert 1 <= found.coverage.sampled <= 4


def test_many_columns_share_what_may_be_held() -> None:
    assert draws(10)[0]._most == SAMPLED_VALUES
    assert draws(10_000)[0]._most * 10_000 <= 8_000_000


# ---- sources --------------------------------------------------------------------------------


def sampled(opened, source, names=None):
    with opened(source, ()) as found:
        wanted = names or found.schema().names
        return {one.column: one for one in found.sample(wanted)}


def test_each_column_is_drawn_over_its_own_values(root, opened) -> None:
    rows = 100_000
    ids = np.arange(rows)
    rare = pa.array(np.where(ids % 1000 == 999, ids, -1))
    rare = pa.compute.if_else(pa.compute.equal(rare, -1), None, rare)
    table = pa.table({"id": ids, "rare": rare, "none": pa.nulls(rows, pa.string())})
    pq.write_table(table, root / "r.parquet", row_group_size=9_999)
    found = sampled(opened, FILE, ["none", "rare", "id"])
    assert list(found) == ["none", "rare", "id"]
    assert found["id"].coverage == Coverage(rows=rows, present=rows, sampled=SAMPLED_VALUES)
    assert found["rare"].values.to_pylist() == list(range(999, rows, 1000))
    assert found["none"].coverage == Coverage(rows=rows, present=0, sampled=0)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sources count as large from 1,000 rows on, and 100 values of a column are enough."""
    monkeypatch.setattr(parquet_sample, "LOOKED_ROWS", 1000)
    monkeypatch.setattr("gateway.execute.sampling._LEAST_VALUES", 100)
    monkeypatch.setattr("gateway.execute.sampling._ALL_VALUES", 100)


@pytest.mark.usefixtures("small")
def test_of_a_large_file_the_whole_length_is_looked_at_and_sparse_columns_to_the_end(
    root, opened
) -> None:
    rows = 50_000
    ids = np.arange(rows)
    late = pa.array(np.where(ids >= rows - 90, ids, 0), mask=ids < rows - 90)
    table = pa.table({"id": ids, "late": late})
    pq.write_table(table, root / "r.parquet", row_group_size=500)
    found = sampled(opened, FILE)
    assert found["late"].values.to_pylist() == list(range(rows - 90, rows))
    assert found["id"].coverage.present < 2_000
    counted, _ = np.histogram(found["id"].values.to_numpy(), bins=10, range=(0, rows))
    assert counted.min() >= 5


@pytest.mark.usefixtures("small")
def test_row_groups_without_values_are_not_read_again(root, opened, monkeypatch) -> None:
    rows = 5_000
    late = pa.array([None] * (rows - 50) + ["x"] * 50)
    pq.write_table(pa.table({"late": late}), root / "r.parquet", row_group_size=100)
    read: list[int] = []
    iterate = pq.ParquetFile.iter_batches

    def counting(self, *positional, **named):
        read.extend(named["row_groups"])
        return iterate(self, *positional, **named)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", counting)
    assert len(sampled(opened, FILE)["late"].values) == 50
    assert len(read) <= 50 + 1


def test_a_folder_is_one_source(root, opened) -> None:
    (root / "years").mkdir()
    for year in range(5):
        ids = pa.array(range(year * 10_000, (year + 1) * 10_000))
        pq.write_table(pa.table({"id": ids}), root / f"years/{year}.parquet")
    found = sampled(opened, ParquetSource(path="years"))["id"]
    assert found.coverage == Coverage(rows=50_000, present=50_000, sampled=SAMPLED_VALUES)
    counted, _ = np.histogram(found.values.to_numpy(), bins=5, range=(0, 50_000))
    assert counted.min() > 3_500


@given(st.lists(st.integers(0, 5_000_000), max_size=200))
def test_the_plan_covers_every_row_once(sizes) -> None:
    groups = [RowGroup(0, number, rows) for number, rows in enumerate(sizes)]
    first, rest = planned(groups)
    covered = {group.number: 0 for group in groups}
    for stretch in [*first, *rest]:
        assert covered[stretch.group.number] == stretch.first
        covered[stretch.group.number] = stretch.last
    assert covered == {group.number: group.rows for group in groups}
    assert sum(s.last - s.first for s in first) <= parquet_sample.LOOKED_ROWS


def test_text_that_is_not_utf8_is_given_as_bytes(root, opened) -> None:
    broken = pa.array([b"ok", b"\xd5\xc5\xc8\xfd"], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 2, broken.buffers())
    pq.write_table(pa.table({"s": broken}), root / "r.parquet")
    found = sampled(opened, FILE)["s"]
    assert found.values.type == pa.binary()
    assert found.coverage.sampled == 2
    assert "ok" not in repr(found)


def test_moments_that_cannot_be_carried_are_said_by_column(root, opened) -> None:
    pq.write_table(pa.table({"at": pa.array([1], pa.timestamp("ns"))}), root / "r.parquet")
    with pytest.raises(RecordsRejected, match="column at holds values that timestamp"):
        sampled(opened, FILE)


def test_a_csv_file_is_looked_at_to_its_end(root, opened) -> None:
    lines = "\n".join(f"{n},{'' if n % 10 else n}" for n in range(60_000))
    (root / "r.csv").write_text(f"id,tenth\n{lines}\n", encoding="utf-8")
    told: list[int] = []
    with opened(CsvSource(path="r.csv"), ()) as source:
        found = {one.column: one for one in source.sample(["id", "tenth"], told.append)}
    assert found["tenth"].coverage == Coverage(rows=60_000, present=6_000, sampled=6_000)
    assert found["id"].coverage == Coverage(rows=60_000, present=60_000, sampled=SAMPLED_VALUES)
    assert max(found["id"].values.to_pylist()) > 59_900
    assert told == sorted(told)
    assert told[-1] == 120_000


def test_work_that_is_cancelled_ends_with_its_reader(root, opened) -> None:
    pq.write_table(pa.table({f"c{n}": range(50_000) for n in range(30)}), root / "r.parquet")

    def cancelled(_done: int) -> None:
        raise Cancelled("enough")

    with opened(FILE, ()) as source, pytest.raises(Cancelled):
        list(source.sample(source.schema().names, cancelled))
    with opened(FILE, ()) as source:
        samples = source.sample(source.schema().names)
        assert next(samples).column == "c0"
        samples.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("sample")]


def test_a_reader_whom_nobody_waits_for_reads_no_further(root) -> None:
    pq.write_table(pa.table({"a": range(9)}), root / "r.parquet", row_group_size=3)
    groups = [RowGroup(0, number, 3) for number in range(3)]
    with pq.ParquetFile(root / "r.parquet") as file:
        reading = parquet_sample._Reading(lambda _: nullcontext(file), groups, {"a": 0}, 100)
        fields = [pa.field("a", pa.int64())]
        with reading:
            assert reading.drawn(fields)["a"].passed == 9
        assert reading.drawn(fields)["a"].passed == 0


def test_a_reader_that_fails_says_so(root, opened) -> None:
    pq.write_table(pa.table({f"c{n}": ["x" * 50] * 5_000 for n in range(30)}), root / "r.parquet")
    whole = (root / "r.parquet").read_bytes()
    place = len(whole) // 2
    with opened(FILE, ()) as source:
        samples = source.sample(source.schema().names)
        next(samples)
        (root / "r.parquet").write_bytes(whole[:place] + b"!" * 99 + whole[place + 99 :])
        with pytest.raises(SourceChanged):
            list(samples)
