"""Keyed date shift, noise and sampling: refusals, spread, hidden keys."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest

from gateway.errors import GatewayError, InvalidRequest, KeyUnavailable, TransformFailed
from gateway.transform.date_shift import DateShift
from gateway.transform.keyed_noise import KeyedNoise
from gateway.transform.keyed_sample import KeyedSample

KEY = b"hunter2-hunter2-"
DAYS = pa.array([date(2020, 2, 29), None], pa.date32())
PEOPLE = pa.array([f"person {number}" for number in range(10_000)])


def test_every_shift_but_none_occurs_about_equally_often() -> None:
    days = pa.array([date(2020, 1, 1)] * len(PEOPLE))
    moved = DateShift(KEY, most_days=5).apply(days, PEOPLE).to_pylist()
    counts = Counter((day - date(2020, 1, 1)).days for day in moved)
    assert set(counts) == {-5, -4, -3, -2, -1, 1, 2, 3, 4, 5}
    # 1,000 expected, deviation 30: 300 is ten deviations, and the key is fixed anyway
    assert max(counts.values()) - min(counts.values()) < 300


def test_noise_is_spread_evenly() -> None:
    values = pa.array([0] * len(PEOPLE))
    counts = Counter(KeyedNoise(KEY, most_steps=4).apply(values, PEOPLE).to_pylist())
    assert set(counts) == set(range(-4, 5))
    assert max(counts.values()) - min(counts.values()) < 330


def test_a_sample_has_about_its_share() -> None:
    drawn = KeyedSample(KEY, Fraction(1, 10)).drawn(PEOPLE)
    assert 700 < sum(drawn.to_pylist()) < 1300


def test_shift_noise_and_sample_of_one_key_are_unrelated() -> None:
    """Who is in the sample must not tell the sign of their shift."""
    drawn = KeyedSample(KEY, Fraction(1, 2)).drawn(PEOPLE)
    days = pa.array([0] * len(PEOPLE), pa.int32()).cast(pa.date32())
    later = DateShift(KEY, most_days=5).apply(days, PEOPLE).cast(pa.int32()).to_pylist()
    both = sum(a and b > 0 for a, b in zip(drawn.to_pylist(), later, strict=True))
    assert 2000 < both < 3000


REFUSED: dict[str, tuple[Callable[[], object], type[GatewayError]]] = {
    "shift: short key": (lambda: DateShift(b"short", most_days=1), KeyUnavailable),
    "shift: no days": (lambda: DateShift(KEY, most_days=0), InvalidRequest),
    "shift: too many days": (lambda: DateShift(KEY, most_days=36_526), InvalidRequest),
    "shift: text": (
        lambda: DateShift(KEY, most_days=1).apply(pa.array(["2020-01-01"]), PEOPLE[:1]),
        InvalidRequest,
    ),
    "shift: another length": (
        lambda: DateShift(KEY, most_days=1).apply(DAYS, PEOPLE),
        InvalidRequest,
    ),
    "shift: person is a number": (
        lambda: DateShift(KEY, most_days=1).apply(DAYS, pa.array([1, 2])),
        InvalidRequest,
    ),
    "shift: date of nobody": (
        lambda: DateShift(KEY, most_days=1).apply(DAYS, pa.array([None, "a"])),
        TransformFailed,
    ),
    "shift: beyond the type": (
        lambda: DateShift(KEY, most_days=30).apply(
            pa.array([2**31 - 1] * 100, pa.int32()).cast(pa.date32()), PEOPLE[:100]
        ),
        TransformFailed,
    ),
    "noise: short key": (lambda: KeyedNoise(b"short", most_steps=1), KeyUnavailable),
    "noise: no steps": (lambda: KeyedNoise(KEY, most_steps=0), InvalidRequest),
    "noise: step of zero": (
        lambda: KeyedNoise(KEY, most_steps=1, step=Decimal(0)),
        InvalidRequest,
    ),
    "noise: step that is no number": (
        lambda: KeyedNoise(KEY, most_steps=1, step=Decimal("nan")),
        InvalidRequest,
    ),
    "noise: half a step on whole numbers": (
        lambda: KeyedNoise(KEY, most_steps=1, step=Decimal("0.5")).apply(pa.array([1]), PEOPLE[:1]),
        InvalidRequest,
    ),
    "noise: text": (
        lambda: KeyedNoise(KEY, most_steps=1).apply(pa.array(["1"]), PEOPLE[:1]),
        InvalidRequest,
    ),
    "noise: another length": (
        lambda: KeyedNoise(KEY, most_steps=1).apply(pa.array([1, 2]), PEOPLE[:1]),
        InvalidRequest,
    ),
    "noise: beyond the type": (
        lambda: KeyedNoise(KEY, most_steps=50).apply(
            pa.array([127] * 100, pa.int8()), PEOPLE[:100]
        ),
        TransformFailed,
    ),
    "noise: value of nobody": (
        lambda: KeyedNoise(KEY, most_steps=1).apply(pa.array([1]), pa.array([None], pa.string())),
        TransformFailed,
    ),
    "sample: short key": (lambda: KeyedSample(b"short", Fraction(1)), KeyUnavailable),
    "sample: nobody": (lambda: KeyedSample(KEY, Fraction(0)), InvalidRequest),
    "sample: less than 2**-64": (lambda: KeyedSample(KEY, Fraction(1, 2**65)), InvalidRequest),
    "sample: more than all": (lambda: KeyedSample(KEY, Fraction(3, 2)), InvalidRequest),
    "sample: row of nobody": (
        lambda: KeyedSample(KEY, Fraction(1)).drawn(pa.array(["a", None])),
        TransformFailed,
    ),
}


@pytest.mark.parametrize(("call", "error"), [pytest.param(*c, id=n) for n, c in REFUSED.items()])
def test_refused(call: Callable[[], object], error: type[GatewayError]) -> None:
    with pytest.raises(error) as refused:
        call()
    assert refused.value.__cause__ is None
    assert "127" not in str(refused.value)


def test_a_null_date_needs_no_person() -> None:
    moved = DateShift(KEY, most_days=3).apply(DAYS, pa.array(["a", None]))
    assert moved.is_valid().to_pylist() == [True, False]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2.0**53, 3e38])
def test_float_noise_refuses_what_it_would_not_change(value: float) -> None:
    noise = KeyedNoise(KEY, most_steps=2, step=Decimal("0.25"))
    values = pa.array([1.5, value, None], pa.float32())
    with pytest.raises(TransformFailed, match="leaves the range"):
        noise.apply(values, PEOPLE[:3])
    first, second, third = noise.apply(pa.array([1.5, 1.4, None], pa.float32()), PEOPLE[:3])
    assert first.as_py() in {1.0, 1.25, 1.5, 1.75, 2.0}
    assert second.as_py() in {1.0, 1.25, 1.5, 1.75, 2.0}
    assert third.as_py() is None


def test_the_key_is_hidden() -> None:
    for keyed in (
        DateShift(KEY, most_days=1),
        KeyedNoise(KEY, most_steps=1),
        KeyedSample(KEY, Fraction(1)),
    ):
        assert "hunter2" not in repr(keyed)
