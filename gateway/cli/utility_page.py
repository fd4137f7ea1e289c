"""A utility report as one HTML page: charts as inline SVG, no script, nothing from elsewhere."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from gateway.client.saving import whole_file
from gateway.model.utility import Bar, ColumnUtility, UtilityReport

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --ink: light-dark(#1b1f24, #e6e8eb); }
body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; margin: 0 auto;
  max-width: 70rem; padding: 1.5rem; color: var(--ink); background: light-dark(#fff, #14171a); }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1rem 0; }
dt { font-size: .8rem; opacity: .75; } dd { margin: 0; font-weight: 600; }
.wide { overflow-x: auto; } table { border-collapse: collapse; }
th, td { text-align: end; padding: .25rem .6rem; border-top: 1px solid var(--line); }
th:first-child, td:first-child { text-align: start; }
.small { font-size: .85rem; opacity: .8; } .warning { border-left: 4px solid #b93434; padding-left: .8rem; }
svg { max-width: 66rem; width: 100%; height: auto; } svg text { fill: currentColor; font-size: 12px; }
@media print { body { max-width: none; padding: 0; } }
"""
_POLICY: Final = "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"
_BEFORE, _AFTER, _HIT = "#6b6f76", "#2f6f9f", "#b93434"
_HALF, _LABEL, _LENGTH, _ROW = 520, 190, 250, 18
_SHOWN_PAIRS: Final = 40
_SHOWN_GROUPS: Final = 60


def write_utility_page(file: Path, report: UtilityReport, subject: str) -> None:
    """Write the page; the file is whole or not there."""
    with whole_file(file) as target:
        target.write(utility_page(report, subject).encode())


def utility_page(report: UtilityReport, subject: str) -> str:
    """The page as text. Built as a tree, so that whatever a table brings along stays text."""
    root = ET.Element("html", lang="en")
    head = ET.SubElement(root, "head")
    ET.SubElement(head, "meta", charset="utf-8")
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = {"http-equiv": "Content-Security-Policy", "content": _POLICY.format(digest)}
    ET.SubElement(head, "meta", policy)
    ET.SubElement(head, "meta", name="referrer", content="no-referrer")
    ET.SubElement(head, "title").text = f"Utility of {subject}"
    ET.SubElement(head, "style").text = _STYLE
    main = ET.SubElement(ET.SubElement(root, "body"), "main")
    ET.SubElement(main, "h1").text = f"Utility of {subject} · 可用性报告"
    main.extend(_summary(report))
    main.extend(_warnings(report))
    main.extend(_columns(report))
    main.extend(_pairs(report))
    main.extend(_groups(report))
    return "<!DOCTYPE html>\n" + ET.tostring(root, encoding="unicode", method="html") + "\n"


def _summary(report: UtilityReport) -> Iterator[ET.Element]:
    listed = ET.Element("dl")
    for term, value in (
        ("Left out · 删除记录", _percent(report.left_out)),
        ("Loss · 信息损失", report.loss),
        ("Records a class · 平均等价类", report.average_class_size),
        ("Discernibility · 可辨识度", f"{int(report.discernibility):,}"),
        ("Error of associations · 关联误差", report.association_error),
        ("Distance of cross-tables · 列联表距离", report.cross_table_error),
    ):
        pair = ET.SubElement(listed, "div")
        ET.SubElement(pair, "dt").text = term
        ET.SubElement(pair, "dd").text = value
    yield listed
    yield _note(
        "Loss: 0 where every value can still be told, 1 where none can. Values and groups with few "
        "records are put together as others."
    )


def _warnings(report: UtilityReport) -> Iterator[ET.Element]:
    yield _heading("h2", "Who disappeared · 谁被遗漏")
    if not report.warnings:
        yield _note("No group was hit more than others.")
        return
    listed = ET.Element("ul", {"class": "warning"})
    for warning in report.warnings:
        ET.SubElement(listed, "li").text = warning
    yield listed


def _columns(report: UtilityReport) -> Iterator[ET.Element]:
    yield _heading("h2", "Columns before and after · 各列前后分布")
    rows = [
        [c.column, f"{c.values_before:,}", f"{c.values_after:,}", _percent(c.unchanged), c.loss,
         _percent(c.entropy_kept), c.distance]
        for c in report.columns
    ]  # fmt: skip
    headings = ["column", "values", "labels", "unchanged", "loss", "information kept", "distance"]
    yield _table(headings, rows)
    for column in report.columns:
        yield _heading("h3", column.column)
        yield _chart(column)


