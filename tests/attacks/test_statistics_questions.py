"""Questions that try to see more than a noisy number: rows, errors, order, presence, or how much is
read."""

import ast
import math
import random
import re
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest

from gateway.errors import InvalidRequest
from gateway.execute.statistics import sql
from gateway.execute.statistics.projection import Projection
from gateway.planning.questions.parse import asked_datasets, parse
from tests.property._asked import Asking, Rows, SystemEntropy, described

TABLE = pa.table(
    {
        "person": pa.array(range(500), pa.int64()),
        "g": pa.array([n % 3 for n in range(500)], pa.int64()),
        "v": pa.array([n % 11 for n in range(500)], pa.int64()),
        "name": [f"n{n % 4}" for n in range(500)],
        "t": pa.array([n * 1000 for n in range(500)], pa.time64("us")),
    }
)
VICTIM = pa.table(
    {"person": [10**6], "g": [2], "v": [-(2**63)], "name": ["victim"], "t": [None]},
    schema=TABLE.schema,
)


def _asking(sql: str, table: pa.Table, folder: Path, **options: object) -> Asking:
    dataset = described("tab", table, bounds={"v": (0, 10), "g": (0, 2)})
    return Asking(sql, {"tab": (dataset, table)}, folder, **options)


SIGHTS = {
    "row numbers": "SELECT ROW_NUMBER() OVER (), COUNT(*) FROM tab",
    "the number of a row": "SELECT COUNT(*) FROM tab WHERE rowid = 1",
    "the engine's tables": "SELECT COUNT(*) FROM duckdb_tables()",
    "the schema": "SELECT COUNT(*) FROM information_schema.tables",
    "settings": "SELECT COUNT(*) FROM tab WHERE current_setting('threads') = '1'",
    "a sample": "SELECT COUNT(*) FROM tab USING SAMPLE 1",
    "the first row": "SELECT FIRST(name) FROM tab",
    "any value": "SELECT ANY_VALUE(name) FROM tab",
    "a list": "SELECT LIST(name) FROM tab",
    "a text of all": "SELECT STRING_AGG(name, ',') FROM tab",
    "the exact least": "SELECT MIN(v) FROM tab",
    "the exact greatest": "SELECT MAX(v) FROM tab",
    "the most frequent": "SELECT MODE(name) FROM tab",
    "an approximate count": "SELECT APPROX_COUNT_DISTINCT(name) FROM tab",
    "a set operation": "SELECT COUNT(*) FROM tab EXCEPT SELECT 500",
    "a comparison with all": "SELECT COUNT(*) FROM tab WHERE v > (SELECT AVG(v) FROM tab)",
    "an error on purpose": "SELECT COUNT(*) FROM tab WHERE ERROR(name)",
    "an error under a condition": "SELECT COUNT(CASE WHEN name = 'x' THEN ERROR('y') END) FROM tab",
    "a sleep": "SELECT COUNT(*) FROM tab WHERE SLEEP(1)",
    "a file": "SELECT COUNT(*) FROM tab WHERE READ_TEXT('/etc/passwd') = name",
    "a hash of the person": "SELECT COUNT(*) FROM tab WHERE HASH(person) % 2 = 0",
    "a struct": "SELECT COUNT(*) FROM tab WHERE {'a': person} = {'a': 1}",
    "grouping sets": "SELECT COUNT(*) FROM tab GROUP BY GROUPING SETS ((g), ())",
    "a correlated table": "SELECT COUNT(*) FROM tab, LATERAL (SELECT v)",
    "repeated rows": "SELECT COUNT(*) FROM tab CROSS JOIN UNNEST([1, 2, 3])",
    "groups of rows on the exact count": "SELECT g FROM tab GROUP BY g HAVING COUNT(*) > 5",
}


@pytest.mark.parametrize("sight", SIGHTS)
def test_what_would_show_rows_is_refused(tmp_path: Path, sight: str) -> None:
    with pytest.raises(InvalidRequest):
        _asking(SIGHTS[sight], TABLE, tmp_path)


