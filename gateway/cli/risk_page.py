"""A risk report as one HTML page for an officer, in Chinese and English: no script, no network.

Built as a tree, so that whatever text a file brings along stays text. It shows no value of the file.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from gateway.cli.classification import visible
from gateway.cli.grade_chart import Bar, grade_chart
from gateway.client.saving import whole_file
from gateway.norms.set_grades import Said
from gateway.risk.measures.report import RiskReport
from gateway.risk.privacy.checks import claim
from gateway.risk.privacy.definition import Verdict

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --ink: light-dark(#1b1f24, #e6e8eb); }
body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; margin: 0 auto;
  max-width: 70rem; padding: 1.5rem; color: var(--ink); background: light-dark(#fff, #14171a); }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1rem 0; }
dt { font-size: .8rem; opacity: .75; } dd { margin: 0; font-weight: 600; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: start; vertical-align: top; padding: .35rem .6rem; border-top: 1px solid var(--line); }
td ul { margin: 0; padding-inline-start: 1rem; }
.small { font-size: .85rem; opacity: .8; } .en { display: block; }
tr.bad > td { background: light-dark(#fdecea, #3a1f1d); } tr.judge > td { background: light-dark(#fff6e0, #37301b); }
svg { max-width: 44rem; width: 100%; height: auto; } svg text { fill: currentColor; font-size: 13px; }
@media print { body { max-width: none; padding: 0; } }
"""
_POLICY: Final = "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"
_SAFE, _OVER = "#2f7d4f", "#b93434"

Cell = Said | str


def write_risk_page(
    file: Path,
    subject: str,
    report: RiskReport,
    verdicts: Sequence[Verdict],
    others: Sequence[str],
) -> None:
    """Write the page; the file is whole or not there."""
    with whole_file(file) as target:
        target.write(risk_page(subject, report, verdicts, others).encode())


def risk_page(
    subject: str, report: RiskReport, verdicts: Sequence[Verdict], others: Sequence[str]
) -> str:
    """The page as text."""
    root = ET.Element("html", lang="zh")
    root.append(_head(subject))
    main = ET.SubElement(ET.SubElement(root, "body"), "main")
    heading = ET.SubElement(main, "h1")
    ET.SubElement(heading, "bdi").text = visible(subject)
    main.append(_paragraph(_said("Risk of re-identification", "重标识风险报告")))
    main.extend(_summary(report))
    main.extend(_attackers(report))
    main.extend(_sizes(report))
    main.extend(_uniqueness(report))
    main.extend(_models(verdicts))
    main.extend(_safe_harbor(report))
    main.extend(_remarks(report, others))
    return "<!DOCTYPE html>\n" + ET.tostring(root, encoding="unicode", method="html") + "\n"


def _head(subject: str) -> ET.Element:
    head = ET.Element("head")
    ET.SubElement(head, "meta", charset="utf-8")
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = {"http-equiv": "Content-Security-Policy", "content": _POLICY.format(digest)}
    ET.SubElement(head, "meta", policy)
    ET.SubElement(head, "meta", name="referrer", content="no-referrer")
    ET.SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    ET.SubElement(head, "title").text = visible(subject)
    ET.SubElement(head, "style").text = _STYLE
    return head


def _summary(report: RiskReport) -> Iterator[ET.Element]:
    facts: list[tuple[Said, Cell]] = [
        (_said("Quasi-identifiers", "准标识符"), ", ".join(report.quasi_identifiers)),
        (_said("Records", "记录数"), f"{report.records:,}"),
        (_said("Classes", "等价类"), f"{report.classes:,}"),
        (_said("Smallest class", "最小等价类"), f"{report.smallest_class:,}"),
        (_said("Alone in their class", "唯一记录"), f"{report.alone:,}"),
        (_said("Threshold", "风险阈值"), report.threshold),
    ]
    found = report.effect
    if found is not None:
        level = "?" if found.level is None else str(found.level)
        facts.append(
            (
                _said("Level, GB/T 42460-2023", "去标识化效果分级 GB/T 42460-2023"),
                _said(
                    f"{level}: {found.en}; {found.because.en}",
                    f"{level} 级：{found.zh}；{found.because.zh}",
                ),
            )
        )
    listed = ET.Element("dl")
    for term, value in facts:
        pair = ET.SubElement(listed, "div")
        ET.SubElement(pair, "dt").extend(_spans(term))
        ET.SubElement(pair, "dd").extend(_spans(value))
    yield listed


def _attackers(report: RiskReport) -> Iterator[ET.Element]:
    yield _heading(_said("Attackers", "攻击者"))
    wildcard = None if report.wildcard is None else report.wildcard.prosecutor
    rows = [
        (name, found)
        for name, found in (
            (
                _said("Prosecutor: knows who is in the table", "检察官：知道目标在表中"),
                report.prosecutor,
            ),
            (_said("Journalist: looks in the population", "记者：在总体中查找"), report.journalist),
            (_said("Marketer: links all records", "营销者：关联全部记录"), report.marketer),
            (
                _said(
                    "Prosecutor, suppressed cells as wildcards", "检察官，被抑制单元格视为通配符"
                ),
                wildcard,
            ),
        )
        if found is not None
    ]
    yield _table(
        (
            _said("attacker", "攻击者"),
            _said("highest", "最高"),
            _said("average", "平均"),
            _said(f"records over {report.threshold}", f"超过 {report.threshold} 的记录"),
        ),
        [
            (
                "bad" if found.records_over else "",
                (name, found.highest, found.average, f"{found.records_over:,} ({found.over_threshold})"),
            )
            for name, found in rows
        ],
    )  # fmt: skip


