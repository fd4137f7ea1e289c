"""Ready masks for names, identity numbers, phones, bank cards and e-mail addresses.

Each knows the form of what it hides; a value of another form is unhandled. Full-width digits and
letters are read as what they mean, separators are dropped, and the output has one normal form.
An empty string holds nothing to hide and stays empty.
"""

from collections.abc import Callable
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.model.transforms import Form, MaskForm
from gateway.transform.addresses import before_ascii, mask_address
from gateway.transform.base import (
    Claim,
    ColumnTransform,
    Flags,
    Outcome,
    as_text,
    outcome,
    text_output,
)
from gateway.transform.characters import Characters, Codes, is_one_of
from gateway.transform.masks import RUN
from gateway.transform.varlen import VarlenColumn, build_text, groups, put_fixed, take_fixed

_SPACES: Final = " \t\u00a0\u3000"
_DASHES: Final = "-\u2010\u2011\u2012\u2013\u2014\uff0d"
_DOTS: Final = "·•‧・･"  # all in use between the parts of one name
_BRACKETS: Final = "()（）"

_COMPOUND_SURNAMES: Final = """
    欧阳 上官 司马 诸葛 东方 皇甫 尉迟 公孙 慕容 令狐 宇文 长孙 司徒 司空 夏侯 轩辕 端木 独孤 南宫
    西门 东郭 南郭 百里 呼延 闻人 澹台 公冶 宗政 濮阳 淳于 单于 太叔 申屠 公羊 赫连 钟离 鲜于 闾丘
    亓官 仲孙 万俟 公西 颛孙 巫马 乐正 拓跋 夹谷 宰父 谷梁 段干 东门 公良 第五 左丘 梁丘 羊舌 微生
    纳兰 完颜 富察 欧陽 東方 諸葛 長孫 鍾離 司馬 獨孤
""".split()

MOST_SIGNS: Final = 3
"""Signs shown of a name at most: a length from there on would single out the rarest names."""


class MaskFormColumn(ColumnTransform[MaskForm]):
    """The mask of one of the ready forms."""

    claim: ClassVar[Claim] = Claim(
        guarantee=(
            "of a value of the form only the part that the form keeps can be seen; any other value "
            "is unhandled and null"
        ),
        precondition="the column holds what the form says; what is kept does not identify alone",
        leaves=(
            "surname and up to three characters' length of a name; province, or the digits that "
            "the policy keeps; first letter and domain of an e-mail; region of an address"
        ),
        source="GB/T 37964-2019; forms of GB 11643-1999; PCI DSS 3.4 for the most kept of a card",
    )

    @classmethod
    def output_for(cls, spec: MaskForm, source_type: pa.DataType) -> pa.DataType:
        return text_output(spec, source_type)

    def run(self, column: pa.Array) -> Outcome:
        return _FORMS[self.spec.form](as_text(column), self.spec)


def _mask_name(text: pa.Array, spec: MaskForm) -> Outcome:
    """Surname kept, also of two characters; the rest as signs, three at most.

    Of a name with a dot or of five and more characters only the first stays: where its surname
    ends is not known, and the dot itself tells the people one belongs to.
    """
    names = Characters.of(text)
    names = names.only(~is_one_of(names.codes, _SPACES))
    dots = is_one_of(names.codes, _DOTS)
    heads, lengths = names.heads(2), names.lengths
    edge = is_one_of(heads[:, 0], _DOTS)
    fits = names.all_of(_is_han(names.codes) | dots) & ~edge & (lengths > 0)
    plain = (lengths <= 4) & (names.count(dots) == 0)
    pair = heads[:, 0].astype(np.uint64) << np.uint64(32) | heads[:, 1]
    compound = plain & (lengths >= 3) & np.isin(pair, _COMPOUND_PAIRS)
    kept = np.where(lengths <= 1, 0, np.where(compound, 2, 1))
    signs = np.minimum(lengths - kept, MOST_SIGNS)
    total = kept + signs
    starts = np.cumsum(total) - total
    codes = np.full(int(total.sum()), ord(spec.character), np.uint32)
    for place in range(2):
        shown = kept > place
        codes[starts[shown] + place] = heads[shown, place]
    return _result(text, names.with_values(codes, total), fits)


