"""Mechanisms of differential privacy as exact values: what draws noise, what is charged for it.

Every mechanism here is about **one cell**: one number of one group. A person can change several
cells; how many is the ``count`` of the event that is charged. Cells are whole numbers of units: a
count in persons or rows, a sum in steps of its fixed-point grid.
"""

from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.model.noun import Noun
from gateway.model.ratio import PositiveRatio, Probability

Units = Annotated[int, Field(ge=1, lt=1 << 62)]
"""A whole number of units above zero."""


class Sensitivity(Noun):
    """One person changes at most ``cells`` cells, each by at most ``cell`` units."""

    cell: Units
    cells: Annotated[int, Field(ge=1)]


class DiscreteLaplace(Noun):
    """Adds z with probability proportional to exp(−|z| / scale), z a whole number.

    ``scale`` in units. One cell costs ε = sensitivity / scale, δ = 0.
    """

    kind: Literal["discrete_laplace"] = "discrete_laplace"
    scale: PositiveRatio
    sensitivity: Units

    @property
    def epsilon(self) -> Fraction:
        """Of one cell."""
        return self.sensitivity / Fraction(self.scale)


class DiscreteGaussian(Noun):
    """Adds z with probability proportional to exp(−z² / (2 · variance)), z a whole number
    (Canonne, Kamath and Steinke 2020). ``variance`` in units squared."""

    kind: Literal["discrete_gaussian"] = "discrete_gaussian"
    variance: PositiveRatio
    sensitivity: Units


class ExponentialQuantile(Noun):
    """Chooses a quantile among ``bins`` public candidates by the exponential mechanism.

    The candidates are the bins of equal width that cut the declared range; the cell is the vector
    of the weights in each bin. A candidate's score is minus how far ``quantile`` of all the weight
    lies outside of what the bins before it, and these with itself, weigh. One person weighs
    ``sensitivity`` at most.
    """

    kind: Literal["exponential_quantile"] = "exponential_quantile"
    epsilon: PositiveRatio  # of one cell
    sensitivity: Units
    quantile: Probability
    bins: Annotated[int, Field(ge=2, le=65_536)]

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if Fraction(self.quantile) >= 1:
            raise ValueError("a quantile is above 0 and below 1")
        return self


class PartitionSelection(Noun):
    """Finds the groups that may be named, by how many persons each has.

    The optimal mechanism of Desfontaines, Voss, Gipson and Mandayam (2022): a group of one person
    is named with probability δ at most. ``minimum_frequency``: a group of fewer persons is never
    named; the mechanism is then applied to the persons above it, which keeps its guarantee.
    """

    kind: Literal["partition_selection"] = "partition_selection"
    epsilon: PositiveRatio  # of one cell: one group that a person is in
    delta: Probability  # of one cell
    minimum_frequency: Annotated[int, Field(ge=1)] = 1


ModelKind = Literal[
    "linear_regression",
    "logistic_regression",
    "naive_bayes",
    "k_means",
    "principal_components",
    "standard_scaler",
    "random_forest",
]


class ModelFit(Noun):
    """Trains a model (``model.fitting``) that is (ε, 0) for a person who has one row at most."""

    kind: Literal["model_fit"] = "model_fit"
    model: ModelKind
    epsilon: PositiveRatio


Additive = Annotated[DiscreteLaplace | DiscreteGaussian, Field(discriminator="kind")]
"""Mechanisms that add a whole number to a whole number."""

Mechanism = Annotated[
    DiscreteLaplace | DiscreteGaussian | ExponentialQuantile | PartitionSelection | ModelFit,
    Field(discriminator="kind"),
]


class PrivacyEvent(Noun):
    """What is charged: a mechanism, and in how many cells one person can meet it.

    ``sampled``: the probability with which a person takes part at all, where a sample was drawn in
    secret for this event alone; None where everybody does.
    """

    mechanism: Mechanism
    count: Annotated[int, Field(ge=1)] = 1
    sampled: Probability | None = None
