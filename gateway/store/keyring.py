"""The key ring in a file: root keys by version, under which every other key is wrapped.

Wrapping is AES-256-GCM (SP 800-38D) under a key that HKDF-SHA256 (RFC 5869) derives from the root
for that alone, with the context as associated data; the root is uniformly random, so no salt is
needed (RFC 5869 section 3.1). Under the national profile it is GCM over SM4 (RFC 8998) under a key
of 16 bytes that HKDF over SM3 derives (the construction of RFC 5869, not a published standard);
what either wrapped is opened under both. The nonces are random: at most 2**32 keys may be wrapped under one
version (SP 800-38D section 8.3), so rotate long before.

Root keys are held in memory that is overwritten on ``close`` and when the file changes. What
Python does not let us overwrite: the text of the file while it is read or written, with every root
in base64; the bytes of a new root as they are drawn, and of one while it is decoded; the keys that
are derived from a root; and what `cryptography` keeps of a key while it works. All of it is freed
at once, and freed memory is reused, not erased.

Whoever changes the file holds a lock on it, reads it again and then replaces it, so that of two
changes at once neither loses the other's root key.
"""

import base64
import binascii
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256, SM3
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import FailedPrecondition, KeyUnavailable
from gateway.model.keyed_specs import CryptoProfile
from gateway.model.plan import Plan
from gateway.ports import Entropy
from gateway.store.secret_files import changing, read_secret, remove_leftovers, write_secret
from gateway.store.wrapping import TAG_BYTES, seal, unseal
from gateway.transform.derivation import derive

_FORMAT = "gateway-keyring/1"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_MAGIC: Mapping[CryptoProfile, bytes] = {"international": b"GWK1", "national": b"GWS1"}
_HEADER_BYTES = 4 + 4

Roots = dict[int, bytearray]


def _profile_of(wrapped: bytes) -> CryptoProfile | None:
    found: list[CryptoProfile] = [p for p, magic in _MAGIC.items() if wrapped.startswith(magic)]
    return found[0] if found else None


