"""FF1 with cycle walking is a permutation of the integers below any bound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.transform.blocks import BlockCipher
from gateway.transform.ff1_integers import IntegerPermutation

SIZES = st.one_of(
    st.integers(1_000_000, 2**63),
    st.sampled_from([10**6, 10**18, 2**20, 2**20 + 1, 2**32, 2**32 + 1, 2**62 + 1, 2**63]),
)


@given(SIZES, st.binary(min_size=16, max_size=16), st.binary(max_size=20), st.data())
def test_inverts_and_stays_inside(size: int, key: bytes, tweak: bytes, data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.integers(0, size - 1), max_size=30, unique=True))
    permutation = IntegerPermutation(BlockCipher(key), size)
    column = np.array(numbers, np.uint64)
    tweaks = np.frombuffer(tweak, np.uint8)[np.newaxis]
    sealed = permutation.apply(column, tweaks, inverse=False)
    assert len(set(sealed.tolist())) == len(numbers)
    assert (sealed < np.uint64(size)).all()
    assert permutation.apply(sealed, tweaks, inverse=True).tolist() == numbers
    by_row = np.repeat(tweaks, len(numbers), axis=0)
    assert permutation.apply(column, by_row, inverse=False).tolist() == sealed.tolist()


def test_is_onto() -> None:
    size = 1_000_003
    permutation = IntegerPermutation(BlockCipher(bytes(16)), size)
    numbers = np.arange(size, dtype=np.uint64)
    sealed = permutation.apply(numbers, np.zeros((1, 0), np.uint8), inverse=False)
    assert np.array_equal(np.sort(sealed), numbers)


@pytest.mark.parametrize("size", [0, 999_999, 2**63 + 1])
def test_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(InvalidRequest, match="size"):
        IntegerPermutation(BlockCipher(bytes(16)), size)
