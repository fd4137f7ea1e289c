"""How grave is it? Verdicts under a grading standard: columns, combinations, the whole set."""

from collections.abc import Iterable

from gateway.classify.verdict import Verdict
from gateway.model.catalog import Column, DataSet
from gateway.model.grades import Grade
from gateway.model.lifecycle import DataSetState
from gateway.model.names import ColumnRole
from gateway.model.noun import Noun, ShortText
from gateway.norms.set_grades import (
    ColumnGrade,
    Held,
    Said,
    SetGrade,
    Together,
    set_grade,
    set_level,
)
from gateway.norms.standard import Item, Source, Standard, item_name
from gateway.norms.standards import DEFAULT, default_standard

__all__ = [
    "ColumnGrade",
    "Graded",
    "Grading",
    "Said",
    "SetGrade",
    "Together",
    "grade_of",
    "grade_set",
    "grading",
    "level_of",
]

# ---- what verdicts are made of --------------------------------------------------------------------


class Graded(Noun):
    """Grade and role of what a column holds, with where that is said."""

    grade: Grade
    role: ColumnRole
    source: Source


class Grading(Noun):
    """GB/T 43697-2024 as verdicts use it, crosswalks applied: the grades of the catalogue."""

    standard: ShortText
    effective: ShortText
    version: ShortText
    entities: dict[str, Graded]
    person_key: Graded
    group_key: Graded
    personal_attribute: Graded
    sensitive_attribute: Graded
    other_personal: Graded
    not_personal: Graded


def grading(standard: Standard) -> Grading:
    """The grading that verdicts are made by. ValueError unless its levels are the grades and every
    item but the unknown has a role."""

    def graded(name: str, item: Item) -> Graded:
        if item.role is None:
            raise ValueError(f"{name} has no role")
        return Graded(grade=Grade(item.level), role=item.role, source=item.source)

    general = {
        name: graded(name, item) for name, item in standard.general.items() if name != "unknown"
    }
    return Grading(
        standard=standard.standard,
        effective=str(standard.effective),
        version=str(standard.version),
        entities={name: graded(name, item) for name, item in standard.entities.items()},
        **general,
    )


# ---- grades of verdicts ---------------------------------------------------------------------------


def level_of(verdict: Verdict | Column, standard: Standard) -> str:
    """The level of a column: its grade under GB/T 43697-2024; under another standard that of its
    item, or the floor of its grade where that is higher. Unknown: the highest."""
    item = _item(verdict)
    if item == "unknown" or verdict.grade is None:
        return standard.highest
    if standard.key == DEFAULT:
        return verdict.grade
    own = standard.item(item).level
    return standard.highest_of([own, standard.floor(DEFAULT, verdict.grade)])


def grade_set(
    verdicts: Iterable[Verdict | Column], rows: int | None, standard: Standard
) -> SetGrade:
    """The grade of a set with these columns and so many rows; None: unknown, counts as many."""
    return set_grade(standard, _held(verdicts, standard), rows)


def grade_of(dataset: DataSet) -> Grade:
    """The grade of a registered data set: highest column, combinations, volume."""
    rows = None if dataset.version is None else dataset.version.rows
    if dataset.state is DataSetState.AWAITING_RECORDS:
        rows = 0  # known, not unknown: nothing was pushed yet
    standard = default_standard()
    return Grade(set_level(standard, _held(dataset.columns, standard), rows))


def _held(verdicts: Iterable[Verdict | Column], standard: Standard) -> list[Held]:
    return [
        Held(
            verdict.name if isinstance(verdict, Column) else verdict.column,
            _item(verdict),
            level_of(verdict, standard),
        )
        for verdict in verdicts
    ]


def _item(verdict: Verdict | Column) -> str:
    return item_name(verdict.entity, verdict.grade, verdict.role)
