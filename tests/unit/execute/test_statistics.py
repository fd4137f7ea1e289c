"""Exact bounded aggregation, against plain Python; and that no data is beyond it."""

from collections import defaultdict
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gateway.errors import SourceChanged
from gateway.execute.statistics.answer import answer
from gateway.execute.statistics.contributions import Amount, Contributions
from gateway.execute.statistics.run import StatisticsExecutor
from gateway.model.catalog import Contributions as Declared
from gateway.model.statistics import ContributionBounds
from gateway.planning.accounting.errors import half_width
from tests.property._asked import Asking, Rows, SystemEntropy, described, numbers

BOUNDS = {"v": (-50, 100), "g": (0, 9), "w": ("-1.5", "2.5")}


def _table(rows: int = 4000, people: int = 300, seed: int = 1) -> pa.Table:
    draw = np.random.default_rng(seed)
    person = pa.array(
        [None if p == 0 else int(p) for p in draw.integers(0, people, rows)], pa.int64()
    )
    value = pa.array(
        [None if x > 120 else int(x) for x in draw.integers(-80, 130, rows)], pa.int64()
    )
    return pa.table(
        {
            "person": person,
            "g": pa.array(draw.integers(-1, 12, rows), pa.int32()),
            "v": value,
            "w": pa.array(draw.normal(0, 2, rows)),
            "name": pa.array([f"n{n}" for n in draw.integers(0, 5, rows)]),
        }
    )


def _asking(sql: str, table: pa.Table, tmp_path: Path, **more: object) -> Asking:
    contributions = more.pop("contributions", None)
    groups = more.pop("listed", None)
    dataset = described("tab", table, bounds=BOUNDS, groups=groups, contributions=contributions)
    return Asking(sql, {"t": (dataset, table)}, tmp_path, **more)


def _pairs(table: pa.Table) -> dict[tuple[int, int], list[int | None]]:
    found = defaultdict(list)
    for row in table.to_pylist():
        if row["person"] is not None and 0 <= row["g"] <= 9:
            found[row["person"], row["g"]].append(row["v"])
    return found


@pytest.mark.parametrize("batch_rows", [100, 65_536])
def test_counts_and_sums_are_those_of_bounded_rows(tmp_path: Path, batch_rows: int) -> None:
    table = _table()
    asking = _asking(
        "SELECT g, COUNT(*) n, COUNT(v) m, SUM(v) s, COUNT(DISTINCT person) p FROM tab GROUP BY g",
        table, tmp_path, batch_rows=batch_rows, groups=10, rows=2,
    )  # fmt: skip
    exact = asking.exact()
    n, m, s, p = (exact.measures[part.measures[0]] for part in asking.plan.parts)
    wanted = {key: [0] * 10 for key in "nmsp"}
    for (_, g), values in _pairs(table).items():
        real = [max(-50, min(100, v)) for v in values if v is not None]
        k, many = 2, len(values)
        wanted["n"][g] += min(many, k)
        wanted["m"][g] += len(real) * k // many if many > k else len(real)
        wanted["s"][g] += sum(real) * k // many if many > k else sum(real)
        wanted["p"][g] += 1
    assert n.tolist() == wanted["n"]
    assert p.tolist() == wanted["p"]
    assert s.tolist() == wanted["s"]
    assert m.tolist() == wanted["m"]


def test_a_person_counts_in_no_more_groups_than_the_bound(tmp_path: Path) -> None:
    table = _table()
    for most in (1, 2, 3):
        asking = _asking(
            "SELECT g, COUNT(DISTINCT person) p FROM tab GROUP BY g", table, tmp_path, groups=most
        )
        touched = defaultdict(set)
        for person, g in _pairs(table):
            touched[person].add(g)
        wanted = sum(min(len(groups), most) for groups in touched.values())
        assert asking.exact().measures[0].sum() == wanted


def test_the_groups_of_a_person_are_drawn_alike(tmp_path: Path) -> None:
    everybody = [person for person in range(4000) for _ in range(4)]
    groups = pa.array([0, 3, 5, 9] * 4000, pa.int32())
    table = pa.table({"person": everybody, "g": groups, "v": [1] * 16_000})
    asking = _asking("SELECT g, COUNT(*) n FROM tab GROUP BY g", table, tmp_path, groups=1)
    seen = asking.exact().measures[0]
    assert seen.sum() == 4000
    # a fair draw is about 1,000 each, and ten sigma from it never
    assert all(abs(seen[g] - 1000) < 274 for g in (0, 3, 5, 9))
    assert seen.tolist() != asking.exact().measures[0].tolist()  # drawn anew


