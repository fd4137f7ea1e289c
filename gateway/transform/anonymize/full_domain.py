"""Full-domain generalisation: one level a column for the whole table, and records left out.

On a lattice of up to some millions of nodes every node is looked at or settled by a bound, so what
is found is the optimum. On a larger one, or when time is over, it is the best found so far, and
says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np
import pyarrow as pa

from gateway.errors import FailedPrecondition
from gateway.transform.anonymize.classes import Classes, Mask, Node, RollUp
from gateway.transform.anonymize.demands import Demand, demands, judge
from gateway.transform.anonymize.descent import descend
from gateway.transform.anonymize.feasibility import check_feasible
from gateway.transform.anonymize.lattice import Lattice
from gateway.transform.anonymize.metrics import Objective, likely_order, lower_bases, objective
from gateway.transform.anonymize.problem import UNWATCHED, Problem, Watch
from gateway.transform.anonymize.recoding import SUPPRESSED, Recoding

_MOST_NODES: Final = 4_000_000
"""Larger lattices are searched without a bound for every node: this many take 100 MB."""

_TOLD_EVERY: Final = 16


@dataclass(frozen=True, slots=True, repr=False)
class Look:
    """A node that was looked at: what it costs (infinite where it does not pass), and bounds.

    ``penalty`` is that of all nodes below, infinite where none of them passes.
    """

    node: Node
    base: float
    penalty: float
    cost: float
    left_out: Mask


class Searched:
    """A problem with what every look at a node needs; remembers the best node."""

    def __init__(self, problem: Problem, wanted: tuple[Demand, ...]) -> None:
        self.problem = problem
        self.rolled = RollUp(problem)
        self.objective: Objective = objective(problem.goal, self.rolled)
        self.best: Look | None = None
        self.looks = 0
        self._wanted = wanted

    def look(self, node: Node) -> Look:
        """Counts the classes of a node and judges them."""
        self.looks += 1
        classes = self.rolled.classes(node)
        judged = judge(classes, self._wanted, self.problem.limit)
        base = self.objective.base(classes)
        must = np.inf if judged.below else self.objective.penalty(classes, judged.must_go)
        cost = base + self.objective.penalty(classes, judged.left_out) if judged.passes else np.inf
        found = Look(node, base, must, cost, judged.left_out)
        if judged.passes and (self.best is None or cost < self.best.cost):
            self.best = found
        return found


def full_domain(problem: Problem, watch: Watch = UNWATCHED) -> Recoding:
    """The full-domain recoding of the least cost.

    InvalidRequest before the search when no recoding can reach the goal, with the nearest that can
    be reached; FailedPrecondition when none was found. What ``watch`` raises stops the search.
    """
    wanted = demands(problem)
    searched = Searched(problem, wanted)
    check_feasible(problem, searched.rolled)
    if prod(searched.rolled.shape) <= _MOST_NODES:
        proven = _whole_lattice(searched, watch)
    else:
        descend(searched, watch)
        proven = False
    if searched.best is None:
        raise FailedPrecondition(_none_found(proven), reason="INFEASIBLE")
    best = _lowered(searched, searched.best) if proven else searched.best
    return _recoding(searched, best, proven=proven)


def at_levels(problem: Problem, levels: Mapping[str, int]) -> Recoding | None:
    """The recoding of given levels; None where they do not reach the goal or are no levels here."""
    node = tuple(levels[name] for name in problem.names)
    heights = zip(node, problem.ladders, strict=True)
    if any(level > ladder.height for level, ladder in heights):
        return None
    searched = Searched(problem, demands(problem))
    seen = searched.look(node)
    return None if seen.cost == np.inf else _recoding(searched, seen, proven=False)


def _whole_lattice(searched: Searched, watch: Watch) -> bool:
    """Whether the best is proven to be the optimum."""
    shape = searched.rolled.shape
    lattice = Lattice(
        lower_bases(searched.objective, shape), likely_order(searched.objective, shape)
    )
    nodes = prod(lattice.shape)
    # The root first: then there is something to give whenever time is over.
    node: Node | None = tuple(levels - 1 for levels in shape)
    while node is not None:
        seen = searched.look(node)
        lattice.settle(node, seen.base, seen.penalty, cost=seen.cost)
        node = lattice.next()
        if searched.looks % _TOLD_EVERY == 1:
            watch.tell("search", nodes - len(lattice), nodes)
            if node is not None and watch.elapsed() > searched.problem.goal.seconds:
                return False
    watch.tell("search", nodes, nodes)
    return True


def _lowered(searched: Searched, best: Look) -> Look:
    """A node that costs the same and generalises less, where one step leads to it: a column of one
    value costs nothing at any level."""
    for place, level in enumerate(best.node):
        for lower in range(level):
            node = (*best.node[:place], lower, *best.node[place + 1 :])
            seen = searched.look(node)
            if seen.cost <= best.cost:
                best = seen
                break
    return best


def _none_found(proven: bool) -> str:
    if proven:
        return (
            "no full-domain recoding reaches these models together with so little suppression: "
            "permit more suppression, weaken a model, or use local recoding"
        )
    return (
        "no recoding was found before the time limit: permit more time, or more suppression, or "
        "use local recoding"
    )


def _recoding(searched: Searched, best: Look, *, proven: bool) -> Recoding:
    problem, rolled = searched.problem, searched.rolled
    classes, where = rolled.combination(best.node)
    kept = (classes.counts > 0) & ~best.left_out
    number = np.where(kept, np.cumsum(kept) - 1, SUPPRESSED)
    published = {
        name: _published(problem, rolled, classes, kept, place)
        for place, name in enumerate(problem.names)
    }
    return Recoding(
        "full_domain",
        problem.goal.metric,
        searched.objective.value(best.cost),
        dict(zip(problem.names, best.node, strict=True)),
        proven,
        tuple(ladder.leaves for ladder in problem.ladders),
        problem.tuples,
        number[where],
        pa.table(published),
        frozenset(name for name, level in zip(problem.names, best.node, strict=True) if not level),
        problem.row_tuple,
    )


def _published(
    problem: Problem, rolled: RollUp, classes: Classes, kept: Mask, place: int
) -> pa.Array:
    level = classes.node[place]
    digits = rolled.digits(classes, np.flatnonzero(kept), place)
    labels = rolled.labels[place][level][digits]
    return problem.ladders[place].labels[level].take(pa.array(labels))
