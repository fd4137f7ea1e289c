"""Takes in the records that a holder pushes: every batch held to the schema, all or nothing."""

from collections.abc import Iterator

import pyarrow as pa

from gateway.errors import RecordsRejected
from gateway.execute.delivery import BATCH_ROWS, carry
from gateway.execute.pushed_source import PushedRecords
from gateway.execute.sampling import draws, finished
from gateway.model.catalog import DataSet, PushedSource, SourceVersion
from gateway.model.schema import arrow_schema, carried_type, schema_digest
from gateway.ports import Entropy, KeyRing, Received, Staging


class StagedIntake:
    """Implements ports.Intake: records go into encrypted staging, a stream and key a push."""

    def __init__(self, staging: Staging, keyring: KeyRing, entropy: Entropy) -> None:
        self._staging = staging
        self._keyring = keyring
        self._entropy = entropy

    def receive(self, dataset: DataSet, records: pa.RecordBatchReader) -> Received:
        """See ports.Intake. A stream that breaks raises what the reader raised; nothing stays."""
        schema = arrow_schema(dataset.columns)
        _check_schema(records.schema, schema)
        stream = f"records/r{self._entropy.bytes(16).hex()}"
        key = self._entropy.bytes(32)
        rows, held = 0, draws(len(schema))
        with self._staging.create(stream, key, schema) as writer:
            for batch in _checked(records, schema):
                writer.write(batch)
                rows += batch.num_rows
                for draw, column in zip(held, batch.columns, strict=True):
                    draw.see(column)
            staged = writer.finish()
        version = SourceVersion(
            fingerprint=staged.sha256, schema_digest=schema_digest(schema), rows=rows
        )
        wrapped = self._keyring.wrap(key, stream)
        samples = tuple(
            finished(draw, field, rows) for draw, field in zip(held, schema, strict=True)
        )
        return Received(stream, wrapped, version, samples)

    def open(self, dataset: DataSet, received: Received) -> PushedRecords:
        return PushedRecords(
            dataset.name,
            PushedSource(stream=received.stream),
            dataset.columns,
            self._staging,
            lambda stream: self._keyring.unwrap(received.wrapped_key, stream),
            {received.stream: received.version},
        )

    def opens(self, received: Received) -> bool:
        return self._keyring.opens(received.wrapped_key)

    def discard(self, stream: str) -> None:
        self._staging.destroy(stream)


def _check_schema(pushed: pa.Schema, registered: pa.Schema) -> None:
    """RecordsRejected naming every column that is missing, unknown or of another type."""
    faults = [f"{name} is missing" for name in registered.names if name not in pushed.names]
    for field in pushed:
        if field.name not in registered.names:
            faults.append(f"{field.name} is not a column of the data set")
        elif carried_type(field.type) != (kind := registered.field(field.name).type):
            faults.append(f"{field.name} is {field.type} and not {kind}")
        elif pushed.names.count(field.name) > 1:
            faults.append(f"{field.name} is there twice")
    if faults:
        raise RecordsRejected(f"the records do not fit the data set: {'; '.join(faults)}")


def _checked(records: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    rows = 0
    for received in _well_formed(records):
        for start in range(0, received.num_rows, BATCH_ROWS):
            batch = carry(received.slice(start, BATCH_ROWS), schema, rows).select(schema.names)
            _check_nulls(batch, schema, rows)
            rows += batch.num_rows
            yield batch.cast(schema)


def _well_formed(records: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Batches of a whole stream, their lengths checked by Arrow's reader.

    ``carry`` checks what is inside before it follows it.
    """
    rows = 0
    batches = iter(records)
    while True:
        try:
            batch = next(batches, None)
        except (pa.ArrowException, OSError):
            raise RecordsRejected(
                f"from row {rows + 1} on, what was pushed is not a well-formed Arrow stream"
            ) from None
        if batch is None:
            return
        rows += batch.num_rows
        yield batch


def _check_nulls(batch: pa.RecordBatch, schema: pa.Schema, rows_before: int) -> None:
    for field, column in zip(schema, batch.columns, strict=True):
        if not field.nullable and column.null_count:
            row = rows_before + column.is_valid().index(False).as_py() + 1
            raise RecordsRejected(
                f"row {row}: column {field.name} must have a value", row=str(row), column=field.name
            )
