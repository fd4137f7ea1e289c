"""Turns numerals into numbers and back, eight numerals to a 64-bit word.

Numerals of a radix up to 256 lie one to a byte, the most significant first. Seen as one
little-endian word, eight of them are joined by three rounds of "left lane times a power of the
radix plus right lane", each for all words of an array at once, and split by three rounds of
division. That is some twenty array operations for eight numerals and no loop over them.
"""

import sys
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

if sys.byteorder != "little":
    raise ImportError("gateway.transform needs a little-endian machine")

WORD: Final = 8
"""Numerals in a word."""

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


def spell(blocks: NDArray[np.uint64], radix: int, length: int) -> NDArray[np.uint8]:
    """Numerals of each block's 128-bit number modulo radix**length, the most significant first.

    Shape (rows, 2), a block's bytes in memory order, to (rows, length), one numeral a byte. Radix
    at most 128.
    """
    rows = len(blocks)
    text = np.empty((rows, length), np.uint8)
    high, low = (blocks[:, word].byteswap() for word in range(2))
    power_of_two = radix & (radix - 1) == 0
    groups = _by_shifts(high, low, radix) if power_of_two else _by_division(high, low, radix)
    end = length
    for numbers, most in groups:
        words, size = split(numbers, radix), min(most, end)
        item = np.dtype((np.void, size))
        target: NDArray[np.void] = np.ndarray((rows,), item, text, end - size, (length,))
        target[:] = np.ndarray((rows,), item, words, WORD - size, (WORD,))
        end -= size
        if not end:
            break
    return text


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