def _mask_resident_id(text: pa.Array, spec: MaskForm) -> Outcome:
    """18 characters, or 15 digits of the old form. Shape only: a wrong check digit is masked too."""
    numbers = _normal(text, _SPACES + _DASHES)
    digits = numbers.all_of(_is_digit(numbers.codes))
    last_x = np.zeros(numbers.rows, bool)
    long = numbers.lengths == 18
    last = np.maximum(numbers.ends - 1, 0)
    if len(numbers.codes):
        last_x = long & (numbers.codes[last] == ord("X"))
    almost = numbers.count(_is_digit(numbers.codes)) == 17
    fits = (digits & (long | (numbers.lengths == 15))) | (last_x & almost)
    return _ends_kept(text, numbers, fits, spec)


def _mask_phone(text: pa.Array, spec: MaskForm) -> Outcome:
    """Mobile numbers (11 digits from 13 to 19) and fixed lines with their area code."""
    numbers = _normal(text, _SPACES + _DASHES + _BRACKETS)
    heads = numbers.heads(5)
    plus = heads[:, 0] == ord("+")
    country = _begins(heads, "86") & (numbers.lengths == 13)
    prefix = np.where(plus & _begins(heads[:, 1:], "86"), 3, 0)
    prefix += np.where(_begins(heads, "0086"), 4, 0) + np.where(country, 2, 0)
    abroad = prefix > 0
    numbers = numbers.without_first(prefix)
    heads = numbers.heads(3)
    second = heads[:, 1]
    mobile = (heads[:, 0] == ord("1")) & (second >= ord("3")) & (second <= ord("9"))
    mobile &= numbers.lengths == 11
    # From abroad the area code is dialled without its zero, and it never begins with one.
    area = (heads[:, 0] == ord("0")) & (second > ord("0")) & ~abroad
    fixed = area & (numbers.lengths >= 10) & (numbers.lengths <= 12)
    fits = numbers.all_of(_is_digit(numbers.codes)) & (mobile | fixed)
    return _ends_kept(text, numbers, fits, spec)


def _mask_card(text: pa.Array, spec: MaskForm) -> Outcome:
    """13 to 19 digits; the Luhn digit is not asked for, so that a mistyped card is masked too."""
    numbers = _normal(text, _SPACES + _DASHES)
    fits = numbers.all_of(_is_digit(numbers.codes))
    fits &= (numbers.lengths >= 13) & (numbers.lengths <= 19)
    return _ends_kept(text, numbers, fits, spec)


_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL: Final = rf"^{_ATOM}(?:\.?{_ATOM})*@{_LABEL}(?:\.{_LABEL})+$"  # RFC 5321 4.1.2, no quotes


def _mask_email(text: pa.Array, spec: MaskForm) -> Outcome:
    """First letter (of two or more) and domain kept; the length of the local part is not shown."""
    trimmed = pc.utf8_trim(text, _SPACES)
    empty = pc.equal(text, "")
    fits = pc.match_substring_regex(trimmed, _EMAIL)
    masked = _shown_domains(pc.if_else(fits, trimmed, pa.scalar(None, pa.string())), spec)
    if pc.any(empty).as_py():
        masked = pc.if_else(empty, "", masked)
    return outcome(masked, pc.invert(pc.or_(fits, empty)))


