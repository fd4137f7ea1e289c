"""Suppression alone: cells or records are left out until the goal is reached, and what stays is as
it was.

A suppressed cell is published as ``*``, a value of its own: records agree in it only where it is
suppressed in both. Tools that count it as equal to everything (a wildcard) suppress fewer cells,
and let an attacker who knows the value rule out the records that state another one: of (A, C)
published as (*, C) beside (B, C), (B, C), (B, C) there is one candidate left, not four.
"""

from dataclasses import replace

import pyarrow as pa

from gateway.transform.anonymize.full_domain import full_domain
from gateway.transform.anonymize.ladder import ROOT, Ladder
from gateway.transform.anonymize.local_recoding import local_recoding
from gateway.transform.anonymize.problem import UNWATCHED, Problem, Watch
from gateway.transform.anonymize.recoding import Recoding
from gateway.transform.anonymize.spans import SUPPRESSION


def suppress_cells(problem: Problem, watch: Watch = UNWATCHED) -> Recoding:
    """Few cells become ``*``; every record stays.

    The value of the metric loss is the share of cells suppressed, by the goal's weights: columns
    of more weight keep more. A heuristic, as ``local_recoding`` is: to suppress the fewest is
    NP-hard (Meyerson & Williams 2004). `InvalidRequest` as there.
    """
    return local_recoding(_with(problem, [_leaf_or_root(one) for one in problem.ladders]), watch)


def suppress_records(problem: Problem, watch: Watch = UNWATCHED) -> Recoding:
    """Records whose class fails are left out, at most the goal's share of them; cells stay.

    The fewest that there can be where models speak of each class alone (k-anonymity, diversity);
    where they compare with the whole table, what is left out changes that, and it is repeated until
    nothing fails. Errors as of ``full_domain``.
    """
    bare = [replace(one, codes=one.codes[:1], labels=one.labels[:1]) for one in problem.ladders]
    return full_domain(_with(problem, bare), watch)


def _leaf_or_root(ladder: Ladder) -> Ladder:
    leaves = ladder.leaves
    return Ladder.of_levels([leaves, pa.array([ROOT] * len(leaves), pa.string())], SUPPRESSION)


def _with(problem: Problem, ladders: list[Ladder]) -> Problem:
    return replace(problem, ladders=tuple(ladders))
