"""Whether a grading standard is complete and fits together; refused with place and remedy if not."""

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.errors import ConfigurationError
from gateway.model.names import ENTITIES
from gateway.norms.standard import GENERAL_ITEMS, RESIDUES, Harm, Item, Level, Residue, Standard

# Pairs of what a transform leaves: the first never tells more than the second.
_NO_HIGHER: Final[tuple[tuple[Residue, Residue], ...]] = (
    ("constant", "aggregated"),
    ("aggregated", "reduced"),
    ("reduced", "reversible"),
    ("reversible", "whole"),
    ("reduced", "redacted"),
    ("redacted", "whole"),
)


def sound(standard: Standard, file: str) -> Standard:
    """The standard with its levels in order. ConfigurationError."""
    standard = standard.but(levels=_in_order(standard.levels, file))
    _complete(standard, file)
    _known_levels(standard, file)
    _known_groups(standard, file)
    _sound_derivation(standard, file)
    if standard.harm is not None:
        _sound_harm(standard, standard.harm, file)
    return standard


def _in_order(levels: Sequence[Level], file: str) -> tuple[Level, ...]:
    """From the lowest up, following who is above whom."""
    names = [level.name for level in levels]
    if len(set(names)) != len(names):
        raise refused(file, "levels", "a level is given twice", "give each once")
    over: dict[str | None, Level] = {}
    for level in levels:
        if level.above is not None and level.above not in names:
            raise unknown_level(file, f"levels.{level.name}.above", level.above, names)
        if level.above in over:
            both = f"{over[level.above].name} and {level.name}"
            raise refused(
                file,
                f"levels.{level.name}.above",
                f"{both} are both right above {level.above or 'nothing'}",
                "order the levels in one line",
            )
        over[level.above] = level
    ordered: list[Level] = []
    below: str | None = None
    while below in over:  # each step takes another level: no level is above two
        ordered.append(over.pop(below))
        below = ordered[-1].name
    if over:
        circle = ", ".join(sorted(level.name for level in over.values()))
        raise refused(
            file, "levels", f"{circle} are above each other in a circle", "let one be the lowest"
        )
    return tuple(ordered)


def _complete(standard: Standard, file: str) -> None:
    for place, given, wanted in (
        ("entities", set(standard.entities), ENTITIES - {"NONE"}),
        ("general", set(standard.general), GENERAL_ITEMS),
        ("derived", set(standard.derived), RESIDUES),
    ):
        if given - wanted:
            raise refused(
                file,
                f"{place}.{min(given - wanted)}",
                "is not in the gateway's vocabulary",
                "correct its name or leave it out",
            )
        if wanted - given:
            raise refused(
                file, place, f"no item for {', '.join(sorted(wanted - given))}", "add one for each"
            )


def _items(standard: Standard) -> Iterable[tuple[str, Item]]:
    for name, item in standard.entities.items():
        yield f"entities.{name}", item
    for name, item in standard.general.items():
        yield f"general.{name}", item


def _known_levels(standard: Standard, file: str) -> None:
    names = [level.name for level in standard.levels]
    given = [(f"{place}.level", item.level) for place, item in _items(standard)]
    given += [(f"combinations.{c.name}.level", c.level) for c in standard.combinations]
    for threshold in standard.thresholds:
        given.append((f"thresholds.{threshold.name}.level", threshold.level))
        given.append((f"thresholds.{threshold.name}.holding", threshold.holding))
    for residue, rule in standard.derived.items():
        given.append((f"derived.{residue}.not_below", rule.not_below))
        given.append((f"derived.{residue}.stays_from", rule.stays_from or names[0]))
    if standard.harm is not None:
        given += [
            (f"harm.{rule.object}.{rule.degree}.level", rule.level) for rule in standard.harm.rules
        ]
    for place, level in given:
        if level not in names:
            raise unknown_level(file, place, level, names)
    for place, item in _items(standard):
        if item.category not in standard.categories:
            raise refused(
                file,
                f"{place}.category",
                f"{item.category} is not one of the categories",
                "add it to categories or correct it",
            )
        if item.own is not None or item.floor is not None:
            raise refused(file, place, "own and floor are worked out", "leave them out")
    if standard.general["unknown"].level != standard.highest:
        raise refused(
            file,
            "general.unknown.level",
            "what is unknown must have the highest level",
            f"give it {standard.highest}",
        )


def _known_groups(standard: Standard, file: str) -> None:
    known = set(standard.entities) | set(standard.general) - {"unknown"}
    for group, members in standard.groups.items():
        for member in members:
            if member not in known:
                raise refused(
                    file,
                    f"groups.{group}",
                    f"{member} is not in the gateway's vocabulary",
                    "correct its name or leave it out",
                )
    for combination in standard.combinations:
        place, seen = f"combinations.{combination.name}.of", set[str]()
        for part in combination.of:
            if part.group not in standard.groups:
                raise refused(file, place, f"no group {part.group}", "add it to groups")
            members = standard.groups[part.group]
            # One column would otherwise be two parts at once.
            if seen.intersection(members):
                both = ", ".join(sorted(seen.intersection(members)))
                raise refused(file, place, f"{both} is in two parts", "take it out of one")
            seen.update(members)
    for place, names in (
        ("combinations", [c.name for c in standard.combinations]),
        ("thresholds", [t.name for t in standard.thresholds]),
    ):
        if len(set(names)) != len(names):
            raise refused(file, place, "two have the same name", "rename one")


def _sound_derivation(standard: Standard, file: str) -> None:
    for level in (level.name for level in standard.levels):
        if standard.after(level, "whole") != level:
            raise refused(file, "derived.whole", "lowers what stays as it is", "give down 0")
        for less, more in _NO_HIGHER:
            if not standard.at_least(standard.after(level, more), standard.after(level, less)):
                raise refused(
                    file,
                    f"derived.{less}",
                    f"leaves more of {level} than {more}, which shows more",
                    "lower it or raise the other",
                )


def _sound_harm(standard: Standard, harm: Harm, file: str) -> None:
    degrees = [degree.name for degree in harm.degrees]
    given = {(rule.object, rule.degree): rule.level for rule in harm.rules}
    wanted = {(thing.name, degree) for thing in harm.objects for degree in degrees}
    if set(given) != wanted or len(given) != len(harm.rules):
        raise refused(
            file, "harm.rules", "are not one for each object and degree", "give each exactly once"
        )
    for thing in harm.objects:
        levels = [given[thing.name, degree] for degree in degrees]
        if levels != sorted(levels, key=standard.rank):
            raise refused(
                file,
                f"harm.{thing.name}",
                "a graver degree has a lower level",
                "raise it, or correct the order of degrees",
            )


def unknown_level(file: str, place: str, level: str, known: Iterable[str]) -> ConfigurationError:
    """The refusal of a level that the standard has not."""
    return refused(
        file, place, f"{level} is not one of the levels", f"known are {', '.join(known)}"
    )


def refused(file: str, place: str, problem: str, remedy: str) -> ConfigurationError:
    """The refusal of a file, to be raised: where in it, what is wrong, what to do."""
    where = f"{file}: {place}" if place else file
    return ConfigurationError(f"the grading standard's file {where}: {problem}; {remedy}")
