"""Opens the sources of holders: files, databases, pushed records, each within its bounds."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final, Generic, TypeVar

from gateway.errors import InvalidRequest
from gateway.execute.csv_source import CsvFile
from gateway.execute.parquet_source import ParquetFiles
from gateway.execute.paths import FileIdentity
from gateway.execute.postgres_source import PostgresTable
from gateway.execute.pushed_source import PushedRecords
from gateway.model.catalog import (
    Column,
    CsvSource,
    ParquetSource,
    PostgresSource,
    PushedSource,
    SourceRef,
    SourceVersion,
)
from gateway.ports import Source, Staging

_MOST_REMEMBERED: Final = 1000

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Connection:
    """A database that the operator configured, and the holders who may register its tables.

    ``uri`` is a libpq URI and may hold a password: it stays out of every repr and message.
    """

    uri: str = field(repr=False)
    holders: frozenset[str]


class LocalSources:
    """Implements ports.Sources on this machine's files and the configured databases.

    ``roots``: each holder's source folder; a holder without one cannot register files.
    ``connections``: by the name that data sets use. ``data_key``: the key of a staged stream of
    pushed records, KeyUnavailable when it was destroyed. Thread-safe; an open source is used by
    one thread at a time.
    """

    def __init__(
        self,
        roots: Mapping[str, Path],
        connections: Mapping[str, Connection],
        staging: Staging,
        data_key: Callable[[str], bytes],
    ) -> None:
        self._roots = dict(roots)
        self._connections = dict(connections)
        self._staging = staging
        self._data_key = data_key
        self._rows_of_files: Remembered[tuple[FileIdentity, str], int] = Remembered()
        self._versions_of_streams: Remembered[str, SourceVersion] = Remembered()

    def open(
        self, holder: str, dataset: str, source: SourceRef, columns: Sequence[Column]
    ) -> Source:
        """See ports.Sources. InvalidRequest when the holder may not reach it."""
        match source:
            case ParquetSource():
                return ParquetFiles(dataset, self._root(holder), source, columns)
            case CsvSource():
                root = self._root(holder)
                return CsvFile(dataset, root, source, columns, self._rows_of_files)
            case PostgresSource():
                return PostgresTable(dataset, self._uri(holder, source), source, columns)
            case PushedSource():
                return PushedRecords(
                    dataset,
                    source,
                    columns,
                    self._staging,
                    self._data_key,
                    self._versions_of_streams,
                )

    def _root(self, holder: str) -> Path:
        root = self._roots.get(holder)
        if root is None:
            raise InvalidRequest.of(
                "source", f"no source folder is configured for {holder}; ask the administrator"
            )
        return root

    def _uri(self, holder: str, source: PostgresSource) -> str:
        connection = self._connections.get(source.connection)
        if connection is None or holder not in connection.holders:
            # The same answer for both: which databases others have is nobody's business.
            raise InvalidRequest.of(
                "source.connection",
                f"{source.connection} is not configured for {holder}; ask the administrator",
            )
        return connection.uri


class Remembered(MutableMapping[K, V], Generic[K, V]):
    """A thread-safe mapping that forgets what was set longest ago."""

    def __init__(self) -> None:
        self._items: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def __getitem__(self, key: K) -> V:
        with self._lock:
            return self._items[key]

    def __setitem__(self, key: K, value: V) -> None:
        with self._lock:
            self._items[key] = value
            if len(self._items) > _MOST_REMEMBERED:
                self._items.popitem(last=False)

    def __delitem__(self, key: K) -> None:
        with self._lock:
            del self._items[key]

    def __iter__(self) -> Iterator[K]:
        with self._lock:
            return iter(list(self._items))

    def __len__(self) -> int:
        return len(self._items)
