"""Parquet files and folders as sources."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gateway.errors import (
    HolderError,
    InvalidRequest,
    RecordsRejected,
    SourceChanged,
    SourceUnavailable,
)
from gateway.execute import parquet_batches
from gateway.execute.delivery import BATCH_ROWS
from gateway.execute.sources import LocalSources
from gateway.model.catalog import Column, CsvSource, ParquetSource
from gateway.model.conditions import Condition, Operator

FILE = ParquetSource(path="r.parquet")
FOLDER = ParquetSource(path="years")
TABLE = pa.table({"id": pa.array(range(150_000), pa.int64()), "s": ["x", None, "张"] * 50_000})


def read(opened, source, columns, names=("id", "s"), filters=(), limit=None) -> pa.Table:
    with opened(source, columns) as found:
        batches = list(found.batches(list(names), filters, limit))
        assert all(0 < batch.num_rows <= BATCH_ROWS for batch in batches)
        schema = pa.schema([found.schema().field(name) for name in names])
        return pa.Table.from_batches(batches, schema)


def test_a_file_is_read_in_the_order_asked(root: Path, opened, registered) -> None:
    pq.write_table(TABLE, root / "r.parquet")
    columns = registered(FILE)
    assert [(c.name, c.type) for c in columns] == [("id", "int64"), ("s", "string")]
    assert read(opened, FILE, columns, ("s", "id")) == TABLE.select(["s", "id"])


def test_filter_and_limit(root: Path, opened, registered) -> None:
    pq.write_table(TABLE, root / "r.parquet")
    condition = Condition(column="s", operator=Operator.EQUAL, values=("张",))
    found = read(opened, FILE, registered(FILE), ("id",), (condition,), 30_000)
    assert found["id"].to_pylist() == list(range(2, 90_000, 3))
    assert read(opened, FILE, registered(FILE), ("id",), (), 0).num_rows == 0


def test_encodings_are_carried_plain(root: Path, opened, registered) -> None:
    table = pa.table(
        {
            "d": pa.array(["x", None, "y"]).dictionary_encode(),
            "l": pa.array(["x", None, "y"], pa.large_string()),
            "e": pa.array([0, 86_400_000, None], pa.date64()),
            "t": pa.array([1_000, None, 0], pa.timestamp("ns")),
            "z": pa.array([0, None, 1], pa.timestamp("ms", tz="Asia/Shanghai")),
        }
    )
    pq.write_table(table, root / "r.parquet")
    columns = registered(FILE)
    assert [c.type for c in columns] == [
        "string",
        "string",
        "date32[day]",
        "timestamp[us]",
        "timestamp[us, tz=UTC]",
    ]
    found = read(opened, FILE, columns, [c.name for c in columns])
    assert found["d"].to_pylist() == ["x", None, "y"]
    assert str(found["t"][0]) == "1970-01-01 00:00:00.000001"


def test_what_cannot_be_carried_without_loss_names_the_row(root: Path, opened, registered) -> None:
    table = pa.table({"t": pa.array([0] * 70_000 + [1], pa.timestamp("ns"))})
    pq.write_table(table, root / "r.parquet")
    with pytest.raises(RecordsRejected, match="row 70001: the value of column t"):
        read(opened, FILE, registered(FILE), ("t",))


def test_text_that_is_no_utf8_names_the_row(root: Path, opened, registered) -> None:
    bad = pa.array([b"ok"] * 9 + [b"\xff"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"s": bad}), root / "r.parquet")
    with pytest.raises(RecordsRejected, match="row 10: the value of column s is not valid text"):
        read(opened, FILE, registered(FILE), ("s",))


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (pa.table({"a": [[1]]}), "a: the type list"),
        (pa.table([[1], [2]], ["a", "a"]), "column 2: a is there twice"),
        (pa.table({" ": [1]}), "column 1: has no name"),
        (pa.table({"x" * 201: [1]}), "column 1: has a name of over 200"),
    ],
)
def test_columns_that_cannot_be_registered_are_named(root: Path, registered, table, told) -> None:
    pq.write_table(table, root / "r.parquet")
    with pytest.raises(InvalidRequest, match=told):
        registered(FILE)


def test_a_folder_is_its_files_in_order_of_names(root: Path, opened, registered) -> None:
    (root / "years").mkdir()
    pq.write_table(TABLE.slice(0, 10), root / "years" / "2019.parquet")
    pq.write_table(TABLE.slice(10, 5), root / "years" / "2020.parquet")
    (root / "years" / "_SUCCESS").write_text("")
    (root / "years" / "readme.txt").write_text("")
    columns = registered(FOLDER)
    assert read(opened, FOLDER, columns) == TABLE.slice(0, 15).combine_chunks()
    with opened(FOLDER, columns) as found:
        before = found.version()
    assert before.rows == 15
    (root / "years" / "2020.parquet").rename(root / "years" / "2018.parquet")
    with opened(FOLDER, columns) as found:
        assert found.version().fingerprint != before.fingerprint


def test_folders_that_are_no_one_table_are_refused(root: Path, registered) -> None:
    (root / "years").mkdir()
    with pytest.raises(InvalidRequest, match="without any file"):
        registered(FOLDER)
    pq.write_table(TABLE.slice(0, 10), root / "years" / "a.parquet")
    pq.write_table(TABLE.slice(0, 10).select(["s", "id"]), root / "years" / "b.parquet")
    with pytest.raises(HolderError, match="file 2 of the folder"):
        registered(FOLDER)
    (root / "years" / "year=2019").mkdir()
    with pytest.raises(InvalidRequest, match="holds folders"):
        registered(FOLDER)


def test_a_link_in_the_folder_is_no_way_out(root: Path, tmp_path: Path, registered) -> None:
    (root / "years").mkdir()
    pq.write_table(TABLE.slice(0, 10), tmp_path / "secret.parquet")
    (root / "years" / "a.parquet").symlink_to("../../secret.parquet")
    with pytest.raises(InvalidRequest, match="does not stay below"):
        registered(FOLDER)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"a,b\n1,2\n", b"PAR1" + b"\xff" * 50 + b"PAR1"])
def test_what_is_no_parquet_is_said(root: Path, registered, content: bytes) -> None:
    (root / "r.parquet").write_bytes(content)
    with pytest.raises(RecordsRejected, match="cannot be read as Parquet"):
        registered(FILE)


def test_damaged_pages_stop_the_reading(root: Path, opened, registered) -> None:
    pq.write_table(TABLE, root / "r.parquet", write_page_checksum=True)
    content = bytearray((root / "r.parquet").read_bytes())
    content[100:5000] = b"\x00" * 4900
    (root / "r.parquet").write_bytes(content)
    with pytest.raises(RecordsRejected, match="cannot be read as Parquet"):
        read(opened, FILE, registered(FILE))


def test_a_changed_schema_is_told_in_full(root: Path, opened, registered) -> None:
    pq.write_table(TABLE, root / "r.parquet")
    columns = (*registered(FILE), Column(name="gone", type="string"))
    changed = pa.table({"id": ["1"], "s": ["x"], "new": [1]})
    pq.write_table(changed, root / "r.parquet")
    with (
        pytest.raises(SourceChanged, match="removed: gone; added: new; of another type: id"),
        opened(FILE, columns),
    ):
        pass


def test_a_file_replaced_while_it_is_open_stops_the_reading(root: Path, opened, registered) -> None:
    pq.write_table(TABLE, root / "r.parquet")
    columns = registered(FILE)
    with opened(FILE, columns) as found:
        batches = found.batches(["id"], (), None)
        next(batches)
        pq.write_table(TABLE, root / "other.parquet")
        (root / "other.parquet").rename(root / "r.parquet")
        with pytest.raises(SourceChanged, match="changed while it was read"):
            list(batches)
    with opened(FILE, columns) as found:
        (root / "r.parquet").unlink()
        with pytest.raises(SourceUnavailable):
            list(found.batches(["id"], (), None))


def test_no_descriptor_is_left_open(root: Path, opened, registered) -> None:
    pq.write_table(TABLE, root / "r.parquet")
    columns = registered(FILE)
    before = len(list(Path("/dev/fd").iterdir()))
    with opened(FILE, columns) as found:
        batches = found.batches(["id"], (), None)
        next(batches)
        batches.close()
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_holder_without_a_folder_registers_no_files(sources: LocalSources) -> None:
    for source in (FILE, CsvSource(path="a.csv")):
        with pytest.raises(InvalidRequest, match="no source folder is configured for parties/x"):
            sources.open("parties/x", "datasets/a", source, ())


def long_texts(path: Path, texts: list[str], places: list[int | None], **written: object) -> None:
    column = pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), pa.array(texts))
    table = pa.table({"id": pa.array(range(len(places)), pa.int64()), "s": column})
    pq.write_table(table, path, dictionary_pagesize_limit=1 << 30, **written)


as_a_dictionary = pytest.mark.parametrize("store_schema", [True, False])
"""Whether the file says that Arrow held the column so, as few programs do."""


@as_a_dictionary
def test_a_text_that_stands_in_a_file_once_and_in_many_rows_fills_no_memory(
    root: Path, opened, registered, store_schema: bool
) -> None:
    long_texts(
        root / "r.parquet",
        ["x" * 5_000_000],
        [None] * 5000 + [0] * 100_000,
        store_schema=store_schema,
    )
    assert (root / "r.parquet").stat().st_size < 1_000_000
    rows = 0
    with opened(FILE, registered(FILE)) as found:
        for batch in found.batches(["s"], (), None):
            assert batch.nbytes < 50_000_000
            rows += batch.num_rows
            if rows > 5100:
                break


@as_a_dictionary
def test_long_and_short_texts_are_read_alike(
    root: Path, opened, registered, store_schema: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [None if n % 7 == 0 else n % 3 for n in range(1000)]
    long_texts(
        root / "r.parquet",
        ["a" * 70, "b", "字" * 9],
        places,
        row_group_size=300,
        store_schema=store_schema,
    )
    columns = registered(FILE)
    plain = read(opened, FILE, columns)
    monkeypatch.setattr(parquet_batches, "_MOST_BYTES", 3000)
    monkeypatch.setattr(parquet_batches, "_PIECE_BYTES", 200)
    assert read(opened, FILE, columns).equals(plain)
    with opened(FILE, columns) as found:
        sizes = [batch["s"].nbytes for batch in found.batches(["s"], (), None)]
        assert len(sizes) > 10


def test_texts_told_by_their_differences_are_read_and_sampled(
    root: Path, opened, registered
) -> None:
    table = pa.table({"id": pa.array(range(400), pa.int64()), "s": ["abc", "abd"] * 200})
    delta = {"s": "DELTA_BYTE_ARRAY"}
    pq.write_table(table, root / "r.parquet", use_dictionary=False, column_encoding=delta)
    columns = registered(FILE)
    assert read(opened, FILE, columns).equals(table)
    with opened(FILE, columns) as found:
        assert [sample.values.to_pylist()[:2] for sample in found.sample(["s"])] == [["abc", "abd"]]
