"""SQL to a question: what is understood, and that everything else is refused by its name."""

import logging
from datetime import UTC, datetime

import pytest

from gateway.errors import FailedPrecondition, InvalidRequest
from gateway.model.catalog import Bounds, Column, Contributions, DataSet, ParquetSource
from gateway.model.expressions import Call, ColumnValue, Constant
from gateway.model.statistics import Question
from gateway.planning.questions.parse import parse

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _dataset(name: str, columns: tuple[Column, ...], **more: object) -> DataSet:
    fields = {
        "name": f"datasets/{name}",
        "holder": "parties/registry",
        "title": "t",
        "privacy_unit": "person",
        "source": ParquetSource(path="x.parquet"),
        "columns": columns,
        "created": NOW,
        "updated": NOW,
    }
    return DataSet.model_validate({**fields, **more})


RESIDENTS = _dataset(
    "residents",
    (
        Column(name="person", type="int64"),
        Column(name="district", type="int32", bounds=Bounds(lower=0, upper=999)),
        Column(name="income", type="int64", bounds=Bounds(lower=0, upper=100_000)),
        Column(name="weight", type="double"),
        Column(name="fee", type="decimal128(18, 2)", bounds=Bounds(lower=0, upper="99.99")),
        Column(name="name", type="string"),
        Column(name="born", type="date32[day]"),
        Column(name="seen", type="timestamp[us]"),
        Column(name="sex", type="string", groups=("f", "m")),
        Column(name="picture", type="binary"),
        Column(name="xb", type="bool", element="married"),
    ),
    contributions=Contributions(groups=3, rows=2),
)
VISITS = _dataset(
    "clinic-visits", (Column(name="person", type="int64"), Column(name="cost", type="int64"))
)
DATASETS = {d.name: d for d in (RESIDENTS, VISITS)}


def ask(*sql: str) -> Question:
    return parse(" ".join(sql), DATASETS)


def where(condition: str) -> str:
    return f"SELECT COUNT(*) FROM residents WHERE {condition}"  # noqa: S608 - parsed, never run


def test_several_aggregates_groups_and_what_happens_to_the_noisy_answer() -> None:
    question = ask(
        "SELECT district, COUNT(*) AS n, SUM(income) FROM residents WHERE name LIKE 'a%' "
        "GROUP BY district HAVING n > 5 AND 10.5 >= SUM(income) ORDER BY 2 DESC, district LIMIT 7"
    )
    assert question.outputs == ("district", "n", "sum_3")
    assert [a.kind for a in question.aggregates] == ["count", "sum"]
    assert [(c.output, c.comparison, c.value) for c in question.having] == [
        ("n", ">", "5"),
        ("sum_3", "<=", "10.5"),
    ]
    assert [(o.output, o.descending) for o in question.order] == [("n", True), ("district", False)]
    assert question.limit == 7
    assert question.columns() == ("person", "income", "district", "name")


@pytest.mark.parametrize(
    ("sql", "kinds"),
    [
        ("COUNT(DISTINCT person)", ["persons"]),
        ("COUNT(1), COUNT(name)", ["count", "count"]),
        ("AVG(income), VARIANCE(income), VAR_SAMP(fee)", ["average", "variance", "variance"]),
        ("VAR_POP(income), STDDEV_POP(income)", ["variance_population", "deviation_population"]),
        ("STDDEV(income), STDDEV_SAMP(fee)", ["deviation", "deviation"]),
        ("MEDIAN(income), QUANTILE(income, 0.9)", ["quantile", "quantile"]),
    ],
)
def test_every_aggregate(sql: str, kinds: list[str]) -> None:
    assert [a.kind for a in ask("SELECT", sql, "FROM residents").aggregates] == kinds


