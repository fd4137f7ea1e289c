"""The checks judge the output alone, keep to memory, and tell nothing about what they refuse."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from gateway.errors import CheckFailed
from gateway.execute.checks import OutputChecks
from gateway.model.plan import (
    Charge,
    CheckSpec,
    GradesCheck,
    MaxRowsCheck,
    MinCellCheck,
    Plan,
    SchemaCheck,
    Step,
)
from gateway.model.transforms import Keep


def plan(schema: pa.Schema, *checks: CheckSpec) -> Plan:
    steps = tuple(
        Step(
            column=f.name,
            published=f.name,
            source_type=str(f.type),
            output_type=str(f.type),
            transform=Keep(),
            on_unhandled="stop",
        )
        for f in schema
    )
    return Plan(
        dataset="datasets/a",
        dataset_fingerprint="0" * 64,
        schema_digest="0" * 64,
        recipient="parties/b",
        purpose="p",
        steps=steps,
        checks=(SchemaCheck(), *checks),
        charge=Charge(rows=0),
        expires_after_days=1,
    )


def judge(table: pa.Table, *checks: CheckSpec, memory_mib: int = 256) -> list[str]:
    with OutputChecks(plan(table.schema, *checks), memory_mib=memory_mib) as judged:
        for batch in table.to_batches(max_chunksize=1000):
            judged.see(batch)
        figures = judged.figures()
    assert all(figure.passed for figure in figures)
    return [figure.value for figure in figures]


def cell(size: int, *columns: str) -> MinCellCheck:
    return MinCellCheck(size=size, columns=columns, small_cells="refuse")


PEOPLE = pa.table({"sex": ["f", "f", None, None, "m", "m"], "age": [30, 30, 30, 30, 40, 40]})


def test_an_output_as_planned_passes_with_figures() -> None:
    assert judge(PEOPLE, MaxRowsCheck(rows=6), cell(2, "sex", "age")) == ["2", "6", "2"]
    assert judge(PEOPLE, cell(2, "age")) == ["2", "2"]


@pytest.mark.parametrize(
    "batch",
    [
        PEOPLE.select(["sex"]),
        PEOPLE.select(["age", "sex"]),
        PEOPLE.rename_columns(["sex", "years"]),
        PEOPLE.set_column(1, "age", PEOPLE["age"].cast(pa.int32())),
        PEOPLE.append_column("name", [["x"] * 6]),
    ],
    ids=["missing", "moved", "renamed", "retyped", "added"],
)
def test_an_output_not_as_planned_is_refused(batch: pa.Table) -> None:
    with (
        OutputChecks(plan(PEOPLE.schema), memory_mib=64) as judged,
        pytest.raises(CheckFailed, match="exactly the planned columns"),
    ):
        judged.see(batch.to_batches()[0])


def test_a_column_that_is_not_well_formed_is_refused() -> None:
    bad = pa.array([b"\xff"], pa.binary()).view(pa.string())
    with pytest.raises(CheckFailed, match="not well-formed"):
        judge(pa.table({"s": bad}))


def test_one_row_too_many_is_refused_without_the_count() -> None:
    with pytest.raises(CheckFailed) as caught:
        judge(PEOPLE, MaxRowsCheck(rows=5))
    assert caught.value.message == "the output has more rows than the policy permits"
    assert not caught.value.metadata


@pytest.mark.parametrize("columns", [("sex",), ("sex", "age"), ("age", "sex")])
def test_a_small_cell_is_refused_and_nulls_are_a_value(columns: tuple[str, ...]) -> None:
    table = PEOPLE.slice(0, 5)  # one m left
    with pytest.raises(CheckFailed, match="fewer than 2 records") as caught:
        judge(table, cell(2, *columns))
    assert "5" not in caught.value.message
    nulls = PEOPLE.slice(1)
    with pytest.raises(CheckFailed):
        judge(nulls.filter(pa.compute.is_null(nulls["sex"])).slice(1), cell(2, "sex"))


def test_cells_are_counted_over_all_batches() -> None:
    table = pa.table({"n": [i % 700 for i in range(7000)]})
    assert judge(table, cell(10, "n")) == ["1", "10"]
    with pytest.raises(CheckFailed):
        judge(table, cell(11, "n"))


def test_without_quasi_identifiers_all_records_are_one_cell() -> None:
    assert judge(PEOPLE, cell(6)) == ["2", "6"]
    with pytest.raises(CheckFailed):
        judge(PEOPLE, cell(7))


def test_batches_without_records_do_not_matter() -> None:
    empty, full = PEOPLE.slice(0, 0).to_batches(), PEOPLE.to_batches()
    empty = empty or [pa.RecordBatch.from_pylist([], schema=PEOPLE.schema)]
    with OutputChecks(plan(PEOPLE.schema, cell(2, "sex")), memory_mib=64) as judged:
        for batch in (*empty, *full, *empty, *full):
            judged.see(batch)
        assert judged.figures()[-1].value == "4"


def test_no_records_have_no_small_cell() -> None:
    assert judge(PEOPLE.slice(0, 0), cell(5, "sex")) == ["2", "no records"]
    assert judge(PEOPLE.slice(0, 0), cell(5)) == ["2", "no records"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("", None),
        ("a", "a\0"),
        ("a", "A"),
        ("é", "e\u0301"),
        (0.0, -0.0),
        (1, None),
        (False, None),
        (date(2020, 1, 1), None),
        (Decimal("1.10"), Decimal("1.20")),
        (b"\xff", b"\xfe"),
    ],
)
def test_what_differs_in_the_output_is_two_cells(one: object, other: object) -> None:
    with pytest.raises(CheckFailed):
        judge(pa.table({"x": [one, one, other]}), cell(2, "x"))
    assert judge(pa.table({"x": [one, other, one, other]}), cell(2, "x"))[1] == "2"


def test_a_check_of_columns_that_are_not_released_fails_before_anything_is_read() -> None:
    with pytest.raises(CheckFailed, match="not released"):
        OutputChecks(plan(PEOPLE.schema, cell(2, "sex", "height")), memory_mib=64)


def test_too_many_cells_fail_closed_and_leave_nothing_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    many = pa.table({"x": [f"{i:0100d}" for i in range(400_000)]})
    with pytest.raises(CheckFailed, match="x have too many combinations") as caught:
        judge(many, cell(2, "x"), memory_mib=16)
    assert caught.value.__cause__ is None
    assert list(tmp_path.iterdir()) == []


# ---- grades -----------------------------------------------------------------------------------


def graded(rows: int, highest: str) -> list[str]:
    table = pa.table({"income": pa.repeat(1, rows)})
    made = plan(table.schema, GradesCheck(highest=highest))
    step = made.steps[0].but(item="INCOME", grade="general-4")
    with OutputChecks(made.but(steps=(step,)), memory_mib=64) as judged:
        for batch in table.to_batches():
            judged.see(batch)
        return [figure.value for figure in judged.figures() if figure.check == "grades"]


def test_the_grade_of_what_leaves_is_worked_out_again_from_the_rows_there_are():
    assert graded(10, "general-4") == ["general-4"]
    assert graded(10, "important") == ["general-4"]  # fewer rows than were planned for
    with pytest.raises(CheckFailed, match="graded general-4, above general-3 as planned"):
        graded(10, "general-3")
    with pytest.raises(CheckFailed, match="graded important, above general-4 as planned"):
        graded(1_000_000, "general-4")


def test_a_step_that_does_not_say_what_it_reads_is_refused_below_core():
    table = pa.table({"a": [1]})
    with pytest.raises(CheckFailed, match="graded core"):
        judge(table, GradesCheck(highest="important"))
    assert judge(table, GradesCheck(highest="core"))[-1] == "core"
    assert plan(table.schema).grade == "core"  # where no check states one
    assert plan(table.schema, GradesCheck(highest="general-3")).grade == "general-3"
