"""Draws a sample of persons by key: the same ones in every table and batch of one domain.

Claim. A person is in the sample with the given chance, whatever the data says of them; all rows of
a person are in it or none; two samples under one key are nested by their fractions. Without the key
it cannot be told whether a person was left out or was never there. Source: GB/T 37964-2019,
statistical techniques (sampling).
"""

from fractions import Fraction
from typing import Final

import numpy as np
import pyarrow as pa

from gateway.errors import InvalidRequest
from gateway.transform.blocks import CipherName
from gateway.transform.keyed_numbers import KeyedNumbers

_LABEL: Final = b"sample of rows"


class KeyedSample:
    """`KeyedSample(key, Fraction(1, 10)).drawn(persons)`, a mask for `filter`.

    `key`: 16 bytes or more, of one domain. `fraction`: above 0 and at most 1; rounded down to a
    multiple of 2**-64, and refused where that is 0.
    """

    __slots__ = ("_below", "_numbers", "fraction")

    def __init__(self, key: bytes, fraction: Fraction, *, cipher: CipherName = "AES") -> None:
        self._below = int(fraction * 2**64)
        if not (self._below and fraction <= 1):
            raise InvalidRequest.of("fraction", "is above 0 and at most 1")
        self.fraction: Final = fraction
        self._numbers = KeyedNumbers(key, _LABEL, cipher=cipher)

    def drawn(self, persons: pa.Array) -> pa.BooleanArray:
        """Which rows belong to a person of the sample; no nulls.

        `persons`: string or binary, `TransformFailed` if one is null: such a row is nobody's, and
        whether it is drawn would have to be made up.
        """
        # compared with the largest number that is in, which fits in 64 bits also for all of them
        return pa.array(self._numbers.of(persons) <= np.uint64(self._below - 1))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.fraction}, key hidden)"
