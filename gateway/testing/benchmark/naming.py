"""Names the benchmark's columns as departments do: in several languages, shortened, or not at all.

The names of a kind are in names.csv. The first of a style is so usual that both halves have it; the
others are dealt to the halves in turn. Those of fresh.csv are another hand's, which had seen neither
names.csv nor a rule; what it named like the first hand stays.
"""

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

from gateway.testing.benchmark.split import Split
from gateway.testing.draws import Stream

NamingStyle = Literal["chinese", "pinyin", "initials", "english", "abbreviated", "meaningless"]
NAMING_STYLES: tuple[NamingStyle, ...] = get_args(NamingStyle)

# Whose a column is, in each style; dealt to the splits as names are.
_OWNERS: Mapping[NamingStyle, tuple[str, ...]] = {
    "chinese": ("申请人", "监护人", "患者", "配偶", "被保险人", "学生", "客户", "法定代表人"),
    "pinyin": ("shenqingren_", "jianhuren_", "huanzhe_", "peiou_"),
    "initials": ("sqr_", "jhr_", "hz_", "po_", "bbxr_", "fddbr_"),
    "english": ("applicant_", "guardian_", "patient_", "spouse_", "policyholder_", "tenant_"),
    "abbreviated": ("appl_", "guard_", "pat_", "cust_", "emp_", "bene_"),
}
_FRESH_OWNERS: Mapping[NamingStyle, tuple[str, ...]] = {
    "chinese": ("经办人", "户主", "纳税人", "持卡人", "收件人", "家长", "联系人", "就诊人"),
    "pinyin": ("jingbanren_", "huzhu_", "nashuiren_", "jiazhang_", "chikaren_"),
    "initials": ("jbr_", "hzhu_", "nsr_", "jz_", "ckr_", "sjr_"),
    "english": ("holder_", "parent_", "consignee_", "taxpayer_", "insured_", "student_"),
    "abbreviated": ("usr_", "stu_", "rcv_", "insd_", "txpr_", "mbr_"),
}
_FRESH_PREFIXES = ("f_", "t_", "c_", "fld_", "ods_", "s_", "a_", "tb1_", "v_", "FD_")
_MEANINGLESS = (
    "c{}", "f_0{}", "字段{}", "col_{}", "x{}", "列{}", "v0{}", "attr{}", "d_{}", "field{}",
)  # fmt: skip


class Namer:
    """Draws names that are unique within one table."""

    def __init__(self, stream: Stream, split: Split) -> None:
        self._stream = stream
        self._split = split
        self._taken: set[str] = set()

    def name(self, kind: str, style: NamingStyle, *, owned: bool) -> tuple[str, str]:
        """A name for a column of a kind in a style, and the entry of the list that it was made from.

        One in five of those owned says whose. A meaningless name has no entry: "".
        """
        if style == "meaningless":
            return self._unique(self._one(_MEANINGLESS).format(self._below(30) + 1)), ""
        entry = plain = self._one(names_of(kind, style, self._split))
        if owned and self._below(5) == 0:
            plain = self._one(_owners(style, self._split)) + plain
        return self._unique(self._written(plain) if plain.isascii() else plain), entry

    def _written(self, name: str) -> str:
        """One of the ways in which words are joined; most often snake_case."""
        form = self._below(8)
        first, *rest = name.split("_")
        if self._split == "fresh" and form == 3:
            return self._one(_FRESH_PREFIXES) + name
        if form == 0:
            return first + "".join(word[:1].upper() + word[1:] for word in rest)
        if form == 1:
            return name.upper()
        if form == 2:
            return name.replace("_", "-")
        return f"f_{name}" if form == 3 else name

    def _unique(self, name: str) -> str:
        unique, count = name, 2
        while unique.lower() in self._taken:
            unique, count = f"{name}_{count}", count + 1
        self._taken.add(unique.lower())
        return unique

    def _one(self, choices: Sequence[str]) -> str:
        return choices[self._below(len(choices))]

    def _below(self, bound: int) -> int:
        return int(self._stream.below(bound, 1)[0])


def names_of(kind: str, style: NamingStyle, split: Split) -> Sequence[str]:
    """The names that a split may give to a kind in a style; the first is common to both halves."""
    if split == "fresh":
        return _names("fresh.csv")[kind][style]
    return _dealt(_names("names.csv")[kind][style], split)


def _owners(style: NamingStyle, split: Split) -> Sequence[str]:
    return _FRESH_OWNERS[style] if split == "fresh" else _dealt(_OWNERS[style], split)


def _dealt(names: Sequence[str], split: Split) -> Sequence[str]:
    if split == "all":
        return names
    # Counted from the second name on, the tuning split takes the first, third, …
    return [names[0], *names[1 + int(split == "held-out") :: 2]]


@cache
def _names(file: str) -> Mapping[str, Mapping[str, Sequence[str]]]:
    text = files(__package__).joinpath(file).read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return {
        row["kind"]: {style: row[style].split() for style in NAMING_STYLES if style in row}
        for row in rows
    }