@pytest.mark.parametrize(
    ("sql", "lower", "upper", "origin", "decimals"),
    [
        ("SUM(CLAMP(income, 0, 50000))", "0", "50000", "question", 0),
        ("SUM(CLAMP(weight, -1.5, 2.5))", "-1.5", "2.5", "question", 6),
        ("SUM(CLAMP(weight, 0, 100000))", "0", "100000", "question", 2),
        ("SUM(income)", "0", "100000", "catalogue", 0),
        ("SUM(fee)", "0", "99.99", "catalogue", 2),
        ("SUM(income - 10)", "-10", "99990", "catalogue", 0),
        ("SUM(-income * 2)", "-200000", "0", "catalogue", 0),
        ("SUM(CASE WHEN name = 'x' THEN 1 ELSE 0 END)", "0", "1", "question", 0),
        ("SUM(CASE WHEN name = 'x' THEN 3 WHEN weight > 0 THEN 1 END)", "1", "3", "question", 0),
    ],
)
def test_a_clamp_comes_from_the_question_or_the_catalogue(
    sql: str, lower: str, upper: str, origin: str, decimals: int
) -> None:
    (aggregate,) = ask("SELECT", sql, "FROM residents").aggregates
    assert aggregate.clamp is not None
    clamp = aggregate.clamp
    assert (clamp.lower, clamp.upper, clamp.origin) == (lower, upper, origin)
    assert aggregate.decimals == decimals


@pytest.mark.parametrize(
    ("key", "values", "first", "last"),
    [
        ("sex", ("f", "m"), None, None),
        ("district", None, 0, 999),
        ("MONTH(born)", None, 1, 12),
        ("EXTRACT(HOUR FROM seen)", None, 0, 23),
        ("WIDTH_BUCKET(income, 0, 100, 10)", None, 0, 11),
        ("CASE WHEN income > 5 THEN 'rich' ELSE 'poor' END", ("rich", "poor"), None, None),
        ("CASE WHEN income > 5 THEN 'rich' END", ("rich", None), None, None),
        ("income > 5", ("false", "true"), None, None),
        ("married", ("false", "true"), None, None),
        ("name", None, None, None),
        ("YEAR(born)", None, None, None),
        ("LOWER(sex)", None, None, None),
    ],
)
def test_groups_are_public_where_they_are_known_without_the_data(
    key: str, values: tuple[str | None, ...] | None, first: int | None, last: int | None
) -> None:
    (found,) = ask("SELECT", key, "AS k, COUNT(*) FROM residents GROUP BY k").group_by
    assert (found.values, found.first, found.last) == (values, first, last)


def test_columns_of_where_and_groups_are_among_those_that_must_be_granted() -> None:
    question = ask(
        "SELECT sex, COUNT(*) FROM residents WHERE COALESCE(income, 0) > 1 AND born < '2000-01-01' "
        "GROUP BY sex, CASE WHEN married THEN weight ELSE 0 END > 3"
    )
    assert set(question.columns()) == {"person", "sex", "xb", "weight", "income", "born"}


def test_two_data_sets_are_joined_on_the_person() -> None:
    for on in ("ON r.person = v.person", "ON v.person = r.person", "USING (person)"):
        question = ask(
            "SELECT SUM(CLAMP(cost, 0, 9)) FROM residents r JOIN clinic_visits v",
            on,
            "WHERE income > 1",
        )
        assert [t.dataset for t in question.tables] == [
            "datasets/residents",
            "datasets/clinic-visits",
        ]
        assert question.columns(0) == ("person", "income")
        assert question.columns(1) == ("person", "cost")


def test_a_data_set_without_a_person_is_refused() -> None:
    nobody = {"datasets/residents": RESIDENTS.but(privacy_unit=None, contributions=None)}
    with pytest.raises(FailedPrecondition, match="privacy unit"):
        parse("SELECT COUNT(*) FROM residents", nobody)


def test_persons_that_floating_point_names_are_refused() -> None:
    odd = _dataset("odd", (Column(name="person", type="double"),))
    with pytest.raises(FailedPrecondition, match="floating point"):
        parse("SELECT COUNT(*) FROM odd", {odd.name: odd})


def test_a_clamp_without_a_whole_step_is_refused() -> None:
    between = Column(name="v", type="int64", bounds=Bounds(lower="0.4", upper="0.6"))
    odd = _dataset("odd", (Column(name="person", type="int64"), between))
    with pytest.raises(InvalidRequest, match="no whole step"):
        parse("SELECT SUM(v) FROM odd", {odd.name: odd})


