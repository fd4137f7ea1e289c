"""A classification as one HTML page for an officer: no script, no network, every value masked.

Built as a tree, so that whatever text a file brings along stays text. The page's own policy lets
it load nothing and run nothing.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from gateway.classify.grading import Said
from gateway.cli.classification import (
    ROLES,
    UNKNOWN,
    Classification,
    Language,
    element_of,
    reason,
    visible,
    what,
)
from gateway.cli.grade_chart import Bar, grade_chart
from gateway.cli.questions import questions, remedy
from gateway.model.catalog import Column
from gateway.model.evidence import Coverage
from gateway.norms.standards import DEFAULT

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --ink: light-dark(#1b1f24, #e6e8eb); }
body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; margin: 0 auto;
  max-width: 80rem; padding: 1.5rem; color: var(--ink); background: light-dark(#fff, #14171a); }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1rem 0; }
dt { font-size: .8rem; opacity: .75; } dd { margin: 0; font-weight: 600; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { min-width: 4.2rem; text-align: start; vertical-align: top; padding: .4rem .6rem; border-top: 1px solid var(--line); }
thead th { position: sticky; top: 0; background: light-dark(#f3f4f6, #22262b); border-top: 0; }
tbody th { font-weight: 600; overflow-wrap: anywhere; min-width: 7rem; }
td ul { margin: 0; padding-inline-start: 1rem; } li { margin: .15rem 0; } code { font-size: .85em; }
.small { font-size: .85rem; opacity: .8; } .en { display: block; }
tr.unknown > th, tr.unknown > td { background: light-dark(#fdecea, #3a1f1d); }
svg { max-width: 44rem; width: 100%; height: auto; } svg text { fill: currentColor; font-size: 13px; }
@media print { body { max-width: none; padding: 0; } thead th { position: static; } }
"""
_POLICY: Final = "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"
_SHADES: Final = ("#2f7d4f", "#6a8f2f", "#b58a1b", "#c9661f", "#b93434", "#7d1f3f")
_UNKNOWN_SHADE: Final = "#6b6f76"


def write_page(file: Path, classification: Classification, language: Language) -> None:
    """Write the page; the file is whole or not there."""
    draft = file.with_name(f".{file.name}.part")
    try:
        draft.write_text(page(classification, language), encoding="utf-8")
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def page(classification: Classification, language: Language) -> str:
    """The page as text."""
    return _Page(classification, language).text()


