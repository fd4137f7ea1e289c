"""Errors of our answers beside those of diffprivlib's own tools, at the same ε."""

import secrets
from fractions import Fraction

import numpy as np
import pytest
from diffprivlib import tools
from diffprivlib.mechanisms import Laplace

from gateway.model.mechanisms import DiscreteLaplace, ExponentialQuantile
from gateway.planning.accounting import standard_deviation
from gateway.transform.noise import choose_bins

MOST = 1.05


class System:
    def bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)


@pytest.mark.parametrize("epsilon", ["1/100", "1/10", "1", "3"])
def test_counts_and_sums_err_no_more_than_those_of_diffprivlib(epsilon: str) -> None:
    # tools.sum adds Laplace noise of scale Δ/ε; a count is a sum of ones
    for sensitivity in (1, 10_000):
        scale = Fraction(sensitivity) / Fraction(epsilon)
        ours = standard_deviation(DiscreteLaplace(scale=str(scale), sensitivity=sensitivity))
        theirs = Laplace(epsilon=float(Fraction(epsilon)), sensitivity=sensitivity).variance(0)
        assert ours <= MOST * theirs**0.5


def test_a_median_errs_no_more_than_that_of_diffprivlib() -> None:
    values = np.sort(np.random.default_rng(4).lognormal(6, 0.7, 2000).clip(0, 5000))
    bins, times = 20_000, 300
    weights = np.bincount((values * bins / 5000).astype(int).clip(0, bins - 1), minlength=bins)
    mechanism = ExponentialQuantile(epsilon="1/10", sensitivity=1, quantile="1/2", bins=bins)
    chosen = choose_bins(mechanism, np.tile(weights.astype(np.int64), (times, 1)), System())
    ours = (chosen + 0.5) * 5000 / bins
    theirs = np.array([tools.median(values, epsilon=0.1, bounds=(0, 5000)) for _ in range(times)])
    truth = float(np.median(values))
    assert np.abs(ours - truth).mean() <= MOST * np.abs(theirs - truth).mean()
