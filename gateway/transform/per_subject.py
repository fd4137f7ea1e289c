"""Transforms that draw by key from the person of each row: shifted dates, bounded noise."""

from collections.abc import Callable
from decimal import Decimal
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.model.transforms import BoundedNoise, ShiftDate
from gateway.transform import tokens
from gateway.transform.base import (
    Claim,
    Outcome,
    Resources,
    SubjectTransform,
    outcome,
    unsupported,
)
from gateway.transform.date_shift import DateShift
from gateway.transform.keyed_noise import LARGEST_EXACT, KeyedNoise

_TICKS: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY: Final = 86_400


class ShiftDateColumn(SubjectTransform[ShiftDate]):
    """Each person's dates by one secret number of days, never by none."""

    claim: ClassVar[Claim] = Claim(
        guarantee=(
            "a date is off by 1 to most_days days to either side, each as likely; the order of a "
            "person's dates and the days between them stay, in all columns of a release"
        ),
        precondition="no date of the person is known: one that is reveals all of theirs",
        leaves="the intervals between a person's dates, the time of day, seasons and trends",
        source="AES-CMAC-PRF-128, RFC 4615; GB/T 37964-2019, randomisation",
    )

    @classmethod
    def output_for(cls, spec: ShiftDate, source_type: pa.DataType) -> pa.DataType:
        if not (pa.types.is_date32(source_type) or pa.types.is_timestamp(source_type)):
            raise unsupported(spec, source_type, "dates or timestamps")
        return source_type

    @classmethod
    def construction_of(cls, spec: ShiftDate) -> str:
        return f"{tokens.construction(spec.cipher)}, reduced to a number of days"

    def prepare(self, resources: Resources) -> None:
        spec = self.spec
        key = resources.key_for(spec)
        self._shift = DateShift(key, most_days=spec.most_days, cipher=spec.cipher)

    def run_for(self, column: pa.Array, subjects: pa.Array) -> Outcome:
        kind = column.type
        if pa.types.is_date32(kind):
            ticks, counted, most = 1, column.view(pa.int32()), 2**31 - 1
        else:
            ticks, counted, most = _DAY * _TICKS[kind.unit], column.view(pa.int64()), 2**63 - 1
        fits = _within(counted.cast(pa.int64()), most - self.spec.most_days * ticks)
        return _of_somebody(column, subjects, fits, self._shift.apply)


class BoundedNoiseColumn(SubjectTransform[BoundedNoise]):
    """A number of steps up or down, the same for the same person and column each time."""

    claim: ClassVar[Claim] = Claim(
        guarantee=(
            "a number is rounded to a multiple of step and then off by at most most_steps of them "
            "to either side, each as likely; asking again averages nothing out"
        ),
        precondition=(
            "no value of the person in this column is known; this is not differential privacy"
        ),
        leaves="the number up to the bound, and the differences between a person's numbers",
        source="AES-CMAC-PRF-128, RFC 4615; GB/T 37964-2019, randomisation",
    )

    @classmethod
    def output_for(cls, spec: BoundedNoise, source_type: pa.DataType) -> pa.DataType:
        if pa.types.is_floating(source_type) and not pa.types.is_float16(source_type):
            return source_type
        if not pa.types.is_integer(source_type):
            raise unsupported(spec, source_type, "whole numbers or floats")
        if Decimal(spec.step) % 1:
            raise unsupported(spec, source_type, "floats, where step is not whole")
        if _reach(spec) > min(_most(source_type), 2**62):
            raise unsupported(spec, source_type, "numbers larger than the noise")
        return source_type

    @classmethod
    def construction_of(cls, spec: BoundedNoise) -> str:
        return (
            f"{tokens.construction(spec.cipher)}, reduced to a number of steps, on rounded numbers"
        )

    def prepare(self, resources: Resources) -> None:
        spec = self.spec
        self._noise = KeyedNoise(
            resources.key_for(spec),
            most_steps=spec.most_steps,
            step=Decimal(spec.step),
            cipher=spec.cipher,
        )

    def run_for(self, column: pa.Array, subjects: pa.Array) -> Outcome:
        kind = column.type
        if pa.types.is_floating(kind):
            fits = _within(column.cast(pa.float64()), _most_of_floats(self.spec, kind))
        else:
            least = 0 if pa.types.is_unsigned_integer(kind) else -_most(kind)
            most, reach = min(_most(kind), 2**63 - 1), int(_reach(self.spec))
            fits = pc.and_(
                pc.less_equal(column, pa.scalar(most - reach, kind)),
                pc.greater_equal(column, pa.scalar(least + reach, kind)),
            )
        return _of_somebody(column, subjects, fits, self._noise.apply)


def _of_somebody(
    column: pa.Array,
    subjects: pa.Array,
    fits: pa.BooleanArray,
    draw: Callable[[pa.Array, pa.Array], pa.Array],
) -> Outcome:
    """The values that fit, in rows of somebody, moved; all others are unhandled."""
    workable = pc.and_(fits, subjects.is_valid()).fill_null(False)
    movable = pc.if_else(workable, column, pa.scalar(None, column.type))
    return outcome(draw(movable, subjects), pc.and_(column.is_valid(), pc.invert(workable)))


def _within(numbers: pa.Array, most: float) -> pa.BooleanArray:
    """False for NaN."""
    return pc.and_(pc.less_equal(numbers, most), pc.greater_equal(numbers, -most))


def _reach(spec: BoundedNoise) -> Decimal:
    """How far off a whole number can be, by rounding and by noise."""
    step = Decimal(spec.step)
    return step * spec.most_steps + step // 2


def _most_of_floats(spec: BoundedNoise, kind: pa.DataType) -> float:
    """Up to where a number of steps is exact, and its product with the step no infinity."""
    step, steps = float(Decimal(spec.step)), spec.most_steps + 1
    largest = float(np.finfo(kind.to_pandas_dtype()).max)
    return min(step * (LARGEST_EXACT - steps), largest - step * steps)


def _most(kind: pa.DataType) -> int:
    """The largest number of an integer type."""
    return int(2 ** (kind.bit_width - pa.types.is_signed_integer(kind)) - 1)
