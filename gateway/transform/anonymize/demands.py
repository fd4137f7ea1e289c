"""The privacy models as a search sees them: which classes fail, and what may be concluded of others.

Conclusions, for classes made by coarsening (unions of classes):

* k-anonymity, k-map and distinct diversity, and what the other kinds of diversity need of it: a
  union with one class that passes passes. So what must be left out at a node must be left out at
  every node below it, whatever else is left out.
* The others but population uniqueness: a union of classes that all pass passes (their figures are
  convex). So where nothing may be left out, a node that fails makes those below fail; where
  something may be, no conclusion is drawn.

Distributions of the whole table are those of the records that are kept: who receives the table
knows no other. Thresholds are compared exactly; the code shares nothing with that of ``risk``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from math import ceil
from typing import Final

import numpy as np
import pyarrow as pa

from gateway.errors import InvalidRequest
from gateway.model.anonymity import (
    AverageRisk,
    BetaLikeness,
    DeltaDisclosure,
    DeltaPresence,
    KAnonymity,
    KMap,
    LDiversity,
    PopulationUniqueness,
    PrivacyModel,
    SampleUniqueness,
    TCloseness,
)
from gateway.model.exact import DECIMALS, millionths
from gateway.transform.anonymize import distances
from gateway.transform.anonymize.classes import Classes, Floats, Held, Mask
from gateway.transform.anonymize.ladder import Counts
from gateway.transform.anonymize.problem import Estimate, Problem

_NEAR: Final = 1e-9
"""Nearer to a threshold than this, floats do not decide."""

_BLOCK: Final = 1 << 22
"""Cells of a matrix of classes and values that stand in memory at once."""


class Demand:
    """One model. Masks are over classes; classes without records never fail."""

    convex = True
    """Whether a union of classes that pass passes."""

    relative = False
    """Whether it depends on which other classes are kept."""

    def must_go(self, _classes: Classes) -> Mask | None:
        """Classes that fail here and, with all their parts, at every node below; None: none."""
        return None

    def fails(self, _classes: Classes, _kept: Mask) -> Mask | None:
        """Classes among those kept that fail; None where the model does not speak of classes."""
        return None

    def holds(self, _classes: Classes, _kept: Mask) -> bool:
        """Whether the kept classes together pass, for what leaving out more cannot mend."""
        return True

    def shares_hold(self, _sizes: Counts) -> bool:
        """Whether a table of classes of these sizes passes; leaving out the smallest mends it."""
        return True


def demands(problem: Problem) -> tuple[Demand, ...]:
    """Of every model of the goal. InvalidRequest for a model that a column's type does not fit."""
    return tuple(demand(model, problem) for model in problem.goal.models)


def demand(model: PrivacyModel, problem: Problem) -> Demand:
    """Of one model; see ``demands``."""
    match model:
        case KAnonymity():
            return _Sizes(lambda classes: classes.counts, model.k)
        case KMap():
            return _Sizes(lambda classes: classes.people[model.population], model.k)
        case LDiversity():
            return _Diversity(model)
        case TCloseness():
            return _Closeness(model, problem)
        case BetaLikeness():
            return _Likeness(model)
        case DeltaDisclosure():
            return _Disclosure(model)
        case DeltaPresence():
            return _Presence(model)
        case AverageRisk():
            most = _fraction(model.at_most)
            return _Shares(lambda sizes: Fraction(len(sizes), int(sizes.sum())) <= most)
        case SampleUniqueness():
            most = _fraction(model.at_most)
            return _Shares(
                lambda sizes: Fraction(int(np.count_nonzero(sizes == 1)), int(sizes.sum())) <= most
            )
        case PopulationUniqueness():
            return _PopulationShares(model, _estimator(problem))


def _estimator(problem: Problem) -> Estimate:
    if problem.estimate is None:
        raise InvalidRequest.of(
            "population_uniqueness", "no estimator of a population's uniques was given"
        )
    return problem.estimate


def _fraction(number: str) -> Fraction:
    return Fraction(millionths(number), 10**DECIMALS)


