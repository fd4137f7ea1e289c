"""The bytes of a CSV file as strict UTF-8 CSV: transcoded, and every quote where it belongs.

Arrow's reader takes a quote inside an unquoted value, text behind a closing quote, and a file
that ends inside a quoted value, and so turns one broken quote into rows that swallowed others.
Here such a file is refused with the number of the line (RFC 4180, section 2.5 to 2.7).
"""

import codecs
import csv
import io
import os
from typing import Final

import numpy as np

from gateway.errors import InvalidRequest, RecordsRejected

_HEADER_BYTES: Final = 1 << 20
_QUOTE, _NEWLINE, _RETURN = 0x22, 0x0A, 0x0D

_CODECS: Final = {
    # Files labelled gb2312 or gbk commonly hold more; GB 18030 reads all three alike.
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "cp936": "gb18030",
    "big5": "big5",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "utf-32": "utf-32",
    "ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
    "latin-1": "iso-8859-1",
    "windows-1252": "cp1252",
}
_LENIENT: Final = frozenset({"gb18030", "big5", "iso-8859-1", "cp1252"})
"""Codecs that read most UTF-8 without complaint, as other characters."""

_ENOUGH: Final = 8
"""So many characters beyond ASCII are not UTF-8 by chance: one of GB 2312 is in one of seven."""

_UTF8: Final = frozenset({"utf-8", "utf8", "utf-8-sig"})


def codec_of(encoding: str) -> str | None:
    """The codec to decode with; None for UTF-8. InvalidRequest for an encoding not offered."""
    name = encoding.lower().replace("_", "-")
    if name in _UTF8:
        return None
    if name not in _CODECS:
        known = ", ".join(["utf-8", *_CODECS])
        raise InvalidRequest.of("source.encoding", f"is not one of {known}")
    return _CODECS[name]


def check_delimiter(delimiter: str) -> None:
    """InvalidRequest unless it is one ASCII character that means nothing else in CSV."""
    if not delimiter.isascii() or delimiter in '"\r\n\0':
        raise InvalidRequest.of("source.delimiter", "is one ASCII character other than a quote")


def header_of(descriptor: int, encoding: str, delimiter: str) -> list[str]:
    """The names in the header line; RecordsRejected when there is none that can be read."""
    raw = os.pread(descriptor, _HEADER_BYTES, 0)
    codec = codec_of(encoding)
    if codec in _LENIENT and _is_utf8(raw):
        raise RecordsRejected(f"the file is UTF-8 and not {encoding}; declare utf-8")
    # What is wrong further down is for the reading to find, and to say where.
    decoder = codecs.getincrementaldecoder(codec or "utf-8")(errors="replace")
    try:
        text = decoder.decode(raw).removeprefix("\ufeff")
    except UnicodeError:  # UTF-16 and UTF-32 without the mark that tells their order of bytes
        raise _unreadable(encoding) from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = next(reader)
    except StopIteration:
        raise RecordsRejected("the file is empty; its first line must name the columns") from None
    except csv.Error:
        raise RecordsRejected("the header line is not well-formed CSV") from None
    if any("\ufffd" in name for name in names):
        raise _unreadable(encoding)
    return names


def _unreadable(encoding: str) -> RecordsRejected:
    return RecordsRejected(
        f"the header line is not valid {encoding}; declare the file's real encoding, such as "
        "gb18030"
    )


def _is_utf8(raw: bytes) -> bool:
    if raw.startswith(codecs.BOM_UTF8):
        return True
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        return False
    return len(text) - sum(map(str.isascii, text)) >= _ENOUGH


class CsvBytes(io.RawIOBase):
    """Reads an open file from its beginning as UTF-8 CSV; keeps no position in the descriptor.

    ``read`` raises RecordsRejected, naming the line, at bytes that are not of the encoding and at
    a misplaced quote.
    """

    def __init__(self, descriptor: int, encoding: str, delimiter: str) -> None:
        super().__init__()
        codec = codec_of(encoding)
        self._descriptor = descriptor
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(codec)() if codec else None
        # Where a newline is more than one byte, lines are counted only in what was decoded.
        self._wide = codec is not None and codec.startswith(("utf-16", "utf-32"))
        self._offset = 0
        self._ended = False
        self._quotes = QuoteCheck(delimiter)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes of the file, more when they grew in transcoding; b"" at the end."""
        while not self._ended:
            raw = os.pread(self._descriptor, max(size, 1 << 16), self._offset)
            first = self._offset == 0
            self._offset += len(raw)
            self._ended = not raw
            data = raw if self._decoder is None else self._transcoded(raw)
            if first:
                data = data.removeprefix(codecs.BOM_UTF8)
            self._quotes.check(data, final=self._ended)
            if data:
                return data
        return b""

    def _transcoded(self, raw: bytes) -> bytes:
        assert self._decoder is not None  # noqa: S101 - for the type checker
        try:
            return self._decoder.decode(raw, not raw).encode()
        except UnicodeDecodeError as fault:
            line = self._quotes.line
            if not self._wide:
                line += fault.object[: fault.start].count(b"\n")
            raise RecordsRejected(
                f"at or after line {line}: bytes that are not valid {self._encoding}; "
                "declare the file's real encoding",
                line=str(line),
            ) from None


class QuoteCheck:
    """Holds a stream of CSV bytes to RFC 4180: a quote opens a value, closes it, or is doubled."""

    def __init__(self, delimiter: str) -> None:
        self._edges = np.frombuffer(delimiter.encode() + b'\r\n"', dtype=np.uint8)
        self._seen = 0
        self._tail = b"\n"  # a quote at the very beginning opens a value
        self._open_line = 1
        self.line = 1

    def check(self, data: bytes, *, final: bool) -> None:
        """Check the next bytes; RecordsRejected names the line of the first misplaced quote."""
        whole = self._tail + data + (b"\n" if final else b"")
        if b'"' in whole:
            self._check_quotes(whole)
        # The last byte is context for the next quote; an unjudged quote comes again with its own.
        self._tail = whole[-2:] if whole.endswith(b'"') else whole[-1:]
        self.line += data.count(b"\n")
        if final and self._seen % 2:
            raise self._misplaced(self._open_line, "opens a value that is never closed")

    def _check_quotes(self, whole: bytes) -> None:
        signs = np.frombuffer(whole, dtype=np.uint8)
        places = np.flatnonzero(signs[1:-1] == _QUOTE) + 1
        if not places.size:
            return
        opens = (self._seen + np.arange(places.size)) % 2 == 0
        beside = np.where(opens, signs[places - 1], signs[places + 1])
        wrong = np.flatnonzero(~np.isin(beside, self._edges))
        if wrong.size:
            how = "stands inside an unquoted value" if opens[wrong[0]] else "is not doubled"
            raise self._misplaced(self._line_at(whole, places[wrong[0]]), how)
        self._seen += places.size
        if self._seen % 2:
            self._open_line = self._line_at(whole, places[-1])

    def _line_at(self, whole: bytes, place: int) -> int:
        return self.line + whole[len(self._tail) : place].count(b"\n")

    @staticmethod
    def _misplaced(line: int, how: str) -> RecordsRejected:
        return RecordsRejected(
            f'line {line}: a quote (") {how}; quote the value and double the quotes in it',
            line=str(line),
        )
