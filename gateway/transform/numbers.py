"""Generalises numbers: bins, rounding, top and bottom coding; exact for integers and decimals.

A number is an int64 count of some unit 1/D in which all bounds of the spec are whole. Decimal
bounds are exact for integer and decimal columns. A float is compared with the double nearest to
each bound, so that it falls in the bin whose bounds it prints between. Numbers too large for this
arithmetic, NaN and the infinities are unhandled.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.model.exact import DECIMALS, decimals_of, millionths
from gateway.model.transforms import BinNumber, RoundNumber, Spec
from gateway.transform.base import Claim, ColumnTransform, Flags, Outcome, outcome, unsupported

Whole = NDArray[np.int64]

_INT64_MAX: Final = 2**63 - 1
_EXACT: Final = 2**53
"""Up to here every whole number is a double."""
_MOST_SCALE: Final = 18
"""Decimal places of a column at most: 10**18 is the last power of ten in 64 bits."""


def is_number(kind: pa.DataType) -> bool:
    """Integers, decimals of up to 18 places, and floats."""
    return bool(
        pa.types.is_integer(kind)
        or (pa.types.is_decimal128(kind) and 0 <= kind.scale <= _MOST_SCALE)
        or (pa.types.is_floating(kind) and not pa.types.is_float16(kind))
    )


def require_number(spec: Spec, kind: pa.DataType) -> None:
    """`InvalidRequest` for a column that holds no numbers."""
    if not is_number(kind):
        raise unsupported(spec, kind, "integers, decimals or floats")


def scale_of(kind: pa.DataType) -> int:
    """Decimal places that a column's type itself has; 0 for integers and floats."""
    return int(kind.scale) if pa.types.is_decimal128(kind) else 0


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells [origin + n · width, origin + (n+1) · width), in units of 1/``per_one``."""

    width: int
    origin: int
    per_one: int

    def cells(self, column: pa.Array) -> tuple[Whole, Flags]:
        """The n of each slot, and which slots hold a number that it could be told for.

        The n of a null, or of a number that it could not be told for, means nothing.
        """
        if pa.types.is_floating(column.type):
            return self._of_floats(column)
        units, known = unscaled(column)
        factor = self.per_one // 10 ** scale_of(column.type)
        most = (_INT64_MAX - 2 * self.width) // factor
        known &= (units <= most) & (units >= -most)
        shifted = np.where(known, units, 0) * factor - self.origin
        return np.floor_divide(shifted, self.width), known

    def _of_floats(self, column: pa.Array) -> tuple[Whole, Flags]:
        values = column.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
        with np.errstate(over="ignore"):
            scaled = values * self.per_one
        known = np.abs(scaled) < _EXACT - 2 * self.width
        values = np.where(known, values, 0.0)
        cells = np.floor((values * self.per_one - self.origin) / self.width)
        # The product and quotient are rounded, so the estimate can be one cell off.
        cells -= values < self._bound(cells)
        cells += values >= self._bound(cells + 1)
        return cells.astype(np.int64), known

    def _bound(self, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        # Both operands are whole and below 2**53, so the quotient is the double nearest the bound.
        bound: NDArray[np.float64] = (cells * self.width + self.origin) / self.per_one
        return bound


def unscaled(column: pa.Array) -> tuple[Whole, Flags]:
    """Integers, or decimals without their point, as int64; and which slots fit into that.

    A null does not. Slots that do not fit hold 0.
    """
    known = column.is_valid().to_numpy(zero_copy_only=False).copy()
    kind = column.type
    if pa.types.is_decimal128(kind):
        filled = column.fill_null(pa.scalar(Decimal(0), kind))
        words = np.frombuffer(filled.buffers()[1], np.int64).reshape(-1, 2)
        words = words[filled.offset : filled.offset + len(filled)]
        known &= words[:, 1] == words[:, 0] >> 63
        return np.where(known, words[:, 0], 0), known
    filled = column.fill_null(pa.scalar(0, kind))
    if pa.types.is_uint64(kind):
        known &= (filled.to_numpy(zero_copy_only=False)) <= np.uint64(_INT64_MAX)
    units = filled.cast(pa.int64(), safe=False).to_numpy(zero_copy_only=False)
    return np.where(known, units, 0), known


def decimal_column(units: Whole, kind: pa.DataType) -> pa.Array:
    """Unscaled int64 numbers as a decimal128 column of that type."""
    words = np.stack((units, units >> 63), axis=1)
    return pa.Array.from_buffers(kind, len(units), [None, pa.py_buffer(words)])


def spell_units(units: Whole, decimals: int) -> pa.Array:
    """Whole numbers of 10**-decimals as plain decimal text, without an exponent."""
    if decimals == 0:
        return pa.array(units).cast(pa.string())
    whole, part = np.divmod(np.abs(units), 10**decimals)
    return pc.binary_join_element_wise(
        pc.if_else(pa.array(units < 0), "-", ""),
        pa.array(whole).cast(pa.string()),
        ".",
        pc.utf8_lpad(pa.array(part).cast(pa.string()), decimals, "0"),
        "",
    )


def not_known(column: pa.Array, known: Flags) -> pa.BooleanArray:
    """Which values (not nulls) could not be handled."""
    return pc.and_(column.is_valid(), pa.array(~known))


class BinNumberColumn(ColumnTransform[BinNumber]):
    """Numbers as text ranges."""

    claim: ClassVar[Claim] = Claim(
        guarantee="of a number only the bin can be seen that it lies in",
        precondition="bins hold enough people; the k-anonymity check of the release measures that",
        leaves="the bin; with top and bottom, also that a value is among the extreme ones",
        source="GB/T 37964-2019, generalisation; ISO/IEC 20889, rounding and top coding",
    )

    @classmethod
    def output_for(cls, spec: BinNumber, source_type: pa.DataType) -> pa.DataType:
        require_number(spec, source_type)
        decimals = max(scale_of(source_type), spec.decimals)
        bounds = (spec.width, spec.bottom, spec.top)
        _require_room(spec, source_type, [b for b in bounds if b is not None], decimals)
        return pa.string()

    def run(self, column: pa.Array) -> Outcome:
        spec, edges = self.spec, self.spec.edges
        decimals = max(scale_of(self.source_type), spec.decimals)
        grid = Grid(_units(edges.width, decimals), _units(edges.origin, decimals), 10**decimals)
        cells, known = grid.cells(column)
        if edges.bottom is not None:
            cells = np.maximum(cells, (edges.bottom - edges.origin) // edges.width - 1)
        if edges.top is not None:
            cells = np.minimum(cells, (edges.top - edges.origin) // edges.width)
        present = pa.array(cells, mask=~known).dictionary_encode()
        labels = self._labels(present.dictionary.to_numpy(zero_copy_only=False))
        return outcome(labels.take(present.indices), not_known(column, known))

    def _labels(self, cells: Whole) -> pa.Array:
        """``20–29`` for whole numbers in whole bins, else ``[20, 30)``; ``<18`` and ``≥90``."""
        spec, edges, places = self.spec, self.spec.edges, self.spec.decimals
        width, origin = _units(edges.width, places), _units(edges.origin, places)
        low = cells * width + origin
        first, after = spell_units(low, places), spell_units(low + width, places)
        if places == 0 and pa.types.is_integer(self.source_type):
            last = spell_units(low + width - 1, 0)
            labels = first if width == 1 else pc.binary_join_element_wise(first, last, "–")
        else:
            inner = pc.binary_join_element_wise(first, after, ", ")
            labels = pc.binary_join_element_wise("[", inner, ")", "")
        if edges.bottom is not None:
            below = pa.array(low < _units(edges.bottom, places))
            labels = pc.if_else(below, f"<{spec.bottom}", labels)
        if edges.top is not None:
            above = pa.array(low >= _units(edges.top, places))
            labels = pc.if_else(above, f"≥{spec.top}", labels)
        return labels


def _units(number: int, decimals: int) -> int:
    """Millionths as whole numbers of 10**-decimals; exact, as no bound has more decimals."""
    if decimals >= DECIMALS:
        return number * int(10 ** (decimals - DECIMALS))
    return number // int(10 ** (DECIMALS - decimals))


def _require_room(spec: Spec, kind: pa.DataType, bounds: list[str], decimals: int) -> None:
    most = _EXACT if pa.types.is_floating(kind) else _INT64_MAX
    for bound in bounds:
        if abs(_units(millionths(bound), max(decimals, decimals_of(bound)))) > most // 8:
            raise unsupported(spec, kind, f"numbers exact enough for the bound {bound}")


class RoundNumberColumn(ColumnTransform[RoundNumber]):
    """The nearest multiple of a step, halves upward (towards plus infinity)."""

    claim: ClassVar[Claim] = Claim(
        guarantee="of a number only the nearest multiple of the step can be seen",
        precondition="the step is coarse against the distance between people",
        leaves="the magnitude, and extreme values as such",
        source="ISO/IEC 20889, rounding",
    )

    @classmethod
    def output_for(cls, spec: RoundNumber, source_type: pa.DataType) -> pa.DataType:
        require_number(spec, source_type)
        exact = not pa.types.is_floating(source_type)
        if exact and decimals_of(spec.step) > scale_of(source_type):
            raise unsupported(spec, source_type, f"columns that can hold multiples of {spec.step}")
        _require_room(spec, source_type, [spec.step], max(scale_of(source_type), 1))
        return source_type

    def run(self, column: pa.Array) -> Outcome:
        kind, decimals = self.source_type, scale_of(self.source_type)
        if pa.types.is_floating(kind):
            decimals = decimals_of(self.spec.step)
        step = _units(millionths(self.spec.step), decimals)
        # In half units, so that the cuts between two multiples are whole.
        nearest, known = Grid(2 * step, -step, 2 * 10**decimals).cells(column)
        units = np.where(known, nearest, 0) * step
        if pa.types.is_floating(kind):
            rounded = pa.array(units / 10**decimals).cast(kind, safe=False)
        elif pa.types.is_decimal128(kind):
            known &= np.abs(units) < 10 ** min(kind.precision, _MOST_SCALE)
            rounded = decimal_column(np.where(known, units, 0), kind)
        else:
            limits = np.iinfo(kind.to_pandas_dtype())
            known &= (units >= limits.min) & (units <= min(limits.max, _INT64_MAX))
            rounded = pa.array(np.where(known, units, 0)).cast(kind)
        present = pc.if_else(column.is_valid(), rounded, pa.scalar(None, kind))
        return outcome(present, not_known(column, known))
