"""The utility report: figures by hand, groups that are hit, and nothing of few people."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.utility_page import utility_page
from gateway.risk.utility.report import cramers_v, utility

EVERYBODY = np.ones(4, bool)


def table(**columns: list[object]) -> pa.Table:
    return pa.table(columns)


def test_a_release_that_changed_nothing_lost_nothing() -> None:
    same = table(city=["A", "B", "A", "C"], illness=["flu", None, "flu", "gout"])
    found = utility(same, same, EVERYBODY, ["city"], ["illness"])
    assert (found.loss, found.left_out, found.cross_table_error) == ("0.0000",) * 3
    [city] = found.columns
    assert (city.unchanged, city.entropy_kept, city.distance) == ("1.0000", "1.0000", "0.0000")
    assert found.association_error == "0.0000"
    assert not found.warnings


def test_figures_by_hand() -> None:
    before = table(city=["A", "A", "A", "B"])
    after = table(city=["A or B", "A or B", "A or B", "A or B"])
    found = utility(before, after, EVERYBODY, ["city"], smallest=1)
    [city] = found.columns
    # Both values are under the label; a reader takes each for half of the records.
    assert (city.loss, city.entropy_kept, city.unchanged) == ("1.0000", "0.0000", "0.0000")
    assert city.distance == "0.2500"
    assert [(bar.label, bar.share) for bar in city.before] == [("A", "0.7500"), ("B", "0.2500")]
    assert (found.discernibility, found.average_class_size) == ("16", "4.0000")


def test_what_was_left_out_is_lost_whole() -> None:
    before = table(city=["A", "A", "B", "B"])
    kept = np.array([True, True, True, False])
    found = utility(before, before.slice(0, 3), kept, ["city"], smallest=1)
    assert (found.left_out, found.loss) == ("0.2500", "0.2500")
    assert found.columns[0].entropy_kept == "0.7500"
    assert found.discernibility == str(4 + 1 + 4)


def test_a_group_that_is_hit_more_than_others_is_named() -> None:
    rng = np.random.default_rng(1)
    city = np.array(["A"] * 900 + ["B"] * 100)
    kept = np.where(city == "A", rng.random(1000) > 0.02, rng.random(1000) > 0.5)
    before = table(city=city.tolist(), age=list(range(1000)))
    found = utility(before, before.filter(pa.array(kept)), kept, ["city"])
    assert [warning.split(":")[0] for warning in found.warnings] == ["city = B"]
    [hit] = [group for group in found.groups if group.hit]
    assert (hit.value, hit.share) == ("B", "0.1000")


def test_chance_alone_is_no_warning() -> None:
    rng = np.random.default_rng(2)
    before = table(city=[str(n) for n in rng.integers(0, 20, 2000)])
    kept = rng.random(2000) > 0.05
    assert not utility(before, before.filter(pa.array(kept)), kept, ["city"]).warnings


def test_those_who_stayed_and_lost_more_are_named_too() -> None:
    city = ["A"] * 500 + ["B"] * 500
    age = [n % 10 for n in range(1000)]
    after = [str(n) for n in age[:500]] + ["*"] * 500
    found = utility(
        table(city=city, age=age),
        table(city=city, age=after),
        np.ones(1000, bool),
        ["age"],
        ["city"],
    )
    assert ["city = B" in warning for warning in found.warnings].count(True) == 1


def test_values_of_few_people_are_others() -> None:
    before = table(city=["A"] * 50 + ["the last hermit"] * 3)
    kept = np.array([True] * 50 + [False] * 3)
    found = utility(before, before.slice(0, 50), kept, ["city"])
    assert "hermit" not in found.model_dump_json()


def test_very_many_values_are_told_apart_as_far_as_memory_goes() -> None:
    names = [f"n{number}" for number in range(5000)]
    found = utility(table(name=names), table(name=["*"] * 5000), np.ones(5000, bool), ["name"])
    assert found.columns[0].loss == "1.0000"
    assert found.average_class_size == "5000.0000"


def test_tables_that_do_not_belong_together_are_refused() -> None:
    before = table(city=["A", "B"])
    with pytest.raises(ValueError, match="said to be kept"):
        utility(before, before, np.array([True, False]), ["city"])


@pytest.mark.parametrize(
    ("cells", "value"), [([[50, 0], [0, 50]], 1.0), ([[25, 25], [25, 25]], 0.0), ([[5], [7]], 0.0)]
)
def test_association(cells: list[list[int]], value: float) -> None:
    assert cramers_v(np.array(cells, float)) == pytest.approx(value)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1, max_size=60))
def test_all_shares_are_shares(rows: list[tuple[str, bool]]) -> None:
    before = table(x=[value for value, _ in rows], y=[value for value, _ in rows])
    kept = np.array([stays for _, stays in rows])
    after = before.filter(pa.array(kept)).set_column(0, "x", pa.array(["*"] * int(kept.sum())))
    found = utility(before, after, kept, ["x"], ["y"], smallest=1)
    shares = [
        found.left_out, found.loss, found.cross_table_error, found.association_error,
        *(getattr(c, f) for c in found.columns for f in ("unchanged", "loss", "entropy_kept", "distance")),
        *(share for g in found.groups for share in (g.share, g.left_out, g.loss)),
    ]  # fmt: skip
    assert all(0 <= float(share) <= 1 for share in shares)


def test_text_of_a_table_stays_text_on_the_page() -> None:
    attack = "<script>alert(1)</script>"
    before = table(city=[attack] * 40)
    page = utility_page(utility(before, before, np.ones(40, bool), ["city"]), "<b>x</b>")
    assert "<script" not in page
    assert "<b>" not in page
