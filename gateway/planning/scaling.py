"""Converts units exactly: a column's ratio, the type it then has, and filters on it."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pyarrow as pa

from gateway.errors import InvalidRequest
from gateway.model.catalog import Column
from gateway.model.conditions import Condition
from gateway.norms.elements import elements
from gateway.norms.units import units


def scale_of(column: Column) -> Fraction:
    """What stored values are multiplied by to be in the element's unit.

    1 where the column or its element names no unit: the values then are taken to be in the unit
    they should be in. InvalidRequest for a unit that cannot be converted.
    """
    element = elements().get(column.element) if column.element is not None else None
    if element is None or not element.unit or column.unit is None:
        return Fraction(1)
    return units().scale(column.unit, element.unit)


def scaled_type(column: Column, source_type: pa.DataType, scale: Fraction) -> pa.DataType:
    """The type of the scaled values.

    Integers stay integers under a whole ratio, decimals keep their places under one, everything
    else numeric becomes ``double``. InvalidRequest when the column is not numeric.
    """
    if scale == 1:
        return source_type
    whole = scale.denominator == 1
    if pa.types.is_integer(source_type):
        return pa.int64() if whole else pa.float64()
    if pa.types.is_decimal(source_type):
        return pa.decimal128(38, source_type.scale) if whole else pa.float64()
    if pa.types.is_floating(source_type):
        return pa.float64()
    raise InvalidRequest.of(
        "unit", f"{column.name} is {column.type}: only numbers can be converted between units"
    )


def in_stored_unit(condition: Condition, column: Column, scale: Fraction) -> Condition:
    """The same condition on the values as stored; conditions are written in the released unit.

    InvalidRequest when a bound has no exact form in the stored unit.
    """
    if scale == 1 or not condition.values:
        return condition
    return condition.but(values=tuple(_divided(v, column, scale) for v in condition.values))


def _divided(value: str, column: Column, scale: Fraction) -> str:
    stored = Fraction(value) / scale
    with localcontext() as context:
        context.prec = 60
        text = Decimal(stored.numerator) / Decimal(stored.denominator)
        exact = Fraction(text) == stored
    integral = "int" in column.type
    if not exact or (integral and stored.denominator != 1):
        raise InvalidRequest.of(
            "filters", f"a bound on {column.published_name} has no exact form in {column.unit}"
        )
    return str(stored.numerator) if stored.denominator == 1 else f"{text:f}"
