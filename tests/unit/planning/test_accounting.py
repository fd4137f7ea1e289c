"""Composed losses against dp_accounting's own, and their rounding."""

import random
import time
from fractions import Fraction
from math import exp, log1p, sqrt

import numpy as np
import pytest
from dp_accounting import dp_event
from dp_accounting.pld import PLDAccountant, common, privacy_loss_distribution

from gateway.model.mechanisms import (
    DiscreteGaussian,
    DiscreteLaplace,
    ExponentialQuantile,
    Mechanism,
    PartitionSelection,
    PrivacyEvent,
)
from gateway.planning.accounting import Loss, compose

MILLIONTH = Fraction(1, 10**6)
POINTS = [Fraction(n, 8) for n in range(0, 40, 3)]


def theirs(mechanism: Mechanism, *, above: bool):
    """dp_accounting's distribution of one cell, rounded up or down."""
    kept = {"pessimistic_estimate": above, "use_connect_dots": above}
    match mechanism:
        case DiscreteLaplace(scale=scale, sensitivity=sensitivity):
            return privacy_loss_distribution.from_discrete_laplace_mechanism(
                1 / float(Fraction(scale)), sensitivity, **kept
            )
        case DiscreteGaussian(variance=variance, sensitivity=sensitivity):
            return privacy_loss_distribution.from_discrete_gaussian_mechanism(
                sqrt(Fraction(variance)), sensitivity, **kept
            )
        case PartitionSelection(epsilon=epsilon, delta=delta):
            return privacy_loss_distribution.from_privacy_parameters(
                common.DifferentialPrivacyParameters(
                    float(Fraction(epsilon)), float(Fraction(delta))
                )
            )
    raise AssertionError(mechanism.kind)


def charges(seed: int) -> list[PrivacyEvent]:
    drawn = random.Random(seed)
    made: list[PrivacyEvent] = []
    for _ in range(drawn.randint(2, 8)):
        sensitivity = drawn.randint(1, 4)
        mechanism: Mechanism = drawn.choice(
            [
                DiscreteLaplace(
                    scale=str(Fraction(drawn.randint(30, 400), drawn.randint(1, 7))),
                    sensitivity=sensitivity,
                ),
                DiscreteGaussian(
                    variance=str(Fraction(drawn.randint(4000, 90_000), 7)),
                    sensitivity=sensitivity,
                ),
                # on the grid, for dp_accounting rounds these up to it and we do not
                PartitionSelection(epsilon=f"{drawn.randint(1, 20)}/100", delta="1e-9"),
            ]
        )
        made += [PrivacyEvent(mechanism=mechanism, count=drawn.randint(1, 5))] * drawn.randint(1, 3)
    return made


@pytest.mark.parametrize("seed", range(12))
def test_random_charges_cost_what_dp_accounting_composes(seed: int) -> None:
    events = charges(seed)
    ours = compose(events)
    high = privacy_loss_distribution.identity()
    low = privacy_loss_distribution.identity(pessimistic_estimate=False)
    for event in events:
        high = high.compose(theirs(event.mechanism, above=True).self_compose(event.count))
        if not isinstance(event.mechanism, PartitionSelection):
            part = theirs(event.mechanism, above=False)
            low = low.compose(part.self_compose(event.count))
    for epsilon in POINTS:
        expected = high.get_delta_for_epsilon(float(epsilon))
        assert ours.coming.delta(float(epsilon)) == pytest.approx(expected, rel=2e-3, abs=1e-10)
        # never below what the true loss cannot be below
        assert (
            ours.coming.delta(float(epsilon)) >= low.get_delta_for_epsilon(float(epsilon)) - 1e-12
        )
    expected = high.get_epsilon_for_delta(1e-6)
    assert ours.coming.epsilon(1e-6) == pytest.approx(expected, rel=1e-4)
    assert ours.epsilon(MILLIONTH) >= low.get_epsilon_for_delta(1e-6)