@dataclass(frozen=True)
class _Sizes(Demand):
    sizes: Callable[[Classes], Counts]
    k: int

    def must_go(self, classes: Classes) -> Mask:
        return np.asarray(self.sizes(classes) < self.k)

    def fails(self, classes: Classes, _kept: Mask) -> Mask:
        return self.must_go(classes)


class _Diversity(Demand):
    def __init__(self, model: LDiversity) -> None:
        self._model = model
        self._l = _fraction(model.l)

    def must_go(self, classes: Classes) -> Mask:
        held = classes.held[self._model.column]
        # Entropy log l, and a sum from the l-th value on, need at least l values.
        return np.bincount(held.cls, minlength=len(classes)) < float(self._l)

    def fails(self, classes: Classes, _kept: Mask) -> Mask:
        few = self.must_go(classes)
        if self._model.variant == "distinct":
            return few
        held = classes.held[self._model.column]
        if self._model.variant == "entropy":
            return few | self._uneven(held, classes.counts)
        return few | self._dominated(held, len(classes))

    def _uneven(self, held: Held, counts: Counts) -> Mask:
        terms = held.count * np.log(held.count)
        sums = np.bincount(held.cls, weights=terms, minlength=len(counts))
        sizes = np.maximum(counts, 1)
        beyond = np.log(sizes) - sums / sizes - np.log(float(self._l))
        failing: Mask = beyond < 0
        for cls in np.flatnonzero(np.abs(beyond) < _NEAR):
            failing[cls] = not _entropy_reaches(held.count[held.cls == cls], self._l)
        return failing

    def _dominated(self, held: Held, classes: int) -> Mask:
        order = np.lexsort((-held.count, held.cls))
        cls, count = held.cls[order], held.count[order]
        begins = np.searchsorted(cls, np.arange(classes))
        rank = np.arange(len(cls)) - begins[cls]
        most = np.zeros(classes, np.int64)
        most[cls[rank == 0]] = count[rank == 0]
        late = rank >= int(self._l) - 1
        rest = np.bincount(cls[late], weights=count[late], minlength=classes).astype(np.int64)
        factor = millionths(self._model.c or "0")
        # In whole numbers: counts below 10¹², factors up to 10¹⁵ millionths need Python's.
        return np.asarray(
            most.astype(object) * 10**DECIMALS >= rest.astype(object) * factor, dtype=bool
        )


def _entropy_reaches(counts: Counts, bound: Fraction) -> bool:
    """Whether the entropy is at least log of the bound, to 60 digits; a difference that those do
    not show is none, for powers of counts of records do not come so close and differ."""
    with localcontext(prec=60):
        size = Decimal(int(counts.sum()))
        held = sum((Decimal(int(c)) * Decimal(int(c)).ln() for c in counts), Decimal(0))
        reached = size.ln() - held / size
        wanted = (Decimal(bound.numerator) / Decimal(bound.denominator)).ln()
        return reached >= wanted - Decimal(10) ** -40


class _Relative(Demand):
    """A model of how values are distributed in classes and in all that is kept."""

    relative = True

    def __init__(self, column: str) -> None:
        self._column = column

    def fails(self, classes: Classes, kept: Mask) -> Mask:
        held = classes.held[self._column]
        here = kept[held.cls]
        whole = np.bincount(held.value[here], weights=held.count[here]).astype(np.int64)
        return self._fails(held, classes.counts, kept, whole)

    def _fails(self, held: Held, counts: Counts, kept: Mask, whole: Counts) -> Mask:
        raise NotImplementedError