def _shown_domains(mails: pa.Array, spec: MaskForm) -> pa.Array:
    """The masks of addresses that are of the form: ASCII, with one @ each. Domains are copied all
    of one length at a time, which is a third of what a pattern for each value costs."""
    parts = VarlenColumn.of(mails)
    at = np.flatnonzero(parts.data == ord("@"))
    capital = parts.data - np.uint8(ord("A")) < np.uint8(26)
    lower = parts.data + capital.view(np.uint8) * np.uint8(ord("a") - ord("A"))
    signs = np.frombuffer((spec.character * RUN).encode(), np.uint8)
    named = at - parts.starts > 1
    widths = parts.starts + parts.lengths - at
    lengths = named + len(signs) + widths
    starts = np.cumsum(lengths) - lengths
    out = np.empty(int(lengths.sum()), np.uint8)
    out[starts[named]] = parts.data[parts.starts[named]]
    starts += named
    put_fixed(out, starts, np.tile(signs, (parts.rows, 1)))
    starts += len(signs)
    for width, rows in groups(widths):
        put_fixed(out, starts[rows], take_fixed(lower, at[rows], width))
    return build_text(out, lengths, parts.valid, parts.slots)


def _mask_address(text: pa.Array, spec: MaskForm) -> Outcome:
    """Each different beginning is worked out once: people who live together share an address, and
    those of a street share what its mask depends on; to find which are different costs little."""
    addresses = text.dictionary_encode()
    values, rows = addresses.dictionary, addresses.indices
    fronts = before_ascii(pc.utf8_trim(values, _SPACES)).dictionary_encode()
    masked, fits = mask_address(Characters.of(fronts.dictionary), ord(spec.character), RUN)
    places = fronts.indices.take(rows)
    column, strange = masked.column().take(places), pa.array(~fits).take(places)
    empty = pc.equal(values, "")
    if pc.any(empty).as_py():
        empty = empty.take(rows)
        column, strange = pc.if_else(empty, "", column), pc.and_not(strange, empty)
    return outcome(column, strange)


_FORMS: Final[dict[Form, Callable[[pa.Array, MaskForm], Outcome]]] = {
    "chinese_name": _mask_name,
    "resident_id": _mask_resident_id,
    "phone": _mask_phone,
    "bank_card": _mask_card,
    "email": _mask_email,
    "address": _mask_address,
}

_COMPOUND_PAIRS: Final = np.array(
    [ord(name[0]) << 32 | ord(name[1]) for name in _COMPOUND_SURNAMES], np.uint64
)


def _normal(text: pa.Array, dropped: str) -> Characters:
    """Full-width forms as ASCII, letters as capitals, without the separators."""
    values = Characters.of(text)
    codes = values.codes
    if len(codes) and int(codes.max()) >= 0xFF01:
        wide = (codes >= 0xFF01) & (codes <= 0xFF5E)
        codes = np.where(wide, codes - np.uint32(0xFEE0), codes)
    codes = np.where(codes == ord("x"), np.uint32(ord("X")), codes)
    return values.with_codes(codes).only(~is_one_of(codes, dropped))


def _ends_kept(text: pa.Array, values: Characters, fits: Flags, spec: MaskForm) -> Outcome:
    places = values.positions()
    last = np.repeat(values.lengths - spec.keep_last, values.lengths)
    shown = (places < spec.keep_first) | (places >= last)
    codes = np.where(shown, values.codes, np.uint32(ord(spec.character)))
    return _result(text, values.with_codes(codes), fits)


def _result(text: pa.Array, masked: Characters, fits: Flags) -> Outcome:
    empty = pc.equal(text, "")
    unhandled = pc.and_not(masked.spread(~fits), empty)
    return outcome(pc.if_else(empty, "", masked.column()), unhandled)


def _is_digit(codes: Codes) -> Flags:
    digits: Flags = (codes >= ord("0")) & (codes <= ord("9"))
    return digits


def _begins(heads: Codes, prefix: str) -> Flags:
    found = np.ones(len(heads), bool)
    for place, character in enumerate(prefix):
        found &= heads[:, place] == ord(character)
    return found


def _is_han(codes: Codes) -> Flags:
    """Unified ideographs with extensions A to I, compatibility ideographs, and 〇."""
    han: Flags = (codes >= 0x4E00) & (codes <= 0x9FFF)
    if not han.all():
        han |= (codes >= 0x3400) & (codes <= 0x4DBF)
        han |= (codes >= 0x20000) & (codes <= 0x323AF)
        han |= (codes >= 0xF900) & (codes <= 0xFAFF)
        han |= codes == 0x3007
    return han
