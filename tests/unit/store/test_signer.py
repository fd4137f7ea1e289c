"""The signer: DSSE envelopes that others' code verifies, and refusals of unfit key files."""

import base64
import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_public_key,
)

from gateway.errors import KeyUnavailable, VerificationFailed
from gateway.store.signer import FileSigner, opened


class SystemEntropy:
    def bytes(self, count: int) -> bytes:
        return os.urandom(count)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "signing.pem"


@pytest.fixture
def signer(path: Path) -> FileSigner:
    return FileSigner.create(path, SystemEntropy())


def test_the_envelope_is_dsse(signer: FileSigner) -> None:
    """Verified from the DSSE specification (v1.0.2), without the library that made it."""
    envelope = json.loads(signer.sign("正文".encode(), "text/x-test"))
    payload = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"].encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    public = load_pem_public_key(signer.public_pem())
    assert isinstance(public, Ed25519PublicKey)
    (signature,) = envelope["signatures"]
    public.verify(base64.b64decode(signature["sig"]), signed)
    assert signature["keyid"] == signer.key_id
    assert payload.decode() == "正文"


def test_the_key_id_is_stable(signer: FileSigner, path: Path, tmp_path: Path) -> None:
    assert FileSigner(path).key_id == signer.key_id
    other = FileSigner.create(tmp_path / "other.pem", SystemEntropy())
    assert other.key_id != signer.key_id


def test_opened_only_when_genuine(signer: FileSigner, tmp_path: Path) -> None:
    envelope = signer.sign(b"payload", "text/x-test")
    assert opened(envelope, "text/x-test", signer.public_pem()) == b"payload"
    other = FileSigner.create(tmp_path / "other.pem", SystemEntropy())
    with pytest.raises(VerificationFailed):
        opened(envelope, "text/x-test", other.public_pem())
    with pytest.raises(VerificationFailed):
        opened(envelope, "text/x-other", signer.public_pem())
    forged = json.loads(envelope)
    forged["payload"] = base64.b64encode(b"another").decode()
    for text in (json.dumps(forged), "", "{}", "[]", "null", '{"payload": 1}'):
        with pytest.raises(VerificationFailed):
            opened(text, "text/x-test", signer.public_pem())
    unsigned = json.loads(envelope) | {"signatures": []}
    with pytest.raises(VerificationFailed):
        opened(json.dumps(unsigned), "text/x-test", signer.public_pem())


def test_the_file_is_private_and_kept(signer: FileSigner, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    with pytest.raises(KeyUnavailable, match="exists already"):
        FileSigner.create(path, SystemEntropy())
    path.chmod(0o640)
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        FileSigner(path)


def test_unfit_files_are_refused(path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="gateway init"):
        FileSigner(path)
    curve = generate_private_key(SECP256R1())
    locked = curve.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")
    )
    for content in (b"", b"CANARY", locked):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(KeyUnavailable, match="not a private key in PEM") as caught:
            FileSigner(path)
        assert caught.value.__cause__ is None


def test_another_kind_of_key_is_refused(path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import NoEncryption

    curve = generate_private_key(SECP256R1())
    path.write_bytes(curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    with pytest.raises(KeyUnavailable, match="Ed25519"):
        FileSigner(path)


def test_shows_nothing(signer: FileSigner) -> None:
    assert repr(signer) == f"<FileSigner {signer.key_id[:12]}>"
