"""Tells the delimiter of a CSV file from its first lines."""

import codecs
import csv
import io
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from gateway.errors import InvalidRequest
from gateway.execute.csv_text import codec_of

_DELIMITERS: Final = (",", ";", "\t", "|")
_LOOKED_BYTES: Final = 256 << 10
_LOOKED_LINES: Final = 200
_ALIKE: Final = 0.9
"""Share of the lines that must agree; the reading names the rows that do not."""


def delimiter_of(file: Path, encoding: str) -> str:
    """The one by which the header line and the lines after it have the same number of values,
    and more than one; a comma where there is nothing to divide.

    InvalidRequest when two do equally well, and for an encoding not offered.
    """
    with file.open("rb") as stream:
        raw = stream.read(_LOOKED_BYTES)
    decoder = codecs.getincrementaldecoder(codec_of(encoding) or "utf-8")(errors="replace")
    try:
        text = decoder.decode(raw).removeprefix("\ufeff")
    except UnicodeError:  # the reading says what is wrong with it
        return _DELIMITERS[0]
    whole = len(raw) < _LOOKED_BYTES
    found = {sign: _values(text, sign, whole=whole) for sign in _DELIMITERS}
    most = max(found.values())
    if most < 2:
        return _DELIMITERS[0]
    best = [sign for sign, values in found.items() if values == most]
    if len(best) > 1:
        raise InvalidRequest.of(
            "delimiter",
            f"{file.name} could be divided by {' or '.join(map(repr, best))}: say which",
        )
    return best[0]


def _values(text: str, delimiter: str, *, whole: bool) -> int:
    """Values of the header line; 1 when many of the lines after it have another number of them."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    numbers: list[int] = []
    # A value so long that the reader gives up ends the look, not the file.
    with suppress(csv.Error):
        numbers += (len(line) for line in islice(filter(None, lines), _LOOKED_LINES))
    if not whole and 1 < len(numbers) < _LOOKED_LINES:
        del numbers[-1]  # it may have been cut off
    if not numbers or numbers.count(numbers[0]) < _ALIKE * len(numbers):
        return 1
    return numbers[0]
