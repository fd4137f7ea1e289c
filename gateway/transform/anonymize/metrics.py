"""What a node of the lattice costs, as a sum of two parts that bound the cost of other nodes.

*Base*: what generalisation alone costs. It never falls on the way up. *Penalty*: what leaving
records out costs on top of it. For records that must be left out at a node and at every node below
it, it never falls on the way down: a record left out above is left out below too, where it lost
less to generalisation. So base(below) + penalty(above) is at most the cost of what lies between.

n: records; less is better for every metric, and a suppressed cell counts as the root.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from gateway.model.anonymity import AnonymityGoal, Metric
from gateway.model.exact import DECIMALS, millionths
from gateway.transform.anonymize.classes import Classes, Floats, Mask, Node, RollUp


class Objective:
    """One metric over one problem."""

    additive = True
    """Whether the base of every node is known without its classes: a sum over columns."""

    def __init__(self, goal: AnonymityGoal, rolled: RollUp) -> None:
        self.rolled = rolled
        self.weights = column_weights(goal)
        self.total_weight = sum(self.weights)

    def bases(self, place: int) -> Floats:
        """What each level of a column adds to the base, for an additive metric."""
        raise NotImplementedError

    def base(self, classes: Classes) -> float:
        """The base of one node."""
        return float(sum(self.bases(place)[level] for place, level in enumerate(classes.node)))

    def penalty(self, classes: Classes, left_out: Mask) -> float:
        """The penalty for leaving these classes out."""
        raise NotImplementedError

    def value(self, cost: float) -> float:
        """The metric itself, of base and penalty together."""
        return cost


class _Lost(Objective):
    """A metric where each record left out adds what its cells had not lost yet."""

    def spare(self, place: int, level: int) -> Floats:
        """Of each occurring label what one cell has not lost yet, weighted."""
        raise NotImplementedError

    def penalty(self, classes: Classes, left_out: Mask) -> float:
        chosen = np.flatnonzero(left_out)
        per_record = np.zeros(len(chosen))
        for place, level in enumerate(classes.node):
            digits = self.rolled.digits(classes, chosen, place)
            per_record += self.spare(place, level)[digits]
        return float(per_record @ classes.counts[chosen])


class Loss(_Lost):
    """Mean over all cells of (leaves below the value − 1) / (leaves below the root − 1), a
    suppressed cell counted 1 (Iyengar 2002)."""

    def __init__(self, goal: AnonymityGoal, rolled: RollUp) -> None:
        super().__init__(goal, rolled)
        self._cell = [weight / self.total_weight / rolled.rows for weight in self.weights]
        ladders = rolled.problem.ladders
        lost = [
            [ladder.loss(level)[labels] for level, labels in enumerate(rolled.labels[place])]
            for place, ladder in enumerate(ladders)
        ]
        self._bases: list[Floats] = [
            np.array([rolled.rows_at(place, level) @ at for level, at in enumerate(levels)])
            * self._cell[place]
            for place, levels in enumerate(lost)
        ]
        self._spare: list[list[Floats]] = [
            [(1 - at) * self._cell[place] for at in levels] for place, levels in enumerate(lost)
        ]

    def bases(self, place: int) -> Floats:
        return self._bases[place]

    def spare(self, place: int, level: int) -> Floats:
        return self._spare[place][level]


class NonUniformEntropy(_Lost):
    """Bits: sum over all cells of −log2(records with the leaf / records with the generalised
    value), a suppressed cell counted as generalised to the root (Gionis & Tassa 2009)."""

    def __init__(self, goal: AnonymityGoal, rolled: RollUp) -> None:
        super().__init__(goal, rolled)
        self._bases: list[Floats] = []
        self._spare: list[list[Floats]] = []
        for place, radices in enumerate(rolled.radices):
            logs = [
                np.log2(np.maximum(rolled.rows_at(place, level), 1))
                for level in range(len(radices))
            ]
            sums = np.array([rolled.rows_at(place, level) @ log for level, log in enumerate(logs)])
            self._bases.append((sums - sums[0]) * self.weights[place])
            self._spare.append([(np.log2(rolled.rows) - log) * self.weights[place] for log in logs])

    def bases(self, place: int) -> Floats:
        return self._bases[place]

    def spare(self, place: int, level: int) -> Floats:
        return self._spare[place][level]


class Precision(_Lost):
    """Mean over all cells of level / highest level, a suppressed cell counted 1: the precision
    that is lost (Sweeney 2002: 1 − Prec)."""

    def bases(self, place: int) -> Floats:
        levels = self.rolled.shape[place]
        share = self.weights[place] / self.total_weight
        shares: Floats = np.arange(levels) / max(levels - 1, 1) * share
        return shares

    def spare(self, place: int, level: int) -> Floats:
        levels = self.rolled.shape[place]
        share = self.weights[place] / self.total_weight / self.rolled.rows
        left = 1 - level / max(levels - 1, 1)
        spare: Floats = np.full(self.rolled.radices[place][level], left * share)
        return spare


class Height(Objective):
    """Sum of the levels (Samarati 2001); what is left out does not count."""

    def bases(self, place: int) -> Floats:
        return np.arange(self.rolled.shape[place], dtype=np.float64) * self.weights[place]

    def penalty(self, _classes: Classes, _left_out: Mask) -> float:
        return 0.0


class Discernibility(Objective):
    """Sum of |E|² over the kept classes + n for each suppressed record (Bayardo & Agrawal 2005)."""

    additive = False

    def base(self, classes: Classes) -> float:
        sizes = classes.counts.astype(np.float64)
        return float(sizes @ sizes)

    def penalty(self, classes: Classes, left_out: Mask) -> float:
        sizes = classes.counts[left_out].astype(np.float64)
        return float(sizes @ (self.rolled.rows - sizes))


class AverageClassSize(Objective):
    """n divided by the number of kept classes (after LeFevre et al. 2006, without the division by
    k; suppressed records count in n and form no class)."""

    additive = False

    # The cost is minus the kept classes: all classes, which fall on the way up, less those left out.
    def base(self, classes: Classes) -> float:
        return -float(np.count_nonzero(classes.counts))

    def penalty(self, classes: Classes, left_out: Mask) -> float:
        return float(np.count_nonzero(classes.counts[left_out]))

    def value(self, cost: float) -> float:
        return self.rolled.rows / -cost if cost < 0 else np.inf


_METRICS: Final[Mapping[Metric, Callable[[AnonymityGoal, RollUp], Objective]]] = {
    "loss": Loss,
    "entropy": NonUniformEntropy,
    "precision": Precision,
    "height": Height,
    "discernibility": Discernibility,
    "average_class_size": AverageClassSize,
}


def objective(goal: AnonymityGoal, rolled: RollUp) -> Objective:
    """The goal's metric over a problem."""
    return _METRICS[goal.metric](goal, rolled)