def test_the_accountant_of_dp_accounting_finds_the_same() -> None:
    events = [
        PrivacyEvent(mechanism=DiscreteLaplace(scale="20", sensitivity=2), count=30),
        PrivacyEvent(mechanism=DiscreteGaussian(variance=str(10**12), sensitivity=10**4), count=50),
    ]
    accountant = PLDAccountant()
    accountant.compose(
        dp_event.ComposedDpEvent(
            [
                dp_event.SelfComposedDpEvent(dp_event.DiscreteLaplaceDpEvent(0.05, 2), 30),
                dp_event.SelfComposedDpEvent(dp_event.GaussianDpEvent(100.0), 50),
            ]
        )
    )
    ours = compose(events).epsilon(MILLIONTH)
    # its discrete Laplace is rounded to the grid in the coarser way, so it may be above ours
    assert accountant.get_epsilon(1e-6) - 30 * 1e-4 <= ours <= accountant.get_epsilon(1e-6) + 2e-4


@pytest.mark.parametrize("count", [1, 3, 40])
def test_a_large_discrete_gaussian_is_accounted_like_the_small_one_of_the_same_shape(
    count: int,
) -> None:
    # dp_accounting's exact one at σ = 400, and ours by way of the continuous one at σ = 800
    small = compose(
        [
            PrivacyEvent(
                mechanism=DiscreteGaussian(variance=str(400**2), sensitivity=100), count=count
            )
        ]
    )
    large = compose(
        [
            PrivacyEvent(
                mechanism=DiscreteGaussian(variance=str(800**2), sensitivity=200), count=count
            )
        ]
    )
    # one unit of 800 more in each outcome, s/σ² of loss for each cell
    most = count * 200 / 800**2 + 1e-3
    assert 0 <= large.epsilon(MILLIONTH) - small.epsilon(MILLIONTH) + 1e-6 <= most


def test_pure_losses_add_up_exactly_where_delta_is_zero() -> None:
    events = [
        PrivacyEvent(mechanism=DiscreteLaplace(scale="10", sensitivity=1), count=3),
        PrivacyEvent(
            mechanism=ExponentialQuantile(epsilon="1/10", sensitivity=1, quantile="1/2", bins=9)
        ),
    ]
    loss = compose(events)
    assert loss.added == (Fraction(4, 10), 0)
    assert loss.within(Fraction(4, 10), Fraction(0))
    assert not loss.within(Fraction(4, 10) - Fraction(1, 10**30), Fraction(0))
    gaussian = PrivacyEvent(mechanism=DiscreteGaussian(variance="10000", sensitivity=1))
    assert not compose([*events, gaussian]).within(Fraction(100), Fraction(0))


def test_many_small_questions_cost_less_than_their_sum() -> None:
    question = PrivacyEvent(mechanism=DiscreteLaplace(scale="50", sensitivity=1))
    together = compose([question] * 400).epsilon(MILLIONTH)
    assert together < 400 * 0.02 / 3


def test_a_charge_is_found_to_fit_as_it_is_when_composed() -> None:
    kept = compose(charges(1))
    for seed in range(2, 8):
        more = compose(charges(seed))
        together = kept.with_(more)
        for epsilon in POINTS[1:]:
            delta = Fraction(together.delta(epsilon))
            assert kept.admits(more, epsilon, delta * Fraction(1001, 1000) + Fraction(1, 10**10))
            if delta > Fraction(1, 10**9) and together.added is None:
                assert not kept.admits(more, epsilon, delta * Fraction(999, 1000))


def test_order_and_grouping_change_nothing() -> None:
    events = charges(3)
    forward = compose(events).epsilon(MILLIONTH)
    assert compose(reversed(events)).epsilon(MILLIONTH) == forward
    one_by_one = Loss.nothing()
    for event in events:
        one_by_one = one_by_one.with_(compose([event]))
    assert one_by_one.epsilon(MILLIONTH) == pytest.approx(forward, rel=1e-6)


