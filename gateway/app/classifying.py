"""``gateway classify FILE``: what the columns of a file on this machine are, with no server."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import pyarrow as pa

from gateway.app.examples import candidates, masked
from gateway.classify.columns import classify
from gateway.classify.pack import standard
from gateway.errors import InvalidRequest
from gateway.execute.arrow_source import ArrowFile
from gateway.execute.csv_dialect import delimiter_of
from gateway.execute.csv_source import CsvFile
from gateway.execute.csv_text import header_of
from gateway.execute.delivery import check_names
from gateway.execute.parquet_source import ParquetFiles
from gateway.model.catalog import Column, CsvSource, ParquetSource
from gateway.ports import SAMPLED_VALUES, ColumnSample, Progress

CSV_SUFFIXES: Final = (".csv", ".tsv", ".txt")
ARROW_SUFFIXES: Final = (".arrow", ".arrows", ".feather", ".ipc")

Tell = Callable[[str, int, int], None]
"""Told the stage, how much of it is done and how much there is; 0: not known."""


class _Looked(Protocol):
    def schema(self) -> pa.Schema: ...
    def sample(
        self, columns: list[str], progress: Progress, most: int
    ) -> Iterator[ColumnSample]: ...


@dataclass(frozen=True, slots=True)
class Classified:
    """The columns of a file with verdicts. ``rows``: None where they were not counted.
    ``examples``: by column, a few of its values behind a mask; none of one that is unknown."""

    columns: tuple[Column, ...]
    rows: int | None
    examples: Mapping[str, tuple[str, ...]] = field(repr=False, default_factory=dict)


def classify_file(
    file: Path,
    *,
    csv: CsvSource | None = None,
    metadata_only: bool = False,
    most: int = SAMPLED_VALUES,
    with_examples: bool = False,
    tell: Tell = lambda *_: None,
) -> Classified:
    """Classify a Parquet, CSV or Arrow file, or a folder of Parquet files of one schema.

    ``csv``: how a CSV file is to be read; its path does not matter. ``metadata_only``: no value
    is looked at, and of a CSV file nothing but the header line read. Raises InvalidRequest or
    HolderError.
    """
    if not file.exists():
        raise InvalidRequest.of("file", f"{file} does not exist")
    if metadata_only and csv is not None:
        columns = _columns(pa.schema([(name, pa.string()) for name in _header(file, csv)]))
        return Classified(classify(None, columns, pack=standard()), None)
    tell("reading off the columns", 0, 0)
    with _opened(file, csv) as (source, rows):
        columns = _columns(source.schema())
        if metadata_only:
            return Classified(classify(None, columns, pack=standard()), rows)
        expected = (rows or 0) * len(columns)

        def progress(done: int) -> None:
            tell("looking at the values", done, expected)

        names = [column.name for column in columns]
        kept: dict[str, pa.Array] = {}
        counted = [rows]
        samples = _watched(
            source.sample(names, progress, most), counted, kept if with_examples else None
        )
        found = classify(samples, columns, pack=standard())
    examples = {
        column.name: masked(column, kept[column.name]) for column in found if column.name in kept
    }
    return Classified(found, counted[0], examples)


def csv_source(
    file: Path,
    *,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    types: Mapping[str, str] | None = None,
    nulls: tuple[str, ...] = ("",),
) -> CsvSource | None:
    """How the CSV file is to be read; None when it is none. Without ``delimiter`` it is told from
    the first lines."""
    if file.suffix.lower() not in CSV_SUFFIXES or not file.is_file():
        return None
    return CsvSource(
        path=file.name,
        delimiter=delimiter or delimiter_of(file, encoding),
        encoding=encoding,
        types=dict(types or {}),
        null_values=nulls,
    )


@contextmanager
def _opened(file: Path, csv: CsvSource | None) -> Iterator[tuple[_Looked, int | None]]:
    # The file's own folder is its root: no link leads out of it.
    whole = file.resolve()
    if csv is not None:
        with CsvFile(file.name, whole.parent, csv.but(path=whole.name), (), {}) as source:
            yield source, source.version().rows
    elif whole.is_dir() or whole.suffix.lower() == ".parquet":
        reference = ParquetSource(path=whole.name)
        with ParquetFiles(file.name, whole.parent, reference, ()) as parquet:
            yield parquet, parquet.version().rows
    elif whole.suffix.lower() in ARROW_SUFFIXES:
        with ArrowFile(whole) as arrow:
            yield arrow, None
    else:
        known = ", ".join((".parquet", *CSV_SUFFIXES, *ARROW_SUFFIXES))
        raise InvalidRequest.of("file", f"{file.name} ends in none of {known}")


def _header(file: Path, csv: CsvSource) -> list[str]:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        names = header_of(descriptor, csv.encoding, csv.delimiter)
    finally:
        os.close(descriptor)
    check_names(names)
    return names


def _columns(schema: pa.Schema) -> list[Column]:
    return [
        Column(name=found.name, type=str(found.type), nullable=found.nullable) for found in schema
    ]


def _watched(
    samples: Iterable[ColumnSample], rows: list[int | None], kept: dict[str, pa.Array] | None
) -> Iterator[ColumnSample]:
    """The samples as they come; the rows there are, and values that may become examples."""
    for sample in samples:
        rows[0] = sample.coverage.rows
        if kept is not None:
            kept[sample.column] = candidates(sample.values)
        yield sample