def test_what_one_person_has_never_moves_another(tmp_path: Path) -> None:
    table = _table()
    sql = "SELECT g, COUNT(*) n, SUM(v) s FROM tab GROUP BY g"
    without = table.filter(pa.compute.not_equal(table["person"], 5))
    one, other = (
        _asking(sql, t, tmp_path, groups=10, rows=3).exact().measures for t in (table, without)
    )
    assert max(abs(one[0] - other[0])) <= 3
    assert max(abs(one[1] - other[1])) <= 3 * 100


def test_declared_single_rows_give_the_same_numbers(tmp_path: Path) -> None:
    table = _table(people=10**9)
    sql = "SELECT g, COUNT(*) n, SUM(v) s, AVG(w) a, MEDIAN(v) q FROM tab WHERE name <> 'n1' GROUP BY g"
    declared = Declared(one_row_per_person=True)
    plain = _asking(sql, table, tmp_path, contributions=declared).exact()
    bounded = _asking(sql, table, tmp_path).exact()
    assert numbers(plain) == numbers(bounded)


def test_a_quantile_is_of_weights_that_a_person_has_no_more_of_than_the_bound(
    tmp_path: Path,
) -> None:
    table = pa.table(
        {"person": [1, 2] + [3] * 1000, "v": pa.array([-50, 100] + list(range(100)) * 10)}
    )
    asking = _asking("SELECT MEDIAN(v) FROM tab", table, tmp_path, rows=2)
    (measure,) = asking.plan.measures
    weights = asking.exact().weights[0].of(np.array([0]))[0]
    assert (
        weights[0]
        == weights[-1] - 1000 * (2 * measure.weight // 1000) // 1000 * 0
        == measure.weight
    )
    assert 2 * measure.weight < weights.sum() <= 4 * measure.weight


@pytest.mark.parametrize("kind", ["int64", "string", "binary"])
def test_a_person_is_told_by_a_column_of_any_type(tmp_path: Path, kind: str) -> None:
    table = _table()
    text = table["person"].cast(pa.string())
    person = table["person"] if kind == "int64" else text.cast(kind)
    changed = table.set_column(0, "person", person)
    sql = "SELECT g, COUNT(*) n, COUNT(DISTINCT person) p FROM tab GROUP BY g"
    found = _asking(sql, changed, tmp_path, groups=10, rows=2).exact()
    same = _asking(sql, table, tmp_path, groups=10, rows=2).exact()
    assert [found.measures[at].tolist() for at in (0, 1)] == [
        same.measures[at].tolist() for at in (0, 1)
    ]


def test_groups_that_are_found_are_sorted_and_complete(tmp_path: Path) -> None:
    table = _table()
    asking = _asking(
        "SELECT name, COUNT(*) n FROM tab GROUP BY name", table, tmp_path, rows=50, groups=5
    )
    exact = asking.exact()
    assert exact.keys.column("name").to_pylist() == ["n0", "n1", "n2", "n3", "n4"]
    assert exact.persons is not None
    everybody = {(r["person"], r["name"]) for r in table.to_pylist() if r["person"] is not None}
    assert exact.persons.sum() == len(everybody)


def test_listed_groups_are_all_answered_whoever_is_in_them(tmp_path: Path) -> None:
    asking = _asking(
        "SELECT name, g > 5 AS high, COUNT(*) n FROM tab GROUP BY name, high",
        _table(), tmp_path, listed={"name": ("n4", "nobody")},
    )  # fmt: skip
    answer = asking.answer()
    assert answer.column("name").to_pylist() == ["n4", "n4", "nobody", "nobody"]
    assert answer.column("high").to_pylist() == [False, True, False, True]
    assert asking.exact().measures[0].tolist()[2:] == [0, 0]


@pytest.mark.parametrize(
    ("expression", "row", "wanted"),
    [
        ("v / 0", {"v": 5}, None),
        ("v % 0", {"v": 5}, None),
        ("v * v * v", {"v": 9_000_000_000_000}, None),
        ("-v", {"v": -(2**63)}, None),
        ("ABS(v)", {"v": -(2**63)}, None),
        ("v + 1", {"v": 2**63 - 1}, None),
        ("v % -1", {"v": -(2**63)}, 0),
        ("w", {"w": float("nan")}, None),
        ("w", {"w": float("inf")}, None),
        ("w * 1e300 * 1e300", {"w": 1.0}, None),
        ("SQRT(w)", {"w": -1.0}, None),
        ("CAST(name AS INTEGER)", {"name": "x"}, None),
        ("CAST(name AS INTEGER)", {"name": "42"}, 42),
        ("CAST(name AS DOUBLE)", {"name": "nan"}, None),
        ("CAST(w AS INTEGER)", {"w": 1e300}, None),
        ("YEAR(CAST(name AS DATE))", {"name": "no date"}, None),
        ("YEAR(CAST(name AS DATE))", {"name": "2001-02-03"}, 2001),
        ("CLAMP(v, 0, 10)", {"v": None}, None),
        ("CLAMP(v, 0, 10)", {"v": 99}, 10),
        ("GREATEST(v, 3)", {"v": 2}, 3),
        ("WIDTH_BUCKET(v, 0, 10, 5)", {"v": 10}, 6),
        ("WIDTH_BUCKET(v, 0, 10, 5)", {"v": 9}, 5),
        ("WIDTH_BUCKET(v, 0, 10, 5)", {"v": -1}, 0),
        ("CASE WHEN v > 1 THEN 7 END", {"v": 1}, None),
        ("CASE v WHEN 1 THEN 7 ELSE 8 END", {"v": 1}, 7),
        ("LENGTH(name || 'xy')", {"name": "ab"}, 4),
        ("LENGTH(name || 'xy')", {"name": None}, None),
        ("LENGTH(SUBSTRING(TRIM(UPPER(name)), 2, 3))", {"name": " ßabcdef "}, 3),
        ("CASE WHEN name LIKE 'a_c%' THEN 1 ELSE 0 END", {"name": "abcd"}, 1),
        ("CASE WHEN name IN ('x', 'it''s') THEN 1 ELSE 0 END", {"name": "it's"}, 1),
        ("MONTH(d)", {"d": date(2020, 5, 6)}, 5),
        ("EXTRACT(DOW FROM d)", {"d": date(2024, 1, 7)}, 0),
        ("MONTH(DATE_TRUNC('year', d))", {"d": date(2020, 5, 6)}, 1),
        ("HOUR(ts)", {"ts": datetime.fromisoformat("2020-05-06T23:59")}, 23),
        (
            "CASE WHEN ts < '2020-05-07' THEN 1 ELSE 0 END",
            {"ts": datetime.fromisoformat("2020-05-06T23:00")},
            1,
        ),
        ("ROUND(w, 1)", {"w": 0.25}, 0.3),
        ("CASE WHEN w IS NULL THEN 1 ELSE 0 END", {"w": float("nan")}, 1),
    ],
)
def test_expressions_never_fail_whatever_a_row_holds(
    tmp_path: Path, expression: str, row: dict[str, object], wanted: float | None
) -> None:
    schema = pa.schema(
        [
            ("person", pa.int64()),
            ("v", pa.int64()),
            ("w", pa.float64()),
            ("name", pa.string()),
            ("d", pa.date32()),
            ("ts", pa.timestamp("us")),
        ]
    )
    empty = dict.fromkeys(schema.names)
    table = pa.Table.from_pylist([{**empty, "person": 1, **row}], schema=schema)
    sql = f"SELECT COUNT({expression}) n, SUM(CLAMP({expression}, -9999, 9999)) s FROM tab"  # noqa: S608
    asking = _asking(sql, table, tmp_path)
    exact = asking.exact()
    count, total = (exact.measures[part.measures[0]][0] for part in asking.plan.parts)
    decimals = asking.plan.measures[asking.plan.parts[1].measures[0]].decimals
    assert count == (wanted is not None)
    assert total == round((wanted or 0) * 10**decimals)


@pytest.mark.parametrize("name", ["n_lower", "g"])
def test_no_column_of_an_answer_takes_the_place_of_another(tmp_path: Path, name: str) -> None:
    asking = _asking("SELECT g, COUNT(*) n, SUM(v) s FROM tab GROUP BY g", _table(), tmp_path)
    exact = asking.exact()
    question = asking.plan.question
    count, total = question.aggregates
    # What the question itself refuses.
    collides = question.model_copy(
        update={"aggregates": (count, total.model_copy(update={"name": name}))}
    )
    with pytest.raises(ValueError, match="same name"):
        answer(asking.plan.model_copy(update={"question": collides}), exact, SystemEntropy())


def test_a_uselessly_small_epsilon_is_told_with_the_noise_that_it_makes(tmp_path: Path) -> None:
    sql = "SELECT COUNT(*) n, MEDIAN(v) q FROM tab"
    plan = _asking(sql, _table(), tmp_path, epsilon="0.00002").plan
    reach = half_width(plan.measures[plan.parts[0].measures[0]].mechanism)
    assert reach > 100_000
    assert f"±{float(reach):,.6g} rows," in plan.why[0]
    assert "rows about the place of a quantile" in plan.why[0]
    assert "no interval of values" in plan.expected[1].note


def test_nothing_is_an_answer_too(tmp_path: Path) -> None:
    empty = _table(rows=10).slice(0, 0)
    sql = "SELECT g, COUNT(*) n, AVG(v) a, MEDIAN(w) q, STDDEV(v) d FROM tab GROUP BY g"
    for contributions in (None, Declared(one_row_per_person=True)):
        answer = _asking(sql, empty, tmp_path, contributions=contributions).answer()
        assert answer.num_rows == 10
        assert answer.column("a").null_count == 0


def test_no_groups_at_all_are_found_in_nothing(tmp_path: Path) -> None:
    answer = _asking(
        "SELECT name, COUNT(*) n FROM tab GROUP BY name", _table(rows=9).slice(0, 0), tmp_path
    ).answer()
    assert answer.num_rows == 0
    assert answer.column_names == ["name", "n", "n_lower", "n_upper"]


def test_columns_of_nulls_alone(tmp_path: Path) -> None:
    table = pa.table(
        {"person": [1, 2], "v": pa.nulls(2, pa.int64()), "w": pa.nulls(2, pa.float64())}
    )
    exact = _asking("SELECT SUM(v), AVG(w), MEDIAN(v), COUNT(*) FROM tab", table, tmp_path).exact()
    assert numbers(exact) == {0: [0], 1: [0], 2: [0], 3: [2], 4: [[0] * 151]}


def test_a_sum_that_64_bits_do_not_hold_stands_still(tmp_path: Path) -> None:
    rows = 40
    with Contributions(
        ContributionBounds(groups=1, rows=1_000_000), 1, [Amount(0, 1 << 40), Amount(-(1 << 40), 0)], [],
        parts=1, memory=1 << 20, folder=tmp_path, key=bytes(16),
    ) as contributions:  # fmt: skip
        for _ in range(rows):
            contributions.add(
                pa.record_batch(
                    {
                        "person": pa.array(range(1 << 17)),
                        "code": pa.array(np.zeros(1 << 17, dtype=np.int64)),
                        "a0": pa.array(np.full(1 << 17, 1 << 40)),
                        "a1": pa.array(np.full(1 << 17, -(1 << 40))),
                    }
                )
            )
        contributions.finish()
        assert contributions.amount(0).tolist() == [1 << 62]
        assert contributions.amount(1).tolist() == [-(1 << 62)]
        assert contributions.rows.tolist() == [rows << 17]


def test_a_person_with_a_million_rows(tmp_path: Path) -> None:
    many = 1_200_000
    table = pa.table(
        {
            "person": pa.array(np.concatenate([np.full(many, 1), np.arange(2, 1000)])),
            "g": pa.array(np.zeros(many + 998, dtype=np.int32)),
            "v": pa.array(np.full(many + 998, 100)),
        }
    )
    asking = _asking("SELECT g, COUNT(*) n, SUM(v) s FROM tab GROUP BY g", table, tmp_path, rows=5)
    exact = asking.exact()
    assert exact.measures[0][0] == 998 + 5
    assert exact.measures[1][0] == 100 * (998 + 5)


def test_rows_are_brought_together_before_a_part_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, sql = _table(), "SELECT g, COUNT(*) n, SUM(v) s, MEDIAN(v) q FROM tab GROUP BY g"
    wanted = _asking(sql, table, tmp_path, groups=10, rows=2).exact()
    monkeypatch.setattr("gateway.execute.statistics.contributions._COMPACT_ROWS", 50)
    found = _asking(sql, table, tmp_path, groups=10, rows=2, batch_rows=100).exact()
    assert numbers(wanted) == numbers(found)


def test_what_does_not_fit_is_put_away_and_nothing_of_it_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, sql = _table(), "SELECT g, COUNT(*) n, SUM(v) s, MEDIAN(v) q FROM tab GROUP BY g"
    wanted = _asking(sql, table, tmp_path, groups=10, rows=2).exact()
    written: list[bytes] = []
    from gateway.execute.statistics.spill import Spill

    real = Spill.write

    def seen(self: Spill, part: int, batch: pa.RecordBatch) -> None:
        real(self, part, batch)
        self._file.flush()
        self._file.seek(0)
        written.append(self._file.read())
        assert not list(tmp_path.iterdir())  # the file has no name

    monkeypatch.setattr(Spill, "write", seen)
    monkeypatch.setattr("gateway.execute.statistics.contributions.PART_ROWS", 1000)
    marked = table.set_column(
        0,
        "person",
        pa.array([None if p is None else f"MARK{p}" for p in table["person"].to_pylist()]),
    )
    found = _asking(sql, marked, tmp_path, groups=10, rows=2, memory_mib=32, batch_rows=500)
    monkeypatch.setattr(Contributions, "add", _always_put_away(Contributions.add))
    same = found.exact()
    assert written
    assert b"MARK" not in b"".join(written)
    assert numbers(same) == numbers(wanted)


def _always_put_away(add):
    def put(self, batch):
        add(self, batch)
        self._put_away()

    return put


@pytest.mark.parametrize("kind", ["int64", "string"])
@pytest.mark.parametrize("part_rows", [1 << 20, 100])
def test_a_declared_single_row_that_is_not_so_is_bounded_and_nobody_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, part_rows: int
) -> None:
    monkeypatch.setattr("gateway.execute.statistics.contributions.PART_ROWS", part_rows)
    persons = [None, None, *range(1000)]
    once = pa.table({"person": pa.array(persons, pa.int64()).cast(kind)})
    twice = pa.table({"person": pa.array([*persons, 500], pa.int64()).cast(kind)})
    declared = Declared(one_row_per_person=True)
    sql = "SELECT COUNT(*) FROM tab"
    assert _asking(sql, once, tmp_path, contributions=declared).exact().measures[0] == [1000]
    wrong = _asking(sql, twice, tmp_path, contributions=declared)
    assert wrong.exact().measures[0] == [1000]
    # for the others it is as where it is so, and the charge is the same
    sql = "SELECT COUNT(*) n, SUM(CLAMP(v, 0, 9)) s, QUANTILE(CLAMP(v, 0, 9), 0.5) q FROM tab GROUP BY v"
    values = pa.array([n % 5 for n in range(1002)], pa.int64())
    once = once.append_column("v", values)
    one_more = pa.table({"person": [500], "v": [4]}).cast(once.schema)
    found = [
        _asking(sql, table, tmp_path, contributions=declared, delta="1e-3")
        for table in (once, pa.concat_tables([once, one_more]))
    ]
    assert found[0].plan.events == found[1].plan.events
    assert found[0].plan.claim == found[1].plan.claim
    right, other = (asking.exact() for asking in found)
    assert right.keys == other.keys
    for at in right.measures:
        moved = right.measures[at] - other.measures[at]
        assert np.count_nonzero(moved) <= 2
        assert abs(moved).max() <= 9


