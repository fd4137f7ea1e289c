"""Brings what people type into one form: full-width to half-width, capitals, dashes and spaces.

Two forms: `fold` for cells may change lengths (NFKC); `fold_text` for free text keeps every
character at its place, so that a span found in the folded text is a span of the original; what
shows nothing is taken out of texts before, and `without_marks` tells where each character stood.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.classify.numerals import in_one_piece, western_digits
from gateway.classify.traits import OTHER, traits
from gateway.norms.marks import DOTS, HYPHENS, INVISIBLE, SPACES, code_points, re2_class

# Characters of one place each: the full-width block, and the hyphens, dots and spaces in use.
SAME_PLACE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
SAME_PLACE |= dict.fromkeys(code_points(HYPHENS), ord("-"))
SAME_PLACE |= dict.fromkeys(code_points(SPACES), ord(" "))
SAME_PLACE |= dict.fromkeys(code_points(DOTS), 0x00B7)
# Marks that show nothing would hide a number from a pattern.
_INVISIBLE = re2_class(INVISIBLE)
_HYPHENS = re2_class(HYPHENS)
_DOTS = re2_class(DOTS)
_BOUNDS = np.array([(first, last + 1) for first, last in INVISIBLE], np.uint32).ravel()

MAX_CELL = 4096
"""Longest part of a cell that is looked at, in characters: no identifier is longer."""


def fold(values: pa.Array) -> pa.Array:
    """Cells in folded form: NFKC, trimmed, without invisible marks, digits of every script as those
    of ASCII, numbers in one piece, cut to MAX_CELL characters.

    Raises pyarrow.ArrowInvalid when a value is not UTF-8.
    """
    cut = pc.utf8_slice_codeunits(values, 0, MAX_CELL)
    foreign = ~traits(cut).without(OTHER)
    if not foreign.any():
        return in_one_piece(pc.utf8_trim_whitespace(cut))  # in ASCII there is nothing to fold
    mask = pa.array(foreign)
    plain = pc.utf8_normalize(cut.filter(mask), form="NFKC")
    plain = pc.replace_substring_regex(plain, _INVISIBLE, "")
    plain = pc.replace_substring_regex(plain, _HYPHENS, "-")
    plain = pc.replace_substring_regex(plain, _DOTS, "·")
    folded = pc.replace_with_mask(cut, mask, western_digits(plain))
    return in_one_piece(pc.utf8_trim_whitespace(folded))


def fold_text(text: str) -> str:
    """A text of the same length, character by character in folded form."""
    return text.translate(SAME_PLACE)


def without_marks(texts: pa.StringArray) -> tuple[pa.StringArray, Mapping[int, NDArray[np.int64]]]:
    """The texts (none null) without the marks that show nothing, and of each that had some where
    its characters stood."""
    marked = np.flatnonzero(
        pc.match_substring_regex(texts, _INVISIBLE).to_numpy(zero_copy_only=False)
    )
    if not len(marked):
        return texts, {}
    rows = pa.array(marked)
    stood = {}
    for index, text in zip(marked.tolist(), texts.take(rows).to_pylist(), strict=True):
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        stood[index] = np.flatnonzero(np.searchsorted(_BOUNDS, codes, side="right") % 2 == 0)
    bare = pc.replace_substring_regex(texts.take(rows), _INVISIBLE, "")
    mask = np.zeros(len(texts), dtype=np.bool_)
    mask[marked] = True
    return pc.replace_with_mask(texts, pa.array(mask), bare), stood


def has_plain_cases(word: str) -> bool:
    """Whether capitals and small letters of the word are one character each, in whatever text:
    ASCII and Chinese. Other scripts have letters whose small form is longer, or depends on where
    they stand."""
    return all(c.isascii() or "\u3400" <= c <= "\u9fff" for c in word)
