"""Computes the check digits of identity numbers, credit codes and bank cards, a column at a time.

Every function takes a matrix of ASCII codes, one row a number, and returns the ASCII code of the
check character of each row, so that a generator can write it straight into the next byte. The
code shares nothing with the validators of the classification: two mistakes would have to agree.
"""

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_INVALID = 255
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# GB 32100-2015 leaves out I, O, S, V and Z, which are easily misread.
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"

_RESIDENT_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
_ORGANISATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
_USCC_WEIGHTS = np.array(
    [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28], dtype=np.int64
)


def _codes(text: str) -> Bytes:
    return np.frombuffer(text.encode("ascii"), dtype=np.uint8)


def _values(alphabet: str) -> Bytes:
    table = np.full(256, _INVALID, dtype=np.uint8)
    table[_codes(alphabet)] = np.arange(len(alphabet), dtype=np.uint8)
    return table


_DIGIT_VALUES = _values("0123456789")
_ORGANISATION_VALUES = _values("0123456789" + _LETTERS)
_USCC_VALUES = _values(USCC_ALPHABET)
_RESIDENT_CHECKS = _codes("10X98765432")
_DIGITS = _codes("0123456789")
# Indexed by the weighted sum mod 11: 11 - sum, where 10 is written X and 11 is written 0.
_ORGANISATION_CHECKS = _codes("0X987654321")
_USCC_CHECKS = _codes(USCC_ALPHABET)


def resident_id_check(body: Bytes) -> Bytes:
    """Return the check character (0-9 or X) of resident identity numbers, GB 11643-1999.

    body: shape (rows, 17), ASCII digits. Raises ValueError for another width or another character.
    """
    total = _weigh(body, _DIGIT_VALUES, _RESIDENT_WEIGHTS, "a resident identity number")
    return _RESIDENT_CHECKS[total % 11]


def organisation_code_check(body: Bytes) -> Bytes:
    """Return the check character (0-9 or X) of organisation codes, GB 11714-1997.

    body: shape (rows, 8), ASCII digits and capitals. Raises ValueError for anything else.
    """
    total = _weigh(body, _ORGANISATION_VALUES, _ORGANISATION_WEIGHTS, "an organisation code")
    return _ORGANISATION_CHECKS[total % 11]


def uscc_check(body: Bytes) -> Bytes:
    """Return the check character of unified social credit codes, GB 32100-2015.

    body: shape (rows, 17), ASCII characters of USCC_ALPHABET. Raises ValueError for anything else.
    """
    total = _weigh(body, _USCC_VALUES, _USCC_WEIGHTS, "a unified social credit code")
    return _USCC_CHECKS[(31 - total % 31) % 31]


def luhn_check(body: Bytes) -> Bytes:
    """Return the Luhn check digit (ISO/IEC 7812-1) that follows each row of digits.

    body: shape (rows, any width), ASCII digits. Leading zeros do not change the result, so numbers
    of several lengths can share one right-aligned matrix. Raises ValueError for a non-digit.
    """
    width = body.shape[1] if body.ndim == 2 else 0
    values = _look_up(body, _DIGIT_VALUES, width, "a card number").astype(np.int64)
    # The digit next to the check digit is doubled, then every second one leftwards.
    doubled = values[:, ::-1][:, 0::2] * 2
    plain = values[:, ::-1][:, 1::2]
    total = (doubled - 9 * (doubled > 9)).sum(axis=1) + plain.sum(axis=1)
    checks: Bytes = _DIGITS[(10 - total % 10) % 10]
    return checks


def _weigh(body: Bytes, table: Bytes, weights: NDArray[np.int64], what: str) -> NDArray[np.int64]:
    values = _look_up(body, table, len(weights), what)
    total: NDArray[np.int64] = values.astype(np.int64) @ weights
    return total


def _look_up(body: Bytes, table: Bytes, width: int, what: str) -> Bytes:
    if body.ndim != 2 or body.shape[1] != width:
        raise ValueError(f"the body of {what} must be a matrix with {width} columns")
    values = table[body]
    if values.size and int(values.max()) == _INVALID:
        raise ValueError(f"the body of {what} holds a character outside its alphabet")
    return values
