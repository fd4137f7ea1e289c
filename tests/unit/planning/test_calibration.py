"""Which noise a question gets, and how wide its interval is said to be."""

import secrets
from fractions import Fraction
from math import erf, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.model.mechanisms import (
    DiscreteGaussian,
    DiscreteLaplace,
    ExponentialQuantile,
    PartitionSelection,
    Sensitivity,
)
from gateway.planning.accounting import (
    QuantileNeed,
    SelectionNeed,
    calibrate,
    compose,
    half_width,
    persons_needed,
    rank_error,
    standard_deviation,
)
from gateway.transform.noise import add_noise, choose_bins, named_groups

ONE = Sensitivity(cell=1, cells=1)
MILLIONTH = Fraction(1, 10**6)


class System:
    def bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)


def test_one_count_has_laplace_noise_of_the_whole_epsilon() -> None:
    for delta in (Fraction(0), MILLIONTH):
        found = calibrate(Fraction(1, 2), delta, [ONE])
        assert found.additive == (DiscreteLaplace(scale="2", sensitivity=1),)
        assert found.loss.added == (Fraction(1, 2), 0)


def test_a_hundred_counts_err_less_than_half_of_what_adding_up_epsilons_gives() -> None:
    added_up = calibrate(Fraction(1), Fraction(0), [ONE] * 100)
    together = calibrate(Fraction(1), MILLIONTH, [ONE] * 100)
    assert together.noise == "gaussian"
    assert half_width(together.additive[0]) < half_width(added_up.additive[0]) / 2
    assert standard_deviation(together.additive[0]) < standard_deviation(added_up.additive[0]) / 2
    assert "28 % as wide" in together.why[0]


def test_gaussian_noise_wastes_next_to_nothing_of_the_budget() -> None:
    found = calibrate(Fraction(1), MILLIONTH, [Sensitivity(cell=1000, cells=50)])
    assert found.noise == "gaussian"
    assert 0.998 < found.loss.epsilon(MILLIONTH) <= 1


def test_laplace_noise_is_kept_while_it_errs_less() -> None:
    few = calibrate(Fraction(1), MILLIONTH, [Sensitivity(cell=1, cells=3)])
    many = calibrate(Fraction(1), MILLIONTH, [Sensitivity(cell=1, cells=30)])
    assert (few.noise, many.noise) == ("laplace", "gaussian")


@settings(max_examples=25, deadline=None)
@given(
    st.fractions("1/50", 4, max_denominator=100),
    st.sampled_from([Fraction(0), MILLIONTH, Fraction(1, 10**9)]),
    st.lists(
        st.builds(Sensitivity, cell=st.integers(1, 10**6), cells=st.integers(1, 20)), max_size=3
    ),
    st.integers(0, 2),
    st.integers(0, 3),
)
def test_what_is_charged_is_within_what_was_asked_for(
    epsilon: Fraction, delta: Fraction, additive: list[Sensitivity], quantiles: int, named: int
) -> None:
    needs = [QuantileNeed(Fraction(1, 4), 100, 2, 3)] * quantiles
    selection = SelectionNeed(named) if named and delta else None
    if not (additive or needs or selection):
        return
    found = calibrate(epsilon, delta, additive, needs, selection)
    assert compose(found.events).within(epsilon, delta)
    assert sum(event.count for event in found.events) == sum(n.cells for n in additive) + sum(
        n.cells for n in needs
    ) + (selection.cells if selection else 0)
    for mechanism, need in zip(found.additive, additive, strict=True):
        assert mechanism.sensitivity == need.cell


@pytest.mark.parametrize(
    ("epsilon", "delta", "selection"),
    [
        (Fraction(0), Fraction(0), None),
        (Fraction(-1), Fraction(0), None),
        (Fraction(1), Fraction(-1, 10), None),
        (Fraction(1), Fraction(1), None),
        (Fraction(1), Fraction(0), SelectionNeed(1)),
    ],
)
def test_a_budget_that_is_none_is_refused(
    epsilon: Fraction, delta: Fraction, selection: SelectionNeed | None
) -> None:
    with pytest.raises(InvalidRequest):
        calibrate(epsilon, delta, [ONE], (), selection)
    with pytest.raises(InvalidRequest):
        calibrate(Fraction(1), Fraction(0), [])


def test_noise_that_would_not_fit_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest, match="63 bits"):
        calibrate(Fraction(1, 1000), Fraction(0), [Sensitivity(cell=1 << 61, cells=1)])


