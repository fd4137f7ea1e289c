"""A column before and after as numbers: which label each value became, and how records spread.

Only what the two tables hold is used, no hierarchy: a label covers the values that became it. So
the same report is made of a full-domain, a local and any other recoding.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MOST_VALUES: Final = 2_000
"""Values of a column that are told apart: a table of two columns has four million cells then."""

OTHERS: Final = "others"
NULL: Final = "(null)"

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False)
class Relabelled:
    """One column. ``value``: of each record before, the number of its value (n). ``label``: of each
    that was kept, in their order, the number of its label.

    ``covers``: labels × values, 1 where a kept record with the value has the label. ``unchanged``:
    the share of kept cells that are as they were. Of a column with very many values the rarest
    count as one, but in ``exact``, the number of each kept record's own label.
    """

    name: str
    values: list[str]
    labels: list[str]
    value: Whole
    label: Whole
    kept: Whole
    covers: Floats
    unchanged: float
    exact: Whole

    @classmethod
    def of(cls, name: str, before: pa.ChunkedArray, after: pa.ChunkedArray, kept: Whole) -> Self:
        """``kept``: the places of the kept records, in the order of ``after``."""
        old, new = _texts(before), _texts(after)
        same = pc.equal(old.take(pa.array(kept)), new)
        values, value = _numbered(old)
        labels, label = _numbered(new)
        covers = np.zeros((len(labels), len(values)))
        covers[label, value[kept]] = 1
        unchanged = 1.0 if not len(new) else float(pc.mean(same.cast(pa.int8())).as_py())
        exact = new.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(name, values, labels, value, label, kept, covers, unchanged, exact)

    def before(self) -> Floats:
        """Share of the records with each value."""
        return np.bincount(self.value, minlength=len(self.values)) / max(len(self.value), 1)

    def after(self) -> Floats:
        """Share of the kept records with each label."""
        return np.bincount(self.label, minlength=len(self.labels)) / max(len(self.label), 1)

    def spread(self) -> Floats:
        """Labels × values: a label's records spread evenly over the values it covers."""
        return np.asarray(self.covers / np.maximum(self.covers.sum(axis=1, keepdims=True), 1))

    def read(self) -> Floats:
        """The distribution of values that a reader of the release gets."""
        return np.asarray(self.after() @ self.spread())

    def cell_loss(self) -> Floats:
        """Of each kept record: (values its label covers − 1) / (values − 1)."""
        lost = (self.covers.sum(axis=1) - 1) / max(len(self.values) - 1, 1)
        return np.asarray(lost[self.label])

    def entropy_kept(self) -> float:
        """1 − (bits lost by kept records, and all of those left out) / bits there were."""
        share = self.before()
        own = -np.log2(np.maximum(share, 1e-300))
        whole = float(own @ share) * len(self.value)
        if whole <= 0:
            return 1.0
        frequency = np.bincount(self.value, minlength=len(self.values)).astype(np.float64)
        under = self.covers @ frequency
        lost = float(np.log2(under[self.label] / frequency[self.value[self.kept]]).sum())
        gone = float(own[self.value].sum() - own[self.value[self.kept]].sum())
        return max(0.0, 1 - (lost + gone) / whole)


def _texts(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    if isinstance(found, pa.ChunkedArray):
        found = pa.concat_arrays(found.chunks) if found.num_chunks else pa.array([], column.type)
    if pa.types.is_dictionary(found.type):
        found = found.dictionary_decode()
    return found.cast(pa.string()).fill_null(NULL)


def _numbered(texts: pa.Array) -> tuple[list[str], Whole]:
    encoded = texts.dictionary_encode()
    names: list[str] = encoded.dictionary.to_pylist()
    number = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    if len(names) <= MOST_VALUES:
        return names, number
    size = np.bincount(number)
    common = np.argsort(-size, kind="stable")[: MOST_VALUES - 1]
    place = np.full(len(names), len(common))
    place[common] = np.arange(len(common))
    return [*(names[at] for at in common.tolist()), OTHERS], place[number]
