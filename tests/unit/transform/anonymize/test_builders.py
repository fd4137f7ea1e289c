"""Ladders from rules and proposed ones: labels, nesting, and what cannot be a tree."""

from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.transform.anonymize.builders import codes, dates, intervals, masked
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.anonymize.proposals import proposed


def steps(ladder: Ladder, leaf: str) -> list[str]:
    """A leaf and what it is at each level."""
    place = ladder.leaves.index(leaf).as_py()
    return [
        labels[int(codes[place])].as_py()
        for labels, codes in zip(ladder.labels, ladder.codes, strict=True)
    ]


def is_tree(ladder: Ladder) -> bool:
    return all(
        len(set(zip(low.tolist(), high.tolist(), strict=True))) == len(set(low.tolist()))
        for low, high in zip(ladder.codes, ladder.codes[1:], strict=False)
    )


def test_intervals_are_nested_and_named_by_their_ends() -> None:
    found = intervals(pa.array([17, 23, 38, 90]), ["5", "10", "20"])
    assert steps(found, "17") == ["17", "15–19", "10–19", "0–19", "*"]
    assert steps(found, "90") == ["90", "90–94", "90–99", "80–99", "*"]
    assert is_tree(found)


def test_intervals_of_decimals_start_where_they_are_told() -> None:
    found = intervals(pa.array([Decimal("1.5"), Decimal("2.7")]), ["1"], origin="0.5")
    assert steps(found, "1.5") == ["1.5", "[1.5, 2.5)", "*"]


@pytest.mark.parametrize("widths", [["10", "15"], [], ["0"], ["-5"]])
def test_widths_that_make_no_tree_are_refused(widths: list[str]) -> None:
    with pytest.raises(InvalidRequest, match="multiple of the one before"):
        intervals(pa.array([1, 2]), widths)


def test_a_number_that_fits_no_interval_stays_until_the_root() -> None:
    found = intervals(pa.array([1.5, float("nan"), 3.0]), ["2"])
    assert steps(found, "nan") == ["nan", "nan", "*"]


def test_dates_by_spans() -> None:
    many = dates(pa.array([date(y, m, d) for y in (2003, 2024) for m in (1, 2, 8) for d in (1, 9)]))
    assert steps(many, "2024-02-09") == [
        "2024-02-09", "2024-02", "2024-Q1", "2024", "2020–2024", "2020–2029", "2020–2039", "*"
    ]  # fmt: skip
    assert is_tree(many)


def test_masking_hides_the_last_characters_first() -> None:
    found = masked(pa.array(["310101", "310205", "4401"]))
    assert steps(found, "310205")[1:4] == ["31020*", "3102**", "310***"]
    assert steps(found, "4401")[1:] == ["440*", "44**", "4***", "****", "****", "*"]
    assert is_tree(found)


def test_administrative_codes_go_from_district_to_city_to_province() -> None:
    found = codes(pa.array(["330106", "330108", "330203", "310101"]))
    assert steps(found, "330106") == ["330106", "330100", "330000", "*"]
    with pytest.raises(InvalidRequest, match="not a code of 6 digits"):
        codes(pa.array(["33010"]))


@pytest.mark.parametrize(
    ("values", "origin"),
    [
        (list(range(17, 91)), "intervals of 5, 10, 20, 40"),
        ([str(age) for age in range(17, 91)], "intervals of 5, 10, 20, 40"),
        ([f"{n}.5" for n in range(10)], "intervals of 0.5, 1, 2, 4, 8"),
        ([date(2000 + n, 1, 1 + n) for n in range(9)], "months, quarters"),
        ([datetime(2000 + n, 1, 1) for n in range(9)], "months, quarters"),  # noqa: DTZ001
        ([f"3301{n:02}" for n in range(9)], "codes by their first 4, 2 digits"),
        ([f"AB-{n:03}" for n in range(9)], "last characters masked"),
        ([f"name {'x' * n}" for n in range(9)], "the value or *"),
        ([True, False], "the value or *"),
        ([None, None], "the value or *"),
        ([1, 2, 3], "the value or *"),
    ],
)
def test_a_ladder_is_proposed_by_type_and_values(values: list[object], origin: str) -> None:
    found = proposed(pa.chunked_array([pa.array(values)]))
    assert found.origin.startswith(f"proposed: {origin}")
    assert found.rooted or not len(found.leaves)
    assert is_tree(found)


@given(
    st.one_of(
        st.lists(st.integers(-(10**14), 10**14), min_size=1),
        st.lists(st.floats(), min_size=1),
        st.lists(st.dates(), min_size=1),
        st.lists(st.text(max_size=8), min_size=1),
        st.lists(st.from_regex(r"[0-9]{6}", fullmatch=True), min_size=1),
        st.lists(st.decimals(-999, 999, places=2), min_size=1),
    )
)
def test_whatever_is_proposed_is_a_tree_over_all_values(values: list[object]) -> None:
    column = pa.array(values)
    found = proposed(column)
    assert is_tree(found)
    assert found.rooted
    assert len(found.leaves) == len({str(v) for v in column.cast(pa.string()).to_pylist()})
