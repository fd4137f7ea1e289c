"""Keyed transforms are shared between threads: batches done at once equal the whole."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from gateway.transform.alphabets import DIGITS
from gateway.transform.ff1 import FF1
from gateway.transform.profiles import mobile
from gateway.transform.siv_tokens import SivTokens
from gateway.transform.tokens import CmacTokens

KEY = bytes(range(32))
COLUMN = pa.array([f"138{number * 271 % 100_000_000:08d}" for number in range(40_000)])


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(CmacTokens(KEY).apply, id="tokens"),
        pytest.param(SivTokens(KEY).apply, id="reversible tokens"),
        pytest.param(FF1(KEY, DIGITS).encrypt, id="FF1"),
        pytest.param(mobile(KEY).encrypt, id="profile"),
    ],
)
def test_batches_in_threads_equal_the_whole(work: Callable[[pa.Array], pa.Array]) -> None:
    batches = [COLUMN.slice(begin, 1_500) for begin in range(0, len(COLUMN), 1_500)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(work, batches))
    assert pa.concat_arrays(done).equals(work(COLUMN))
