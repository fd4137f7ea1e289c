"""The distinct values of a column, folded, and which of them have a form.

A pattern meets only the values that it could match (`traits`), each value once.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.classify.checks import CHECKS
from gateway.classify.folding import fold
from gateway.classify.pack import Identifier, Pack
from gateway.classify.traits import OTHER, Traits, classes_of, needs, traits

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, repr=False)
class Values:
    """The distinct values of a sample with how often each occurs; folded, and in capitals too."""

    values: pa.Array
    capitals: pa.Array
    counts: NDArray[np.int64]
    total: int
    traits: Traits
    traits_of_capitals: Traits

    def share(self, mask: Bools) -> float:
        return float(self.counts[mask].sum() / self.total) if self.total else 0.0

    def matching(self, pattern: str) -> Bools:
        """Values that the whole pattern matches."""
        return matching_among(self.values, pattern, needs(pattern).met(self.traits))

    def matching_in_capitals(self, pattern: str) -> Bools:
        """The same in capitals; the pattern without anchors."""
        candidates = needs(pattern).met(self.traits_of_capitals)
        return matching_among(self.capitals, f"^(?:{pattern})$", candidates)


def distinct_values(
    distinct: pa.Array, counts: NDArray[np.int64], pack: Pack
) -> tuple[Values, float]:
    """Distinct values that say something, and the share of those that do not."""
    folded = fold(distinct)
    empty = bools(pc.is_in(pc.utf8_lower(folded), value_set=_nothing(pack.nothing)))
    blank = float(counts[empty].sum() / counts.sum())
    if 0 < blank < 1:
        kept = ~empty
        folded, counts = folded.filter(pa.array(kept)), counts[kept]
    found = traits(folded)
    spaced = ~(found.without(OTHER) | found.without(classes_of(" ")))
    if spaced.any():
        # 张 三: spaces between Chinese characters set names of two under names of three.
        closed = pc.replace_substring_regex(folded, r"(\p{Han}) +", r"\1")
        folded = pc.if_else(pa.array(spaced), closed, folded)
        found = traits(folded)
    # Case folding can turn a letter outside of ASCII into one inside.
    capitals = pc.utf8_upper(folded)
    values = Values(folded, capitals, counts, int(counts.sum()), found, traits(capitals))
    return values, blank


@lru_cache(maxsize=4)
def _nothing(words: tuple[str, ...]) -> pa.Array:
    return pa.array(["", *words])


def accepts(form: Identifier, folded: pa.Array) -> tuple[Bools, Bools]:
    """For each folded value: whether the whole of it has the form, and whether it passes the check.

    A value has the form with or without the separators that the form drops.
    """
    capitals = pc.utf8_upper(folded)
    return fits(form, capitals, traits(capitals))


def fits(form: Identifier, capitals: pa.Array, of_capitals: Traits) -> tuple[Bools, Bools]:
    """The same for values in capitals whose traits are known."""
    shaped = np.zeros(len(capitals), dtype=np.bool_)
    rows = np.flatnonzero(needs(form.pattern).met(of_capitals, form.drop))
    if not len(rows):
        return shaped, shaped
    bare = capitals.take(pa.array(rows))
    if form.drop:
        bare = pc.replace_substring_regex(bare, f"[{re.escape(form.drop)}]", "")
    shape = bools(pc.match_substring_regex(bare, f"^(?:{form.pattern})$"))
    shaped[rows] = shape
    if form.check is None or not shape.any():
        return shaped, shaped
    passed = np.zeros(len(capitals), dtype=np.bool_)
    passed[rows[shape]] = CHECKS[form.check](bare.filter(pa.array(shape)))
    return shaped, passed


def matching_among(values: pa.Array, pattern: str, candidates: Bools) -> Bools:
    """Those of the candidates that the pattern matches."""
    matched = np.zeros(len(values), dtype=np.bool_)
    rows = np.flatnonzero(candidates)
    if len(rows):
        few = values if len(rows) == len(values) else values.take(pa.array(rows))
        matched[rows] = bools(pc.match_substring_regex(few, pattern))
    return matched


def bools(mask: pa.Array) -> Bools:
    """A mask for NumPy; null is no."""
    return np.asarray(mask.fill_null(False)).astype(np.bool_)
