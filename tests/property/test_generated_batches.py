"""Generated tables: no value depends on how many rows or how large batches were asked for."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gateway.testing as generated

PAIRS = [
    (generated.residents, generated.residents_batches),
    (generated.household_register, generated.household_register_batches),
    (generated.health_insurance, generated.health_insurance_batches),
    (generated.employment, generated.employment_batches),
]
# Around the size of a block, 8,192, as well as anywhere below three of them.
ROWS = st.one_of(st.integers(0, 24_000), st.sampled_from([8191, 8192, 8193, 16_384, 16_385]))
SEEDS = st.integers(0, 2**70)


@pytest.mark.parametrize(("whole", "batches"), PAIRS)
@given(rows=ROWS, seed=SEEDS, batch_rows=st.integers(97, 30_000))
@settings(max_examples=12, deadline=None)
def test_batches_are_the_table(whole, batches, rows, seed, batch_rows):
    expected = whole(rows, seed)
    parts = list(batches(rows, seed, batch_rows=batch_rows))
    assert all(part.num_rows == batch_rows for part in parts[:-1])
    assert all(0 < part.num_rows <= batch_rows for part in parts[-1:])
    assert pa.Table.from_batches(parts, expected.schema).equals(expected)


@pytest.mark.parametrize(("whole", "batches"), PAIRS)
@given(rows=ROWS, more=st.integers(0, 9000), seed=SEEDS)
@settings(max_examples=8, deadline=None)
def test_fewer_rows_are_a_prefix(whole, batches, rows, more, seed):
    fewer = whole(rows, seed)
    assert whole(rows + more, seed).slice(0, fewer.num_rows).equals(fewer)


@given(rows=ROWS, seed=SEEDS)
@settings(max_examples=15, deadline=None)
def test_identity_numbers_are_unique_for_every_seed(rows, seed):
    numbers = generated.residents(rows, seed)["resident_id"]
    assert len(numbers.unique()) == rows


def test_batches_of_one_row():
    expected = generated.residents(40, 3)
    parts = list(generated.residents_batches(40, 3, batch_rows=1))
    assert len(parts) == 40
    assert pa.Table.from_batches(parts).equals(expected)
