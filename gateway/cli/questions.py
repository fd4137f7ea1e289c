"""What a classification leaves for an officer to decide."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gateway.classify.case import NOTABLE
from gateway.classify.grading import Said
from gateway.classify.weigh import combined
from gateway.cli.classification import Classification, reason, what
from gateway.model.catalog import Column
from gateway.model.grades import effective
from gateway.norms.entities import entity_titles

_UNSURE: Final = 70
"""Percent of confidence below which a verdict on an entity is worth a look."""

_WIDER: Final = MappingProxyType(
    {
        "BIRTH_DATE": frozenset({"DATE", "DATE_TIME"}),
        "DATE": frozenset({"DATE_TIME"}),
        "CN_MOBILE": frozenset({"PHONE_NUMBER"}),
        "CN_LANDLINE": frozenset({"PHONE_NUMBER"}),
        "CN_BANK_CARD": frozenset({"CREDIT_CARD"}),
    }
)
"""What a thing is as well: evidence for the wider kind is no conflict."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something open: of which column (None: of the whole set), and what it is about."""

    kind: str
    column: str | None
    said: Said


def questions(classification: Classification) -> tuple[Question, ...]:
    """All that is open, the gravest first: what is unknown, what a combination or the volume
    raises, where rules and people differ, conflicts, what is unsure, what was not looked at."""
    columns = classification.columns
    found = [*_unknown(columns), *_raised(classification)]
    for column in columns:
        found += _differing(column)
    for column in columns:
        found += _conflicts(classification, column)
    for column in columns:
        found += _unsure(column)
    return (*found, *_unseen(columns))


def remedy(classification: Classification, column: str = "COLUMN") -> Said:
    """How a verdict is changed."""
    if classification.registered:
        name = classification.subject.removeprefix("datasets/")
        command = (
            f"gateway dataset override {name} {column} --entity … --grade … --role … --reason … "
            "--as officer"
        )
        return Said(en=f"an officer decides: {command}", zh=f"由安全员裁定：{command}")
    return Said(
        en="say what it is under `columns` of a description when you register it (--describe); "
        "where its values leave it unknown, an officer does",
        zh="登记时在描述文件的 columns 中说明（--describe）；因取值而未知的，由安全员裁定",
    )


def _unknown(columns: tuple[Column, ...]) -> Iterator[Question]:
    for column in columns:
        if not column.has_verdict:
            why = next((reason(p) for p in column.evidence if p.kind == "rule"), None)
            why = why or Said(en="no evidence is strong enough", zh="没有足够的证据")
            yield Question(
                "unknown",
                column.name,
                Said(
                    en=f"what is it? {why.en}; nothing can be released from it until somebody decides",
                    zh=f"这一列是什么？{why.zh}；裁定之前不能发布",
                ),
            )


def _raised(classification: Classification) -> Iterator[Question]:
    # The first reason is the highest column; each one after it raised the set further.
    for said in classification.graded.reasons[1:]:
        yield Question(
            "combination",
            None,
            Said(en=f"together graver than each: {said.en}", zh=f"合并后高于各列：{said.zh}"),
        )


def _differing(column: Column) -> Iterator[Question]:
    """Where what the rules find is not what holds."""
    found = column.found
    if found is None or (found.entity, found.grade, found.role) == column.verdict:
        return
    en, zh = what(column.as_found(found)).en, what(column.as_found(found)).zh
    grade = found.grade or "unknown"
    if effective(found.grade).rank > column.effective_grade.rank:
        kind = "stricter"
        text = Said(
            en=f"the rules find something stricter than what was declared: {en}, {grade}",
            zh=f"规则的结论比声明更严：{zh}，{grade}",
        )
    else:
        kind = "milder"
        text = Said(
            en=f"the rules by now find something else, no graver: {en}, {grade}; is it so?",
            zh=f"规则现在的结论不同且不更严：{zh}，{grade}；是否采纳？",
        )
    yield Question(kind, column.name, text)


def _conflicts(classification: Classification, column: Column) -> Iterator[Question]:
    if column.declared or not column.has_verdict:
        return
    weighed = [piece for piece in column.evidence if piece.kind != "rule"]
    own = classification.standard.item(column.entity)
    wider = _WIDER.get(str(column.entity), frozenset())
    for entity in sorted({piece.entity for piece in weighed} - {column.entity, "NONE"} - wider):
        trust = combined(piece for piece in weighed if piece.entity == entity)
        other = classification.standard.item(entity)
        # Which kind of telephone number it is, say, changes nothing.
        if trust >= NOTABLE and (other.category, other.level) != (own.category, own.level):
            title = entity_titles()[entity]
            yield Question(
                "conflict",
                column.name,
                Said(
                    en=f"some evidence says {title.english} ({trust} %): the higher grade counts",
                    zh=f"部分证据指向{title.chinese}（{trust} %）：就高从严",
                ),
            )
    for piece in weighed:
        if piece.entity == column.entity and piece.weight <= -NOTABLE:
            said = reason(piece)
            yield Question(
                "conflict",
                column.name,
                Said(en=f"speaks against it: {said.en}", zh=f"相反的证据：{said.zh}"),
            )


def _unsure(column: Column) -> Iterator[Question]:
    percent = column.confidence_percent
    if column.declared or column.entity in (None, "NONE") or percent is None or percent >= _UNSURE:
        return
    yield Question(
        "unsure",
        column.name,
        Said(en=f"only {percent} % sure: is it so?", zh=f"置信度只有 {percent} %：是否如此？"),
    )


def _unseen(columns: tuple[Column, ...]) -> Iterator[Question]:
    judged = [column for column in columns if not column.declared and column.has_verdict]
    unseen = [c for c in judged if c.coverage is None or c.coverage.metadata_only]
    if unseen and len(unseen) == len(judged):
        yield Question(
            "metadata",
            None,
            Said(
                en="no value was looked at: the verdicts rest on names alone and are weaker",
                zh="没有查看任何值：结论仅依据列名，较弱",
            ),
        )
        return
    for column in unseen:
        yield Question(
            "metadata",
            column.name,
            Said(
                en="it holds no value yet: the verdict rests on its name alone",
                zh="该列还没有值：结论仅依据列名",
            ),
        )
