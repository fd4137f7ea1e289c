"""Encrypts many 16-byte blocks in one ECB call: the one primitive under every keyed transform.

ECB is never used as a mode of operation here. It is the cheapest way to ask `cryptography` for
"this block cipher, applied to each of these blocks on its own", which is what the constructions of
CMAC, FF1 and SIV are written in. One call over a few thousand blocks costs 1.3 ns a block and lets
go of the GIL; one call for each block costs about a microsecond.

AES is FIPS 197. SM4 is GB/T 32907-2016 (ISO/IEC 18033-3): CMAC, FF1 and SIV over it are the same
constructions with another cipher, and not published standards; `construction` says so by name.

A key of the wrong form is `KeyUnavailable`, a wrong parameter `InvalidRequest`, a value that cannot
be handled `TransformFailed`, here and in every construction above; none shows a key or a value.
"""

from collections.abc import Callable
from typing import Final, Literal, NoReturn, TypeAlias

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from gateway.errors import InvalidRequest, KeyUnavailable

CipherName: TypeAlias = Literal["AES", "SM4"]
Blocks: TypeAlias = NDArray[np.uint64]
"""Shape (n, 2): a block is two words whose bytes in memory are the block's bytes in order."""

BLOCK: Final = 16
"""Bytes in a block of either cipher."""

PIECE: Final = 16384
"""Rows worked on at once: with a dozen 8-byte arrays for each row, all of it stays in the L2."""

_CIPHERS: Final[
    dict[str, tuple[Callable[[bytes], algorithms.AES | algorithms.SM4], tuple[int, ...]]]
] = {
    "AES": (algorithms.AES, (16, 24, 32)),
    "SM4": (algorithms.SM4, (16,)),
}


class BlockCipher:
    """One block cipher under one key, applied to arrays of blocks.

    `key` is 16, 24 or 32 bytes for AES and 16 for SM4. Safe to share between
    threads: every `encryptor()` has its own context.
    """

    __slots__ = ("_cipher", "name")

    def __init__(self, key: bytes, name: CipherName = "AES") -> None:
        if name not in _CIPHERS:
            raise InvalidRequest.of("cipher", f"is one of {', '.join(_CIPHERS)}")
        algorithm, sizes = _CIPHERS[name]
        given: object = key  # callers of the library may pass text
        if not isinstance(given, bytes | bytearray) or len(given) not in sizes:
            raise KeyUnavailable(f"a key for {name} is {' or '.join(map(str, sizes))} bytes long")
        self.name = name
        self._cipher = Cipher(algorithm(key), modes.ECB())  # noqa: S305 - see the module's text

    def encryptor(self) -> "BlockEncryptor":
        """A fresh context: use it in one thread and keep it for many calls."""
        return BlockEncryptor(self._cipher)

    def encrypt(self, block: bytes) -> bytes:
        """One call over whole blocks given as bytes; for subkeys, prefixes and tests."""
        if len(block) % BLOCK:
            raise InvalidRequest.of("block", "only whole blocks of 16 bytes can be encrypted")
        return self._cipher.encryptor().update(block)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name}, key hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a keyed cipher is never serialised: pass the name of its key instead")


class BlockEncryptor:
    """A cipher context with a reusable output buffer; not for use by two threads at once."""

    __slots__ = ("_context", "_words")

    def __init__(self, cipher: "Cipher[modes.ECB]") -> None:
        self._context = cipher.encryptor()
        self._words: Blocks = np.empty((0, 2), np.uint64)

    def __call__(self, blocks: Blocks) -> Blocks:
        """Encrypt each row of `blocks`, shape (n, 2) and C-contiguous, bytes in memory order.

        Returns an array of the same shape that is overwritten by the next call.
        """
        rows = blocks.shape[0]
        if self._words.shape[0] <= rows:
            # update_into asks for room for one block less one byte beyond the payload
            self._words = np.empty((rows + 1, 2), np.uint64)
        if rows:
            self._context.update_into(blocks.data.cast("B"), self._words.data.cast("B"))
        return self._words[:rows]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key hidden)"
