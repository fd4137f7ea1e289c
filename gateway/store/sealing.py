"""The form of a staged file: authenticated chunks, then an authenticated index of them.

    header   magic, 32 random bytes of salt
    chunk    AES-256-GCM of a piece of the Arrow stream, tag included; one after the other
    index    AES-256-GCM of (plain length, rows) of every chunk, 8 bytes each
    trailer  length of the sealed index (8 bytes), magic

Every file has a key of its own, derived by HKDF-SHA256 from the data key, the salt and the
stream's name: a run that is repeated with the same data key never meets a nonce again. Chunks
follow the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the nonce is the
chunk's number, and number, last flag and name are authenticated with it, so that a chunk that was
changed, moved, dropped or taken from another file does not open. The index has a nonce space of
its own, so it cannot be passed off as a chunk.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import StagingCorrupt

MAGIC = b"GWSTAGE1"
SALT_BYTES = 32
HEADER_BYTES = len(MAGIC) + SALT_BYTES
TAG_BYTES = 16
KEY_BYTES = 32
_TRAILER = struct.Struct(">Q8s")
TRAILER_BYTES = _TRAILER.size
_INDEX_ENTRY = struct.Struct(">II")
_CHUNK, _INDEX = 1, 2


@dataclass(frozen=True, slots=True)
class Piece:
    """Plain length in bytes and rows of one chunk, and where it begins in the file."""

    length: int
    rows: int
    offset: int

    @property
    def sealed_length(self) -> int:
        return self.length + TAG_BYTES


class Sealer:
    """Seals and opens the parts of one file. Its repr is blind."""

    def __init__(self, name: str, key: bytes, salt: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a data key has {KEY_BYTES} bytes")
        self._name = name
        info = b"gateway-staging/1\0" + name.encode()
        derived = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(key)
        self._cipher = AESGCM(derived)
        self._scratch = bytearray()

    def __repr__(self) -> str:
        return f"<Sealer {self._name}>"

    @classmethod
    def of_header(cls, name: str, key: bytes, header: bytes) -> Self:
        """The sealer of an existing file; StagingCorrupt when it is no staged file."""
        if len(header) != HEADER_BYTES or not header.startswith(MAGIC):
            raise StagingCorrupt(f"the staged file of {name} does not begin as one")
        return cls(name, key, header[len(MAGIC) :])

    def seal_chunk(self, index: int, plain: bytes | memoryview, *, last: bool) -> memoryview:
        """The chunk's ciphertext and tag, in memory that the next call uses again."""
        length = len(plain) + TAG_BYTES
        if len(self._scratch) < length:
            self._scratch = bytearray(length)
        sealed = memoryview(self._scratch)[:length]
        self._cipher.encrypt_into(_nonce(_CHUNK, index), plain, self._bound(index, last), sealed)
        return sealed

    def open_chunk(self, index: int, sealed: bytes, *, last: bool) -> bytes:
        """Inverse of seal_chunk; StagingCorrupt when it is not that chunk of that file."""
        try:
            return self._cipher.decrypt(_nonce(_CHUNK, index), sealed, self._bound(index, last))
        except InvalidTag as error:
            raise StagingCorrupt(
                f"chunk {index} of {self._name} is not as it was sealed"
            ) from error

    def seal_index(self, pieces: Sequence[Piece]) -> bytes:
        """Index and trailer, the end of the file."""
        plain = b"".join(_INDEX_ENTRY.pack(piece.length, piece.rows) for piece in pieces)
        sealed = self._cipher.encrypt(_nonce(_INDEX, 0), plain, self._bound(len(pieces), True))
        return sealed + _TRAILER.pack(len(sealed), MAGIC)

    def index_length(self, trailer: bytes, file_length: int) -> int:
        """Length of the sealed index in a file of that length; StagingCorrupt if there is none."""
        if len(trailer) != TRAILER_BYTES or trailer[8:] != MAGIC:
            raise StagingCorrupt(f"the staged file of {self._name} has no end: it was cut")
        length = int(_TRAILER.unpack(trailer)[0])
        entries, rest = divmod(length - TAG_BYTES, _INDEX_ENTRY.size)
        if rest or entries < 1 or length > file_length - HEADER_BYTES - TRAILER_BYTES:
            raise StagingCorrupt(f"the index of {self._name} is not as it was sealed")
        return length

    def open_index(self, sealed: bytes, file_length: int) -> list[Piece]:
        """The chunks of a file of that length; StagingCorrupt when they do not make it up."""
        count = (len(sealed) - TAG_BYTES) // _INDEX_ENTRY.size
        try:
            plain = self._cipher.decrypt(_nonce(_INDEX, 0), sealed, self._bound(count, True))
        except InvalidTag as error:
            raise StagingCorrupt(
                f"the index of {self._name} is not as it was sealed, or the key is another"
            ) from error
        pieces, offset = [], HEADER_BYTES
        for length, rows in _INDEX_ENTRY.iter_unpack(plain):
            pieces.append(Piece(length, rows, offset))
            offset += length + TAG_BYTES
        if offset + len(sealed) + TRAILER_BYTES != file_length:
            raise StagingCorrupt(f"the staged file of {self._name} has not the length it had")
        return pieces

    def _bound(self, index: int, last: bool) -> bytes:
        return struct.pack(">Q?", index, last) + self._name.encode()


def _nonce(space: int, number: int) -> bytes:
    return struct.pack(">IQ", space, number)
