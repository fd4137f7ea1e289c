"""Turns numerals into numbers and back, eight numerals to a 64-bit word.

Numerals of a radix up to 256 lie one to a byte, the most significant first. Seen as one
little-endian word, eight of them are joined by three rounds of "left lane times a power of the
radix plus right lane", each for all words of an array at once, and split by three rounds of
division. That is some twenty array operations for eight numerals and no loop over them. Larger
radices have two bytes a numeral, and an array operation for each position.

Numbers below 2**63 are uint64. Larger ones are exact Python integers in an object array: slower by
two orders of magnitude, still without a loop of ours over rows.
"""

import sys
from collections.abc import Iterator
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

if sys.byteorder != "little":
    raise ImportError("gateway.transform needs a little-endian machine")

Numerals: TypeAlias = NDArray[np.uint8 | np.uint16]
"""Shape (rows, count), C-contiguous, most significant first: uint8 where radix <= 256."""

WORD: Final = 8
"""Numerals in a word."""
NARROW: Final = 2**63
"""Numbers below this are uint64; the bit to spare takes the carry of one addition."""

_LOW8: Final = np.uint64(0x00FF00FF00FF00FF)
_LOW16: Final = np.uint64(0x0000FFFF0000FFFF)
_LOW32: Final = np.uint64(0x00000000FFFFFFFF)


def join(words: NDArray[np.uint64], radix: int) -> NDArray[np.uint64]:
    """The numbers of eight numerals each; `words` is overwritten. Radix at most 256."""
    scratch = np.empty_like(words)
    for shift, lanes, scale in (
        (8, _LOW8, radix),
        (16, _LOW16, radix**2),
        (32, _LOW32, radix**4),
    ):
        np.bitwise_and(words, lanes, out=scratch)
        scratch *= np.uint64(scale)
        words >>= np.uint64(shift)
        words &= lanes
        words += scratch
    return words


def split(numbers: NDArray[np.uint64], radix: int) -> NDArray[np.uint64]:
    """The inverse of `join`: numbers below radix**8 become words of eight numerals.

    With q, r = divmod(x, scale) of a lane of 2w bits, its two halves are q and r, q first:
    r·2^w + q = x·2^w - q·(scale·2^w - 1), all modulo 2^2w.
    """
    lanes = numbers
    for width, scale in ((32, radix**4), (16, radix**2), (8, radix)):
        kind = np.dtype(f"<u{width // 4}")
        lanes = lanes.view(kind)
        # at radix 256 the scale is one more than a half lane holds, and as a number still fits
        quotient = lanes // kind.type(scale)
        lanes = lanes << kind.type(width)
        quotient *= kind.type(((scale << width) - 1) % (1 << 2 * width))
        lanes -= quotient
    return lanes.view(np.uint64)


def read_narrow(numerals: Numerals, first: int, count: int, radix: int) -> NDArray[np.uint64]:
    """NUM_radix of `count` numerals of each row from position `first` on; radix**count <= 2**63."""
    total: NDArray[np.uint64] | None = None
    for part, size in _parts(numerals, first, count, radix):
        if total is None:
            total = part
        else:
            total *= np.uint64(radix**size)
            total += part
    return np.zeros(len(numerals), np.uint64) if total is None else total


def read_wide(numerals: Numerals, first: int, count: int, radix: int) -> NDArray[np.object_]:
    """NUM_radix of any count, as exact integers."""
    total: NDArray[np.object_] = np.zeros(len(numerals), object)
    for part, size in _parts(numerals, first, count, radix):
        total = total * radix**size + part.astype(object)
    return total


def write_narrow(
    numerals: Numerals, first: int, count: int, radix: int, numbers: NDArray[np.uint64]
) -> None:
    """STR_radix: the inverse of `read_narrow`, into positions `first` to `first + count`."""
    for size, start in _places(numerals, first, count):
        scale = np.uint64(radix**size)
        quotient = numbers // scale
        _put(numerals, start, size, numbers - quotient * scale, radix)
        numbers = quotient


def write_wide(
    numerals: Numerals, first: int, count: int, radix: int, numbers: NDArray[np.object_]
) -> None:
    """STR_radix: the inverse of `read_wide`."""
    for size, start in _places(numerals, first, count):
        quotient: NDArray[np.object_] = numbers // radix**size
        digits: NDArray[np.object_] = numbers - quotient * radix**size
        _put(numerals, start, size, digits.astype(np.uint64), radix)
        numbers = quotient


