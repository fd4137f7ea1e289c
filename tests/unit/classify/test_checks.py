"""Check digits: published examples, and agreement with plain scalar code written apart."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.classify.checks import CHECKS

VECTORS = yaml.safe_load(
    (Path(__file__).parents[2] / "vectors" / "identifiers.yaml").read_text("utf-8")
)
CASES = [
    pytest.param(check, str(case["value"]), verdict == "valid", id=f"{check}-{verdict}-{i}")
    for check, groups in VECTORS.items()
    for verdict, cases in groups.items()
    for i, case in enumerate(cases)
]


@pytest.mark.parametrize(("check", "value", "valid"), CASES)
def test_published_examples_and_single_faults(check: str, value: str, valid: bool) -> None:
    assert CHECKS[check](pa.array([value])).tolist() == [valid]


def test_nulls_empties_and_slices_are_refused_without_error() -> None:
    values = pa.array(["x", None, "", "11010519491231002X", "１１"]).slice(1)
    for name, check in CHECKS.items():
        assert check(values).tolist() == [False, False, name == "resident_id", False]
        assert check(pa.array([], pa.string())).tolist() == []


def scalar_resident_id(text: str) -> bool:
    if len(text) != 18 or not text[:17].isdigit():
        return False
    total = sum(int(d) * pow(2, 17 - i, 11) for i, d in enumerate(text[:17]))
    # ISO 7064 MOD 11-2: the whole sum with the check character is 1 modulo 11.
    check = 10 if text[17] == "X" else int(text[17]) if text[17].isdigit() else 99
    if (total + check) % 11 != 1:
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    real = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54"
    return text[:2] in f"{real} 61 62 63 64 65 71 81 82 83".split() and int(text[6:10]) >= 1800


@given(
    st.lists(
        st.builds(
            "{:06d}{:04d}{:02d}{:02d}{:03d}{}".format,
            st.integers(100000, 850000),
            st.integers(1850, 2060),
            st.integers(0, 13),
            st.integers(0, 32),
            st.integers(0, 999),
            st.sampled_from("0123456789X"),
        ),
        min_size=1,
    )
)
def test_resident_ids_agree_with_iso_7064_done_by_hand(texts: list[str]) -> None:
    assert CHECKS["resident_id"](pa.array(texts)).tolist() == [
        scalar_resident_id(text) for text in texts
    ]


def scalar_luhn(text: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(text)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value // 10 + value % 10
    return total % 10 == 0 and len(set(text)) > 1


@given(st.lists(st.from_regex(r"[0-9]{12,19}", fullmatch=True), min_size=1))
def test_luhn_agrees_with_the_sum_of_digits_done_by_hand(texts: list[str]) -> None:
    assert CHECKS["luhn"](pa.array(texts)).tolist() == [scalar_luhn(text) for text in texts]


@given(st.from_regex(r"[0-9]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{9}", fullmatch=True))
def test_exactly_one_check_character_completes_a_credit_code_or_none(body: str) -> None:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    weights = [pow(3, i, 31) for i in range(17)]
    total = sum(w * alphabet.index(c) for w, c in zip(weights, body, strict=True))
    expected = alphabet[-total % 31]
    passed = CHECKS["uscc"](pa.array([body + c for c in alphabet])).tolist()
    inner = CHECKS["organisation_code"](pa.array([body[8:17]])).tolist()[0]
    assert [c for c, ok in zip(alphabet, passed, strict=True) if ok] == [expected] * inner


@given(st.from_regex(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", fullmatch=True))
def test_iban_agrees_with_one_big_number(text: str) -> None:
    number = int("".join(str(int(c, 36)) for c in text[4:] + text[:4]))
    assert CHECKS["iban"](pa.array([text])).tolist() == [number % 97 == 1]