ORACLES = (
    "SELECT SUM(CLAMP(v * v * v, 0, 9)) FROM tab",
    "SELECT SUM(CLAMP(ABS(v), 0, 9)) FROM tab WHERE -v < 0",
    "SELECT COUNT(1 / (v + 1)) FROM tab WHERE 1 / v > 0 OR v % v = 0",
    "SELECT COUNT(*) FROM tab WHERE CAST(name AS INTEGER) = 1",
    "SELECT COUNT(*) FROM tab WHERE CASE WHEN name = 'victim' THEN 1 / 0 ELSE 1 END > 0",
    "SELECT COUNT(*) FROM tab WHERE SQRT(v) > 1 OR CAST(name AS DATE) > '2000-01-01'",
    "SELECT AVG(v), STDDEV(v), MEDIAN(v) FROM tab WHERE name = 'victim'",
    "SELECT g, AVG(v) FROM tab WHERE v < 0 GROUP BY g",
    "SELECT name LIKE 'vic%' AS k, COUNT(*) FROM tab GROUP BY k",
    (
        "SELECT COUNT(*) FROM tab WHERE WIDTH_BUCKET(CASE WHEN name = 'victim' THEN 1e308 ELSE 0 END, "
        "-1e307, 1.6e308, 10) = 3"
    ),
    "SELECT WIDTH_BUCKET(v * 1e300 * 1e300, 0, 1e300, 9) AS k, COUNT(*) FROM tab GROUP BY k",
    "SELECT QUANTILE(v, 0.0001) AS q FROM tab WHERE name = 'victim'",
)


@pytest.mark.parametrize("sql", ORACLES)
def test_errors_and_shape_do_not_tell_whether_a_person_is_there(tmp_path: Path, sql: str) -> None:
    without = _asking(sql, TABLE, tmp_path).answer()
    with_victim = _asking(sql, pa.concat_tables([TABLE, VICTIM]), tmp_path).answer()
    assert without.schema == with_victim.schema
    assert without.num_rows == with_victim.num_rows
    for name in without.column_names:
        assert (
            without.column(name).is_null().to_pylist()
            == with_victim.column(name).is_null().to_pylist()
        )


REFUSED = {
    "a range without a finite width": "SELECT COUNT(*) FROM tab WHERE WIDTH_BUCKET(v, -1e308, 1.7e308, 10) = 3",
    "a quantile that scales the weights": "SELECT QUANTILE(v, 0.1000000000000000002) AS q FROM tab",
    "an expression that repeats itself": "SELECT COUNT(*) FROM tab WHERE "
    + "(" * 14
    + "v > 1"
    + " BETWEEN v = 1 AND v > 2)" * 14,
    "a text of many": f"SELECT COUNT(*) FROM tab WHERE CONCAT({','.join(['name'] * 950)}) = 'x'",  # noqa: S608
    "a zone that is not looked at": "SELECT COUNT(*) FROM tab WHERE t < '10:00:00+02:00'",
    "a list of nothing": "SELECT COUNT(*) FROM tab WHERE v IN ()",
}


@pytest.mark.parametrize("asked", REFUSED)
def test_what_could_fail_on_some_rows_is_refused_before_it_is_charged(
    tmp_path: Path, asked: str
) -> None:
    with pytest.raises(InvalidRequest):
        _asking(REFUSED[asked], TABLE, tmp_path)


@pytest.mark.parametrize("first", ["y", "n"])
def test_a_found_zero_has_no_sign_of_a_row(tmp_path: Path, first: str) -> None:
    table = pa.table(
        {"person": pa.array(range(201), pa.int64()), "ill": [first] + ["n", "y"] * 100}
    )
    sql = (
        "SELECT CASE WHEN ill = 'y' THEN -1.0 ELSE 1.0 END * 0.0 AS k, COUNT(*) n "
        "FROM tab GROUP BY k"
    )
    asking = Asking(sql, {"tab": (described("tab", table), table)}, tmp_path, delta="1e-3")
    (zero,) = asking.exact().keys.column("k").to_pylist()
    assert math.copysign(1, zero) == 1


def test_the_order_of_rows_is_nowhere_in_the_answer(tmp_path: Path) -> None:
    places = list(range(TABLE.num_rows))
    random.Random(3).shuffle(places)
    sql = "SELECT name, COUNT(*) n FROM tab GROUP BY name"
    for table in (TABLE, TABLE.take(places), TABLE.sort_by([("name", "descending")])):
        answer = _asking(sql, table, tmp_path, epsilon=50).answer()
        assert answer.column("name").to_pylist() == ["n0", "n1", "n2", "n3"]


