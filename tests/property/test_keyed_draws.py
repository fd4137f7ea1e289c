"""Keyed date shift, noise and sampling: what stays, what is bounded, what depends on the key."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from gateway.transform.date_shift import DateShift
from gateway.transform.keyed_noise import KeyedNoise
from gateway.transform.keyed_numbers import KeyedNumbers
from gateway.transform.keyed_sample import KeyedSample

KEYS = st.binary(min_size=16, max_size=16)
PERSONS = st.text("abcdefgh", max_size=3)
DATES = st.dates(date(1900, 1, 1), date(2100, 1, 1))


def mac(key: bytes, message: bytes) -> bytes:
    one = CMAC(AES(key))
    one.update(message)
    return one.finalize()


@given(KEYS, st.binary(max_size=20), st.lists(st.binary(max_size=40), max_size=20))
def test_numbers_are_the_first_64_bits_of_the_prf(
    key: bytes, label: bytes, subjects: list[bytes]
) -> None:
    numbers = KeyedNumbers(key, label).of(pa.array(subjects, pa.binary()))
    subkey = mac(key, label)
    assert numbers.tolist() == [int.from_bytes(mac(subkey, one)[:8]) for one in subjects]


@given(
    KEYS,
    st.integers(1, 3) | st.integers(1, 400),
    st.lists(st.tuples(PERSONS, st.none() | DATES), max_size=40),
)
def test_intervals_of_a_person_stay_and_no_date_does(
    key: bytes, most: int, events: list[tuple[str, date | None]]
) -> None:
    persons = pa.array([person for person, _ in events], pa.string())
    dates = pa.array([day for _, day in events], pa.date32())
    shift = DateShift(key, most_days=most)
    moved = shift.apply(dates, persons)
    seen: dict[str, timedelta] = {}
    for (person, day), after in zip(events, moved.to_pylist(), strict=True):
        assert (day is None) == (after is None)
        if day is not None:
            assert after - day == seen.setdefault(person, after - day)
            assert 1 <= abs((after - day).days) <= most
    for unit in ("s", "ms", "us", "ns"):
        moments = dates.cast(pa.timestamp(unit, "Asia/Shanghai"))
        as_days = shift.apply(moments, persons).cast(pa.timestamp(unit)).cast(pa.date32())
        assert as_days.equals(moved)


FLOATS = st.floats(-1e6, 1e6) | st.floats(-1, 1)


@given(
    KEYS,
    st.integers(1, 50),
    st.integers(1, 50),
    st.lists(st.tuples(PERSONS, st.none() | st.integers(-(2**30), 2**30)), max_size=40),
)
def test_noise_is_of_whole_steps_bounded_and_the_subjects_own(
    key: bytes, most: int, step: int, rows: list[tuple[str, int | None]]
) -> None:
    subjects = pa.array([subject for subject, _ in rows], pa.string())
    noise = KeyedNoise(key, most_steps=most, step=Decimal(step))
    for kind in (pa.int64(), pa.int32(), pa.float64()):
        values = pa.array([value for _, value in rows], kind)
        noisy = noise.apply(values, subjects)
        assert noisy.type == kind
        seen: dict[str, float] = {}
        for (subject, value), after in zip(rows, noisy.to_pylist(), strict=True):
            assert (value is None) == (after is None)
            if value is not None:
                assert after % step == 0  # nothing of the value but whole steps
                steps = after // step - round(Fraction(value, step))  # half to even
                assert abs(steps) <= most
                assert seen.setdefault(subject, steps) == steps


@given(KEYS, st.sampled_from(["0.1", "0.25", "3", "0.000007"]), st.lists(FLOATS, min_size=1))
def test_noise_on_floats_shows_no_more_than_which_step_is_nearest(
    key: bytes, step: str, values: list[float]
) -> None:
    subjects = pa.array(["somebody"] * len(values))
    for kind in (pa.float64(), pa.float32()):
        column = pa.array(values, kind)
        noise = KeyedNoise(key, most_steps=9, step=Decimal(step))
        done = noise.apply(column, subjects).to_pylist()
        (zero,) = noise.apply(pa.array([0.0], kind), subjects[:1]).to_pylist()
        for value, after in zip(column.to_pylist(), done, strict=True):
            nearest = round(value / float(step))
            whole = nearest + round(zero / float(step))
            exact = float(whole * Fraction(step))
            assert after == pa.scalar(exact, pa.float64()).cast(kind, safe=False).as_py()


@given(KEYS, st.lists(PERSONS, max_size=60), st.fractions(Fraction(1, 1000), 1))
def test_samples_take_whole_persons_and_are_nested(
    key: bytes, persons: list[str], fraction: Fraction
) -> None:
    column = pa.array(persons, pa.string())
    drawn = KeyedSample(key, fraction).drawn(column).to_pylist()
    assert drawn == [drawn[persons.index(person)] for person in persons]
    more = KeyedSample(key, (fraction + 1) / 2).drawn(column).to_pylist()
    assert all(b for a, b in zip(drawn, more, strict=True) if a)
    assert all(KeyedSample(key, Fraction(1)).drawn(column).to_pylist())
