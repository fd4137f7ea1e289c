"""What a sequence of answers costs together.

*Claim.* ``Loss.epsilon(δ)`` and ``Loss.delta(ε)`` are never below the true ones of all events
together, also where what is asked depends on the answers before. *Neighbours*: all rows of one
person added or removed. *Precondition*: the sequence of mechanisms and their parameters does not
depend on the answers. Where it does, the sum of ε and δ holds (Rogers, Roth, Ullman and Vadhan
2016), and so does the composed loss of Gaussian mechanisms alone (Koskela, Tobaben and Honkela
2023); for others no proof is known that is as tight. *Rounding*: up, see ``distributions``; the
sums of ε and of δ, which hold as well, are exact.
*Source*: Koskela, Jälkö and Honkela 2020; Doroshenko, Ghazi, Kamath, Kumar and Manurangsi 2022.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import inf, nextafter

from gateway.model.mechanisms import Mechanism, PrivacyEvent
from gateway.planning.accounting.distributions import Distribution
from gateway.planning.accounting.mechanisms import (
    basic,
    distribution,
    is_large_gaussian,
    large_gaussians,
)
from gateway.planning.accounting.sampling import sampled


@dataclass(frozen=True, slots=True)
class Loss:
    """A composed loss. ``added``: ε and δ by adding up, exactly; None when something has no such
    sum. ``going`` is None where a person who goes loses what a person who comes does.
    """

    added: tuple[Fraction, Fraction] | None
    coming: Distribution
    going: Distribution | None = None

    @classmethod
    def nothing(cls) -> "Loss":
        """Before the first answer."""
        return cls((Fraction(0), Fraction(0)), Distribution.nothing())

    @property
    def _both(self) -> tuple[Distribution, ...]:
        return (self.coming,) if self.going is None else (self.coming, self.going)

    def delta(self, epsilon: Fraction) -> float:
        """The smallest δ that is known to go with ``epsilon``, rounded up."""
        composed = max(one.delta(_down(epsilon)) for one in self._both)
        if self.added is not None and self.added[0] <= epsilon:
            return min(composed, _up(self.added[1]))
        return composed

    def epsilon(self, delta: Fraction) -> float:
        """The smallest ε that is known to go with ``delta``, rounded up; infinity: none does."""
        least = inf
        if self.added is not None and self.added[1] <= delta:
            least = _up(self.added[0])
        return min(least, max(one.epsilon(_down(delta)) for one in self._both))

    def within(self, epsilon: Fraction, delta: Fraction) -> bool:
        """Whether a budget of (``epsilon``, ``delta``) covers it."""
        if _covered(self.added, epsilon, delta):
            return True
        return Fraction(self.delta(epsilon)) <= delta

    def admits(self, more: "Loss", epsilon: Fraction, delta: Fraction) -> bool:
        """Whether the budget covers this and ``more`` together: ``with_`` and ``within`` in a
        tenth of the time."""
        if _covered(_sum(self.added, more.added), epsilon, delta):
            return True
        at = _down(epsilon)
        most = max(mine.delta_with(other, at) for mine, other in _paired(self, more))
        return Fraction(most) <= delta

    def with_(self, more: "Loss") -> "Loss":
        """Of all events of both."""
        parts = [mine.with_(other) for mine, other in _paired(self, more)]
        return Loss(_sum(self.added, more.added), *parts)


_Added = tuple[Fraction, Fraction] | None


def _sum(one: _Added, other: _Added) -> _Added:
    if one is None or other is None:
        return None
    return one[0] + other[0], one[1] + other[1]


def _covered(added: _Added, epsilon: Fraction, delta: Fraction) -> bool:
    return added is not None and added[0] <= epsilon and added[1] <= delta


def _paired(one: Loss, other: Loss) -> list[tuple[Distribution, Distribution]]:
    pairs = [(one.coming, other.coming)]
    if one.going is not None or other.going is not None:
        pairs.append((one.going or one.coming, other.going or other.coming))
    return pairs


def compose(events: Iterable[PrivacyEvent]) -> Loss:
    """Of all events together. Identical ones are composed at once; their order never matters."""
    whole: Counter[Mechanism] = Counter()
    large: Counter[Mechanism] = Counter()
    parts: list[tuple[bytes, Loss]] = []
    for event, times in Counter(events).items():
        if event.sampled is not None:
            parts.append((event.canonical(), _sampled(event, times)))
        elif is_large_gaussian(event.mechanism):
            large[event.mechanism] += event.count * times
        else:
            whole[event.mechanism] += event.count * times
    parts += [(one.canonical(), _whole(one, count)) for one, count in whole.items()]
    total = Loss(None, large_gaussians(large)) if large else Loss.nothing()
    for _, part in sorted(parts, key=lambda one: one[0]):
        total = total.with_(part)
    return total


def _whole(mechanism: Mechanism, count: int) -> Loss:
    once = basic(mechanism)
    added = None if once is None else (once[0] * count, once[1] * count)
    return Loss(added, distribution(mechanism, count))


@lru_cache(maxsize=512)
def _sampled(event: PrivacyEvent, times: int) -> Loss:
    # A sample never makes a loss larger, so what adds up without it holds as well
    added = _whole(event.mechanism, event.count * times).added
    once = distribution(event.mechanism, event.count)
    coming, going = sampled(once, _up(Fraction(event.sampled or 1)))
    return Loss(added, coming.times(times), going.times(times))


def _up(value: Fraction) -> float:
    near = float(value)
    return near if Fraction(near) >= value else nextafter(near, inf)


def _down(value: Fraction) -> float:
    near = float(value)
    return near if Fraction(near) <= value else nextafter(near, 0.0)