def _sizes(report: RiskReport) -> Iterator[ET.Element]:
    title = _said("Records by the size of their class", "按等价类大小统计的记录数")
    yield _heading(title)
    # Over the threshold are the classes in which one of so many is more than it.
    bars = []
    for band in report.sizes:
        label = f"{band.least}" if band.least == band.most else f"{band.least}–{band.most or ''}"
        over = band.least * float(report.threshold) < 1
        bars.append(Bar(label, band.records, _OVER if over else _SAFE))
    yield grade_chart(bars, f"{title.zh} {title.en}")


def _uniqueness(report: RiskReport) -> Iterator[ET.Element]:
    told = report.uniqueness
    if told is None:
        return
    yield _heading(_said("Alone in the population, estimated", "总体唯一性估计"))
    yield _table(
        (_said("estimator", "估计模型"), _said("share", "比例"), ""),
        [
            (
                "",
                (
                    name,
                    _said("no estimate", "无估计值") if share is None else share,
                    _said("the one to go by", "采用") if told.preferred == name.lower() else "",
                ),
            )
            for name, share in (("Pitman", told.pitman), ("Zayatz", told.zayatz), ("SNB", told.snb))
        ],
    )
    yield _paragraph(
        _said(
            f"From a sampling fraction of {told.sampling_fraction}. An estimate of a model, without "
            "an interval: where class sizes are distributed otherwise it is wrong.",
            f"抽样比例 {told.sampling_fraction}。模型估计值，无置信区间；等价类大小分布不符时不成立。",
        )
    )


def _models(verdicts: Sequence[Verdict]) -> Iterator[ET.Element]:
    if not verdicts:
        return
    yield _heading(_said("Privacy models", "隐私模型"))
    yield _table(
        (
            _said("model", "模型"),
            _said("holds", "满足"),
            _said("figure", "指标"),
            _said("limit", "限值"),
            _said("what it does not do", "局限"),
        ),
        [
            (
                "" if verdict.holds else "bad",
                (
                    verdict.model.kind,
                    _said("yes", "是") if verdict.holds else _said("no", "否"),
                    f"{verdict.figure} ({verdict.name})",
                    verdict.limit,
                    claim(verdict.model).leaves,
                ),
            )
            for verdict in verdicts
        ],
    )


def _safe_harbor(report: RiskReport) -> Iterator[ET.Element]:
    if report.safe_harbor is None:
        return
    yield _heading(_said("HIPAA safe harbor", "HIPAA 安全港十八类标识符"))
    told = {
        "found": _said("left", "仍存在"),
        "judge": _said("to be judged", "待判断"),
        "not_found": _said("not found", "未发现"),
    }
    marks = {"found": "bad", "judge": "judge", "not_found": ""}
    yield _table(
        ("", _said("identifier", "标识符"), "", _said("why", "理由")),
        [
            (
                marks[finding.outcome],
                (
                    finding.identifier,
                    _said(finding.en, finding.zh),
                    told[finding.outcome],
                    _said(
                        "; ".join(said.en for said in finding.because),
                        "；".join(said.zh for said in finding.because),
                    ),
                ),
            )
            for finding in report.safe_harbor
        ],
    )
    yield _paragraph(
        _said(
            "Not found is not compliance: the rule also asks that nobody knows of a way to identify "
            "a person with what is left.",
            "未发现不等于合规：规则还要求不知晓可用剩余信息识别个人的方法。",
        )
    )


def _remarks(report: RiskReport, others: Sequence[str]) -> Iterator[ET.Element]:
    remarks = list(report.remarks)
    if others:
        listed = ", ".join(others)
        remarks.append(
            _said(
                f"Classified as quasi-identifiers too, and not counted here: {listed}",
                f"另被识别为准标识符、此处未计入：{listed}",
            )
        )
    if not remarks:
        return
    yield _heading(_said("Remarks", "说明"))
    listed_all = ET.Element("ul")
    for said in remarks:
        ET.SubElement(listed_all, "li").extend(_spans(said))
    yield listed_all


# ---- parts --------------------------------------------------------------------------------------


def _said(en: str, zh: str) -> Said:
    return Said(en=en, zh=zh)


def _heading(said: Said) -> ET.Element:
    heading = ET.Element("h2")
    heading.extend(_spans(said))
    return heading


def _paragraph(said: Said) -> ET.Element:
    paragraph = ET.Element("p", {"class": "small"})
    paragraph.extend(_spans(said))
    return paragraph


def _table(headings: Sequence[Cell], rows: Sequence[tuple[str, Sequence[Cell]]]) -> ET.Element:
    frame = ET.Element("div", {"class": "wide"})
    table = ET.SubElement(frame, "table")
    row = ET.SubElement(ET.SubElement(table, "thead"), "tr")
    for heading in headings:
        ET.SubElement(row, "th", scope="col").extend(_spans(heading))
    body = ET.SubElement(table, "tbody")
    for mark, cells in rows:
        row = ET.SubElement(body, "tr", {"class": mark} if mark else {})
        for cell in cells:
            ET.SubElement(row, "td").extend(_spans(cell))
    return frame


def _spans(cell: Cell) -> Iterator[ET.Element]:
    """Both languages, each marked with its own; text that is in neither stands alone."""
    if isinstance(cell, str):
        alone = ET.Element("bdi")
        alone.text = visible(cell)
        yield alone
        return
    for language, text in (("zh", cell.zh), ("en", cell.en)):
        span = ET.Element(
            "span", {"lang": language} | ({"class": "en"} if language == "en" else {})
        )
        span.text = visible(text)
        yield span
