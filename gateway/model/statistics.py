"""Statistics with differential privacy: what is asked, what it costs, what is answered.

The unit of privacy is the person, whom one column of the data set names. Two data sets are
neighbours when one has all rows of one person and the other has none of them, and all other rows
are the same. Rows of nobody (null in that column) are never counted.

Nothing here is a float: what a guarantee rests on is exact (``model.ratio``), and bounds are exact
decimals (``model.exact``).
"""

from fractions import Fraction
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from gateway.model.catalog import ColumnName
from gateway.model.decision import PolicyRef
from gateway.model.exact import DECIMALS, Number, millionths
from gateway.model.expressions import (
    DEEPEST,
    Call,
    ColumnValue,
    Constant,
    Expression,
    depth,
    walk,
)
from gateway.model.fitting import ModelSpec
from gateway.model.mechanisms import (
    Additive,
    ExponentialQuantile,
    PartitionSelection,
    PrivacyEvent,
)
from gateway.model.names import identifier, is_identifier
from gateway.model.noun import Digest, LongText, Moment, Noun, ShortText
from gateway.model.ratio import NonNegativeRatio, PositiveRatio, Probability

EPSILON_MOST: Final = 100
"""More than that is no protection, and no question needs it."""
EPSILON_LEAST: Final = Fraction(1, 1_000_000)
"""Less than that answers nothing; a question that costs nothing could be asked without end."""
DELTA_MOST: Final = Fraction(1, 100)
"""δ is the chance that the guarantee does not hold at all."""
UNITS_MOST: Final = 1 << 40
"""Largest clamped value of a row, in steps of the grid: a double holds it exactly, and a million of
them fit into 64 bits."""

LOWER: Final = "_lower"
UPPER: Final = "_upper"
"""Ends of an interval: behind the name of the aggregate that it is of."""

Name = Annotated[str, Field(min_length=1, max_length=200)]

# ---- what is asked -------------------------------------------------------------------------------


class ContributionBounds(Noun):
    """How much of one person counts: in at most ``groups`` groups, with at most ``rows`` rows in
    each. Never taken from the data: from the catalogue or from the question."""

    groups: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    rows: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class StatisticsRequest(Noun):
    """What a consumer sends: a question as SQL, and how much of the budget it may use.

    ``delta`` is needed for Gaussian noise and for groups that are found; None: neither is used.
    ``groups`` and ``rows`` are the consumer's own contribution bounds, within the catalogue's.
    ``model``: what to train on the columns that the question counts, in place of answering it.
    """

    dataset: str  # the first one; a joined one is named in the SQL text
    sql: Annotated[str, Field(min_length=1, max_length=20_000, repr=False)]
    purpose: ShortText
    project: str | None = None
    epsilon: PositiveRatio
    delta: Probability | None = None
    groups: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    rows: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    minimum_frequency: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    model: ModelSpec | None = None

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        identifier(self.dataset, "datasets")
        if self.model is not None and self.model.epsilon != self.epsilon:
            raise ValueError("a model spends all of the question's epsilon")
        if self.project is not None and not is_identifier(self.project):
            raise ValueError("a project has 3 to 63 characters a-z, 0-9 and hyphen")
        _within_reason(self.epsilon, self.delta)
        return self


def _within_reason(epsilon: str, delta: str | None) -> None:
    if Fraction(epsilon) > EPSILON_MOST:
        raise ValueError(f"epsilon is at most {EPSILON_MOST}: more protects nobody")
    if Fraction(epsilon) < EPSILON_LEAST:
        raise ValueError("epsilon is at least 0.000001: with less an answer is nothing but noise")
    if delta is not None and Fraction(delta) > DELTA_MOST:
        raise ValueError(f"delta is at most {DELTA_MOST}: it is the chance of no protection")


class Clamp(Noun):
    """The range that values are brought into before they count, and where it comes from."""

    lower: Number
    upper: Number
    origin: Literal["question", "catalogue", "private"]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if millionths(self.lower) >= millionths(self.upper):
            raise ValueError("the lower bound of a clamp is below its upper bound")
        return self


