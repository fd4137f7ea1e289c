"""A keyed permutation of the integers below any bound: FF1 and cycle walking.

Identifiers that must stay valid are no free strings: a mobile number has 1 and 3 to 9 in front, an
identity number holds a date. What is free in them is counted through from 0 to size - 1; this
permutes the counts. FF1 runs on the count's digits where the bound is a power of ten (so another
implementation of FF1 gives the same result on the digits), else on its bits; a result beyond the
bound is encrypted again until it is inside, which is a permutation of the inside and whose inverse
walks back the same way. With bits at least half of all results are inside.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.errors import InvalidRequest
from gateway.transform.blocks import PIECE, BlockCipher, BlockEncryptor
from gateway.transform.ff1_rounds import Prefix, Shape, narrow_rounds

LEAST_SIZE: Final = 1_000_000
"""SP 800-38G revision 1 (draft), section 5.1, for the domain that an attacker would search."""
MOST_SIZE: Final = 2**63


class IntegerPermutation:
    """FF1 under a cipher on the integers from 0 to size - 1. Thread-safe.

    `size` below 1,000,000 or above 2**63 is `InvalidRequest`.
    """

    __slots__ = ("_cipher", "_shape", "size")

    def __init__(self, cipher: BlockCipher, size: int) -> None:
        if not LEAST_SIZE <= size <= MOST_SIZE:
            raise InvalidRequest.of("size", f"of a domain is {LEAST_SIZE} to 2**63")
        self._cipher = cipher
        self.size: Final = size
        digits = len(str(size)) - 1
        whole = size == 10**digits
        self._shape = Shape(10, digits) if whole else Shape(2, (size - 1).bit_length())

    def apply(
        self, numbers: NDArray[np.uint64], tweaks: NDArray[np.uint8], *, inverse: bool
    ) -> NDArray[np.uint64]:
        """`numbers` below the size, `tweaks` of shape (rows, t), or (1, t) for one for all."""
        encrypt = self._cipher.encryptor()
        out = np.empty_like(numbers)
        shared = Prefix.of(encrypt, self._shape, tweaks) if len(tweaks) == 1 else None
        for begin in range(0, len(numbers), PIECE):
            piece = slice(begin, begin + PIECE)
            prefix = shared or Prefix.of(encrypt, self._shape, tweaks[piece])
            out[piece] = self._walk(encrypt, prefix, numbers[piece], inverse=inverse)
        return out

    def _walk(
        self,
        encrypt: BlockEncryptor,
        prefix: Prefix,
        numbers: NDArray[np.uint64],
        *,
        inverse: bool,
    ) -> NDArray[np.uint64]:
        numbers = self._once(encrypt, prefix, numbers, inverse=inverse)
        outside = np.flatnonzero(numbers >= np.uint64(self.size))
        while len(outside):
            again = self._once(encrypt, prefix.at(outside), numbers[outside], inverse=inverse)
            numbers[outside] = again
            outside = outside[again >= np.uint64(self.size)]
        return numbers

    def _once(
        self,
        encrypt: BlockEncryptor,
        prefix: Prefix,
        numbers: NDArray[np.uint64],
        *,
        inverse: bool,
    ) -> NDArray[np.uint64]:
        scale = np.uint64(self._shape.modulus(1))
        left = numbers // scale
        right = numbers - left * scale
        left, right = narrow_rounds(encrypt, self._shape, prefix, left, right, inverse=inverse)
        return left * scale + right

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._cipher.name}, size {self.size}, key hidden)"
