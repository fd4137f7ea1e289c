"""Scores a classifier against the benchmark's gold labels.

Unknown (`entity` None) is an answer: right where the gold label is unknown, a miss elsewhere, and
never a false claim. So macro F1 is the mean over the gold entities, NONE among them and unknown
not; a claim about a column whose label is unknown counts against the claimed entity.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.model.grades import Grade, effective
from gateway.model.names import ColumnRole
from gateway.testing.benchmark.build import LabelledColumn
from gateway.testing.benchmark.hidden import Hiding

CHECK_DIGIT = frozenset(
    "CN_RESIDENT_ID CN_USCC CN_ORG_CODE CN_BANK_CARD CREDIT_CARD IBAN_CODE IMEI VIN".split()
)
"""Entities whose values carry a check digit."""

_STRICTNESS = (ColumnRole.OTHER, ColumnRole.QUASI_IDENTIFIER, ColumnRole.SENSITIVE,
               ColumnRole.DIRECT_IDENTIFIER)  # fmt: skip
_BINS = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What a classifier said of one column: None is unknown. `confidence` from 0 to 1."""

    entity: str | None
    role: ColumnRole | None
    confidence: float
    grade: Grade | None = None


@dataclass(frozen=True, slots=True)
class Rated:
    """One column of a table of a domain, and the answer.

    `floor`: the grade that the standard in use gives to what the column is; None does not look at
    grades.
    """

    domain: str
    column: LabelledColumn
    answer: Answer
    floor: Grade | None = None

    @property
    def right(self) -> bool:
        return self.answer.entity == self.column.entity

    @property
    def missed(self) -> bool:
        """A direct identifier that was called something milder: by role, by grade, or by being
        called nothing at all. Unknown is held back, no miss."""
        direct, said = ColumnRole.DIRECT_IDENTIFIER, self.answer
        if self.column.role is not direct or said.entity is None or said.role is None:
            return False
        # A grade that is not told counts as the highest.
        lower = self.floor is not None and not effective(said.grade).at_least(self.floor)
        nothing = said.entity == "NONE" and self.column.entity != "NONE"
        return said.role is not direct or lower or nothing

    @property
    def milder(self) -> bool:
        """A role below the gold one was given."""
        gold, given = self.column.role, self.answer.role
        return None not in (gold, given) and _rank(given) < _rank(gold)


@dataclass(frozen=True, slots=True)
class HiddenRated:
    """One column of `hidden`, without its values, and the answer."""

    hiding: Hiding
    carrier: str
    identifier: str
    per_cent: int
    rows: int
    answer: Answer

    @property
    def held_back(self) -> bool:
        """Unknown."""
        return self.answer.entity is None or self.answer.role is None

    @property
    def released(self) -> bool:
        """Called harmless or a quasi-identifier, whatever its grade, though it holds identifiers."""
        direct = self.answer.role is ColumnRole.DIRECT_IDENTIFIER
        return self.hiding != "clean" and not self.held_back and not direct


@dataclass(frozen=True, slots=True)
class Score:
    """All figures of one run. F1 and shares from 0 to 1, the rest are columns."""

    columns: int
    macro_f1: float
    f1: Mapping[str, float]
    check_digit_precision: float
    check_digit_claims: int
    direct: int
    direct_missed: int
    direct_unknown: int
    role_right: float
    role_milder: int
    unknown_right: float
    traps_claimed: int
    calibration_error: float
    reliability: tuple[tuple[float, float, int], ...]  # mean confidence, share right, columns
    confusions: tuple[tuple[str, str, str, int], ...]  # gold, answer, kind, columns


def score(rated: Iterable[Rated]) -> Score:
    """The figures over all columns. Raises ValueError when there are none."""
    all_ = list(rated)
    if not all_:
        raise ValueError("there is nothing to score")
    f1 = f1_by_entity(all_)
    claims = [r for r in all_ if r.answer.entity in CHECK_DIGIT]
    direct = [r for r in all_ if r.column.role is ColumnRole.DIRECT_IDENTIFIER]
    unknown = [r for r in all_ if r.column.entity is None]
    known = [r for r in all_ if r.column.role is not None and r.answer.role is not None]
    reliability = reliability_of([(r.answer.confidence, r.right) for r in all_ if r.answer.entity])
    return Score(
        columns=len(all_),
        macro_f1=sum(f1.values()) / len(f1),
        f1=f1,
        check_digit_precision=_share([r.right for r in claims]),
        check_digit_claims=len(claims),
        direct=len(direct),
        direct_missed=sum(r.missed for r in direct),
        direct_unknown=sum(r.answer.entity is None for r in direct),
        role_right=_share([r.answer.role is r.column.role for r in known]),
        role_milder=sum(r.milder for r in known),
        unknown_right=_share([r.right for r in unknown]),
        traps_claimed=sum(
            r.column.trap and r.answer.entity not in {None, "NONE", r.column.entity} for r in all_
        ),
        calibration_error=expected_calibration_error(reliability),
        reliability=reliability,
        confusions=_confusions(all_),
    )


def f1_by_entity(rated: Sequence[Rated]) -> Mapping[str, float]:
    """F1 of each gold entity, NONE among them."""
    gold = Counter(r.column.entity for r in rated)
    claimed = Counter(r.answer.entity for r in rated)
    right = Counter(r.column.entity for r in rated if r.right)
    return {
        entity: 2 * right[entity] / (gold[entity] + claimed[entity])
        for entity in sorted(e for e in gold if e is not None)
    }


def reliability_of(
    outcomes: Sequence[tuple[float, bool]],
) -> tuple[tuple[float, float, int], ...]:
    """By tenths of confidence: mean confidence, share that was right, number."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(_BINS)]
    for confidence, right in outcomes:
        bins[min(_BINS - 1, int(confidence * _BINS))].append((confidence, right))
    return tuple(
        (_share([c for c, _ in inside]), _share([r for _, r in inside]), len(inside))
        for inside in bins
        if inside
    )


def expected_calibration_error(reliability: Sequence[tuple[float, float, int]]) -> float:
    """Mean distance between confidence and share that was right, weighted by numbers."""
    total = sum(count for _, _, count in reliability)
    if not total:
        return 0.0
    return sum(abs(said - was) * count for said, was, count in reliability) / total


def _confusions(rated: Sequence[Rated]) -> tuple[tuple[str, str, str, int], ...]:
    wrong = Counter(
        (r.column.entity or "unknown", r.answer.entity or "unknown", r.column.kind)
        for r in rated
        if not r.right
    )
    return tuple((gold, said, kind, count) for (gold, said, kind), count in wrong.most_common())


def _rank(role: ColumnRole | None) -> int:
    return -1 if role is None else _STRICTNESS.index(role)


def _share(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 1.0
