"""Units are converted exactly, and what does not fit is null."""

from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from gateway.execute.scaling import scale
from gateway.model.schema import scaled_type

INTEGERS = st.sampled_from([pa.int8(), pa.int32(), pa.int64(), pa.uint8(), pa.uint64()])


def bounds(kind: pa.DataType) -> tuple[int, int]:
    bits = kind.bit_width
    return (
        (0, 2**bits - 1) if str(kind).startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    )


@given(st.data(), INTEGERS, st.integers(2, 10**18))
def test_whole_ratios_are_exact_on_integers_or_null(
    data: st.DataObject, kind: pa.DataType, factor: int
) -> None:
    values = data.draw(st.lists(st.none() | st.integers(*bounds(kind)), max_size=5))
    scaled = scale(pa.array(values, kind), Fraction(factor))
    assert scaled.type == pa.int64()
    most = (2**63 - 1) // factor
    assert scaled.to_pylist() == [
        None if v is None or abs(v) > most else v * factor for v in values
    ]


def test_the_last_integers_that_fit_fit_and_the_next_do_not() -> None:
    most = (2**63 - 1) // 1000
    values = [most, most + 1, -most, -most - 1, 2**63 - 1, -(2**63)]
    scaled = scale(pa.array(values, pa.int64()), Fraction(1000)).to_pylist()
    assert scaled == [1000 * most, None, -1000 * most, None, None, None]
    unsigned = scale(pa.array([most, most + 1, 2**64 - 1], pa.uint64()), Fraction(1000))
    assert unsigned.to_pylist() == [1000 * most, None, None]


@given(st.lists(st.none() | st.decimals(-(10**30), 10**30, places=2)), st.integers(2, 10**12))
def test_whole_ratios_are_exact_on_decimals_or_null(
    values: list[Decimal | None], factor: int
) -> None:
    scaled = scale(pa.array(values, pa.decimal128(38, 2)), Fraction(factor))
    assert scaled.type == pa.decimal128(38, 2)
    for value, found in zip(values, scaled.to_pylist(), strict=True):
        exact = None if value is None else Fraction(value) * factor
        if exact is not None and abs(exact) >= 10**36:
            exact = None
        assert (None if found is None else Fraction(found)) == exact


@given(st.lists(st.integers(-(2**40), 2**40)), st.integers(1, 1000), st.integers(2, 1000))
def test_other_ratios_are_correctly_rounded(values: list[int], over: int, under: int) -> None:
    ratio = Fraction(over, under)
    scaled = scale(pa.array(values, pa.int64()), ratio)
    assert scaled.type == scaled_type(pa.int64(), ratio)
    assert scaled.to_pylist() == [float(v * ratio) for v in values]


def test_floats_stay_what_they_are_and_never_grow_infinite() -> None:
    values = pa.array([1.5, float("nan"), float("inf"), 1e308, None])
    found = scale(values, Fraction(10)).to_pylist()
    assert found[0] == 15.0
    assert found[1] != found[1]
    assert found[2:] == [float("inf"), None, None]


def test_decimals_become_doubles_under_other_ratios() -> None:
    assert scale(pa.array([Decimal("12.50")]), Fraction(1, 100)).to_pylist() == [0.125]


def test_the_ratio_one_changes_nothing() -> None:
    text = pa.array(["a"])
    assert scale(text, Fraction(1)) is text
