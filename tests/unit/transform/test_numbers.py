"""Bins, rounding, top and bottom coding over every kind of number."""

import math
from decimal import Decimal

import pyarrow as pa
import pytest

from gateway.errors import InvalidRequest
from gateway.model.transforms import BinNumber, RoundNumber, TopBottomCode, TransformSpec
from gateway.transform.registry import build, output_type

BAD = "UNHANDLED"


def applied(spec: TransformSpec, values: list[object], kind: pa.DataType) -> list[object]:
    done = build(spec, source_type=kind).apply(pa.array(values, kind))
    assert done.column.type == output_type(spec, kind)
    flags = done.unhandled.to_pylist() if done.unhandled is not None else [False] * len(values)
    return [
        BAD if bad else value for value, bad in zip(done.column.to_pylist(), flags, strict=True)
    ]


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint8(), pa.int32(), pa.int64(), pa.uint64()])
def test_whole_numbers_in_whole_bins(kind: pa.DataType) -> None:
    spec = BinNumber(width=10, bottom=20, top=90)
    values = [0, 19, 20, 29, 30, 89, 90, 120, None]
    shown = ["<20", "<20", "20–29", "20–29", "30–39", "80–89", "≥90", "≥90", None]
    assert applied(spec, values, kind) == shown


def test_bins_below_zero_are_as_wide_as_those_above() -> None:
    shown = applied(BinNumber(width=10), [-11, -10, -1, 0], pa.int64())
    assert shown == ["-20–-11", "-10–-1", "-10–-1", "0–9"]


def test_bins_of_one_are_the_number() -> None:
    assert applied(BinNumber(width=1), [-3, 7], pa.int16()) == ["-3", "7"]


def test_one_cut_makes_two_bins() -> None:
    spec = BinNumber(width=18, bottom=18, top=18)
    assert applied(spec, [17, 18], pa.int8()) == ["<18", "≥18"]


def test_numbers_at_the_end_of_64_bits_are_unhandled_and_do_not_wrap() -> None:
    spec = BinNumber(width=10)
    assert applied(spec, [-(2**63), 2**63 - 1], pa.int64()) == [BAD, BAD]
    assert applied(spec, [2**64 - 1, 5], pa.uint64()) == [BAD, "0–9"]


def test_decimals_are_exact() -> None:
    spec = BinNumber(width="0.5", origin="0.25")
    values = [Decimal("0.25"), Decimal("0.24"), Decimal("-1.00"), None]
    shown = ["[0.25, 0.75)", "[-0.25, 0.25)", "[-1.25, -0.75)", None]
    assert applied(spec, values, pa.decimal128(5, 2)) == shown


def test_decimals_beyond_64_bits_are_unhandled() -> None:
    wide = pa.decimal128(38, 2)
    values = [Decimal("9" * 30), Decimal("-" + "9" * 30), Decimal("3.00")]
    assert applied(BinNumber(width=10), values, wide) == [BAD, BAD, "[0, 10)"]


def test_floats_fall_where_the_printed_bounds_say() -> None:
    below = math.nextafter(0.3, 0)
    above = 0.1 + 0.2
    shown = applied(BinNumber(width="0.1"), [0.1, 0.3, below, above, 0.7, -0.05], pa.float64())
    assert shown == [
        "[0.1, 0.2)", "[0.3, 0.4)", "[0.2, 0.3)", "[0.3, 0.4)", "[0.7, 0.8)", "[-0.1, 0.0)",
    ]  # fmt: skip


def test_every_bound_that_is_printed_lies_in_the_bin_that_it_begins() -> None:
    bounds = [n / 10 for n in range(-2_000, 2_000)]
    shown = applied(BinNumber(width="0.1"), bounds, pa.float64())
    assert [float(label[1:].partition(",")[0]) for label in map(str, shown)] == bounds
    below = [math.nextafter(bound, -math.inf) for bound in bounds]
    shown = applied(BinNumber(width="0.1"), below, pa.float64())
    assert [float(label[1:-1].partition(", ")[2]) for label in map(str, shown)] == bounds


