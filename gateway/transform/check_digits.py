"""Check characters of identity numbers, credit and organisation codes and bank cards, by columns.

Each function takes the characters before the check character as ASCII codes, shape (rows, width),
all of them valid, and returns the check character's code for each row.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.transform.alphabets import USCC

Codes = NDArray[np.uint8]

_RESIDENT: Final = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], np.uint16)
_ORGANISATION: Final = np.array([3, 7, 9, 10, 5, 8, 4, 2], np.uint16)
_CREDIT: Final = np.array(
    [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28], np.uint16
)
_ZERO: Final = np.uint8(ord("0"))


def resident_id(body: Codes) -> Codes:
    """GB 11643-1999: 17 digits; the weighted sum modulo 11 picks from `10X98765432`."""
    return _picked("10X98765432", _sum(body - _ZERO, _RESIDENT) % np.uint16(11))


def organisation_code(body: Codes) -> Codes:
    """GB 11714-1997: 8 digits or capitals (A is 10); 11 less the sum modulo 11, X for 10."""
    letters = body >= np.uint8(ord("A"))
    values = body - np.where(letters, np.uint8(ord("A") - 10), _ZERO)
    return _picked("0X987654321", _sum(values, _ORGANISATION) % np.uint16(11))


def credit_code(body: Codes) -> Codes:
    """GB 32100-2015: 17 characters of its 31; 31 less the sum modulo 31."""
    table = np.zeros(256, np.uint8)
    table[np.frombuffer(USCC.encode(), np.uint8)] = np.arange(len(USCC))
    return _picked(USCC[:1] + USCC[:0:-1], _sum(table[body], _CREDIT) % np.uint16(31))


def luhn(body: Codes) -> Codes:
    """ISO/IEC 7812-1: any number of digits; every second from the right counts double."""
    total = np.zeros(len(body), np.uint16)
    for place in range(1, body.shape[1] + 1):
        digit = body[:, -place] - _ZERO
        if place % 2:
            digit *= np.uint8(2)
            digit -= (digit > 9).view(np.uint8) * np.uint8(9)
        total += digit
    return _picked("0987654321", total % np.uint16(10))


def _sum(values: Codes, weights: NDArray[np.uint16]) -> NDArray[np.uint16]:
    total = np.zeros(len(values), np.uint16)
    for place, weight in enumerate(weights):
        total += values[:, place] * weight
    return total


def _picked(characters: str, index: NDArray[np.uint16]) -> Codes:
    return np.frombuffer(characters.encode(), np.uint8)[index]
