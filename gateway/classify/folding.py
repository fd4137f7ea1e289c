"""Brings what people type into one form: full-width to half-width, capitals, dashes and spaces.

Two forms: `fold` for cells may change lengths (NFKC); `fold_text` for free text keeps every
character at its place, so that a span found in the folded text is a span of the original.
"""

import pyarrow as pa
import pyarrow.compute as pc

from gateway.classify.traits import OTHER, traits

# Characters of one place each: the full-width block, and the dashes, dots and spaces in use.
SAME_PLACE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
SAME_PLACE |= dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2212, 0xFE63), ord("-"))
SAME_PLACE |= dict.fromkeys((0x00A0, 0x2002, 0x2003, 0x2009, 0x202F, 0x3000), ord(" "))
SAME_PLACE |= dict.fromkeys((0x2022, 0x2027, 0x30FB, 0xFF65), 0x00B7)
# Marks that show nothing and could hide a number from a pattern: cells lose them.
_INVISIBLE = "[\\x{200B}-\\x{200F}\\x{202A}-\\x{202E}\\x{2060}-\\x{2064}\\x{FEFF}]"
_DASHES = "[\\x{2010}-\\x{2013}\\x{2212}]"
_DOTS = "[\\x{2022}\\x{2027}\\x{30FB}\\x{FF65}]"

MAX_CELL = 4096
"""Longest part of a cell that is looked at, in characters: no identifier is longer."""


def fold(values: pa.Array) -> pa.Array:
    """Cells in folded form: NFKC, trimmed, without invisible marks, cut to MAX_CELL characters.

    Raises pyarrow.ArrowInvalid when a value is not UTF-8.
    """
    cut = pc.utf8_slice_codeunits(values, 0, MAX_CELL)
    foreign = ~traits(cut).without(OTHER)
    if not foreign.any():
        return pc.utf8_trim_whitespace(cut)  # in ASCII there is nothing to fold
    mask = pa.array(foreign)
    plain = pc.utf8_normalize(cut.filter(mask), form="NFKC")
    plain = pc.replace_substring_regex(plain, _INVISIBLE, "")
    plain = pc.replace_substring_regex(plain, _DASHES, "-")
    plain = pc.replace_substring_regex(plain, _DOTS, "·")
    return pc.utf8_trim_whitespace(pc.replace_with_mask(cut, mask, plain))


def fold_text(text: str) -> str:
    """A text of the same length, character by character in folded form."""
    return text.translate(SAME_PLACE)


def has_plain_cases(word: str) -> bool:
    """Whether capitals and small letters of the word are one character each, in whatever text:
    ASCII and Chinese. Other scripts have letters whose small form is longer, or depends on where
    they stand."""
    return all(c.isascii() or "\u3400" <= c <= "\u9fff" for c in word)
