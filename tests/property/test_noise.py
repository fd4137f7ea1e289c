"""Noise has exactly the distribution that its mechanism states."""

import secrets
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from math import exp, tanh

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.mechanisms import (
    DiscreteGaussian,
    DiscreteLaplace,
    ExponentialQuantile,
    PartitionSelection,
)
from gateway.transform.noise import add_noise, choose_bins, named_groups
from gateway.transform.noise.additive import discrete_gaussian, discrete_laplace
from gateway.transform.noise.chance import Unit, below, exponential_wholes, survives
from gateway.transform.noise.quantiles import distances
from gateway.transform.noise.selection import WORD, probabilities
from tests.property._audit import refused_by_chance

MANY = 200_000


class System:
    def bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)


class Scripted:
    """Gives what it was told to give, and then real entropy."""

    def __init__(self, first: bytes) -> None:
        self._first = first

    def bytes(self, count: int) -> bytes:
        given, self._first = self._first[:count], self._first[count:]
        return given + secrets.token_bytes(count - len(given))


def expect(drawn: np.ndarray, chances: dict[int, float]) -> None:
    seen = Counter(drawn.tolist())
    wrong = {
        value: (seen[value] / len(drawn), chance)
        for value, chance in chances.items()
        if refused_by_chance(seen[value], len(drawn), chance, len(chances))
    }
    assert not wrong


@pytest.mark.parametrize("scale", ["1/3", "1", "7/2", "10", "1000001/100000"])
def test_discrete_laplace_has_the_stated_probabilities(scale: str) -> None:
    a = float(1 / Fraction(scale))
    drawn = discrete_laplace(Fraction(scale), MANY, System())
    expect(drawn, {z: tanh(a / 2) * exp(-a * abs(z)) for z in range(-60, 61)})


@pytest.mark.parametrize("variance", ["1/10", "1/2", "1", "10", "2500/7"])
def test_discrete_gaussian_has_the_stated_probabilities(variance: str) -> None:
    v = float(Fraction(variance))
    norm = sum(exp(-z * z / (2 * v)) for z in range(-400, 401))
    drawn = discrete_gaussian(Fraction(variance), MANY, System())
    expect(drawn, {z: exp(-z * z / (2 * v)) / norm for z in range(-60, 61)})


@pytest.mark.parametrize("scale", [Fraction(10**6), Fraction(10**9, 7), Fraction((1 << 55) - 1)])
def test_large_scales_are_sampled_to_the_last_unit(scale: Fraction) -> None:
    drawn = discrete_laplace(scale, MANY, System())
    assert not refused_by_chance(int((drawn % 2 == 0).sum()), MANY, 0.5, 3)
    within = int((np.abs(drawn) <= float(scale)).sum())
    assert not refused_by_chance(within, MANY, 1 - exp(-1), 3)
    gaussian = discrete_gaussian(scale**2, MANY, System())
    assert not refused_by_chance(int((gaussian % 2 == 0).sum()), MANY, 0.5, 3)
    within = int((np.abs(gaussian) <= float(scale)).sum())
    assert not refused_by_chance(within, MANY, 0.6826894921370859, 3)


@pytest.mark.parametrize("gamma", [Fraction(0), Fraction(1, 3), Fraction(5), Fraction(700)])
def test_a_decision_that_64_bits_leave_open_is_settled_by_more(gamma: Fraction) -> None:
    word = min(int(exp(-gamma) * 2**64), 2**64 - 1)
    outcomes = set()
    for near in range(max(0, word - 4096), min(2**64, word + 4097), 512):
        told = survives(
            Scripted(near.to_bytes(8, "little")), np.array([float(gamma)]), lambda _: gamma
        )
        truth = Unit(System(), near).under_exp(gamma)
        if abs(Fraction(near, 2**64) - Fraction(exp(-gamma))) > Fraction(1, 2**62):
            assert bool(told[0]) == truth == (Fraction(near, 2**64) < Fraction(exp(-gamma)))
        outcomes.add(truth)
    if gamma < 40:
        assert outcomes == ({True, False} if gamma else {True})


def test_more_bits_are_drawn_where_the_first_64_equal_the_probability() -> None:
    # U begins with the same 64 bits as exp(−1): what follows decides, on both sides
    digits = int(Fraction("0.36787944117144232159552377016146086744581") * 2**64)
    low = Unit(Scripted(b"\x00" * 8), digits).under_exp(Fraction(1))
    high = Unit(Scripted(b"\xff" * 8), digits).under_exp(Fraction(1))
    assert low
    assert not high


