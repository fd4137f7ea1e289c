"""Encrypts what is for one party's eyes alone to that party's public key.

HPKE in base mode (RFC 9180) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM. Claim:
only the holder of the private key reads it, and only as the answer to the request it was made for,
as the context is bound into it. The sender is not told by it: that is what TLS and the signed log
are for. The ephemeral key is drawn by the library.
"""

from typing import Final

import pyarrow as pa
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from gateway.errors import InvalidRequest

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def seal(records: pa.Table, recipient_key: str, context: bytes) -> bytes:
    """The Arrow IPC stream of ``records``, encrypted: encapsulated key (32 bytes), ciphertext,
    tag. ``recipient_key`` as ``refuse_unfit`` takes it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, records.schema) as writer:
        writer.write_table(records)
    return _SUITE.encrypt(sink.getvalue().to_pybytes(), _public(recipient_key), info=context)


def refuse_unfit(recipient_key: str) -> None:
    """InvalidRequest unless it is an X25519 public key, 32 bytes in hexadecimal, to which
    something can be encrypted."""
    try:
        _SUITE.encrypt(b"", _public(recipient_key), info=b"")
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidRequest.of(
            "recipient_key", "an X25519 public key of 32 bytes, not one of low order"
        ) from None


def _public(recipient_key: str) -> X25519PublicKey:
    return X25519PublicKey.from_public_bytes(bytes.fromhex(recipient_key))
