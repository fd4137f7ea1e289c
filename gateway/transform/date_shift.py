"""Shifts each person's dates by a secret number of days, the same for all of one person's.

Claim. The order of a person's events and the days between them stay as they are, under one key and
one `most_days` (planning refuses a release with two: two bounds are two shifts); the dates
themselves are off by 1 to `most_days` days to either side, each as likely, never by none. Without
the key and without a known date of the person the shift cannot be told. What stays visible: the
intervals, and seasons where `most_days` is small. One known date of a person reveals all of theirs.
Source: GB/T 37964-2019, randomisation.
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.errors import InvalidRequest, TransformFailed
from gateway.transform.blocks import CipherName
from gateway.transform.keyed_numbers import KeyedNumbers

MOST_DAYS: Final = 36_525
_LABEL: Final = b"date shift"
_TICKS_PER_DAY: Final = {
    "s": 86_400,
    "ms": 86_400_000,
    "us": 86_400_000_000,
    "ns": 86_400_000_000_000,
}


class DateShift:
    """`DateShift(key, most_days=30).apply(dates, persons)`; nothing takes it back.

    `key`: 16 bytes or more, of one domain. `most_days`: 1 to 36,525.
    """

    __slots__ = ("_numbers", "most_days")

    def __init__(self, key: bytes, *, most_days: int, cipher: CipherName = "AES") -> None:
        if not 1 <= most_days <= MOST_DAYS:
            raise InvalidRequest.of("most_days", f"is 1 to {MOST_DAYS}")
        self.most_days: Final = most_days
        self._numbers = KeyedNumbers(key, _LABEL, cipher=cipher)

    def apply(self, dates: pa.Array, persons: pa.Array) -> pa.Array:
        """Dates (date32) or timestamps, shifted by whole days; null dates stay null.

        `persons`: a string or binary column of the same length, not null where there is a date.
        Raises `InvalidRequest` for other types, `TransformFailed` for a null person and for a date
        that would leave the type's range.
        """
        kind = dates.type
        if pa.types.is_date32(kind):
            ticks, width = 1, pa.int32()
        elif pa.types.is_timestamp(kind):
            ticks, width = _TICKS_PER_DAY[kind.unit], pa.int64()
        else:
            raise InvalidRequest.of("dates", f"is {kind}; date shift takes date32 and timestamps")
        if len(persons) != len(dates):
            raise InvalidRequest.of("persons", "is a column as long as the dates")
        present = dates.is_valid()
        shift = self._days(persons.filter(present)) * ticks
        counts = dates.drop_null().view(width).cast(pa.int64())
        try:
            moved = pc.add_checked(counts, pa.array(shift)).cast(width)
        except pa.ArrowInvalid:
            # from None: the foreign exception shows the value
            raise TransformFailed("a shifted date leaves the range of its type") from None
        nothing = pa.nulls(len(dates), kind)
        return pc.replace_with_mask(nothing, present, moved.view(kind))

    def _days(self, persons: pa.Array) -> NDArray[np.int64]:
        """1 to most_days, and as many below zero: 2·most_days cases, zero is none of them."""
        drawn = self._numbers.below(persons, 2 * self.most_days)
        return np.where(drawn < self.most_days, drawn + 1, self.most_days - 1 - drawn)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(1 to {self.most_days} days, key hidden)"
