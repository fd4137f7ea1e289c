"""The grade of a whole set: the highest item, then combinations, then volume and aggregation.

What is unknown has the highest level, so that nothing it may be part of could raise the set further.
Everything here only goes up: more columns, a graver column, more of it left, or more rows never
give a lower level.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from gateway.model.noun import Noun
from gateway.norms.standard import Combination, Standard, Threshold

R = TypeVar("R", Combination, Threshold)

Presence = Literal["whole", "reduced", "gone"]
"""How much of a column is there: as it was, less of every value, or nothing."""


@dataclass(frozen=True, slots=True)
class Held:
    """A column as a standard sees it: an entity or general item, and the level it has."""

    column: str
    item: str
    level: str
    presence: Presence = "whole"


class Said(Noun):
    """A sentence for people, in English and in Chinese."""

    en: str
    zh: str


class ColumnGrade(Noun):
    """The level of one column under a standard, and why. ``item``: what it is graded as."""

    column: str
    item: str
    category: str
    level: str
    why: Said


class Together(Noun):
    """A combination or threshold that is reached, with the columns that reach it."""

    name: str
    level: str
    columns: tuple[str, ...]
    why: Said


class SetGrade(Noun):
    """The level of a set under one standard. ``reasons`` say what settled it, the last one why it
    is no lower; ``combinations`` and ``volumes`` are all that are reached, also where they raise
    nothing."""

    standard: str
    level: str
    columns: tuple[ColumnGrade, ...]
    combinations: tuple[Together, ...] = ()
    volumes: tuple[Together, ...] = ()
    reasons: tuple[Said, ...] = ()


def set_grade(standard: Standard, held: Sequence[Held], rows: int | None) -> SetGrade:
    """The grade of a set of columns and so many rows (None: unknown, which counts as enough for
    every threshold). Of no columns at all: the highest level."""
    met, reached = _reached(standard, held, rows)
    combinations = [_combination(standard, found) for found in met]
    volumes = [_volume(standard, found, rows) for found in reached]
    level = standard.highest_of(column.level for column in held)
    reasons = [_highest_item(standard, held, level)]
    for found in (*combinations, *volumes):
        if standard.rank(found.level) > standard.rank(level):
            level = found.level
            reasons.append(found.why)
    return SetGrade(
        standard=standard.key,
        level=level,
        columns=tuple(_column(standard, column) for column in held),
        combinations=tuple(combinations),
        volumes=tuple(volumes),
        reasons=tuple(reasons),
    )


def set_level(standard: Standard, held: Sequence[Held], rows: int | None) -> str:
    """The level of `set_grade` alone, for lists: no reasons are written."""
    found = [each for several in _reached(standard, held, rows) for each in several]
    columns = standard.highest_of({column.level for column in held})
    return standard.highest_of([columns, *(each.level for each in found)])


# ---- what is reached --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found(Generic[R]):
    """A rule that is reached, the level that it gives, and by which columns."""

    rule: R
    level: str
    columns: tuple[str, ...]
    whole: bool = True


def _reached(
    standard: Standard, held: Sequence[Held], rows: int | None
) -> tuple[list[_Found[Combination]], list[_Found[Threshold]]]:
    by_item: dict[str, list[Held]] = {}
    for column in held:
        by_item.setdefault(column.item, []).append(column)
    met = [_met(standard, combination, by_item) for combination in standard.combinations]
    enough = [
        _enough(standard, threshold, held)
        for threshold in standard.thresholds
        if rows is None or rows >= threshold.rows
    ]
    return [found for found in met if found], [found for found in enough if found]


def _met(
    standard: Standard, combination: Combination, by_item: Mapping[str, Sequence[Held]]
) -> _Found[Combination] | None:
    """The combination if all its parts are there. Where one of them is there only in part, with
    less of every value, what a transform leaves of the combination is what counts."""
    columns: list[str] = []
    whole = True
    for part in combination.of:
        members = standard.groups[part.group]
        there = [c for m in members for c in by_item.get(m, ()) if c.presence != "gone"]
        if len(there) < part.at_least:
            return None
        columns += [column.column for column in there]
        whole = whole and sum(column.presence == "whole" for column in there) >= part.at_least
    level = combination.level if whole else standard.after(combination.level, "reduced")
    return _Found(combination, level, tuple(columns), whole)


def _enough(
    standard: Standard, threshold: Threshold, held: Sequence[Held]
) -> _Found[Threshold] | None:
    from_level = {n.name for n in standard.levels if standard.at_least(n.name, threshold.holding)}
    counted = [column for column in held if column.level in from_level]
    kinds = {standard.item(item).category for item in {column.item for column in counted}}
    if len(kinds) < threshold.kinds:
        return None
    return _Found(threshold, threshold.level, tuple(column.column for column in counted))


# ---- said for people --------------------------------------------------------------------------


def _highest_item(standard: Standard, held: Sequence[Held], level: str) -> Said:
    named = standard.level(level)
    columns = [column.column for column in held if column.level == level]
    unknown = [column.column for column in held if column.item == "unknown"]
    if not columns:
        return Said(
            en=f"nothing is known of any column: {named.en}, the highest",
            zh=f"没有任何已知的列：按最高级{named.zh}处理",
        )
    if columns == unknown:
        return Said(
            en=f"not known, which counts as the highest ({named.en}): {_listed(columns)}",
            zh=f"未知，按最高级（{named.zh}）处理：{_listed(columns, '、')}",
        )
    return Said(
        en=f"the highest of its columns is {named.en}: {_listed(columns)}",
        zh=f"各列中最高为{named.zh}：{_listed(columns, '、')}",
    )


def _column(standard: Standard, held: Held) -> ColumnGrade:
    item, level = standard.item(held.item), standard.level(held.level)
    category = standard.categories[item.category]
    if item is standard.general["unknown"]:
        why = Said(
            en="unknown: treated as the highest level", zh="未知：按最高级别处理（就高从严）"
        )
    else:
        floor = (
            f"; at least that because it is {item.floor.level} under {item.floor.standard}"
            if (item.floor)
            else ""
        )
        floor_zh = f"；按{item.floor.standard}的{item.floor.level}不得更低" if item.floor else ""
        left = {"whole": "", "reduced": ", less of it", "gone": ", nothing of it"}[held.presence]
        left_zh = {"whole": "", "reduced": "（已处理）", "gone": "（已去除）"}[held.presence]
        why = Said(
            en=f"{category.en}{left}: {level.en}; {item.source}{floor}",
            zh=f"{category.zh}{left_zh}：{level.zh}；{item.source}{floor_zh}",
        )
    return ColumnGrade(
        column=held.column, item=held.item, category=item.category, level=held.level, why=why
    )


def _combination(standard: Standard, found: _Found[Combination]) -> Together:
    rule, named = found.rule, standard.level(found.level)
    less, less_zh = ("", "") if found.whole else (", of which less is left", "（部分已处理）")
    columns, columns_zh = _listed(found.columns), _listed(found.columns, "、")
    return Together(
        name=rule.name,
        level=found.level,
        columns=found.columns,
        why=Said(
            en=f"{rule.en}{less}: {named.en}: {columns}; {rule.source}",
            zh=f"{rule.zh}{less_zh}：{named.zh}：{columns_zh}；{rule.source}",
        ),
    )


def _volume(standard: Standard, found: _Found[Threshold], rows: int | None) -> Together:
    rule, named = found.rule, standard.level(found.level)
    many = "an unknown number of" if rows is None else f"at least {rule.rows:,}"
    many_zh = "行数未知" if rows is None else f"不少于{rule.rows:,}行"
    columns, columns_zh = _listed(found.columns), _listed(found.columns, "、")
    return Together(
        name=rule.name,
        level=found.level,
        columns=found.columns,
        why=Said(
            en=f"{rule.en} ({many} rows): {named.en}: {columns}; {rule.source}",
            zh=f"{rule.zh}（{many_zh}）：{named.zh}：{columns_zh}；{rule.source}",
        ),
    )


def _listed(columns: Sequence[str], comma: str = ", ") -> str:
    """The first few of them; a table may have thousands."""
    shown = comma.join(columns[:6])
    return shown if len(columns) <= 6 else f"{shown} … ({len(columns)})"
