"""Verdicts on whole tables: the registers, the traps, dirt, and what must never be told."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import testing
from gateway.classify.columns import classify, verdicts
from gateway.classify.pack import standard
from gateway.classify.verdict import Verdict
from gateway.execute.sampling import sample_batches
from gateway.model.catalog import Column
from gateway.model.evidence import Coverage, Declaration
from gateway.model.grades import Grade
from gateway.model.names import ColumnRole, Role
from gateway.model.schema import carried_type
from gateway.ports import SAMPLED_VALUES, ColumnSample

PACK = standard()
DIRECT, QUASI = ColumnRole.DIRECT_IDENTIFIER, ColumnRole.QUASI_IDENTIFIER
SENSITIVE, OTHER = ColumnRole.SENSITIVE, ColumnRole.OTHER
REGISTER = [
    ("PERSON", DIRECT), ("CN_RESIDENT_ID", DIRECT), ("CN_MOBILE", DIRECT),
    ("EMAIL_ADDRESS", DIRECT), ("ADDRESS", DIRECT), ("REGION", QUASI), ("SEX", QUASI),
    ("BIRTH_DATE", QUASI), ("ETHNICITY", QUASI), ("CN_BANK_CARD", DIRECT),
    ("INCOME", SENSITIVE), ("NONE", QUASI),
]  # fmt: skip
ADULT = Path(__file__).parents[4] / "shared" / "data" / "adult" / "adult.csv"


def samples(table: pa.Table) -> Iterator[ColumnSample]:
    """What a source of these rows would hand over; also of types that none could."""
    carried = [field.with_type(carried_type(field.type) or field.type) for field in table.schema]
    table = table.cast(pa.schema(carried))
    return sample_batches(table.to_batches(), table.schema, lambda _: None, SAMPLED_VALUES)


def of(table: pa.Table | None, names: Sequence[str] = ()) -> dict[str, Verdict]:
    if table is None:
        columns = [Column(name=name, type="string") for name in names]
    else:
        columns = [Column(name=field.name, type=str(field.type)) for field in table.schema]
    return {
        v.column: v for v in verdicts(None if table is None else samples(table), columns, pack=PACK)
    }


def one(values: Sequence[object], name: str = "c1", kind: pa.DataType | None = None) -> Verdict:
    return of(pa.table({name: pa.array(values, kind)}))[name]


@pytest.mark.parametrize("style", testing.STYLES)
def test_the_generated_register_reads_right(style: testing.Style) -> None:
    found = of(testing.residents(3000, 1, style=style))
    assert [(v.entity, v.role) for v in found.values()] == REGISTER
    assert min(v.confidence_percent for v in found.values()) >= 75


@pytest.mark.parametrize("style", testing.STYLES)
@pytest.mark.parametrize(
    "register", [testing.health_insurance, testing.employment, testing.household_register]
)
def test_the_other_registers_leave_nothing_unknown(register, style) -> None:  # type: ignore[no-untyped-def]
    found = of(register(2000, 1, style=style))
    assert all(v.entity for v in found.values())
    assert Grade.GENERAL_4 in {v.grade for v in found.values()}


def test_adult_reads_right() -> None:
    if not ADULT.exists():
        pytest.skip("the Adult data set is not there: see the README on test data")
    found = of(pcsv.read_csv(ADULT, parse_options=pcsv.ParseOptions(delimiter=";")))
    entities = "SEX AGE ETHNICITY MARITAL_STATUS EDUCATION REGION OCCUPATION OCCUPATION INCOME"
    assert [v.entity for v in found.values()] == entities.split()
    assert [v.role for v in found.values()] == [QUASI] * 8 + [SENSITIVE]


def test_names_alone_are_enough_but_weaker() -> None:
    table = testing.residents(3000, 1)
    with_values, without = of(table), of(None, table.column_names)
    assert [v.role for v in without.values()] == [v.role for v in with_values.values()]
    for name, verdict in without.items():
        assert verdict.confidence_percent < with_values[name].confidence_percent
        assert verdict.metadata_only


def test_values_alone_find_every_identifier_with_a_form() -> None:
    table = testing.residents(3000, 1)
    found = of(table.rename_columns([f"c{i}" for i in range(table.num_columns)]))
    entities = [v.entity for v in found.values()]
    assert entities[:5] == [entity for entity, _ in REGISTER[:5]]
    assert entities[9] == "CN_BANK_CARD"
    # A number that no name and no form explains stays unknown, and so counts as the highest.
    assert entities[10] is None
    assert found["c10"].grade is None


@pytest.mark.parametrize("position", [1, 2, 3, 9])
def test_dirty_values_are_still_recognised(position: int) -> None:
    clean = testing.residents(2000, 3).column(position).to_pylist()
    dirty = [
        None if v is None else "".join(chr(ord(c) + 0xFEE0) for c in v) if i % 4 == 0
        else f" {v[:6]} {v[6:]} " if i % 4 == 1 and position != 3
        else v.lower() if i % 4 == 2
        else "N/A" if i % 8 == 3
        else v
        for i, v in enumerate(clean)
    ]  # fmt: skip
    assert one(dirty).entity == REGISTER[position][0]


def test_fifteen_digit_numbers_and_numbers_kept_as_integers() -> None:
    ids = [v for v in testing.residents(4000, 1)["resident_id"].to_pylist() if v[17] != "X"]
    old = [v[:6] + v[8:17] for v in ids if v[6:8] == "19"]
    assert one(old).entity == "CN_RESIDENT_ID"
    assert one([int(v) for v in ids]).entity == "CN_RESIDENT_ID"
    phones = testing.residents(2000, 1)["phone"].drop_null().to_pylist()
    assert one([int(v) for v in phones], "lxdh").entity == "CN_MOBILE"


RNG = np.random.default_rng(7)
SERIALS_18 = [f"2024{n:014d}" for n in RNG.integers(0, 10**14, 2000)]
CARD_SHAPED = [f"62{n:014d}" for n in RNG.integers(0, 10**14, 2000)]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("order_no", CARD_SHAPED),
        ("c1", CARD_SHAPED),
        ("serial_number", SERIALS_18),
        ("c1", SERIALS_18),
        ("scenario_code", [f"SC{n:04d}" for n in range(2000)]),
        ("email_verified", [True, False] * 1000),
        ("email_verified", ["yes", "no"] * 1000),
        ("hotel", ["Grand", "Plaza", "Astoria", "Ritz"] * 500),
        ("product_name", ["电动牙刷", "蓝牙耳机", "高压锅", "不锈钢保温杯"] * 500),
        ("产品名称", ["电动牙刷", "蓝牙耳机", "高压锅", "不锈钢保温杯"] * 500),
        ("batch", [f"1{n:010d}" for n in RNG.integers(3 * 10**9, 10**10, 2000)]),
        ("name", ["电动牙刷", "蓝牙耳机", "不锈钢保温杯", "加湿器"] * 500),
        ("quantity", list(range(100)) * 20),
    ],
)
def test_traps_are_no_personal_identifiers(name: str, values: list[object]) -> None:
    assert one(values, name).entity in {None, "NONE"}


def test_dates_that_are_no_births_are_dates() -> None:
    days = np.arange("2015-01-01", "2024-01-01", dtype="datetime64[D]")
    assert one(list(days.astype(object)), "c1", pa.date32()).entity == "DATE"
    assert one([str(d) for d in days], "入职日期").entity == "DATE"


def test_a_flag_about_a_sensitive_thing_is_not_that_thing_but_not_public_either() -> None:
    table = testing.residents(500, 1).append_column("email_verified", pa.array([True] * 500))
    verdict = of(table)["email_verified"]
    assert (verdict.entity, verdict.grade) == ("NONE", Grade.GENERAL_2)


def test_conflicting_evidence_is_shown_and_takes_the_higher_grade() -> None:
    ids = testing.residents(500, 1)["resident_id"].to_pylist()
    verdict = one(ids, "phone_number")
    assert verdict.entity == "CN_RESIDENT_ID"
    assert verdict.grade == Grade.GENERAL_4
    assert any(e.entity == "CN_MOBILE" and e.weight < 0 for e in verdict.evidence)


def test_a_rival_that_lost_still_raises_the_grade() -> None:
    table = testing.residents(2000, 1)
    cards = table["bank_card"].drop_null().to_pylist()[:400]
    verdict = one(table["email"].drop_null().to_pylist()[:600] + cards, "email")
    assert (verdict.entity, verdict.grade) == ("EMAIL_ADDRESS", Grade.GENERAL_4)


def test_half_of_the_values_passing_a_check_digit_is_no_accident() -> None:
    ids = testing.residents(500, 1)["resident_id"].to_pylist()
    assert one(ids + ["unknown"] * 500).confidence_percent >= 90


def test_a_telephone_in_a_remark_is_seen_under_a_technical_name() -> None:
    assert one([f"已电话联系1380013{n:04d}，无人接" for n in range(200)], "status").grade is None


def test_free_text_with_identifiers_in_it_is_unknown_and_says_so() -> None:
    texts = [f"来访人反映问题，联系电话：1380013{n:04d}，请尽快回复处理。" for n in range(200)]
    verdict = one(texts, "c1")
    assert verdict.grade is None
    assert any("Chinese mobile number" in e.detail for e in verdict.evidence)
    assert any("手机号码" in e.detail_zh for e in verdict.evidence)
    assert one(texts, "备注").grade is None


def test_household_numbers_shaped_like_travel_permits_follow_their_name() -> None:
    table = testing.residents(500, 1)
    assert of(table)["household_id"].entity == "NONE"
    assert of(table)["household_id"].role == QUASI


@pytest.mark.parametrize(
    ("entity", "element", "kept"),
    [
        ("REGION", "district", None),
        ("CN_MOBILE", "mobile_phone", "mobile_phone"),
        ("NONE", "mobile_phone", "mobile_phone"),
    ],
)
def test_a_column_loses_the_element_that_it_no_longer_is(
    entity: str, element: str, kept: str | None
) -> None:
    phones = testing.residents(300, 1)
    column = Column(
        name="phone", type="string", element=element, entity=entity, grade=Grade.GENERAL_2, role=QUASI
    )  # fmt: skip
    (found,) = classify(samples(phones), [column], pack=PACK)
    assert found.element == kept
    assert found.entity == "CN_MOBILE"


def test_the_rules_answer_for_themselves_whatever_a_person_said() -> None:
    table = testing.residents(100, 1)
    declared = Column(
        name="phone", type="string", entity="NONE", grade=Grade.GENERAL_1, role=OTHER,
        declaration=Declaration(
            party="parties/officer", role=Role.OFFICER, at=datetime(2026, 1, 1, tzinfo=UTC)
        ),
    )  # fmt: skip
    bare = Column(name="phone", type="string")
    assert classify(samples(table), [declared], pack=PACK) == classify(
        samples(table), [bare], pack=PACK
    )


def test_the_element_is_proposed_and_the_rules_are_named() -> None:
    verdict = of(testing.residents(100, 1))["phone"]
    assert verdict.element == PACK.elements["CN_MOBILE"]
    assert (verdict.pack_version, verdict.pack_sha256) == (PACK.version, PACK.sha256)
    assert PACK.sha256[:12] in verdict.rules


def test_an_element_of_the_very_name_is_proposed_before_the_usual_one() -> None:
    found = of(None, ["xm", "月薪", "household_id", "diagnosis_code"])
    assert [v.element for v in found.values()] == [
        "name", "monthly_salary", "household_id", "diagnosis_code",
    ]  # fmt: skip


def test_money_and_measures_are_sensitive_only_where_persons_are() -> None:
    spent = of(testing.health_insurance(500, 1))["cost"]
    assert (spent.entity, spent.role, spent.grade) == ("NONE", SENSITIVE, Grade.GENERAL_4)
    goods = of(None, ["product_name", "cost", "weight"])
    assert {v.grade for v in goods.values()} == {Grade.GENERAL_1}


def test_same_table_same_verdicts() -> None:
    table = testing.residents(30_000, 5)
    assert of(table) == of(pa.Table.from_batches(table.to_batches(max_chunksize=777)))


def test_ten_thousand_columns_each_get_a_verdict() -> None:
    names = [f"{style}_{i}" for i in range(2000) for style in ("xm", "c", "订单号", "email", "qty")]
    values = pa.array(["a", "b", None])
    found = of(pa.table([values] * len(names), names=names))
    assert len(found) == 10_000
    assert {found[n].entity for n in ("xm_0", "xm_1999", "订单号_7")} == {"PERSON", "NONE"}
    assert found["c_5"].grade is None


CANARY = "zqcanaryzq"


@pytest.mark.parametrize("name", ["c1", "姓名", "sfzh", "备注", "income", "email", "order_no"])
def test_no_value_is_ever_told(name: str) -> None:
    values = [f"{CANARY}{i}" for i in range(30)] + [f"{CANARY}{i}@example.com" for i in range(30)]
    verdict = one(values, name)
    assert CANARY not in verdict.model_dump_json().lower()
    assert CANARY not in repr(verdict).lower()


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(pa.array([], pa.string()), id="empty"),
        pytest.param(pa.array([None] * 9, pa.string()), id="all null"),
        pytest.param(pa.nulls(9), id="null type"),
        pytest.param(pa.array([b"\xff\x00"] * 9), id="binary"),
        pytest.param(pa.array([[1], [2]]), id="nested"),
        pytest.param(pa.array([{"a": 1}] * 3), id="struct"),
        pytest.param(pa.array([[("a", 1)]] * 3, pa.map_(pa.string(), pa.int64())), id="map"),
        pytest.param(pa.array([["x"], None], pa.large_list(pa.string())), id="large list"),
        pytest.param(pa.array(["姓名abc123", "имя٣", "שם\u200fx"] * 9), id="mixed scripts"),
        pytest.param(pa.array(["x"]), id="one row"),
        pytest.param(pa.array(["N/A", "无", "-", ""] * 9), id="nothing but words for nothing"),
        pytest.param(pa.array(["x" * 10_000_000, "y"]), id="cell of ten million characters"),
        pytest.param(pa.array([b"\xd0\xd5\xc3\xfb"] * 30).view(pa.string()), id="GB18030 as UTF-8"),
        pytest.param(pa.array(["\u202e\u200f\u0000"] * 30), id="right-to-left marks"),
        pytest.param(pa.array(["." * 4000 + "@"] * 3), id="4,000 dots"),
        pytest.param(pa.array([1.5, float("nan"), float("inf")]), id="not a number"),
    ],
)
def test_bad_input_is_unknown_and_never_a_crash(column: pa.Array) -> None:
    verdict = of(pa.table({"c1": column}))["c1"]
    assert verdict.grade is None
    assert verdict.evidence


def test_a_bad_column_does_not_weaken_what_its_name_says() -> None:
    for column in (pa.nulls(9), pa.array([b"\xff"] * 9), pa.array([], pa.string())):
        assert of(pa.table({"身份证号": column}))["身份证号"].grade == Grade.GENERAL_4


def test_a_name_overrules_values_that_were_masked() -> None:
    assert one(["138****0000", "139****1111"] * 50, "手机号").entity == "CN_MOBILE"


def test_a_sliced_and_a_dictionary_encoded_column_are_read() -> None:
    table = testing.residents(500, 1)
    assert of(table.slice(17, 300))["resident_id"].entity == "CN_RESIDENT_ID"
    for kind in (pa.dictionary(pa.int32(), pa.string()), pa.large_string(), pa.string_view()):
        encoded = pa.table({"c1": table["sex"].combine_chunks().cast(kind)})
        assert of(encoded)["c1"].entity == "SEX"


@pytest.mark.parametrize(
    ("description", "entity"),
    [
        ("手机号", "CN_MOBILE"),
        ("手机号码，登录时使用", "CN_MOBILE"),
        ("Date of birth (as declared)", "BIRTH_DATE"),
        ("状态；由手机号生成", None),
        ("", None),
    ],
)
def test_the_description_speaks_where_the_name_does_not(
    description: str, entity: str | None
) -> None:
    column = Column(name="f17", type="string", description=description)
    (verdict,) = verdicts(None, [column], pack=PACK)
    assert verdict.entity == entity


@settings(max_examples=30)
@given(
    st.lists(
        st.one_of(st.none(), st.text(max_size=30), st.from_regex(r"[0-9X]{0,20}", fullmatch=True)),
        max_size=40,
    ),
    st.text(min_size=1, max_size=20),
)
def test_any_text_column_gets_a_verdict(values: list[str | None], name: str) -> None:
    verdict = of(pa.table({name: pa.array(values, pa.string())}))[name]
    assert (verdict.entity is None) == (verdict.grade is None)


@settings(max_examples=30)
@given(st.lists(st.sampled_from(testing.residents(1, 0).column_names), unique=True, min_size=1))
def test_more_columns_never_lower_a_grade(names: list[str]) -> None:
    for more in (["order_no"], ["order_no", "身份证号"]):
        less = of(None, ["quantity", *names])
        extended = of(None, ["quantity", *names, *more])
        for name, verdict in less.items():
            # Unknown, which counts as the highest, may become known; known never becomes lower.
            after = extended[name].grade or Grade.CORE
            assert verdict.grade is None or after.at_least(verdict.grade)


REGISTER_IDS = testing.residents(2000, 5).column("resident_id").to_pylist()
PHONES = [
    int(number) for number in testing.residents(2000, 5).column("phone").drop_null().to_pylist()
]


def among(hidden: Sequence[object], others: str) -> list[str]:
    """One value in ten is hidden among others."""
    return [str(v) if i % 10 == 0 else others.format(i) for i, v in enumerate(hidden)]


@pytest.mark.parametrize("name", ["status", "product", "order_no", "weight", "created_by"])
@pytest.mark.parametrize(
    ("values", "kind"),
    [
        pytest.param(among(REGISTER_IDS, "OK"), None, id="a few identity numbers"),
        pytest.param(among(REGISTER_IDS, "A{:06d}"), None, id="a few among codes"),
        pytest.param(among(PHONES, "OK"), None, id="a few telephone numbers"),
        pytest.param(PHONES, pa.float64(), id="telephones as reals"),
        pytest.param([v.encode() for v in REGISTER_IDS], None, id="texts as bytes"),
        pytest.param([b"\xff" + v.encode() for v in REGISTER_IDS], None, id="bytes of no text"),
        pytest.param([f"ID{v}" for v in REGISTER_IDS], None, id="behind letters"),
        pytest.param([f"user_{v}" for v in REGISTER_IDS], None, id="behind an underscore"),
        pytest.param([None] * 2000, pa.string(), id="nothing but nulls"),
    ],
)
def test_a_harmless_name_hides_no_identifiers(
    name: str, values: list[object], kind: pa.DataType | None
) -> None:
    """What the name says was enough to call all of these harmless, and so released as they are."""
    verdict = one(values, name, kind)
    assert verdict.entity != "NONE"
    assert verdict.grade in {None, Grade.GENERAL_3, Grade.GENERAL_4}


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([f"{i:018d}" for i in range(0, 10**15, 10**12 // 2)], id="long numbers"),
        pytest.param([f"110000{20200101 + i % 28}{i:04d}" for i in range(2000)], id="with a date"),
        pytest.param([float(i) for i in range(2000)], id="whole reals"),
    ],
)
def test_numbers_of_orders_pass_checks_by_chance_only(values: list[object]) -> None:
    assert one(values, "order_no").entity == "NONE"


@pytest.mark.parametrize("stopped", [True, False])
def test_a_verdict_tells_that_the_search_for_values_was_stopped(stopped):
    coverage = Coverage(rows=9, present=2, sampled=2, stopped=stopped)
    drawn = ColumnSample("late", pa.array(["x", "y"]), coverage)
    columns = [Column(name=name, type="string") for name in ("early", "late")]
    early, late = classify([drawn], columns, pack=PACK)
    assert (early.coverage.stopped, late.coverage.stopped) == (False, stopped)
