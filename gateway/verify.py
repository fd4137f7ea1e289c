"""Offline verification of a certificate, and of a file against it.

Needs the gateway's public key and nothing else: no server, no network. The steps are numbered
as in ``docs/certificate.md``; the first that fails raises VerificationFailed and names itself.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import TypeAdapter, ValidationError
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from gateway.errors import VerificationFailed
from gateway.model.answer_statement import AnswerPredicate, AnswerStatement
from gateway.model.certificate import PAYLOAD_TYPE, ReleasePredicate, Statement
from gateway.model.content import content_digest
from gateway.model.grades import effective
from gateway.model.plan import GradesCheck
from gateway.model.schema import arrow_type, carried_type

_FORMS: Final[TypeAdapter[Statement | AnswerStatement]] = TypeAdapter(Statement | AnswerStatement)
_LARGEST_CERTIFICATE = 16 * 1024 * 1024
_CSV_BLOCK_BYTES = 32 * 1024 * 1024  # a row must fit into one


@dataclass(frozen=True, slots=True)
class Verified:
    """A genuine certificate, and how the file was compared (None: no file was given)."""

    statement: Statement | AnswerStatement
    file_check: str | None = None

    @property
    def predicate(self) -> ReleasePredicate | AnswerPredicate:
        return self.statement.predicate


def verify_certificate(envelope: str | bytes, public_key_pem: bytes) -> Verified:
    """Steps 1 to 4: the certificate by itself."""
    # 1. The envelope is a DSSE envelope of a bearable size with the in-toto payload type.
    if len(envelope) > _LARGEST_CERTIFICATE:
        raise VerificationFailed("step 1: the certificate is larger than 16 MiB")
    try:
        parsed = Envelope.from_dict(json.loads(envelope))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise VerificationFailed("step 1: not a DSSE envelope") from error
    if parsed.payload_type != PAYLOAD_TYPE:
        raise VerificationFailed("step 1: the payload is not an in-toto statement")
    # 2. It is signed by the key that was given.
    try:
        parsed.verify([public_key(public_key_pem)], 1)
    except (VerificationError, ValueError) as error:
        raise VerificationFailed("step 2: the signature is not of this key") from error
    # 3. The statement is of a form that this program knows: of a release, or of an answer.
    try:
        statement = _FORMS.validate_json(parsed.payload)
    except ValidationError as error:
        raise VerificationFailed(
            "step 3: the statement is not of a form this version knows"
        ) from error
    # 4. It does not contradict itself.
    if isinstance(statement, AnswerStatement):
        _consistent_answer(statement)
    else:
        _consistent_release(statement)
    return Verified(statement)


def _consistent_release(statement: Statement) -> None:
    predicate = statement.predicate
    if statement.subject[0].name != predicate.release:
        raise VerificationFailed("step 4: subject and release differ")
    if not all(figure.passed for figure in predicate.figures):
        raise VerificationFailed("step 4: it records a check that did not pass")
    if predicate.grade is not None:  # those of the former type tell none
        grades = [column.grade for column in predicate.columns]
        if not all(predicate.grade.at_least(effective(grade)) for grade in grades):
            raise VerificationFailed("step 4: a column is graded above the whole")
        planned = [check.highest for check in predicate.checks if isinstance(check, GradesCheck)]
        if not all(highest.at_least(predicate.grade) for highest in planned):
            raise VerificationFailed("step 4: it is graded above what was planned")


def _consistent_answer(statement: AnswerStatement) -> None:
    predicate = statement.predicate
    if statement.subject[0].name != predicate.answer:
        raise VerificationFailed("step 4: subject and answer differ")


def verify_file(envelope: str | bytes, public_key_pem: bytes, file: Path) -> Verified:
    """Steps 1 to 6: the certificate, and that the file is what was sealed."""
    verified = verify_certificate(envelope, public_key_pem)
    # 5. An Arrow stream saved as it came has the subject's SHA-256.
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    if sha256 == verified.statement.subject[0].digests["sha256"]:
        return Verified(verified.statement, "the exact stream that was sealed")
    # 6. Any other file format has the same logical content, row by row.
    if isinstance(verified.statement, AnswerStatement):
        raise VerificationFailed(
            "step 6: the file is not the answer as it was sealed; of an answer, only the stream "
            "itself can be compared (.arrows)"
        )
    predicate = verified.statement.predicate
    schema = pa.schema([pa.field(c.name, arrow_type(c.type)) for c in predicate.columns])
    try:
        digest, rows = content_digest(schema, _batches(file, schema))
    except (pa.ArrowException, KeyError, ValueError, OSError) as error:
        raise VerificationFailed(
            "step 6: the file cannot be read as the table that was sealed"
        ) from error
    if (digest, rows) != (predicate.content_digest, predicate.rows):
        raise VerificationFailed("step 6: the file's content is not what was sealed")
    return Verified(verified.statement, "the same content in another file format")


def public_key(pem: bytes) -> SSlibKey:
    """An Ed25519 public key in PEM; VerificationFailed when it is none."""
    try:
        return SSlibKey.from_crypto(load_pem_public_key(pem))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise VerificationFailed("the public key is not a PEM file of a known kind") from error


def _batches(file: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The file's rows with the columns and types of ``schema``; ValueError for other columns."""
    with _opened(file, schema) as (found, batches):
        if sorted(found.names) != sorted(schema.names):
            raise ValueError("the file has other columns than those that were sealed")
        for field in schema:
            kind = found.field(field.name).type
            if not pa.types.is_string(field.type) and carried_type(kind) == pa.string():
                # Many texts read as one number: 7, 07, +7.
                raise ValueError("the file has text where something else was sealed")
        for batch in batches:
            columns = [batch.column(field.name).cast(field.type) for field in schema]
            yield pa.record_batch(columns, schema=schema)


@contextmanager
def _opened(file: Path, schema: pa.Schema) -> Iterator[tuple[pa.Schema, Iterable[pa.RecordBatch]]]:
    """The file's own schema and its rows, whatever its format."""
    with file.open("rb") as stream:
        magic = stream.read(6)
    if magic.startswith(b"PAR1"):
        with pq.ParquetFile(file) as parquet:
            yield parquet.schema_arrow, parquet.iter_batches()
    elif magic == b"ARROW1":
        with pa.memory_map(str(file)) as source, pa.ipc.open_file(source) as reader:
            count = reader.num_record_batches
            yield reader.schema, (reader.get_batch(index) for index in range(count))
    elif magic.startswith(b"\xff\xff\xff\xff"):
        with pa.memory_map(str(file)) as source, pa.ipc.open_stream(source) as stream_reader:
            yield stream_reader.schema, stream_reader
    else:
        with _csv(file, schema) as csv_reader:
            yield csv_reader.schema, csv_reader


def _csv(file: Path, schema: pa.Schema) -> pa_csv.CSVStreamingReader:
    return pa_csv.open_csv(
        file,
        read_options=pa_csv.ReadOptions(block_size=_CSV_BLOCK_BYTES),
        convert_options=pa_csv.ConvertOptions(
            column_types=schema,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
        ),
        parse_options=pa_csv.ParseOptions(
            newlines_in_values=True,
            # A null in a table of one column is an empty line.
            ignore_empty_lines=len(schema) > 1,
        ),
    )
