"""Suppression of cells and of records alone: what stays is as it was, and the goal holds."""

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.model.anonymity import AnonymityGoal, KAnonymity, LDiversity, PrivacyModel
from gateway.risk.privacy.verify import verify
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.anonymize.problem import Problem
from gateway.transform.anonymize.suppression import suppress_cells, suppress_records

NAMES = ("a", "b", "c")
VALUES = ["1", "2", "3", "4"]
LADDER = Ladder.of_levels(
    [pa.array(VALUES), pa.array(["1-2", "1-2", "3-4", "3-4"]), pa.array(["*"] * 4)], "file"
)
CELL = st.none() | st.sampled_from(VALUES)
ROWS = st.lists(st.tuples(CELL, CELL, CELL, st.sampled_from("xyz")), min_size=2, max_size=40)


def problem_of(rows: list[tuple[str | None, ...]], *models: PrivacyModel) -> Problem:
    goal = AnonymityGoal(quasi_identifiers=NAMES, models=models, max_suppression="1")
    return Problem.of(table_of(rows), goal, dict.fromkeys(NAMES, LADDER), {})


def table_of(rows: list[tuple[str | None, ...]]) -> pa.Table:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return pa.table(columns, names=[*NAMES, "d"])


@given(ROWS, st.integers(2, 4))
def test_cells_are_as_they_were_or_suppressed_and_the_share_is_told(
    rows: list[tuple[str | None, ...]], k: int
) -> None:
    if len(rows) < k:
        return
    found = suppress_cells(problem_of(rows, KAnonymity(k=k)))
    released = found.apply(table_of(rows))
    assert released.num_rows == len(rows)
    suppressed = 0
    for row, published in zip(rows, released.to_pylist(), strict=True):
        for value, cell in zip(row, published.values(), strict=True):
            assert cell in (value, "*")
            suppressed += cell == "*"
    assert found.value == pytest.approx(suppressed / len(rows) / len(NAMES))
    assert all(one.holds for one in verify(released.to_batches(), NAMES, (KAnonymity(k=k),)))


@given(ROWS, st.integers(2, 4))
def test_those_records_are_left_out_whose_class_fails_and_no_other(
    rows: list[tuple[str | None, ...]], k: int
) -> None:
    sizes = Counter(row[:3] for row in rows)
    values = {row[:3]: {other[3] for other in rows if other[:3] == row[:3]} for row in rows}
    kept = [row for row in rows if sizes[row[:3]] >= k and len(values[row[:3]]) >= 2]
    models = (KAnonymity(k=k), LDiversity(column="d", l="2"))
    problem = problem_of(rows, *models)
    if not kept:
        with pytest.raises(InvalidRequest):
            suppress_records(problem)
        return
    released = suppress_records(problem).apply(table_of(rows))
    assert [tuple(row.values()) for row in released.to_pylist()] == kept
    assert all(one.holds for one in verify(released.to_batches(), NAMES, models))


def test_a_suppressed_cell_agrees_with_no_value() -> None:
    rows = [("1", "4", "1", "x"), *[("2", "4", "1", "x")] * 3]
    released = suppress_cells(problem_of(rows, KAnonymity(k=2))).apply(table_of(rows))
    # one cell would do if it counted as equal to everything; the candidate would be the only one
    assert released["a"].to_pylist() == ["*"] * 4
