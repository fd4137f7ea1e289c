"""Text is read as a type strictly, and the first text that is not of it is found."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.execute.texts import Unreadable, convert, read_text, readable_from_text

UTC_US = pa.timestamp("us", tz="UTC")


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("007", pa.int64(), 7),
        ("-5", pa.int8(), -5),
        ("1.50", pa.decimal128(5, 2), "1.50"),
        (".5", pa.decimal128(5, 2), "0.50"),
        ("1e3", pa.float64(), 1000.0),
        ("-inf", pa.float64(), float("-inf")),
        ("TRUE", pa.bool_(), True),
        ("0", pa.bool_(), False),
        ("2024-02-29", pa.date32(), "2024-02-29"),
        ("2024-02-29", pa.timestamp("us"), "2024-02-29 00:00:00"),
        ("2024-02-29T01:02:03.5", pa.timestamp("us"), "2024-02-29 01:02:03.500000"),
        ("2024-02-29 08:00:00+08:00", UTC_US, "2024-02-29 00:00:00+00:00"),
        ("23:59:59.000001", pa.time64("us"), "23:59:59.000001"),
        (" 张三 ", pa.string(), " 张三 "),
    ],
)
def test_a_form_is_read(text: str, kind: pa.DataType, value: object) -> None:
    read = read_text(pa.array([None, text]), kind)
    assert read.type == kind
    assert read[0].as_py() is None
    found = read[1].as_py()
    assert found == value or str(found) == value


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0x1F", pa.int64()),
        ("+5", pa.int64()),
        (" 5", pa.int64()),
        ("", pa.int64()),
        ("5.0", pa.int64()),
        ("128", pa.int8()),
        ("-1", pa.uint8()),
        ("１２", pa.int64()),
        ("1.234", pa.decimal128(5, 2)),
        ("1234", pa.decimal128(5, 2)),
        ("1e2", pa.decimal128(5, 2)),
        ("1e400", pa.float64()),
        ("1,5", pa.float64()),
        ("yes", pa.bool_()),
        ("2023-02-29", pa.date32()),
        ("2023-2-1", pa.date32()),
        ("01/02/2023", pa.date32()),
        ("2023-01-01T00:00:00Z", pa.timestamp("us")),
        ("2023-01-01T00:00:00", UTC_US),
        ("2023-01-01T00:00:00.1234567", pa.timestamp("us")),
        ("24:00:00", pa.time64("us")),
        ("1:02", pa.time64("us")),
    ],
)
def test_what_is_not_clearly_of_the_type_is_not_read(text: str, kind: pa.DataType) -> None:
    with pytest.raises(Unreadable) as caught:
        read_text(pa.array([None, text]), kind)
    assert caught.value.index == 1
    assert text not in str(caught.value) or not text


@given(st.sets(st.integers(0, 99), min_size=1), st.integers(100, 150))
def test_the_first_row_is_found_by_halving(bad: set[int], rows: int) -> None:
    texts = pa.array(["900" if row in bad else "9" for row in range(rows)])
    with pytest.raises(Unreadable) as caught:
        convert(texts, lambda piece: piece.cast(pa.int8()))
    assert caught.value.index == min(bad)


def test_bytes_have_no_form() -> None:
    assert not readable_from_text(pa.binary())
    assert readable_from_text(pa.string())
