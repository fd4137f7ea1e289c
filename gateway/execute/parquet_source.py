"""Parquet as a source: one file, or a folder of files with one schema."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from gateway.errors import HolderError, InvalidRequest, RecordsRejected
from gateway.execute.delivery import as_registered, check_asked, deliver
from gateway.execute.filters import RowFilter
from gateway.execute.fingerprints import Part, fingerprint
from gateway.execute.parquet_batches import (
    growing,
    plain_batches,
    readable_by_dictionary,
    small_batches,
)
from gateway.execute.parquet_sample import RowGroup, sample_groups
from gateway.execute.paths import (
    FileIdentity,
    changed_while_read,
    gone,
    is_folder,
    open_below,
)
from gateway.model.catalog import Column, ParquetSource, SourceVersion
from gateway.model.conditions import Condition
from gateway.model.schema import schema_digest
from gateway.ports import SAMPLED_VALUES, ColumnSample, Progress

_BUFFER_BYTES: Final = 1 << 20
"""Read ahead of each column; without it a whole row group of any size would be held."""


_TEXTS: Final = frozenset({pa.string(), pa.binary(), pa.large_string(), pa.large_binary()})


@dataclass(frozen=True, slots=True)
class _Part:
    """One file of the source as it was when the source was opened."""

    path: str
    identity: FileIdentity
    footer: str  # SHA-256 over the file's footer
    groups: tuple[int, ...]  # rows of each row group
    schema: pa.Schema

    @property
    def rows(self) -> int:
        return sum(self.groups)


class ParquetFiles:
    """Parquet files below a holder's root; see ports.Source.

    Of a folder, all files named ``*.parquet`` in order of their names. Folders inside it are
    refused, because values in the names of partition folders would be lost.
    """

    def __init__(
        self, dataset: str, root: Path, source: ParquetSource, columns: Sequence[Column]
    ) -> None:
        self._dataset = dataset
        self._root = root
        self._source = source
        self._columns = tuple(columns)

    def __enter__(self) -> "ParquetFiles":
        self._parts = [self._part(path) for path in self._paths()]
        first = self._parts[0].schema
        self._schema = as_registered(self._dataset, first, self._columns)
        for number, part in enumerate(self._parts[1:], start=2):
            if (part.schema.names, part.schema.types) != (first.names, first.types):
                raise HolderError(
                    f"file {number} of the folder, in order of names, has other columns than the "
                    "first; all must have the same names and types in the same order"
                )
        return self

    def __exit__(self, *exc: object) -> None:
        # Files are open only while they are read.
        return

    def schema(self) -> pa.Schema:
        return self._schema

    def version(self) -> SourceVersion:
        """The fingerprint is of each file's name, size, times, inode and footer."""
        digest = schema_digest(self._schema)
        files: list[list[Part]] = [[part.path, part.identity, part.footer] for part in self._parts]
        return SourceVersion(
            fingerprint=fingerprint("parquet", digest, *files),
            schema_digest=digest,
            rows=sum(part.rows for part in self._parts),
        )

    def batches(
        self, columns: Sequence[str], filters: Sequence[Condition], limit: int | None
    ) -> Iterator[pa.RecordBatch]:
        check_asked(columns, self._schema)
        row_filter = RowFilter.of(filters, self._schema)
        needed = list(dict.fromkeys((*columns, *row_filter.columns)))
        yield from deliver(self._raw(needed), self._schema, columns, row_filter, limit)
        self._check_all_unchanged()

    def sample(
        self,
        columns: Sequence[str],
        progress: Progress = lambda _: None,
        most: int = SAMPLED_VALUES,
    ) -> Iterator[ColumnSample]:
        """A few columns at a time. Of a large source the first rows of many row groups all over
        it; of a column that has too few values in these, all rows until there are enough."""
        check_asked(columns, self._schema)
        schema = pa.schema([self._schema.field(name) for name in columns])
        groups = [
            RowGroup(number, group, rows)
            for number, part in enumerate(self._parts)
            for group, rows in enumerate(part.groups)
        ]
        found = self._parts[0].schema
        places = {name: place for place, name in enumerate(found.names)}
        # Values by their number in a dictionary: few of them are wanted, and each may be long.
        texts = [field.name for field in found if field.type in _TEXTS]
        opened = partial(self._read_unchanged, dictionaries=texts)
        yield from sample_groups(opened, groups, schema, places, progress, most)
        self._check_all_unchanged()

    # ---- files ----------------------------------------------------------------------------------

    def _paths(self) -> list[str]:
        with self._opened(self._source.path) as descriptor:
            if not is_folder(descriptor):
                return [self._source.path]
            with os.scandir(descriptor) as found:
                entries = [e for e in found if not e.name.startswith((".", "_"))]
                if any(entry.is_dir() for entry in entries):
                    raise InvalidRequest.of(
                        "path", "holds folders; name one folder with nothing but Parquet files"
                    )
                names = sorted(e.name for e in entries if e.name.endswith(".parquet"))
        if not names:
            raise InvalidRequest.of("path", "is a folder without any file named *.parquet")
        return [f"{self._source.path}/{name}" for name in names]

    @contextmanager
    def _opened(self, path: str) -> Iterator[int]:
        descriptor = open_below(self._root, path, self._dataset)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _part(self, path: str) -> _Part:
        with self._opened(path) as descriptor:
            identity = FileIdentity.of(descriptor)
            with self._parquet(descriptor) as file:
                schema, found = file.schema_arrow, file.metadata
                groups = tuple(found.row_group(n).num_rows for n in range(found.num_row_groups))
            length = int.from_bytes(os.pread(descriptor, 4, identity.size - 8), "little")
            footer = os.pread(descriptor, length, identity.size - 8 - length)
            return _Part(path, identity, fingerprint("footer", footer.hex()), groups, schema)

    @contextmanager
    def _parquet(
        self, descriptor: int, dictionaries: Sequence[str] = ()
    ) -> Iterator[pq.ParquetFile]:
        # /dev/fd: Arrow opens by name, and this name is the file that was checked. Arrow's text
        # may quote values, so it goes no further.
        try:
            with pa.OSFile(f"/dev/fd/{descriptor}") as stream:
                metadata = pq.read_metadata(stream) if dictionaries else None
                named = readable_by_dictionary(metadata, dictionaries) if metadata else []
                with pq.ParquetFile(
                    stream,
                    metadata=metadata,
                    read_dictionary=named,
                    pre_buffer=False,
                    buffer_size=_BUFFER_BYTES,
                    page_checksum_verification=True,
                ) as file:
                    yield file
        except FileNotFoundError:
            raise gone(self._dataset) from None
        except (pa.ArrowException, OSError):
            raise RecordsRejected(
                f"a file of {self._dataset} cannot be read as Parquet; it is damaged, encrypted "
                "or of another format",
                dataset=self._dataset,
            ) from None

    def _raw(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        found = self._parts[0].schema
        places = {name: found.get_field_index(name) for name in columns}
        texts = {name: at for name, at in places.items() if _is_text(found.field(at).type)}
        for number in range(len(self._parts)):
            long: list[str] = []
            if texts:
                with self._read_unchanged(number, list(texts)) as file:
                    long = growing(file, texts)
            read = small_batches if long else plain_batches
            with self._read_unchanged(number, long) as file:
                yield from read(file, columns, list(places.values()))

    @contextmanager
    def _read_unchanged(
        self, number: int, dictionaries: Sequence[str] = ()
    ) -> Iterator[pq.ParquetFile]:
        part = self._parts[number]
        with self._opened(part.path) as descriptor:
            self._check_unchanged(part, descriptor)
            with self._parquet(descriptor, dictionaries) as file:
                yield file

    def _check_all_unchanged(self) -> None:
        for part in self._parts:
            with self._opened(part.path) as descriptor:
                self._check_unchanged(part, descriptor)

    def _check_unchanged(self, part: _Part, descriptor: int) -> None:
        if FileIdentity.of(descriptor) != part.identity:
            raise changed_while_read(self._dataset)


def _is_text(kind: pa.DataType) -> bool:
    return (kind.value_type if pa.types.is_dictionary(kind) else kind) in _TEXTS
