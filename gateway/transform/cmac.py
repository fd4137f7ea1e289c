"""AES-CMAC (RFC 4493) and AES-CMAC-PRF-128 (RFC 4615) of every value of a column at once.

CBC-MAC chains the blocks of one value, so its blocks cannot be encrypted together; but the n-th
blocks of all values can. Values are grouped by their number of blocks, and each position in the
chain costs one call of the cipher over a piece of the group.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.transform.blocks import BLOCK, PIECE, BlockCipher, BlockEncryptor, Blocks, CipherName
from gateway.transform.varlen import VarlenColumn, groups, windows

_ITEM: Final = np.dtype((np.void, BLOCK))
_MASKS: Final[Blocks] = np.frombuffer(
    b"".join(b"\xff" * size + bytes(BLOCK - size) for size in range(BLOCK + 1)), np.uint64
).reshape(-1, 2)
"""What to keep of sixteen bytes read at the start of a block of 0 to 16 bytes."""
PADDING: Final[Blocks] = np.frombuffer(
    b"".join((bytes(size) + b"\x80" + bytes(BLOCK))[:BLOCK] for size in range(BLOCK + 1)), np.uint64
).reshape(-1, 2)
"""The padding 10* of a block of 0 to 16 bytes; a whole one has none."""


def double(block: bytes) -> bytes:
    """Multiplication by x in GF(2^128), as RFC 4493 section 2.3 and RFC 5297 section 2.3 use it."""
    number = int.from_bytes(block) << 1
    if number >> 128:
        number ^= 1 << 128 | 0x87
    return number.to_bytes(BLOCK)


def xor(left: bytes, right: bytes) -> bytes:
    """Exclusive or of two equally long strings of bytes."""
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def prf_key(key: bytes, cipher: CipherName = "AES") -> bytes:
    """RFC 4615 section 3, step 1: a key of any length becomes one of 128 bits."""
    if len(key) == BLOCK:
        return key  # step 1.1
    return Cmac(BlockCipher(bytes(BLOCK), cipher)).of(key)  # step 1.2


class Cmac:
    """CMAC under one block cipher and key. Thread-safe; the numbers are RFC 4493's steps."""

    __slots__ = ("_cipher", "_pads")

    def __init__(self, cipher: BlockCipher) -> None:
        self._cipher = cipher
        # 2.3 Subkey generation
        subkey1 = double(cipher.encrypt(bytes(BLOCK)))
        subkey2 = double(subkey1)
        # 2.4 steps 4 and 5: a last block of 0 to 15 bytes is padded and takes K2, a whole one K1
        self._pads: Blocks = PADDING.copy()
        self._pads[:BLOCK] ^= np.frombuffer(subkey2, np.uint64)
        self._pads[BLOCK] ^= np.frombuffer(subkey1, np.uint64)

    def of(self, message: bytes) -> bytes:
        """The 16 bytes of one message: for subkeys, contexts and labels, not for columns."""
        lengths = np.array([len(message)])
        column = VarlenColumn(
            np.frombuffer(message, np.uint8), np.zeros(1, np.int64), lengths, None, 1, large=True
        )
        return self.column(column).tobytes()

    def column(self, column: VarlenColumn) -> Blocks:
        """The MAC of each value that is not null, shape (rows, 2), bytes in memory order.

        An empty value is a value like any other: its MAC is that of the empty message.
        """
        macs: Blocks = np.empty((column.rows, 2), np.uint64)
        if not column.rows:
            return macs
        encrypt = self._cipher.encryptor()
        # the last block is read as sixteen bytes wherever it ends
        source = windows(np.concatenate([column.data, np.zeros(BLOCK, np.uint8)]), BLOCK)
        if length := column.stride:
            for begin in range(0, column.rows, PIECE):
                end = min(begin + PIECE, column.rows)
                macs[begin:end] = _chain(
                    encrypt, self._by_stride(source, begin * length, end - begin, length)
                )
            return macs
        counts = np.maximum(column.lengths + (BLOCK - 1) >> 4, 1)  # 2.4 step 2
        for count, rows in groups(counts):
            for begin in range(0, len(rows), PIECE):
                piece = rows[begin : begin + PIECE]
                starts, lengths = column.starts[piece], column.lengths[piece]
                macs[piece] = _chain(encrypt, self._by_index(source, starts, lengths, count))
        return macs

    def _by_stride(
        self, source: NDArray[np.void], start: int, rows: int, length: int
    ) -> Iterator[Blocks]:
        """Blocks of values of one length that lie back to back from `start` on."""
        last = -(-length // BLOCK) - 1
        span = (rows - 1) * length + 1
        for position in range(last + 1):
            begin = start + position * BLOCK
            block = _as_words(source[begin : begin + span : length].copy())
            if position == last:
                size = length - last * BLOCK
                # word by word: broadcasting a row of two words is five times slower
                for word in range(2):
                    block[:, word] &= _MASKS[size][word]
                    block[:, word] ^= self._pads[size][word]
            yield block

    def _by_index(
        self,
        source: NDArray[np.void],
        starts: NDArray[np.int64],
        lengths: NDArray[np.int64],
        count: int,
    ) -> Iterator[Blocks]:
        """Blocks of values of any length within one number of blocks, each with its own start."""
        for position in range(count):
            places = starts + position * BLOCK
            if position < count - 1:
                yield _as_words(source[places])
            else:
                yield last_blocks(source, places, lengths - position * BLOCK, self._pads)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._cipher.name}, key hidden)"


def last_blocks(
    source: NDArray[np.void], places: NDArray[np.int64], sizes: NDArray[np.int64], pads: Blocks
) -> Blocks:
    """Blocks of 0 to 16 bytes, cut from 16-byte `windows` and xored with the pad for their size."""
    block = _as_words(source[places])
    block &= _as_words(_MASKS.view(_ITEM)[sizes, 0])
    block ^= _as_words(pads.view(_ITEM)[sizes, 0])
    return block


def _as_words(items: NDArray[np.void]) -> Blocks:
    return items.view(np.uint64).reshape(-1, 2)


def _chain(encrypt: BlockEncryptor, blocks: Iterator[Blocks]) -> Blocks:
    """2.4 steps 6 and 7 for many messages: the first blocks of all, then the next."""
    chain = encrypt(next(blocks))
    for block in blocks:
        chain = encrypt(np.bitwise_xor(block, chain, out=block))
    return chain
