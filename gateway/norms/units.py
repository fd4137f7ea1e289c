"""Units of stored values and the exact ratios between them."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import resources

from gateway.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit. ``ratio`` is how many of its quantity's base unit one of it is, exactly."""

    name: str
    chinese: str
    quantity: str
    ratio: Fraction
    also: tuple[str, ...]
    source: str


class Units:
    """Units by name, by Chinese name and by other spellings."""

    def __init__(self, units: tuple[Unit, ...]) -> None:
        named: dict[str, Unit] = {}
        for unit in units:
            for name in dict.fromkeys((unit.name, unit.chinese, *unit.also)):
                if name in named:
                    raise ValueError(f"two units are called {name}")
                named[name] = unit
        self.all = units
        self._named: Mapping[str, Unit] = named

    def find(self, name: str) -> Unit | None:
        """The unit of that name or spelling; None when it is not known."""
        return self._named.get(name)

    def scale(self, stored: str, wanted: str) -> Fraction:
        """What a value in ``stored`` is multiplied by to be in ``wanted``.

        InvalidRequest when a unit is unknown or the two measure different quantities. Two
        spellings that are the same need not be known: an unlisted unit converts to itself.
        """
        if stored == wanted:
            return Fraction(1)
        here, there = self._known(stored), self._known(wanted)
        if here.quantity != there.quantity:
            raise InvalidRequest.of("unit", f"{stored} cannot be converted to {wanted}")
        return here.ratio / there.ratio

    def _known(self, name: str) -> Unit:
        unit = self.find(name)
        if unit is None:
            known = ", ".join(unit.name for unit in self.all)
            raise InvalidRequest.of("unit", f"{name} is not a known unit; known are {known}")
        return unit


@cache
def units() -> Units:
    """The units that ship with the gateway."""
    text = resources.files("gateway.norms").joinpath("units.csv").read_text("utf-8")
    return Units(
        tuple(
            Unit(
                name=row["unit"],
                chinese=row["chinese"],
                quantity=row["quantity"],
                ratio=Fraction(row["ratio"]),
                also=tuple(filter(None, row["also"].split("|"))),
                source=row["source"],
            )
            for row in csv.DictReader(text.splitlines())
        )
    )