class _Closeness(_Relative):
    def __init__(self, model: TCloseness, problem: Problem) -> None:
        super().__init__(model.column)
        self._t = _fraction(model.t)
        self._values = len(problem.sensitive[model.column].values)
        self._distance: distances.Distance
        if model.distance == "ordered":
            _check_order(model.column, problem.sensitive[model.column].values.type)
            self._distance = distances.ordered
        elif model.hierarchy is not None:
            self._distance = distances.hierarchical(problem.trees[model.column, model.hierarchy])
        else:
            self._distance = distances.equal

    def _fails(self, held: Held, counts: Counts, kept: Mask, whole: Counts) -> Mask:
        whole = np.pad(whole, (0, self._values - len(whole)))
        reference = whole / max(int(whole.sum()), 1)
        failing = np.zeros(len(counts), bool)
        chosen = np.flatnonzero(kept)
        block = max(_BLOCK // max(self._values, 1), 1)
        for begin in range(0, len(chosen), block):
            classes = chosen[begin : begin + block]
            matrix = _matrix(held, classes, self._values)
            shares = matrix / np.maximum(counts[classes], 1)[:, None]
            beyond = self._distance(shares, reference) - float(self._t)
            failing[classes] = beyond > 0
            for place in np.flatnonzero(np.abs(beyond) < _NEAR):
                exact = self._distance(
                    _exact(matrix[place], int(counts[classes[place]]))[None, :],
                    _exact(whole, int(whole.sum())),
                )
                failing[classes[place]] = exact[0] > self._t
        return failing


def _matrix(held: Held, classes: Counts, values: int) -> Floats:
    """Records of each value (columns) in each of these classes (rows, ascending)."""
    begin, end = np.searchsorted(held.cls, [classes[0], classes[-1] + 1])
    cls = held.cls[begin:end]
    row = np.searchsorted(classes, cls)
    there = classes[np.minimum(row, len(classes) - 1)] == cls
    matrix = np.zeros((len(classes), values))
    matrix[row[there], held.value[begin:end][there]] = held.count[begin:end][there]
    return matrix


def _exact(counts: Floats | Counts, size: int) -> distances.Shares:
    return np.array([Fraction(int(count), size) for count in counts], dtype=object)


def _check_order(column: str, kind: pa.DataType) -> None:
    ordered = (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_temporal(kind)
        or pa.types.is_boolean(kind)
    )
    if not ordered:
        raise InvalidRequest.of(
            column, "the ordered distance needs numbers or dates; give the column a type"
        )


class _Likeness(_Relative):
    def __init__(self, model: BetaLikeness) -> None:
        super().__init__(model.column)
        self._beta = _fraction(model.beta)
        self._enhanced = model.variant == "enhanced"

    def _fails(self, held: Held, counts: Counts, kept: Mask, whole: Counts) -> Mask:
        records = int(whole.sum())
        here = np.flatnonzero(kept[held.cls])
        known = whole[held.value[here]]
        gain = held.count[here] / counts[held.cls[here]] * (records / known) - 1
        bound = np.full(len(here), float(self._beta))
        if self._enhanced:
            # ln of a fraction is no fraction but where it is 0, so that only β needs exactness.
            bound = np.minimum(bound, np.log(records / known))
        over = gain > bound + _NEAR
        for place in np.flatnonzero(np.abs(gain - bound) <= _NEAR):
            pair = here[place]
            exact = Fraction(
                int(held.count[pair]) * records, int(counts[held.cls[pair]]) * int(known[place])
            )
            over[place] = exact - 1 > (self._beta if bound[place] > 0 else 0)
            if self._enhanced and 0 < bound[place] < float(self._beta):
                over[place] = True
        failing = np.zeros(len(counts), bool)
        failing[held.cls[here[over]]] = True
        return failing


class _Disclosure(_Relative):
    def __init__(self, model: DeltaDisclosure) -> None:
        super().__init__(model.column)
        self._delta = float(_fraction(model.delta))

    def _fails(self, held: Held, counts: Counts, kept: Mask, whole: Counts) -> Mask:
        records = int(whole.sum())
        here = np.flatnonzero(kept[held.cls])
        ratio = np.log(
            held.count[here] / counts[held.cls[here]] * (records / whole[held.value[here]])
        )
        failing = np.zeros(len(counts), bool)
        # e^δ is no fraction: what is so near to the bound that floats do not tell is refused.
        failing[held.cls[here[np.abs(ratio) >= self._delta - _NEAR]]] = True
        occurring = np.bincount(held.cls, minlength=len(counts))
        failing |= occurring < np.count_nonzero(whole)
        return failing


class _Presence(Demand):
    def __init__(self, model: DeltaPresence) -> None:
        self._population = model.population
        self._least, self._most = millionths(model.minimum), millionths(model.maximum)

    def fails(self, classes: Classes, _kept: Mask) -> Mask:
        people = classes.people[self._population]
        # A record that the population has not shows that it is not the population.
        return (classes.counts > people) | (classes.counts * 10**DECIMALS > people * self._most)

    def holds(self, classes: Classes, kept: Mask) -> bool:
        people = classes.people[self._population]
        here = np.where(kept, classes.counts, 0)
        return bool((here * 10**DECIMALS >= people * self._least).all())


@dataclass(frozen=True)
class _Shares(Demand):
    passes: Callable[[Counts], bool]

    def shares_hold(self, sizes: Counts) -> bool:
        return self.passes(sizes)


class _PopulationShares(Demand):
    convex = False

    def __init__(self, model: PopulationUniqueness, estimate: Estimate) -> None:
        self._model = model
        self._estimate = estimate

    def shares_hold(self, sizes: Counts) -> bool:
        found, frequency = np.unique(sizes, return_counts=True)
        histogram = dict(zip(found.tolist(), frequency.tolist(), strict=True))
        fraction = float(_fraction(self._model.sampling_fraction))
        share = self._estimate(self._model.estimator, histogram, fraction)
        return share is not None and ceil(share * 10**DECIMALS) <= millionths(self._model.at_most)


@dataclass(frozen=True, slots=True)
class Judgement:
    """``left_out``: classes that are. ``must_go``: those of them that every node below leaves out
    as well. ``below``: whether no node below can pass either."""

    passes: bool
    left_out: Mask
    must_go: Mask
    below: bool


def judge(classes: Classes, wanted: tuple[Demand, ...], limit: int) -> Judgement:
    """What of a node is to be left out, and whether it passes with at most ``limit`` records out.

    Left out is what fails whatever else is kept; then what fails beside the others; then, until a
    share holds, the smallest classes, all of one size together; and the last two again, as
    distributions are those of what is kept.
    """
    there = classes.counts > 0
    must_go = np.zeros(len(classes), bool)
    for demand in wanted:
        gone = demand.must_go(classes)
        if gone is not None:
            must_go |= gone
    must_go &= there
    if _records(classes, must_go) > limit or not (there & ~must_go).any():
        return Judgement(False, must_go, must_go, below=True)
    kept = _passing(classes, there & ~must_go, [d for d in wanted if not d.relative])
    relative = [demand for demand in wanted if demand.relative]
    while True:
        before = np.count_nonzero(kept)
        kept = _passing(classes, kept, relative)
        _drop_small(classes, wanted, kept)
        gone = there & ~kept
        if _records(classes, gone) > limit or not kept.any():
            return Judgement(False, gone, must_go, below=_all_convex(wanted, limit))
        if np.count_nonzero(kept) == before:
            break
    passes = all(demand.holds(classes, kept) for demand in wanted)
    return Judgement(passes, gone, must_go, below=not passes and _all_convex(wanted, limit))


def _passing(classes: Classes, kept: Mask, wanted: list[Demand]) -> Mask:
    """Of the kept classes those that none fails. All look at the same: their order is nothing."""
    passing = kept.copy()
    for demand in wanted:
        failing = demand.fails(classes, kept)
        if failing is not None:
            passing &= ~failing
    return passing


def _records(classes: Classes, chosen: Mask) -> int:
    return int(classes.counts[chosen].sum())


def _all_convex(wanted: tuple[Demand, ...], limit: int) -> bool:
    return limit == 0 and all(demand.convex for demand in wanted)


def _drop_small(classes: Classes, wanted: tuple[Demand, ...], kept: Mask) -> None:
    while kept.any():
        sizes = classes.counts[kept]
        if all(demand.shares_hold(sizes) for demand in wanted):
            return
        kept &= classes.counts > sizes.min()
