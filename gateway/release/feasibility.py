"""Says before anything is charged whether a data set can be anonymised as the policies demand.

What is told rests on the policies' demands and the whole version alone, never on the request's
filters or on what the recipient has: those are counted when a release is run, charged and logged,
or dry runs would answer any number of questions about few people for nothing.
"""

from collections.abc import Callable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gateway.decide import reasons
from gateway.errors import FailedPrecondition, InvalidRequest
from gateway.model.anonymity import KAnonymity, LDiversity
from gateway.model.decision import Reason
from gateway.model.exact import DECIMALS, millionths
from gateway.model.plan import Anonymisation
from gateway.ports import Clock, Source
from gateway.release.recodings import Recodings
from gateway.transform.anonymize.classes import RollUp
from gateway.transform.anonymize.feasibility import check_feasible
from gateway.transform.anonymize.problem import Problem

SECONDS: Final = 10
"""So long a dry run looks at the data set at most."""

_NOT_LOOKED_AT: Final = "earlier extracts and row filters were not looked at, and may be a reason to refuse when it is run"
"""On purpose: what they allow tells of few people, and a dry run is free."""


class _TooLong(Exception):
    """The time for looking is over."""


def feasible(
    dataset: str,
    fingerprint: str,
    wanted: Anonymisation,
    source: Source,
    recodings: Recodings,
    clock: Clock,
) -> Reason:
    """That it can be anonymised so, or that this was not found out in time.

    FailedPrecondition where it cannot, with what could be demanded instead as far as that tells no
    more than how many records, and how many values of a sensitive column, there are.
    """
    if recodings.reaches(dataset, fingerprint, wanted):
        return _reason(f"this version has a recoding that reaches the demands; {_NOT_LOOKED_AT}")
    began = clock.now()

    def in_time(_done: int = 0) -> None:
        if (clock.now() - began).total_seconds() > SECONDS:
            raise _TooLong

    try:
        _look(dataset, wanted, source, recodings, in_time)
    except _TooLong:
        return Reason(
            code=reasons.ANONYMITY_UNKNOWN,
            text="the data set is too large to tell beforehand whether the demands can be reached: "
            "the release will tell",
        )
    return _reason(
        "each of the demands can be reached; how much detail they leave together is found out when "
        f"the release is run; {_NOT_LOOKED_AT}"
    )


def _look(
    dataset: str,
    wanted: Anonymisation,
    source: Source,
    recodings: Recodings,
    in_time: Callable[[int], None],
) -> None:
    table = recodings.read(source, wanted, in_time)
    try:
        problem = Problem.of(table, wanted.goal, recodings.ladders(table, wanted), {})
        in_time(0)
        check_feasible(problem, RollUp(problem))
    except InvalidRequest as unfit:
        names = ", ".join(sorted({violation.field for violation in unfit.violations}))
        near = _nearest(table, wanted)
        raise FailedPrecondition(
            f"{dataset} cannot be anonymised as the policies demand ({names}){near}: an officer "
            "demands less, or corrects the hierarchies",
            reason="ANONYMITY_INFEASIBLE",
            resource=dataset,
        ) from unfit


def _nearest(table: pa.Table, wanted: Anonymisation) -> str:
    most = []
    for model in wanted.goal.models:
        if isinstance(model, KAnonymity) and model.k > table.num_rows:
            most.append(f"k at most {table.num_rows}, the records there are")
        elif isinstance(model, LDiversity):
            values = pc.count_distinct(table.column(model.column), mode="all").as_py()
            if millionths(model.l) > values * 10**DECIMALS:
                most.append(f"l of {model.column} at most {values}, the values there are")
    return f"; possible are {' and '.join(most)}" if most else ""


def _reason(text: str) -> Reason:
    return Reason(code=reasons.ANONYMITY_FEASIBLE, text=text)
