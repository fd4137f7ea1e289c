"""Signs statements with an Ed25519 key in a file, as DSSE envelopes."""

import json
from pathlib import Path
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner

from gateway.errors import KeyUnavailable, VerificationFailed
from gateway.ports import Entropy
from gateway.store.secret_files import read_secret, write_secret
from gateway.verify import public_key


class FileSigner:
    """Implements ports.Signer with a PKCS #8 PEM file of mode 0600."""

    def __init__(self, path: Path) -> None:
        self._key = _parse(path, read_secret(path))
        self._signer = CryptoSigner(self._key)

    def __repr__(self) -> str:
        return f"<FileSigner {self.key_id[:12]}>"

    @classmethod
    def create(cls, path: Path, entropy: Entropy) -> Self:
        """A new key; KeyUnavailable when the file exists."""
        key = Ed25519PrivateKey.from_private_bytes(entropy.bytes(32))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_secret(path, pem, replace=False)
        return cls(path)

    @property
    def key_id(self) -> str:
        """Identifies the public key: a digest of it, the same wherever it is computed."""
        return str(self._signer.public_key.keyid)

    def public_pem(self) -> bytes:
        """The public key, to be given to everybody who verifies."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, payload: bytes, payload_type: str) -> str:
        """The DSSE envelope as JSON text on one line."""
        envelope = Envelope(payload, payload_type, {})
        envelope.sign(self._signer)
        return json.dumps(envelope.to_dict(), separators=(",", ":"))


def opened(envelope: str, payload_type: str, public_pem: bytes) -> bytes:
    """The payload of a genuine envelope of that type; VerificationFailed otherwise."""
    try:
        parsed = Envelope.from_dict(json.loads(envelope))
        if parsed.payload_type != payload_type:
            raise VerificationFailed("the envelope holds something else than it should")
        parsed.verify([public_key(public_pem)], 1)
    except (ValueError, KeyError, TypeError, AttributeError, VerificationError) as error:
        raise VerificationFailed("the envelope is not signed by this key") from error
    return bytes(parsed.payload)


def _parse(path: Path, content: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyUnavailable(f"{path} is not a private key in PEM without password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnavailable(f"{path} is not an Ed25519 key: make one with `gateway init`")
    return key
