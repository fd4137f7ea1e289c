"""A column's value generalisation hierarchy as arrays: leaves, and what each is at every level.

Level 0 is the value itself. A null is a leaf of its own, which stays null until the level where
everything is one value. Source of the form: Samarati & Sweeney 1998, domain and value
generalisation hierarchies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.transform.hierarchy import checked_hierarchy

ROOT: Final = "*"
"""What is published where nothing of a value may be told."""

Codes = NDArray[np.int32]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, repr=False)
class Ladder:
    """``codes[level][leaf]`` is the number of the label of ``leaf`` at ``level``, and
    ``labels[level]`` the texts by that number.

    ``leaves`` are distinct texts, at most one null among them. ``origin`` says in a word where the
    ladder is from. Made by the builders below and in ``proposals``; those check that it is a tree.
    """

    leaves: pa.Array
    codes: tuple[Codes, ...]
    labels: tuple[pa.Array, ...]
    origin: str

    @classmethod
    def of_levels(cls, levels: Sequence[pa.Array], origin: str) -> Self:
        """From one array of texts a level, leaves first; each level must coarsen the one before."""
        codes, labels = [], []
        for texts in levels:
            encoded = texts.dictionary_encode(null_encoding="encode")
            codes.append(encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32))
            labels.append(encoded.dictionary)
        assert len(labels[0]) == len(levels[0])  # noqa: S101 - callers give distinct leaves
        return cls(labels[0], tuple(codes), tuple(labels), origin)

    @classmethod
    def of_table(cls, table: pa.Table, origin: str = "file") -> Self:
        """From a hierarchy table (see ``transform.hierarchy``); `InvalidRequest` if it is none."""
        table = checked_hierarchy(table)
        return cls.of_levels([column.combine_chunks() for column in table.columns], origin)

    @property
    def height(self) -> int:
        """The highest level."""
        return len(self.codes) - 1

    @property
    def has_null(self) -> bool:
        """Whether null is a leaf."""
        return bool(self.leaves.null_count)

    @property
    def rooted(self) -> bool:
        """Whether the highest level is one value for all leaves."""
        return len(self.labels[-1]) == 1

    def below(self, level: int) -> Counts:
        """Leaves below each label of a level."""
        return np.bincount(self.codes[level], minlength=len(self.labels[level])).astype(np.int64)

    def loss(self, level: int) -> NDArray[np.float64]:
        """(leaves below the label − 1) / (all leaves − 1) for each label; 0 where there is one
        leaf (Iyengar 2002)."""
        return (self.below(level) - 1) / max(len(self.leaves) - 1, 1)

    def with_null(self) -> "Ladder":
        """The same with null as a leaf."""
        if self.has_null:
            return self
        levels = []
        for level, codes in enumerate(self.codes):
            at_root = level > 0 and level == self.height and self.rooted
            own = self.labels[level][:1] if at_root else pa.nulls(1, pa.string())
            levels.append(pa.concat_arrays([self.labels[level].take(pa.array(codes)), own]))
        return Ladder.of_levels(levels, self.origin)

    def table(self) -> pa.Table:
        """The hierarchy table that it could be from: one row a leaf, ``level_0`` to the top."""
        return pa.table(
            {
                f"level_{level}": self.labels[level].take(pa.array(codes))
                for level, codes in enumerate(self.codes)
            }
        )

    def numbers(self) -> NDArray[np.float64] | None:
        """The leaves as numbers, or as days and microseconds since 1970, NaN for null; None when
        they are neither numbers nor dates nor moments of ISO 8601."""
        for kind, whole in ((pa.float64(), None), (pa.date32(), pa.int32()), (_MOMENT, pa.int64())):
            try:
                read = self.leaves.cast(kind)
            except pa.ArrowInvalid:
                continue
            if whole is not None:
                read = read.cast(whole).cast(pa.float64(), safe=False)
            found = read.fill_null(np.nan).to_numpy(zero_copy_only=False)
            finite = np.isfinite(found) | self.leaves.is_null().to_numpy(zero_copy_only=False)
            return found if bool(finite.all()) else None
        return None

    def find(self, texts: pa.Array) -> pa.Array:
        """The number of the leaf that each text is (int32); null where it is none."""
        return pc.index_in(texts, value_set=self.leaves)


_MOMENT: Final = pa.timestamp("us")
