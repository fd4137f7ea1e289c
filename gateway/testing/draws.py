"""Draws reproducible random integers: the same on every platform and with every NumPy release.

NumPy guarantees the raw 64-bit output of PCG64 and of SeedSequence for ever, but neither the
distributions of `Generator` nor, across processors, anything that rounds (NEP 19). So all draws are
integer arithmetic on the raw output, and a skewed distribution is a table of integers. Not for
keys, noise or tokens: nothing here is secret.
"""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_HALF = 10_000
# The stream of what a whole table shares; no block of rows reaches this number.
_NO_BLOCK = 2**31


class Purpose(IntEnum):
    """What a stream is for: each has its own, so that a new column moves no existing one.

    The numbers are part of what makes a table reproducible; never renumber, only append.
    """

    HOUSEHOLDS = 1
    PERSONS = 2
    PLACES = 3
    LIVELIHOOD = 4
    NAMES = 5
    PHONES = 6
    EMAILS = 7
    CARDS = 8
    VISITS = 9
    JOBS = 10
    EMPLOYERS = 11
    HOUSEHOLD_NUMBERS = 12
    INSURANCE_NUMBERS = 13
    DIRT = 14
    ADDRESSES = 15
    BENCHMARK = 16
    LETTERS = 17
    HIDDEN = 18


class Stream:
    """One sequence of draws, settled by (seed, purpose, block of rows).

    Without a block it is the stream of what the whole table shares.
    """

    def __init__(self, seed: int, purpose: Purpose, block: int = _NO_BLOCK) -> None:
        if seed < 0:
            raise ValueError("seed must not be negative")
        root = np.random.SeedSequence(seed, spawn_key=(int(purpose), block))
        self._bits = np.random.PCG64(root)

    def below(self, bound: int | Ints, size: int) -> Ints:
        """Return `size` integers in [0, bound); `bound` is one number or one a row, 1 to 2**31."""
        raw = self._bits.random_raw(size) >> np.uint64(32)
        scaled = (raw * np.asarray(bound, dtype=np.uint64)) >> np.uint64(32)
        return scaled.astype(np.int64)

    def between(self, low: int | Ints, high: int | Ints, size: int) -> Ints:
        """Return `size` integers in [low, high], both ends included."""
        return low + self.below(np.asarray(high, dtype=np.int64) - low + 1, size)

    def chance(self, per_mille: int | Ints, size: int) -> Bools:
        """Return `size` truth values, each true with `per_mille` in a thousand."""
        return self.below(1000, size) < per_mille


class Weighted:
    """Draws an index with integer weights, from one table in which each index stands so often."""

    def __init__(self, weights: Sequence[int]) -> None:
        self._table = np.repeat(np.arange(len(weights), dtype=np.int64), weights)

    def draw(self, stream: Stream, size: int) -> Ints:
        """Return `size` indices into the weights."""
        return self._table[stream.below(len(self._table), size)]


class WeightedByGroup:
    """Draws an index with integer weights that depend on the group of the row."""

    def __init__(self, weights_of_group: Sequence[Sequence[int] | Ints]) -> None:
        tables = [np.repeat(np.arange(len(w), dtype=np.int64), w) for w in weights_of_group]
        self._table = np.concatenate(tables)
        self._length = np.array([len(table) for table in tables], dtype=np.int64)
        self._start = np.cumsum(self._length) - self._length

    def draw(self, stream: Stream, group: Ints) -> Ints:
        """Return one index for each row of `group`, whose values number the groups."""
        within = stream.below(self._length[group], len(group))
        drawn: Ints = self._table[self._start[group] + within]
        return drawn


class Quantiles:
    """A skewed distribution of integers: its quantiles, joined by straight lines.

    points: pairs of probability, in ten-millionths from 0 to SCALE, and value, both rising.
    """

    SCALE = 10_000_000

    def __init__(self, points: Sequence[tuple[int, int]]) -> None:
        self._probability, self._value = np.array(points, dtype=np.int64).T

    def draw(self, stream: Stream, size: int) -> Ints:
        """Return `size` values."""
        at = stream.below(self.SCALE, size)
        right = np.searchsorted(self._probability, at, side="right")
        left = right - 1
        width = self._probability[right] - self._probability[left]
        rise = self._value[right] - self._value[left]
        values: Ints = self._value[left] + rise * (at - self._probability[left]) // width
        return values


class Serials:
    """Turns consecutive numbers below 10**8 into distinct, scattered ones below 10**8.

    A Feistel network of three rounds over two halves of four decimal digits: a bijection, so that
    numbers made from it are unique without being remembered. It hides nothing.
    """

    LIMIT = _HALF * _HALF

    def __init__(self, seed: int, purpose: Purpose) -> None:
        stream = Stream(seed, purpose)
        self._rounds = [stream.below(_HALF, _HALF) for _ in range(3)]

    def scatter(self, numbers: Ints) -> Ints:
        """Return the image of each number; all must lie in [0, 10**8)."""
        high, low = numbers // _HALF, numbers % _HALF
        for table in self._rounds:
            high, low = low, (high + table[low]) % _HALF
        return _HALF * high + low
