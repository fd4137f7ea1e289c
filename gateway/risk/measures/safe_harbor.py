"""Which of HIPAA's eighteen identifiers are left in a table: 45 CFR 164.514(b)(2)(i), (A) to (R).

What a column is, the classification says; the values decide where a part of it may stay: years,
ages up to 89, three digits of a ZIP code of an area with enough people. The check never says that a
table complies: (R) ends with "any other unique identifying number", and the rule also asks that
nobody knows of a way to identify a person with what is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from gateway.model.noun import Noun, ShortText
from gateway.norms.disclosure import disclosure
from gateway.norms.set_grades import Said
from gateway.norms.standard import Standard
from gateway.norms.standards import standards

Outcome = Literal["found", "judge", "not_found"]
"""``judge``: a person has to look, for the reason that is given."""

_STAR: Final = r"^\**$"
_YEAR: Final = r"^(1[0-9]{3}|2[0-9]{3})s?$"
_YEARS: Final = r"^[\[(]?[12][0-9]{3}\s*[-–~,至]\s*[12][0-9]{3}[\])]?$"
_AGE: Final = r"^[0-9]{1,3}(\.[0-9]+)?$"
_OLDER: Final = r"^(>=|≥|>)?\s*(90|89)\s*(\+|or more|and over|or older|岁?(及|或)?以上)?$"
_ZIP: Final = r"^[0-9]{5}(-[0-9]{4})?$"
_ZIP3: Final = r"^[0-9]{3}(\*{2}|00|xx|XX)?$"
_POSTAL: Final = r"^[0-9]{6}$"
_MANY: Final = 50
"""Fewer records than these are all different by chance."""


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """A column: its entity, None when unknown, and its distinct values. The repr is blind.

    ``all_different``: no value stands in two records, and none is null.
    """

    name: str
    entity: str | None
    values: pa.Array = field(repr=False)
    all_different: bool


class Finding(Noun):
    """One of the eighteen: whether it is left, in which columns, and why."""

    identifier: ShortText
    zh: ShortText
    en: ShortText
    outcome: Outcome
    columns: tuple[str, ...] = ()
    because: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sight:
    category: str
    outcome: Outcome
    because: Said


def safe_harbor(columns: Sequence[ColumnFacts], records: int) -> tuple[Finding, ...]:
    """Eighteen findings, (A) to (R)."""
    standard = standards()["hipaa"]
    said = [(facts.name, found) for facts in columns if (found := _look(facts, standard, records))]
    findings = []
    for category, named in standard.categories.items():
        if not named.en.startswith("("):
            continue  # not one of the eighteen
        here = [(name, found) for name, found in said if found.category == category]
        outcomes = {found.outcome for _, found in here}
        findings.append(
            Finding(
                identifier=named.en[1:2],
                zh=named.zh[3:].strip(),
                en=named.en[3:].strip(),
                outcome="found" if "found" in outcomes else "judge" if outcomes else "not_found",
                columns=tuple(name for name, _ in here),
                because=tuple(_of(name, found.because) for name, found in here),
            )
        )
    return tuple(findings)


def _look(facts: ColumnFacts, standard: Standard, records: int) -> _Sight | None:
    values = _told(facts.values)
    if not len(values):
        return None  # wholly suppressed
    if facts.entity is None:
        return _Sight(
            "any-other", "judge", Said(en="it is unknown what the column holds", zh="未知该列内容")
        )
    item = standard.item(facts.entity)
    if item.level == "identifier":
        return _Sight(
            item.category,
            "found",
            Said(en=f"holds {facts.entity}, which must go", zh=f"含 {facts.entity}，必须删除"),
        )
    if facts.entity == "AGE":
        return _ages(values)
    if item.category == "dates" or pa.types.is_temporal(facts.values.type):
        return _dates(facts, values)
    if item.category == "geography":
        return _places(facts, values)
    if facts.all_different and records >= _MANY and not pa.types.is_floating(facts.values.type):
        return _Sight(
            "any-other",
            "judge",
            Said(
                en="every record has another value: is it a person's code?",
                zh="每条记录取值都不同：是否为个人编码？",
            ),
        )
    return None


def _of(column: str, said: Said) -> Said:
    return Said(en=f"{column}: {said.en}", zh=f"{column}：{said.zh}")


def _told(values: pa.Array) -> pa.Array:
    """The values as text, without nulls and what is wholly starred out."""
    text = pc.utf8_trim_whitespace(values.drop_null().cast(pa.string()))
    return text.filter(pc.invert(pc.match_substring_regex(text, _STAR)))


def _all(values: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(values, pattern)).as_py())


def _any(values: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(values, pattern)).as_py())


def _ages(values: pa.Array) -> _Sight | None:
    oldest = disclosure().safe_harbor.oldest
    labels = values.filter(pc.invert(pc.match_substring_regex(values, _AGE)))
    numbers = values.filter(pc.match_substring_regex(values, _AGE)).cast(pa.float64())
    if len(numbers) and pc.max(numbers).as_py() > oldest + 1:
        return _Sight(
            "dates",
            "found",
            Said(
                en=f"ages over {oldest}: put them together as {oldest + 1}+",
                zh=f"含 {oldest} 岁以上年龄：请合并为 {oldest + 1}+",
            ),
        )
    if len(numbers) and pc.max(numbers).as_py() > oldest:
        return _Sight(
            "dates",
            "judge",
            Said(
                en=f"does {oldest + 1} stand for {oldest + 1} or more?",
                zh=f"{oldest + 1} 是否表示 {oldest + 1} 岁及以上？",
            ),
        )
    unclear = labels.filter(pc.invert(pc.match_substring_regex(labels, _OLDER)))
    if len(unclear):
        return _Sight(
            "dates",
            "judge",
            Said(
                en=f"does a label tell ages over {oldest} apart?",
                zh=f"是否有标签区分 {oldest} 岁以上的年龄？",
            ),
        )
    return None


def _dates(facts: ColumnFacts, values: pa.Array) -> _Sight | None:
    if pa.types.is_temporal(facts.values.type):
        return _Sight(
            "dates",
            "found",
            Said(
                en="dates finer than the year: keep the year alone", zh="日期细于年份：只保留年份"
            ),
        )
    if _all(values, f"{_YEAR}|{_YEARS}"):
        return None
    if _any(
        values,
        r"[12][0-9]{3}\s*[-/.年]\s*[0-9]{1,2}|^[0-9]{8}$|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2}",
    ):
        return _Sight(
            "dates",
            "found",
            Said(
                en="dates finer than the year: keep the year alone", zh="日期细于年份：只保留年份"
            ),
        )
    return _Sight(
        "dates", "judge", Said(en="is a value finer than the year?", zh="是否有取值细于年份？")
    )


def _places(facts: ColumnFacts, values: pa.Array) -> _Sight | None:
    small = set(disclosure().safe_harbor.small_areas)
    if _any(values, _POSTAL) or _any(values, _ZIP):
        return _Sight(
            "geography",
            "found",
            Said(
                en="whole postal codes: keep three digits at most",
                zh="完整邮政编码：至多保留前三位",
            ),
        )
    if _all(values, _ZIP3):
        areas = pc.utf8_slice_codeunits(values, 0, 3).unique().to_pylist()
        if small.intersection(areas):
            return _Sight(
                "geography",
                "found",
                Said(
                    en="ZIP areas of 20,000 people or fewer: write 000",
                    zh="人口不超过两万的邮编区：写作 000",
                ),
            )
        return None
    return _Sight(
        "geography",
        "judge",
        Said(
            en=f"holds {facts.entity}: is a value smaller than a state?",
            zh=f"含 {facts.entity}：是否有小于州的地区？",
        ),
    )
