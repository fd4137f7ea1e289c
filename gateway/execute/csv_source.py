"""A CSV file as a source: text read strictly as the types that the catalogue pinned."""

import os
from collections.abc import Generator, Iterator, MutableMapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from gateway.errors import InvalidRequest, RecordsRejected
from gateway.execute.csv_text import CsvBytes, check_delimiter, codec_of, header_of
from gateway.execute.csv_types import read_types
from gateway.execute.delivery import (
    as_registered,
    changed_columns,
    check_asked,
    check_names,
    deliver,
    rejected,
)
from gateway.execute.filters import RowFilter
from gateway.execute.fingerprints import fingerprint
from gateway.execute.paths import FileIdentity, changed_while_read, open_file_below
from gateway.execute.sampling import sample_batches
from gateway.execute.texts import Unreadable, convert, read_text, readable_from_text
from gateway.model.catalog import Column, CsvSource, SourceVersion
from gateway.model.conditions import Condition
from gateway.model.schema import arrow_type, schema_digest
from gateway.ports import SAMPLED_VALUES, ColumnSample, Progress

_BLOCK_BYTES: Final = 2 << 20
"""Read at once; a row must be shorter."""

KnownRows = MutableMapping[tuple[FileIdentity, str], int]
"""Rows of files counted before, by what the file was and how it is read."""


