"""Models that are trained with differential privacy: what is asked for, and what is known of it.

The number of rows is declared, and so public: fewer rows are filled up with neutral ones, of more
a secret sample is taken. Only so is there a proof for persons who come and go, for the training
itself protects who is exchanged among a known number of rows.
"""

from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.model.catalog import ColumnName
from gateway.model.exact import Number, millionths
from gateway.model.mechanisms import ModelFit, ModelKind, PrivacyEvent
from gateway.model.noun import LongText, Noun, ShortText
from gateway.model.ratio import PositiveRatio

_SUPERVISED = {"linear_regression", "logistic_regression", "naive_bayes", "random_forest"}
_MOST_CELLS = 20_000_000
"""Of rows and features together: 160 MB as doubles, of which a training holds a few copies."""
_MOST_OF_COMPONENTS = 24
_CLASSIFIES = {"logistic_regression", "naive_bayes", "random_forest"}


class Feature(Noun):
    """A number that a model sees: values outside of the declared range are brought to its ends,
    and a null counts as its middle."""

    column: ColumnName
    lower: Number
    upper: Number

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if millionths(self.lower) >= millionths(self.upper):
            raise ValueError(f"{self.column}: the lower bound is below the upper one")
        return self


class ModelSpec(Noun):
    """A model to train. Everything here comes from the catalogue or the question, nothing from the
    data: ranges, classes, and ``rows``, about how many persons there are (a noisy count, say); with
    a condition on rows, about how many there are after it.

    ``target``: what a linear regression predicts; ``classes``: all that a classifier tells apart,
    of the column ``label``. A row with another label, or with none, counts as a neutral row.
    """

    kind: ModelKind
    features: Annotated[tuple[Feature, ...], Field(min_length=1, max_length=48)]
    target: Feature | None = None
    label: ColumnName | None = None
    classes: Annotated[tuple[ShortText, ...], Field(max_length=50)] = ()
    rows: Annotated[int, Field(ge=10, le=100_000_000)]
    epsilon: PositiveRatio
    clusters: Annotated[int, Field(ge=2, le=100)] | None = None
    components: Annotated[int, Field(ge=1, le=48)] | None = None
    trees: Annotated[int, Field(ge=1, le=1000)] | None = None
    depth: Annotated[int, Field(ge=1, le=12)] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        named = [f.column for f in self.features]
        if len(set(named)) != len(named):
            raise ValueError("a feature is named twice")
        if (self.target is not None) != (self.kind == "linear_regression"):
            raise ValueError("a target belongs to a linear regression, which needs it")
        if (self.label is not None) != (self.kind in _CLASSIFIES):
            raise ValueError("a label belongs to a classifier, which needs it")
        if (len(set(self.classes)) == len(self.classes) >= 2) != (self.kind in _CLASSIFIES):
            raise ValueError("classes, at least two and each once, belong to a classifier")
        predicted = self.target.column if self.target else self.label
        if predicted in named:
            raise ValueError(f"{predicted} is predicted and cannot be a feature as well")
        owners: dict[str, ModelKind] = {
            "clusters": "k_means",
            "components": "principal_components",
            "trees": "random_forest",
            "depth": "random_forest",
        }
        for field, kind in owners.items():
            if (getattr(self, field) is not None) != (self.kind == kind):
                raise ValueError(f"{field} belongs to {kind}, which needs it")
        if self.components is not None and self.components > len(self.features):
            raise ValueError("there are no more components than features")
        if self.trees is not None and self.trees > self.rows:
            raise ValueError("there are no more trees than rows")
        return self

    @model_validator(mode="after")
    def _trainable(self) -> Self:
        if Fraction(self.epsilon) > 100:
            raise ValueError("epsilon is at most 100: more protects nobody")
        if Fraction(self.epsilon) < self.least_epsilon:
            raise ValueError(
                f"epsilon is at least {float(self.least_epsilon):g} for this model: below that its "
                "parameters are noise alone; ask with more, or for fewer features or classes"
            )
        if self.rows * len(self.features) > _MOST_CELLS:
            raise ValueError(
                f"rows times features are at most {_MOST_CELLS}: declare fewer rows, and a secret "
                "sample of so many persons is trained on"
            )
        if self.kind == "principal_components" and len(self.features) > _MOST_OF_COMPONENTS:
            raise ValueError(
                f"principal components are of at most {_MOST_OF_COMPONENTS} features: their "
                "directions are drawn until one fits, of more perhaps for minutes"
            )
        if self.clusters is not None and self.clusters > self.rows:
            raise ValueError("there are no more clusters than rows")
        return self

    @property
    def least_epsilon(self) -> Fraction:
        """Below it diffprivlib, which draws noise again until it is within its bounds, may draw for
        minutes or for ever. A naive Bayes and a scaler share ε among features, and draw for each
        feature of each class: that takes as many tries as ε is small."""
        if self.kind not in {"naive_bayes", "standard_scaler"}:
            return Fraction(1, 1000)
        draws = len(self.features) ** 2 * max(1, len(self.classes))
        return max(Fraction(1, 1000), Fraction(draws, 100_000))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every source column that it reads."""
        named = tuple(f.column for f in self.features)
        if self.target is not None:
            named += (self.target.column,)
        return named if self.label is None else (*named, self.label)

    @property
    def event(self) -> PrivacyEvent:
        """What training it is charged as."""
        return PrivacyEvent(mechanism=ModelFit(model=self.kind, epsilon=self.epsilon))


class ModelCard(Noun):
    """What a recipient of a model must know of it."""

    model: ModelSpec
    delta: Literal["0"] = "0"
    unit: LongText
    neighbours: LongText
    bounds: LongText
    mechanism: LongText
    source: LongText
    caveats: tuple[LongText, ...]
    library: ShortText