def _pairs(report: UtilityReport) -> Iterator[ET.Element]:
    if not report.pairs:
        return
    yield _heading("h2", "Pairs of columns · 列对关联")
    ordered = sorted(
        report.pairs,
        key=lambda p: -abs(float(p.association_after) - float(p.association_before)),
    )
    rows = [
        [f"{p.first} × {p.second}", p.association_before, p.association_after, p.distance]
        for p in ordered[:_SHOWN_PAIRS]
    ]
    yield _table(["pair", "association before", "after", "distance of cross-tables"], rows)
    yield _note(
        "Association: Cramér's V, corrected for chance. Those that changed most come first."
    )


def _groups(report: UtilityReport) -> Iterator[ET.Element]:
    yield _heading("h2", "Groups · 子群体")
    ordered = sorted(report.groups, key=lambda g: (not g.hit, -float(g.left_out), -float(g.loss)))
    bars = [(f"{g.column} = {g.value}", g.left_out, g.hit) for g in ordered[:_SHOWN_GROUPS]]
    yield _left_out_chart(bars)
    rows = [
        [f"{g.column} = {g.value}", _percent(g.share), _percent(g.left_out), g.loss,
         "more than others" if g.hit else ""]
        for g in ordered
    ]  # fmt: skip
    yield _table(["group", "of all records", "left out", "loss of those who stayed", "hit"], rows)


def _chart(column: ColumnUtility) -> ET.Element:
    """Two sets of horizontal bars side by side, on one scale."""
    rows = max(len(column.before), len(column.after), 1)
    height = rows * _ROW + 24
    chart = ET.Element("svg", viewBox=f"0 0 {2 * _HALF} {height}", role="img")
    chart.set("aria-label", f"{column.column} before and after")
    most = max((float(bar.share) for bar in (*column.before, *column.after)), default=1) or 1
    for left, title, bars, colour in (
        (0, "before · 之前", column.before, _BEFORE),
        (_HALF, "after · 之后", column.after, _AFTER),
    ):
        _put(chart, left + _LABEL, 12, title)
        _draw(chart, left, bars, most, colour)
    return chart


def _draw(chart: ET.Element, left: int, bars: Sequence[Bar], most: float, colour: str) -> None:
    for place, bar in enumerate(bars):
        _bar(chart, left, 20 + place * _ROW, bar.label, bar.share, most, colour)


def _left_out_chart(bars: Sequence[tuple[str, str, bool]]) -> ET.Element:
    height = max(len(bars), 1) * _ROW + 8
    chart = ET.Element("svg", viewBox=f"0 0 {2 * _HALF} {height}", role="img")
    chart.set("aria-label", "share of each group that was left out")
    most = max((float(share) for _, share, _ in bars), default=1) or 1
    for place, (label, share, hit) in enumerate(bars):
        _bar(chart, _LABEL // 2, 4 + place * _ROW, label, share, most, _HIT if hit else _AFTER)
    return chart


def _bar(
    chart: ET.Element, left: int, top: int, label: str, share: str, most: float, colour: str
) -> None:
    length = round(_LENGTH * float(share) / most, 1)
    _put(chart, left + _LABEL - 8, top + 12, _cut(label), anchor="end")
    ET.SubElement(
        chart,
        "rect",
        {
            "x": str(left + _LABEL),
            "y": str(top),
            "width": str(max(length, 1.5) if float(share) else 0),
            "height": str(_ROW - 4),
            "fill": colour,
        },
    )
    _put(chart, int(left + _LABEL + length + 6), top + 12, _percent(share))


def _put(chart: ET.Element, x: int, y: int, text: str, *, anchor: str = "start") -> None:
    put = ET.SubElement(chart, "text", {"x": str(x), "y": str(y), "text-anchor": anchor})
    put.text = text


def _cut(text: str) -> str:
    shown = "".join(sign if sign.isprintable() else "�" for sign in text)
    return shown if len(shown) <= 28 else shown[:27] + "…"


def _percent(share: str) -> str:
    return f"{float(share):.1%}"


def _heading(level: str, text: str) -> ET.Element:
    heading = ET.Element(level)
    ET.SubElement(heading, "bdi").text = text
    return heading


def _note(text: str) -> ET.Element:
    note = ET.Element("p", {"class": "small"})
    note.text = text
    return note


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> ET.Element:
    frame = ET.Element("div", {"class": "wide"})
    table = ET.SubElement(frame, "table")
    head = ET.SubElement(ET.SubElement(table, "thead"), "tr")
    for heading in headings:
        ET.SubElement(head, "th", scope="col").text = heading
    body = ET.SubElement(table, "tbody")
    for row in rows:
        line = ET.SubElement(body, "tr")
        for place, cell in enumerate(row):
            ET.SubElement(ET.SubElement(line, "td" if place else "th"), "bdi").text = cell
    return frame