def spell(blocks: NDArray[np.uint64], radix: int, length: int) -> NDArray[np.uint8]:
    """Numerals of each block's 128-bit number modulo radix**length, the most significant first.

    Shape (rows, 2), a block's bytes in memory order, to (rows, length), one numeral a byte. Radix
    at most 128.
    """
    text = np.empty((len(blocks), length), np.uint8)
    high, low = (blocks[:, word].byteswap() for word in range(2))
    power_of_two = radix & (radix - 1) == 0
    groups = _by_shifts(high, low, radix) if power_of_two else _by_division(high, low, radix)
    end = length
    for numbers, most in groups:
        size = min(most, end)
        end -= size
        _put(text, end, size, numbers, radix)
        if not end:
            break
    return text


def _parts(
    numerals: Numerals, first: int, count: int, radix: int
) -> Iterator[tuple[NDArray[np.uint64], int]]:
    """The numbers of consecutive parts of a row, from the left, and each part's numerals."""
    if numerals.dtype != np.uint8:
        for position in range(first, first + count):
            yield numerals[:, position].astype(np.uint64), 1
        return
    end, size = first + count, count % WORD or WORD
    while first < end:
        rows, width = numerals.shape
        words = np.zeros(rows, np.uint64)
        _cells(words, rows, size, WORD - size, WORD)[:] = _cells(numerals, rows, size, first, width)
        yield join(words, radix), size
        first, size = first + size, WORD


def _places(numerals: Numerals, first: int, count: int) -> Iterator[tuple[int, int]]:
    """Sizes and starts of the parts that are written at once, from the right."""
    most, end = WORD if numerals.dtype == np.uint8 else 1, first + count
    while end > first:
        size = min(most, end - first)
        end -= size
        yield size, end


def _put(
    numerals: Numerals, start: int, size: int, numbers: NDArray[np.uint64], radix: int
) -> None:
    """Write numbers as the `size` numerals of each row from position `start` on."""
    rows, width = numerals.shape
    if numerals.dtype != np.uint8:
        numerals[:, start] = numbers
        return
    words = split(numbers, radix)
    _cells(numerals, rows, size, start, width)[:] = _cells(words, rows, size, WORD - size, WORD)


def _cells(
    data: NDArray[np.uint8 | np.uint16 | np.uint64], rows: int, size: int, start: int, width: int
) -> NDArray[np.void]:
    """`size` bytes of each row of `width` bytes, as items that are copied whole."""
    return np.ndarray((rows,), np.dtype((np.void, size)), data, start if rows else 0, (width,))


def _by_shifts(
    high: NDArray[np.uint64], low: NDArray[np.uint64], radix: int
) -> Iterator[tuple[NDArray[np.uint64], int]]:
    """Groups of eight numerals, the least significant first, where the radix is a power of two."""
    width = WORD * (radix.bit_length() - 1)
    mask = np.uint64((1 << width) - 1)
    for shift in range(0, 128, width):
        if shift >= 64:
            group = high >> np.uint64(shift - 64)
        else:
            group = low >> np.uint64(shift)
            if shift + width > 64:
                group |= high << np.uint64(64 - shift)
        group &= mask
        yield group, WORD


def _by_division(
    high: NDArray[np.uint64], low: NDArray[np.uint64], radix: int
) -> Iterator[tuple[NDArray[np.uint64], int]]:
    """Groups of as many numerals as 32 bits hold, by long division of four 32-bit limbs."""
    size = 1
    while size < WORD and radix ** (size + 1) <= 1 << 32:
        size += 1
    divisor = np.uint64(radix**size)
    half = np.uint64(32)
    limbs = [high >> half, high & _LOW32, low >> half, low & _LOW32]
    while True:
        quotients = [limbs[0] // divisor]
        rest = limbs[0] - quotients[0] * divisor
        for limb in limbs[1:]:
            dividend = rest << half
            dividend |= limb
            quotients.append(dividend // divisor)
            rest = dividend - quotients[-1] * divisor
        yield rest, size
        limbs = quotients