def test_exponential_wholes_are_exact_at_their_edges() -> None:
    drawn = exponential_wholes(System(), MANY)
    expect(drawn, {v: exp(-v) - exp(-v - 1) for v in range(12)})
    # U of 64 zero bits and then ones is just below 2^-64: 44.36 in the exponent
    assert exponential_wholes(Scripted(bytes(8) + b"\xff" * 8), 1).tolist() == [44]
    assert exponential_wholes(Scripted(bytes(16) + b"\xff" * 8), 1).tolist() == [88]


@given(st.integers(1, 2**62), st.integers(1, 50))
def test_whole_numbers_stay_below_their_bound(bound: int, count: int) -> None:
    drawn = below(System(), count, bound)
    assert ((drawn >= 0) & (drawn < bound)).all()


def test_words_that_would_favour_small_numbers_are_refused() -> None:
    bound = (1 << 62) - 1  # 2^64 is 4·bound + 4: the last four words are of no use
    assert below(Scripted(b"\xff" * 8 + (5).to_bytes(8, "little")), 1, bound).tolist() == [5]


@given(st.integers(-(2**63), 2**63 - 1))
def test_noise_stops_at_the_ends_of_64_bits(exact: int) -> None:
    mechanism = DiscreteLaplace(scale=str(1 << 44), sensitivity=1)
    cells = np.full(20, exact, dtype=np.int64)
    noisy = add_noise(mechanism, cells, System())
    # a sum that wrapped around would land at the other end
    assert (np.abs(noisy.astype(object) - exact) < 1 << 52).all()


def test_cells_of_another_type_are_refused() -> None:
    mechanism = DiscreteGaussian(variance="1", sensitivity=1)
    with pytest.raises(TypeError):
        add_noise(mechanism, np.zeros(3), System())


def test_a_quantile_has_the_stated_probabilities() -> None:
    mechanism = ExponentialQuantile(epsilon="3/2", sensitivity=2, quantile="1/4", bins=6)
    weights = np.array([[3, 0, 5, 1, 0, 2]], dtype=np.int64)
    # by hand: a quarter of 11 is 2.75; each bin's distance to it, from the weights up to it
    apart = np.array([0.0, 0.25, 0.25, 5.25, 6.25, 6.25])
    assert distances(mechanism, weights[0]).tolist() == (4 * apart).tolist()
    chances = np.exp(-1.5 * apart / (2 * 2 * 0.75))
    chances /= chances.sum()
    drawn = choose_bins(mechanism, np.repeat(weights, 20_000, axis=0), System())
    expect(drawn, dict(enumerate(chances.tolist())))


def test_of_nothing_every_bin_is_as_likely() -> None:
    mechanism = ExponentialQuantile(epsilon="1", sensitivity=1, quantile="1/2", bins=4)
    drawn = choose_bins(mechanism, np.zeros((20_000, 4), dtype=np.int64), System())
    expect(drawn, dict.fromkeys(range(4), 0.25))


@given(
    st.fractions("1/1000", 4, max_denominator=1000),
    st.sampled_from(["1e-3", "1e-6", "1e-9", "1e-15"]),
)
def test_selection_keeps_every_inequality_of_the_guarantee(epsilon: Fraction, delta: str) -> None:
    chances = [Fraction(c, WORD) for c in probabilities(str(epsilon), delta)]
    grown = Fraction(exp(epsilon)) * (1 + Fraction(1, 2**50))
    small = Fraction(delta)
    assert chances[0] == 0
    for fewer, more in pairwise(chances):
        assert fewer <= more <= min(1, grown * fewer + small)
        assert 1 - fewer <= grown * (1 - more) + small


def test_selection_is_the_best_there_is() -> None:
    # the closed form of the theorem's two regimes, for one ε and δ
    epsilon, delta = 0.5, 1e-4
    chances = [c / WORD for c in probabilities("1/2", "1e-4")]
    for n, chance in enumerate(chances[:12]):
        assert chance == pytest.approx(delta * (exp(n * epsilon) - 1) / (exp(epsilon) - 1))
    assert chances[-1] == 1.0
    assert len(chances) < 40


def test_a_group_below_the_minimum_frequency_is_never_named() -> None:
    mechanism = PartitionSelection(epsilon="5", delta="1/100", minimum_frequency=10)
    persons = np.tile(np.arange(15, dtype=np.int64), 4000)
    named = named_groups(mechanism, persons, System())
    share = {n: named[persons == n].mean() for n in range(15)}
    assert not any(share[n] for n in range(10))
    assert not refused_by_chance(int(named[persons == 10].sum()), 4000, 0.01, 2)
    assert share[14] == 1.0
