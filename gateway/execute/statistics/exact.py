"""The exact result of a plan: never stored, never shown, only given to a mechanism."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Integers = NDArray[np.int64]

SATURATED = 1 << 62
"""Sums beyond it stand still: one person still moves them by no more than their bound, and noise
added to them fits into 64 bits."""


@dataclass(frozen=True, slots=True, repr=False)
class Exact:
    """What was counted and added up, with bounded contributions. Blind repr.

    ``measures``: by place in the plan, int64 of shape (groups,), for quantiles (groups, bins).
    ``persons``: how many persons each group has; None where groups are public. ``keys``: what the
    found groups are, a row each, sorted; None where groups are public.
    """

    measures: dict[int, Integers]
    persons: Integers | None
    keys: pa.Table | None

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(next(iter(self.measures.values())))
