"""Numbers combinations of codes: many narrow columns become one int64 column, and are found again."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from gateway.transform.anonymize.ladder import Codes

Keys = NDArray[np.int64]

_MOST: Final = 1 << 62
ABSENT: Final = -1


@dataclass(frozen=True, slots=True, repr=False)
class KeySpace:
    """Mixed-radix keys of the combinations seen in a table.

    Where all columns together exceed 62 bits, what was packed so far is first numbered by rank:
    ``ranks`` holds, before each such column, the sorted keys there were.
    """

    radices: tuple[int, ...]
    ranks: tuple[Keys | None, ...]

    @classmethod
    def of(cls, codes: Codes, radices: tuple[int, ...]) -> tuple[Self, Keys]:
        """The space of these rows (n × d), and the key of each."""
        keys = np.zeros(len(codes), np.int64)
        span, ranks = 1, []
        for column, radix in enumerate(radices):
            ranked = None
            if span > _MOST // max(radix, 1):
                ranked, keys = np.unique(keys, return_inverse=True)
                span = len(ranked)
            ranks.append(ranked)
            keys = keys * radix + codes[:, column]
            span *= radix
        return cls(radices, tuple(ranks)), keys

    def keys(self, codes: Codes) -> Keys:
        """The key of each row; ABSENT for a combination that cannot have been there."""
        keys = np.zeros(len(codes), np.int64)
        known = np.ones(len(codes), bool)
        for column, (radix, ranked) in enumerate(zip(self.radices, self.ranks, strict=True)):
            if ranked is not None:
                keys, found = places(ranked, keys)
                known &= found
            keys = keys * radix + codes[:, column]
        return np.where(known, keys, ABSENT)


def places(ordered: Keys, wanted: Keys) -> tuple[Keys, NDArray[np.bool_]]:
    """Where each wanted key stands among ordered ones, and whether it does."""
    if not len(ordered):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return at, ordered[at] == wanted