def test_a_side_of_a_join_that_is_not_as_declared_has_one_row_of_each_person(
    tmp_path: Path,
) -> None:
    people = pa.table({"person": [1, 2, 2, 2]})
    visits = pa.table({"person": [1, 2, 2]})
    tables = {
        "p": (described("people", people, contributions=Declared(one_row_per_person=True)), people),
        "v": (described("visits", visits), visits),
    }
    sql = "SELECT COUNT(*) n FROM people JOIN visits ON people.person = visits.person"
    assert Asking(sql, tables, tmp_path, rows=9).exact().measures[0].tolist() == [3]


def test_the_outcome_of_the_check_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = pa.table({"person": [1, 1]})
    asking = _asking("SELECT COUNT(*) FROM tab", twice, tmp_path,
                     contributions=Declared(one_row_per_person=True))  # fmt: skip
    assert asking.exact().measures[0] == [1]
    monkeypatch.delattr("gateway.execute.statistics.run.has_single_rows")
    assert asking.exact().measures[0] == [1]


def test_bounds_of_a_question_stay_within_the_catalogues(tmp_path: Path) -> None:
    table = _table()
    sql = "SELECT g, COUNT(*) n FROM tab GROUP BY g"

    def planned(contributions: Declared, **own: int):
        return _asking(sql, table, tmp_path, contributions=contributions, **own).plan

    plan = planned(Declared(groups=3, rows=2), rows=1_000_000, groups=2)
    assert plan.bounds == ContributionBounds(groups=2, rows=2)
    assert any("rows of the question" in said and "2 rows" in said for said in plan.why)
    plan = planned(Declared(groups=3, rows=2), rows=1, groups=3)
    assert plan.bounds == ContributionBounds(groups=3, rows=1)
    assert not any("of the question" in said for said in plan.why)
    plan = planned(Declared(one_row_per_person=True), rows=4, groups=5)
    assert plan.bounds == ContributionBounds()
    assert any("groups and rows of the question: ignored" in said for said in plan.why)


