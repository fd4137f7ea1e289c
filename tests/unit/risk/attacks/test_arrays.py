import numpy as np
import pytest

from gateway.risk.attacks import arrays
from gateway.risk.attacks.arrays import expand, is_member, joined


@pytest.mark.parametrize("largest", [1 << 62, 50])
def test_rows_that_agree_get_one_code(monkeypatch: pytest.MonkeyPatch, largest: int) -> None:
    monkeypatch.setattr(arrays, "_LARGEST", largest)
    rows = np.random.default_rng(1).integers(0, 4, (500, 5))
    code, first = joined(list(rows.T))
    assert (rows[first[code]] == rows).all()
    assert len(first) == len(np.unique(rows, axis=0)) == code.max() + 1


def test_more_combinations_than_a_number_holds_stay_apart() -> None:
    rows = np.eye(9, dtype=np.int64) * 1_000_000_000
    code, _ = joined(list(rows.T))
    assert sorted(code) == list(range(9))


def test_runs_are_laid_end_to_end() -> None:
    which, place = expand(np.array([10, 20, 30]), np.array([2, 0, 3]))
    assert which.tolist() == [0, 0, 2, 2, 2]
    assert place.tolist() == [10, 11, 30, 31, 32]


def test_members_are_found_at_both_ends() -> None:
    among = np.array([2, 5, 9])
    assert is_member(np.array([1, 2, 5, 9, 10]), among).tolist() == [False, True, True, True, False]
    assert not is_member(np.array([1]), among[:0]).any()
