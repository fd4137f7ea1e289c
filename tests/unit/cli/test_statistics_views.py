"""Answers and budgets as people see them."""

import json

import pyarrow as pa
import pytest

from gateway.cli.burn_down import drawn
from gateway.cli.output import show_fields, show_table
from gateway.cli.query import _cell, show_answer, show_price
from gateway.model.amounts import down, left, up

PRICE = {
    "epsilon": "1",
    "delta": "0",
    "privacy_unit": "the person",
    "errors": [{"column": "n", "note": "no interval of values"}],
    "plan_json": "",
    "remarks": [],
    "affordable": True,
}
NAMES = {"district", "n", "n_lower", "n_upper", "low", "x_lower"}


def test_a_burn_down_steps_down_at_each_charge() -> None:
    lines = drawn([0.0, 50.0, 100.0], [1.0, 0.5, 0.0])
    top, bottom = lines[0].partition("│")[2], lines[-2].partition("│")[2]
    assert top.count("█") == pytest.approx(30, abs=1)  # full until the first half of the time
    assert bottom.count("█") == pytest.approx(59, abs=1)  # half until the end
    assert bottom[-1] == " "  # nothing is left


def test_a_burn_down_of_one_moment_shows_what_is_left() -> None:
    lines = drawn([7.0], [0.25])
    assert sum("█" in line for line in lines) == 2  # of eight


def test_a_value_is_shown_with_its_interval_and_only_with_its_own() -> None:
    row = {"district": "A", "n": 1200, "n_lower": 1170, "n_upper": 1230, "low": 2.5}
    assert _cell(row, "n", NAMES) == "1,200  [1,170, 1,230]"
    assert _cell(row, "low", NAMES) == "2.5"
    assert _cell({**row, "n_lower": None}, "n", NAMES) == "1,200"
    assert _cell({**row, "n": None, "n_lower": None}, "n", NAMES) == "–"


def test_a_column_that_only_looks_like_an_end_is_shown(capsys) -> None:
    table = pa.table({"x_lower": [1], "n": [3], "n_lower": [2], "n_upper": [4]})
    answer = {
        "name": "answers/a-1",
        "price": PRICE,
        "reused": False,
        "left": [],
    }
    show_answer(answer, table)
    shown = capsys.readouterr().out
    assert "x_lower" in shown
    assert "n_lower" not in shown


def _planned(*, one_row: bool) -> dict[str, object]:
    plan = {
        "bounds": {"groups": 3, "rows": 1 if one_row else 2},
        "datasets": [{"one_row_per_person": one_row}],
    }
    errors = [
        {"column": "n", "half_width": "4", "mechanism": "geometric", "grid": "", "note": "a remark"}
    ]
    return {
        "name": "answers/a-1",
        "decision": {"outcome": "permitted"},
        "price": {**PRICE, "errors": errors, "plan_json": json.dumps(plan)},
        "reused": False,
        "left": [],
    }


@pytest.mark.parametrize("one_row", [False, True])
def test_what_of_a_person_counts_is_said_with_the_interval(capsys, one_row: bool) -> None:
    table = pa.table({"n": [3], "n_lower": [2], "n_upper": [4]})
    for show in (lambda told: show_answer(told, table), show_price):
        show(_planned(one_row=one_row))
        shown = capsys.readouterr()
        text = " ".join((shown.out + shown.err).split())
        assert ("at most 3 groups, and 2 rows in each" in text) is not one_row
        assert ("the interval is of the noise" in text) is not one_row
        assert "a remark" in text


@pytest.mark.parametrize("name", ["[/red]", "[bold]n", "[link=http://x]"])
def test_the_name_of_a_column_is_no_markup(capsys, name: str) -> None:
    show_table([name], [[1]], title=name)
    show_fields({name: 1})
    assert capsys.readouterr().out.count(name) == 3


@pytest.mark.parametrize(
    ("ratio", "above", "below"),
    [
        ("1/2", "0.5", "0.5"),
        ("1/3", "0.333334", "0.333333"),
        ("1/1000000000", "0.000000001", "0.000000001"),
        ("12345678/10", "1234570", "1234560"),
        ("0", "0", "0"),
        ("100", "100", "100"),
    ],
)
def test_what_is_spent_is_rounded_up_and_what_is_left_down(ratio, above, below) -> None:
    assert (up(ratio), down(ratio)) == (above, below)


def test_less_than_nothing_is_never_left() -> None:
    assert left("1", "3/2") == "0"
    assert left("1", "1/3") == "0.666666"
