"""Identifiers of a fixed layout, counted through: which number a valid identifier is, and back.

A layout is a row of fields of fixed width in UTF-8 bytes. A field with n possible contents is a
digit of base n, and all fields together a number below the product. Kept fields are no part of the
number; check fields are computed from the others.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.errors import InvalidRequest
from gateway.transform.alphabets import Alphabet
from gateway.transform.numerals import NARROW, read_narrow, write_narrow

Bytes = NDArray[np.uint8]
Index = NDArray[np.uint64]
Fit = NDArray[np.bool_]

_EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, kw_only=True)
class Field(ABC):
    """`width` bytes from `start` on of each row of a matrix of bytes."""

    kept: bool = False

    @property
    @abstractmethod
    def width(self) -> int: ...

    @property
    @abstractmethod
    def size(self) -> int:
        """How many contents there are."""

    @abstractmethod
    def read(self, rows: Bytes, start: int) -> tuple[Index, Fit]:
        """The content's number below `size`, and whether there is one (the number is 0 if not)."""

    @abstractmethod
    def write(self, rows: Bytes, start: int, index: Index) -> None:
        """The inverse of `read`."""


@dataclass(frozen=True, kw_only=True)
class Characters(Field):
    """`count` characters of an ASCII alphabet."""

    alphabet: str = "0123456789"
    count: int = 1

    @cached_property
    def _alphabet(self) -> Alphabet:
        return Alphabet(self.alphabet)

    @property
    def width(self) -> int:
        return self.count

    @property
    def size(self) -> int:
        return int(len(self.alphabet) ** self.count)

    def read(self, rows: Bytes, start: int) -> tuple[Index, Fit]:
        numerals = self._alphabet.read(np.ascontiguousarray(rows[:, start : start + self.count]))
        fit = self._alphabet.inside(numerals)
        if not fit.all():
            numerals[~fit] = 0
        return read_narrow(numerals, 0, self.count, self._alphabet.radix), fit

    def write(self, rows: Bytes, start: int, index: Index) -> None:
        numerals = np.empty((len(rows), self.count), np.uint8)
        write_narrow(numerals, 0, self.count, self._alphabet.radix, index)
        rows[:, start : start + self.count] = self._alphabet.write(numerals)


_EIGHT_DIGITS: Final = Characters(count=8)


@dataclass(frozen=True, kw_only=True)
class Options(Field):
    """One of some texts, all of one width in UTF-8 of at most 8 bytes."""

    texts: tuple[str, ...]

    @cached_property
    def _codes(self) -> Index:
        texts = np.frombuffer("".join(self.texts).encode(), np.uint8)
        return np.sort(_packed(texts.reshape(-1, self.width)))

    @property
    def width(self) -> int:
        return len(self.texts[0].encode())

    @property
    def size(self) -> int:
        return len(self.texts)

    def read(self, rows: Bytes, start: int) -> tuple[Index, Fit]:
        codes = _packed(rows[:, start : start + self.width])
        place = np.minimum(np.searchsorted(self._codes, codes), self.size - 1)
        fit = self._codes[place] == codes
        return np.where(fit, place, 0).astype(np.uint64), fit

    def write(self, rows: Bytes, start: int, index: Index) -> None:
        unpacked = self._codes[index].view(np.uint8).reshape(-1, 8)
        rows[:, start : start + self.width] = unpacked[:, : self.width]


