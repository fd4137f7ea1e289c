"""Authenticated encryption of keys: AES-256-GCM (SP 800-38D), or GCM over SM4 (RFC 8998)."""

from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM

from gateway.model.keyed_specs import CryptoProfile

TAG_BYTES: Final = 16


def seal(profile: CryptoProfile, key: bytes, nonce: bytes, plain: bytes, bound: bytes) -> bytes:
    """Ciphertext and tag; ``bound`` is authenticated with it. The key is 32 bytes for AES and 16
    for SM4, the nonce 12 that never come again under that key."""
    if profile == "international":
        return AESGCM(key).encrypt(nonce, plain, bound)
    work = Cipher(SM4(key), GCM(nonce)).encryptor()
    work.authenticate_additional_data(bound)
    return work.update(plain) + work.finalize() + work.tag


def unseal(profile: CryptoProfile, key: bytes, nonce: bytes, sealed: bytes, bound: bytes) -> bytes:
    """Inverse of seal; cryptography's InvalidTag when anything is not as it was sealed."""
    if profile == "international":
        return AESGCM(key).decrypt(nonce, sealed, bound)
    work = Cipher(SM4(key), GCM(nonce, sealed[-TAG_BYTES:])).decryptor()
    work.authenticate_additional_data(bound)
    return work.update(sealed[:-TAG_BYTES]) + work.finalize()
