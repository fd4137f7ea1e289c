"""What evidence says, in English and in Chinese: the only place where its sentences are written.

Both languages say the same; neither ever holds a value of the data. Shares are rounded to whole
percents, and all or none is said only when it is true of the whole sample.
"""

from collections.abc import Iterable
from typing import NamedTuple

from gateway.classify.grading import Graded
from gateway.model.evidence import Evidence, EvidenceKind
from gateway.model.names import ColumnRole
from gateway.norms.entities import entity_titles
from gateway.norms.sources import chinese_sources

_LONGEST = 200  # characters of a ShortText
_CHECKS = {
    "resident_id": "GB 11643",
    "uscc": "GB 32100",
    "organisation_code": "GB 11714",
    "luhn": "ISO/IEC 7812-1 (Luhn)",
    "vin": "GB 16735",
    "iban": "ISO 13616",
}
_ROLES = {
    ColumnRole.DIRECT_IDENTIFIER: ("direct identifier", "直接标识符"),
    ColumnRole.QUASI_IDENTIFIER: ("quasi-identifier", "准标识符"),
    ColumnRole.SENSITIVE: ("sensitive", "敏感属性"),
    ColumnRole.OTHER: ("other", "其他"),
}
_KINDS = {
    "text": "文本", "integer": "整数", "real": "实数", "date": "日期", "moment": "时刻",
    "boolean": "是否", "opaque": "非文本",
}  # fmt: skip


class Sentence(NamedTuple):
    """One statement in both languages."""

    en: str
    zh: str

    def piece(self, kind: EvidenceKind, entity: str, weight: int = 0) -> Evidence:
        """The evidence that says it."""
        return Evidence(
            kind=kind,
            entity=entity,
            detail=_cut(self.en),
            detail_zh=_cut(self.zh),
            weight=max(-100, min(100, weight)),
        )


# ---- names ----------------------------------------------------------------------------------------


def name_says(phrase: str, owner: str) -> Sentence:
    """The words of the name; `owner`: person, thing or none."""
    en, zh = f'the name says "{phrase}"', f"列名含“{phrase}”"
    if owner == "thing":
        return Sentence(f"{en}, of a thing", f"{zh}，但指的是物")
    return (
        Sentence(f"{en}, of a person", f"{zh}，且指的是人")
        if owner == "person"
        else Sentence(en, zh)
    )


def description_says(phrase: str) -> Sentence:
    """The words of the description."""
    return Sentence(f'the description says "{phrase}"', f"字段说明含“{phrase}”")


def key_name(of: str) -> Sentence:
    """The number of a person or a group."""
    if of == "person":
        return Sentence("the name is that of a number given to a person", "列名是分配给个人的编号")
    return Sentence(
        "the name is that of a number given to a group of persons", "列名是分配给一组人的编号"
    )


ATTRIBUTE = Sentence(
    "the name is that of an attribute of a person which has no entity", "列名是无对应实体的个人属性"
)
MEASURE = Sentence(
    "the name is that of an amount or a measure which has no entity",
    "列名是无对应实体的金额或测量值",
)
THING = Sentence("the name is that of a thing", "列名指的是物而非人")
RECORD = Sentence("the name describes a record or a measure", "列名描述记录本身或度量")


def about(phrase: str) -> Sentence:
    """It speaks of something and does not hold it."""
    return Sentence(
        f'the name says something about "{phrase}" and is not it',
        f"列名谈及“{phrase}”，但并非其本身",
    )


# ---- values ---------------------------------------------------------------------------------------


def passes(share: float, check: str | None, entity: str) -> Sentence:
    """Values that have an identifier's form and, where it has one, its check digit."""
    percent = percents(share)
    if check is not None:
        norm = _CHECKS[check]
        return Sentence(
            f"{percent} of the values pass the check digit of {norm}",
            f"{percent} 的值通过 {norm} 校验位",
        )
    title = entity_titles()[entity]
    return Sentence(
        f"{percent} of the values have the form of: {title.english}",
        f"{percent} 的值符合{title.chinese}的格式",
    )


def listed(share: float, entity: str) -> Sentence:
    """Values among the words of an entity."""
    title, percent = entity_titles()[entity], percents(share)
    return Sentence(
        f"{percent} of the values are in the dictionary of {title.english}",
        f"{percent} 的值在{title.chinese}词典中",
    )


def built(share: float, entity: str) -> Sentence:
    """Values built as those of an entity are."""
    title, percent = entity_titles()[entity], percents(share)
    return Sentence(
        f"{percent} of the values are built as those of {title.english} are",
        f"{percent} 的值符合{title.chinese}的构词特征",
    )


def chinese_names(share: float, distinct: float) -> Sentence:
    """A known surname and a given name."""
    percent = percents(share)
    return Sentence(
        f"{percent} of the values are built like Chinese names, {percents(distinct)} are distinct",
        f"{percent} 的值符合中文姓名结构，互异值占 {percents(distinct)}",
    )


def latin_names(share: float) -> Sentence:
    """First and last name in Latin letters."""
    percent = percents(share)
    return Sentence(
        f"{percent} of the values are built like names in Latin letters",
        f"{percent} 的值符合外文姓名结构",
    )


