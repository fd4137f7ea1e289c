"""Stand-ins around the execute room: a folder of a holder, staging in memory, plans."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from gateway.errors import StagingCorrupt, StagingUnavailable
from gateway.execute.sources import LocalSources
from gateway.model.catalog import Column, SourceRef
from gateway.ports import Source, StagedChunk, StagedStream

HOLDER = "parties/health"
DATASET = "datasets/residents"


class MemoryStaging:
    """ports.Staging without encryption; ``room`` is how many batches fit on its disk."""

    def __init__(self, room: int = 1 << 30) -> None:
        self.streams: dict[str, list[tuple[bytes, int]]] = {}
        self.open: list[str] = []
        self.room = room

    def create(self, name: str, key: bytes, schema: pa.Schema) -> "MemoryWriter":
        self.open.append(name)
        return MemoryWriter(self, name, schema)

    def chunks(self, name: str, key: bytes, start: int) -> Iterator[StagedChunk]:
        if name not in self.streams:
            raise StagingCorrupt("nothing there")
        stream = self.streams[name]
        for index, (payload, rows) in enumerate(stream[start:], start):
            yield StagedChunk(index, payload, rows, index == len(stream) - 1)

    def destroy(self, name: str) -> None:
        self.streams.pop(name, None)

    def names(self) -> frozenset[str]:
        return frozenset({*self.streams, *self.open})

    def table(self, name: str) -> pa.Table:
        payload = b"".join(chunk.payload for chunk in self.chunks(name, b"", 0))
        return pa.ipc.open_stream(payload).read_all()


class MemoryWriter:
    def __init__(self, staging: MemoryStaging, name: str, schema: pa.Schema) -> None:
        self._staging, self._name, self._schema = staging, name, schema
        self._chunks = [(schema.serialize().to_pybytes(), 0)]

    def __enter__(self) -> "MemoryWriter":
        return self

    def __exit__(self, *exc: object) -> None:
        if self._name in self._staging.open:
            self._staging.open.remove(self._name)

    def write(self, batch: pa.RecordBatch) -> None:
        assert batch.schema.equals(self._schema)
        if len(self._chunks) > self._staging.room:
            raise StagingUnavailable("the disk is full")
        self._chunks.append((batch.serialize().to_pybytes(), batch.num_rows))

    def finish(self) -> StagedStream:
        self._chunks.append((b"\xff\xff\xff\xff\0\0\0\0", 0))
        self._staging.streams[self._name] = self._chunks
        self._staging.open.remove(self._name)
        payload = b"".join(chunk for chunk, _ in self._chunks)
        return StagedStream(hashlib.sha256(payload).hexdigest(), len(payload), len(self._chunks))


@pytest.fixture
def staging() -> MemoryStaging:
    return MemoryStaging()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "health"
    folder.mkdir()
    return folder


@pytest.fixture
def sources(root: Path, staging: MemoryStaging) -> LocalSources:
    return LocalSources({HOLDER: root}, {}, staging, lambda _: b"k" * 32)


Opener = Callable[..., Source]


@pytest.fixture
def opened(sources: LocalSources) -> Opener:
    """``opened(source, columns)``: the holder's source, to be entered."""

    def opener(source: SourceRef, columns: tuple[Column, ...] = ()) -> Source:
        return sources.open(HOLDER, DATASET, source, columns)

    return opener


Registered = Callable[[SourceRef], tuple[Column, ...]]


@pytest.fixture
def registered(opened: Opener) -> Registered:
    """The columns that registering this source puts into the catalogue."""

    def register(source: SourceRef) -> tuple[Column, ...]:
        with opened(source) as found:
            return tuple(Column(name=f.name, type=str(f.type)) for f in found.schema())

    return register
