"""Random trees whose leaves' labels are chosen with noise, by diffprivlib's trees.

diffprivlib 0.6.6 draws a tree's thresholds and the noise of its labels from one Mersenne Twister
with a seed of 31 bits. The thresholds are published, the seed can be found from them by trying
all, and then the noise is known. Here both come from the operating system.
"""

from typing import Any

import numpy as np
from diffprivlib.models.forest import _FittingTree
from diffprivlib.utils import check_random_state

from gateway.transform.noise.chance import Doubles, Integers

_System: Any = type(check_random_state(None, secure=True))  # random.SystemRandom


class _SystemState(_System):  # type: ignore[misc]
    """The system's generator, with the one method of NumPy's that a tree calls besides."""

    def randint(self, bound: int) -> int:
        return int(self.randrange(bound))


class _Tree(_FittingTree):  # type: ignore[misc]
    def apply(self, X: Doubles) -> Integers:  # noqa: N803 - the overridden method's name
        """The leaf of every row, a level at a time and not a row at a time."""
        feature = np.array([max(node.feature, 0) for node in self.nodes])
        threshold = np.array([node.threshold for node in self.nodes], dtype=np.float64)
        left = np.array([node.left_child for node in self.nodes])
        right = np.array([node.right_child for node in self.nodes])
        at = np.zeros(len(X), dtype=np.int64)
        rows = np.arange(len(X))
        for _ in range(self.max_depth):  # all leaves are that deep
            at = np.where(X[rows, feature[at]] <= threshold[at], left[at], right[at])
        return at


def grow(
    x: Doubles, labels: Integers, *, kinds: int, trees: int, depth: int, epsilon: float
) -> list[list[dict[str, Any]]]:
    """``trees`` lists of nodes, the root first: ``feature``, ``threshold``, ``left`` (up to the
    threshold) and ``right``, or of a leaf its ``class``. Each tree sees its own part of the rows."""
    ends = np.ones(x.shape[1])
    grown = []
    for part in np.array_split(np.arange(len(x)), trees):
        tree = _Tree(depth, x.shape[1], list(range(kinds)), epsilon, (-ends, ends), _SystemState())
        tree.build()
        tree.fit(x[part], labels[part])
        chosen = tree.values_[:, 0, :].argmax(axis=1)
        grown.append(
            [
                {"class": int(chosen[at])}
                if node.left_child < 0
                else {
                    "feature": int(node.feature),
                    "threshold": float(node.threshold),
                    "left": int(node.left_child),
                    "right": int(node.right_child),
                }
                for at, node in enumerate(tree.nodes)
            ]
        )
    return grown
