"""How grave is it? Verdicts under a grading standard: columns, combinations, the whole set."""

from collections.abc import Iterable, Mapping

from gateway.classify.verdict import Verdict
from gateway.model.catalog import Column, DataSet
from gateway.model.grades import Grade
from gateway.model.names import ColumnRole
from gateway.model.noun import Noun, ShortText
from gateway.norms.set_grades import ColumnGrade, Held, Said, SetGrade, Together, set_grade
from gateway.norms.standard import Item, Source, Standard
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

_WITHOUT_ENTITY: Mapping[ColumnRole, str] = {
    ColumnRole.DIRECT_IDENTIFIER: "person_key",
    ColumnRole.QUASI_IDENTIFIER: "group_key",
    ColumnRole.SENSITIVE: "sensitive_attribute",
    ColumnRole.OTHER: "other_personal",
}


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


def item_of(verdict: Verdict | Column) -> str:
    """What a standard grades the column as: its entity, or the general item of its role."""
    entity, grade, role = verdict.entity, verdict.grade, verdict.role
    if entity is None or grade is None or role is None:
        return "unknown"
    if entity != "NONE":
        return entity
    if role is ColumnRole.OTHER and grade is Grade.GENERAL_1:
        return "not_personal"
    return _WITHOUT_ENTITY[role]


def level_of(verdict: Verdict | Column, standard: Standard) -> str:
    """The level of a column: its grade under GB/T 43697-2024; under another standard that of its
    item, or the floor of its grade where that is higher. Unknown: the highest."""
    item = item_of(verdict)
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
    held = [
        Held(
            verdict.name if isinstance(verdict, Column) else verdict.column,
            item_of(verdict),
            level_of(verdict, standard),
        )
        for verdict in verdicts
    ]
    return set_grade(standard, held, rows)


def grade_of(dataset: DataSet) -> Grade:
    """The grade of a registered data set: highest column, combinations, volume."""
    rows = None if dataset.version is None else dataset.version.rows
    return Grade(grade_set(dataset.columns, rows, default_standard()).level)
