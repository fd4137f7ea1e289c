"""Numbers drawn by key: each value of a column has its own number, the same in every batch.

A number is the first 64 bits of AES-CMAC-PRF-128 (RFC 4615) of the value, reduced modulo the bound;
the chance of each number differs from 1 / bound by less than 2**-64. The label gives every purpose
its own subkey, so that the shift of a person's dates tells nothing of their place in a sample.
"""

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gateway.errors import KeyUnavailable, TransformFailed
from gateway.transform.blocks import BlockCipher, CipherName
from gateway.transform.cmac import Cmac, prf_key
from gateway.transform.varlen import VarlenColumn

SHORTEST_KEY: Final = 16


class KeyedNumbers:
    """Uniform 64-bit numbers for the values of string or binary columns. Thread-safe."""

    __slots__ = ("_cmac",)

    def __init__(self, key: bytes, label: bytes, *, cipher: CipherName = "AES") -> None:
        if len(key) < SHORTEST_KEY:
            raise KeyUnavailable(f"a key for numbers has at least {SHORTEST_KEY} bytes")
        subkey = Cmac(BlockCipher(prf_key(key, cipher), cipher)).of(label)
        self._cmac = Cmac(BlockCipher(subkey, cipher))

    def of(self, subjects: pa.Array) -> NDArray[np.uint64]:
        """One number for each row; `TransformFailed` where the subject is null."""
        if subjects.null_count:
            raise TransformFailed("a row has no subject: the column that names it holds a null")
        return self._cmac.column(VarlenColumn.of(subjects, "subjects"))[:, 0].byteswap()

    def below(self, subjects: pa.Array, bound: int) -> NDArray[np.int64]:
        """One number from 0 to bound - 1 for each row; `bound` at most 2**63."""
        return (self.of(subjects) % np.uint64(bound)).astype(np.int64)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key hidden)"
