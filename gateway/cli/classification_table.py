"""A classification as a table in the terminal, with what is open below it."""

from typing import Final

from gateway.classify.grading import Said
from gateway.cli.classification import (
    ROLES,
    UNKNOWN,
    Classification,
    Language,
    reason,
    told,
    visible,
    what,
)
from gateway.cli.output import OUT, hint, show_table
from gateway.cli.questions import Question, questions, remedy
from gateway.model.catalog import Column

_REASONS: Final = 3
_QUESTIONS: Final = 12


def show_classification(classification: Classification, language: Language) -> None:
    """A table for people, why the set has its grade, and what is open."""
    show_table(
        [told(heading, language, "\n") for heading in _HEADINGS],
        [_row(classification, column, language) for column in classification.columns],
        title=_title(classification, language),
    )
    for said in classification.graded.reasons:
        OUT.print(f"  {told(said, language)}", markup=False, soft_wrap=True)
    found = questions(classification)
    if found:
        _show_questions(classification, found, language)


_HEADINGS: Final = (
    Said(en="column", zh="列"),
    Said(en="what", zh="内容"),
    Said(en="grade", zh="级别"),
    Said(en="role", zh="角色"),
    Said(en="confidence", zh="置信度"),
    Said(en="why", zh="理由"),
)


def show_briefly(classification: Classification) -> None:
    """A line a column, in English: what settled it is the first of its reasons."""
    rows = []
    for column in classification.columns:
        sure = f"{column.confidence_percent or 0} %"
        level = classification.level(column) or UNKNOWN.en
        first = column.evidence[0].detail if column.evidence else ""
        rows.append([visible(column.name), column.entity, level, column.role, sure, visible(first)])
    show_table(
        ["column", "what", "grade", "role", "sure", "why"],
        rows,
        title=_title(classification, "en"),
    )


def _row(classification: Classification, column: Column, language: Language) -> list[str]:
    level = classification.level(column)
    grade = UNKNOWN if level is None else Said(en=level, zh=classification.standard.level(level).zh)
    role = Said(en="?", zh="?") if column.role is None else ROLES[column.role]
    entity = "" if column.entity in (None, "NONE") else f"{column.entity}\n"
    sure = f"{column.confidence_percent or 0} %" if column.has_verdict else ""
    return [
        visible(column.name),
        entity + told(what(column), language),
        told(grade, language, "\n"),
        told(role, language, "\n"),
        told(Said(en="declared", zh="已声明"), language, "\n") if column.declared else sure,
        why(column, language),
    ]


def why(column: Column, language: Language) -> str:
    """The weightiest reasons, one a line."""
    pieces = [piece for piece in column.evidence if piece.kind != "rule"][:_REASONS]
    if not column.has_verdict or not pieces:
        pieces += [piece for piece in column.evidence if piece.kind == "rule"][:1]
    lines = []
    for piece in pieces:
        about = "" if piece.entity in (column.entity, "NONE") else f"{piece.entity} "
        weight = f" ({about}{piece.weight:+d})" if piece.weight else ""
        lines.append(told(reason(piece), language) + weight)
    return "\n".join(lines)


def _title(classification: Classification, language: Language) -> str:
    graded = classification.graded
    level = classification.standard.level(graded.level)
    count = len(classification.columns)
    rows = "" if classification.rows is None else f"{classification.rows:,} rows, "
    rows_zh = "" if classification.rows is None else f"{classification.rows:,} 行，"
    standard = classification.standard.standard
    return f"{visible(classification.subject)}: " + told(
        Said(
            en=f"{rows}{count:,} columns, grade {graded.level} ({level.en}) by {standard}",
            zh=f"{rows_zh}{count:,} 列，级别 {graded.level}（{level.zh}），依据 {standard}",
        ),
        language,
    )


def _show_questions(
    classification: Classification, found: tuple[Question, ...], language: Language
) -> None:
    heading = Said(en="Open questions for an officer", zh="待安全员裁定的问题")
    OUT.print(f"\n{told(heading, language)}", style="bold")
    for question in found[:_QUESTIONS]:
        about = "" if question.column is None else f"{visible(question.column)}: "
        OUT.print(f"  - {about}{told(question.said, language)}", markup=False, soft_wrap=True)
    if len(found) > _QUESTIONS:
        hint(f"{len(found) - _QUESTIONS} more: --html FILE shows all")
    hint(told(remedy(classification), language))
