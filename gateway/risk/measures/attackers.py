"""How likely an attacker finds people: prosecutor, journalist and marketer.

El Emam, Guide to the De-identification of Personal Health Information, CRC Press, 2013, chapter 16;
Dankar and El Emam, A method for evaluating marketer re-identification risk, 2010. The *prosecutor*
knows that a person is in the table: a record's risk is 1 divided by the size of its class here. The
*journalist* does not, and picks somebody of the population: 1 divided by the size of the class
there. The *marketer* links all records at once and cares for how many are right: the average.
Risks are rounded up to a millionth.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from gateway.model.exact import DECIMALS, Number, from_millionths
from gateway.model.noun import Noun

_UNIT = 10**DECIMALS


class Attacker(Noun):
    """What one attacker achieves. Shares are of all records.

    ``highest``: the risk of the record most at risk. ``average``: the share of records expected to
    be found. ``over_threshold``: the share of records whose risk is above the threshold, and
    ``records_over`` their number.
    """

    highest: Number
    average: Number
    over_threshold: Number
    records_over: int


@dataclass(frozen=True, slots=True)
class Cell:
    """``classes`` classes of ``size`` records here that are among ``among`` people out there."""

    size: int
    among: int
    classes: int

    @property
    def records(self) -> int:
        """Records of all these classes."""
        return self.size * self.classes


def attacker(cells: Iterable[Cell], threshold: int) -> Attacker:
    """The attacker who looks for a record among ``among`` people.

    ``threshold`` in millionths; a risk that is just the threshold is not over it.
    """
    found = list(cells)
    records = sum(cell.records for cell in found)
    if not records:
        return Attacker(highest="0", average="0", over_threshold="0", records_over=0)
    expected: dict[int, int] = {}
    for cell in found:
        expected[cell.among] = expected.get(cell.among, 0) + cell.records
    # Over one denominator per size: adding fractions one by one would grow without need.
    average = sum((Fraction(count, among) for among, count in expected.items()), Fraction())
    over = sum(count for among, count in expected.items() if threshold * among < _UNIT)
    return Attacker(
        highest=_share(Fraction(1, min(expected))),
        average=_share(average / records),
        over_threshold=_share(Fraction(over, records)),
        records_over=over,
    )


def _share(fraction: Fraction) -> str:
    return from_millionths(ceil(fraction * _UNIT)) or "1"
