"""Converts a column from its stored unit: times an exact ratio, without silent overflow."""

from decimal import Decimal
from fractions import Fraction
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gateway.model.schema import scaled_type

_MOST_INT64: Final = 2**63 - 1


def scale(column: pa.Array, ratio: Fraction) -> pa.Array:
    """The column times ``ratio``, in ``scaled_type``; null where the result does not fit.

    Whole ratios are exact on integers and decimals. Otherwise the value is multiplied by the
    numerator and divided by the denominator as doubles: correctly rounded as long as both are
    below 2**53.
    """
    kind = scaled_type(column.type, ratio)
    if ratio == 1:
        return column
    if pa.types.is_integer(kind):
        return _whole_integers(column, ratio.numerator)
    if pa.types.is_decimal(kind):
        return _whole_decimals(column, ratio.numerator, kind)
    return _doubles(column, ratio)


def _whole_integers(column: pa.Array, factor: int) -> pa.Array:
    most = _MOST_INT64 // factor
    if pa.types.is_unsigned_integer(column.type):
        wide = column.cast(pa.uint64())
        fits = pc.less_equal(wide, pa.scalar(most, pa.uint64()))
    else:
        wide = column.cast(pa.int64())
        fits = pc.and_(pc.less_equal(wide, most), pc.greater_equal(wide, -most))
    fitting = pc.if_else(fits, wide, pa.scalar(None, wide.type)).cast(pa.int64())
    return pc.multiply_checked(fitting, pa.scalar(factor, pa.int64()))


def _whole_decimals(column: pa.Array, factor: int, kind: pa.DataType) -> pa.Array:
    wide = column.cast(pa.decimal256(38, kind.scale))
    product = pc.multiply(wide, pa.scalar(factor, pa.decimal256(len(str(factor)), 0)))
    # The most that 38 digits hold at this scale; built from digits, as arithmetic would round.
    most = pa.scalar(Decimal((0, (9,) * 38, -kind.scale)), product.type)
    fits = pc.less_equal(pc.abs(product), most)
    return pc.if_else(fits, product, pa.scalar(None, product.type)).cast(kind)


def _doubles(column: pa.Array, ratio: Fraction) -> pa.Array:
    values = pc.cast(column, pa.float64(), safe=False)
    result = pc.divide(pc.multiply(values, float(ratio.numerator)), float(ratio.denominator))
    grown = pc.and_(pc.is_inf(result), pc.is_finite(values))
    return pc.if_else(grown, pa.scalar(None, pa.float64()), result)
