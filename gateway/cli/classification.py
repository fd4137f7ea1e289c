"""A classification as people and programs get it: the same for a file and a registered data set."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from gateway.classify.columns import proposed_element
from gateway.classify.grading import Said, SetGrade, grade_set, level_of
from gateway.classify.pack import standard as rule_pack
from gateway.model.catalog import Column
from gateway.model.evidence import Evidence
from gateway.model.names import ColumnRole
from gateway.norms.entities import entity_titles
from gateway.norms.standard import Standard

Language = Literal["zh", "en", "both"]

UNKNOWN: Final = Said(en="unknown, treated as highest", zh="未知，按最高级处理")
ROLES: Final[Mapping[ColumnRole, Said]] = {
    ColumnRole.DIRECT_IDENTIFIER: Said(en="direct identifier", zh="直接标识符"),
    ColumnRole.QUASI_IDENTIFIER: Said(en="quasi-identifier", zh="准标识符"),
    ColumnRole.SENSITIVE: Said(en="sensitive", zh="敏感属性"),
    ColumnRole.OTHER: Said(en="other", zh="其他"),
}
_STRANGE: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Classification:
    """Columns with their verdicts, graded under one standard.

    ``registered``: a data set of the gateway, not a file. ``rows``: None where not counted.
    ``examples``: masked values by column, of a file alone.
    """

    subject: str
    registered: bool
    rows: int | None
    columns: tuple[Column, ...]
    standard: Standard
    graded: SetGrade
    examples: Mapping[str, tuple[str, ...]] = field(repr=False, default_factory=dict)

    @classmethod
    def of(
        cls,
        subject: str,
        columns: Sequence[Column],
        rows: int | None,
        standard: Standard,
        *,
        registered: bool,
        examples: Mapping[str, tuple[str, ...]] | None = None,
    ) -> "Classification":
        """Graded here, so that any standard can be asked for."""
        graded = grade_set(columns, rows, standard)
        return cls(subject, registered, rows, tuple(columns), standard, graded, examples or {})

    def level(self, column: Column) -> str | None:
        """The column's level under the standard; None when it is unknown."""
        return level_of(column, self.standard) if column.has_verdict else None

    def reasons(self) -> Mapping[str, Said]:
        """Why each column has its level under the standard, by column."""
        return {graded.column: graded.why for graded in self.graded.columns}


def told(said: Said, language: Language, between: str = " · ") -> str:
    """The sentence in that language, or in both."""
    en, zh = visible(said.en), visible(said.zh)
    if language == "both":
        return zh + between + en if zh != en else en
    return zh if language == "zh" else en


def reason(piece: Evidence) -> Said:
    """What a piece of evidence says; in English where it was not translated."""
    return Said(en=piece.detail, zh=piece.detail_zh or piece.detail)


def what(column: Column) -> Said:
    """What the column holds."""
    if column.entity is None:
        return Said(en="unknown", zh="未知")
    title = entity_titles()[column.entity]
    return Said(en=title.english, zh=title.chinese)


def visible(text: str) -> str:
    """The text with every sign that shows nothing, or that turns what is around it, named."""
    return "".join(
        f"⟨U+{ord(sign):04X}⟩" if unicodedata.category(sign) in _STRANGE else sign for sign in text
    )


def element_of(column: Column) -> str | None:
    """The standard element that the column has, or may be given."""
    return column.element or proposed_element(column.name, column.entity, rule_pack())


def column_of(plain: Mapping[str, Any]) -> Column:
    """A column as the gateway tells of it (see client.plain)."""
    given = {name: value for name, value in plain.items() if value not in (None, "")}
    given.pop("declared", None)
    if "declaration" in given:
        declaration = given["declaration"]
        given["declaration"] = {
            **{name: declaration[name] for name in ("party", "role", "reason", "until")},
            "at": declaration["time"],
        }
    if "found" in given:
        given["found"] = {n: v for n, v in given["found"].items() if v not in (None, "")}
    return Column.model_validate({n: v for n, v in given.items() if n in Column.model_fields})


def as_json(classification: Classification) -> dict[str, Any]:
    """For programs. Grades are levels of the standard; null where nothing is known, which counts
    as its highest. Confidence and weights are in percent."""
    graded = classification.graded
    subject = "dataset" if classification.registered else "file"
    reasons = classification.reasons()
    return {
        subject: classification.subject,
        "standard": classification.standard.key,
        "grade": graded.level,
        "rows": classification.rows,
        "columns": [
            {
                **_column_json(classification, column),
                "grade_reason": dict(reasons[column.name]),
            }
            for column in classification.columns
        ],
        "reasons": [dict(said) for said in graded.reasons],
        "combinations": [found.model_dump(mode="json") for found in graded.combinations],
        "volumes": [found.model_dump(mode="json") for found in graded.volumes],
    }


def _column_json(classification: Classification, column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "entity": column.entity,
        "element": element_of(column),
        "grade": classification.level(column),
        "role": column.role,
        "confidence": column.confidence_percent,
        "evidence": [
            {
                "kind": piece.kind,
                "detail": piece.detail,
                "weight": piece.weight,
                "entity": piece.entity,
                "detail_zh": piece.detail_zh,
            }
            for piece in column.evidence
        ],
        "verdict": "declared" if column.declared else "found" if column.has_verdict else UNKNOWN.en,
        "type": column.type,
        "coverage": None if column.coverage is None else dict(column.coverage),
        "rules": column.rules,
    }
