"""Check digits and plausibility of identifiers, a whole column at a time.

Every check takes an Arrow string array of folded candidates (capitals, half-width, separators
removed) whose alphabet the pattern has already settled, and returns one boolean a value. A value
of another length or with another character is refused, never an error. Columns and the
recognisers for free text call the same functions.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
_Bytes = NDArray[np.uint8]
_Ints = NDArray[np.int64]
Check = Callable[[pa.Array], Bools]

_OUTSIDE = 255


def _alphabet(characters: str) -> _Bytes:
    table = np.full(256, _OUTSIDE, dtype=np.uint8)
    table[np.frombuffer(characters.encode("ascii"), np.uint8)] = np.arange(len(characters))
    return table


_DECIMAL = _alphabet("0123456789")
_ALPHANUMERIC = _alphabet("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
# GB 32100-2015 table 1: no I, O, S, V, Z.
_USCC = _alphabet("0123456789ABCDEFGHJKLMNPQRTUWXY")

# GB 11643-1999, 4.2: weights 2^(i-1) mod 11 and the check characters for sum mod 11.
_RESIDENT_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_RESIDENT_CHECK = np.frombuffer(b"10X98765432", np.uint8)
_USCC_WEIGHTS = np.array([1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28])
_ORGANISATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
_PROVINCES = np.zeros(100, dtype=np.bool_)
for _first, _last in (
    (11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83),
):  # fmt: skip
    _PROVINCES[_first : _last + 1] = True
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])

# 49 CFR 565.15(c): values of the letters (no I, O, Q) and weights, the ninth being the check.
_VIN = np.full(256, _OUTSIDE, dtype=np.uint8)
for _letters, _digits in (("0123456789", range(10)), ("ABCDEFGH", range(1, 9)),
                          ("JKLMN", range(1, 6)), ("P", (7,)), ("R", (9,)),
                          ("STUVWXYZ", range(2, 10))):  # fmt: skip
    for _letter, _digit in zip(_letters, _digits, strict=True):
        _VIN[ord(_letter)] = _digit
_VIN_WEIGHTS = np.array([8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2])


def resident_id(values: pa.Array) -> Bools:
    """GB 11643-1999: province, a date that exists, check digit; 15 digits: province and date."""
    return _by_length(values, {18: _resident_18, 15: _resident_15})


def uscc(values: pa.Array) -> Bools:
    """GB 32100-2015: its own check character, and that of the GB 11714 code inside it."""
    return _by_length(values, {18: _uscc})


def organisation_code(values: pa.Array) -> Bools:
    """GB 11714-1997: nine characters, the last the check."""
    return _by_length(values, {9: _organisation})


def luhn(values: pa.Array) -> Bools:
    """ISO/IEC 7812-1 annex B, 12 to 19 digits; a number of one repeated digit is refused."""
    return _by_length(values, dict.fromkeys(range(12, 20), _luhn))


def vin(values: pa.Array) -> Bools:
    """49 CFR 565.15(c): 17 characters, the ninth the check."""
    return _by_length(values, {17: _vin})


def iban(values: pa.Array) -> Bools:
    """ISO 13616-1: 15 to 34 characters, the first four moved to the end give 1 modulo 97."""
    return _by_length(values, dict.fromkeys(range(15, 35), _iban))


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "resident_id": resident_id,
        "uscc": uscc,
        "organisation_code": organisation_code,
        "luhn": luhn,
        "vin": vin,
        "iban": iban,
    }
)


CHANCE: Mapping[str, Mapping[int, float]] = MappingProxyType(
    {
        "resident_id": {18: 1 / 11, 15: float(_PROVINCES[10:90].mean())},
        "uscc": {18: 1 / 11},  # of numbers that count up, the two checks are not independent
        "organisation_code": {9: 1 / 11},
        "luhn": dict.fromkeys(range(12, 20), 1 / 10),
        "vin": {17: 1 / 11},
        "iban": dict.fromkeys(range(15, 35), 1 / 97),
    }
)
"""By check and length: the share of numbers with the form that pass it by chance."""


def _by_length(values: pa.Array, of_length: Mapping[int, Callable[[_Bytes], Bools]]) -> Bools:
    """Run each length's check over the matrix of its values; nulls and other lengths fail."""
    passed = np.zeros(len(values), dtype=np.bool_)
    filled = values.cast(pa.binary()).fill_null(b"")
    offsets = np.frombuffer(filled.buffers()[1], dtype=np.int32)
    offsets = offsets[filled.offset : filled.offset + len(filled) + 1]
    lengths = np.diff(offsets)
    data = filled.buffers()[2]
    content = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    for length, check in of_length.items():
        rows = np.flatnonzero(lengths == length)
        if len(rows):
            passed[rows] = check(content[offsets[rows][:, None] + np.arange(length)])
    return passed