def column_weights(goal: AnonymityGoal) -> list[float]:
    """Of each quasi-identifier, 1 where none is given."""
    return [
        millionths(goal.weights.get(name, "1")) / 10**DECIMALS for name in goal.quasi_identifiers
    ]


def lower_bases(objective_: Objective, shape: Node) -> Floats:
    """A base for every node of the lattice: its own, or the least there can be."""
    if not objective_.additive:
        return np.full(shape, objective_.base(objective_.rolled.bottom))
    return _added([objective_.bases(place) for place in range(len(shape))])


def likely_order(objective_: Objective, shape: Node) -> Floats | None:
    """Where bases are not known before, a number for every node that rises with its likely base;
    None for an additive metric.

    The logarithm of the chance that two records agree, as if columns were independent.
    """
    if objective_.additive:
        return None
    rolled = objective_.rolled
    return _added(
        [
            np.array(
                [
                    np.log(np.square(rolled.rows_at(place, level) / rolled.rows).sum())
                    for level in range(levels)
                ]
            )
            for place, levels in enumerate(shape)
        ]
    )


def _added(columns: list[Floats]) -> Floats:
    sums = np.zeros([len(column) for column in columns])
    for place, column in enumerate(columns):
        across = [1] * len(columns)
        across[place] = len(column)
        sums = sums + column.reshape(across)
    return sums
