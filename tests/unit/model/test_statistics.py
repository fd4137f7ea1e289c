"""The nouns of statistics refuse what no guarantee can rest on."""

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.model.budgets import Limits
from gateway.model.expressions import ColumnValue
from gateway.model.mechanisms import DiscreteLaplace, ExponentialQuantile, PrivacyEvent
from gateway.model.ratio import PositiveRatio, Probability
from gateway.model.statistics import (
    Aggregate,
    Clamp,
    ContributionBounds,
    GroupKey,
    StatisticsRequest,
)

RATIO = TypeAdapter(PositiveRatio)
INCOME = ColumnValue(column="income", type="number")


@pytest.mark.parametrize(
    ("written", "kept"),
    [("0.5", "1/2"), ("1e-9", "1/1000000000"), (3, "3"), ("2/4", "1/2"), (" 1 ", "1")],
)
def test_a_ratio_is_exact_and_in_lowest_terms(written: object, kept: str) -> None:
    assert RATIO.validate_python(written) == kept


@pytest.mark.parametrize(
    "written",
    [0, "0", "-1", "nan", "inf", "-inf", "NaN", 0.1, True, None, "", "1/0", "1e999", "0x10", "٣",
     "1_000", "1e-99999999", "9" * 2000],
)  # fmt: skip
def test_zero_negative_and_what_is_no_finite_number_are_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        RATIO.validate_python(written)


def test_a_probability_is_at_most_one() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Probability).validate_python("1.1")


@pytest.mark.parametrize(
    "change",
    [
        {"epsilon": "0"},
        {"epsilon": "-0.5"},
        {"epsilon": "1e30"},
        {"delta": "0"},
        {"delta": "0.5"},
        {"groups": 0},
        {"rows": -1},
        {"minimum_frequency": 0},
        {"dataset": "residents"},
    ],
)
def test_a_request_with_parameters_that_protect_nobody_is_refused(
    change: dict[str, object],
) -> None:
    sound = {
        "dataset": "datasets/residents",
        "sql": "SELECT COUNT(*) FROM residents",
        "purpose": "research",
        "epsilon": "0.5",
    }
    StatisticsRequest.model_validate(sound)
    with pytest.raises(ValidationError):
        StatisticsRequest.model_validate({**sound, **change})


@pytest.mark.parametrize(("lower", "upper"), [("1", "0"), ("2", "2"), ("nan", "1"), (0.5, "1")])
def test_a_clamp_is_a_range(lower: object, upper: object) -> None:
    with pytest.raises(ValidationError):
        Clamp(lower=lower, upper=upper, origin="question")


def test_a_clamp_that_a_double_cannot_hold_on_its_grid_is_refused() -> None:
    wide = Clamp(lower="0", upper="1000000000000", origin="question")
    Aggregate(name="s", kind="sum", expression=INCOME, clamp=wide, decimals=0)
    with pytest.raises(ValidationError, match="too wide"):
        Aggregate(name="s", kind="sum", expression=INCOME, clamp=wide, decimals=6)


def test_a_clamp_is_rounded_inward_onto_the_grid() -> None:
    clamp = Clamp(lower="-0.55", upper="0.55", origin="question")
    aggregate = Aggregate(name="s", kind="sum", expression=INCOME, clamp=clamp, decimals=1)
    assert aggregate.units == (-5, 5)


def test_an_aggregate_of_values_without_a_clamp_is_refused() -> None:
    with pytest.raises(ValidationError, match="clamp"):
        Aggregate(name="s", kind="sum", expression=INCOME)


def test_groups_are_listed_or_a_range_and_a_range_is_of_whole_numbers() -> None:
    with pytest.raises(ValidationError, match="whole numbers"):
        GroupKey(name="k", expression=INCOME, first=0, last=9)
    with pytest.raises(ValidationError, match="twice"):
        GroupKey(name="k", expression=INCOME, values=("1", "1"))
    assert GroupKey(name="k", expression=INCOME.but(type="integer"), first=0, last=9).size == 10


@pytest.mark.parametrize("bounds", [{"groups": 0}, {"rows": 0}, {"groups": -1}])
def test_contribution_bounds_are_above_zero(bounds: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        ContributionBounds(**bounds)


def test_a_budget_is_never_negative() -> None:
    with pytest.raises(ValidationError):
        Limits(epsilon="-1", delta="1e-6")
    with pytest.raises(ValidationError):
        Limits(epsilon="1", delta="-1e-6")
    assert Limits(epsilon="1", delta="1e-6").epsilon == "1"


def test_an_event_has_a_digest_of_exact_text() -> None:
    event = PrivacyEvent(mechanism=DiscreteLaplace(scale="2", sensitivity=1), count=3)
    assert event.digest() == PrivacyEvent.model_validate_json(event.canonical()).digest()
    assert event.mechanism.kind == "discrete_laplace"


def test_a_quantile_is_inside() -> None:
    with pytest.raises(ValidationError, match="below 1"):
        ExponentialQuantile(epsilon="1", sensitivity=1, quantile="1", bins=10)
