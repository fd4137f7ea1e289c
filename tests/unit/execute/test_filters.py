"""Row conditions: typed once, nulls satisfy nothing, wrong ones named."""

import pyarrow as pa
import pytest

from gateway.errors import InvalidRequest
from gateway.execute.filters import RowFilter
from gateway.model.conditions import Condition, Operator

BATCH = pa.record_batch(
    {
        "n": pa.array([1, 2, None, 4], pa.int32()),
        "f": pa.array([0.0, -0.0, float("nan"), None]),
        "s": pa.array(["a", "B", "é", None]),
        "b": pa.array([True, False, None, True]),
        "d": pa.array([0, 1, 2, None], pa.int32()).cast(pa.date32()),
        "x": pa.array([b"1", b"2", None, b"4"]),
    }
)


def rows(column: str, operator: str, *values: str) -> list[int]:
    numbered = BATCH.append_column("row", pa.array([0, 1, 2, 3]))
    condition = Condition(column=column, operator=Operator(operator), values=values)
    return list(RowFilter.of([condition], BATCH.schema).apply(numbered)["row"].to_pylist())


@pytest.mark.parametrize(
    ("column", "operator", "values", "expected"),
    [
        ("n", "=", ["2"], [1]),
        ("n", "!=", ["2"], [0, 3]),
        ("n", "in", ["1", "4"], [0, 3]),
        ("n", "not in", ["1", "4"], [1]),
        ("n", "<", ["2"], [0]),
        ("n", ">=", ["2"], [1, 3]),
        ("n", "is null", [], [2]),
        ("n", "is not null", [], [0, 1, 3]),
        ("f", "=", ["-0"], [0, 1]),
        ("f", "in", ["0"], [0, 1]),
        ("f", "not in", ["0"], [2]),
        ("f", "!=", ["5"], [0, 1, 2]),
        ("f", ">", ["-1"], [0, 1]),
        ("s", "<", ["a"], [1]),
        ("s", ">", ["z"], [2]),
        ("b", "=", ["true"], [0, 3]),
        ("b", "!=", ["true"], [1]),
        ("d", ">", ["1970-01-01"], [1, 2]),
        ("x", "is null", [], [2]),
    ],
)
def test_a_condition_selects(
    column: str, operator: str, values: list[str], expected: list[int]
) -> None:
    assert rows(column, operator, *values) == expected


@pytest.mark.parametrize(
    ("column", "operator", "values", "told"),
    [
        ("n", "=", ["two"], "value 1 of the condition is not of type int32"),
        ("n", "in", ["1", "99999999999"], "value 2 of the condition"),
        ("d", "<", ["1.1.2020"], "not of type date32"),
        ("f", "=", ["nan"], "value 1"),
        ("b", "<", ["true"], "no order"),
        ("x", "=", ["a"], "null or not"),
        ("s", "=", ["a\0b"], "character"),
        ("s", "=", ["\ud800"], "character"),
        ("missing", "=", ["1"], "no such column"),
    ],
)
def test_a_wrong_condition_names_the_column_and_no_value(
    column: str, operator: str, values: list[str], told: str
) -> None:
    with pytest.raises(InvalidRequest, match=told) as caught:
        rows(column, operator, *values)
    assert caught.value.violations[0].field == column
    assert "two" not in str(caught.value)


def test_all_wrong_conditions_are_named_at_once() -> None:
    wrong = [Condition(column=c, operator=Operator.EQUAL, values=("?",)) for c in ("n", "q")]
    with pytest.raises(InvalidRequest) as caught:
        RowFilter.of(wrong, BATCH.schema)
    assert [v.field for v in caught.value.violations] == ["n", "q"]


def test_conditions_are_joined_by_and() -> None:
    both = [
        Condition(column="n", operator=Operator.GREATER, values=("1",)),
        Condition(column="b", operator=Operator.EQUAL, values=("true",)),
    ]
    assert RowFilter.of(both, BATCH.schema).apply(BATCH)["n"].to_pylist() == [4]
    assert RowFilter.of(both, BATCH.schema).columns == ("n", "b")


def test_a_typed_condition_shows_no_value() -> None:
    secret = Condition(column="s", operator=Operator.EQUAL, values=("张三",))
    assert "张三" not in repr(RowFilter.of([secret], BATCH.schema))