def test_a_source_that_changed_is_not_read(tmp_path: Path) -> None:
    table = _table()
    asking = _asking("SELECT COUNT(*) FROM tab", table, tmp_path)
    executor = StatisticsExecutor(tmp_path)
    with pytest.raises(SourceChanged):
        executor.run(asking.plan, [Rows(_table())], SystemEntropy(), lambda _: None)


def test_two_data_sets_joined_on_the_person(tmp_path: Path) -> None:
    people = pa.table({"person": [1, 2, 3, None], "age": [10, 20, 30, 40]})
    visits = pa.table({"person": [1, 1, 1, 2, 9, None], "cost": [5, 5, 5, 7, 1, 1]})
    tables = {
        "p": (described("people", people, contributions=Declared(one_row_per_person=True)), people),
        "v": (described("visits", visits, bounds={"cost": (0, 10)}), visits),
    }
    sql = "SELECT COUNT(*) n, SUM(cost) s, COUNT(DISTINCT people.person) k FROM people JOIN visits ON people.person = visits.person WHERE age < 25"
    exact = Asking(sql, tables, tmp_path, rows=2).exact()
    assert [exact.measures[at].tolist() for at in (0, 1, 2)] == [[3], [17], [2]]


def test_conditions_on_one_side_of_a_join_are_met_before_rows_are_drawn(tmp_path: Path) -> None:
    people = pa.table({"person": list(range(50)), "z": [1] * 50})
    visits = pa.table({"person": list(range(50)) * 20, "cost": [5] * 50 + [1] * 950})
    tables = {
        "p": (described("people", people), people),
        "v": (described("visits", visits), visits),
    }
    sql = "SELECT COUNT(*) n FROM people JOIN visits ON people.person = visits.person WHERE cost = 5 AND z = 1"
    assert Asking(sql, tables, tmp_path, rows=1).exact().measures[0].tolist() == [50]


