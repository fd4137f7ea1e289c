"""Records that a holder pushed, read back from encrypted staging."""

import hashlib
import io
from collections.abc import Callable, Iterator, MutableMapping, Sequence

import pyarrow as pa

from gateway.errors import FailedPrecondition, StagingCorrupt
from gateway.execute.delivery import check_asked, deliver
from gateway.execute.filters import RowFilter
from gateway.execute.sampling import sample_batches
from gateway.model.catalog import Column, PushedSource, SourceVersion
from gateway.model.conditions import Condition
from gateway.model.schema import arrow_schema, schema_digest
from gateway.ports import SAMPLED_VALUES, ColumnSample, Progress, StagedChunk, Staging

KnownVersions = MutableMapping[str, SourceVersion]
"""Versions by stream: each push makes a stream of its own, which never changes."""


class PushedRecords:
    """The stream that holds a data set's records now; see ports.Source."""

    def __init__(
        self,
        dataset: str,
        source: PushedSource,
        columns: Sequence[Column],
        staging: Staging,
        data_key: Callable[[str], bytes],
        known_versions: KnownVersions,
    ) -> None:
        self._dataset = dataset
        self._stream = source.stream
        self._schema = arrow_schema(columns)
        self._staging = staging
        self._data_key = data_key
        self._known_versions = known_versions

    def __enter__(self) -> "PushedRecords":
        if self._stream is None:
            raise FailedPrecondition(
                f"{self._dataset} has no records yet; push them first", dataset=self._dataset
            )
        self._name, self._key = self._stream, self._data_key(self._stream)
        return self

    def __exit__(self, *exc: object) -> None:
        self._key = b""

    def schema(self) -> pa.Schema:
        return self._schema

    def version(self) -> SourceVersion:
        """The fingerprint is the SHA-256 of the whole stream, as staging gave it at the push."""
        known = self._known_versions.get(self._name)
        if known is None:
            digest, rows = hashlib.sha256(), 0
            for chunk in self._chunks():
                digest.update(chunk.payload)
                rows += chunk.rows
            known = SourceVersion(
                fingerprint=digest.hexdigest(),
                schema_digest=schema_digest(self._schema),
                rows=rows,
            )
            self._known_versions[self._name] = known
        return known

    def batches(
        self, columns: Sequence[str], filters: Sequence[Condition], limit: int | None
    ) -> Iterator[pa.RecordBatch]:
        check_asked(columns, self._schema)
        row_filter = RowFilter.of(filters, self._schema)
        needed = list(dict.fromkeys((*columns, *row_filter.columns)))
        yield from deliver(self._raw(needed), self._schema, columns, row_filter, limit)

    def sample(
        self,
        columns: Sequence[str],
        progress: Progress = lambda _: None,
        most: int = SAMPLED_VALUES,
    ) -> Iterator[ColumnSample]:
        """One pass over the whole stream."""
        schema = pa.schema([self._schema.field(name) for name in columns])
        yield from sample_batches(self.batches(columns, (), None), schema, progress, most)

    def _raw(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        try:
            with pa.ipc.open_stream(pa.PythonFile(ChunkBytes(self._chunks()), "r")) as reader:
                for batch in reader:
                    yield batch.select(list(columns))
        except (pa.ArrowException, OSError, KeyError):
            raise StagingCorrupt(f"the staged records of {self._dataset} are damaged") from None

    def _chunks(self) -> Iterator[StagedChunk]:
        return self._staging.chunks(self._name, self._key, 0)


class ChunkBytes(io.RawIOBase):
    """The payloads of staged chunks as one readable stream of bytes."""

    def __init__(self, chunks: Iterator[StagedChunk]) -> None:
        super().__init__()
        self._chunks = chunks
        self._current = memoryview(b"")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """``size`` bytes, fewer only at the end."""
        parts: list[memoryview] = []
        wanted = size if size >= 0 else 1 << 62
        while wanted:
            if not self._current:
                chunk = next(self._chunks, None)
                if chunk is None:
                    break
                self._current = memoryview(chunk.payload)
                continue
            part, self._current = self._current[:wanted], self._current[wanted:]
            wanted -= len(part)
            parts.append(part)
        return b"".join(parts)
