"""Names the benchmark's columns as departments do: in several languages, shortened, or not at all.

The names of a kind are in names.csv. The first of a style is so usual that both splits have it; the
others are dealt to the splits in turn.
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
_MEANINGLESS = (
    "c{}", "f_0{}", "字段{}", "col_{}", "x{}", "列{}", "v0{}", "attr{}", "d_{}", "field{}",
)  # fmt: skip


class Namer:
    """Draws names that are unique within one table."""

    def __init__(self, stream: Stream, split: Split) -> None:
        self._stream = stream
        self._split = split
        self._taken: set[str] = set()

    def name(self, kind: str, style: NamingStyle, *, owned: bool) -> str:
        """A name for a column of a kind in a style; one in five of those owned says whose."""
        if style == "meaningless":
            return self._unique(self._one(_MEANINGLESS).format(self._below(30) + 1))
        plain = self._one(names_of(kind, style, self._split))
        if owned and self._below(5) == 0:
            plain = self._one(_dealt(_OWNERS[style], self._split)) + plain
        return self._unique(self._written(plain) if plain.isascii() else plain)

    def _written(self, name: str) -> str:
        """One of the ways in which words are joined; most often snake_case."""
        form = self._below(8)
        first, *rest = name.split("_")
        if form == 0:
            return first + "".join(word.capitalize() for word in rest)
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
    """The names that a split may give to a kind in a style; the first is common to all splits."""
    return _dealt(_names()[kind][style], split)


def _dealt(names: Sequence[str], split: Split) -> Sequence[str]:
    if split == "all":
        return names
    # Counted from the second name on, the tuning split takes the first, third, …
    return [names[0], *names[1 + int(split == "held-out") :: 2]]


@cache
def _names() -> Mapping[str, Mapping[str, Sequence[str]]]:
    text = files(__package__).joinpath("names.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return {
        row["kind"]: {style: row[style].split() for style in NAMING_STYLES if style in row}
        for row in rows
    }
