"""Files of records about people, and their hierarchies, as the commands on anonymity read them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import pyarrow as pa
import typer

from gateway.cli.options import listed
from gateway.cli.tables import open_table
from gateway.errors import InvalidRequest
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.hierarchy import parse_hierarchy

Qi = Annotated[
    str,
    typer.Option("--qi", help="Quasi-identifiers: columns that others may know, with commas."),
]
Delimiter = Annotated[
    str | None,
    typer.Option("--delimiter", help="Of a CSV file; told from its first lines otherwise."),
]
Encoding = Annotated[str, typer.Option("--encoding", help="Of a CSV file, such as gb18030.")]
HierarchyFolder = Annotated[
    Path | None,
    typer.Option(
        "--hierarchies",
        help="Folder with COLUMN.csv or NAME_hierarchy_COLUMN.csv: leaf to root, one leaf a line.",
    ),
]

_TEXT_SUFFIXES: Final = (".csv", ".tsv", ".txt")


def quasi_identifiers(text: str) -> tuple[str, ...]:
    """The columns of ``--qi``; InvalidRequest when there is none, or one twice."""
    names = listed(text)
    if not names:
        raise InvalidRequest.of("--qi", "name at least one column")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidRequest.of("--qi", f"named twice: {', '.join(twice)}")
    return tuple(names)


def read_microdata(
    file: Path,
    *,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    as_text: Sequence[str] = (),
) -> pa.Table:
    """All records of a file, as ``open_microdata`` reads them."""
    with open_microdata(file, delimiter=delimiter, encoding=encoding, as_text=as_text) as records:
        return records.read_all()


@contextmanager
def open_microdata(
    file: Path,
    *,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    as_text: Sequence[str] = (),
) -> Iterator[pa.RecordBatchReader]:
    """The records of a CSV, Parquet or Arrow stream file, batch by batch.

    Types of a CSV file are read off it, except of columns ``as_text``, which stay as written: those
    with a hierarchy, whose leaves are texts. InvalidRequest or RecordsRejected names what is wrong.
    """
    delimiter = _checked_delimiter(delimiter)
    if not file.is_file():
        fault = "is no file of records" if file.exists() else "does not exist"
        if file.is_dir():
            fault = "is a folder: name a file in it"
        raise InvalidRequest.of("file", f"{file} {fault}")
    if file.suffix.lower() not in _TEXT_SUFFIXES:
        with open_table(file, ()) as records:
            yield records
        return
    # Only this needs it, and it takes its time to load.
    from gateway.execute.csv_source import CsvFile  # noqa: PLC0415
    from gateway.model.catalog import CsvSource  # noqa: PLC0415

    delimiter = told_delimiter(file, delimiter, encoding)
    source = CsvSource(path=file.name, delimiter=delimiter, encoding=encoding)
    folder = file.resolve().parent
    if as_text:
        with CsvFile(file.name, folder, source, (), {}) as opened:
            there = set(opened.schema().names)
        types = {name: "string" for name in as_text if name in there}
        source = source.but(types=types)
    with CsvFile(file.name, folder, source, (), {}) as opened:
        schema = opened.schema()
        batches = opened.batches(schema.names, (), None)
        yield pa.RecordBatchReader.from_batches(schema, batches)


def told_delimiter(file: Path, delimiter: str | None, encoding: str) -> str:
    """The delimiter that was given, or that of the first lines of a CSV file; a comma for a file of
    another kind. InvalidRequest for one that no CSV file can have."""
    if (given := _checked_delimiter(delimiter)) is not None:
        return given
    if file.suffix.lower() not in _TEXT_SUFFIXES:
        return ","
    if file.suffix.lower() == ".tsv":
        return "\t"
    from gateway.execute.csv_dialect import delimiter_of  # noqa: PLC0415

    return delimiter_of(file, encoding)


def _checked_delimiter(given: str | None) -> str | None:
    """A backslash and a t are a tab: few shells let one type it."""
    if given is None:
        return None
    sign = "\t" if given == r"\t" else given
    if len(sign) != 1 or not sign.isascii() or sign in '"\r\n\0':
        raise InvalidRequest.of(
            "--delimiter", r"is one character, such as ';' or \t, and no quote and no line break"
        )
    return sign


def read_ladders(folder: Path | None, columns: Sequence[str]) -> dict[str, Ladder]:
    """The hierarchies that a folder has of these columns; InvalidRequest names a file that is none,
    or two that are of one column."""
    if folder is None:
        return {}
    if not folder.is_dir():
        raise InvalidRequest.of("--hierarchies", f"{folder} is not a folder")
    files = sorted(folder.glob("*.csv"))
    ladders = {}
    for column in columns:
        fitting = [
            file
            for file in files
            if file.stem == column or file.stem.endswith(f"_hierarchy_{column}")
        ]
        if len(fitting) > 1:
            both = ", ".join(file.name for file in fitting)
            raise InvalidRequest.of("--hierarchies", f"two files are of column {column}: {both}")
        if fitting:
            ladders[column] = _read_ladder(fitting[0])
    return ladders


def _read_ladder(file: Path) -> Ladder:
    data = file.read_bytes()
    first = data.split(b"\n", 1)[0]
    delimiter = max(";,\t", key=lambda sign: first.count(sign.encode()))
    try:
        return Ladder.of_table(parse_hierarchy(data, delimiter=delimiter), f"file {file.name}")
    except InvalidRequest as error:
        raise InvalidRequest.of(
            f"--hierarchies {file.name}", error.violations[0].description
        ) from error
