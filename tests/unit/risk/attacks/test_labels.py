import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from gateway.risk.attacks.labels import Domain, covered, understood


def pairs(
    values: list[object],
    labels: list[str | None],
    hierarchy: pa.Table | None = None,
    *,
    null_is_value: bool = False,
) -> set[tuple[object, str | None]]:
    column = pa.array(values)
    value, label = covered(
        Domain.of(column), pa.array(labels, pa.string()), hierarchy, null_is_value=null_is_value
    )
    found = [(column[v].as_py(), labels[i]) for v, i in zip(value, label, strict=True)]
    assert len(set(found)) == len(found)
    return set(found)


@pytest.mark.parametrize(
    ("label", "inside"),
    [
        ("[10, 20)", {10, 15, 19}),
        ("[10, 20[", {10, 15, 19}),
        ("[10, 20]", {10, 15, 19, 20}),
        ("(10, 20]", {15, 19, 20}),
        ("]10; 20]", {15, 19, 20}),
        ("10–19", {10, 15, 19}),
        ("10-19", {10, 15, 19}),
        ("<15", {-5, 10}),
        ("≤15", {-5, 10, 15}),
        (">= 19", {19, 20}),
        (">19", {20}),
        ("-5–10", {-5, 10}),
        ("{10, 20}", {10, 20}),
        ("1*", {10, 15, 19}),
        ("*", {-5, 10, 15, 19, 20}),
        ("15", {15}),
        ("15.0", {15}),
        ("nonsense", set()),
    ],
)
def test_a_label_covers_the_numbers_that_lie_in_it(label: str, inside: set[int]) -> None:
    values = [-5, 10, 15, 19, 20]
    assert pairs(values, [label]) == {(value, label) for value in inside}


def test_numbers_as_text_lie_in_ranges_too() -> None:
    assert pairs(["12", "25"], ["[10, 20)"]) == {("12", "[10, 20)")}


@pytest.mark.parametrize(
    ("label", "inside"),
    [
        ("2024-03", {0}),
        ("2024-Q1", {0}),
        ("2024", {0, 1}),
        ("2020–2024", {0, 1}),
        ("[2024-03-01, 2024-06-30]", {0}),
        ("2024-03-09", {0}),
        ("2025-Q1", {2}),
        ("2024–2025", {0, 1, 2}),
    ],
)
@pytest.mark.parametrize("as_text", [False, True])
def test_a_date_fits_what_is_left_of_it(label: str, inside: set[int], as_text: bool) -> None:
    days = [dt.date(2024, 3, 9), dt.date(2024, 12, 31), dt.date(2025, 1, 1)]
    values = [str(day) for day in days] if as_text else days
    assert pairs(values, [label]) == {(values[at], label) for at in inside}


def test_an_ancestor_covers_its_leaves_alone() -> None:
    tree = pa.table({"a": ["Bern", "Lyon", "Nice"], "b": ["CH", "FR", "FR"], "c": ["*", "*", "*"]})
    assert pairs(["Bern", "Lyon", "Oslo"], ["FR", "Lyon"], tree) == {
        ("Lyon", "FR"),
        ("Lyon", "Lyon"),
    }


def test_a_hierarchy_decides_what_its_labels_cover() -> None:
    # As in a table that is in use, whose labels are off by one
    tree = pa.table({"age": ["15", "20", "21"], "five": ["15-19", "15-19", "20-24"]})
    found = pairs(["15", "20", "21"], ["15-19", "20-24", "[20, 30)"], tree)
    assert found == {
        ("15", "15-19"),
        ("20", "15-19"),
        ("21", "20-24"),
        ("20", "[20, 30)"),
        ("21", "[20, 30)"),
    }


def test_a_mask_covers_what_has_its_length_and_the_rest() -> None:
    values = ["13812345678", "13899995678", "1381234567", "13912345678"]
    assert pairs(values, ["138****5678"]) == {
        ("13812345678", "138****5678"),
        ("13899995678", "138****5678"),
    }


def test_a_null_covers_everything_unless_it_is_a_value_of_its_own() -> None:
    assert pairs(["a", None], [None, "*"]) == {("a", None), (None, None), ("a", "*"), (None, "*")}
    assert pairs(["a", None], [None], null_is_value=True) == {(None, None)}


def test_what_nothing_explains_is_told_apart() -> None:
    domain = Domain.of(pa.array(["a", "b"]))
    labels = pa.array(["a", "*", None, "1–2", "{a, b}", "x9f3"])
    assert understood(domain, labels, None).tolist() == [True] * 5 + [False]
    tree = pa.table({"leaf": ["a"], "root": ["x9f3"]})
    assert understood(domain, labels, tree).all()
    numbers = Domain.of(pa.array(np.arange(3)))
    assert understood(numbers, pa.array(["1.5", "many"]), None).tolist() == [True, False]