class _Page:
    """The parts of one page; the repr is of no use and shows no example."""

    def __init__(self, classification: Classification, language: Language) -> None:
        self._told = classification
        self._language = language
        # The evidence of a column ends with its grade in the catalogue: another is told beside it.
        other = classification.standard.key != DEFAULT
        self._reasons = classification.reasons() if other else {}

    def text(self) -> str:
        root = ET.Element("html", lang="en" if self._language == "en" else "zh")
        root.append(self._head())
        body = ET.SubElement(root, "body")
        main = ET.SubElement(body, "main")
        main.extend(self._summary())
        main.extend(self._chart())
        main.extend(self._open())
        main.extend(self._columns())
        main.append(self._foot())
        return "<!DOCTYPE html>\n" + ET.tostring(root, encoding="unicode", method="html") + "\n"

    def _head(self) -> ET.Element:
        head = ET.Element("head")
        ET.SubElement(head, "meta", charset="utf-8")
        digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
        policy = {"http-equiv": "Content-Security-Policy", "content": _POLICY.format(digest)}
        ET.SubElement(head, "meta", policy)
        ET.SubElement(head, "meta", name="referrer", content="no-referrer")
        ET.SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
        ET.SubElement(head, "title").text = visible(self._told.subject)
        ET.SubElement(head, "style").text = _STYLE
        return head

    def _summary(self) -> Iterator[ET.Element]:
        told, graded, standard = self._told, self._told.graded, self._told.standard
        heading = ET.Element("h1")
        heading.append(_isolated(told.subject))
        yield heading
        kind = ET.Element("p", {"class": "small"})
        kind.text = self._plain(Said(en="Classification and grading", zh="数据分类分级"))
        yield kind
        level = standard.level(graded.level)
        facts: list[tuple[Said, Said]] = [
            (Said(en="Grade of the set", zh="数据集级别"), Said(en=level.en, zh=level.zh)),
            (Said(en="Columns", zh="列数"), _same(f"{len(told.columns):,}")),
            (
                Said(en="Standard", zh="依据标准"),
                Said(
                    en=f"{standard.standard} {standard.title.en}",
                    zh=f"{standard.standard} {standard.title.zh}",
                ),
            ),
        ]
        if told.rows is not None:
            facts.insert(1, (Said(en="Rows", zh="行数"), _same(f"{told.rows:,}")))
        rules = {column.rules for column in told.columns if column.rules}
        if rules:
            facts.append((Said(en="Rules", zh="规则版本"), _same(", ".join(sorted(rules)))))
        listed = ET.Element("dl")
        for term, value in facts:
            pair = ET.SubElement(listed, "div")
            ET.SubElement(pair, "dt").extend(self._said(term))
            ET.SubElement(pair, "dd").extend(self._said(value))
        yield listed
        reasons = ET.Element("ul")
        for said in graded.reasons:
            ET.SubElement(reasons, "li").extend(self._said(said))
        yield reasons

    def _chart(self) -> Iterator[ET.Element]:
        standard = self._told.standard
        levels = [self._told.level(column) for column in self._told.columns]
        last = len(standard.levels) - 1
        bars = [
            Bar(
                self._plain(Said(en=level.en, zh=level.zh)),
                levels.count(level.name),
                _SHADES[place * (len(_SHADES) - 1) // max(last, 1)],
            )
            for place, level in enumerate(standard.levels)
        ]
        bars.append(
            Bar(self._plain(Said(en="unknown", zh="未知")), levels.count(None), _UNKNOWN_SHADE)
        )
        title = Said(en="Columns by grade", zh="各级别的列数")
        yield self._heading(title)
        yield grade_chart(list(reversed(bars)), self._plain(title))

    def _open(self) -> Iterator[ET.Element]:
        yield self._heading(Said(en="Open questions for the officer", zh="待安全员裁定的问题"))
        found = questions(self._told)
        if not found:
            none = ET.Element("p")
            none.extend(self._said(Said(en="None.", zh="没有。")))
            yield none
            return
        listed = ET.Element("ol")
        for question in found:
            item = ET.SubElement(listed, "li", {"class": question.kind})
            if question.column is not None:
                ET.SubElement(item, "strong").append(_isolated(question.column))
                item[-1].tail = ": "
            item.extend(self._said(question.said))
        yield listed
        note = ET.Element("p", {"class": "small"})
        note.extend(self._said(remedy(self._told)))
        yield note

    def _columns(self) -> Iterator[ET.Element]:
        yield self._heading(Said(en="Columns", zh="各列"))
        frame = ET.Element("div", {"class": "wide"})
        table = ET.SubElement(frame, "table")
        row = ET.SubElement(ET.SubElement(table, "thead"), "tr")
        for heading in self._headings():
            ET.SubElement(row, "th", scope="col").extend(self._said(heading))
        body = ET.SubElement(table, "tbody")
        body.extend(self._row(column) for column in self._told.columns)
        yield frame

    def _headings(self) -> Sequence[Said]:
        shown = [
            Said(en="column", zh="列"),
            Said(en="what", zh="内容"),
            Said(en="grade", zh="级别"),
            Said(en="role", zh="角色"),
            Said(en="confidence", zh="置信度"),
            Said(en="why", zh="理由"),
            Said(en="looked at", zh="查看范围"),
        ]
        if not self._told.registered:
            shown.append(Said(en="examples, masked", zh="脱敏示例"))
        return shown

    def _row(self, column: Column) -> ET.Element:
        row = ET.Element("tr", {} if column.has_verdict else {"class": "unknown"})
        name = ET.SubElement(row, "th", scope="row")
        name.append(_isolated(column.name))
        ET.SubElement(name, "div", {"class": "small"}).text = visible(column.type)
        held = ET.SubElement(row, "td")
        held.extend(self._said(what(column)))
        element = element_of(column)
        named = " → ".join(filter(None, (column.entity, element)))
        ET.SubElement(held, "div", {"class": "small"}).text = named
        level = self._told.level(column)
        ET.SubElement(row, "td").extend(self._said(self._level(level)))
        role = _same("?") if column.role is None else ROLES[column.role]
        ET.SubElement(row, "td").extend(self._said(role))
        ET.SubElement(row, "td").extend(self._said(_sure(column)))
        reasons = ET.SubElement(ET.SubElement(row, "td"), "ul")
        for piece in column.evidence:
            item = ET.SubElement(reasons, "li")
            item.extend(self._said(reason(piece)))
            about = "" if piece.entity in (column.entity, "NONE") else piece.entity
            weight = f"{piece.weight:+d}" if piece.weight else ""
            if about or weight:
                note = ET.SubElement(item, "span", {"class": "small"})
                note.text = f" ({' '.join(filter(None, (about, weight)))})"
        if column.name in self._reasons:
            ET.SubElement(reasons, "li").extend(self._said(self._reasons[column.name]))
        ET.SubElement(row, "td").extend(self._said(_looked(column.coverage)))
        if not self._told.registered:
            shown = ET.SubElement(row, "td")
            for example in self._told.examples.get(column.name, ()):
                ET.SubElement(shown, "div").append(_isolated(example))
        return row

    def _foot(self) -> ET.Element:
        foot = ET.Element("p", {"class": "small"})
        text = Said(
            en="Classification proposes, people decide. What is unknown counts as the highest "
            "grade and cannot be released.",
            zh="分类结果是建议，由人裁定。未知的列按最高级处理，不能发布。",
        )
        if not self._told.registered:
            text = Said(
                en=text.en + " Examples are masked; of unknown columns there are none.",
                zh=text.zh + "示例均已脱敏，未知的列没有示例。",
            )
        foot.extend(self._said(text))
        return foot

    # ---- language -------------------------------------------------------------------------------

    def _level(self, level: str | None) -> Said:
        if level is None:
            return UNKNOWN
        named = self._told.standard.level(level)
        return Said(en=named.en, zh=named.zh)

    def _heading(self, said: Said) -> ET.Element:
        heading = ET.Element("h2")
        heading.extend(self._said(said))
        return heading

    def _said(self, said: Said) -> Iterator[ET.Element]:
        """The sentence in the page's language, or in both, each marked with its own."""
        if said.zh == said.en:
            yield _span("en", said.en, inline=True)
            return
        if self._language != "en":
            yield _span("zh", said.zh, inline=True)
        if self._language != "zh":
            yield _span("en", said.en, inline=self._language == "en")

    def _plain(self, said: Said) -> str:
        if self._language == "both" and said.zh != said.en:
            return f"{said.zh} {said.en}"
        return said.en if self._language == "en" else said.zh


def _span(language: str, text: str, *, inline: bool) -> ET.Element:
    span = ET.Element("span", {"lang": language} | ({} if inline else {"class": "en"}))
    span.text = visible(text)
    return span


def _isolated(text: str) -> ET.Element:
    """Text from outside: its direction changes nothing around it."""
    isolated = ET.Element("bdi")
    isolated.text = visible(text)
    return isolated


def _same(text: str) -> Said:
    return Said(en=text, zh=text)


def _sure(column: Column) -> Said:
    if column.declaration is not None:
        by = column.declaration
        until = "" if by.until is None else f"{by.until:%Y-%m-%d}"
        return Said(
            en=f"declared by {by.party}" + (f" until {until}" if until else ""),
            zh=f"{by.party} 声明" + (f"，至 {until}" if until else ""),
        )
    return _same(f"{column.confidence_percent or 0} %" if column.has_verdict else "")


def _looked(coverage: Coverage | None) -> Said:
    looked = _values(coverage)
    if coverage is None or not coverage.stopped:
        return looked
    return Said(
        en=f"{looked.en}; the search for rare values took too long",
        zh=f"{looked.zh}；查找稀少的值超时",
    )


def _values(coverage: Coverage | None) -> Said:
    if coverage is None or coverage.metadata_only:
        return Said(en="the name alone", zh="仅列名")
    seen, present = f"{coverage.sampled:,}", f"{coverage.present:,}"
    return Said(
        en=f"{seen} of {present} values, {coverage.rows:,} rows",
        zh=f"{present} 个值中的 {seen} 个，共 {coverage.rows:,} 行",
    )