def test_as_many_rows_are_read_whatever_the_condition(tmp_path: Path) -> None:
    class Counted(Rows):
        read = 0

        def batches(self, columns, filters, limit):
            for batch in super().batches(columns, filters, limit):
                Counted.read += batch.num_rows
                yield batch

    seen = []
    for condition in ("v >= 0", "v < 0", "v IS NULL", "name = 'n1' AND v = 3"):
        asking = _asking(
            f"SELECT COUNT(*) FROM tab WHERE {condition}",  # noqa: S608
            TABLE, tmp_path,
        )  # fmt: skip
        source = Counted(TABLE, batch_rows=50)
        told: list[int] = []
        asking._executor.run(asking.plan, [source], SystemEntropy(), told.append)
        seen.append((Counted.read, told))
        Counted.read = 0
    assert all(each == seen[0] for each in seen)
    assert seen[0][0] == TABLE.num_rows


def test_a_tracker_pays_for_each_of_its_questions(tmp_path: Path) -> None:
    # "everybody with C" and "everybody with C but the victim": two charges, not one.
    questions = (
        "SELECT SUM(v) FROM tab WHERE g = 2",
        "SELECT SUM(v) FROM tab WHERE g = 2 AND NOT (name = 'victim' AND v < 0)",
    )
    plans = [_asking(sql, TABLE, tmp_path).plan for sql in questions]
    assert plans[0].digest() != plans[1].digest()
    for plan in plans:
        (event,) = plan.events
        assert event.mechanism.epsilon * event.count == 1


def test_a_listed_group_is_answered_although_nobody_is_in_it(tmp_path: Path) -> None:
    sql = "SELECT g, COUNT(*) n FROM tab WHERE g < 2 GROUP BY g"
    answer = _asking(sql, TABLE, tmp_path).answer()
    assert answer.column("g").to_pylist() == [0, 1, 2]


def test_a_sum_is_on_the_grid_that_the_answer_states(tmp_path: Path) -> None:
    values = pa.array([0.1 * n for n in range(500)])
    table = TABLE.append_column("w", values)
    asking = _asking("SELECT SUM(CLAMP(w, 0, 50)) s FROM tab", table, tmp_path, epsilon="0.7")
    (measure,) = asking.plan.measures
    answer = asking.answer().column("s")
    # 0.1 is no double: what is added to is whole numbers of units, and so is what is added
    assert answer.type == pa.decimal128(38, measure.decimals)
    assert asking.exact().measures[0].dtype.kind == "i"


