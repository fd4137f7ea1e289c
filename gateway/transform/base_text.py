"""Shows bytes as text and reads them back: 4, 5 or 6 bits a character, no padding.

The bits of a value are cut from the left, as in RFC 4648; the last character is filled up with
zero bits. Reading accepts only what showing makes: a length that no value has, a character outside
the alphabet and a last character with other bits are not canonical.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gateway.errors import InvalidRequest
from gateway.transform.alphabets import Alphabet
from gateway.transform.blocks import PIECE
from gateway.transform.numerals import WORD, join, split
from gateway.transform.varlen import VarlenColumn, groups, put_fixed, take_fixed

_WIDTHS = {16: 4, 32: 5, 64: 6}


class BaseText:
    """Text over an ASCII alphabet of 16, 32 or 64 characters; else `InvalidRequest`."""

    __slots__ = ("_alphabet", "_bits")

    def __init__(self, alphabet: str) -> None:
        self._alphabet = Alphabet(alphabet)
        if not self._alphabet.is_ascii or self._alphabet.radix not in _WIDTHS:
            raise InvalidRequest.of("alphabet", "has 16, 32 or 64 ASCII characters")
        self._bits = _WIDTHS[self._alphabet.radix]

    def show(self, column: VarlenColumn) -> VarlenColumn:
        """Bytes to text, each value on its own."""
        lengths = -(-column.lengths * 8 // self._bits)
        starts = np.cumsum(lengths) - lengths
        out = np.empty(int(lengths.sum()), np.uint8)
        for length, rows in groups(column.lengths):
            for begin in range(0, len(rows), PIECE):
                piece = rows[begin : begin + PIECE]
                data = take_fixed(column.data, column.starts[piece], length)
                if length:
                    put_fixed(out, starts[piece], self._shown(data))
        return replace(column, data=out, starts=starts, lengths=lengths)

    def read(self, column: VarlenColumn) -> tuple[VarlenColumn, NDArray[np.bool_]]:
        """Text to bytes, and which values were canonical; the others come back as zero bytes."""
        lengths = column.lengths * self._bits // 8
        starts = np.cumsum(lengths) - lengths
        out = np.zeros(int(lengths.sum()), np.uint8)
        canonical = -(-lengths * 8 // self._bits) == column.lengths
        for length, rows in groups(np.where(canonical, column.lengths, 0)):
            for begin in range(0, len(rows) if length else 0, PIECE):
                piece = rows[begin : begin + PIECE]
                numerals = self._alphabet.read(
                    take_fixed(column.data, column.starts[piece], length)
                )
                data, clean = self._parsed(numerals)
                put_fixed(out, starts[piece], data)
                canonical[piece] = clean
        return replace(column, data=out, starts=starts, lengths=lengths), canonical

    def _shown(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(rows, bytes) to (rows, characters), eight characters at a time."""
        rows, size = data.shape
        text = np.empty((rows, -(-size * 8 // self._bits)), np.uint8)
        for part in range(-(-size // self._bits)):
            chunk = data[:, part * self._bits : (part + 1) * self._bits]
            word = np.zeros((rows, WORD), np.uint8)
            first = WORD - self._bits
            word[:, first : first + chunk.shape[1]] = chunk
            numerals = split(word.view(">u8")[:, 0].astype(np.uint64), self._alphabet.radix)
            target = text[:, part * WORD : (part + 1) * WORD]
            target[:] = numerals.view(np.uint8).reshape(rows, WORD)[:, : target.shape[1]]
        return self._alphabet.write(text)

    def _parsed(self, numerals: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """(rows, characters) to (rows, bytes), and whether alphabet and spare bits were right."""
        rows, count = numerals.shape
        clean = self._alphabet.inside(numerals)
        data = np.zeros((rows, count * self._bits // 8), np.uint8)
        for part in range(-(-count // WORD)):
            chunk = numerals[:, part * WORD : (part + 1) * WORD]
            word = np.zeros((rows, WORD), np.uint8)
            word[:, : chunk.shape[1]] = chunk
            joined = join(word.view(np.uint64)[:, 0], self._alphabet.radix)
            shown = joined.astype(">u8").view(np.uint8).reshape(rows, WORD)[:, WORD - self._bits :]
            target = data[:, part * self._bits : (part + 1) * self._bits]
            target[:] = shown[:, : target.shape[1]]
            for spare in range(target.shape[1], self._bits):
                clean &= shown[:, spare] == 0
        if not clean.all():
            data[~clean] = 0
        return data, clean
