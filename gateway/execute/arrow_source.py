"""An Arrow IPC file or stream on this machine, to be looked at."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from gateway.errors import RecordsRejected
from gateway.execute.delivery import as_registered, check_asked, deliver
from gateway.execute.filters import RowFilter
from gateway.execute.sampling import sample_batches
from gateway.ports import SAMPLED_VALUES, ColumnSample, Progress

_MAGIC = b"ARROW1"


class ArrowFile:
    """Schema and samples as ports.Source has them. It cannot be registered: records in this form
    are pushed. Use as a context manager; the file is open only while it is read."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> "ArrowFile":
        with self._opened() as (schema, _):
            self._schema = as_registered(self._file.name, schema, ())
        return self

    def __exit__(self, *exc: object) -> None:
        return

    def schema(self) -> pa.Schema:
        """In carried types. RecordsRejected when the file is not well-formed, InvalidRequest
        naming each column that cannot be carried."""
        return self._schema

    def sample(
        self,
        columns: Sequence[str],
        progress: Progress = lambda _: None,
        most: int = SAMPLED_VALUES,
    ) -> Iterator[ColumnSample]:
        """One pass over the whole file."""
        check_asked(columns, self._schema)
        schema = pa.schema([self._schema.field(name) for name in columns])
        with self._opened() as (_, batches):
            carried = deliver(batches, self._schema, columns, RowFilter(()), None)
            yield from sample_batches(carried, schema, progress, most)

    @contextmanager
    def _opened(self) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        try:
            with pa.memory_map(str(self._file)) as mapped:
                magic = mapped.read(len(_MAGIC))
                mapped.seek(0)
                if magic == _MAGIC:
                    with pa.ipc.open_file(mapped) as file:
                        numbers = range(file.num_record_batches)
                        yield file.schema, (file.get_batch(number) for number in numbers)
                else:
                    with pa.ipc.open_stream(mapped) as stream:
                        yield stream.schema, iter(stream)
        except (pa.ArrowException, OSError):
            raise RecordsRejected(
                f"{self._file.name} is empty, cut off, or neither a file nor a stream of Arrow; "
                "write it again"
            ) from None