def test_every_cast_over_rows_gives_null_where_it_cannot() -> None:
    # A CAST that fails on one row would tell that the row is there.
    rooms = Path(sql.__file__).parent
    texts = {
        node.value
        for path in rooms.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert sum("TRY_CAST(" in text for text in texts) > 10
    assert not [text for text in texts if re.search(r"(?<!TRY_)CAST\(", text)]


EDGES = {
    "w": [1e308, -1e308, 0.0, -0.0, 5e-324, math.inf, -math.inf, math.nan, None, 1e15, 0.5],
    "v": [2**63 - 1, -(2**63), 0, -1, 1, None, 2**53 + 1, 10, 7, 3, 2],
    "name": ["", "x" * 4000, "1e400", "nan", "-9223372036854775809", "9999-99-99", None, "é", "%",
             "2000-02-30", "1"],
}  # fmt: skip
FUZZED = (
    "w + w", "w - v", "w * w", "w / w", "v / v", "v + v", "v - v", "v * v", "v % v", "-v", "-w",
    "ABS(v)", "ABS(w)", "FLOOR(w)", "CEIL(w)", "ROUND(w, 6)", "ROUND(v)", "SQRT(w)", "SQRT(v)",
    "CLAMP(w, -1e300, 1e300)", "CLAMP(v, -9, 9)", "GREATEST(v, w)", "LEAST(v, w)",
    "COALESCE(w, v)", "NULLIF(w, w)", "CASE WHEN v > w THEN w * w ELSE v END",
    "WIDTH_BUCKET(w, -8e307, 8e307, 10000)", "WIDTH_BUCKET(v, 0, 1e-300, 7)",
    "WIDTH_BUCKET(w * w, 0, 1, 3)", "WIDTH_BUCKET(w, 0, 5e-324, 3)",
    "CAST(w AS INTEGER)", "CAST(v AS DOUBLE)", "CAST(name AS INTEGER)", "CAST(name AS DOUBLE)",
    "LENGTH(name)", "LENGTH(TRIM(UPPER(LOWER(name))))", "LENGTH(SUBSTRING(name, 2, 9))",
    "LENGTH(CONCAT(name, name))", "LENGTH(CAST(v AS TEXT))", "YEAR(CAST(name AS DATE))",
    "HOUR(CAST(name AS TIMESTAMP))", "MONTH(DATE_TRUNC('quarter', CAST(name AS TIMESTAMP)))",
)  # fmt: skip


@pytest.mark.parametrize("asked", FUZZED)
def test_no_function_fails_at_the_edges_of_its_types(tmp_path: Path, asked: str) -> None:
    table = pa.table(
        {
            "person": pa.array(range(11), pa.int64()),
            "w": pa.array(EDGES["w"], pa.float64()),
            "v": pa.array(EDGES["v"], pa.int64()),
            "name": pa.array(EDGES["name"]),
        }
    )
    every = (
        f"SELECT COUNT({asked}) c, SUM(CLAMP({asked}, -100, 100)) s, "  # noqa: S608
        f"STDDEV(CLAMP({asked}, -1e6, 1e6)) d, MEDIAN(CLAMP({asked}, -1e6, 1e6)) q "
        f"FROM tab WHERE {asked} > 0 OR {asked} <= 0 OR {asked} IS NULL"
    )
    grouped = f"SELECT {asked} k, COUNT(*) n FROM tab GROUP BY k"  # noqa: S608
    for question in (every, grouped):
        _asking(question, table, tmp_path, delta="1e-6", rows=2).answer()


GROWING = {
    "numbers": ("w", " + 1.5"),
    "quotients": ("w", " / (w + 2)"),
    "roots": ("SQRT(", "w", ")"),
    "clamps": ("CLAMP(", "w", ", 0, 1)"),
    "buckets": ("WIDTH_BUCKET(", "w", ", 0, 1, 9)"),
    "nulls": ("NULLIF(", "w", ", 0.5)"),
}


@pytest.mark.parametrize("growing", GROWING)
def test_what_runs_grows_with_the_question_and_not_faster(tmp_path: Path, growing: str) -> None:
    table = TABLE.append_column("w", pa.array([0.5] * 500))
    lengths = []
    for levels in (5, 10, 20):
        *before, inner, after = GROWING[growing]
        written = "".join(before) * levels + inner + after * levels
        asked = f"SELECT VARIANCE(CLAMP({written}, 0, 9)) s FROM tab"  # noqa: S608
        asking = _asking(asked, table, tmp_path)
        lengths.append(len(Projection(asking.plan).rows(1)))
        asking.answer()
    assert lengths[2] - lengths[1] <= 2.1 * (lengths[1] - lengths[0])


NESTED = {
    "parentheses": lambda n: f"SELECT COUNT(*) FROM tab WHERE {'(' * n}v > 1{')' * n}",  # noqa: S608
    "NOT": lambda n: f"SELECT COUNT(*) FROM tab WHERE {'NOT ' * n}v > 1",  # noqa: S608
    "signs": lambda n: f"SELECT COUNT(*) FROM tab WHERE {'- ' * n}v > 1",  # noqa: S608
    "functions": lambda n: f"SELECT COUNT({'ABS(' * n}v{')' * n}) FROM tab",  # noqa: S608
    "sub-queries": lambda n: f"SELECT COUNT(*) FROM {'(SELECT v FROM ' * n}tab{')' * n}",  # noqa: S608
    "CASE": lambda n: f"SELECT COUNT({'CASE WHEN v = 1 THEN ' * n}1{' END' * n}) FROM tab",  # noqa: S608
    "brackets": lambda n: f"SELECT COUNT({'[' * n}v{']' * n}) FROM tab",  # noqa: S608
    "sums": lambda n: f"SELECT COUNT(v{' + 1' * n}) FROM tab",  # noqa: S608
    "comparisons": lambda n: f"SELECT COUNT(*) FROM tab WHERE v = 1{' = NOT v = 1' * n}",  # noqa: S608
}


@pytest.mark.parametrize("nested", NESTED)
@pytest.mark.parametrize("levels", [50, 200, 1000, 5000])
def test_a_deep_question_is_refused_and_nothing_breaks(nested: str, levels: int) -> None:
    dataset = described("tab", TABLE)
    text = NESTED[nested](levels)
    with suppress(InvalidRequest):
        asked_datasets(text)
    # Fifty levels of + are within what an expression may have.
    with suppress(InvalidRequest) if levels == 50 else pytest.raises(InvalidRequest):
        parse(text, {"datasets/tab": dataset})


def test_an_epsilon_that_is_almost_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"at least 0\.000001"):
        _asking("SELECT COUNT(*) FROM tab", TABLE, tmp_path, epsilon="1e-7")
