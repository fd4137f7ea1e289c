"""Reads a column of text as numerals of an alphabet, and writes numerals back in their places.

Characters that were declared as separators are left out of the numerals and stay where they stand.
Any other character outside the alphabet makes its value unfit, and so does a length outside the
bounds: a full-width digit, say, is no digit here and is never passed through as if it were one.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gateway.errors import InvalidRequest, TransformFailed
from gateway.transform.alphabets import OUTSIDE, Alphabet
from gateway.transform.numerals import Numerals
from gateway.transform.varlen import VarlenColumn, build_text

_Code = TypeVar("_Code", np.uint8, np.uint32)


@dataclass(frozen=True, slots=True, repr=False)
class NumeralColumn:
    """The numerals of all values that are not null, back to back.

    `values` is uint8 where the radix is at most 256, else uint16; value i has `lengths[i]` of them
    from `starts[i]` on. `codes` are the characters, separators too: bytes of ASCII text, else code
    points; `inside` says which of them are numerals, None if all are. `fit` is False for values
    that hold a character which is neither in the alphabet nor a separator, None if there is none.
    """

    values: Numerals
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    codes: NDArray[np.uint8 | np.uint32]
    inside: NDArray[np.bool_] | None
    fit: NDArray[np.bool_] | None
    source: VarlenColumn

    @classmethod
    def of(cls, column: pa.Array, alphabet: Alphabet, separators: str) -> "NumeralColumn":
        """From string or large string; else `InvalidRequest`."""
        source = VarlenColumn.of(column)
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            raise InvalidRequest.of("column", f"is {column.type}; cast it to string first")
        if alphabet.is_ascii and separators.isascii():
            return _from_bytes(source, alphabet, separators)
        return _from_codes(source, alphabet, separators)

    def written(self, values: Numerals, alphabet: Alphabet) -> pa.Array:
        """The column with other numerals in the same places."""
        source = self.source
        if self.codes.dtype == np.uint8:
            text = alphabet.write(values.astype(np.uint8, copy=False))
            if self.inside is not None:
                text = _replaced(self.codes.astype(np.uint8), self.inside, text)
            return build_text(text, source.lengths, source.valid, source.slots, large=source.large)
        codes = alphabet.codes[values]
        if self.inside is not None:
            codes = _replaced(self.codes.astype(np.uint32), self.inside, codes)
        text = np.frombuffer(codes.tobytes().decode("utf-32-le").encode(), np.uint8)
        widths = np.uint8(1) + (codes > 0x7F) + (codes > 0x7FF) + (codes > 0xFFFF)
        ends = _sums(widths)
        first, count = _characters(source)
        lengths = ends[first + count] - ends[first]
        return build_text(text, lengths, source.valid, source.slots, large=source.large)


def _from_bytes(source: VarlenColumn, alphabet: Alphabet, separators: str) -> NumeralColumn:
    """Text whose numerals and separators are all ASCII: one byte is one character."""
    data = source.data
    numerals = alphabet.read(data)
    if not data.size or int(numerals.max()) < alphabet.radix:
        return NumeralColumn(numerals, source.starts, source.lengths, data, None, None, source)
    inside = numerals != np.uint8(OUTSIDE)
    kept = np.zeros(256, np.bool_)
    kept[[ord(separator) for separator in separators]] = True
    return _sifted(numerals, inside, kept[data], data, source.starts, source.lengths, source)


def _from_codes(source: VarlenColumn, alphabet: Alphabet, separators: str) -> NumeralColumn:
    """Any other text, by code points."""
    try:
        points = source.data.tobytes().decode()
    except UnicodeDecodeError:
        # from None: the foreign exception carries the text
        raise TransformFailed("the column is not valid UTF-8") from None
    codes = np.frombuffer(points.encode("utf-32-le"), np.uint32)
    starts, lengths = _characters(source)
    numerals = alphabet.read_codes(codes)
    inside = numerals >= 0
    packed: Numerals = numerals.astype(np.uint8 if alphabet.radix <= 256 else np.uint16)
    if inside.all():
        return NumeralColumn(packed, starts, lengths, codes, None, None, source)
    kept = np.isin(codes, np.array([ord(separator) for separator in separators], np.uint32))
    return _sifted(packed, inside, kept, codes, starts, lengths, source)


def _sifted(
    numerals: Numerals,
    inside: NDArray[np.bool_],
    kept: NDArray[np.bool_],
    codes: NDArray[np.uint8 | np.uint32],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    source: VarlenColumn,
) -> NumeralColumn:
    """Leave the separators out of the numerals, and mark the values with anything else."""
    strange = _sums(~(inside | kept))
    fit = strange[starts + lengths] == strange[starts]
    before = _sums(inside)
    first = before[starts]
    count = before[starts + lengths] - first
    return NumeralColumn(
        numerals[inside], first, count, codes, inside, None if fit.all() else fit, source
    )


def _replaced(
    codes: NDArray[_Code], inside: NDArray[np.bool_], written: NDArray[_Code]
) -> NDArray[_Code]:
    codes[inside] = written
    return codes


def _characters(source: VarlenColumn) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each value starts and how long it is, in characters: bytes that continue none."""
    before = _sums((source.data & 0xC0) != 0x80)
    starts = before[source.starts]
    return starts, before[source.starts + source.lengths] - starts


def _sums(counts: NDArray[np.bool_ | np.uint8]) -> NDArray[np.int64]:
    """How much stands before each position, and in all."""
    sums = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=sums[1:])
    return sums
