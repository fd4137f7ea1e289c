"""What several extracts let be told apart together, counted over the persons in them.

Definition: each extract shows a person in one of its classes, or not at all. Two persons can be told
apart when some extract shows them in different classes, or one of them and not the other. What
cannot be told apart is a cell. Source of the idea: m-invariance (Xiao & Tao, SIGMOD 2007), and
differencing (Denning, TODS 1980). Persons that no extract shows are in none, and do not count.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

NOT_SHOWN: Final = -1
_NOWHERE: Final = np.iinfo(np.int64).max


@dataclass(slots=True, repr=False)
class Cells:
    """Folds one extract after another; memory does not grow with their number.

    ``persons``: how many there are in all. ``code`` is the cell of each so far.
    """

    persons: int
    code: NDArray[np.int64] = field(init=False)
    _least: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.code = np.zeros(self.persons, np.int64)
        self._least = np.full(1, _NOWHERE)

    def add(self, shown: NDArray[np.int32], least: int) -> None:
        """One extract: the class in which it shows each person, or NOT_SHOWN. ``least``: records
        that what it shows was permitted with."""
        width = int(shown.max(initial=NOT_SHOWN)) + 2
        keys = self.code * width + (shown.astype(np.int64) + 1)
        distinct, code = np.unique(keys, return_inverse=True)
        before = self._least[distinct // width] if self.persons else self._least[:0]
        seen = distinct % width > 0
        self.code = code.astype(np.int64).reshape(-1)
        self._least = np.where(seen, np.minimum(before, least), before)

    @property
    def visible(self) -> NDArray[np.bool_]:
        """Which persons some extract shows."""
        return self._least[self.code] != _NOWHERE if self.persons else np.zeros(0, np.bool_)

    @property
    def large_enough(self) -> bool:
        """Whether every cell has as many persons as the mildest extract that shows it needs.

        The mildest, since that one alone has let so few be told apart already: an extract under a
        stricter demand beside it cannot undo that, and adds nothing below its own.
        """
        if not self.persons:
            return True
        sizes = np.bincount(self.code, minlength=len(self._least))
        return bool(((sizes >= self._least) | (self._least == _NOWHERE)).all())