@pytest.mark.parametrize(
    "spec", [BinNumber(width=1), RoundNumber(step=1), TopBottomCode(bottom=0, top=9)]
)
def test_floats_that_are_no_numbers_are_unhandled(spec: TransformSpec) -> None:
    values = [math.nan, math.inf, -math.inf, None]
    assert applied(spec, values, pa.float64()) == [BAD, BAD, BAD, None]


def test_rounding_is_half_upward_and_keeps_the_type() -> None:
    values = [4, 5, 14, 15, -5, -6, None]
    assert applied(RoundNumber(step=10), values, pa.int8()) == [0, 10, 10, 20, 0, -10, None]


def test_a_multiple_that_the_type_cannot_hold_is_unhandled() -> None:
    assert applied(RoundNumber(step=10), [127, -128], pa.int8()) == [BAD, BAD]
    values = [Decimal("999.99"), Decimal("0.25")]
    shown = applied(RoundNumber(step="0.5"), values, pa.decimal128(5, 2))
    assert shown == [BAD, Decimal("0.50")]


def test_rounded_floats_are_the_nearest_double_of_the_multiple() -> None:
    assert applied(RoundNumber(step="0.1"), [0.25, 0.31, 0.7], pa.float64()) == [0.3, 0.3, 0.7]


def test_top_and_bottom_coding() -> None:
    assert applied(TopBottomCode(bottom=1, top=9), [0, 1, 5, 9, 10, None], pa.int8()) == [
        1, 1, 5, 9, 9, None,
    ]  # fmt: skip
    values = [Decimal("1.49"), Decimal("90.01"), None]
    shown = applied(TopBottomCode(bottom="1.5"), values, pa.decimal128(5, 2))
    assert shown == [Decimal("1.50"), Decimal("90.01"), None]


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        pytest.param(BinNumber(width=1), pa.string(), id="text"),
        pytest.param(BinNumber(width=1), pa.bool_(), id="boolean"),
        pytest.param(BinNumber(width=1), pa.decimal128(38, 20), id="scale beyond 64 bits"),
        pytest.param(BinNumber(width="999999999999999"), pa.decimal128(38, 18), id="wide bins"),
        pytest.param(BinNumber(width=1, top=10**14), pa.decimal128(38, 18), id="high top"),
        pytest.param(BinNumber(width="0.000001", top=10**14), pa.float64(), id="inexact top"),
        pytest.param(RoundNumber(step="0.5"), pa.int64(), id="step is no integer"),
        pytest.param(RoundNumber(step="0.005"), pa.decimal128(5, 2), id="step is too fine"),
        pytest.param(TopBottomCode(top=1000), pa.int8(), id="bound out of the type's range"),
        pytest.param(TopBottomCode(top="0.5"), pa.int8(), id="bound is no integer"),
        pytest.param(TopBottomCode(top="0.005"), pa.decimal128(5, 2), id="bound is too fine"),
        pytest.param(TopBottomCode(top=1), pa.string(), id="top of text"),
    ],
)
def test_what_does_not_fit_the_type_is_refused_at_planning(
    spec: TransformSpec, kind: pa.DataType
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        output_type(spec, kind)
    assert spec.kind in caught.value.message
    assert str(kind) in caught.value.message


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"width": 0}, id="no width"),
        pytest.param({"width": -5}, id="negative width"),
        pytest.param({"width": 0.5}, id="float"),
        pytest.param({"width": True}, id="boolean"),
        pytest.param({"width": "1e3"}, id="exponent"),
        pytest.param({"width": "0.0000001"}, id="too many decimals"),
        pytest.param({"width": "１０"}, id="full-width digits"),
        pytest.param({"width": 10, "origin": 10}, id="origin not below width"),
        pytest.param({"width": 10, "top": 85}, id="top inside a bin"),
        pytest.param({"width": 10, "bottom": 90, "top": 20}, id="bottom above top"),
    ],
)
def test_malformed_bins_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="BinNumber"):
        BinNumber.model_validate(fields)


def test_a_number_has_one_canonical_form() -> None:
    assert BinNumber(width="010.50") == BinNumber(width="10.5")
    assert BinNumber(width=10).digest() == BinNumber(width="10.0").digest()
    assert TopBottomCode(bottom="-0").bottom == "0"
