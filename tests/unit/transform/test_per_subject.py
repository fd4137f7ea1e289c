"""Draws by the person of the row: the same for a person, bounded, and never for nobody."""

from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from gateway.errors import InvalidRequest, TransformFailed
from gateway.model.transforms import BoundedNoise, Mask, ShiftDate
from gateway.transform.date_shift import DateShift
from gateway.transform.keyed_noise import KeyedNoise
from gateway.transform.registry import build, construction

KEY = bytes(range(32))
PERSONS = pa.array([f"p{n}" for n in range(500)] * 2)


def test_dates_of_a_person_shift_together_within_bounds():
    days = pa.array([date(2024, 1, 1) + timedelta(days=n % 90) for n in range(1000)], pa.date32())
    moved = build(ShiftDate(most_days=30), source_type=days.type, key=KEY).apply(days, PERSONS)
    assert moved.unhandled is None
    off = pc.subtract(moved.column.cast(pa.int32()), days.cast(pa.int32())).to_pylist()
    assert off[:500] == off[500:]
    assert set(off) == {*range(-30, 0), *range(1, 31)}
    assert moved.column.equals(DateShift(KEY, most_days=30).apply(days, PERSONS))


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_moments_keep_their_time_of_day(unit):
    moments = pa.array(["2024-05-06T07:08:09"] * 1000).cast(pa.timestamp(unit))
    transform = build(ShiftDate(most_days=3), source_type=moments.type, key=KEY)
    moved = transform.apply(moments, PERSONS).column.to_pylist()
    assert {value.time() for value in moved} == {moments[0].as_py().time()}
    assert {abs((value - moments[0].as_py()).days) for value in moved} <= {1, 2, 3}


@pytest.mark.parametrize(
    ("kind", "step"),
    [(pa.int64(), "5"), (pa.int8(), "5"), (pa.uint16(), "5"), (pa.float64(), "2.5")],
)
def test_noise_is_bounded_and_the_same_for_a_person(kind, step):
    numbers = pa.array([60] * 1000, kind)
    transform = build(BoundedNoise(step=step, most_steps=3), source_type=kind, key=KEY)
    noisy = transform.apply(numbers, PERSONS).column
    assert noisy.type == kind
    off = [round((value - 60) / float(step)) for value in noisy.to_pylist()]
    assert off[:500] == off[500:]
    assert set(off) == set(range(-3, 4))


@pytest.mark.parametrize(
    ("spec", "column"),
    [
        (BoundedNoise(most_steps=5), pa.array([127, 122, -122, -127], pa.int8())),
        (BoundedNoise(most_steps=5), pa.array([2**63 - 1, 2**63 - 6, -9, -(2**63)], pa.int64())),
        (BoundedNoise(most_steps=5), pa.array([2**64 - 1, 9, 2**63 - 7, 4], pa.uint64())),
        (BoundedNoise(most_steps=5), pa.array([float("nan"), 1.0, 2.0, float("inf")])),
        (ShiftDate(most_days=9), pa.array([2**31 - 1, 5, 6, -(2**31)], pa.int32()).view(pa.date32())),
        (
            ShiftDate(most_days=9),
            pa.array([2**63 - 1, 5, 6, -(2**63)], pa.int64()).view(pa.timestamp("us")),
        ),
    ],
)  # fmt: skip
def test_what_could_leave_the_range_of_its_type_is_unhandled(spec, column):
    done = build(spec, source_type=column.type, key=KEY).apply(column, pa.array(["p"] * 4))
    assert done.unhandled.to_pylist() == [True, False, False, True]
    assert done.column.is_valid().to_pylist() == [False, True, True, False]


def test_a_row_of_nobody_is_unhandled_and_a_null_stays_null():
    days = pa.array([date(2024, 1, 1), date(2024, 1, 1), None], pa.date32())
    transform = build(ShiftDate(most_days=3), source_type=days.type, key=KEY)
    done = transform.apply(days, pa.array(["p", None, None]))
    assert done.unhandled.to_pylist() == [False, True, False]
    assert done.column.null_count == 2


def test_whole_numbers_name_persons_by_their_digits():
    numbers = pa.array([1, 2, 3], pa.int64())
    transform = build(BoundedNoise(most_steps=2**20), source_type=numbers.type, key=KEY)
    by_number = transform.apply(numbers, pa.array([7, 8, 9])).column
    assert by_number.equals(transform.apply(numbers, pa.array(["7", "8", "9"])).column)
    assert by_number.equals(
        KeyedNoise(KEY, most_steps=2**20).apply(numbers, pa.array(["7", "8", "9"]))
    )


def test_persons_are_given_to_those_who_ask_and_to_no_others():
    days = pa.array([date(2024, 1, 1)], pa.date32())
    shift = build(ShiftDate(most_days=3), source_type=days.type, key=KEY)
    with pytest.raises(TransformFailed, match="whose each row is"):
        shift.apply(days)
    for persons in (pa.array(["p", "q"]), pa.array([1.5])):
        with pytest.raises(TransformFailed, match="no fitting column of persons"):
            shift.apply(days, persons)
    with pytest.raises(TransformFailed, match="second column"):
        build(Mask(), source_type=pa.string()).apply(pa.array(["a"]), pa.array(["p"]))
    with pytest.raises(InvalidRequest, match="needs a key"):
        build(ShiftDate(most_days=3), source_type=days.type)


def test_another_cipher_draws_other_numbers_under_another_name():
    days = pa.array([date(2024, 1, 1)] * 1000, pa.date32())
    aes, sm4 = (
        build(ShiftDate(most_days=300, cipher=c), source_type=days.type, key=KEY)
        for c in ("AES", "SM4")
    )
    assert not aes.apply(days, PERSONS).column.equals(sm4.apply(days, PERSONS).column)
    assert "not a published standard" in sm4.construction
    assert construction(BoundedNoise(most_steps=1)).startswith("AES-CMAC-PRF-128")
