"""Hostile certificates and files; the ordinary ones are in tests/integration."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

from gateway.errors import VerificationFailed
from gateway.model.audit import AuditPosition
from gateway.model.certificate import (
    PAYLOAD_TYPE,
    CertifiedColumn,
    CertifiedDataSet,
    ReleasePredicate,
    Statement,
    Subject,
)
from gateway.model.content import content_digest
from gateway.model.plan import GradesCheck
from gateway.model.transforms import Keep
from gateway.verify import verify_certificate, verify_file

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
DIGEST = "0" * 64
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pem(key) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def certificate(table: pa.Table, **more: object) -> str:
    """A genuine certificate of a table, as if it had been sealed."""
    digest, rows = content_digest(table.schema, table.to_batches())
    predicate = ReleasePredicate(
        release="releases/one",
        dataset=CertifiedDataSet(
            name="datasets/one", holder="parties/one", fingerprint=DIGEST, schema_digest=DIGEST
        ),
        recipient="parties/two",
        purpose="study",
        project=None,
        grant="grants/one",
        policies=(),
        reasons=(),
        plan_digest=DIGEST,
        columns=tuple(
            CertifiedColumn(
                name=field.name,
                type=str(field.type),
                source_column=field.name,
                transform=Keep(),
                key_domain=None,
                key_version=None,
                grade="general-2",
            )
            for field in table.schema
        ),
        checks=(),
        figures=(),
        grade="general-2",
        rows=rows,
        stream_bytes=0,
        content_digest=digest,
        opened=NOW,
        sealed=NOW,
        expires=NOW,
        audit=AuditPosition(sequence=1, hash=DIGEST),
        gateway_version="0",
    ).but(**more)
    subject = Subject(name="releases/one", digests={"sha256": DIGEST})
    envelope = Envelope(
        Statement(subject=(subject,), predicate=predicate).payload(), PAYLOAD_TYPE, {}
    )
    envelope.sign(CryptoSigner(KEY))
    return json.dumps(envelope.to_dict())


def check(table: pa.Table, file: Path) -> str | None:
    return verify_file(certificate(table), pem(KEY), file).file_check


@pytest.mark.parametrize("missing", [{"grade": None}, {"columns": "key_version"}])
def test_a_certificate_of_today_tells_every_grade_and_key_version(missing):
    table = pa.table({"a": [1]})
    if "columns" in missing:
        (column,) = verify_certificate(certificate(table), pem(KEY)).predicate.columns
        missing = {"columns": (column.but(key_domain="a domain", key_version=None),)}
    with pytest.raises(ValidationError, match="every grade and key version"):
        certificate(table, **missing)


@pytest.mark.parametrize(
    "envelope",
    ["[" * 100_000, '{"a":' * 100_000, "\ud800", b"\xff", "null", '{"payload":' + "9" * 5000 + "}"],
    ids=["deep list", "deep object", "surrogate", "not UTF-8", "null", "long number"],
)
def test_what_is_no_envelope_fails_at_the_first_step(envelope):
    with pytest.raises(VerificationFailed, match="step 1"):
        verify_certificate(envelope, pem(KEY))


def test_a_signature_beside_foreign_ones_counts_and_foreign_ones_alone_do_not():
    envelope = json.loads(certificate(pa.table({"a": [1]})))
    foreign = {"keyid": "0" * 64, "sig": "AA=="}
    envelope["signatures"].insert(0, foreign)
    assert verify_certificate(json.dumps(envelope), pem(KEY)).predicate.rows == 1
    with pytest.raises(VerificationFailed, match="step 2"):
        verify_certificate(json.dumps({**envelope, "signatures": [foreign]}), pem(KEY))


def test_a_signature_of_another_key_or_payload_type_is_refused():
    envelope = json.loads(certificate(pa.table({"a": [1]})))
    other = rsa.generate_private_key(65537, 2048)
    with pytest.raises(VerificationFailed, match="step 2"):
        verify_certificate(json.dumps(envelope), pem(other))
    checkpoint = {**envelope, "payloadType": "application/vnd.gateway.audit-checkpoint+json"}
    with pytest.raises(VerificationFailed, match="step 1"):
        verify_certificate(json.dumps(checkpoint), pem(KEY))


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"a": pa.array([None, 0.1, None, float("nan"), -0.0, 1 / 3])}),
        pa.table({"a": ["", None, "x\r\ny", None]}),
        pa.table({"a": pa.array([None, None], pa.int64())}),
        pa.table({"a": ["x" * 3_000_000, "y"], "b": [1, 2]}),
        pa.table({"a": pa.array([], pa.int64())}),
    ],
    ids=["floats", "texts", "nulls alone", "a long text", "no rows"],
)
def test_the_same_content_as_csv_and_parquet_is_recognised(table, tmp_path: Path):
    pa_csv.write_csv(table, tmp_path / "x.csv")
    pq.write_table(table, tmp_path / "x.parquet")
    for name in ("x.csv", "x.parquet"):
        assert check(table, tmp_path / name) == "the same content in another file format", name


@pytest.mark.parametrize("rows", [0, 1])
def test_columns_beside_or_instead_of_the_sealed_ones_are_refused(rows, tmp_path: Path):
    sealed = pa.table({"a": pa.array([1] * rows, pa.int64())})
    for number, file in enumerate(
        (sealed.append_column("b", sealed.column("a")), sealed.rename_columns(["b"]))
    ):
        pq.write_table(file, tmp_path / f"{number}.parquet")
        pa_csv.write_csv(file, tmp_path / f"{number}.csv")
        for path in (tmp_path / f"{number}.parquet", tmp_path / f"{number}.csv"):
            with pytest.raises(VerificationFailed, match="step 6"):
                check(sealed, path)


def test_text_that_only_reads_like_the_sealed_numbers_is_refused(tmp_path: Path):
    pq.write_table(pa.table({"a": ["007"]}), tmp_path / "x.parquet")
    with pytest.raises(VerificationFailed, match="step 6"):
        check(pa.table({"a": [7]}), tmp_path / "x.parquet")


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"ARROW1\0\0", b"\xff\xff\xff\xff\x10\0\0\0", b'"a","a"\n1,1\n']
)
def test_damaged_files_are_refused_and_not_a_crash(content, tmp_path: Path):
    file = tmp_path / "x"
    file.write_bytes(content)
    with pytest.raises(VerificationFailed, match="step 6"):
        check(pa.table({"a": [1]}), file)


def test_a_damaged_page_of_a_parquet_file_is_refused(tmp_path: Path):
    table = pa.table({"a": [f"{n:x}" for n in range(20_000)]})
    file = tmp_path / "x.parquet"
    pq.write_table(table, file)
    content = bytearray(file.read_bytes())
    content[100:3000] = bytes(2900)
    file.write_bytes(content)
    with pytest.raises(VerificationFailed, match="step 6"):
        check(table, file)


def test_a_certificate_that_contradicts_itself_about_grades_is_refused():
    table, planned = pa.table({"a": [1]}), GradesCheck(highest="general-3")
    assert verify_certificate(certificate(table, checks=(planned,)), pem(KEY))
    with pytest.raises(VerificationFailed, match="step 4: a column is graded above the whole"):
        verify_certificate(certificate(table, grade="general-1"), pem(KEY))
    with pytest.raises(VerificationFailed, match="step 4: it is graded above what was planned"):
        verify_certificate(certificate(table, grade="general-4", checks=(planned,)), pem(KEY))
