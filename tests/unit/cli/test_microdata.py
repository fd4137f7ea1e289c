"""Records and hierarchies from files: delimiters told, types kept where a hierarchy goes by text."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gateway.cli.microdata import quasi_identifiers, read_ladders, read_microdata, told_delimiter
from gateway.errors import InvalidRequest, RecordsRejected


def test_a_delimiter_is_told_from_the_first_lines(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("age;city\n31;A\n32;B\n")
    table = read_microdata(file)
    assert table.to_pydict() == {"age": [31, 32], "city": ["A", "B"]}
    assert read_microdata(file, as_text=["age", "absent"]).column("age").to_pylist() == ["31", "32"]


def test_a_delimiter_is_one_character_and_a_tab_can_be_named(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("age\tcity\n31\tA\n")
    assert read_microdata(file, delimiter=r"\t").to_pydict() == {"age": [31], "city": ["A"]}
    for wrong in (";;", "", "ab", '"', "\n", "，"):
        with pytest.raises(InvalidRequest, match="--delimiter: is one character"):
            read_microdata(file, delimiter=wrong)
        with pytest.raises(InvalidRequest, match="--delimiter: is one character"):
            told_delimiter(file, wrong, "utf-8")


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    file = tmp_path / "people.parquet"
    table = pa.table({"age": pa.array([31, None], pa.int16())})
    pq.write_table(table, file)
    assert read_microdata(file).equals(table)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="does not exist"):
        read_microdata(tmp_path / "nothing.csv")
    with pytest.raises(InvalidRequest, match="is no file of records"):
        read_microdata(Path("/dev/null"))
    with pytest.raises(InvalidRequest, match="is a folder"):
        read_microdata(tmp_path)
    (tmp_path / "ragged.csv").write_text("age,city\n31,A\n32\n")
    with pytest.raises(RecordsRejected, match="row 2"):
        read_microdata(tmp_path / "ragged.csv")


def test_columns_named_twice_or_not_at_all_are_refused() -> None:
    assert quasi_identifiers("sex, age") == ("sex", "age")
    with pytest.raises(InvalidRequest, match="named twice: age"):
        quasi_identifiers("age,sex,age")
    with pytest.raises(InvalidRequest, match="at least one"):
        quasi_identifiers(" , ")


def test_hierarchies_are_found_by_column(tmp_path: Path) -> None:
    (tmp_path / "adult_hierarchy_age.csv").write_text("1;low;*\n2;low;*\n")
    (tmp_path / "city.csv").write_text("A,*\nB,*\n")
    ladders = read_ladders(tmp_path, ["age", "city", "sex"])
    assert {name: found.height for name, found in ladders.items()} == {"age": 2, "city": 1}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("1;low;*\n2;*\n", "same number of fields"),
        ("1;low;*\n2;low;x\n", "two parents"),
        ("1;*\n1;*\n", "a leaf stands in two rows"),
        ("1;;*\n", "empty field"),
    ],
)
def test_a_hierarchy_that_is_none_is_named(tmp_path: Path, lines: str, said: str) -> None:
    (tmp_path / "age.csv").write_text(lines)
    with pytest.raises(InvalidRequest, match=said) as caught:
        read_ladders(tmp_path, ["age"])
    assert "age.csv" in caught.value.message


def test_two_hierarchies_of_one_column_are_refused(tmp_path: Path) -> None:
    for name in ("age.csv", "x_hierarchy_age.csv"):
        (tmp_path / name).write_text("1;*\n")
    with pytest.raises(InvalidRequest, match="two files"):
        read_ladders(tmp_path, ["age"])
