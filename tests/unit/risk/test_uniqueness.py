"""The estimators of population uniqueness: by hand, and on populations drawn from their models."""

from math import comb

import numpy as np
import pytest

from gateway.risk.measures.uniqueness import Estimator, Sizes, estimate, preferred


def sizes(classes: np.ndarray) -> dict[int, int]:
    """Class numbers of records → class size → number of classes."""
    counts = np.bincount(classes)
    found, times = np.unique(counts[counts > 0], return_counts=True)
    return {int(size): int(count) for size, count in zip(found, times, strict=True)}


def sample(classes: np.ndarray, fraction: float, seed: int) -> Sizes:
    order = np.random.default_rng(seed).permutation(len(classes))
    return sizes(classes[order[: round(len(classes) * fraction)]])


def alone(classes: np.ndarray) -> float:
    return sizes(classes).get(1, 0) / len(classes)


def pitman_population(records: int, theta: float, alpha: float, seed: int) -> np.ndarray:
    """Drawn record by record: a new class by (θ + αK) / (θ + i), else an old one by its size − α."""
    rng = np.random.default_rng(seed)
    classes, counts = np.empty(records, np.int64), []
    for record in range(records):
        if rng.random() * (theta + record) < theta + alpha * len(counts):
            classes[record] = len(counts)
            counts.append(1)
            continue
        while True:
            old = classes[rng.integers(record)]
            if rng.random() < (counts[old] - alpha) / counts[old]:
                break
        classes[record] = old
        counts[old] += 1
    return classes


def negative_binomial_population(classes: int, alpha: float, beta: float, seed: int) -> np.ndarray:
    counts = 1 + np.random.default_rng(seed).negative_binomial(alpha, beta, classes)
    return np.repeat(np.arange(classes), counts)


def test_zayatz_by_hand() -> None:
    # 5 of 10: classes 1, 1, 1, 2. P(one of a class of 2 sampled) = C(2,1)·C(8,4)/C(10,5).
    of_one, of_two = comb(9, 4) / comb(10, 5), 2 * comb(8, 4) / comb(10, 5)
    chance = 3 * of_one / (3 * of_one + of_two)
    assert estimate("zayatz", {1: 3, 2: 1}, 0.5) == pytest.approx(3 * chance / 5)


@pytest.mark.parametrize("fraction", [0.05, 0.2])
@pytest.mark.parametrize(("theta", "alpha"), [(50.0, 0.5), (200.0, 0.2), (5.0, 0.7)])
def test_pitman_finds_the_uniques_of_a_pitman_population(
    theta: float, alpha: float, fraction: float
) -> None:
    population = pitman_population(30_000, theta, alpha, seed=1)
    estimates = [
        estimate("pitman", sample(population, fraction, seed), fraction) for seed in range(5)
    ]
    assert np.median(estimates) == pytest.approx(alone(population), rel=0.25)


@pytest.mark.parametrize(("alpha", "beta"), [(0.5, 0.1), (2.0, 0.3), (1.0, 0.02)])
def test_snb_finds_the_uniques_of_a_negative_binomial_population(alpha: float, beta: float) -> None:
    population = negative_binomial_population(20_000, alpha, beta, seed=1)
    estimates = [estimate("snb", sample(population, 0.4, seed), 0.4) for seed in range(5)]
    assert np.median(estimates) == pytest.approx(alone(population), rel=0.15)


def test_zayatz_finds_the_uniques_where_much_was_sampled() -> None:
    population = negative_binomial_population(20_000, 0.5, 0.1, seed=1)
    estimates = [estimate("zayatz", sample(population, 0.7, seed), 0.7) for seed in range(5)]
    assert np.median(estimates) == pytest.approx(alone(population), rel=0.05)


@pytest.mark.parametrize("estimator", ["pitman", "zayatz", "snb"])
def test_the_ends(estimator: Estimator) -> None:
    assert estimate(estimator, {}, 0.1) == 0.0
    assert estimate(estimator, {2: 5, 3: 1}, 0.1) == 0.0
    assert estimate(estimator, {1: 2, 2: 4}, 1.0) == pytest.approx(0.2)
    for few in ({1: 1}, {1: 1, 2: 1}, {1: 100}, {1: 1, 1_000_000: 1}):
        share = estimate(estimator, few, 0.01)
        assert share is None or 0 <= share <= 1


def test_everybody_alone_is_everybody_alone_for_pitman() -> None:
    assert estimate("pitman", {1: 1000}, 0.1) == 1.0


def test_the_decision_rule_goes_by_the_fraction() -> None:
    population = negative_binomial_population(5_000, 0.5, 0.1, seed=2)
    few, many = sample(population, 0.05, 1), sample(population, 0.5, 1)
    assert preferred(few, 0.05) == ("pitman", estimate("pitman", few, 0.05))
    both = {name: estimate(name, many, 0.5) for name in ("snb", "zayatz")}
    least = min(both, key=lambda name: both[name])
    assert preferred(many, 0.5) == (least, both[least])


def test_the_decision_rule_falls_back_where_there_is_no_estimate() -> None:
    assert estimate("snb", {1: 2, 3: 1}, 0.5) is None
    assert preferred({1: 2, 3: 1}, 0.5)[0] == "zayatz"
