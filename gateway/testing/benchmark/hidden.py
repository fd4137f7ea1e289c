"""Columns whose name is harmless and whose values, some or all, identify persons.

A table that lets one of these pass as harmless gives people away, so there are two right answers:
unknown, or a direct identifier of any sort. Beside them stand the same columns with no identifier
in them, which tell what such care costs. No value is spoilt: the shares are exact.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

import pyarrow as pa

from gateway.testing.benchmark import circumstances as c
from gateway.testing.benchmark import devices as d
from gateway.testing.benchmark import identity as i
from gateway.testing.benchmark import traps as t
from gateway.testing.benchmark.draw import Draw
from gateway.testing.benchmark.split import Split
from gateway.testing.draws import Purpose, Stream

Hiding = Literal["clean", "minority", "every value", "repeated", "written otherwise"]
HIDING: tuple[Hiding, ...] = get_args(Hiding)

PER_CENT = (1, 3, 10, 20)
ROWS = (200, 2_000, 20_000)

Maker = Callable[[Draw], Sequence[object] | pa.Array]


@dataclass(frozen=True, slots=True)
class Carrier:
    """A harmless sort of column: names that say what it is, and values that fit."""

    names: tuple[str, ...]
    make: Maker


@dataclass(frozen=True, slots=True)
class HiddenColumn:
    """One column. `carrier`, `identifier`: keys of CARRIERS and IDENTIFIERS; no identifier in a
    clean one. `per_cent`: the share of the values that are identifiers."""

    name: str
    hiding: Hiding
    carrier: str
    identifier: str
    per_cent: int
    rows: int
    values: pa.Array


def _words(*choices: str) -> Maker:
    return lambda draw: draw.among(choices)


def _short_texts(draw: Draw) -> list[str]:
    """What an office notes in a few words; half with a number of days."""
    noted = draw.among(
        "已回复 无异议 材料齐全 已电话告知 待补充 转相关部门 情况属实 不予受理 已办结 约定再访".split()
    )
    days, with_days = draw.number(1, 30), draw.chance(500)
    return [
        f"{n}，{k}天内" if also else n for n, k, also in zip(noted, days, with_days, strict=True)
    ]


def _order_codes(draw: Draw) -> list[str]:
    return [f"ORD{n}" for n in draw.digits(10)]


def _batch_codes(draw: Draw) -> list[str]:
    parts = zip(i.days(draw, 2021, 2025), draw.number(1, 60), strict=True)
    return [f"B{day}-{n:02d}" for day, n in parts]


def _batch_days(draw: Draw) -> list[str]:
    """The day and a serial: eleven digits as a telephone has, but no telephone begins so."""
    parts = zip(i.days(draw, 2022, 2025), draw.number(0, 999), strict=True)
    return [f"{day}{n:03d}" for day, n in parts]


CARRIERS: Mapping[str, Carrier] = {
    "status": Carrier(("status", "状态", "order_state", "zt"), t.statuses),
    "order number": Carrier(("order_no", "订单编号", "ddbh"), _order_codes),
    "order number, digits": Carrier(("order_no", "订单号", "trade_no"), t.orders),
    "batch": Carrier(("批次号", "batch_no", "pch"), _batch_codes),
    "batch, digits": Carrier(("批次号", "lot_number", "scph"), _batch_days),
    "city": Carrier(("city", "所在地区", "district"), c.regions),
    "sex": Carrier(("性别", "sex", "gender", "xb"), c.sexes),
    "occupation": Carrier(("occupation", "职业", "zhiye"), c.occupations),
    "age": Carrier(("年龄", "age"), lambda draw: [str(n) for n in draw.number(0, 97)]),
    "short text": Carrier(("处理结果", "feedback_result", "办理情况"), _short_texts),
    "product": Carrier(("product_name", "商品名称", "spmc"), t.products),
    "department": Carrier(("department", "所属部门", "dept_name"), t.departments),
    "industry": Carrier(
        ("industry", "所属行业", "hymc"),
        _words(
            "制造业", "批发零售业", "建筑业", "住宿餐饮业", "教育", "金融业", "农林牧渔业", "软件业"
        ),
    ),
    "yes or no": Carrier(("is_active", "是否有效", "sfyx"), _words("Y", "N")),
}

IDENTIFIERS: Mapping[str, Maker] = {
    "mobile": i.mobiles,
    "landline": i.landlines,
    "e-mail": i.emails,
    "resident number": i.resident_ids,
    "bank card": i.bank_cards,
    "name": i.person_names,
    "Latin name": i.latin_names,
    "plate": d.plates,
    "passport": i.passports,
    "Hong Kong permit": i.hk_permits,
    "SSN": i.ssns,
    "address": i.addresses,
    "WeChat": i.wechats,
}

_MINORITY = "mobile|e-mail|resident number|bank card|name|plate|passport".split("|")
_WITHIN = """status|order number|order number, digits|batch|batch, digits|city|sex|occupation|
short text|product|department""".replace("\n", "").split("|")
# One in ten of those order numbers is a valid card number by chance.
_NOBODY_CAN_TELL = {("order number, digits", "bank card")}
_REPEATED_WITHIN = "status|product|department|city|short text".split("|")
_REPEATED = "mobile|name|e-mail|resident number|Latin name".split("|")
_DISTINCT = 40  # identifiers in a column that repeats them
_CLEAN = 5  # columns without an identifier for each carrier and length

_ARABIC, _DEVANAGARI = "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९"
_CHINESE, _FINANCIAL = "零一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖"


def _digits_as(script: str) -> Callable[[str], str]:
    table = str.maketrans("0123456789", script)
    return lambda text: text.translate(table)


def _cut(mark: str) -> Callable[[str], str]:
    return lambda text: f"{text[:3]}{mark}{text[3:7]}{mark}{text[7:]}"


_WRITINGS: Mapping[str, Callable[[str], str]] = {
    "Arabic-Indic digits": _digits_as(_ARABIC),
    "Devanagari digits": _digits_as(_DEVANAGARI),
    "Chinese digits": _digits_as(_CHINESE),
    "financial digits": _digits_as(_FINANCIAL),
    "full-width digits": _digits_as("０１２３４５６７８９"),
    "soft hyphens": _cut("\u00ad"),
    "zero-width spaces": _cut("\u200b"),
    "dots": _cut("."),
    "underscores": _cut("_"),
    "brackets": lambda text: f"({text[:3]}){text[3:7]}-{text[7:]}",
    "a letter in front": lambda text: f"T{text}",
    "a letter behind": lambda text: f"{text}A",
    "a label in front": lambda text: f"电话:{text}",
    "twice": lambda text: text + text,
}
"""How a number is written so that its usual form is gone and a reader still knows it."""

_WRITTEN = ("mobile", "resident number")
_WRITTEN_WITHIN = ("status", "order number", "batch", "department")


def hidden(
    seed: int, *, split: Split = "fresh", rows: Sequence[int] = ROWS
) -> Iterator[HiddenColumn]:
    """Yield the columns of one seed, each made when it is asked for.

    split: which words the values are made of. rows: how long each column is made, in turn.
    """
    for number, (hiding, carrier, identifier, per_cent, length) in enumerate(_plans(rows)):
        draw = Draw(Stream(seed, Purpose.HIDDEN, block=number), length, split)
        names = CARRIERS[carrier].names
        yield HiddenColumn(
            name=names[draw.once(len(names))],
            hiding=hiding,
            carrier=carrier,
            identifier=identifier,
            per_cent=per_cent,
            rows=length,
            values=pa.array(_values(draw, hiding, carrier, identifier, per_cent), pa.string()),
        )


_Planned = tuple[Hiding, str, str, int, int]


def _plans(rows: Sequence[int]) -> Iterator[_Planned]:
    for length in rows:
        for carrier in CARRIERS:
            for _ in range(_CLEAN):
                yield "clean", carrier, "", 0, length
            yield from (("every value", carrier, one, 100, length) for one in IDENTIFIERS)
        for per_cent in PER_CENT:
            for carrier, one in product(_WITHIN, _MINORITY):
                if (carrier, one) not in _NOBODY_CAN_TELL:
                    yield "minority", carrier, one, per_cent, length
        for per_cent in (10, 100):
            for carrier, one in product(_REPEATED_WITHIN, _REPEATED):
                yield "repeated", carrier, one, per_cent, length
            for carrier, writing, one in product(_WRITTEN_WITHIN, _WRITINGS, _WRITTEN):
                yield "written otherwise", carrier, f"{one}, {writing}", per_cent, length


def _values(draw: Draw, hiding: Hiding, carrier: str, identifier: str, per_cent: int) -> list[str]:
    values = [str(value) for value in CARRIERS[carrier].make(draw)]
    if hiding == "clean":
        return values
    made = _identifiers(draw, hiding, identifier)
    for place in _places(draw, per_cent):
        values[place] = made[place]
    return values


def _identifiers(draw: Draw, hiding: Hiding, identifier: str) -> list[str]:
    kind, _, writing = identifier.partition(", ")
    few = Draw(draw.stream, min(draw.rows, _DISTINCT), draw.split)
    made = [str(value) for value in IDENTIFIERS[kind](few if hiding == "repeated" else draw)]
    if hiding == "repeated":
        return draw.among(made)
    return [_WRITINGS[writing](value) for value in made] if writing else made


def _places(draw: Draw, per_cent: int) -> list[int]:
    """Exactly so many rows of a hundred, anywhere in the column."""
    order = sorted(range(draw.rows), key=draw.number(0, 2**31 - 2).__getitem__)
    return order[: draw.rows * per_cent // 100]
