"""CSV files: types read off conservatively, then held to; every fault names its row or line."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import (
    GatewayError,
    InvalidRequest,
    RecordsRejected,
    SourceChanged,
    SourceUnavailable,
)
from gateway.execute.csv_text import QuoteCheck
from gateway.model.catalog import Column, CsvSource
from gateway.model.conditions import Condition, Operator

SOURCE = CsvSource(path="r.csv")


@pytest.fixture
def write(root: Path):
    def write(text: str | bytes, encoding: str = "utf-8") -> None:
        (root / "r.csv").write_bytes(text if isinstance(text, bytes) else text.encode(encoding))

    return write


@pytest.fixture
def read(opened, registered):
    def read(source: CsvSource = SOURCE, columns: tuple[Column, ...] | None = None) -> pa.Table:
        known = registered(source) if columns is None else columns
        with opened(source, known) as found:
            names = [column.name for column in known]
            return pa.Table.from_batches(found.batches(names, (), None), found.schema())

    return read


def one(read, text: str, write, **source: object) -> pa.DataType:
    write("x\n" + text)
    return read(CsvSource(path="r.csv", **source)).schema.field("x").type


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ("1\n-20\n", pa.int64()),
        ("0\n", pa.int64()),
        ("2019\n2020\n", pa.int64()),
        ("007\n8\n", pa.string()),
        ("110101\n310115\n", pa.string()),  # codes of one length
        ("13912345678\n5\n", pa.string()),  # a phone number among numbers
        ("11010519491231002X\n", pa.string()),
        ("6222020200112233445\n6222020200112233\n", pa.string()),
        ("1.50\n-2\n", pa.decimal128(18, 2)),
        ("0.123456\n", pa.decimal128(18, 6)),
        ("1e5\n", pa.string()),
        ("01.5\n", pa.string()),
        ("true\nFALSE\n", pa.bool_()),
        ("1\n0\n", pa.int64()),
        ("2024-02-29\n", pa.date32()),
        ("2023-02-29\n", pa.string()),
        ("2024/02/01\n", pa.string()),
        ("2024-02-01 10:00\n2024-02-01\n", pa.timestamp("us")),
        ("2024-02-01T10:00:00+08:00\n", pa.timestamp("us", tz="UTC")),
        ("10:00:00\n", pa.time64("us")),
        ("张三\n", pa.string()),
        ("\n\n", pa.string()),
    ],
)
def test_types_are_read_off_and_rather_left_as_text(
    cells: str, kind: pa.DataType, read, write
) -> None:
    assert one(read, cells, write) == kind


def test_one_late_value_decides(read, write) -> None:
    cells = "1\n" * 300_000 + "one\n"
    assert one(read, cells, write) == pa.string()


def test_a_declared_type_rules_over_what_the_values_look_like(read, write) -> None:
    types = {"x": "int32", "y": "decimal128(10, 2)", "z": "string"}
    write("x,y,z\n007, 1.5 ,5\n,,\n")
    table = read(CsvSource(path="r.csv", types=types))
    assert table.to_pydict() == {
        "x": [7, None],
        "y": [Decimal("1.50"), None],
        "z": ["5", None],
    }


@pytest.mark.parametrize(
    ("types", "field"),
    [
        ({"q": "string"}, "source.types.q"),
        ({"x": "strange"}, "type"),
        ({"x": "binary"}, "source.types.x"),
    ],
)
def test_a_wrong_declaration_is_named(types, field, registered, write) -> None:
    write("x\n1\n")
    with pytest.raises(InvalidRequest) as caught:
        registered(CsvSource(path="r.csv", types=types))
    assert caught.value.violations[0].field == field


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "gb18030", "GBK", "gb2312", "big5", "utf-16", "utf-16-le", "utf-32"],
)
@pytest.mark.parametrize("blocks", [1, 40_000])
def test_encodings_are_read(encoding: str, blocks: int, read, write) -> None:
    write("name;n\n" + "李四;1\n" * blocks, encoding)
    table = read(CsvSource(path="r.csv", delimiter=";", encoding=encoding))
    assert table.column_names == ["name", "n"]
    assert table.num_rows == blocks
    assert set(table["name"].to_pylist()) == {"李四"}


def test_four_byte_characters_of_gb18030_are_read(read, write) -> None:
    write("x\n𠮷野😀\n", "gb18030")
    assert read(CsvSource(path="r.csv", encoding="gb18030"))["x"].to_pylist() == ["𠮷野😀"]


@pytest.mark.parametrize("encoding", ["rot13", "punycode", "unicode_escape", "utf-7", "nonsense"])
def test_an_encoding_not_offered_is_refused(encoding: str, registered, write) -> None:
    write("x\n1\n")
    with pytest.raises(InvalidRequest, match="gb18030"):
        registered(CsvSource(path="r.csv", encoding=encoding))


@pytest.mark.parametrize("delimiter", ["；", '"', "\n", "\r"])
def test_a_delimiter_that_csv_cannot_have_is_refused(delimiter: str, registered, write) -> None:
    write("x\n1\n")
    with pytest.raises(InvalidRequest, match="delimiter"):
        registered(CsvSource(path="r.csv", delimiter=delimiter))


def test_nulls_and_quotes(read, write) -> None:
    write('t,n\n"",""\n,\nNA,NA\n"NA",1\n"a ""b"", c\nd",2\n')
    table = read(CsvSource(path="r.csv", null_values=("", "NA")))
    assert table["t"].to_pylist() == ["", None, None, "NA", 'a "b", c\nd']
    assert table["n"].to_pylist() == [None, None, None, 1, 2]


def test_line_endings_and_empty_lines(read, write) -> None:
    write("a,b\r\n1,2\r\n\r\n3,4")
    assert read().to_pydict() == {"a": [1, 3], "b": [2, 4]}


def test_an_empty_line_of_a_single_column_is_a_null(read, write) -> None:
    write("a\nx\n\ny\n")
    assert read()["a"].to_pylist() == ["x", None, "y"]


def test_a_file_with_a_header_only_has_no_rows(registered, opened, write) -> None:
    write("a,b\n")
    columns = registered(SOURCE)
    with opened(SOURCE, columns) as found:
        assert found.version().rows == 0
        assert list(found.batches(["b"], (), None)) == []


FAULTS = {
    "empty file": (b"", "is empty"),
    "header twice": (b"a,b,a\n1,2,3\n", "column 3: a is there twice"),
    "header without a name": (b"a,,c\n1,2,3\n", "column 2: has no name"),
    "header that is a mobile number": (b"a,13800138000\n1,2\n", "column 2: has a name that looks"),
    "header that is a grouped card": (b"6222 0212 3456 7890\n1\n", "column 1: has a name that"),
    "header that is full-width digits": (
        "１３８００１３８０００\n1\n".encode(),
        "column 1: has a name",
    ),
    "header that is an e-mail address": (b"a@b.cn,c\n1,2\n", "column 1: has a name that looks"),
    "header not closed": (b'"a,b\n1,2\n', "header line"),
    "too few values": (b"a,b\n1,2\n3\n", "row 2: does not have 2 values"),
    "too many values": (b"a,b\n1,2\n1,2\n3,4,5\n", "row 3: does not have 2 values"),
    "quote not closed": (b'a,b\n1,2\n3,"x\n4,5\n', "line 3: a quote .* never closed"),
    "quote inside a value": (b'a,b\n1,2\n3,x"y\n', "line 3: a quote .* unquoted value"),
    "text behind a quote": (b'a,b\n1,2\n3,"x"y\n', "line 3: a quote .* not doubled"),
    "two broken quotes": (b'a,b\n1,"x\n2,"y\n', "line 3: a quote .* not doubled"),
    "not utf-8": (
        "a,b\n1,x\n2,é\n".encode("latin-1"),
        r"row 2: the value of column b is not valid",
    ),
    "header not utf-8": ("é,b\n1,x\n".encode("latin-1"), "header line is not valid utf-8"),
    "no file of its kind": (b"\x00" * 10, "control characters"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_file_is_refused_with_the_place_of_the_fault(
    fault: str, registered, write
) -> None:
    content, told = FAULTS[fault]
    write(content)
    with pytest.raises((RecordsRejected, InvalidRequest), match=told):
        registered(SOURCE)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "ascii"])
def test_bytes_of_another_encoding_name_the_line(encoding: str, registered, write) -> None:
    bad = {"gb18030": b"\xff\xff", "utf-16": b"\x00\xdc\x00\xdc", "ascii": b"\xe9"}[encoding]
    line = "[0-9]{6}" if encoding == "utf-16" else "400002"
    text = ("a,b\n" + "1,2\n" * 400_000).encode(encoding)
    write(text + bad + "\n".encode(encoding))
    with pytest.raises(RecordsRejected, match=f"after line {line}: bytes .* not valid {encoding}"):
        registered(CsvSource(path="r.csv", encoding=encoding))


def test_a_value_that_no_longer_parses_names_row_column_and_type(registered, opened, write) -> None:
    write("id,born\n" + "1,2000-01-01\n" * 100_000)
    columns = registered(SOURCE)
    write("id,born\n" + "1,2000-01-01\n" * 100_000 + "1,secret\n")
    with opened(SOURCE, columns) as found:
        with pytest.raises(RecordsRejected) as caught:
            list(found.batches(["born"], (), None))
        assert sum(b.num_rows for b in found.batches(["id"], (), None)) == 100_001
    assert caught.value.message == (
        "row 100001: the value of column born is not of type date32[day]; correct it, or declare "
        "the text that stands for nothing"
    )
    assert dict(caught.value.metadata) == {"row": "100001", "column": "born"}
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_changed_columns_are_named(registered, opened, write) -> None:
    write("a,b\n1,2\n")
    columns = registered(SOURCE)
    write("a,c\n1,2\n")
    with pytest.raises(SourceChanged, match=r"removed: b; added: c"), opened(SOURCE, columns):
        pass


def test_moved_columns_are_no_change(registered, opened, write) -> None:
    write("a,b\n1,x\n")
    columns = registered(SOURCE)
    write("b,a\ny,2\n")
    with opened(SOURCE, columns) as found:
        assert found.schema().names == ["a", "b"]
        assert next(found.batches(["b", "a"], (), None)).to_pydict() == {"b": ["y"], "a": [2]}


def test_a_vanished_file_is_unavailable(registered, opened, write, root) -> None:
    write("a\n1\n")
    columns = registered(SOURCE)
    (root / "r.csv").unlink()
    with pytest.raises(SourceUnavailable, match="datasets/residents is not there"):
        opened(SOURCE, columns).__enter__()


def test_a_file_that_changes_while_read_stops_the_reading(registered, opened, write, root) -> None:
    write("a,b\n" + "1,2\n" * 1_000_000)
    columns = registered(SOURCE)
    with opened(SOURCE, columns) as found:
        batches = found.batches(["a"], (), None)
        next(batches)
        with (root / "r.csv").open("a") as file:
            file.write("3,4\n")
        with pytest.raises(SourceChanged, match="changed while it was read"):
            list(batches)


def test_the_version_changes_with_the_content_and_rows_are_counted(
    registered, opened, write
) -> None:
    write('a,b\n1,"x\ny"\n2,z\n')
    columns = registered(SOURCE)
    with opened(SOURCE, columns) as found:
        before = found.version()
    with opened(SOURCE, columns) as found:
        assert found.version() == before
    assert before.rows == 2
    write('a,b\n1,"x\nz"\n2,z\n3,z\n')
    with opened(SOURCE, columns) as found:
        after = found.version()
    assert after.fingerprint != before.fingerprint
    assert after.schema_digest == before.schema_digest
    assert after.rows == 3


def test_filters_columns_and_limit(registered, opened, write) -> None:
    write("id,born,n\n" + "".join(f"r{i},2000-01-{i % 28 + 1:02d},{i}\n" for i in range(200)))
    columns = registered(SOURCE)
    condition = Condition(column="born", operator=Operator.LESS, values=("2000-01-03",))
    with opened(SOURCE, columns) as found:
        batches = list(found.batches(["n", "id"], [condition], 5))
        with pytest.raises(InvalidRequest, match="q: the data set has no such column"):
            next(found.batches(["id", "q"], (), None))
    table = pa.Table.from_batches(batches)
    assert table.column_names == ["n", "id"]
    assert table["n"].to_pylist() == [0, 1, 28, 29, 56]


def test_the_same_table_as_written_by_arrow(read, root) -> None:
    table = pa.table(
        {
            "name": ["张三", None, ""],
            "born": [date(1990, 2, 3), None, date(1900, 1, 1)],
            "paid": pa.array([Decimal("12.50"), Decimal("-1.00"), None]),
            "seen": pa.array([datetime(2024, 1, 2, 3, 4, 5, 6, UTC), None, None]),
            "staff": [True, None, False],
        }
    )
    pv.write_csv(table, root / "r.csv")
    types = {field.name: str(field.type) for field in table.schema}
    assert read(CsvSource(path="r.csv", types=types)).to_pylist() == table.to_pylist()


def test_no_descriptor_is_left_open(registered, opened, write) -> None:
    write("a\n1\n")
    columns = registered(SOURCE)
    before = len(list(Path("/dev/fd").iterdir()))
    with opened(SOURCE, columns) as found:
        next(found.batches(["a"], (), 1))
    write("a,b,a\n")
    for known in ((), columns):
        with pytest.raises(GatewayError), opened(SOURCE, known):
            pass
    assert len(list(Path("/dev/fd").iterdir())) == before


fields = st.lists(st.text('a",\n', max_size=4), min_size=2, max_size=2)


@given(st.lists(fields, max_size=6), st.integers(1, 5))
def test_well_formed_quotes_pass_in_pieces_of_any_size(rows: list[list[str]], size: int) -> None:
    text = "".join(
        ",".join('"' + value.replace('"', '""') + '"' for value in row) + "\n" for row in rows
    ).encode()
    check = QuoteCheck(",")
    for start in range(0, len(text), size):
        check.check(text[start : start + size], final=False)
    check.check(b"", final=True)


@given(st.text('a",\n', max_size=12), st.integers(1, 5))
def test_pieces_do_not_change_the_verdict(text: str, size: int) -> None:
    def verdict(pieces: list[bytes]) -> str:
        check = QuoteCheck(",")
        try:
            for piece in pieces:
                check.check(piece, final=False)
            check.check(b"", final=True)
        except RecordsRejected as fault:
            return fault.message
        return "passed"

    data = text.encode()
    whole = verdict([data])
    assert verdict([data[i : i + size] for i in range(0, len(data), size)]) == whole
