"""Sources and descriptions as people write them."""

from pathlib import Path

import pytest

from gateway.cli.description import pairs, read_description, read_source
from gateway.errors import InvalidRequest
from gateway.model.catalog import CsvSource, ParquetSource, PostgresSource, PushedSource


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("people.parquet", ParquetSource(path="people.parquet")),
        ("a/folder", ParquetSource(path="a/folder")),
        ("people.csv", CsvSource(path="people.csv")),
        ("people.TSV", CsvSource(path="people.TSV", delimiter="\t")),
        ("postgres:registry/people", PostgresSource(connection="registry", table="people")),
        (
            "postgres:registry/city.people",
            PostgresSource(connection="registry", table="people", namespace="city"),
        ),
        ("pushed", PushedSource()),
    ],
)
def test_sources_are_read(text: str, source: object) -> None:
    assert read_source(text) == source


def test_csv_sources_take_what_is_said_of_them() -> None:
    found = read_source("x.csv", delimiter=";", encoding="gb18030", types={"a": "string"})
    assert found == CsvSource(
        path="x.csv", delimiter=";", encoding="gb18030", types={"a": "string"}
    )


@pytest.mark.parametrize("text", ["postgres:/people", "postgres:registry", "postgres:A B/x"])
def test_faulty_sources_are_named(text: str) -> None:
    with pytest.raises(InvalidRequest, match="source"):
        read_source(text)


def test_pairs_are_read_and_refused() -> None:
    assert pairs(["a=int64", "b=c=d"], "type") == {"a": "int64", "b": "c=d"}
    assert pairs(None, "type") == {}
    with pytest.raises(InvalidRequest, match="NAME=VALUE"):
        pairs(["a"], "type")


def write(folder: Path, text: str) -> Path:
    path = folder / "d.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_description_is_fields_and_columns(tmp_path: Path) -> None:
    fields, columns = read_description(
        write(tmp_path, "title: T\nkeywords: [a]\ncolumns:\n  - {name: xm, element: name}\n")
    )
    assert fields == {"title": "T", "keywords": ["a"]}
    assert (columns[0].name, columns[0].element, columns[0].entity) == ("xm", "name", None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a", "names with values"),
        ("titel: T", "unknown titel; known are title"),
        ("columns: xm", "columns is a list"),
        ("columns: [xm]", r"columns\[1\]"),
        ("columns: [{name: xm, grade: high}]", r"columns\[xm\]\.grade"),
        ("columns: [{name: xm, entity: NOBODY}]", "vocabulary"),
        (
            f"columns: [{{name: xm, groups: [{','.join(map(str, range(10_001)))}]}}]",
            r"columns\[xm\]\.groups: at most 10,000 groups, not 10,001",
        ),
        (": :", "cannot be read as YAML"),
    ],
)
def test_faults_of_a_description_are_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        read_description(write(tmp_path, text))