@pytest.mark.parametrize(
    ("kind", "groups"),
    [
        ("int64", ("1", "01")),
        ("int64", ("one",)),
        ("double", ("1", "1.0")),
        ("double", ("0", "-0")),
        ("date32[day]", ("yesterday",)),
    ],
)
def test_listed_groups_that_are_one_value_or_none_of_the_type_are_refused(
    kind: str, groups: tuple[str, ...]
) -> None:
    # listed twice, a row would count in two groups although its person has one row
    columns = (Column(name="person", type="int64"), Column(name="k", type=kind, groups=groups))
    odd = _dataset("odd", columns)
    with pytest.raises(InvalidRequest, match="not distinct values"):
        parse("SELECT k, COUNT(*) FROM odd GROUP BY k", {odd.name: odd})


REFUSED = {
    "every column": ("SELECT * FROM residents", "SELECT \\*"),
    "a window": ("SELECT SUM(income) OVER () FROM residents", "window function"),
    "a sub-query in FROM": ("SELECT COUNT(*) FROM (SELECT 1) t", "sub-query"),
    "a sub-query in WHERE": (
        "SELECT COUNT(*) FROM residents WHERE income = (SELECT 1)",
        "sub-query",
    ),
    "a sub-query in IN": (
        "SELECT COUNT(*) FROM residents WHERE income IN (SELECT income FROM residents)",
        "sub-query",
    ),
    "EXISTS": ("SELECT COUNT(*) FROM residents WHERE EXISTS (SELECT 1)", "EXISTS"),
    "WITH": ("WITH t AS (SELECT 1) SELECT COUNT(*) FROM t", "WITH"),
    "UNION": ("SELECT COUNT(*) FROM residents UNION SELECT 1", "UNION"),
    "two statements": ("SELECT COUNT(*) FROM residents; DROP TABLE residents", "one SELECT"),
    "another statement": ("EXPLAIN SELECT COUNT(*) FROM residents", "one SELECT"),
    "COPY": ("COPY residents TO 'x'", "one SELECT"),
    "nothing": ("", "one SELECT"),
    "no FROM": ("SELECT COUNT(*)", "FROM is missing"),
    "not SQL": ("SELECT COUNT( FROM residents", "not a SQL statement"),
    "a file as data set": ("SELECT COUNT(*) FROM '/etc/passwd'", "FROM names a data set"),
    "a table function": ("SELECT COUNT(*) FROM read_csv('/etc/passwd')", "not part of"),
    "a schema": ("SELECT COUNT(*) FROM main.residents", "not part of"),
    "a data set that is not there": ("SELECT COUNT(*) FROM secrets", "datasets/secrets does not"),
    "TABLESAMPLE": ("SELECT COUNT(*) FROM residents TABLESAMPLE (9 PERCENT)", "TABLESAMPLE"),
    "DISTINCT": ("SELECT DISTINCT sex, COUNT(*) FROM residents GROUP BY sex", "DISTINCT"),
    "GROUP BY ALL": ("SELECT sex, COUNT(*) FROM residents GROUP BY ALL", "ALL"),
    "ROLLUP": ("SELECT COUNT(*) FROM residents GROUP BY ROLLUP (sex)", "ROLLUP"),
    "QUALIFY": ("SELECT COUNT(*) c FROM residents QUALIFY c > 1", "QUALIFY"),
    "FILTER": ("SELECT COUNT(*) FILTER (WHERE income > 1) FROM residents", "aggregate"),
    "OFFSET": ("SELECT COUNT(*) FROM residents LIMIT 5 OFFSET 2", "OFFSET"),
    "FOR UPDATE": ("SELECT COUNT(*) FROM residents FOR UPDATE", "LOCK"),
    "INTO": ("SELECT COUNT(*) INTO t FROM residents", "INTO"),
    "a hint": ("SELECT /*+ x */ COUNT(*) FROM residents", "HINT"),
    "a random function": ("SELECT COUNT(*) FROM residents WHERE RANDOM() < 0.5", "RANDOM"),
    "today": ("SELECT COUNT(*) FROM residents WHERE CURRENT_DATE > born", "CURRENT_DATE"),
    "the time": ("SELECT COUNT(*) FROM residents WHERE NOW() > seen", "the function NOW"),
    "an unknown function": ("SELECT COUNT(*) FROM residents WHERE getenv('x') = 'y'", "GETENV"),
    "a regular expression": (
        "SELECT COUNT(*) FROM residents WHERE REGEXP_LIKE(name, 'x')",
        "regular expression",
    ),
    "ESCAPE": ("SELECT COUNT(*) FROM residents WHERE name LIKE 'x' ESCAPE '!'", "ESCAPE"),
    "a pattern from the data": ("SELECT COUNT(*) FROM residents WHERE name LIKE sex", "constant"),
    "a placeholder": ("SELECT COUNT(*) FROM residents WHERE income = ?", "placeholder"),
    "an unknown column": ("SELECT COUNT(*) FROM residents WHERE nope = 1", "no column nope"),
    "an injected identifier": (
        'SELECT COUNT(*) FROM residents WHERE "income""; DROP TABLE x" = 1',
        "no column",
    ),
    "bytes": ("SELECT COUNT(picture) FROM residents", "picture holds binary"),
    "records": ("SELECT name FROM residents", "neither an aggregate nor in GROUP BY"),
    "records with groups": ("SELECT sex FROM residents GROUP BY sex", "records are asked for"),
    "a computed aggregate": ("SELECT SUM(income) + 1 FROM residents", "stands alone"),
    "SUM of DISTINCT": ("SELECT SUM(DISTINCT income) FROM residents", "DISTINCT"),
    "distinct values": ("SELECT COUNT(DISTINCT sex) FROM residents", r"COUNT\(DISTINCT person\)"),
    "too many aggregates": (
        f"SELECT {', '.join(f'COUNT(*) AS n{n}' for n in range(51))} FROM residents",  # noqa: S608
        "sql: aggregates of one question: at most 50 parts",
    ),
    "a name that is too long": (
        f"SELECT COUNT(*) AS {'n' * 201} FROM residents",  # noqa: S608
        "the name of a column: at most 200 characters",
    ),
    "no range": ("SELECT SUM(weight) FROM residents", "CLAMP"),
    "an empty range": ("SELECT SUM(CLAMP(weight, 5, 5)) FROM residents", "empty"),
    "a reversed range": ("SELECT SUM(CLAMP(weight, 9, 1)) FROM residents", "empty"),
    "a range from the data": ("SELECT SUM(CLAMP(weight, 0, income)) FROM residents", "constant"),
    "an endless range": ("SELECT SUM(CLAMP(weight, 0, 1e300)) FROM residents", "15 digits"),
    "a range beyond the grid": (
        "SELECT SUM(CLAMP(income, 0, 900000000000000)) FROM residents",
        "too wide",
    ),
    "a quantile of one": ("SELECT QUANTILE(income, 1) FROM residents", "below 1"),
    "a sum of text": ("SELECT SUM(name) FROM residents", "number"),
    "text beside number": ("SELECT COUNT(*) FROM residents WHERE name = 1", "CAST"),
    "no date": ("SELECT COUNT(*) FROM residents WHERE born = 'yesterday'", "ISO 8601"),
    "a moment with a zone": (
        "SELECT COUNT(*) FROM residents WHERE seen < '2020-01-01T00:00:00+08:00'",
        "zone",
    ),
    "a number too large": (
        "SELECT COUNT(*) FROM residents WHERE income = 99999999999999999999",
        "64",
    ),
    "a struct": ("SELECT COUNT(*) FROM residents WHERE income::STRUCT(a INT) = 1", "not part of"),
    "a cast to a blob": ("SELECT COUNT(*) FROM residents WHERE CAST(name AS BLOB) = name", "CAST"),
    "deep nesting": (
        where("(" * 3000 + "married" + ")" * 3000),
        "deep",
    ),
    "a deep sum": (where("income+" * 900 + "income > 1"), "deep"),
    "a rather deep sum": (
        where("income+" * 99 + "income > 1"),
        "levels",
    ),
    "HAVING on rows": ("SELECT COUNT(*) FROM residents HAVING income > 1", "columns of the answer"),
    "HAVING with OR": ("SELECT COUNT(*) n FROM residents HAVING n > 1 OR n < 0", "HAVING compares"),
    "HAVING of what is not answered": (
        "SELECT COUNT(*) FROM residents HAVING SUM(income) > 1",
        "add it there",
    ),
    "ORDER BY rows": ("SELECT COUNT(*) FROM residents ORDER BY income", "columns of the answer"),
    "a join with itself": (
        "SELECT COUNT(*) FROM residents r JOIN residents s USING (person)",
        "itself",
    ),
    "a join on more": (
        "SELECT COUNT(*) FROM residents r JOIN clinic_visits v ON r.person = v.person AND cost > 1",
        "on the person alone",
    ),
    "a join on another column": (
        "SELECT COUNT(*) FROM residents r JOIN clinic_visits v ON r.income = v.person",
        "on the person alone",
    ),
    "a cross join": ("SELECT COUNT(*) FROM residents, clinic_visits", "on the person alone"),
    "an outer join": (
        "SELECT COUNT(*) FROM residents LEFT JOIN clinic_visits USING (person)",
        "LEFT",
    ),
    "an ambiguous column": (
        "SELECT COUNT(*) FROM residents JOIN clinic_visits USING (person) WHERE person = 1",
        "both data sets",
    ),
    "a name twice": ("SELECT COUNT(*) AS a, SUM(income) AS a FROM residents", "alias"),
    "a name of an interval's end": (
        "SELECT COUNT(*) AS n, SUM(income) AS n_lower FROM residents",
        "interval",
    ),
    "a name of an interval's end, written otherwise": (
        "SELECT COUNT(*) AS n, SUM(income) AS N_Lower FROM residents",
        "interval",
    ),
    "a group that has the name of an interval's end": (
        "SELECT district AS n_upper, COUNT(*) AS n FROM residents GROUP BY n_upper",
        "interval",
    ),
    "more groups than an answer has": (
        "SELECT COUNT(*) FROM residents GROUP BY district, WIDTH_BUCKET(income, 0, 9, 9999)",
        "at most 1000000",
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_is_outside_of_the_subset_is_refused_by_its_name(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    sql, said = REFUSED[fault]
    with caplog.at_level(logging.DEBUG), pytest.raises(InvalidRequest, match=said):
        ask(sql)
    assert not caplog.records  # a log would quote the statement


def test_a_refusal_names_the_place_and_no_constant() -> None:
    with pytest.raises(InvalidRequest, match="line 2, near column") as caught:
        ask("SELECT COUNT(*) FROM residents\nWHERE born = 'Xie Pengfei'")
    assert "Xie" not in str(caught.value)


def test_constants_stay_out_of_the_repr() -> None:
    question = ask("SELECT COUNT(*) FROM residents WHERE name = 'Xie Pengfei'")
    assert "Xie" not in repr(question)
    assert "Xie" in question.canonical().decode()


def test_an_identifier_is_data_whatever_it_holds() -> None:
    name = 'x"; DROP TABLE y; --'
    odd = _dataset("odd", (Column(name="person", type="int64"), Column(name=name, type="int64")))
    sql = 'SELECT COUNT(*) FROM odd WHERE "x""; DROP TABLE y; --" = 1'
    assert parse(sql, {odd.name: odd}).where == Call(
        function="=",
        arguments=(
            ColumnValue(column=name, type="integer"),
            Constant(type="integer", text="1"),
        ),
        type="boolean",
    )


def test_a_long_chain_of_conditions_is_flat() -> None:
    chain = " AND ".join(f"income <> {n}" for n in range(300))
    assert ask(where(chain)).where is not None
