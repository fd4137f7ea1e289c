"""What a sequence of answers costs together.

*Claim.* ``Loss.epsilon(δ)`` and ``Loss.delta(ε)`` are never below the true ones of all events
together, also where each question was chosen after the answers before it (an adaptive sequence
with parameters that are charged before the data is read). *Neighbours*: all rows of one person
added or removed. *Rounding*: up, see ``distributions``; the sums of ε and of δ, which hold as well, are exact.
*Source*: Koskela, Jälkö and Honkela 2020; Doroshenko, Ghazi, Kamath, Kumar and Manurangsi 2022.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import inf, nextafter
from struct import Struct
from typing import Final

import numpy as np

from gateway.model.mechanisms import PrivacyEvent
from gateway.planning.accounting.distributions import Distribution
from gateway.planning.accounting.mechanisms import basic, distribution
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

    # ---- a form that can be kept ----------------------------------------------------------------

    def to_bytes(self) -> bytes:
        """For keeping beside a ledger: the state after many charges. Not secret: it follows from
        the charges alone."""
        added = b"" if self.added is None else "{} {}".format(*self.added).encode()
        parts = [_HEAD.pack(_FORM, len(added)), added]
        for one in self._both:
            parts += [_PART.pack(one.lowest, len(one.mass), one.infinite), one.mass.tobytes()]
        return zlib.compress(b"".join(parts), 1)

    @classmethod
    def from_bytes(cls, kept: bytes) -> "Loss":
        """Inverse of to_bytes; ValueError for anything else."""
        try:
            return cls._read(memoryview(zlib.decompress(kept)))
        except (zlib.error, ValueError, ArithmeticError, UnicodeDecodeError, struct.error) as error:
            raise ValueError("this is no kept loss") from error

    @classmethod
    def _read(cls, data: memoryview) -> "Loss":
        form, length = _HEAD.unpack_from(data)
        if form != _FORM:
            raise ValueError("a kept loss of another form")
        at = _HEAD.size + length
        text = bytes(data[_HEAD.size : at]).decode()
        parts: list[Distribution] = []
        while at < len(data):
            lowest, size, infinite = _PART.unpack_from(data, at)
            at += _PART.size
            mass = np.frombuffer(data[at : at + 8 * size], dtype="<f8")
            at += 8 * size
            total = float(mass.sum()) + infinite
            if len(mass) != size or not size or not np.all(mass >= 0) or not infinite >= 0:
                raise ValueError("a kept loss is cut off")
            if not total >= 1 - _ALLOWED:
                raise ValueError("a kept loss has lost probability")
            parts.append(Distribution(lowest, mass, infinite))
        if len(parts) not in {1, 2}:
            raise ValueError("a kept loss has one or two parts")
        if not text:
            return cls(None, *parts)
        epsilon, delta = map(Fraction, text.split())
        return cls((epsilon, delta), *parts)


_FORM: Final = 1
_HEAD: Final = Struct("<HI")
_PART: Final = Struct("<qQd")
_ALLOWED: Final = 1e-6


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
    counts: Counter[PrivacyEvent] = Counter()
    for event in events:
        if event.sampled is None:
            counts[event.but(count=1)] += event.count
        else:
            counts[event] += 1
    total = Loss.nothing()
    for event in sorted(counts, key=lambda one: one.canonical()):
        total = total.with_(_loss(event, counts[event]))
    return total


@lru_cache(maxsize=512)
def _loss(event: PrivacyEvent, times: int) -> Loss:
    once = basic(event)
    added = None if once is None else (once[0] * times, once[1] * times)
    if event.sampled is None:
        return Loss(added, distribution(event.mechanism, times))
    whole = distribution(event.mechanism, event.count)
    coming, going = sampled(whole, _up(Fraction(event.sampled)))
    return Loss(added, coming.times(times), going.times(times))


def _up(value: Fraction) -> float:
    near = float(value)
    return near if Fraction(near) >= value else nextafter(near, inf)


def _down(value: Fraction) -> float:
    near = float(value)
    return near if Fraction(near) <= value else nextafter(near, 0.0)
