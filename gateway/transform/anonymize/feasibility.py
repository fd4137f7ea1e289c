"""Says before a search that no recoding can reach the goal, and what is nearest to it.

Judged at the root of the lattice, where every column is at its highest level: a model that must
fail below a node that fails cannot be reached where the root fails. The nearest setting of a model
is found by halving its parameter at the root. Figures of the answer are of the table: they are for
whoever may see it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.errors import InvalidRequest, Violation
from gateway.model.anonymity import (
    AverageRisk,
    BetaLikeness,
    DeltaDisclosure,
    DeltaPresence,
    KAnonymity,
    KMap,
    LDiversity,
    PrivacyModel,
)
from gateway.model.exact import DECIMALS, from_millionths, millionths
from gateway.transform.anonymize.classes import Classes, RollUp
from gateway.transform.anonymize.demands import Judgement, demand, demands, judge
from gateway.transform.anonymize.problem import Problem
from gateway.transform.anonymize.spans import SUPPRESSION

_UNIT: Final = 10**DECIMALS
_MOST: Final = 10**6 * _UNIT


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A model's number in millionths: from the easiest setting on, in steps, toward what was asked."""

    field: str
    easiest: int
    step: int


def check_feasible(problem: Problem, rolled: RollUp) -> None:
    """InvalidRequest names each model that cannot be reached, and its nearest setting that can."""
    root = rolled.classes(tuple(levels - 1 for levels in rolled.shape))
    wrong = []
    for model in problem.goal.models:
        judged = judge(root, (demand(model, problem),), problem.limit)
        if not judged.passes and judged.below:
            wrong.append(Violation(_named(model), _nearest(model, problem, root)))
    if wrong:
        raise InvalidRequest.collected(wrong)
    together = judge(root, demands(problem), problem.limit)
    if not together.passes and together.below:
        raise InvalidRequest.of(
            "models",
            "each can be reached alone, and all together cannot; "
            + (_by_suppression(problem, root, demands_of=problem.goal.models) or "weaken one"),
        )


def _nearest(model: PrivacyModel, problem: Problem, root: Classes) -> str:
    told = []
    if isinstance(model, KAnonymity) and model.k > problem.rows:
        told.append(f"k = {model.k} is more than the {problem.rows} records of the table")
    elif not any(ladder.height for ladder in problem.ladders):
        told.append(
            "cannot be reached by leaving records out alone within the limit; take full_domain, "
            "which makes values coarser as well"
        )
    elif all(ladder.origin == SUPPRESSION for ladder in problem.ladders):
        told.append("cannot be reached, even with every cell left out")
    else:
        told.append("cannot be reached, even with every column at its highest level")
    if isinstance(model, DeltaPresence):
        told.append(
            "the table must be part of the population, and its share of it between the limits"
        )
    for parameter in _parameters(model):
        found = _easiest_kept(model, parameter, problem, root)
        if found is not None:
            told.append(f"the nearest that can be reached is {parameter.field} = {found}")
        elif not isinstance(model, DeltaPresence):  # there the other limit may be what is wrong
            told.append(f"no {parameter.field} can be reached on this table")
    if by_suppression := _by_suppression(problem, root, demands_of=(model,)):
        told.append(by_suppression)
    return "; ".join(told)


def _by_suppression(
    problem: Problem, root: Classes, *, demands_of: tuple[PrivacyModel, ...]
) -> str | None:
    judged = _judged(demands_of, problem, root, problem.rows)
    if not judged.passes:
        return None
    out = int(root.counts[judged.left_out].sum())
    share = -(-out * 10_000 // problem.rows) * 100
    return f"or permit a suppression of {from_millionths(share)}"


def _judged(
    models: tuple[PrivacyModel, ...], problem: Problem, root: Classes, limit: int
) -> Judgement:
    return judge(root, tuple(demand(model, problem) for model in models), limit)


def _parameters(model: PrivacyModel) -> Iterator[_Parameter]:
    match model:
        case KAnonymity() | KMap():
            yield _Parameter("k", 2 * _UNIT, _UNIT)
        case LDiversity(variant="entropy"):
            yield _Parameter("l", _UNIT + _UNIT // 100, _UNIT // 100)
        case LDiversity():
            yield _Parameter("l", 2 * _UNIT, _UNIT)
        case DeltaPresence():
            yield _Parameter("minimum", 0, _UNIT // 1000)
            yield _Parameter("maximum", _UNIT, _UNIT // 1000)
        case BetaLikeness():
            yield _Parameter("beta", _MOST, _UNIT // 100)
        case DeltaDisclosure():
            yield _Parameter("delta", _MOST, _UNIT // 100)
        case _:
            field = (
                "at_most" if isinstance(model, AverageRisk) or hasattr(model, "at_most") else "t"
            )
            yield _Parameter(field, _UNIT, _UNIT // 1000)


def _easiest_kept(
    model: PrivacyModel, parameter: _Parameter, problem: Problem, root: Classes
) -> str | None:
    """The setting nearest to what was asked that the root passes; None when none is."""
    asked = millionths(str(getattr(model, parameter.field)))
    sign = 1 if asked >= parameter.easiest else -1
    steps = abs(asked - parameter.easiest) // parameter.step

    def setting(step: int) -> str:
        return from_millionths(parameter.easiest + sign * step * parameter.step) or ""

    def passes(step: int) -> bool:
        value: object = setting(step)
        if parameter.field == "k":
            value = int(setting(step))
        return _judged(
            (model.but(**{parameter.field: value}),), problem, root, problem.limit
        ).passes

    if not passes(0):
        return None
    low, high = 0, steps + 1
    while high - low > 1:
        middle = (low + high) // 2
        if passes(middle):
            low = middle
        else:
            high = middle
    return setting(low)


def _named(model: PrivacyModel) -> str:
    column = getattr(model, "column", None)
    return model.kind if column is None else f"{model.kind} of {column}"