class CsvFile:
    """A delimited text file with a header line; see ports.Source.

    A cell that equals one of ``null_values`` is null: in text columns only if it is not quoted,
    in others always. Empty lines between rows are skipped, except in files of one column.
    """

    def __init__(
        self,
        dataset: str,
        root: Path,
        source: CsvSource,
        columns: Sequence[Column],
        known_rows: KnownRows,
    ) -> None:
        check_delimiter(source.delimiter)
        codec_of(source.encoding)
        self._dataset = dataset
        self._root = root
        self._source = source
        self._columns = tuple(columns)
        self._known_rows = known_rows

    def __enter__(self) -> "CsvFile":
        self._descriptor = open_file_below(self._root, self._source.path, self._dataset)
        try:
            self._identity = FileIdentity.of(self._descriptor)
            self._header = header_of(
                self._descriptor, self._source.encoding, self._source.delimiter
            )
            check_names(self._header)
            self._schema = self._pinned() if self._columns else self._read_off()
        except BaseException:
            os.close(self._descriptor)
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        os.close(self._descriptor)

    def schema(self) -> pa.Schema:
        return self._schema

    def version(self) -> SourceVersion:
        """The fingerprint is of size, times and inode; the rows are counted once per file."""
        digest = schema_digest(self._schema)
        return SourceVersion(
            fingerprint=fingerprint("csv", self._identity, self._reading, digest),
            schema_digest=digest,
            rows=self._rows(),
        )

    def batches(
        self, columns: Sequence[str], filters: Sequence[Condition], limit: int | None
    ) -> Iterator[pa.RecordBatch]:
        check_asked(columns, self._schema)
        row_filter = RowFilter.of(filters, self._schema)
        needed = list(dict.fromkeys((*columns, *row_filter.columns)))
        with closing(self._raw(needed)) as raw:
            yield from deliver(self._typed(raw), self._schema, columns, row_filter, limit)
        self._check_unchanged()

    def sample(
        self,
        columns: Sequence[str],
        progress: Progress = lambda _: None,
        most: int = SAMPLED_VALUES,
    ) -> Iterator[ColumnSample]:
        """One pass over the whole file; RecordsRejected as ``batches``."""
        check_asked(columns, self._schema)
        schema = pa.schema([self._schema.field(name) for name in columns])
        yield from sample_batches(self.batches(columns, (), None), schema, progress, most)

    # ---- schema ---------------------------------------------------------------------------------

    @property
    def _reading(self) -> str:
        return self._source.digest()

    def _pinned(self) -> pa.Schema:
        """The catalogue's types; the file is held to its column names here, to the types later."""
        known = {column.name: None for column in self._columns}
        header = set(self._header)
        differences = {
            "removed": [name for name in known if name not in header],
            "added": [name for name in self._header if name not in known],
        }
        if any(differences.values()):
            raise changed_columns(self._dataset, differences)
        return pa.schema([(column.name, arrow_type(column.type)) for column in self._columns])

    def _read_off(self) -> pa.Schema:
        declared = {name: arrow_type(kind) for name, kind in self._source.types.items()}
        for name, kind in declared.items():
            if name not in self._header:
                raise InvalidRequest.of(f"source.types.{name}", "the file has no such column")
            if not readable_from_text(kind):
                raise InvalidRequest.of(f"source.types.{name}", f"{kind} has no form in CSV")
        open_names = [name for name in self._header if name not in declared]
        with closing(self._raw(self._header)) as raw:
            found, rows = read_types(open_names, self._texts(raw), self._bare)
        self._check_unchanged()
        self._known_rows[self._identity, self._reading] = rows
        found_schema = pa.schema([(name, {**found, **declared}[name]) for name in self._header])
        return as_registered(self._dataset, found_schema, ())

    def _rows(self) -> int:
        known = self._known_rows.get((self._identity, self._reading))
        if known is None:
            with closing(self._raw(self._header[:1])) as raw:
                known = sum(batch.num_rows for batch in raw)
            self._check_unchanged()
            self._known_rows[self._identity, self._reading] = known
        return known

    def _check_unchanged(self) -> None:
        if FileIdentity.of(self._descriptor) != self._identity:
            raise changed_while_read(self._dataset)

    # ---- rows -----------------------------------------------------------------------------------

    def _raw(self, columns: Sequence[str]) -> Generator[pa.RecordBatch, None, None]:
        """All rows with these columns as bytes; null where a null value stands unquoted."""
        ragged: list[int | None] = []

        def refuse(row: pv.InvalidRow) -> str:
            ragged.append(row.number)
            return "error"

        text = CsvBytes(self._descriptor, self._source.encoding, self._source.delimiter)
        try:
            reader = pv.open_csv(
                pa.PythonFile(text, "r"),
                # One thread: rows of a block are then numbered, and the executor has its own.
                read_options=pv.ReadOptions(
                    use_threads=False,
                    block_size=_BLOCK_BYTES,
                    column_names=self._header,
                    skip_rows_after_names=1,
                ),
                parse_options=pv.ParseOptions(
                    delimiter=self._source.delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=len(self._header) > 1,
                    invalid_row_handler=refuse,
                ),
                convert_options=pv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.binary()),
                    include_columns=list(columns),
                    null_values=list(self._source.null_values),
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                    check_utf8=False,
                ),
            )
            yield from reader
        except pa.ArrowInvalid:
            if not ragged and FileIdentity.of(self._descriptor) != self._identity:
                raise changed_while_read(self._dataset) from None
            raise _malformed(ragged[0] if ragged else None, len(self._header)) from None

    def _typed(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Text read as the schema's types; RecordsRejected naming the row and column."""
        row = 0
        for batch in self._texts(batches):
            columns = [
                self._read(column, self._schema.field(name), row)
                for name, column in zip(batch.schema.names, batch.columns, strict=True)
            ]
            row += batch.num_rows
            yield pa.RecordBatch.from_arrays(columns, names=batch.schema.names)

    def _texts(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The bytes as text; RecordsRejected naming row and column of what is not UTF-8."""
        row = 0
        for batch in batches:
            columns = []
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                try:
                    columns.append(convert(column, _to_text))
                except Unreadable as fault:
                    field = pa.field(name, pa.string())
                    raise rejected(row + fault.index, field) from None
            row += batch.num_rows
            yield pa.RecordBatch.from_arrays(columns, names=batch.schema.names)

    def _read(self, texts: pa.Array, field: pa.Field, rows_before: int) -> pa.Array:
        if pa.types.is_string(field.type):
            return texts
        try:
            return read_text(self._bare(texts), field.type)
        except Unreadable as fault:
            raise rejected(rows_before + fault.index, field) from None

    def _bare(self, texts: pa.Array) -> pa.Array:
        """Without spaces around, and null where a null value stands, quoted or not."""
        trimmed = pc.utf8_trim_whitespace(texts)
        nulls = pa.array(self._source.null_values, pa.string())
        absent = pc.is_in(trimmed, value_set=nulls)
        return pc.if_else(absent, None, trimmed) if pc.any(absent).as_py() else trimmed


def _to_text(column: pa.Array) -> pa.Array:
    return column.cast(pa.string())


def _malformed(physical_row: int | None, columns: int) -> RecordsRejected:
    if physical_row is None:
        return RecordsRejected(
            "a row does not have the header's number of values, or is longer than "
            f"{_BLOCK_BYTES >> 20} MiB; check the delimiter and the quotes"
        )
    row = physical_row - 1  # the reader counts the header line
    return RecordsRejected(
        f"row {row}: does not have {columns} values as the header line has", row=str(row)
    )
