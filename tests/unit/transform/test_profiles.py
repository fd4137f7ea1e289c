"""Profiles: results pass independent validators, decrypt exactly, and keep what they say."""

import re
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from gateway.classify import checks
from gateway.errors import InvalidRequest, KeyUnavailable, TransformFailed
from gateway.testing.check_digits import USCC_ALPHABET, luhn_check, resident_id_check, uscc_check
from gateway.testing.check_digits import organisation_code_check as organisation_check
from gateway.transform.profiles import (
    Profile,
    bank_card,
    mobile,
    normalised,
    plate,
    resident_id,
    uscc,
)

KEY = bytes(range(16))
ROWS = 3_000


def text(matrix: np.ndarray) -> list[str]:
    return [row.tobytes().decode() for row in np.ascontiguousarray(matrix)]


def drawn(alphabet: str, rows: int, width: int, seed: int = 1) -> np.ndarray:
    codes = np.frombuffer(alphabet.encode(), np.uint8)
    return codes[np.random.default_rng(seed).integers(0, len(codes), (rows, width))]


def mobiles() -> list[str]:
    digits = drawn("0123456789", ROWS, 11)
    digits[:, 0] = ord("1")
    digits[:, 1] = drawn("3456789", ROWS, 1, 2)[:, 0]
    return text(digits)


def cards() -> list[str]:
    values: list[str] = []
    for length in range(13, 20):
        body = drawn("0123456789", 300, length - 1, length)
        values += text(np.column_stack([body, luhn_check(body)]))
    return values


def residents() -> list[str]:
    body = drawn("0123456789", ROWS, 17)
    days = np.random.default_rng(5).integers(0, 40_000, ROWS)
    dates = [date.fromordinal(date(1900, 1, 1).toordinal() + int(day)) for day in days]
    body[:, :2] = np.frombuffer(b"31", np.uint8)
    body[:, 6:14] = [list(day.strftime("%Y%m%d").encode()) for day in dates]
    return text(np.column_stack([body, resident_id_check(body)]))


def credit_codes() -> list[str]:
    body = drawn(USCC_ALPHABET, ROWS, 17)
    body[:, :2] = np.frombuffer(b"91", np.uint8)
    body[:, 2:8] = drawn("0123456789", ROWS, 6)
    body[:, 2:4] = np.frombuffer(b"44", np.uint8)
    body[:, 16] = organisation_check(body[:, 8:16])
    return text(np.column_stack([body, uscc_check(body)]))


def plates() -> list[str]:
    serial = text(drawn("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", ROWS, 5))
    small = text(drawn("0123456789", ROWS, 5, 3))
    ordinary = [f"京A{value}" for value in serial]
    return (
        ordinary
        + [f"沪B{'DF'[n % 2]}{v}" for n, v in enumerate(small)]
        + [f"粤Z{v}{'DF'[n % 2]}" for n, v in enumerate(small)]
    )


def by_pattern(pattern: str) -> checks.Check:
    return lambda values: np.array([bool(re.fullmatch(pattern, v)) for v in values.to_pylist()])


LAST = date(2024, 12, 31)
MOBILE = by_pattern(r"1[3-9][0-9]{9}")
PLATE = by_pattern(
    r"[京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新][A-HJ-NP-Z]"
    r"([0-9A-HJ-NP-Z]{5}|[DF][0-9A-HJ-NP-Z][0-9]{4}|[0-9]{5}[DF])"
)
CASES = {
    "mobile, prefix kept": (mobile(KEY), mobiles(), MOBILE, 3),
    "mobile, whole": (mobile(KEY, keep_prefix=False), mobiles(), MOBILE, 1),
    "bank card, 6 kept": (bank_card(KEY), cards(), checks.luhn, 6),
    "bank card, whole": (bank_card(KEY, keep=0), cards(), checks.luhn, 0),
    "resident": (resident_id(KEY, last_day=LAST), residents(), checks.resident_id, 0),
    "plate, province kept": (plate(KEY), plates(), PLATE, 1),
    "plate, whole": (plate(KEY, keep_province=False), plates(), PLATE, 0),
    "credit code": (uscc(KEY), credit_codes(), checks.uscc, 2),
    "mobile over SM4": (mobile(KEY, cipher="SM4"), mobiles(), MOBILE, 3),
}


@pytest.mark.parametrize(
    ("profile", "values", "valid", "kept"), [pytest.param(*c, id=n) for n, c in CASES.items()]
)
def test_results_are_valid_and_decrypt_exactly(
    profile: Profile, values: list[str], valid: checks.Check, kept: int
) -> None:
    column = pa.array([*values, None])
    assert valid(pa.array(values)).all()
    sealed = profile.encrypt(column)
    sealed.validate(full=True)
    assert valid(sealed.drop_null()).all()
    assert profile.decrypt(sealed).equals(column)
    results = sealed.to_pylist()[:-1]
    assert len(set(results)) == len(set(values))
    assert [len(value) for value in results] == [len(value) for value in values]
    assert [value[:kept] for value in results] == [value[:kept] for value in values]
    assert sum(a == b for a, b in zip(results, values, strict=True)) <= 1
    begin = len(values) // 3
    assert profile.encrypt(column.slice(begin)).equals(sealed.slice(begin))


