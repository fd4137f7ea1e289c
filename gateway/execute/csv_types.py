"""Reads off the type of CSV columns over the whole file, and rather leaves text than loses any.

What only looks like a number stays text: leading zeros, identity and card numbers, phone numbers,
codes of one length. Decimal numbers keep their places. Dates are only ISO 8601.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gateway.execute.texts import Unreadable, read_text

_INTEGER: Final = r"^-?(0|[1-9][0-9]{0,14})$"
_DECIMAL: Final = r"^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$"
_PHONE: Final = r"^1[3-9][0-9]{9}$"
_CODE_DIGITS: Final = 6
"""From this many digits on, numbers that all have one length are taken for codes."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A type, and whether a piece of text (no nulls) may be all of it."""

    kind: pa.DataType
    fits: Callable[[pa.Array], bool]


def _all(pattern: str) -> Callable[[pa.Array], bool]:
    return lambda texts: bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def _readable(kind: pa.DataType) -> Callable[[pa.Array], bool]:
    def fits(texts: pa.Array) -> bool:
        try:
            read_text(texts, kind)
        except Unreadable:
            return False
        return True

    return fits


def _integer(texts: pa.Array) -> bool:
    return _all(_INTEGER)(texts) and not pc.any(pc.match_substring_regex(texts, _PHONE)).as_py()


_CANDIDATES: Final = (
    _Candidate(pa.bool_(), _all("^(?i:true|false)$")),
    _Candidate(pa.date32(), _readable(pa.date32())),
    _Candidate(pa.timestamp("us"), _readable(pa.timestamp("us"))),
    _Candidate(pa.timestamp("us", tz="UTC"), _readable(pa.timestamp("us", tz="UTC"))),
    _Candidate(pa.time64("us"), _readable(pa.time64("us"))),
    _Candidate(pa.int64(), _integer),
    _Candidate(pa.decimal128(18, 6), _all(_DECIMAL)),
)


class TypeReader:
    """Sees all values of one column and says what type holds every one of them."""

    def __init__(self) -> None:
        self._candidates: tuple[_Candidate, ...] = _CANDIDATES
        self._values = False
        self._shortest, self._longest = 1 << 62, 0
        self._places = 0

    def see(self, texts: pa.Array) -> None:
        """More values, nulls among them."""
        texts = texts.drop_null()
        if not len(texts) or not self._candidates:
            return
        self._values = True
        self._candidates = tuple(c for c in self._candidates if c.fits(texts))
        if any(pa.types.is_integer(c.kind) for c in self._candidates):
            lengths = pc.min_max(pc.utf8_length(texts)).as_py()
            self._shortest = min(self._shortest, lengths["min"])
            self._longest = max(self._longest, lengths["max"])
        if any(pa.types.is_decimal(c.kind) for c in self._candidates):
            places = pc.utf8_length(pc.replace_substring_regex(texts, r"^-?[0-9]+\.?", ""))
            self._places = max(self._places, pc.max(places).as_py())

    @property
    def undecided(self) -> bool:
        """Whether more values could still change what the type is."""
        return bool(self._candidates)

    def kind(self) -> pa.DataType:
        """The type of all values seen; text when there were none."""
        if not self._values or not self._candidates:
            return pa.string()
        kind = self._candidates[0].kind
        if pa.types.is_integer(kind) and self._shortest == self._longest >= _CODE_DIGITS:
            return pa.string()
        if not pa.types.is_decimal(kind):
            return kind
        # Whole numbers that were refused as integers are no decimals either.
        return pa.decimal128(18, self._places) if self._places else pa.string()


def read_types(
    names: Iterable[str],
    batches: Iterable[pa.RecordBatch],
    bare: Callable[[pa.Array], pa.Array],
) -> tuple[dict[str, pa.DataType], int]:
    """The type of each named text column over all batches, and the number of rows.

    ``bare`` takes the spaces and the null values from a column that is not to be text.
    """
    readers = {name: TypeReader() for name in names}
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        for name, reader in readers.items():
            if reader.undecided:
                reader.see(bare(batch.column(name)))
    return {name: reader.kind() for name, reader in readers.items()}, rows
