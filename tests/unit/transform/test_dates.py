"""Dates to spans, for every type of date and at the ends of the calendar."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from gateway.errors import InvalidRequest
from gateway.model.transforms import DateLevel, GeneralizeDate
from gateway.transform.registry import build, output_type


@pytest.mark.parametrize(
    ("to", "day", "shown"),
    [
        ("month", date(2024, 3, 31), "2024-03"),
        ("month", date(2024, 12, 1), "2024-12"),
        ("quarter", date(2024, 3, 31), "2024-Q1"),
        ("quarter", date(2024, 4, 1), "2024-Q2"),
        ("year", date(1969, 12, 31), "1969"),
        ("five_years", date(2024, 12, 31), "2020–2024"),
        ("five_years", date(2025, 1, 1), "2025–2029"),
        ("month", date(1, 1, 1), "0001-01"),
        ("five_years", date(9999, 12, 31), "9995–9999"),
    ],
)
def test_days(to: DateLevel, day: date, shown: str) -> None:
    done = build(GeneralizeDate(to=to), source_type=pa.date32()).apply(pa.array([day, None]))
    assert done.column.to_pylist() == [shown, None]
    assert done.unhandled is None


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_moments(unit: str, zone: str | None) -> None:
    kind = pa.timestamp(unit, zone)
    moment = datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC if zone else None)
    done = build(GeneralizeDate(to="year"), source_type=kind).apply(pa.array([moment, None], kind))
    assert done.column.to_pylist() == ["2024", None]


@pytest.mark.parametrize(
    ("kind", "ticks"),
    [
        (pa.date32(), [-719_163, 2_932_897, 2**31 - 1, -(2**31)]),
        (pa.timestamp("s"), [-719_163 * 86_400, 2_932_897 * 86_400, 2**63 - 1, -(2**63)]),
        (pa.timestamp("us"), [2_932_897 * 86_400_000_000, -(2**63)]),
    ],
)
def test_years_outside_the_calendar_are_unhandled(kind: pa.DataType, ticks: list[int]) -> None:
    width = pa.int32() if kind == pa.date32() else pa.int64()
    done = build(GeneralizeDate(to="month"), source_type=kind).apply(
        pa.array(ticks, width).view(kind)
    )
    assert done.column.null_count == len(ticks)
    assert done.unhandled is not None
    assert all(done.unhandled.to_pylist())


@pytest.mark.parametrize("kind", [pa.string(), pa.int32(), pa.time64("us"), pa.timestamp("ns")])
def test_dates_in_other_types_are_refused(kind: pa.DataType) -> None:
    with pytest.raises(InvalidRequest, match="generalize_date takes dates"):
        output_type(GeneralizeDate(to="year"), kind)
