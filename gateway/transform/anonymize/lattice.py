"""Which nodes of the lattice can still hold the optimum, by bounds from those that were looked at.

The cost of a node is at least the largest base below it plus the largest penalty above it (see
``metrics``). The nodes where that is not less than the best cost found are settled without being
looked at; when all are settled, the best is the optimum.
"""

from typing import Final

import numpy as np

from gateway.transform.anonymize.classes import Floats, Node

_QUANTILE: Final = 0.7
"""Which of the open nodes, by their bound, is looked at next.

Found by trying (Adult, six goals): nodes near the best bound are mostly infeasible and settle
little; those near the best cost mostly feasible, and settle only themselves. Between them one look
settles many, whichever way it ends.
"""

_TOLERANCE: Final = 1e-12
"""Relative: sums of floats in another order are not another cost."""


class Lattice:
    """The open nodes. ``order``: by which the next is chosen, in place of the bounds.

    Memory: up to 33 bytes a node.
    """

    def __init__(self, bases: Floats, order: Floats | None = None) -> None:
        self.shape: Node = bases.shape
        self._bases = np.ascontiguousarray(bases)
        self._order = None if order is None else order.reshape(-1)
        self._penalties = np.zeros(self.shape)
        self._settled = np.zeros(self.shape, bool)
        self._open = np.arange(bases.size)
        self.best = np.inf

    def __len__(self) -> int:
        """Nodes that were open when the next was last asked for."""
        return len(self._open)

    def next(self) -> Node | None:
        """A node to look at; None when all are settled."""
        flat = self._open
        bounds = self._bases.reshape(-1)[flat] + self._penalties.reshape(-1)[flat]
        slack = _TOLERANCE * abs(self.best) if np.isfinite(self.best) else 0.0
        still = (bounds < self.best - slack) & ~self._settled.reshape(-1)[flat]
        self._open = flat = flat[still]
        if not len(flat):
            return None
        order = bounds[still] if self._order is None else self._order[flat]
        place = int(_QUANTILE * (len(flat) - 1))
        chosen = flat[np.argpartition(order, place)[place]]
        return tuple(int(level) for level in np.unravel_index(chosen, self.shape))

    def settle(self, node: Node, base: float, penalty: float, *, cost: float) -> None:
        """What was seen at a node: its base; the penalty that holds for all nodes below, infinite
        where none of them can pass; its own cost, infinite where it does not pass."""
        self._settled[node] = True
        self.best = min(self.best, cost)
        below = tuple(slice(0, level + 1) for level in node)
        np.maximum(self._penalties[below], penalty, out=self._penalties[below])
        above = tuple(slice(level, None) for level in node)
        np.maximum(self._bases[above], base, out=self._bases[above])
