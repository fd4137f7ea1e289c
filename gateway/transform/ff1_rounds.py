"""The ten Feistel rounds of FF1 (NIST SP 800-38G, algorithms 7 and 8) over arrays of numbers.

The halves of a value are numbers here, not strings, so that a round is: one block cipher call over
all values, one reduction modulo radix**m, one addition. What does not change from round to round
is computed once: the CBC-MAC state after P and the leading blocks of the tweak. Comments bear the
standard's step numbers.

`narrow_rounds` has halves in uint64 and one block a round, `wide_rounds` exact integers and as many
blocks as the standard asks for.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.transform.blocks import BLOCK, BlockEncryptor, Blocks
from gateway.transform.numerals import NARROW

ROUNDS: Final = 10


@dataclass(frozen=True, slots=True)
class Shape:
    """What follows from radix and length alone (steps 1, 3, 4, and P of step 5)."""

    radix: int
    length: int

    @property
    def left(self) -> int:
        """Step 1: u, the numerals of A."""
        return self.length // 2

    @property
    def right(self) -> int:
        """Step 1: v, the numerals of B."""
        return self.length - self.left

    @property
    def number_bytes(self) -> int:
        """Step 3: b, the bytes of the larger half, from its exact number of bits."""
        return -(-(self.modulus(1) - 1).bit_length() // 8)

    @property
    def output_bytes(self) -> int:
        """Step 4: d, the bytes of S."""
        return 4 * -(-self.number_bytes // 4) + 4

    @property
    def narrow(self) -> bool:
        """Whether halves fit in uint64."""
        return self.modulus(1) <= NARROW

    def modulus(self, turn: int) -> int:
        """Steps 6v and 6vi: radix**m, m = u in even rounds and v in odd ones."""
        power: int = self.radix ** (self.right if turn % 2 else self.left)
        return power

    def first_block(self, tweak_bytes: int) -> bytes:
        """Step 5: P."""
        return (
            bytes([1, 2, 1])
            + self.radix.to_bytes(3)
            + bytes([ROUNDS, self.left % 256])
            + self.length.to_bytes(4)
            + tweak_bytes.to_bytes(4)
        )


@dataclass(frozen=True, slots=True, repr=False)
class Prefix:
    """The part of step 6ii that no round changes: the chain so far and the blocks still to come.

    `chain` and `rest` have one row for all values, or one for each where tweaks differ. `rest`
    holds Q's bytes from the block of [i] on, with [i] and NUM(B) still zero.
    """

    chain: Blocks
    rest: NDArray[np.uint8]

    @classmethod
    def of(cls, encrypt: BlockEncryptor, shape: Shape, tweaks: NDArray[np.uint8]) -> "Prefix":
        """`tweaks`: shape (1, t) or (rows, t)."""
        rows, size = tweaks.shape
        tail = 1 + shape.number_bytes
        whole = size + tail + -(size + tail) % BLOCK
        # Step 6i without [i] and NUM(B): T, zeros
        q = np.zeros((rows, whole), np.uint8)
        q[:, :size] = tweaks
        fixed = (whole - tail) // BLOCK * BLOCK
        p = np.frombuffer(shape.first_block(size), np.uint64).reshape(1, 2)
        chain = np.repeat(encrypt(p), rows, axis=0)
        for start in range(0, fixed, BLOCK):
            chain ^= _words(q[:, start : start + BLOCK])
            chain = encrypt(chain).copy()
        return cls(chain, q[:, fixed:])

    def at(self, rows: NDArray[np.int64]) -> "Prefix":
        """Those rows; the one row that stands for all stays."""
        if len(self.chain) == 1:
            return self
        return Prefix(self.chain[rows], self.rest[rows])


def narrow_rounds(
    encrypt: BlockEncryptor,
    shape: Shape,
    prefix: Prefix,
    left: NDArray[np.uint64],
    right: NDArray[np.uint64],
    *,
    inverse: bool,
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Step 6 for halves below 2**63; both arrays are overwritten. Returns A and B."""
    last: Blocks = _words(prefix.rest) ^ prefix.chain
    bits = 8 * shape.number_bytes
    blocks: Blocks = np.empty((len(left), 2), np.uint64)
    blocks[:, 0] = last[:, 0]
    swapped = blocks.view(">u8")
    constant = last[:, 1].byteswap()
    scratch, y = np.empty_like(left), np.empty_like(left)
    turns = range(ROUNDS)
    for turn in reversed(turns) if inverse else turns:
        kept, other = (left, right) if inverse else (right, left)
        # 6i: [i] stands right before the b bytes of NUM(B), which fill at most the second word
        if bits < 64:
            np.bitwise_xor(kept, constant ^ np.uint64(turn << bits), out=scratch)
        else:
            np.bitwise_xor(kept, constant, out=scratch)
            np.bitwise_xor(last[:, 0], np.uint64(turn << 56), out=blocks[:, 0])
        swapped[:, 1] = scratch
        s = encrypt(blocks)  # 6ii; 6iii: S is its first d = 8 or 12 bytes
        np.copyto(y, s.view(">u8")[:, 0])  # 6iv
        modulus = shape.modulus(turn)  # 6v
        _reduce(y, modulus, scratch)
        if shape.output_bytes > 8:
            _append(y, s.view(">u4")[:, 2], modulus, scratch)
        # 6vi: the wrong one of c and c -/+ radix**m has wrapped round to a huge number
        if inverse:
            np.subtract(other, y, out=other)
            np.add(other, np.uint64(modulus), out=scratch)
        else:
            np.add(other, y, out=other)
            np.subtract(other, np.uint64(modulus), out=scratch)
        np.minimum(other, scratch, out=other)
        left, right = right, left  # 6viii, 6ix
    return left, right


