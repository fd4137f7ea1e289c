"""What an attack on a release reached, and how much of it a policy bears."""

from collections.abc import Iterable
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from gateway.model.catalog import ColumnName
from gateway.model.exact import DECIMALS, Number, millionths
from gateway.model.noun import LongText, Noun

Attack = Literal[
    "singling_out_univariate",
    "singling_out_multivariate",
    "linkability",
    "inference",
    "record_linkage",
    "differencing",
    "refinement",
    "refinement_singling_out",
]
"""Each is defined, with its threat and its source, in ``risk.attacks``."""

AttackKind = Literal[
    "singling_out", "linkability", "inference", "record_linkage", "differencing", "refinement"
]
"""What a policy limits: attacks of one kind share one limit."""

KIND_OF: Final[dict[Attack, AttackKind]] = {
    "singling_out_univariate": "singling_out",
    "singling_out_multivariate": "singling_out",
    "linkability": "linkability",
    "inference": "inference",
    "record_linkage": "record_linkage",
    "differencing": "differencing",
    "refinement": "refinement",
    "refinement_singling_out": "refinement",
}


class AttackResult(Noun):
    """How far one attack came.

    ``success`` is what the release adds: (rate − control) / (1 − control), and 0 where that is
    below. The control is ``control`` if the attack was run on people who are not in the release,
    else ``baseline``, except for singling out, where nothing is taken off. ``low`` and ``high`` enclose ``success`` with 95 % confidence, low rounded
    down and high up; they hold no sampling error, and so are ``success`` itself, where
    everybody was attacked. ``rate`` is the bare share of ``attempts`` that were right,
    ``baseline`` the same for an attacker who does without what the attack rests on. All are
    shares. An attack of no attempts found nothing to try: ``explanation`` says why.
    """

    name: Attack
    column: ColumnName | None = None
    success: Number
    low: Number
    high: Number
    rate: Number
    baseline: Number
    control: Number | None = None
    attempts: Annotated[int, Field(ge=0)]
    threat: LongText
    explanation: LongText

    @property
    def kind(self) -> AttackKind:
        return KIND_OF[self.name]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        low, success, high = (millionths(text) for text in (self.low, self.success, self.high))
        if not 0 <= low <= success <= high <= 10**DECIMALS:
            raise ValueError("an interval of shares encloses its figure")
        return self


def _share(text: str) -> str:
    if not 0 <= millionths(text) <= 10**DECIMALS:
        raise ValueError("a limit is a share: from 0 to 1")
    return text


class AttackLimits(Noun):
    """The greatest success that each kind of attack may have; None is no limit.

    The upper end of the interval counts: what too few attempts leave open is not permitted.
    """

    singling_out: Number | None = None
    linkability: Number | None = None
    inference: Number | None = None
    record_linkage: Number | None = None
    differencing: Number | None = None
    refinement: Number | None = None

    @model_validator(mode="after")
    def _shares(self) -> Self:
        for limit in self.by_kind().values():
            _share(limit)
        return self

    def by_kind(self) -> dict[AttackKind, str]:
        """The limits that there are."""
        named: dict[AttackKind, str | None] = {
            "singling_out": self.singling_out,
            "linkability": self.linkability,
            "inference": self.inference,
            "record_linkage": self.record_linkage,
            "differencing": self.differencing,
            "refinement": self.refinement,
        }
        return {kind: limit for kind, limit in named.items() if limit is not None}

    def stricter(self, other: Self) -> Self:
        """What satisfies both: of each kind the lower limit."""
        ours, theirs = self.by_kind(), other.by_kind()
        joined = {
            kind: min((limits[kind] for limits in (ours, theirs) if kind in limits), key=millionths)
            for kind in sorted({*ours, *theirs})
        }
        return type(self).model_validate(joined)

    def exceeded(self, results: Iterable[AttackResult]) -> tuple[AttackResult, ...]:
        """The results whose upper end is above the limit of their kind."""
        limits = self.by_kind()
        return tuple(
            result
            for result in results
            if result.kind in limits and millionths(result.high) > millionths(limits[result.kind])
        )

    def missing(self, results: Iterable[AttackResult]) -> frozenset[AttackKind]:
        """The kinds that are limited but were not attacked: to be refused, not passed."""
        return frozenset(self.by_kind()) - {result.kind for result in results}