@dataclass(frozen=True, kw_only=True)
class Day(Field):
    """A day as YYYYMMDD, from `first` to `last`."""

    first: date
    last: date

    @property
    def width(self) -> int:
        return 8

    @property
    def size(self) -> int:
        return self.last.toordinal() - self.first.toordinal() + 1

    @cached_property
    def _months(self) -> NDArray[np.int64]:
        """Days from `first` to the first of each month from January of its year on, and one more.

        Negative before `first`.
        """
        years = np.arange(self.first.year - 1970, self.last.year - 1970 + 2).astype("datetime64[Y]")
        months = np.arange(years[0].astype("datetime64[M]"), years[-1].astype("datetime64[M]") + 1)
        days = months.astype("datetime64[D]").astype(np.int64)
        return days + (_EPOCH - self.first.toordinal())

    @cached_property
    def _written(self) -> Index:
        """Each day as the number that its eight digits make."""
        days = np.arange(self.size) + (self.first.toordinal() - _EPOCH)
        months = days.astype("datetime64[D]").astype("datetime64[M]")
        day = days - months.astype("datetime64[D]").astype(np.int64) + 1
        count = months.astype(np.int64) + 1970 * 12
        return (count // 12 * 10_000 + (count % 12 + 1) * 100 + day).astype(np.uint64)

    def read(self, rows: Bytes, start: int) -> tuple[Index, Fit]:
        number, fit = _EIGHT_DIGITS.read(rows, start)
        value = number.astype(np.int64)
        front = value // 100
        day = value - front * 100
        year = front // 100
        month = front - year * 100
        place = (year - self.first.year) * 12 + month - 1
        fit &= (month >= 1) & (month <= 12) & (place >= 0) & (place < len(self._months) - 1)
        if not fit.all():
            place[~fit] = 0
        index = self._months[place] + day - 1
        fit &= (day >= 1) & (index < self._months[place + 1])
        fit &= (index >= 0) & (index < self.size)
        if not fit.all():
            index[~fit] = 0
        return index.astype(np.uint64), fit

    def write(self, rows: Bytes, start: int, index: Index) -> None:
        _EIGHT_DIGITS.write(rows, start, self._written[index])


@dataclass(frozen=True, kw_only=True)
class Check(Field):
    """One character computed from those of `body`; a value with another one does not fit."""

    compute: Callable[[Bytes], Bytes]
    body: slice

    @property
    def width(self) -> int:
        return 1

    @property
    def size(self) -> int:
        return 1

    def read(self, rows: Bytes, start: int) -> tuple[Index, Fit]:
        fit = rows[:, start] == self.compute(rows[:, self.body])
        return np.zeros(len(rows), np.uint64), fit

    def write(self, rows: Bytes, start: int, index: Index) -> None:  # noqa: ARG002 - one content
        rows[:, start] = self.compute(rows[:, self.body])


class Layout:
    """Fields side by side. `InvalidRequest` for more than 2**63 values.

    `name` tells layouts under one key apart; it goes into the tweak with the kept fields.
    """

    __slots__ = ("_fields", "_name", "size", "width")

    def __init__(self, name: str, *fields: Field) -> None:
        starts = np.cumsum([0, *(field.width for field in fields)]).tolist()
        self._fields: Final = tuple(zip(starts, fields, strict=False))
        self._name = name.encode()
        self.width: Final[int] = starts[-1]
        self.size: Final = prod(field.size for field in fields if not field.kept)
        if self.size > NARROW:
            raise InvalidRequest.of("layout", "has more than 2**63 values")

    def read(self, rows: Bytes) -> tuple[Index, Fit]:
        """The number of each row below `size`, and whether the row is of this layout."""
        number: Index = np.zeros(len(rows), np.uint64)
        fit = np.ones(len(rows), np.bool_)
        for start, field in self._fields:
            index, here = field.read(rows, start)
            fit &= here
            if not field.kept:
                number *= np.uint64(field.size)
                number += index
        return number, fit

    def write(self, rows: Bytes, number: Index) -> Bytes:
        """Rows with the kept fields of `rows` and another number."""
        out = rows.copy()
        for start, field in reversed(self._fields):
            if not (field.kept or isinstance(field, Check)):
                rest = number // np.uint64(field.size)
                field.write(out, start, number - rest * np.uint64(field.size))
                number = rest
        for start, field in self._fields:
            if isinstance(field, Check):  # now that everything before it is in place
                field.write(out, start, number)
        return out

    def tweaks(self, rows: Bytes) -> Bytes:
        """The name and the kept fields of each row; one row if nothing is kept."""
        name = np.frombuffer(self._name, np.uint8)
        kept = [rows[:, at : at + field.width] for at, field in self._fields if field.kept]
        if not kept:
            return name[np.newaxis]
        return np.concatenate([np.broadcast_to(name, (len(rows), len(name))), *kept], axis=1)


def _packed(texts: Bytes) -> Index:
    """Up to 8 bytes a row as one number."""
    rows, width = texts.shape
    words = np.zeros((rows, 8), np.uint8)
    words[:, :width] = texts
    return words.view(np.uint64)[:, 0]
