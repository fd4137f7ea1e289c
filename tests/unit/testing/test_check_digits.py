"""Check digits against scalar implementations written from the standards' text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.testing.check_digits import (
    USCC_ALPHABET,
    luhn_check,
    organisation_code_check,
    resident_id_check,
    uscc_check,
)


def matrix(*bodies: str) -> np.ndarray:
    return np.array([list(body.encode("ascii")) for body in bodies], dtype=np.uint8)


def scalar_resident(body: str) -> str:
    # GB 11643: the weight of place i, counted from the right with the check at 1, is 2**(i-1).
    total = sum(int(digit) * (2 ** (17 - at) % 11) for at, digit in enumerate(body))
    value = (1 - total) % 11
    return "X" if value == 10 else str(value)


def scalar_organisation(body: str) -> str:
    values = {c: n for n, c in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
    total = sum(values[c] * w for c, w in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    check = 11 - total % 11
    return {10: "X", 11: "0"}.get(check, str(check))


def scalar_uscc(body: str) -> str:
    # GB 32100: the weight of place i is 3**(i-1) mod 31.
    total = sum(USCC_ALPHABET.index(c) * pow(3, at, 31) for at, c in enumerate(body))
    return USCC_ALPHABET[-total % 31]


def scalar_luhn_holds(number: str) -> bool:
    total = 0
    for at, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + at % 2)
        total += value // 10 + value % 10
    return total % 10 == 0


def test_resident_id_of_the_standards_examples():
    # The two numbers that GB 11643-1999 prints as examples.
    assert bytes(resident_id_check(matrix("11010519491231002", "44052418800101001"))) == b"X4"


def test_luhn_by_hand():
    # From the right, the first doubled: 2+7+7+9+6+7+4+9+9+7 = 67, and 70 - 67 = 3.
    assert bytes(luhn_check(matrix("7992739871"))) == b"3"


def test_organisation_code_by_hand():
    # Hand-weighed: D2143569 = 13*3+2*7+1*9+4*10+3*5+5*8+6*4+9*2 = 199 = 1 (mod 11), 11-1 = 10.
    assert bytes(organisation_code_check(matrix("D2143569"))) == b"X"
    # All zeros: the sum is 0, 11 - 0 = 11, written 0.
    assert bytes(organisation_code_check(matrix("00000000"))) == b"0"


def test_uscc_by_hand():
    # 9 and 1 in the first two places weigh 9*1 + 1*3 = 12; 31 - 12 = 19, the letter K.
    assert bytes(uscc_check(matrix("91" + "0" * 15))) == b"K"
    assert bytes(uscc_check(matrix("0" * 17))) == b"0"


@given(st.text("0123456789", min_size=17, max_size=17))
def test_resident_id_as_scalar(body):
    assert bytes(resident_id_check(matrix(body))).decode() == scalar_resident(body)


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=8, max_size=8))
def test_organisation_code_as_scalar(body):
    assert bytes(organisation_code_check(matrix(body))).decode() == scalar_organisation(body)


@given(st.text(USCC_ALPHABET, min_size=17, max_size=17))
def test_uscc_as_scalar(body):
    assert bytes(uscc_check(matrix(body))).decode() == scalar_uscc(body)


@given(st.text("0123456789", min_size=1, max_size=24))
def test_luhn_as_scalar_and_unmoved_by_leading_zeros(body):
    check = bytes(luhn_check(matrix(body))).decode()
    assert scalar_luhn_holds(body + check)
    assert bytes(luhn_check(matrix("00" + body))).decode() == check


@pytest.mark.parametrize(
    ("function", "body", "fault"),
    [
        (resident_id_check, "1101051949123100", "17 columns"),
        (resident_id_check, "1101051949123100X", "outside its alphabet"),
        (organisation_code_check, "D2-43569", "outside its alphabet"),
        (uscc_check, "9" * 16 + "I", "outside its alphabet"),
        (luhn_check, "62a", "outside its alphabet"),
    ],
)
def test_bad_bodies_are_refused_without_showing_them(function, body, fault):
    with pytest.raises(ValueError, match=fault) as caught:
        function(matrix(body))
    assert body not in str(caught.value)


def test_no_rows_give_no_checks():
    assert len(resident_id_check(np.empty((0, 17), dtype=np.uint8))) == 0
