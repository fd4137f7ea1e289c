"""The estimators of population uniqueness against a second writing of them, from the papers.

Search and verifier share the one of the package, so nothing else would notice a fault of it. Here
likelihoods and expectations are summed as the papers write them, and left to a solver.
"""

from math import comb, log

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize, root
from scipy.special import gammaln
from scipy.stats import nbinom

from gateway.risk.measures.uniqueness import estimate

Sizes = dict[int, int]


def drawn(kind: str, seed: int) -> tuple[Sizes, int, int]:
    """A sample's class sizes, its records, and those of the population it was drawn from."""
    rng = np.random.default_rng(seed)
    if kind == "negative binomial":
        classes = 1 + rng.negative_binomial(rng.uniform(0.4, 2), rng.uniform(0.05, 0.4), 900)
    elif kind == "zipf":
        classes = np.minimum(rng.zipf(rng.uniform(1.7, 2.3), 900), 60)
    else:
        classes = rng.integers(1, 12, 700)
    population = np.repeat(np.arange(len(classes)), classes)
    records = int(len(population) * rng.uniform(0.15, 0.6))
    counts = np.bincount(rng.permutation(population)[:records])
    found, times = np.unique(counts[counts > 0], return_counts=True)
    sizes = {int(size): int(count) for size, count in zip(found, times, strict=True)}
    return sizes, records, len(population)


DRAWN = [(kind, seed) for kind in ("negative binomial", "zipf", "even") for seed in range(3)]


def zayatz(sizes: Sizes, records: int, population: int) -> float:
    """Zayatz 1991: hypergeometric, in whole numbers."""
    ways = {
        size: count * size * comb(population - size, records - 1) for size, count in sizes.items()
    }
    return sizes[1] * (ways[1] / sum(ways.values())) / records


def pitman(sizes: Sizes, records: int, population: int) -> tuple[float, float]:
    """Hoshino 2001: the likelihood of Pitman's formula itself, made large over θ > -α, 0 < α < 1;
    with α."""
    classes = sum(sizes.values())

    def unlikely(at: NDArray[np.float64]) -> float:
        alpha = 1 / (1 + np.exp(-at[1]))
        theta = np.exp(at[0]) - alpha
        found = np.log(theta + alpha * np.arange(1, classes)).sum()
        found -= np.log(theta + np.arange(1, records)).sum()
        for size, count in sizes.items():
            found += count * np.log(np.arange(1, size) - alpha).sum()
        return float(-found)

    best = minimize(
        unlikely,
        [log(classes), 0.0],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 4_000},
    ).x
    alpha = 1 / (1 + np.exp(-best[1]))
    theta = np.exp(best[0]) - alpha
    logarithm = gammaln(theta + 1) + gammaln(theta + alpha + population - 1)
    logarithm -= gammaln(theta + alpha) + gammaln(theta + population)
    return float(np.exp(logarithm)), float(alpha)


def slide_negative_binomial(sizes: Sizes, records: int, population: int) -> float | None:
    """Chen & Keller-McNulty 1998: expected classes of one and two in a Bernoulli sample, summed over
    the distribution of sizes; K by Haas & Stokes 1998, equation of Sh3."""
    f = records / population
    j, n = np.array(list(sizes)), np.array(list(sizes.values()))
    first = (n * j * f**2 * (1 - f**2) ** (j - 1)).sum() / (
        n * (1 - f) ** j * ((1 + f) ** j - 1)
    ).sum()
    second = (n * (1 - f) ** j).sum() / (n * j * f * (1 - f) ** (j - 1)).sum()
    total = n.sum() + sizes[1] * first * second**2
    size = np.arange(1, 2_000)

    def misses(at: NDArray[np.float64]) -> list[float]:
        chance = nbinom.pmf(size - 1, np.exp(at[0]), 1 / (1 + np.exp(-at[1])))
        ones = total * (chance * size * f * (1 - f) ** (size - 1)).sum()
        twos = total * (chance * size * (size - 1) / 2 * f**2 * (1 - f) ** (size - 2.0)).sum()
        return [log(max(ones, 1e-300) / sizes[1]), log(max(twos, 1e-300) / sizes[2])]

    fitting = []
    for start in [(a, b) for a in (-1.0, 1.0) for b in (-3.0, -1.0)]:
        found = root(misses, start, tol=1e-11)
        if found.success and max(map(abs, misses(found.x))) < 1e-8:
            alpha, beta = np.exp(found.x[0]), 1 / (1 + np.exp(-found.x[1]))
            whole = total * (1 + alpha * (1 - beta) / beta)
            fitting.append((abs(log(whole / population)), total * beta**alpha / population))
    return float(min(fitting)[1]) if fitting else None


@pytest.mark.parametrize(("kind", "seed"), DRAWN)
def test_zayatz_is_what_whole_numbers_give(kind: str, seed: int) -> None:
    sizes, records, population = drawn(kind, seed)
    found = estimate("zayatz", sizes, records / population)
    assert found == pytest.approx(zayatz(sizes, records, population), rel=1e-6)


@pytest.mark.parametrize(("kind", "seed"), DRAWN)
def test_pitman_is_where_the_likelihood_is_largest(kind: str, seed: int) -> None:
    sizes, records, population = drawn(kind, seed)
    expected, alpha = pitman(sizes, records, population)
    found = estimate("pitman", sizes, records / population)
    # at α = 0 the likelihood is flat: there the solvers stop apart
    assert found == pytest.approx(expected, rel=1e-4 if alpha > 1e-3 else 0.02)


def test_snb_expects_as_many_classes_as_there_are() -> None:
    compared = 0
    for kind, seed in DRAWN:
        sizes, records, population = drawn(kind, seed)
        expected = slide_negative_binomial(sizes, records, population)
        found = estimate("snb", sizes, records / population)
        if expected is None or found is None:
            continue
        assert found == pytest.approx(expected, rel=1e-4), (kind, seed)
        compared += 1
    assert compared >= 6
