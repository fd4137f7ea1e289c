"""AES-SIV (RFC 5297) of every value of a column at once: deterministic and authenticated.

Claim. Without the key, results for distinct values look random and no string that was not made
with the key and the same associated data is accepted; equal values under equal associated data
have equal results, and lengths stay visible. Source: RFC 5297, whose section numbers the comments
bear. Over SM4 it is the same construction with another cipher, and not a published standard.

The MAC half runs over the block positions of all values together (see `cmac`), the counter half
over all blocks of all values of one length.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.errors import InvalidRequest, KeyUnavailable
from gateway.transform.blocks import BLOCK, PIECE, BlockCipher, BlockEncryptor, Blocks, CipherName
from gateway.transform.cmac import PADDING, Cmac, double, last_blocks, xor
from gateway.transform.varlen import VarlenColumn, groups, put_fixed, take_fixed, windows

MOST_CONTEXT: Final = 126
"""Components of associated data: section 2.6 allows 127 with the nonce or plaintext counted."""

_ITEM: Final = np.dtype((np.void, BLOCK))
_CLEARED: Final = (1 << 64) - 1 ^ (1 << 63 | 1 << 31)
"""Section 2.6: the counter's two cleared bits, in its second word."""


class Siv:
    """SIV with fixed associated data, over bytes columns. Thread-safe.

    `key`: 32, 48 or 64 bytes (32 for SM4), the first half for S2V and the second for CTR.
    `context`: the components of associated data; another context is another function.
    """

    __slots__ = ("_cmac", "_ctr", "_doubled", "_folded", "_subkey")

    def __init__(
        self, key: bytes, context: Sequence[bytes] = (), *, cipher: CipherName = "AES"
    ) -> None:
        if len(key) % 2 or not key:
            raise KeyUnavailable("a key for SIV has an even number of bytes, two keys in one")
        if len(context) > MOST_CONTEXT:
            raise InvalidRequest.of("context", f"has at most {MOST_CONTEXT} components")
        # 2.6: K1 = leftmost half, K2 = rightmost half
        mac = BlockCipher(key[: len(key) // 2], cipher)
        self._cmac = Cmac(mac)
        self._ctr = BlockCipher(key[len(key) // 2 :], cipher)
        # 2.4 S2V, as far as it does not depend on the value
        folded = self._cmac.of(bytes(BLOCK))
        for component in context:
            folded = xor(double(folded), self._cmac.of(component))
        self._folded: Blocks = np.frombuffer(folded, np.uint64)
        self._doubled: Blocks = np.frombuffer(double(folded), np.uint64)

    def seal(self, column: VarlenColumn) -> VarlenColumn:
        """2.6 SIV-Encrypt: each value becomes V || C, 16 bytes longer."""
        vectors = self._s2v(column)
        starts = column.starts + BLOCK * np.arange(column.rows)
        out = np.empty(column.data.size + BLOCK * column.rows, np.uint8)
        put_fixed(out, starts, vectors.view(np.uint8))
        self._crypt(column.data, column.starts, column.lengths, vectors, out, starts + BLOCK)
        return replace(column, data=out, starts=starts, lengths=column.lengths + BLOCK)

    def open(self, sealed: VarlenColumn) -> tuple[VarlenColumn, NDArray[np.bool_]]:
        """2.7 SIV-Decrypt: the values, and which of them are authentic.

        A value that is not authentic is of no use to anyone and comes back as zero bytes; so does
        one that is shorter than 16 bytes.
        """
        long_enough = sealed.lengths >= BLOCK
        rows = np.flatnonzero(long_enough)
        lengths = np.where(long_enough, sealed.lengths - BLOCK, 0)
        starts = np.cumsum(lengths) - lengths
        out = np.zeros(int(lengths.sum()), np.uint8)
        plain = replace(sealed, data=out, starts=starts, lengths=lengths)
        vectors: Blocks = np.zeros((sealed.rows, 2), np.uint64)
        vectors[rows] = take_fixed(sealed.data, sealed.starts[rows], BLOCK).view(np.uint64)
        self._crypt(sealed.data, sealed.starts + BLOCK, lengths, vectors, out, starts)
        expected = self._s2v(plain)
        authentic: NDArray[np.bool_] = long_enough & (vectors[:, 0] == expected[:, 0])
        authentic &= vectors[:, 1] == expected[:, 1]
        if not authentic.all():
            out[np.repeat(~authentic, lengths)] = 0
        return plain, authentic

    def _s2v(self, column: VarlenColumn) -> Blocks:
        """2.4 S2V's last step, for a column of last components."""
        vectors: Blocks = np.empty((column.rows, 2), np.uint64)
        long = np.flatnonzero(column.lengths >= BLOCK)
        if len(long):
            vectors[long] = self._s2v_long(column, long)
        short = np.flatnonzero(column.lengths < BLOCK)
        if len(short):
            # T = dbl(D) xor pad(Sn), 10* being the padding
            source = windows(np.concatenate([column.data, np.zeros(BLOCK, np.uint8)]), BLOCK)
            padded = last_blocks(source, column.starts[short], column.lengths[short], PADDING)
            padded ^= self._doubled
            whole = np.full(len(short), BLOCK)
            vectors[short] = self._cmac.column(
                replace(
                    column,
                    data=padded.view(np.uint8).reshape(-1),
                    starts=whole.cumsum() - BLOCK,
                    lengths=whole,
                )
            )
        return vectors

    def _s2v_long(self, column: VarlenColumn, rows: NDArray[np.int64]) -> Blocks:
        """T = Sn xorend D."""
        data = column.data.copy()
        starts, lengths = column.starts[rows], column.lengths[rows]
        ends = windows(data, BLOCK)
        for begin in range(0, len(rows), PIECE):
            piece = slice(begin, begin + PIECE)
            last = starts[piece] + lengths[piece] - BLOCK
            words = ends[last].view(np.uint64).reshape(-1, 2)
            for word in range(2):
                words[:, word] ^= self._folded[word]
            ends[last] = words.view(_ITEM)[:, 0]
        return self._cmac.column(replace(column, data=data, starts=starts, lengths=lengths))

    def _crypt(
        self,
        source: NDArray[np.uint8],
        starts: NDArray[np.int64],
        lengths: NDArray[np.int64],
        vectors: Blocks,
        target: NDArray[np.uint8],
        target_starts: NDArray[np.int64],
    ) -> None:
        """2.5 CTR from each value's vector with two bits cleared; its own inverse."""
        encrypt = self._ctr.encryptor()
        for length, rows in groups(lengths):
            if not length:
                continue
            blocks = -(-length // BLOCK)
            step = max(1, 2 * PIECE // blocks)
            for begin in range(0, len(rows), step):
                piece = rows[begin : begin + step]
                stream = _keystream(encrypt, vectors[piece], blocks)
                text = take_fixed(source, starts[piece], length)
                put_fixed(target, target_starts[piece], text ^ stream[:, :length])


def _keystream(encrypt: BlockEncryptor, vectors: Blocks, count: int) -> NDArray[np.uint8]:
    """The bytes of `count` counter blocks for each vector, shape (rows, 16·count)."""
    counters: Blocks = np.empty((len(vectors), count, 2), np.uint64)
    counters[:, :, 0] = vectors[:, :1]
    first = vectors[:, 1].byteswap() & np.uint64(_CLEARED)
    swapped = counters.view(">u8")
    for position in range(count):
        # no carry leaves the cleared bit: a value has fewer than 2**31 blocks
        swapped[:, position, 1] = first + np.uint64(position)
    return encrypt(counters.reshape(-1, 2)).view(np.uint8).reshape(len(vectors), -1)
