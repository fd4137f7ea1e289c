"""A table as codes: hierarchies with nulls, keys of many columns, and all that is wrong said at once."""

import numpy as np
import pyarrow as pa
import pytest

from gateway.errors import InvalidRequest
from gateway.model.anonymity import AnonymityGoal, KAnonymity, KMap, LDiversity, TCloseness
from gateway.transform.anonymize.keys import ABSENT, KeySpace
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.anonymize.problem import Problem
from gateway.transform.anonymize.recoding import SUPPRESSED, Recoding

CITY = pa.table(
    {
        "leaf": ["甲", "乙", "丙"],
        "province": ["north", "north", "south"],
        "root": ["*", "*", "*"],
    }
)


def ladder(table: pa.Table = CITY) -> Ladder:
    return Ladder.of_table(table)


def goal(*names: str, **settings: object) -> AnonymityGoal:
    settings.setdefault("models", (KAnonymity(k=2),))
    return AnonymityGoal(quasi_identifiers=names, **settings)


def refusal(table: pa.Table, wanted: AnonymityGoal, *args: object) -> str:
    with pytest.raises(InvalidRequest) as caught:
        Problem.of(table, wanted, *args)
    return caught.value.message


def test_a_null_is_a_leaf_that_joins_the_others_at_the_root_only() -> None:
    found = ladder().with_null()
    assert [labels.to_pylist() for labels in found.labels] == [
        ["甲", "乙", "丙", None],
        ["north", "south", None],
        ["*"],
    ]
    assert found.below(1).tolist() == [2, 1, 1]
    assert found.loss(1).tolist() == pytest.approx([1 / 3, 0, 0])


def test_a_null_never_joins_a_hierarchy_without_a_root() -> None:
    found = ladder(CITY.select([0, 1])).with_null()
    assert not found.rooted
    assert found.labels[1].to_pylist() == ["north", "south", None]


def test_numbers_and_dates_are_told_from_other_leaves() -> None:
    def leaves(*texts: str) -> Ladder:
        return Ladder.of_levels([pa.array(texts), pa.array(["*"] * len(texts))], "test")

    assert leaves("3", "-1.5").numbers().tolist() == [3.0, -1.5]
    assert leaves("1970-01-02").numbers().tolist() == [1.0]
    assert leaves("nan", "1").numbers() is None
    assert leaves("3", "three").numbers() is None


def test_combinations_beyond_64_bits_stay_apart_and_are_found_again() -> None:
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 1000, (500, 25), dtype=np.int32)
    codes[250:] = codes[:250]
    codes[250:, 24] = (codes[:250, 24] + 1) % 1000
    space, keys = KeySpace.of(codes, (1000,) * 25)
    assert len(np.unique(keys)) == 500
    assert np.array_equal(space.keys(codes), keys)
    absent = codes.copy()
    absent[:, 0] = (absent[:, 0] + 1) % 1000
    assert not np.isin(space.keys(absent), keys).any()
    assert ABSENT not in keys


def test_all_that_is_wrong_with_columns_is_said_at_once() -> None:
    table = pa.table({"city": ["甲"], "list": [[1]]})
    said = refusal(
        table,
        goal("city", "list", "nowhere", models=(LDiversity(column="illness", l=2),)),
        {"city": ladder()},
    )
    for part in (
        "nowhere: the table has no such column",
        "illness: the table has no such column",
        "list: list<item: int64> has neither order nor text",
        "list: has no hierarchy",
    ):
        assert part in said


def test_a_column_that_stands_twice_is_refused() -> None:
    table = pa.Table.from_arrays([pa.array(["甲"]), pa.array(["乙"])], names=["city", "city"])
    assert "two columns of that name" in refusal(table, goal("city"), {"city": ladder()})


def test_a_value_missing_in_the_hierarchy_is_named_by_its_row_alone() -> None:
    table = pa.table({"city": ["甲", "丁的秘密"]})
    said = refusal(table, goal("city"), {"city": ladder()})
    assert "row 2 of the table is not in the hierarchy" in said
    assert "秘密" not in said


def test_populations_and_trees_that_are_named_must_be_there() -> None:
    table = pa.table({"city": ["甲"], "illness": ["flu"]})
    models = (
        KMap(k=2, population="census"),
        TCloseness(column="illness", t="0.2", distance="hierarchical", hierarchy="icd"),
    )
    said = refusal(table, goal("city", models=models), {"city": ladder()})
    assert "census: there is no such table" in said
    assert "icd: there is no such hierarchy" in said


def test_weights_of_columns_mean_nothing_to_metrics_of_classes() -> None:
    table = pa.table({"city": ["甲"]})
    wanted = goal("city", metric="discernibility", weights={"city": 2})
    assert "counts classes and not columns" in refusal(table, wanted, {"city": ladder()})


def test_an_empty_table_is_refused() -> None:
    table = pa.table({"city": pa.array([], pa.string())})
    assert "nothing to anonymise" in refusal(table, goal("city"), {"city": ladder()})


def by_hand() -> Recoding:
    """Cities by province, the one record of the south left out."""
    table = pa.table({"city": ["乙", "甲", "丙", "甲"], "age": [1, 2, 3, 4]})
    problem = Problem.of(table, goal("city"), {"city": ladder()})
    south = ladder().leaves.index("丙").as_py()
    return Recoding(
        "full_domain",
        "loss",
        0.5,
        {"city": 1},
        True,
        (ladder().leaves,),
        problem.tuples,
        np.where(problem.tuples[:, 0] == south, SUPPRESSED, 0),
        pa.table({"city": ["north"]}),
        frozenset(),
        problem.row_tuple,
    )


@pytest.mark.parametrize("stored", [False, True])
def test_a_recoding_applies_to_rows_in_any_order_and_number(stored: bool) -> None:
    recoding = by_hand()
    assert recoding.suppressed.tolist() == [False, False, True, False]
    if stored:
        recoding = Recoding.from_bytes(recoding.to_bytes())
        with pytest.raises(ValueError, match="knows no rows"):
            _ = recoding.class_of
    again = pa.table({"age": [7, 8, 9], "city": ["丙", "甲", "乙"]})
    assert recoding.apply(again).to_pydict() == {"age": [8, 9], "city": ["north", "north"]}
    assert recoding.classes_of(again.to_batches()[0]).tolist() == [SUPPRESSED, 0, 0]


def test_a_row_of_another_version_is_not_let_through() -> None:
    with pytest.raises(InvalidRequest, match="not of the version"):
        by_hand().apply(pa.table({"city": ["甲", "丁"]}))