def wide_rounds(
    encrypt: BlockEncryptor,
    shape: Shape,
    prefix: Prefix,
    left: NDArray[np.object_],
    right: NDArray[np.object_],
    *,
    inverse: bool,
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Step 6 for halves of any size, as object arrays of exact integers. Returns A and B."""
    rows, size = len(left), shape.number_bytes
    q: NDArray[np.uint8] = np.empty((rows, prefix.rest.shape[1]), np.uint8)
    q[:] = prefix.rest
    turns = range(ROUNDS)
    for turn in reversed(turns) if inverse else turns:
        kept, other = (left, right) if inverse else (right, left)
        q[:, -size - 1] = turn  # 6i
        q[:, -size:] = _number_bytes(kept, size)
        chain = np.broadcast_to(prefix.chain, (rows, 2))
        for start in range(0, q.shape[1], BLOCK):  # 6ii
            chain = encrypt(_words(q[:, start : start + BLOCK]) ^ chain)
        y = _expanded(encrypt, chain, shape.output_bytes)  # 6iii, 6iv
        c = other - y if inverse else other + y
        other = c % shape.modulus(turn)  # 6v, 6vi
        left, right = (other, kept) if inverse else (kept, other)  # 6viii, 6ix
    return left, right


def _reduce(numbers: NDArray[np.uint64], modulus: int, scratch: NDArray[np.uint64]) -> None:
    """Modulo in place; NumPy divides by a constant with a multiplication, unlike its remainder."""
    divisor = np.uint64(modulus)
    np.floor_divide(numbers, divisor, out=scratch)
    np.multiply(scratch, divisor, out=scratch)
    np.subtract(numbers, scratch, out=numbers)


def _append(
    numbers: NDArray[np.uint64],
    low: NDArray[np.uint32],
    modulus: int,
    scratch: NDArray[np.uint64],
) -> None:
    """Modulo of numbers·2**32 + low in place, as many bits at a time as leave no carry."""
    tail = low.astype(np.uint64)
    spare = 64 - (modulus - 1).bit_length()
    left = 32
    while left:
        bits = min(spare, left)
        left -= bits
        numbers <<= np.uint64(bits)
        np.right_shift(tail, np.uint64(left), out=scratch)
        scratch &= np.uint64((1 << bits) - 1)
        numbers |= scratch
        _reduce(numbers, modulus, scratch)


def _expanded(encrypt: BlockEncryptor, r: Blocks, size: int) -> NDArray[np.object_]:
    """Steps 6iii and 6iv: the first `size` bytes of R, CIPH(R xor [1]), CIPH(R xor [2]), … ."""
    blocks = [r.copy()]
    for counter in range(1, -(-size // BLOCK)):
        r_counter = blocks[0].copy()
        r_counter[:, 1] ^= np.uint64(counter).byteswap()
        blocks.append(encrypt(r_counter).copy())
    y: NDArray[np.object_] = np.zeros(len(r), object)
    for word in np.concatenate(blocks, axis=1).T:
        y = y * 2**64 + word.byteswap().astype(object)
    wanted: NDArray[np.object_] = y >> 8 * (BLOCK * len(blocks) - size)
    return wanted


def _number_bytes(numbers: NDArray[np.object_], size: int) -> NDArray[np.uint8]:
    """[NUM]**b: each number in `size` bytes, big-endian; shape (rows, size)."""
    words = -(-size // 8)
    out = np.empty((len(numbers), words), ">u8")
    for word in range(words):
        limb: NDArray[np.object_] = (numbers >> 64 * word) & (2**64 - 1)
        out[:, words - 1 - word] = limb.astype(np.uint64)
    return out.view(np.uint8)[:, 8 * words - size :]


def _words(matrix: NDArray[np.uint8]) -> Blocks:
    return np.ascontiguousarray(matrix).view(np.uint64)