def regions(share: float) -> Sentence:
    """Words that end as regions do."""
    percent = percents(share)
    return Sentence(
        f"{percent} of the values end as names of regions do", f"{percent} 的值以行政区划通名结尾"
    )


def dates(share: float) -> Sentence:
    """Dates of any kind."""
    percent = percents(share)
    return Sentence(f"{percent} of the values are dates", f"{percent} 的值是日期")


BIRTHS = Sentence(
    "the dates spread over the years in which living people were born",
    "日期分布符合在世人口的出生年份",
)
AGES = Sentence("all numbers are between 0 and 130", "所有数值在 0 至 130 之间")
AMOUNTS = Sentence("the values are amounts", "取值是金额")
UNREADABLE = Sentence("the values cannot be read as text", "取值无法按文本读取")


def profile(distinct: float, absent: float, length: float) -> Sentence:
    """How the values of a column are distributed, for whoever must decide."""
    return Sentence(
        f"{percents(distinct)} of the values are distinct, {percents(absent)} of the cells are empty "
        f"or say that nothing is known; {length:.0f} characters on average",
        f"互异值占 {percents(distinct)}，空值或“不详”类占 {percents(absent)}，平均 {length:.0f} 个字符",
    )


def few_look_like_it(share: float) -> Sentence:
    """Against what the name says."""
    percent = percents(share)
    return Sentence(f"only {percent} of the values look like it", f"仅 {percent} 的值与之相符")


def impossible(kind: str) -> Sentence:
    """A type that cannot hold the entity."""
    return Sentence(f"a column of kind {kind} cannot hold it", f"{_KINDS[kind]}类型的列不可能是它")


def unallocated(share: float) -> Sentence:
    """Eleven digits that are no telephone numbers."""
    percent = percents(share)
    return Sentence(
        f"only {percent} of the numbers begin with a prefix that is in use",
        f"仅 {percent} 的号码使用已启用号段",
    )


def versions(share: float) -> Sentence:
    """Four numbers that count versions."""
    percent = percents(share)
    return Sentence(
        f"{percent} of the values have numbers as small as versions have",
        f"{percent} 的值数字很小，更像版本号",
    )


# ---- neighbours -----------------------------------------------------------------------------------

PEOPLE_BESIDE = Sentence("other columns of the table are about persons", "表中其他列与个人有关")
NO_PEOPLE_BESIDE = Sentence(
    "no other column of the table is about a person", "表中没有其他列与个人有关"
)


def beside(entities: Iterable[str]) -> Sentence:
    """What stands beside it."""
    titles = [entity_titles()[entity] for entity in sorted(entities)][:3]
    return Sentence(
        f"it stands beside {', '.join(title.english for title in titles)}",
        f"与{'、'.join(title.chinese for title in titles)}同表",
    )


# ---- rules ----------------------------------------------------------------------------------------


def graded(by: Graded, standard: str) -> Sentence:
    """The rule that gave grade and role."""
    en, zh = _ROLES[by.role]
    return Sentence(
        f"{standard}: {by.grade}, {en}: {by.source}",
        f"依据 {standard} 定为 {by.grade}，{zh}；出处：{chinese_sources().get(by.source, by.source)}",
    )


def rival(entity: str, trust: int) -> Sentence:
    """Another entity for which there is evidence too."""
    title = entity_titles()[entity]
    return Sentence(
        f"some evidence says {title.english} ({trust} %): the higher grade counts",
        f"部分证据指向{title.chinese}（{trust} %）：就高从严",
    )


def holds(entities: Iterable[str]) -> Sentence:
    """Texts with identifiers in them."""
    titles = [entity_titles()[entity] for entity in sorted(entities)]
    return Sentence(
        f"texts in which there are others: {', '.join(t.english for t in titles)}; "
        "unknown counts as the highest grade",
        f"文本中夹有{'、'.join(t.chinese for t in titles)}：未知，按最高级处理",
    )


FREE_TEXT = Sentence(
    "free text: what it holds is unknown and counts as the highest grade",
    "自由文本：内容未知，按最高级处理",
)
SOME_IDENTIFIERS = Sentence(
    "among the values are identifiers, more than chance gives: unknown counts as the highest grade",
    "部分值是标识符，多于偶然：未知，按最高级处理",
)
NOT_AS_NAMED = Sentence(
    "the values are not what the name says, and may be names: unknown counts as the highest grade",
    "取值与列名不符，可能是姓名等：未知，按最高级处理",
)
NOTHING_BUT_NULLS = Sentence(
    "there is no value yet: unknown counts as the highest grade", "尚无任何取值：未知，按最高级处理"
)
NOT_ENOUGH = Sentence(
    "no evidence is strong enough: unknown counts as the highest grade",
    "证据不足：未知，按最高级处理",
)


def percents(share: float) -> str:
    """A share as whole percents, 98 %; 0 % and 100 % only when exact."""
    if share in {0.0, 1.0}:
        return f"{share * 100:.0f} %"
    return f"{min(99, max(1, round(share * 100)))} %"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
