"""A grading standard: levels, items, combinations, thresholds, and what transforms leave.

The nouns alone; `standards` reads them. What is unknown has the highest level, everywhere.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, model_validator

from gateway.model.grades import Grade
from gateway.model.names import ColumnRole
from gateway.model.noun import LongText, Noun, ShortText

GENERAL_ITEMS: Final = frozenset(
    """
    person_key group_key personal_attribute sensitive_attribute other_personal not_personal unknown
    """.split()
)
"""What a column can be that holds none of the entities; ``unknown`` has the highest level."""

_WITHOUT_ENTITY: Final[Mapping[ColumnRole, str]] = {
    ColumnRole.DIRECT_IDENTIFIER: "person_key",
    ColumnRole.QUASI_IDENTIFIER: "group_key",
    ColumnRole.SENSITIVE: "sensitive_attribute",
    ColumnRole.OTHER: "other_personal",
}


def item_name(entity: str | None, grade: Grade | None, role: ColumnRole | None) -> str:
    """The item as which a standard grades a column: its entity, or the general item of its role.

    Of a verdict that is not whole: unknown.
    """
    if entity is None or grade is None or role is None:
        return "unknown"
    if entity != "NONE":
        return entity
    if role is ColumnRole.OTHER and grade is Grade.GENERAL_1:
        return "not_personal"
    return _WITHOUT_ENTITY[role]


Residue = Literal["whole", "reduced", "reversible", "redacted", "aggregated", "constant"]
"""What a transform leaves of a column: every value as it was or nearly; less of every value
(masked, made coarser, replaced by a token); less, but a key takes it back; texts without what was
found in them; only figures over groups; nothing at all."""

RESIDUES: Final[frozenset[str]] = frozenset(get_args(Residue))

Text = Annotated[str, Field(min_length=1, max_length=400)]
Source = Annotated[str, Field(min_length=1, max_length=400)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Rows = Annotated[int, Field(ge=1)]


class Named(Noun):
    """Something with a name for people, in Chinese and in English."""

    zh: Text
    en: Text


class Level(Named):
    """One level. ``above`` names the level right below it, None for the lowest."""

    name: Name
    above: Name | None
    meaning: Text
    source: Source


class Floor(Noun):
    """Why an item is higher than its own standard alone would have it."""

    standard: ShortText
    level: ShortText


class Item(Noun):
    """The level and category of an entity, or of a column without one.

    ``own`` is the level by the standard alone; ``floor`` says which other one raised it.
    ``role`` is the GB/T 37964 role that such a column usually has; ``note`` a class of a
    neighbouring norm, such as C2 of JR/T 0171.
    """

    level: Name
    category: Name
    role: ColumnRole | None = None
    note: ShortText = ""
    source: Source
    own: Name | None = None
    floor: Floor | None = None


class Part(Noun):
    """At least so many columns whose items are of a group."""

    group: Name
    at_least: Annotated[int, Field(ge=1)] = 1


class Combination(Named):
    """Columns that together are graver than each: all parts are there."""

    name: Name
    of: Annotated[tuple[Part, ...], Field(min_length=1)]
    level: Name
    source: Source

    @model_validator(mode="after")
    def _of_several(self) -> Self:
        if sum(part.at_least for part in self.of) < 2:
            raise ValueError("a combination is of at least two columns")
        return self


class Threshold(Named):
    """From so many rows on, a set is graver: it counts columns from the level ``holding`` up.

    ``kinds``: these columns are of at least so many categories. A row counts as a person, which
    is the safe side; an unknown number of rows counts as enough.
    """

    name: Name
    holding: Name
    kinds: Annotated[int, Field(ge=1)] = 1
    rows: Rows
    level: Name
    source: Source


class Derived(Noun):
    """The level of what is left: ``down`` so many levels but not below ``not_below``, nor at all
    from ``stays_from`` up. Never above the level that came in."""

    down: Annotated[int, Field(ge=0, le=10)]
    not_below: Name
    stays_from: Name | None = None
    source: Source


class HarmRule(Noun):
    """Which level data has whose misuse does this much harm to that object."""

    object: Name
    degree: Name
    level: Name
    source: Source


class Degree(Named):
    """An object or a degree of harm, by name."""

    name: Name


class Harm(Noun):
    """The rule table: object of harm × degree. ``degrees`` from the mildest to the gravest."""

    objects: tuple[Degree, ...]
    degrees: tuple[Degree, ...]
    rules: tuple[HarmRule, ...]


class Standard(Noun):
    """One standard. ``levels`` from the lowest to the highest; items have crosswalks applied."""

    key: ShortText
    standard: Text
    title: Named
    about: LongText
    effective: date
    version: date  # the day of the data file
    levels: Annotated[tuple[Level, ...], Field(min_length=2)]
    categories: dict[Name, Named]
    entities: dict[str, Item]
    general: dict[str, Item]
    groups: dict[Name, tuple[str, ...]] = {}
    combinations: tuple[Combination, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    derived: dict[Residue, Derived]
    harm: Harm | None = None
    floors: dict[str, dict[str, str]] = {}  # by other standard: its level → the least level here

    @property
    def lowest(self) -> str:
        return self.levels[0].name

    @property
    def highest(self) -> str:
        return self.levels[-1].name

    def level(self, name: str) -> Level:
        """The level of that name; KeyError when there is none."""
        return self.levels[self.rank(name)]

    def rank(self, level: str) -> int:
        """Position from the lowest, 0; KeyError when there is no such level."""
        for position, known in enumerate(self.levels):
            if known.name == level:
                return position
        raise KeyError(f"{self.standard} has no level {level}")

    def at_least(self, level: str, other: str) -> bool:
        return self.rank(level) >= self.rank(other)

    def highest_of(self, levels: Iterable[str]) -> str:
        """The highest of several (就高从严); of none at all: the highest there is."""
        return max(levels, key=self.rank, default=self.highest)

    def item(self, name: str | None) -> Item:
        """Of an entity or a general item; what has none counts as unknown."""
        known = self.entities.get(name or "") or self.general.get(name or "")
        return known or self.general["unknown"]

    def floor(self, standard: str, level: str) -> str:
        """The least level here of what has that level under another standard."""
        return self.floors.get(standard, {}).get(level, self.lowest)

    def after(self, level: str, residue: Residue) -> str:
        """The level of what a transform leaves of data of ``level``; never above it."""
        rule, before = self.derived[residue], self.rank(level)
        if rule.stays_from is not None and before >= self.rank(rule.stays_from):
            return level
        left = max(before - rule.down, self.rank(rule.not_below), 0)
        return self.levels[min(left, before)].name