@pytest.mark.parametrize(
    "bad", ["0", "-1", "nan", "inf", "-0.5", "1/0", "", 0.5, float("nan"), None]
)
def test_no_mechanism_exists_with_a_parameter_that_protects_nothing(bad: object) -> None:
    for kind, fields in (
        (DiscreteLaplace, {"scale": bad, "sensitivity": 1}),
        (DiscreteGaussian, {"variance": bad, "sensitivity": 1}),
        (ExponentialQuantile, {"epsilon": bad, "sensitivity": 1, "quantile": "1/2", "bins": 2}),
        (ExponentialQuantile, {"epsilon": "1", "sensitivity": 1, "quantile": bad, "bins": 2}),
        (PartitionSelection, {"epsilon": bad, "delta": "1e-9"}),
        (PartitionSelection, {"epsilon": "1", "delta": bad}),
    ):
        if kind is ExponentialQuantile and fields["quantile"] == 0.5:
            continue
        with pytest.raises(ValueError, match="validation error"):
            kind.model_validate(fields)
    with pytest.raises(ValueError, match="validation error"):
        DiscreteLaplace.model_validate({"scale": "1", "sensitivity": 0})


@pytest.mark.parametrize(
    "mechanism",
    [
        DiscreteLaplace(scale="1/3", sensitivity=1),
        DiscreteLaplace(scale="2", sensitivity=1),
        DiscreteLaplace(scale="1000", sensitivity=1),
        DiscreteGaussian(variance="1/4", sensitivity=1),
        DiscreteGaussian(variance="9", sensitivity=1),
        DiscreteGaussian(variance="1000000", sensitivity=1),
    ],
)
def test_intervals_hold_95_of_a_hundred_times_and_are_no_wider_than_that(mechanism) -> None:
    noise = np.abs(add_noise(mechanism, np.zeros(400_000, dtype=np.int64), System()))
    width = half_width(mechanism)
    error = 10 * sqrt(0.05 * 0.95 / len(noise))  # ten standard deviations
    assert (noise > width).mean() <= 0.05 + error
    if width:
        assert (noise > width - 1).mean() >= 0.05 * (1 - 0.003) - error
    assert noise.astype(float).std(ddof=0) <= standard_deviation(mechanism)
    assert (
        np.sqrt((noise.astype(float) ** 2).mean())
        == pytest.approx(standard_deviation(mechanism), rel=0.05, abs=0.02)
        or mechanism.kind == "discrete_gaussian"
    )


def test_the_error_of_a_quantile_is_as_bounded() -> None:
    mechanism = ExponentialQuantile(epsilon="1", sensitivity=1, quantile="1/2", bins=200)
    weights = np.ones((2000, 200), dtype=np.int64)
    chosen = choose_bins(mechanism, weights, System())
    apart = np.maximum(np.maximum(chosen - 100, 99 - chosen), 0)
    assert (apart > rank_error(mechanism)).mean() <= 0.05
    assert rank_error(mechanism) < 10


def test_a_group_of_the_named_size_is_named_95_of_a_hundred_times() -> None:
    mechanism = PartitionSelection(epsilon="1/2", delta="1e-6", minimum_frequency=7)
    needed = persons_needed(mechanism)
    assert needed is not None
    for persons, least, most in ((needed, 0.94, 1.0), (needed - 1, 0.0, 0.96)):
        named = named_groups(mechanism, np.full(40_000, persons, dtype=np.int64), System())
        assert least <= named.mean() <= most
    assert persons_needed(PartitionSelection(epsilon="1e-9", delta="1e-18")) is None


def test_the_normal_point_is_right() -> None:
    assert erf(1.959963984540055 / sqrt(2)) >= 0.95


@pytest.mark.parametrize(("epsilon", "cells"), [("1/10", 3000), ("8", 3000), ("1", 15_000)])
def test_noise_of_very_many_cells_is_within_the_budget_as_it_is_composed(
    epsilon: str, cells: int
) -> None:
    found = calibrate(Fraction(epsilon), MILLIONTH, [Sensitivity(cell=1, cells=cells)])
    assert found.noise == "gaussian"
    assert compose(found.events).within(Fraction(epsilon), MILLIONTH)
    assert found.loss.epsilon(MILLIONTH) > 0.9 * float(Fraction(epsilon))
