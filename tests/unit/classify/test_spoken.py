"""A harmless name over values that are not: no verdict milder than a direct identifier stands.

Each case was NONE or a quasi-identifier, at 99 %, before the values were asked.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import testing
from gateway.classify.columns import verdicts
from gateway.classify.folding import fold
from gateway.classify.pack import standard
from gateway.classify.verdict import Verdict
from gateway.execute.sampling import sample_batches
from gateway.model.catalog import Column
from gateway.model.names import ColumnRole
from gateway.ports import SAMPLED_VALUES, ColumnSample

PACK = standard()
DIRECT = ColumnRole.DIRECT_IDENTIFIER
PEOPLE = testing.residents(4000, 5)
RANDOM = Random(5)
Maker = Callable[[], str]


def samples(table: pa.Table) -> Iterator[ColumnSample]:
    """What a source of these rows would hand over."""
    return sample_batches(table.to_batches(), table.schema, lambda _: None, SAMPLED_VALUES)


def digits(count: int) -> str:
    return "".join(RANDOM.choice("0123456789") for _ in range(count))


def passing(start: str, length: int) -> str:
    """A number that passes the check of ISO/IEC 7812-1."""
    body = start + digits(length - len(start) - 1)
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return f"{body}{-total % 10}"


def one_of(column: str) -> str:
    values = PEOPLE[column].drop_null()
    return str(values[RANDOM.randrange(len(values))])


mobile, resident, person = (partial(one_of, name) for name in ("phone", "resident_id", "name"))


def latin() -> str:
    last = RANDOM.choice("BCDFG") + RANDOM.choice(["ason", "iller", "mith", "rown", "ardner"])
    return f"{RANDOM.choice(['John', 'Mary', 'Ann', 'Peter', 'Olga'])} {last}"


IDENTIFIERS: dict[str, Maker] = {
    "mobile": mobile,
    "landline": lambda: f"010-6{digits(7)}",
    "passport": lambda: f"E{digits(8)}",
    "email": lambda: f"u{digits(5)}@example.com",
    "plate": lambda: f"京A{digits(5)}",
    "social security": lambda: f"{RANDOM.randint(100, 699)}-{digits(2)}-{digits(4)}",
    "resident": resident,
    "card": lambda: passing("6222", 19),
    "network card": lambda: ":".join(f"{RANDOM.randrange(256):02x}" for _ in range(6)),
    "address": lambda: f"北京市海淀区中关村大街{digits(2)}号",
}


def on(values: Sequence[object], name: str, description: str = "", **beside: object) -> Verdict:
    table = pa.table({name: values, **beside})
    columns = [
        Column(name=f.name, type=str(f.type), description=description if f.name == name else "")
        for f in table.schema
    ]
    return verdicts(samples(table), columns, pack=PACK)[0]


def mixed(count: int, share: float, some: Maker, others: Maker) -> list[str]:
    few = max(2, round(count * share))
    values = [some() for _ in range(few)] + [others() for _ in range(count - few)]
    RANDOM.shuffle(values)
    return values


def held(verdict: Verdict) -> bool:
    """Unknown, or a direct identifier: nothing leaves by a rule for something milder."""
    return verdict.role in (None, DIRECT)


@pytest.mark.parametrize("name", ["order_no", "status"])
@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("count", [60, 400, 4000])
@pytest.mark.parametrize("kind", IDENTIFIERS)
def test_a_few_identifiers_under_a_technical_name(
    kind: str, count: int, share: float, name: str
) -> None:
    verdict = on(mixed(count, share, IDENTIFIERS[kind], lambda: f"ORD{digits(10)}"), name)
    assert verdict.entity is None
    assert verdict.confidence_percent == 0


WORDS = {"sex": "男女", "性别": "男女", "city": ["北京", "上海"], "occupation": ["教师", "医生"]}


@pytest.mark.parametrize("share", [0.05, 0.2, 1.0])
@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("kind", IDENTIFIERS)
def test_identifiers_under_the_name_of_a_quasi_identifier(
    kind: str, name: str, share: float
) -> None:
    others = WORDS[name]
    assert held(on(mixed(800, share, IDENTIFIERS[kind], lambda: RANDOM.choice(others)), name))


@pytest.mark.parametrize("name", [*WORDS, "age", "办理日期", "industry"])
@pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
def test_names_of_persons_under_the_name_of_a_quasi_identifier(name: str, share: float) -> None:
    plain = {"age": ["33", "47"], "办理日期": ["2020-01-01", "2021-05-06"]}
    others = plain.get(name, WORDS.get(name, ["制造业", "教育"]))
    assert held(on(mixed(1000, share, person, lambda: RANDOM.choice(others)), name))


@pytest.mark.parametrize("name", ["city", "地区", "occupation", "sex"])
def test_identifiers_beside_words(name: str) -> None:
    assert held(on([f"海淀区 {person()} {mobile()}" for _ in range(500)], name))


@pytest.mark.parametrize("name", ["status", "department", "product_name", "score", "order_no"])
@pytest.mark.parametrize("some", [person, latin], ids=["chinese", "latin"])
@pytest.mark.parametrize("share", [0.3, 0.5, 1.0])
def test_names_of_persons_under_a_technical_name(name: str, some: Maker, share: float) -> None:
    assert held(on(mixed(1000, share, some, lambda: "正常"), name))


SCRIPTS = {
    "arabic": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"),
    "devanagari": str.maketrans("0123456789", "०१२३४५६७८९"),
    "chinese": str.maketrans("0123456789", "零一二三四五六七八九"),
}


def written(value: str, otherwise: Callable[[str], str]) -> str:
    return otherwise(value)


DISGUISES: dict[str, Maker] = {
    "letter before": lambda: f"T{mobile()}",
    "letter behind": lambda: f"{mobile()}A",
    "two of them": lambda: mobile() + mobile(),
    "dots": lambda: written(mobile(), lambda m: f"{m[:3]}.{m[3:7]}.{m[7:]}"),
    "underscores": lambda: written(mobile(), lambda m: f"{m[:3]}_{m[3:7]}_{m[7:]}"),
    "parentheses": lambda: written(mobile(), lambda m: f"({m[:3]}){m[3:]}"),
    "three and five": lambda: written(mobile(), lambda m: f"{m[:3]} {m[3:6]} {m[6:]}"),
    "soft hyphen": lambda: written(mobile(), lambda m: f"{m[:3]}\u00ad{m[3:]}"),
    "as a real": lambda: f"{mobile()}.0",
    "half hidden": lambda: written(mobile(), lambda m: f"{m[:3]}****{m[7:]}"),
    "seventeen digits": lambda: resident()[:17],
    "serial hidden": lambda: f"{resident()[:14]}****",
    "birth hidden": lambda: written(resident(), lambda r: f"{r[:6]}********{r[14:]}"),
    "two residents": lambda: resident() + resident(),
    "at as a word": lambda: f"u{digits(5)} at example dot com",
    "a flat": lambda: f"幸福里{digits(2)}幢{digits(3)}",
    "permit": lambda: f"H{digits(8)}",
    "wechat": lambda: f"wxid_{digits(8)}",
    **{s: (lambda table=table: mobile().translate(table)) for s, table in SCRIPTS.items()},  # type: ignore[misc]
}


@pytest.mark.parametrize("share", [0.3, 1.0])
@pytest.mark.parametrize("kind", DISGUISES)
def test_an_identifier_that_is_written_otherwise(kind: str, share: float) -> None:
    values = mixed(600, share, DISGUISES[kind], lambda: f"ORD{digits(7)}")
    assert held(on(values, "order_no"))
    assert held(on(values, "city"))


def test_digits_of_every_script_are_digits() -> None:
    given = [
        "١٣٨",
        "१३८",
        "１３８",
        "一三八一二三四五六七八",
        "一月",
        "1.5",
        "192.168.1.10",
        "18234567.8",
    ]
    assert fold(pa.array(given)).to_pylist() == [
        "138", "138", "138", "13812345678", "一月", "1.5", "192.168.1.10", "18234567.8",
    ]  # fmt: skip


@pytest.mark.parametrize(("share", "count"), [(0.1, 100), (0.1, 400), (0.05, 2000), (0.02, 20_000)])
def test_cards_among_numbers_of_their_form(share: float, count: int) -> None:
    values = mixed(count, share, IDENTIFIERS["card"], lambda: f"62{digits(17)}")
    assert on(values, "order_no").entity is None
    assert held(on([IDENTIFIERS["card"]() for _ in range(count)], "order_no"))


def test_numbers_of_orders_that_pass_by_chance_stay_harmless() -> None:
    """One column in a hundred is held back by chance, no more."""
    draw = Random(7)
    held_back = 0
    for count in [400] * 30 + [4000] * 10:
        orders = [f"62{draw.randrange(10**15):015d}" for _ in range(count)]
        serials = [f"1{draw.randrange(3 * 10**9, 10**10):010d}" for _ in range(count)]
        dated = [
            f"{draw.randrange(110_000, 659_000)}2024{draw.randrange(1, 13):02d}15{n % 10_000:04d}"
            for n in range(count)
        ]
        found = [on(values, "order_no").entity for values in (orders, serials, dated)]
        assert set(found) <= {"NONE", None}
        held_back += found.count(None)
        assert on(orders * 5, "order_no").entity == found[0]
    assert held_back <= 4


def test_telephones_among_serials_that_begin_as_they_do() -> None:
    def dated() -> str:
        return f"14{RANDOM.randint(1, 12):02d}{RANDOM.randint(1, 28):02d}{digits(5)}"

    for share in (0.01, 0.1, 0.8):
        assert on(mixed(1000, share, mobile, dated), "order_no").entity is None
    assert on([dated() for _ in range(1000)], "order_no").entity != "CN_MOBILE"
    serials = mixed(4000, 0.3, mobile, lambda: f"1{RANDOM.randint(3, 9)}{digits(9)}")
    assert on(serials, "order_no").entity is None


@pytest.mark.parametrize("description", ["性别", "城市", "所属地区", "办理日期", "职业", "年龄"])
@pytest.mark.parametrize("kind", ["mobile", "resident", "passport", "person", "diagnosis"])
def test_a_description_never_makes_values_milder(description: str, kind: str) -> None:
    diseases = ["高血压", "2型糖尿病", "冠心病", "慢性胃炎", "肺癌", "支气管哮喘"]
    some = {"person": person, "diagnosis": lambda: RANDOM.choice(diseases), **IDENTIFIERS}[kind]
    values = [some() for _ in range(500)]
    plain, told = on(values, "c7"), on(values, "c7", description)
    assert told.entity in (None, plain.entity)
    if told.entity is not None:
        assert (told.role, told.grade) == (plain.role, plain.grade)


def test_a_description_no_value_contradicts_still_speaks() -> None:
    assert on(["男", "女"] * 300, "c7", "性别").entity == "SEX"
    assert on(["1", "2"] * 300, "c7", "性别").entity == "SEX"


def test_a_description_milder_than_the_name_leaves_the_column_unknown() -> None:
    assert held(on([f"x{digits(3)}" for _ in range(300)], "姓名", "性别"))


# Unknown is strictest, and may be settled as a direct identifier by what stands beside it.
STRICT = {None: 2, DIRECT: 2, ColumnRole.SENSITIVE: 1, ColumnRole.QUASI_IDENTIFIER: 1}


def strictness(verdict: Verdict) -> tuple[int, int]:
    grade = 9 if verdict.grade is None else verdict.grade.rank  # unknown is above all
    return STRICT.get(verdict.role, 0), grade


NAMES = [
    "order_no",
    "status",
    "product_name",
    "team",
    "city",
    "地区",
    "办理日期",
    "url",
    "c1",
    "name",
]
KINDS = {
    **IDENTIFIERS,
    "person": person,
    "latin": latin,
    "code": lambda: f"B{digits(9)}",
    "word": lambda: RANDOM.choice(["正常", "异常", "已完成"]),
    "region": lambda: RANDOM.choice(["海淀区", "朝阳区", "浦东新区"]),
    "day": lambda: f"20{RANDOM.randint(10, 24)}-0{RANDOM.randint(1, 9)}-15",
}
columns = st.tuples(
    st.sampled_from(NAMES), st.sampled_from(sorted(KINDS)), st.integers(10, 200), st.integers(0, 99)
)


def drawn(kind: str, different: int, seed: int) -> list[str]:
    RANDOM.seed(seed)
    pool = [KINDS[kind]() for _ in range(different)]
    return [RANDOM.choice(pool) for _ in range(200)]


@settings(max_examples=120, deadline=None)
@given(columns, st.integers(2, 20))
def test_more_rows_of_the_same_never_make_a_verdict_milder(
    column: tuple[str, str, int, int], times: int
) -> None:
    name, kind, different, seed = column
    values = drawn(kind, different, seed)
    assert strictness(on(values * times, name)) >= strictness(on(values, name))


@settings(max_examples=120, deadline=None)
@given(columns, st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4, unique=True))
def test_columns_beside_it_never_make_a_verdict_milder(
    column: tuple[str, str, int, int], beside: list[str]
) -> None:
    name, kind, different, seed = column
    values = drawn(kind, different, seed)
    others = {f"neighbour_{k}": drawn(k, 200, seed + 1) for k in beside}
    alone, among = on(values, name), on(values, name, **others)
    assert strictness(among)[0] >= strictness(alone)[0]


def test_a_few_staff_in_many_rows_stay_persons() -> None:
    staff = sorted({person() for _ in range(150)})
    beside = {"mobile": mobile, "sfzh": resident}
    for name in ("team", "product_name", "review_status"):
        for rows in (1000, 4000, 20_000):
            values = [RANDOM.choice(staff) for _ in range(rows)]
            others = {n: [make() for _ in range(rows)] for n, make in beside.items()}
            assert held(on(values, name))
            assert held(on(values, name, **others))


def test_no_harmless_verdict_is_surer_than_its_values() -> None:
    """Eight digits may be a permit or an account: only the name says that they are none."""
    assert on([digits(8) for _ in range(500)], "order_no").confidence_percent <= 90
    assert on([f"SC-{n:04d}" for n in range(500)], "scenario_code").confidence_percent <= 99
