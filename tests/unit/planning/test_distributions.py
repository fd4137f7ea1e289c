"""Rounding of privacy-loss distributions: each step of it to the side of more loss."""

import numpy as np
import pytest

from gateway.planning.accounting.distributions import GRID, TAIL, Distribution, _trimmed


def test_a_loss_that_is_added_moves_to_the_next_point_of_the_grid() -> None:
    one = Distribution.nothing()
    assert one.moved(0.0).lowest == 0
    assert one.moved(GRID / 1000).lowest == 1
    assert one.moved(1.5 * GRID).lowest == 2


def test_mass_that_is_cut_off_above_becomes_an_infinite_loss() -> None:
    tail = TAIL / 4
    mass = np.array([tail, 0.5, 0.5 - 2 * tail, tail])
    cut = _trimmed(10, mass, 0.25)
    assert cut.infinite == 0.25 + tail
    # what is cut off below counts with the lowest loss that is kept
    assert cut.lowest == 11
    assert cut.mass.tolist() == [0.5 + tail, 0.5 - 2 * tail]


def test_a_distribution_of_one_point_is_never_cut_away() -> None:
    cut = _trimmed(3, np.array([TAIL / 8]), 1.0)
    assert len(cut.mass) == 1


def test_epsilon_is_the_least_for_which_delta_holds() -> None:
    one = Distribution(-20, np.array([0.2] + [0.0] * 39 + [0.8]), 0.001)
    for delta in (0.002, 0.0015, 0.0011):
        epsilon = one.epsilon(delta)
        assert one.delta(epsilon) <= delta
        assert one.delta(epsilon - 1e-7) > delta
    assert one.epsilon(0.0005) == float("inf")
    assert one.epsilon(0.9) == 0.0


def test_composing_in_either_way_gives_the_same() -> None:
    drawn = np.random.default_rng(1)
    wide = drawn.random(5000)
    wide = Distribution(-2000, wide / wide.sum(), 1e-7)
    few = Distribution(-3, np.array([0.25, 0, 0, 0.75]), 0.0)
    direct = np.convolve(few.mass, wide.mass)
    assert few.with_(wide).mass == pytest.approx(direct, abs=1e-15)
    # many points go by way of a transform, whose error is an infinite loss
    other = Distribution(-90, np.full(100, 0.01), 0.0)
    found = wide.with_(other)
    assert found.mass == pytest.approx(np.convolve(other.mass, wide.mass), abs=1e-12)
    assert found.infinite > 1e-7
    assert wide.delta_with(other, 0.1) == pytest.approx(found.delta(0.1), rel=1e-6)