def test_a_sample_taken_in_secret_costs_what_is_proven_and_no_less() -> None:
    mechanism = DiscreteLaplace(scale="1", sensitivity=1)
    whole = compose([PrivacyEvent(mechanism=mechanism)])
    part = compose([PrivacyEvent(mechanism=mechanism, sampled="1/10")])
    proven = log1p(0.1 * (exp(1) - 1))  # Li, Qardaji and Su 2012, theorem 1
    assert proven <= part.epsilon(Fraction(1, 10**12)) <= proven + 3e-4
    # both ways are needed: a person who goes costs less than one who comes, here
    assert part.going is not None
    assert part.going.epsilon(1e-12) != pytest.approx(part.coming.epsilon(1e-12))
    everybody = compose([PrivacyEvent(mechanism=mechanism, sampled="1")])
    for epsilon in (Fraction(1, 4), Fraction(1, 2), Fraction(1)):
        assert everybody.delta(epsilon) == pytest.approx(whole.delta(epsilon), abs=2e-4)


def test_dp_accounting_amplifies_gaussian_noise_as_we_do() -> None:
    mechanism = DiscreteGaussian(variance=str(10**10), sensitivity=10**5)
    ours = compose([PrivacyEvent(mechanism=mechanism, sampled="1/20")] * 30)
    direct = privacy_loss_distribution.from_gaussian_mechanism(1.0, sampling_prob=0.05)
    expected = direct.self_compose(30).get_epsilon_for_delta(1e-6)
    assert expected <= ours.epsilon(MILLIONTH) <= expected + 30 * 2e-4


def test_probability_is_never_lost() -> None:
    loss = compose(charges(6) + charges(7))
    total = float(loss.coming.mass.sum()) + loss.coming.infinite
    assert 1 - 1e-12 <= total <= 1 + 1e-8
    assert np.all(loss.coming.mass >= 0)


def test_a_thousand_groups_cost_what_one_person_is_in() -> None:
    # An event counts the cells of one person; how many groups there are is nowhere in it
    mechanism = DiscreteLaplace(scale="10", sensitivity=1)
    in_two = compose([PrivacyEvent(mechanism=mechanism, count=2)])
    assert in_two.added == (Fraction(1, 5), 0)
    assert in_two.epsilon(Fraction(0)) == 0.2


def test_gaussians_of_many_scales_compose_to_one() -> None:
    events = [
        PrivacyEvent(mechanism=DiscreteGaussian(variance=str(v), sensitivity=s), count=count)
        for v, s, count in ((10**8, 300, 3), (4 * 10**7, 90, 7), (10**6, 20, 2))
    ]
    together = compose(events)
    one_by_one = Loss.nothing()
    for event in events:
        one_by_one = one_by_one.with_(compose([event]))
    for epsilon in POINTS[1:8]:
        assert together.delta(epsilon) == pytest.approx(
            one_by_one.delta(epsilon), rel=3e-3, abs=1e-10
        )
    assert together.epsilon(MILLIONTH) <= one_by_one.epsilon(MILLIONTH) + 1e-9


def test_a_ledger_of_a_hundred_thousand_charges_answers_a_debit_at_once() -> None:
    drawn = random.Random(5)
    kinds = [
        PrivacyEvent(mechanism=DiscreteLaplace(scale=str(drawn.randint(800, 9000)), sensitivity=1))
        for _ in range(40)
    ]
    kinds += [
        PrivacyEvent(
            mechanism=DiscreteGaussian(variance=str(drawn.randint(10**7, 10**8)), sensitivity=1)
        )
        for _ in range(200)
    ]
    ledger = compose(drawn.choices(kinds, k=100_000))
    more = compose([PrivacyEvent(mechanism=DiscreteLaplace(scale="500", sensitivity=1))])
    seconds = []
    for _ in range(9):
        begun = time.process_time()
        assert ledger.admits(more, Fraction(5), MILLIONTH)
        ledger = ledger.with_(more)
        seconds.append(time.process_time() - begun)
    # 2 ms are usual, and others may be at work on this machine; composing anew takes a second
    assert min(seconds) < 0.02
