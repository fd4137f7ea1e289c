"""Local recoding: equal combinations of quasi-identifiers form classes with others that are alike,
and each class publishes the tightest value that covers it, of every column for itself.

So the same value is published differently in different classes, which costs far less detail than
one level for a whole column does. First combinations are clustered in blocks (``lockstep``), then
classes that fail the goal are merged (``merging``), and cut again where a goal about distributions
left them large (``splitting``), then members change places for as long as that saves (``exchange``). Nothing is left out. The result depends on the table's values alone, not on
the order of its rows; records with the same quasi-identifiers are never told apart.

It is a heuristic: no bound on the distance to the best partition, which is NP-hard to find (Meyerson
& Williams 2004), is given.
"""

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gateway.errors import InvalidRequest
from gateway.model.anonymity import (
    BetaLikeness,
    DeltaDisclosure,
    DeltaPresence,
    KAnonymity,
    KMap,
    LDiversity,
    TCloseness,
)
from gateway.model.exact import DECIMALS, millionths
from gateway.transform.anonymize.classes import Classes, Held, RollUp
from gateway.transform.anonymize.demands import Demand, demands
from gateway.transform.anonymize.exchange import exchanged
from gateway.transform.anonymize.feasibility import check_feasible
from gateway.transform.anonymize.grouping import Ids, Mask, Points, cut
from gateway.transform.anonymize.keys import KeySpace
from gateway.transform.anonymize.lockstep import clustered
from gateway.transform.anonymize.merging import Profiles, merged
from gateway.transform.anonymize.metrics import column_weights
from gateway.transform.anonymize.problem import UNWATCHED, Problem, Watch
from gateway.transform.anonymize.recoding import Recoding
from gateway.transform.anonymize.spans import Axis
from gateway.transform.anonymize.splitting import split

_WORK: Final = 1 << 27
"""Combinations times combinations of a block: blocks are as large as this permits."""

_SMALLEST_BLOCK: Final = 128
_LARGEST_BLOCK: Final = 1_024
_EXCHANGES: Final = 400_000
"""Classes times rounds of exchange."""

_PROFILED: Final = 63
"""Sensitive values that are looked at one by one when classes are merged."""

_MOST_ROUNDS: Final = 8
_FEWEST_ROUNDS: Final = 2
_METRICS: Final = frozenset({"loss", "entropy", "discernibility", "average_class_size"})


def local_recoding(problem: Problem, watch: Watch = UNWATCHED) -> Recoding:
    """A recoding that reaches the goal and costs little by the metric, nothing left out.

    The metrics of whole classes, discernibility and average class size, are told of the result;
    what is made small is the loss then, with classes no larger than need be. `InvalidRequest` for
    goals that no partition reaches, for models that compare with a population, and for metrics of
    levels.
    """
    goal = problem.goal
    _check_kind(problem)
    weights = column_weights(goal)
    axes = [
        Axis.of(ladder, problem.tuples[:, place], problem.counts, goal.metric, weight)
        for place, (ladder, weight) in enumerate(zip(problem.ladders, weights, strict=True))
    ]
    places = np.column_stack(
        [axis.places(problem.tuples[:, place]) for place, axis in enumerate(axes)]
    )
    points = Points(axes, places, problem.counts)
    judge = _Judge(problem)
    if judge.failing(np.zeros(len(places), np.int64)).any():
        check_feasible(problem, RollUp(problem))
        raise InvalidRequest.of(
            "models", "cannot be reached, even by the whole table as one class; weaken one"
        )
    classes = _searched(points, judge, watch, goal.seconds)
    return _recoding(problem, points, classes)


