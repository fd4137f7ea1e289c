"""Converts units exactly: a column's ratio, the type it then has, and filters on it."""

import re
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Final

import pyarrow as pa

from gateway.errors import InvalidRequest
from gateway.model.catalog import Column
from gateway.model.conditions import Condition
from gateway.model.schema import arrow_type, scaled_type
from gateway.norms.elements import elements
from gateway.norms.units import units

_PLAIN: Final = re.compile(r"[-+]?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)


def scale_of(column: Column) -> Fraction:
    """What stored values are multiplied by to be in the element's unit.

    1 where the column or its element names no unit: the values then are taken to be in the unit
    they should be in. InvalidRequest for a unit that cannot be converted.
    """
    element = elements().get(column.element) if column.element is not None else None
    if element is None or not element.unit or column.unit is None:
        return Fraction(1)
    return units().scale(column.unit, element.unit)


def read_type(column: Column, scale: Fraction) -> pa.DataType:
    """The type of the column's values after scaling. InvalidRequest when they have no unit."""
    try:
        return scaled_type(arrow_type(column.type), scale)
    except InvalidRequest as unfit:
        text = f"{column.name} is {column.type}: only numbers can be converted between units"
        raise InvalidRequest.of("unit", text) from unfit


def in_stored_unit(condition: Condition, column: Column, scale: Fraction) -> Condition:
    """The same condition on the values as stored; conditions are written in the released unit.

    InvalidRequest when a bound has no exact form in the stored unit.
    """
    if scale == 1 or not condition.values:
        return condition
    return condition.but(values=tuple(_divided(v, column, scale) for v in condition.values))


def _divided(value: str, column: Column, scale: Fraction) -> str:
    if _PLAIN.fullmatch(value) is None:
        # Infinities have no ratio, and the digits of 1e999999999 would fill the memory.
        raise InvalidRequest.of(
            "filters", f"write a bound on {column.published_name} as a plain decimal number"
        )
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