def _resident_18(matrix: _Bytes) -> Bools:
    values = _DECIMAL[matrix[:, :17]]
    valid = _inside(values)
    digits = np.where(valid[:, None], values, 0).astype(np.int64)
    check = _RESIDENT_CHECK[(digits @ _RESIDENT_WEIGHTS) % 11]
    dated = _is_date(_number(digits[:, 6:10]), _number(digits[:, 10:12]), _number(digits[:, 12:14]))
    province: Bools = _PROVINCES[_number(digits[:, :2])]
    passed: Bools = valid & province & dated & (matrix[:, 17] == check)
    return passed


def _resident_15(matrix: _Bytes) -> Bools:
    values = _DECIMAL[matrix]
    valid = _inside(values)
    digits = np.where(valid[:, None], values, 0).astype(np.int64)
    # The old form has two digits of the year, always of the twentieth century.
    year = 1900 + _number(digits[:, 6:8])
    dated = _is_date(year, _number(digits[:, 8:10]), _number(digits[:, 10:12]))
    province: Bools = _PROVINCES[_number(digits[:, :2])]
    passed: Bools = valid & province & dated
    return passed


def _inside(values: _Bytes) -> Bools:
    inside: Bools = (values != _OUTSIDE).all(axis=1)
    return inside


def _is_date(year: _Ints, month: _Ints, day: _Ints) -> Bools:
    in_year = (month >= 1) & (month <= 12)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    days = _MONTH_DAYS[np.where(in_year, month, 0)] + (leap & (month == 2))
    dated: Bools = in_year & (day >= 1) & (day <= days) & (year >= 1800) & (year < 2100)
    return dated


def _number(digits: _Ints) -> _Ints:
    powers: _Ints = 10 ** np.arange(digits.shape[1] - 1, -1, -1)
    number: _Ints = digits @ powers
    return number


def _uscc(matrix: _Bytes) -> Bools:
    values = _USCC[matrix]
    valid = _inside(values)
    weighed = np.where(valid[:, None], values, 0).astype(np.int64)
    check = (31 - (weighed[:, :17] @ _USCC_WEIGHTS) % 31) % 31
    passed: Bools = valid & (weighed[:, 17] == check) & _organisation(matrix[:, 8:17])
    return passed


def _organisation(matrix: _Bytes) -> Bools:
    values = _ALPHANUMERIC[matrix[:, :8]]
    valid = _inside(values)
    weighed = np.where(valid[:, None], values, 0).astype(np.int64)
    # 11 - sum mod 11, where 10 is written X and 11 is written 0.
    check = np.frombuffer(b"0X987654321", np.uint8)[(weighed @ _ORGANISATION_WEIGHTS) % 11]
    passed: Bools = valid & (matrix[:, 8] == check)
    return passed


def _luhn(matrix: _Bytes) -> Bools:
    values = _DECIMAL[matrix]
    valid = _inside(values)
    varied: Bools = (matrix != matrix[:, :1]).any(axis=1)
    digits = np.where(valid[:, None], values, 0).astype(np.int64)[:, ::-1]
    doubled = digits[:, 1::2] * 2
    total = digits[:, 0::2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)
    passed: Bools = valid & varied & (total % 10 == 0)
    return passed


def _vin(matrix: _Bytes) -> Bools:
    values = _VIN[matrix]
    valid = _inside(values)
    weighed = np.where(valid[:, None], values, 0).astype(np.int64)
    check = np.frombuffer(b"0123456789X", np.uint8)[(weighed @ _VIN_WEIGHTS) % 11]
    passed: Bools = valid & (matrix[:, 8] == check)
    return passed


def _iban(matrix: _Bytes) -> Bools:
    values = _ALPHANUMERIC[np.roll(matrix, -4, axis=1)]
    valid = _inside(values)
    remainder = np.zeros(len(matrix), dtype=np.int64)
    for column in np.where(valid[:, None], values, 0).astype(np.int64).T:
        remainder = (remainder * np.where(column > 9, 100, 10) + column) % 97
    passed: Bools = valid & (remainder == 1)
    return passed