def test_a_listed_key_beside_a_found_one_has_its_listed_groups_alone(tmp_path: Path) -> None:
    table = pa.table({"person": list(range(90)), "g": ["a", "b", "other"] * 30, "h": ["z"] * 90})
    asking = _asking("SELECT g, h, COUNT(*) n FROM tab GROUP BY g, h", table, tmp_path,
                     listed={"g": ("a", "b")}, delta="1e-3")  # fmt: skip
    exact = asking.exact()
    assert exact.keys.column("g").to_pylist() == ["a", "b"]
    assert exact.persons.tolist() == [30, 30]


def test_a_million_listed_groups(tmp_path: Path) -> None:
    table = pa.table({"person": [1, 2], "g": pa.array([3, 999_999], pa.int64())})
    dataset = described("tab", table, bounds={"g": (0, 999_999)})
    asking = Asking("SELECT g, COUNT(*) n FROM tab GROUP BY g", {"t": (dataset, table)}, tmp_path)
    exact = asking.exact().measures[0]
    assert np.flatnonzero(exact).tolist() == [3, 999_999]


def test_having_order_and_limit_see_the_noisy_answer_alone(tmp_path: Path) -> None:
    table = _table()
    sql = "SELECT g, COUNT(*) n, SUM(w) s FROM tab GROUP BY g HAVING n > 100 AND s < 0.5 ORDER BY n DESC LIMIT 3"
    asking = _asking(sql, table, tmp_path, rows=5, groups=5, epsilon=50)
    answer = asking.answer()
    counts = answer.column("n").to_pylist()
    assert counts == sorted(counts, reverse=True)
    assert len(counts) <= 3
    assert all(n > 100 for n in counts)
    assert all(s < 0.5 for s in answer.column("s").to_pylist())
    assert answer.schema.field("s").type == pa.decimal128(38, 6)
    assert answer.column_names == ["g", "n", "n_lower", "n_upper", "s", "s_lower", "s_upper"]


