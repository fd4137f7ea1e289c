"""Searches a lattice that is too large for a bound on every node: the best found within the time.

From the root, where everything is generalised, down: of the nodes one step below, the cheapest
that passes is next, and others wait in a queue by their cost. After the steps that a descent takes,
the search goes on from what waits (a best-first search with a bounded queue), until nothing does or
time is over. After ARX's heuristic (Prasser et al. 2016), of which it is a simple relative.
"""

from heapq import heappop, heappush, nsmallest
from math import inf
from typing import Final, Protocol

from gateway.transform.anonymize.classes import Node
from gateway.transform.anonymize.problem import Problem, Watch

_WAITING: Final = 20_000
_TOLD_EVERY: Final = 16


_Waiting = tuple[bool, float, Node]


class _Seen(Protocol):
    @property
    def cost(self) -> float: ...
    @property
    def base(self) -> float: ...
    @property
    def penalty(self) -> float: ...


class _Searched(Protocol):
    problem: Problem
    looks: int

    def look(self, node: Node) -> _Seen: ...


def descend(searched: _Searched, watch: Watch) -> None:
    """Looks at nodes until time is over or nothing better is in reach."""
    top = tuple(ladder.height for ladder in searched.problem.ladders)
    waiting = [_rank(top, searched.look(top))]
    known = {top}
    while waiting:
        for below in _one_below(heappop(waiting)[-1]):
            if below in known:
                continue
            known.add(below)
            if searched.looks % _TOLD_EVERY == 0:
                watch.tell("search", searched.looks, 0)
                if watch.elapsed() > searched.problem.goal.seconds:
                    return
            seen = searched.look(below)
            if seen.penalty < inf:  # else nothing below passes
                heappush(waiting, _rank(below, seen))
        if len(waiting) > _WAITING:
            waiting = nsmallest(_WAITING // 2, waiting)


def _rank(node: Node, seen: _Seen) -> _Waiting:
    """Nodes that pass by their cost, and before those that may only lead to some."""
    passes = seen.cost < inf
    return not passes, seen.cost if passes else seen.base + seen.penalty, node


def _one_below(node: Node) -> list[Node]:
    return [
        (*node[:place], level - 1, *node[place + 1 :]) for place, level in enumerate(node) if level
    ]