AggregateKind = Literal[
    "count",  # rows, or non-null values of an expression
    "persons",  # distinct persons
    "sum",
    "average",
    "variance",  # of a sample
    "variance_population",
    "deviation",  # standard deviation of a sample
    "deviation_population",
    "quantile",
]

AVERAGING: Final = frozenset(
    {"average", "variance", "variance_population", "deviation", "deviation_population"}
)
CLAMPED: Final = AVERAGING | {"sum", "quantile"}
"""Aggregates of values, which need a range."""


class Aggregate(Noun):
    """One column of the answer. ``decimals``: places of the fixed-point grid on which values are
    added up, so one unit is 10^−decimals."""

    name: Name
    kind: AggregateKind
    expression: Expression | None = None  # None: of rows or persons
    clamp: Clamp | None = None
    decimals: Annotated[int, Field(ge=0, le=DECIMALS)] = 0
    quantile: Probability | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.clamp is not None) != (self.kind in CLAMPED):
            raise ValueError(
                f"{self.name}: a clamp belongs to aggregates of values, and each has one"
            )
        if self.kind in CLAMPED and self.expression is None:
            raise ValueError(f"{self.name}: an aggregate of values has an expression")
        if self.kind == "persons" and self.expression is not None:
            raise ValueError(f"{self.name}: persons are counted without an expression")
        if (self.quantile is not None) != (self.kind == "quantile"):
            raise ValueError(f"{self.name}: a quantile, and nothing else, says which one")
        if self.clamp is not None and max(map(abs, self.units)) > UNITS_MOST:
            raise ValueError(f"{self.name}: the clamp is too wide for {self.decimals} decimals")
        if self.units[0] > self.units[1]:
            raise ValueError(f"{self.name}: no whole step lies within the clamp")
        return self

    @property
    def units(self) -> tuple[int, int]:
        """The clamp in steps of the grid, rounded inward."""
        if self.clamp is None:
            return (0, 1)
        step = 10 ** (DECIMALS - self.decimals)
        return -(-millionths(self.clamp.lower) // step), millionths(self.clamp.upper) // step


class GroupKey(Noun):
    """One expression of GROUP BY. ``values``: the public list of all groups, as text in order, each
    of which is answered; None: groups are found privately. ``first``/``last`` say a list of whole
    numbers shortly. A row whose value is not in the list counts in no group."""

    name: Name
    expression: Expression
    values: tuple[str | None, ...] | None = Field(default=None, min_length=1, repr=False)
    first: int | None = None
    last: int | None = None

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if (self.first is None) != (self.last is None):
            raise ValueError("a range of groups has a first and a last one")
        if self.first is not None and self.last is not None:
            if self.values is not None:
                raise ValueError("groups are listed or a range, not both")
            if self.first > self.last:
                raise ValueError("the first group is above the last")
            if self.expression.type != "integer":
                raise ValueError("only whole numbers have a range of groups")
        if self.values is not None and len(set(self.values)) != len(self.values):
            raise ValueError("a group is listed twice")
        return self

    @property
    def public(self) -> bool:
        """Whether all groups are known without the data."""
        return self.values is not None or self.first is not None

    @property
    def size(self) -> int | None:
        """How many groups are listed; None: they are found."""
        if self.first is not None and self.last is not None:
            return self.last - self.first + 1
        return None if self.values is None else len(self.values)


class Condition(Noun):
    """``output comparison value``: one part of HAVING, on the noisy answer alone."""

    output: Name
    comparison: Literal["=", "<>", "<", "<=", ">", ">="]
    value: Number


class Order(Noun):
    """One key of ORDER BY; groups of the same value keep the order of the groups."""

    output: Name
    descending: bool = False


class Table(Noun):
    """A data set that is asked, and its column that names the person."""

    dataset: str
    person: ColumnName

    @model_validator(mode="after")
    def _well_named(self) -> Self:
        identifier(self.dataset, "datasets")
        return self


class Question(Noun):
    """A question as it was understood, complete and resolved against the catalogue.

    One table, or two that are joined on the person. ``outputs`` are the names of the answer's
    columns in their order. HAVING, ORDER BY and LIMIT work on the noisy answer.
    """

    tables: Annotated[tuple[Table, ...], Field(min_length=1, max_length=2)]
    aggregates: Annotated[tuple[Aggregate, ...], Field(min_length=1, max_length=50)]
    group_by: Annotated[tuple[GroupKey, ...], Field(max_length=8)] = ()
    where: Expression | None = Field(default=None, repr=False)
    having: Annotated[tuple[Condition, ...], Field(max_length=20)] = ()
    order: Annotated[tuple[Order, ...], Field(max_length=20)] = ()
    limit: Annotated[int, Field(ge=1)] | None = None
    outputs: Annotated[tuple[Name, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        named = [key.name for key in self.group_by] + [a.name for a in self.aggregates]
        ends = [a.name + end for a in self.aggregates for end in (LOWER, UPPER)]
        # Much of what reads tables takes capitals and small letters for the same.
        if len({name.casefold() for name in (*named, *ends)}) != len(named) + len(ends):
            raise ValueError(
                "two columns of the answer have the same name, or that of an interval's end "
                f"(…{LOWER}, …{UPPER}), capitals or not; give one an alias"
            )
        if len(set(self.outputs)) != len(self.outputs) or set(self.outputs) - set(named):
            raise ValueError("the answer's columns are groups and aggregates, each once")
        if {a.name for a in self.aggregates} - set(self.outputs):
            raise ValueError("an aggregate is paid for and not answered")
        for name in [c.output for c in self.having] + [o.output for o in self.order]:
            if name not in named:
                raise ValueError(f"{name} is not a column of the answer")
        for expression in self.expressions:
            if depth(expression) > DEEPEST:
                raise ValueError(f"an expression has at most {DEEPEST} levels")
            for part in walk(expression):
                if isinstance(part, ColumnValue) and part.table >= len(self.tables):
                    raise ValueError("an expression names a data set that is not asked")
        return self

    @property
    def expressions(self) -> tuple[ColumnValue | Constant | Call, ...]:
        """Everything that is computed of the rows."""
        found = [a.expression for a in self.aggregates] + [key.expression for key in self.group_by]
        return tuple(e for e in (*found, self.where) if e is not None)

    def columns(self, table: int = 0) -> tuple[str, ...]:
        """Source columns of one data set that are read, the person's first."""
        return tuple(dict.fromkeys((self.tables[table].person, *self.named(table))))

    def named(self, table: int = 0) -> tuple[str, ...]:
        """Source columns of one data set that the text names, and not only counts persons by: each
        must be granted and permitted."""
        found = [
            part.column
            for expression in self.expressions
            for part in walk(expression)
            if isinstance(part, ColumnValue) and part.table == table
        ]
        return tuple(dict.fromkeys(found))

    @property
    def public_groups(self) -> bool:
        """Whether every group is known without the data (also when there is but one)."""
        return all(key.public for key in self.group_by)


# ---- what it costs -------------------------------------------------------------------------------


class Measure(Noun):
    """One noisy vector: a whole number for every group.

    ``count``: rows (or non-null values of ``expression``). ``persons``: distinct persons.
    ``sum``: of values in units, clamped to ``lower``…``upper``, each less ``centre``; ``squares``:
    of the squares of that, in units squared. ``of``: the aggregate that it is for; several use one
    measure when it is the same.
    """

    kind: Literal["count", "persons", "sum", "squares"]
    expression: Expression | None = None
    decimals: Annotated[int, Field(ge=0, le=DECIMALS)] = 0
    lower: int = 0
    upper: int = 0
    centre: int = 0
    divisor: Annotated[int, Field(ge=1)] = 1  # squares are on a coarser grid, or would overflow
    mechanism: Additive


class QuantileMeasure(Noun):
    """One chosen value for every group, among the middles of equal bins of ``lower``…``upper``.

    A row weighs ``weight``, and all rows of a person in a group together at most ``rows`` times
    that: each of more rows weighs less. (Which is why one row is not simply 1.)"""

    kind: Literal["quantile"] = "quantile"
    expression: Expression
    decimals: Annotated[int, Field(ge=0, le=DECIMALS)] = 0
    lower: int
    upper: int
    weight: Annotated[int, Field(ge=1, le=1 << 20)] = 1
    mechanism: ExponentialQuantile


class Part(Noun):
    """How an aggregate is made of measures: places in ``StatisticsPlan.measures``."""

    aggregate: Name
    measures: Annotated[tuple[int, ...], Field(min_length=1, max_length=3)]


class Expected(Noun):
    """Half the width of the 95 % interval of every cell of a column, before the data is seen.
    None: it depends on the answer (averages, variances, quantiles), and ``note`` says on what."""

    output: Name
    half_width: NonNegativeRatio | None = None
    note: LongText = ""


class Asked(Noun):
    """The version of a data set that a plan is made for."""

    dataset: str
    holder: str
    person: ColumnName
    fingerprint: Digest
    schema_digest: Digest
    one_row_per_person: bool = (
        False  # declared in the catalogue; where it is not so, one row counts
    )


class Claim(Noun):
    """What is guaranteed, in the terms of NIST SP 800-226."""

    epsilon: PositiveRatio
    delta: NonNegativeRatio
    unit: LongText
    neighbours: LongText
    composition: LongText
    bounds: LongText
    groups: LongText
    mechanisms: LongText
    rounding: LongText
    side_channels: LongText


class StatisticsPlan(Noun):
    """Everything that answering needs: complete before any row is read.

    ``events`` are charged before the data is read. ``claim`` is of this question alone; what the
    ledger composes may be less than the sum.
    """

    question: Question
    datasets: Annotated[tuple[Asked, ...], Field(min_length=1, max_length=2)]
    recipient: str
    purpose: ShortText
    project: str | None = None
    bounds: ContributionBounds
    measures: tuple[Annotated[Measure | QuantileMeasure, Field(discriminator="kind")], ...]
    parts: tuple[Part, ...]
    selection: PartitionSelection | None = None
    model: ModelSpec | None = (
        None  # then nothing is measured, and one row of a person is trained on
    )
    events: Annotated[tuple[PrivacyEvent, ...], Field(min_length=1)]
    expected: tuple[Expected, ...]
    why: tuple[LongText, ...] = ()  # how noise and bounds were chosen; warnings
    claim: Claim
    policies: tuple[PolicyRef, ...] = ()
    grants: tuple[str, ...] = ()
    expires_after_days: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.selection is None) != self.question.public_groups:
            raise ValueError("groups are selected exactly when they are not public")
        if (self.model is None) != bool(self.measures):
            raise ValueError("a plan measures something or trains a model")
        answered = [] if self.model else [a.name for a in self.question.aggregates]
        if [p.aggregate for p in self.parts] != answered:
            raise ValueError("every aggregate is made of measures")
        if any(at >= len(self.measures) for part in self.parts for at in part.measures):
            raise ValueError("a part names a measure that is not there")
        if [a.dataset for a in self.datasets] != [t.dataset for t in self.question.tables]:
            raise ValueError("a plan is about the data sets of its question")
        return self


# ---- what is answered ----------------------------------------------------------------------------


class AnswerColumn(Noun):
    """A column of the answer table. ``lower`` and ``upper`` name the columns of its 95 % interval;
    None for the groups. ``unit``: the step of the grid that noise was added on."""

    name: Name
    role: Literal["group", "value", "lower", "upper"]
    of: Name | None = None
    unit: str = "1"


class Answer(Noun):
    """What is known of an answer besides its table; all of it follows from the plan and the noisy
    answer alone."""

    plan: Digest
    columns: tuple[AnswerColumn, ...]
    rows: Annotated[int, Field(ge=0)]  # groups in the table, after selection, HAVING and LIMIT
    claim: Claim
    confidence_percent: Literal[95] = 95
    answered: Moment
