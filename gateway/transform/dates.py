"""Generalises dates to months, quarters, years and spans of five years, as text.

Text, because a date such as 2024-03-01 would look like a day that somebody recorded. Moments with
a time zone are read in UTC. Years outside 1 to 9999 are unhandled.
"""

from datetime import date
from typing import ClassVar, Final

import pyarrow as pa
import pyarrow.compute as pc

from gateway.model.transforms import DateLevel, GeneralizeDate
from gateway.transform.base import Claim, ColumnTransform, Outcome, outcome, unsupported

_MONTHS: Final[dict[DateLevel, int]] = {"month": 1, "quarter": 3, "year": 12, "five_years": 60}
_TICKS_PER_DAY: Final = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000}
_EPOCH: Final = date(1970, 1, 1).toordinal()
_FIRST_DAY: Final = date.min.toordinal() - _EPOCH
_LAST_DAY: Final = date.max.toordinal() - _EPOCH


class GeneralizeDateColumn(ColumnTransform[GeneralizeDate]):
    """``2024-03``, ``2024-Q1``, ``2024`` or ``2020–2024`` for a day or moment."""

    claim: ClassVar[Claim] = Claim(
        guarantee="of a date only the span can be seen that it lies in; spans are nested",
        precondition="the column is typed as date or timestamp (dates in text are not read)",
        leaves="the span",
        source="GB/T 37964-2019, generalisation; HIPAA 164.514(b)(2)(i)(C) for years",
    )

    @classmethod
    def output_for(cls, spec: GeneralizeDate, source_type: pa.DataType) -> pa.DataType:
        if not (pa.types.is_date32(source_type) or _is_moment(source_type)):
            raise unsupported(spec, source_type, "dates or timestamps up to the microsecond")
        return pa.string()

    def run(self, column: pa.Array) -> Outcome:
        kind = column.type
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            column = column.view(pa.timestamp(kind.unit))  # Arrow stores moments in UTC
        inside = _in_calendar(column)
        safe = pc.if_else(inside, column, pa.scalar(None, column.type))
        months = pc.add(pc.multiply(pc.year(safe), 12), pc.subtract(pc.month(safe), 1))
        # Years are counted from 0, so that spans of five years begin with 2020, 2025, …
        spans = pc.divide(months, _MONTHS[self.spec.to]).dictionary_encode()
        labels = self._labels(spans.dictionary)
        return outcome(labels.take(spans.indices), pc.invert(inside))

    def _labels(self, spans: pa.Array) -> pa.Array:
        months = pc.multiply(spans, _MONTHS[self.spec.to])
        year = pc.divide(months, 12)
        month = pc.subtract(months, pc.multiply(year, 12))
        first = _padded(year, 4)
        if self.spec.to == "month":
            return pc.binary_join_element_wise(first, _padded(pc.add(month, 1), 2), "-")
        if self.spec.to == "quarter":
            quarter = pc.add(pc.divide(month, 3), 1).cast(pa.string())
            return pc.binary_join_element_wise(first, quarter, "-Q")
        if self.spec.to == "year":
            return first
        return pc.binary_join_element_wise(first, _padded(pc.add(year, 4), 4), "–")


def _is_moment(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) and kind.unit in ("s", "ms", "us"))


def _in_calendar(column: pa.Array) -> pa.BooleanArray:
    """Null for null. Compared as counts, for the calendar is undefined far outside these years."""
    kind = column.type
    if pa.types.is_date32(kind):
        ticks, per_day = column.view(pa.int32()).cast(pa.int64()), 1
    else:
        ticks, per_day = column.view(pa.int64()), _TICKS_PER_DAY[kind.unit]
    return pc.and_(
        pc.greater_equal(ticks, _FIRST_DAY * per_day),
        pc.less(ticks, (_LAST_DAY + 1) * per_day),
    )


def _padded(numbers: pa.Array, width: int) -> pa.Array:
    return pc.utf8_lpad(numbers.cast(pa.string()), width, "0")
