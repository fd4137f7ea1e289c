"""Samples: bounded, spread over the table, the same every time."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from gateway.classify.sampling import draw


def test_a_sample_is_spread_over_the_whole_table() -> None:
    sample = draw(pa.array(range(1000)), 10)
    assert sample.values.to_pylist() == [50 + 100 * i for i in range(10)]


def test_nulls_do_not_use_up_the_sample() -> None:
    sample = draw(pa.array([None] * 990 + list(range(10))), 10)
    assert sample.values.to_pylist() == list(range(10))
    assert (sample.rows, sample.nulls) == (1000, 990)


def test_a_sample_does_not_show_its_values() -> None:
    assert "secret" not in repr(draw(pa.array(["secret"])))


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 99)), max_size=60),
    st.integers(1, 20),
    st.integers(1, 7),
)
def test_any_chunking_gives_the_same_sample(values: list[int | None], limit: int, cut: int) -> None:
    whole = pa.array(values, pa.int64())
    chunks = [whole.slice(at, cut) for at in range(0, len(values), cut)]
    sample = draw(pa.chunked_array(chunks, pa.int64()), limit)
    assert sample.values.equals(draw(whole, limit).values)
    assert len(sample.values) == min(limit, len(whole) - whole.null_count)
    assert sample.values.null_count == 0