class FileKeyRing:
    """Implements ports.KeyRing over a JSON file with mode 0600.

    Old versions stay readable after ``rotate``, until they are ``retire``d. A ring that another
    process rotated is read again at its next use. ``profile``: the cipher that wraps. Thread-safe.
    """

    def __init__(
        self, path: Path, entropy: Entropy, profile: CryptoProfile = "international"
    ) -> None:
        self._path = path
        self._entropy = entropy
        self._profile = profile
        self._turn = threading.Lock()
        remove_leftovers(path)
        self._identity: tuple[int, int, int] | None = _identity(path)
        self._version, self._roots = _parse(path, read_secret(path))

    def __repr__(self) -> str:
        return f"<FileKeyRing version {self._version}>"

    @classmethod
    def create(cls, path: Path, entropy: Entropy) -> Self:
        """A new ring with one root key; KeyUnavailable when the file exists."""
        root = bytearray(entropy.bytes(_KEY_BYTES))
        with changing(path):
            write_secret(path, _text(1, {1: root}), replace=False)
        _clear({1: root})
        return cls(path, entropy)

    @property
    def version(self) -> int:
        """The root key version that new keys are wrapped under."""
        with self._turn:
            self._read_again_if_changed()
            return self._version

    @property
    def versions(self) -> tuple[int, ...]:
        """Every root key version that is there."""
        with self._turn:
            self._read_again_if_changed()
            return tuple(sorted(self._roots))

    def rotate(self) -> int:
        """Add a root key and use it from now on; returns its version."""
        with self._turn, changing(self._path):
            self._read_again()
            version = max(self._roots) + 1
            self._rewrite(version, {**self._roots, version: self._fresh()})
        return version

    def retire(self, version: int) -> None:
        """Remove a root key for good: what is still wrapped under it is lost.

        FailedPrecondition for the version in use, and for one that is not there.
        """
        with self._turn, changing(self._path):
            self._read_again()
            if version == self._version or version not in self._roots:
                state = "in use" if version == self._version else "not there"
                raise FailedPrecondition(f"root key {version} is {state}", reason="KEY_VERSION")
            kept = {number: root for number, root in self._roots.items() if number != version}
            gone = self._roots[version]
            self._rewrite(self._version, kept)
            _clear({version: gone})

    def close(self) -> None:
        """Overwrite the root keys in memory; the ring cannot be used afterwards."""
        with self._turn:
            _clear(self._roots)
            self._roots = {}
            self._identity = None

    def derive(self, domain: str, *, version: int | None = None) -> bytes:
        """32 bytes bound to ``domain``; KeyUnavailable for unknown versions."""
        return self._derived("international", "derive", domain, version)[1]

    def wrap(self, key: bytes, context: str) -> bytes:
        """``key`` encrypted under the root, bound to ``context``."""
        profile = self._profile
        version, derived = self._derived(profile, "wrap", "", None)
        header = _MAGIC[profile] + version.to_bytes(4, "big")
        nonce = self._entropy.bytes(_NONCE_BYTES)
        bound = header + context.encode()
        return header + nonce + seal(profile, derived, nonce, key, bound)

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """Inverse of wrap; KeyUnavailable when it is not of this ring or context."""
        header, nonce = wrapped[:_HEADER_BYTES], wrapped[_HEADER_BYTES:][:_NONCE_BYTES]
        sealed = wrapped[_HEADER_BYTES + _NONCE_BYTES :]
        profile = _profile_of(wrapped)
        if profile is None or len(nonce) != _NONCE_BYTES or len(sealed) < TAG_BYTES:
            raise KeyUnavailable(f"the key of {context} is not a wrapped key")
        _, derived = self._derived(profile, "wrap", "", self.version_of(wrapped))
        bound = header + context.encode()
        try:
            return unseal(profile, derived, nonce, sealed, bound)
        except InvalidTag as error:
            raise KeyUnavailable(
                f"the key of {context} was not wrapped by this ring: is it the right key file?"
            ) from error

    def rewrap(self, wrapped: bytes, context: str) -> bytes:
        """The same key under the newest version."""
        return self.wrap(self.unwrap(wrapped, context), context)

    def holds(self, wrapped: bytes) -> bool:
        """Whether a key was wrapped by a ring in a file."""
        return _profile_of(wrapped) is not None

    def opens(self, wrapped: bytes) -> bool:
        """Whether the root key that a key was wrapped under is still there."""
        return self.holds(wrapped) and self.version_of(wrapped) in self.versions

    def version_of(self, wrapped: bytes) -> int:
        """The root key version that a key was wrapped under."""
        return int.from_bytes(wrapped[4:_HEADER_BYTES], "big")

    def _fresh(self) -> bytearray:
        return bytearray(self._entropy.bytes(_KEY_BYTES))

    def _rewrite(self, version: int, roots: Roots) -> None:
        write_secret(self._path, _text(version, roots), replace=True)
        self._version, self._roots = version, roots
        self._identity = _identity(self._path)

    def _read_again_if_changed(self) -> None:
        if self._identity is None or _identity(self._path) != self._identity:
            self._read_again()

    def _read_again(self) -> None:
        if self._identity is None:
            raise KeyUnavailable("the key ring was closed")
        identity = _identity(self._path)
        version, roots = _parse(self._path, read_secret(self._path))
        _clear(self._roots)
        self._version, self._roots, self._identity = version, roots, identity

    def _derived(
        self, profile: CryptoProfile, purpose: str, domain: str, version: int | None
    ) -> tuple[int, bytes]:
        algorithm, length = (SHA256(), 32) if profile == "international" else (SM3(), 16)
        info = f"{_FORMAT}\0{purpose}\0{domain}".encode()
        with self._turn:
            self._read_again_if_changed()
            number = self._version if version is None else version
            root = self._roots.get(number)
            if root is None:
                raise KeyUnavailable(
                    f"the key ring has no version {number}: restore the newer file"
                )
            hkdf = HKDF(algorithm=algorithm, length=length, salt=None, info=info)
            return number, hkdf.derive(root)


class RingKeys:
    """Implements ports.DomainKeys without a store: every key is derived from the ring itself.

    For ``gateway protect`` on a file. There is no secret of a domain's own, and so no shredding:
    whoever has the file has its keys.
    """

    def __init__(self, ring: FileKeyRing) -> None:
        self._ring = ring

    @property
    def profile(self) -> CryptoProfile:
        """There are no settings; a policy may name a cipher itself."""
        return "international"

    def version(self, domain: str) -> int:  # noqa: ARG002 - the same for all
        """The ring's own."""
        return self._ring.version

    def begin(self, plan: Plan) -> None:
        """Nothing to make."""

    def key(self, domain: str, version: int) -> bytes:
        """See ports.DomainKeys."""
        secret = self._ring.derive("secret of key domains", version=version)
        return derive(secret, "domain", domain)

    def keys(self, plan: Plan) -> Mapping[str, bytes]:
        """See ports.DomainKeys."""
        return {domain: self.key(domain, version) for domain, version in plan.needed_keys}


def _identity(path: Path) -> tuple[int, int, int]:
    """What changes when the file is replaced; zeros when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)  # reading it says what is wrong
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def _clear(roots: Roots) -> None:
    for root in roots.values():
        root[:] = bytes(len(root))


def _text(version: int, roots: Roots) -> bytes:
    keys = {str(number): base64.b64encode(root).decode() for number, root in roots.items()}
    return json.dumps({"format": _FORMAT, "current": version, "keys": keys}, indent=2).encode()


def _parse(path: Path, content: bytes) -> tuple[int, Roots]:
    # Without causes: an exception's text would quote the file, which is the secret itself.
    try:
        parsed = json.loads(content)
        form, current = parsed["format"], parsed["current"]
        roots = {
            int(number): bytearray(base64.b64decode(root, validate=True))
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