class _Judge:
    """Says of a partition which classes fail. Everybody is kept, so each class stands for itself
    or is compared with the whole table, which never changes."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._wanted: tuple[Demand, ...] = demands(problem)
        self.least = _least_records(problem)
        self.only_sizes = all(isinstance(model, KAnonymity) for model in problem.goal.models)

    def failing(self, classes: Ids) -> Mask:
        """Where a share of small classes is too large, those of the smallest size."""
        found = self._classes(classes)
        everybody = np.ones(len(found), bool)
        fails = found.counts < self.least
        for wanted in self._wanted:
            failing = wanted.fails(found, everybody)
            if failing is not None:
                fails |= failing
            if not fails.any() and not wanted.shares_hold(found.counts):
                fails = found.counts == found.counts.min()
        return fails

    @property
    def profiles(self) -> Profiles | None:
        """Of the columns whose distribution is asked for, the most frequent values."""
        sensitive = [self._problem.sensitive[name] for name in _distributed(self._problem)]
        row_tuple = self._problem.row_tuple
        if not sensitive:
            return None

        def found(classes: Ids) -> NDArray[np.float32]:
            number = int(classes.max()) + 1
            parts = []
            for column in sensitive:
                frequent = np.argsort(-np.bincount(column.codes), kind="stable")[:_PROFILED]
                slot = np.full(len(column.values), len(frequent))
                slot[frequent] = np.arange(len(frequent))
                width = len(frequent) + 1
                cells = classes[row_tuple] * width + slot[column.codes]
                counted = np.bincount(cells, minlength=number * width)
                parts.append(counted.reshape(number, width).astype(np.float32))
            return np.concatenate(parts, axis=1)

        return found

    def _classes(self, classes: Ids) -> Classes:
        problem = self._problem
        counts = np.bincount(classes, weights=problem.counts).astype(np.int64)
        held = {}
        for name, sensitive in problem.sensitive.items():
            values = max(len(sensitive.values), 1)
            pairs, count = np.unique(
                classes[problem.row_tuple] * values + sensitive.codes, return_counts=True
            )
            cls, value = np.divmod(pairs, values)
            held[name] = Held(cls, value.astype(np.int32), count.astype(np.int64))
        return Classes((), None, np.zeros(len(counts), np.int64), counts, {}, held)


def _check_kind(problem: Problem) -> None:
    goal = problem.goal
    if goal.metric not in _METRICS:
        raise InvalidRequest.of(
            "metric", f"{goal.metric} is of levels, which local recoding has not; take loss"
        )
    for model in goal.models:
        if isinstance(model, KMap | DeltaPresence):
            raise InvalidRequest.of(
                "method",
                f"{model.kind} needs one generalisation for the table and the population; take "
                "full_domain",
            )


def _distributed(problem: Problem) -> tuple[str, ...]:
    """Sensitive columns of which more is asked than that values are several."""
    columns = [
        model.column
        for model in problem.goal.models
        if isinstance(model, TCloseness | BetaLikeness | DeltaDisclosure)
        or (isinstance(model, LDiversity) and model.variant != "distinct")
    ]
    return tuple(dict.fromkeys(columns))


def _least_records(problem: Problem) -> int:
    """How many records a class has at least, by the models of the goal; 2 by any."""
    sizes = [2]
    for model in problem.goal.models:
        if isinstance(model, KAnonymity):
            sizes.append(model.k)
        elif isinstance(model, LDiversity):
            sizes.append(-(-millionths(model.l) // 10**DECIMALS))
    return min(max(sizes), problem.rows)


def _searched(points: Points, judge: _Judge, watch: Watch, seconds: int) -> Ids:
    every = len(points.places)
    # what passes as it is costs nothing: a class of its own
    ready = ~judge.failing(np.arange(every))
    open_ = np.flatnonzero(~ready)
    classes = np.empty(every, np.int64)
    classes[ready] = np.arange(every - len(open_))
    if len(open_):
        some = Points(points.axes, points.places[open_], points.counts[open_])
        block = int(
            np.clip(_WORK // len(open_), _SMALLEST_BLOCK, max(_LARGEST_BLOCK, 40 * judge.least))
        )
        blocks = cut(some.order(some.places, some.places, 0), np.ones(len(open_), np.int64), block)
        found = clustered(
            some, blocks, judge.least, lambda done: watch.tell("cluster", done, len(open_))
        )
        classes[open_] = found + (every - len(open_))
    profiles = judge.profiles

    def tell(left: int) -> None:
        watch.tell("merge", left, 0)

    classes = merged(points, classes, judge.failing, tell, profiles)
    number = int(classes.max()) + 1
    rounds = int(np.clip(_EXCHANGES // number, _FEWEST_ROUNDS, _MOST_ROUNDS))

    def in_time(_turn: int) -> bool:
        watch.tell("split", 0, 0)
        return watch.elapsed() < seconds

    def go_on(turn: int) -> bool:
        watch.tell("exchange", turn, rounds)
        return watch.elapsed() < seconds

    if profiles is not None:
        classes = split(points, classes, judge.least, judge.failing, in_time)
    classes = exchanged(
        points, classes, judge.least, None if judge.only_sizes else judge.failing, rounds, go_on
    )
    # classes that publish the same are one; shares of small classes may have changed
    return merged(points, classes, judge.failing, tell, profiles)


def _recoding(problem: Problem, points: Points, classes: Ids) -> Recoding:
    low, high = points.spans(classes)
    columns = [axis.labels(low[:, place], high[:, place]) for place, axis in enumerate(points.axes)]
    # Classes that publish the same are one to whoever reads the table.
    encoded = [column.dictionary_encode(null_encoding="encode") for column in columns]
    codes = np.column_stack([column.indices.to_numpy(zero_copy_only=False) for column in encoded])
    radices = tuple(len(column.dictionary) for column in encoded)
    _, keys = KeySpace.of(codes.astype(np.int32), radices)
    _, first, same = np.unique(keys, return_index=True, return_inverse=True)
    classes = same[classes]
    published = pa.table(columns, names=list(problem.names)).take(pa.array(first))
    untouched = [
        name
        for place, name in enumerate(problem.names)
        if bool((low[:, place] == high[:, place]).all())
    ]
    return Recoding(
        method="local",
        metric=problem.goal.metric,
        value=_value(problem, points, classes),
        levels=None,
        proven_optimal=False,
        leaves=tuple(ladder.leaves for ladder in problem.ladders),
        tuples=problem.tuples,
        classes=classes.astype(np.int64),
        published=published,
        untouched=frozenset(untouched),
        row_tuple=problem.row_tuple,
    )


def _value(problem: Problem, points: Points, classes: Ids) -> float:
    """The goal's metric, as ``metrics`` defines it."""
    sizes = points.sizes(classes).astype(np.float64)
    match problem.goal.metric:
        case "discernibility":
            return float(sizes @ sizes)
        case "average_class_size":
            return problem.rows / len(sizes)
    low, high = points.spans(classes)
    cost = sum(
        float(axis.exact(low[:, place], high[:, place]) @ sizes)
        for place, axis in enumerate(points.axes)
    )
    if problem.goal.metric == "entropy":
        own = sum(
            float(axis.exact(points.places[:, place], points.places[:, place]) @ points.counts)
            for place, axis in enumerate(points.axes)
        )
        return cost - own
    return cost / problem.rows / sum(axis.weight for axis in points.axes)
