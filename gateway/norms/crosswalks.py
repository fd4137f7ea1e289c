"""Crosswalks: a level under one standard is at least a certain level under another.

They only raise. Followed to the end they come to rest, because no way round leads from a level to
a higher one of the same standard; a table with such a way is refused.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from gateway.model.noun import Noun
from gateway.norms.standard import Floor, Item, Source, Standard

Levels = Mapping[str, str]


class Crosswalk(Noun):
    """Data of at least ``level`` under one standard is ``at_least`` under another."""

    standard: str
    level: str
    other: str
    at_least: str
    source: Source


class Crosswalks(Noun):
    """The table of the file crosswalks.yaml, of one day."""

    version: date
    crosswalks: tuple[Crosswalk, ...]


class Climbs(ValueError):
    """A way round that ends higher than it began."""


def raised(standards: Mapping[str, Standard], table: Sequence[Crosswalk], own: Levels) -> Levels:
    """What levels under some standards come to under all that the table reaches.

    Comes to an end for every table: levels only rise, and there are finitely many.
    """
    found = dict(own)
    changed = True
    while changed:
        changed = False
        for rule in table:
            here = found.get(rule.standard)
            if here is None or not standards[rule.standard].at_least(here, rule.level):
                continue
            there = standards[rule.other]
            known = found.get(rule.other, there.lowest)
            if rule.other not in found or there.rank(rule.at_least) > there.rank(known):
                found[rule.other] = there.highest_of([known, rule.at_least])
                changed = True
    return found


def applied(
    standards: Mapping[str, Standard], table: Sequence[Crosswalk]
) -> Mapping[str, Standard]:
    """The standards with every item at least as high as the others demand. Climbs."""
    reach = {
        (key, level.name): raised(standards, table, {key: level.name})
        for key, standard in standards.items()
        for level in standard.levels
    }
    for (key, level), found in reach.items():
        if found[key] != level:
            raise Climbs(f"{key} {level} comes to {found[key]} by way of others")
    return {key: _with_floors(key, standards, reach) for key in standards}


def _with_floors(
    key: str, standards: Mapping[str, Standard], reach: Mapping[tuple[str, str], Levels]
) -> Standard:
    here = standards[key]
    floors = {
        other: {
            level.name: reach[other, level.name].get(key, here.lowest) for level in standard.levels
        }
        for other, standard in standards.items()
        if other != key
    }

    def at_least(item: Item, name: str) -> Item:
        best, floor = item.level, None
        for other, standard in standards.items():
            if other == key:
                continue
            theirs = standard.item(name).level
            least = floors[other][theirs]
            if here.rank(least) > here.rank(best):
                best, floor = least, Floor(standard=standard.standard, level=theirs)
        return item.but(level=best, own=item.level, floor=floor)

    return here.but(
        entities={name: at_least(item, name) for name, item in here.entities.items()},
        general={name: at_least(item, name) for name, item in here.general.items()},
        floors=floors,
    )