def test_the_blind_repr_of_exact_numbers(tmp_path: Path) -> None:
    assert "object at" in repr(_asking("SELECT COUNT(*) FROM tab", _table(), tmp_path).exact())


def test_names_of_columns_that_differ_by_case_or_look_like_ours(tmp_path: Path) -> None:
    table = pa.table(
        {"person": [1, 2], "A": [1, 1], "a": [2, 2], "draw": [3, 3], "p": [4, 4], 'x"; --': [5, 5]}
    )
    sql = 'SELECT SUM(CLAMP("A" + "a" + draw + p + "x""; --", 0, 99)) s FROM tab'
    assert _asking(sql, table, tmp_path).exact().measures[0].tolist() == [30]


class _SameEntropy:
    """ports.Entropy. The same key for each run: what differs is not by chance."""

    def bytes(self, count: int) -> bytes:
        return bytes(range(count))


@pytest.mark.parametrize("share", [8, 1 << 13])
@pytest.mark.parametrize("part_rows", [1 << 20, 200])
def test_one_person_adds_found_groups_up_to_the_bound_and_moves_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_rows: int, share: int
) -> None:
    # the smaller share has everything put away
    monkeypatch.setattr("gateway.execute.statistics.contributions.PART_ROWS", part_rows)
    monkeypatch.setattr("gateway.execute.statistics.found_groups._SHARE", share)
    draw = np.random.default_rng(3)
    crowd = pa.table(
        {
            "person": pa.array(draw.integers(0, 150, 2500), pa.int64()),
            "name": pa.array([f"n{n}" for n in draw.integers(0, 400, 2500)]),
        }
    )
    names = [f"n{n}" for n in range(1000)] * 3
    one = pa.table({"person": [999] * 3000, "name": names}, schema=crowd.schema)
    found = {}
    for table in (crowd, pa.concat_tables([one, crowd])):
        asking = _asking("SELECT name, COUNT(DISTINCT person) n FROM tab GROUP BY name", table,
                         tmp_path, groups=2, delta="1e-3")  # fmt: skip
        sources = [Rows(table)]
        plan = asking.plan.but(
            datasets=(asking.plan.datasets[0].but(fingerprint=sources[0].version().fingerprint),)
        )
        exact = StatisticsExecutor(tmp_path, memory_mib=64).run(
            plan, sources, _SameEntropy(), lambda _: None
        )
        named = exact.keys.column("name").to_pylist()
        assert named == sorted(named)
        assert (exact.persons > 0).all()  # no group is found that nobody counts in
        found[table.num_rows] = dict(zip(named, exact.persons.tolist(), strict=True))
    without, with_one = found[2500], found[5500]
    assert sum(without.values()) == 2 * 150
    moved = {n: with_one.get(n, 0) - without.get(n, 0) for n in {*with_one, *without}}
    assert sorted(v for v in moved.values() if v) == [1, 1]


def test_one_person_cannot_fill_the_memory(tmp_path: Path) -> None:
    rows = 3_000_000
    crowd = pa.table({"person": pa.array(range(100), pa.int64()), "name": ["all"] * 100})
    one = pa.table(
        {
            "person": pa.array(np.full(rows, 10**6)),
            "name": pa.array(np.arange(rows)).cast(pa.string()),
        }
    )
    table = pa.concat_tables([crowd, one])
    asking = _asking("SELECT name, COUNT(*) n FROM tab GROUP BY name", table, tmp_path,
                     delta="1e-3", memory_mib=64)  # fmt: skip
    assert asking.exact().persons.tolist()[-1] == 100
    people = pa.table({"person": crowd.column("person"), "z": [1] * 100})
    tables = {"p": (described("people", people), people), "v": (described("visits", table), table)}
    sql = "SELECT COUNT(*) n FROM people JOIN visits ON people.person = visits.person"
    assert Asking(sql, tables, tmp_path, memory_mib=64).exact().measures[0].tolist() == [100]
