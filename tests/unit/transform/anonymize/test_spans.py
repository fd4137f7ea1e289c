"""Spans: what a class publishes of a column, against every pair of leaves worked out one by one."""

import numpy as np
import pyarrow as pa
import pytest

from gateway.transform.anonymize import spans as spans_module
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.anonymize.proposals import proposed
from gateway.transform.anonymize.spans import Axis

PLACES = pa.table(
    {
        "0": ["x1", "a1", "b1", "a2", "b2", "b3", "c1"],
        "1": ["x", "a", "b", "a", "b", "b", "c"],
        "2": ["x", "ab", "ab", "ab", "ab", "ab", "c"],
        "3": ["*"] * 7,
    }
)
NUMBERS = pa.table({"0": ["10", "9", "-3", "2.5"], "1": ["*"] * 4})


_MOMENT = pa.timestamp("s")


def axis(ladder: Ladder, *, metric: str = "loss") -> Axis:
    leaves = np.arange(len(ladder.leaves), dtype=np.int32)
    return Axis.of(ladder, leaves, np.arange(1, len(leaves) + 1), metric, 1.0)


@pytest.mark.parametrize("tabled", [1_024, 0])
@pytest.mark.parametrize("null", [False, True])
def test_categories_have_their_lowest_common_ancestor(
    tabled: int, null: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans_module, "TABLED", tabled)
    ladder = Ladder.of_table(PLACES)
    made = axis(ladder.with_null() if null else ladder)
    rows = {row["0"]: list(row.values()) for row in PLACES.to_pylist()}
    names = made.ladder.leaves.take(pa.array(made.leaves)).to_pylist()
    for low in range(len(names)):
        for high in range(low, len(names)):
            ends = np.array([low], np.int32), np.array([high], np.int32)
            covered = names[low : high + 1]
            if low == high:
                expected, below = names[low], 1
            elif None in covered:
                expected, below = "*", len(names)
            else:
                levels = zip(*(rows[name] for name in covered), strict=True)
                expected = next(level[0] for level in levels if len(set(level)) == 1)
                below = sum(expected in row for row in rows.values())
                below = len(names) if expected == "*" else below
            assert made.labels(*ends).to_pylist() == [expected]
            assert made.cost(*ends)[0] == pytest.approx((below - 1) / (len(names) - 1))


@pytest.mark.parametrize("tabled", [1_024, 0])
def test_numbers_have_the_range_of_what_occurs_in_order_of_size(
    tabled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans_module, "TABLED", tabled)
    made = axis(Ladder.of_table(NUMBERS).with_null())
    low, high = np.array([0, 1, 3, 2, 4], np.int32), np.array([3, 1, 4, 3, 4], np.int32)
    assert made.labels(low, high).to_pylist() == ["[-3, 10]", "2.5", "*", "[9, 10]", None]
    np.testing.assert_allclose(made.cost(low, high), [3 / 4, 0, 1, 1 / 4, 0])


def test_entropy_counts_the_records_that_a_range_covers() -> None:
    made = axis(Ladder.of_table(NUMBERS), metric="entropy")
    # records: 10 has 1, 9 has 2, -3 has 3, 2.5 has 4
    low, high = np.array([0, 1, 0], np.int32), np.array([1, 2, 3], np.int32)
    np.testing.assert_allclose(made.exact(low, high), np.log2([7, 6, 10]))


def test_codes_that_read_as_numbers_are_no_numbers() -> None:
    # 1 and 3 belong together, and 2 does not lie between them
    mixed = pa.table({"0": ["1", "2", "3"], "1": ["odd", "even", "odd"], "2": ["*"] * 3})
    assert axis(Ladder.of_table(mixed)).ranges is None
    places = ["110101", "110102", "120103"]
    # up to codes, and to masks: digits that are no quantity
    for above in (["110100", "110100", "120100"], ["1101**", "1101**", "1201**"]):
        codes = pa.table({"0": places, "1": above, "2": ["*"] * 3})
        assert axis(Ladder.of_table(codes)).ranges is None
    spans = pa.table({"0": places, "1": ["11-11", "11-11", "12-12"], "2": ["*"] * 3})
    assert axis(Ladder.of_table(spans)).ranges is not None
    alone = Ladder.of_levels([pa.array(places), pa.array(["*"] * 3)], spans_module.SUPPRESSION)
    assert axis(alone).ranges is None


@pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("s"), pa.string()])
def test_days_and_moments_have_the_range_of_what_occurs(kind: pa.DataType) -> None:
    """Their years look like codes, 1990, and are none."""
    days = [f"19{year}-0{month}-15" for year in range(50, 99, 3) for month in (3, 7)]
    values = pa.array(days).cast(pa.date32())
    found = axis(proposed(values.cast(pa.timestamp("s")) if kind == _MOMENT else values.cast(kind)))
    [label] = found.labels(np.array([0], np.int32), np.array([3], np.int32)).to_pylist()
    first, last = ("1950-03-15", "1953-07-15")
    clock = " 00:00:00" if kind == _MOMENT else ""
    assert label == f"[{first}{clock}, {last}{clock}]"


def test_values_that_do_not_occur_count_for_the_loss_and_for_nothing_else() -> None:
    ladder = Ladder.of_table(pa.table({"0": ["1", "2", "3", "4", "5"], "1": ["*"] * 5}))
    made = Axis.of(ladder, np.array([0, 3], np.int32), np.array([1, 1]), "loss", 2.0)
    assert len(made) == 2
    ends = np.array([0], np.int32), np.array([1], np.int32)
    assert made.labels(*ends).to_pylist() == ["[1, 4]"]
    assert made.cost(*ends)[0] == pytest.approx(2 * 3 / 4)


@pytest.mark.parametrize("metric", ["loss", "entropy"])
@pytest.mark.parametrize("null", [False, True])
def test_what_is_computed_beforehand_is_what_is_computed_when_asked(
    metric: str, null: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for table in (NUMBERS, PLACES):
        ladder = Ladder.of_table(table)
        ladder = ladder.with_null() if null else ladder
        leaves = np.arange(len(ladder.leaves), dtype=np.int32)
        monkeypatch.setattr(spans_module, "TABLED", 1_024)
        tabled = Axis.of(ladder, leaves, leaves + 1, metric, 2.5)
        monkeypatch.setattr(spans_module, "TABLED", 0)
        bare = Axis.of(ladder, leaves, leaves + 1, metric, 2.5)
        low, high = np.triu_indices(len(leaves))
        low, high = low.astype(np.int32), high.astype(np.int32)
        assert len(tabled.table)
        assert not len(bare.table)
        np.testing.assert_allclose(bare.cost(low, high), tabled.cost(low, high), atol=1e-6)
        np.testing.assert_allclose(bare.exact(low, high), tabled.cost(low, high), atol=1e-6)
