"""Names of columns: whole words, heads of compounds, owners. Each case once fooled somebody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.classify.naming import reader
from gateway.classify.pack import standard

READER = reader(standard())

HOLDS = {
    "xm": "PERSON", "hz_xm": "PERSON", "姓名": "PERSON", "联系人姓名": "PERSON",
    "fullName": "PERSON", "sfzh": "CN_RESIDENT_ID", "IDCard": "CN_RESIDENT_ID",
    "residentIdNo": "CN_RESIDENT_ID", "公民身份号码": "CN_RESIDENT_ID", "sjh": "CN_MOBILE",
    "联系人手机号": "CN_MOBILE", "phoneNumber": "CN_MOBILE", "phonenumber": "CN_MOBILE",
    "phone_1": "CN_MOBILE", "csrq": "BIRTH_DATE", "date_of_birth": "BIRTH_DATE", "xb": "SEX",
    "sexCode": "SEX", "性别代码": "SEX", "mz": "ETHNICITY", "jtzz": "ADDRESS", "dz": "ADDRESS",
    "yhkh": "CN_BANK_CARD", "sr": "INCOME", "salary-class": "INCOME", "marital-status":
    "MARITAL_STATUS", "native-country": "REGION", "workclass": "OCCUPATION", "age_group": "AGE",
    "诊断名称": "DIAGNOSIS", "e-mail": "EMAIL_ADDRESS", "EMAIL": "EMAIL_ADDRESS",
    "employer_uscc": "CN_USCC", "name_of_patient": "PERSON",
}  # fmt: skip

HOLDS_NOTHING = [
    "hotel", "hotels", "scenario_code", "email_verified", "emailverified", "is_married",
    "手机型号", "电话费", "phone_type", "carpet", "stage", "message", "discount", "titanic",
    "sexagesimal", "averages", "package", "manager_level2x", "性别歧视指数", "address_count",
    "passport_expired_flag", "zipper", "macro", "ipage", "ipsum", "mzzz",
]  # fmt: skip


@pytest.mark.parametrize(("name", "entity"), HOLDS.items())
def test_names_that_say_what_the_column_holds(name: str, entity: str) -> None:
    assert entity in READER.read(name).hits


@pytest.mark.parametrize("name", HOLDS_NOTHING)
def test_names_that_only_look_like_it(name: str) -> None:
    assert READER.read(name).hits == {}


def test_what_a_name_is_about_is_told_from_what_it_holds() -> None:
    reading = READER.read("email_verified")
    assert reading.about == {"EMAIL_ADDRESS"}
    assert reading.technical


@pytest.mark.parametrize(
    ("name", "subject"),
    [("product_name", "thing"), ("产品名称", "thing"), ("driverName", "person"), ("nom", "none")],
)
def test_whose_it_is(name: str, subject: str) -> None:
    assert READER.read(name).subject == subject


@pytest.mark.parametrize(
    ("name", "key"),
    [("household_id", "group"), ("hh", "group"), ("户号", "group"), ("客户编号", "person"),
     ("insured_no", "person"), ("order_no", None), ("id", None)],
)  # fmt: skip
def test_numbers_of_persons_and_groups(name: str, key: str | None) -> None:
    assert READER.read(name).key == key


@given(st.text(max_size=300))
def test_any_name_can_be_read(name: str) -> None:
    READER.read(name)


@given(st.sampled_from(sorted(HOLDS)), st.from_regex(r"[b-df-hj-np-tv-z]{4,8}", fullmatch=True))
def test_glued_letters_hide_a_word(name: str, letters: str) -> None:
    # No substring: `xm` is a name, `qwxmq` is nothing. Words of Chinese end by themselves.
    if name.isascii() and len(name) <= 4:
        assert READER.read(letters + name + letters).hits == {}


def test_every_character_of_the_words_can_be_read_aloud() -> None:
    """Without a reading, neither pinyin nor initials of a word would be known."""
    pack = standard()
    text = pack.names.model_dump_json()
    assert {c for c in text if "\u4e00" <= c <= "\u9fff"} == set(pack.readings)


@pytest.mark.parametrize(
    ("name", "entity"),
    [
        ("shenfenzhenghaoma", "CN_RESIDENT_ID"), ("nianshouru", "INCOME"),
        ("jiating_zhuzhi", "ADDRESS"), ("gatxzh", "CN_HK_MACAU_PERMIT"), ("ryxb", "SEX"),
        ("jhr_sjhm", "CN_MOBILE"), ("mzmc", "ETHNICITY"), ("acctBal", "ACCOUNT_BALANCE"),
        ("CUST_MOB_NO", "CN_MOBILE"), ("f_brth_dt", "BIRTH_DATE"), ("natlty", "REGION"),
    ],
)  # fmt: skip
def test_other_spellings_of_listed_words(name: str, entity: str) -> None:
    assert entity in READER.read(name).hits


@pytest.mark.parametrize("name", ["c1", "f_07", "字段3", "列7", "col_12", "field9", "x", "attr_3"])
def test_names_that_only_number_say_nothing(name: str) -> None:
    reading = READER.read(name)
    assert (reading.words, reading.subject, reading.technical) == ((), "none", False)


def test_a_word_nobody_knows_after_a_phrase_makes_it_less_sure_and_not_harmless() -> None:
    assert READER.read("income_qzx").hits == {"INCOME": "likely"}
    assert READER.read("income_qzx").about == frozenset()


@pytest.mark.parametrize("name", ["equipment_age", "eqp_age", "房龄", "设备年限"])
def test_a_technical_word_swallows_the_personal_one_inside(name: str) -> None:
    assert "AGE" not in READER.read(name).hits
    assert READER.read(name).technical
