import numpy as np
import pytest

from gateway.model.exact import millionths
from gateway.risk.attacks.intervals import Excess, Rate, result


@pytest.mark.parametrize(
    ("successes", "attempts", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_are_those_of_the_literature(
    successes: int, attempts: int, low: float, high: float
) -> None:
    rate = Rate.of(successes, attempts)
    assert (round(rate.low, 4), round(rate.high, 4)) == (low, high)


@pytest.mark.parametrize("truth", [0.01, 0.1, 0.5, 0.97])
@pytest.mark.parametrize("chance", [0.02, 0.3])
@pytest.mark.parametrize("attempts", [100, 1000])
def test_intervals_cover_the_true_excess(truth: float, chance: float, attempts: int) -> None:
    draw = np.random.default_rng(5)
    # An attack that knows `truth` of the persons and guesses at the rest
    expected = truth + (1 - truth) * chance
    covered = 0
    for _ in range(600):
        attack = Rate.of(draw.binomial(attempts, expected), attempts)
        control = Rate.of(draw.binomial(attempts, chance), attempts)
        excess = Excess.of(attack, control)
        covered += excess.low <= truth <= excess.high
    assert covered / 600 >= 0.93


def test_a_sum_of_chances_is_covered_too() -> None:
    draw = np.random.default_rng(6)
    chances = draw.beta(0.3, 3, 5_000)
    covered = 0
    for _ in range(500):
        rate = Rate.of(float(draw.choice(chances, 200).sum()), 200)
        covered += rate.low <= chances.mean() <= rate.high
    assert covered / 500 >= 0.95


def test_nothing_is_added_where_the_control_is_as_good() -> None:
    assert Excess.of(Rate.exact(0.6, 10), Rate.exact(0.6, 10)).share == 0
    assert Excess.of(Rate.exact(0.5, 10), Rate.exact(0.6, 10)).high == 0
    assert Excess.of(Rate.exact(1, 10), Rate.exact(1, 10)).high == 0


def test_ends_are_rounded_away_from_the_figure() -> None:
    rate = Rate.of(1, 3)
    told = result("record_linkage", rate, baseline=Rate.exact(0, 3), threat="t", explanation="e")
    assert millionths(told.low) <= rate.low * 10**6 < millionths(told.low) + 1
    assert millionths(told.high) - 1 < rate.high * 10**6 <= millionths(told.high)


def test_an_attack_without_attempts_has_no_success() -> None:
    told = result(
        "inference", Rate.of(0, 0), baseline=Rate.exact(0, 0), threat="t", explanation="e"
    )
    assert (told.success, told.high, told.attempts) == ("0", "0", 0)
