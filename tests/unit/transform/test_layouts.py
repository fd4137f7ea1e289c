"""Layouts: every content of a field has its number, and nothing else has one."""

from datetime import date, timedelta

import numpy as np
import pytest

from gateway.errors import InvalidRequest
from gateway.transform.layouts import Characters, Day, Field, Layout, Options


def rows(*texts: str) -> np.ndarray:
    return np.array([list(text.encode()) for text in texts], np.uint8)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param(date(1899, 12, 31), date(2001, 1, 1), id="a century and its ends"),
        pytest.param(date(2000, 2, 28), date(2000, 3, 1), id="leap day"),
        pytest.param(date(2024, 5, 17), date(2024, 5, 17), id="one day"),
        pytest.param(date(1600, 1, 1), date(1604, 12, 31), id="before 1970"),
    ],
)
def test_days_are_counted_as_the_calendar_does(first: date, last: date) -> None:
    field = Day(first=first, last=last)
    days = [first + timedelta(days=number) for number in range(field.size)]
    assert days[-1] == last
    matrix = rows(*(day.strftime("%Y%m%d") for day in days))
    index, fit = field.read(matrix, 0)
    assert fit.all()
    assert index.tolist() == list(range(field.size))
    again = np.zeros_like(matrix)
    field.write(again, 0, index)
    assert np.array_equal(again, matrix)


def test_days_that_are_none_do_not_fit() -> None:
    field = Day(first=date(1999, 3, 15), last=date(2001, 3, 15))
    texts = [
        "19990314", "20010316", "20000230", "20010229", "20000431", "20000001", "20001301",
        "20000100", "20000132", "00000000", "99999999", "2000010a", "2000 101", "19981231",
        "20020101", "20009901",
    ]  # fmt: skip
    index, fit = field.read(rows(*texts), 0)
    assert not fit.any()
    assert not index.any()


@pytest.mark.parametrize(
    "field",
    [
        pytest.param(Characters(count=3), id="digits"),
        pytest.param(Characters(alphabet="DF"), id="two letters"),
        pytest.param(Options(texts=("京", "沪", "粤")), id="three-byte characters"),
        pytest.param(Options(texts=("82", "11", "65")), id="pairs of digits"),
    ],
)
def test_a_field_counts_its_contents_through(field: Field) -> None:
    index = np.arange(field.size, dtype=np.uint64)
    matrix = np.zeros((field.size, field.width + 2), np.uint8)
    field.write(matrix, 1, index)
    assert len(np.unique(matrix, axis=0)) == field.size
    again, fit = field.read(matrix, 1)
    assert fit.all()
    assert again.tolist() == index.tolist()
    assert not matrix[:, 0].any()
    assert not matrix[:, -1].any()


def test_contents_outside_do_not_fit() -> None:
    for field, texts in (
        (Characters(count=2), ["1a", "/1", ":1", "\x7f1"]),
        (Options(texts=("11", "65")), ["10", "12", "66", "99", "\x00\x00"]),
    ):
        index, fit = field.read(rows(*texts), 0)
        assert not fit.any()
        assert not index.any()


def test_a_layout_of_more_than_63_bits_is_refused() -> None:
    assert Layout("digits", Characters(count=18)).size == 10**18
    with pytest.raises(InvalidRequest, match="layout"):
        Layout("digits", Characters(count=19))
    assert Layout("digits", Characters(count=18), Characters(count=4, kept=True)).size == 10**18
