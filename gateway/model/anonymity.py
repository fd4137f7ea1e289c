"""Privacy models, and what an anonymisation is to reach: as a policy or a command states it.

Shares and thresholds are exact decimals. An equivalence class is the set of records that agree in
all quasi-identifiers; a null is a value of its own there. Definitions and sources stand beside
the checks, in ``risk.privacy``.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from gateway.model.catalog import ColumnName
from gateway.model.exact import DECIMALS, Number, PositiveNumber, millionths
from gateway.model.noun import Noun, ShortText

_ONE = 10**DECIMALS

Metric = Literal["loss", "entropy", "discernibility", "average_class_size", "precision", "height"]
"""What a search makes small; each is defined, with its source, in ``transform.anonymize``."""

Method = Literal["full_domain", "local"]

PositiveShare = PositiveNumber
"""More than 0 and at most 1; the model that has it checks the upper end."""


def _share(name: str, text: str) -> None:
    if not 0 <= millionths(text) <= _ONE:
        raise ValueError(f"{name} is a share: from 0 to 1")


class KAnonymity(Noun):
    """Every class has at least ``k`` records."""

    kind: Literal["k_anonymity"] = "k_anonymity"
    k: Annotated[int, Field(ge=2)]


class KMap(Noun):
    """Every class matches at least ``k`` records of a population table, which has the same columns."""

    kind: Literal["k_map"] = "k_map"
    k: Annotated[int, Field(ge=2)]
    population: ShortText


class LDiversity(Noun):
    """The sensitive ``column`` is diverse in every class.

    ``distinct``: at least l values. ``entropy``: entropy at least log l. ``recursive``: the most
    frequent value less than c times as often as those from the l-th on together.
    """

    kind: Literal["l_diversity"] = "l_diversity"
    column: ColumnName
    l: PositiveNumber  # noqa: E741 - the name of the model's parameter
    variant: Literal["distinct", "entropy", "recursive"] = "distinct"
    c: PositiveNumber | None = None

    @model_validator(mode="after")
    def _meaningful(self) -> Self:
        if (self.c is not None) != (self.variant == "recursive"):
            raise ValueError("c belongs to recursive diversity, which needs it")
        if millionths(self.l) <= _ONE:
            raise ValueError("l is more than 1: one value is no diversity")
        if self.variant != "entropy" and millionths(self.l) % _ONE:
            raise ValueError("l is a whole number, except for entropy")
        return self


class TCloseness(Noun):
    """In every class the sensitive ``column`` is distributed nearly as in the whole table: earth
    mover's distance at most ``t``.

    ``ordered`` goes by the order of numbers and dates; ``hierarchical`` by the tree of that name.
    """

    kind: Literal["t_closeness"] = "t_closeness"
    column: ColumnName
    t: PositiveShare
    distance: Literal["equal", "ordered", "hierarchical"] = "equal"
    hierarchy: ShortText | None = None

    @model_validator(mode="after")
    def _meaningful(self) -> Self:
        _share("t", self.t)
        if (self.hierarchy is not None) != (self.distance == "hierarchical"):
            raise ValueError("a hierarchy belongs to the hierarchical distance, which needs it")
        return self


class DeltaPresence(Noun):
    """Of the population's records in each class, a share from ``minimum`` to ``maximum`` is here."""

    kind: Literal["delta_presence"] = "delta_presence"
    minimum: Number = "0"
    maximum: Number
    population: ShortText

    @model_validator(mode="after")
    def _meaningful(self) -> Self:
        _share("minimum", self.minimum)
        _share("maximum", self.maximum)
        if millionths(self.minimum) > millionths(self.maximum):
            raise ValueError("minimum is above maximum")
        return self


class BetaLikeness(Noun):
    """No sensitive value is relatively more frequent in a class by more than ``beta``;
    ``enhanced`` also bounds the gain by −ln of the value's frequency."""

    kind: Literal["beta_likeness"] = "beta_likeness"
    column: ColumnName
    beta: PositiveNumber
    variant: Literal["basic", "enhanced"] = "enhanced"


class DeltaDisclosure(Noun):
    """|ln(frequency in the class / in the table)| is below ``delta`` for every sensitive value."""

    kind: Literal["delta_disclosure"] = "delta_disclosure"
    column: ColumnName
    delta: PositiveNumber


class AverageRisk(Noun):
    """Classes divided by records, the marketer's risk, is at most so much."""

    kind: Literal["average_risk"] = "average_risk"
    at_most: PositiveShare

    @model_validator(mode="after")
    def _meaningful(self) -> Self:
        _share("at_most", self.at_most)
        return self


class SampleUniqueness(Noun):
    """The share of records that are alone in their class is at most so much."""

    kind: Literal["sample_uniqueness"] = "sample_uniqueness"
    at_most: Number

    @model_validator(mode="after")
    def _meaningful(self) -> Self:
        _share("at_most", self.at_most)
        return self


class PopulationUniqueness(Noun):
    """The estimated share of records that are alone in the population is at most so much.

    ``sampling_fraction``: records here divided by those of the population.
    """

    kind: Literal["population_uniqueness"] = "population_uniqueness"
    at_most: Number
    sampling_fraction: PositiveShare
    estimator: Literal["pitman", "zayatz", "snb"] = "pitman"

    @model_validator(mode="after")
    def _meaningful(self) -> Self:
        _share("at_most", self.at_most)
        _share("sampling_fraction", self.sampling_fraction)
        return self


PrivacyModel = Annotated[
    KAnonymity
    | KMap
    | LDiversity
    | TCloseness
    | DeltaPresence
    | BetaLikeness
    | DeltaDisclosure
    | AverageRisk
    | SampleUniqueness
    | PopulationUniqueness,
    Field(discriminator="kind"),
]


COMPARING: Final = (TCloseness, BetaLikeness, DeltaDisclosure)
"""Models that compare a class with the distribution of a column in the whole."""


class AnonymityGoal(Noun):
    """What an anonymised table is to reach, and what of it is dear.

    ``max_suppression``: the largest share of records that may be left out. ``weights``: of columns
    whose detail counts more or less than 1. ``seconds``: after which a search gives the best it
    has, and says that it is not proven.
    """

    quasi_identifiers: Annotated[tuple[ColumnName, ...], Field(min_length=1)]
    models: Annotated[tuple[PrivacyModel, ...], Field(min_length=1)]
    max_suppression: Number = "0"
    metric: Metric = "loss"
    method: Method = "full_domain"
    weights: dict[ColumnName, PositiveNumber] = {}
    seconds: Annotated[int, Field(ge=1, le=86_400)] = 300

    @model_validator(mode="after")
    def _meaningful(self) -> Self:
        _share("max_suppression", self.max_suppression)
        if len(set(self.quasi_identifiers)) != len(self.quasi_identifiers):
            raise ValueError("a quasi-identifier is named twice")
        for model in self.models:
            column = getattr(model, "column", None)
            if column in self.quasi_identifiers:
                raise ValueError(f"{column} is sensitive and cannot be a quasi-identifier as well")
        if unknown := set(self.weights) - set(self.quasi_identifiers):
            raise ValueError(f"weights of no quasi-identifier: {', '.join(sorted(unknown))}")
        return self
