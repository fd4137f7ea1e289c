"""The key ring in a file: root keys by version, from which every other key is derived.

Derivation is HKDF-SHA256 (RFC 5869) with the purpose and the domain as ``info``; the root is
uniformly random, so no salt is needed (RFC 5869 section 3.1). Wrapping is AES-256-GCM
(SP 800-38D) under a key derived for that alone, with the context as associated data. Its nonces
are random: at most 2**32 keys may be wrapped under one version (SP 800-38D section 8.3), so
rotate long before.
"""

import base64
import binascii
import json
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import KeyUnavailable
from gateway.ports import Entropy
from gateway.store.secret_files import read_secret, write_secret

_FORMAT = "gateway-keyring/1"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_WRAP_MAGIC = b"GWK1"
_HEADER_BYTES = len(_WRAP_MAGIC) + 4


class FileKeyRing:
    """Implements ports.KeyRing over a JSON file with mode 0600.

    Old versions stay readable after ``rotate``; a gateway that runs sees a rotation by another
    process when it is started again.
    """

    def __init__(self, path: Path, entropy: Entropy) -> None:
        self._path = path
        self._entropy = entropy
        self._version, self._roots = _parse(path, read_secret(path))

    def __repr__(self) -> str:
        return f"<FileKeyRing version {self._version}>"

    @classmethod
    def create(cls, path: Path, entropy: Entropy) -> Self:
        """A new ring with one root key; KeyUnavailable when the file exists."""
        write_secret(path, _text(1, {1: entropy.bytes(_KEY_BYTES)}), replace=False)
        return cls(path, entropy)

    @property
    def version(self) -> int:
        """The root key version that new keys are derived from."""
        return self._version

    def rotate(self) -> int:
        """Add a root key and use it from now on; returns its version."""
        version = max(self._roots) + 1
        roots = {**self._roots, version: self._entropy.bytes(_KEY_BYTES)}
        write_secret(self._path, _text(version, roots), replace=True)
        self._version, self._roots = version, roots
        return version

    def derive(self, domain: str, *, version: int | None = None) -> bytes:
        """32 bytes bound to ``domain``; KeyUnavailable for unknown versions."""
        return self._derived("derive", domain, self._version if version is None else version)

    def wrap(self, key: bytes, context: str) -> bytes:
        """``key`` encrypted under the root, bound to ``context``."""
        header = _WRAP_MAGIC + self._version.to_bytes(4, "big")
        nonce = self._entropy.bytes(_NONCE_BYTES)
        cipher = AESGCM(self._derived("wrap", "", self._version))
        return header + nonce + cipher.encrypt(nonce, key, header + context.encode())

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """Inverse of wrap; KeyUnavailable when it is not of this ring or context."""
        header, nonce = wrapped[:_HEADER_BYTES], wrapped[_HEADER_BYTES:][:_NONCE_BYTES]
        if not header.startswith(_WRAP_MAGIC) or len(nonce) != _NONCE_BYTES:
            raise KeyUnavailable(f"the key of {context} is not a wrapped key")
        version = int.from_bytes(header[len(_WRAP_MAGIC) :], "big")
        cipher = AESGCM(self._derived("wrap", "", version))
        sealed = wrapped[_HEADER_BYTES + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, sealed, header + context.encode())
        except InvalidTag as error:
            raise KeyUnavailable(
                f"the key of {context} was not wrapped by this ring: is it the right key file?"
            ) from error

    def _derived(self, purpose: str, domain: str, version: int) -> bytes:
        root = self._roots.get(version)
        if root is None:
            raise KeyUnavailable(f"the key ring has no version {version}: restore the newer file")
        info = f"{_FORMAT}\0{purpose}\0{domain}".encode()
        return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(root)


def _text(version: int, roots: dict[int, bytes]) -> bytes:
    keys = {str(number): base64.b64encode(root).decode() for number, root in roots.items()}
    return json.dumps({"format": _FORMAT, "current": version, "keys": keys}, indent=2).encode()


def _parse(path: Path, content: bytes) -> tuple[int, dict[int, bytes]]:
    # Without causes: an exception's text would quote the file, which is the secret itself.
    try:
        parsed = json.loads(content)
        form, current = parsed["format"], parsed["current"]
        roots = {
            int(number): base64.b64decode(root, validate=True)
            for number, root in parsed["keys"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise KeyUnavailable(f"{path} is not a key ring: restore it from a backup") from None
    if form != _FORMAT:
        raise KeyUnavailable(f"{path} is a key ring of another format: use the program it is of")
    if type(current) is not int or current not in roots or min(roots) < 1:
        raise KeyUnavailable(f"{path} does not hold the key version that it names as current")
    if any(len(root) != _KEY_BYTES for root in roots.values()):
        raise KeyUnavailable(f"{path} holds a key that is not {_KEY_BYTES} bytes long")
    return current, roots
