"""Derives keys from a secret: HKDF (RFC 5869) with the use and the domain as ``info``.

Claim: under a uniformly random secret the keys of different uses and domains are independent of
each other, and none of them tells the secret. The secrets here are uniformly random, so no salt is
needed (RFC 5869 section 3.1). Keys of constructions over SM4 are derived with HMAC-SM3 in place of
HMAC-SHA-256 (SM3: GB/T 32905); HKDF over SM3 is the same construction and no published standard.
Every use has a label of its own, so that no domain can be chosen to
give the key of another use.
"""

from typing import Final, Literal

from cryptography.hazmat.primitives.hashes import SHA256, SM3
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import KeyUnavailable
from gateway.model.key_domains import parts_of

KEY_BYTES: Final = 32

Use = Literal["domain", "row order", "vault lookup", "vault seal", "reversal digests", "rosters"]


def derive(secret: bytes, use: Use, domain: str) -> bytes:
    """32 bytes for ``use`` in ``domain``; KeyUnavailable for a secret that is not 32 bytes."""
    if len(secret) != KEY_BYTES:
        raise KeyUnavailable(f"a secret that keys are derived from has {KEY_BYTES} bytes")
    national = use != "row order" and ("cipher", "SM4") in parts_of(domain)
    info = f"gateway-derivation/1\0{use}\0{domain}".encode()
    return HKDF(
        algorithm=SM3() if national else SHA256(), length=KEY_BYTES, salt=None, info=info
    ).derive(secret)