def test_the_birth_year_and_region_are_those_of_someone_else() -> None:
    values = residents()
    results = resident_id(KEY, last_day=LAST).encrypt(pa.array(values)).to_pylist()
    # by chance one in 35 has the province, one in 125 the year, one in 10 the last digit
    for part, most in ((slice(0, 2), 0.05), (slice(6, 10), 0.02), (slice(14, 17), 0.01)):
        same = [a[part] == b[part] for a, b in zip(values, results, strict=True)]
        assert sum(same) < most * len(values)
    assert min(value[6:14] for value in results) >= "19000101"
    assert max(value[6:14] for value in results) <= "20241231"


def test_the_number_behind_another_prefix_is_encrypted_in_another_way() -> None:
    results = mobile(KEY).encrypt(pa.array(["13800138000", "13900138000"])).to_pylist()
    assert results[0][3:] != results[1][3:]


@pytest.mark.parametrize(
    ("profile", "value"),
    [
        pytest.param(mobile(KEY), "12800138000", id="mobile: prefix not in use"),
        pytest.param(mobile(KEY), "1380013800", id="mobile: a digit short"),
        pytest.param(mobile(KEY), "1３800138000", id="mobile: full-width digit"),
        pytest.param(mobile(KEY), "138 0013800", id="mobile: space"),
        pytest.param(mobile(KEY), "", id="empty"),
        pytest.param(bank_card(KEY), "6210910000000000", id="card: wrong check digit"),
        pytest.param(bank_card(KEY), "62109100000O0000", id="card: letter"),
        pytest.param(bank_card(KEY, keep=8), "4222222222222", id="card: domain too small"),
        pytest.param(
            resident_id(KEY, last_day=LAST), "110101199002300008", id="resident: no such day"
        ),
        pytest.param(
            resident_id(KEY, last_day=LAST), "110101200013010008", id="resident: no such month"
        ),
        pytest.param(
            resident_id(KEY, last_day=LAST), "11010520251231002X", id="resident: after the range"
        ),
        pytest.param(
            resident_id(KEY, last_day=LAST), "99010519491231002X", id="resident: no such province"
        ),
        pytest.param(
            resident_id(KEY, last_day=LAST), "11010519491231002x", id="resident: small letter"
        ),
        pytest.param(resident_id(KEY, last_day=LAST), "110105491231002", id="resident: 15 digits"),
        pytest.param(plate(KEY), "张A12345", id="plate: no such province"),
        pytest.param(plate(KEY), "京I12345", id="plate: letter not in use"),
        pytest.param(plate(KEY), "京A1234D5", id="plate: new energy letter elsewhere"),
        pytest.param(uscc(KEY), "91440000000000000I", id="credit code: letter not in use"),
    ],
)
def test_a_value_that_is_not_valid(profile: Profile, value: str) -> None:
    with pytest.raises(TransformFailed, match="no valid") as refused:
        profile.encrypt(pa.array([value]))
    assert not value or value not in str(refused.value)


def test_unfit_values_become_null_and_leave_nothing_behind() -> None:
    profile = mobile(KEY, unfit="null")
    sealed = profile.encrypt(pa.array(["13800138000", "no phone", None, "13900139000"]))
    assert sealed.is_valid().to_pylist() == [True, False, False, True]
    assert len(sealed.buffers()[2]) == 22


def test_normalised_brings_values_into_form() -> None:
    column = pa.array(["１３８-0013 8000", "11010519491231002x", "京Ａ·12345", None])
    assert normalised(column).to_pylist() == ["13800138000", "11010519491231002X", "京A12345", None]


@pytest.mark.parametrize("keep", [-1, 9])
def test_an_issuer_prefix_of_another_length_is_refused(keep: int) -> None:
    with pytest.raises(InvalidRequest, match="keep"):
        bank_card(KEY, keep=keep)


def test_refused_parameters_and_hidden_keys() -> None:
    with pytest.raises(InvalidRequest, match="unfit"):
        mobile(KEY, unfit="keep")  # type: ignore[arg-type]
    with pytest.raises(KeyUnavailable):
        mobile(b"short")
    assert "hunter2" not in repr(mobile(b"hunter2-hunter2-"))
    with pytest.raises(InvalidRequest, match="domain"):
        resident_id(KEY, first_day=LAST, last_day=date(2024, 1, 1))


def test_decimal_domains_are_plain_ff1_on_the_digits() -> None:
    from gateway.transform.ff1 import FF1

    sealed = mobile(KEY).encrypt(pa.array(["13800138000"])).to_pylist()[0]
    plain = FF1(KEY, "0123456789").encrypt(pa.array(["00138000"]), b"CN_MOBILE/1138")
    assert sealed[3:] == plain.to_pylist()[0]
