"""Questions that try to see more than a noisy number: rows, errors, order, presence, or how much is
read."""

import random
from pathlib import Path

import pyarrow as pa
import pytest

from gateway.errors import InvalidRequest
from tests.property._asked import Asking, Rows, SystemEntropy, described

TABLE = pa.table(
    {
        "person": pa.array(range(500), pa.int64()),
        "g": pa.array([n % 3 for n in range(500)], pa.int64()),
        "v": pa.array([n % 11 for n in range(500)], pa.int64()),
        "name": [f"n{n % 4}" for n in range(500)],
    }
)
VICTIM = pa.table(
    {"person": [10**6], "g": [2], "v": [-(2**63)], "name": ["victim"]}, schema=TABLE.schema
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
