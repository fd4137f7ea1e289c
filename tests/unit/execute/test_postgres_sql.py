"""The SQL that reaches a holder's database: quoted names, typed literals, comparison by code point."""

from decimal import Decimal

import pyarrow as pa
import pytest

from gateway.execute import postgres_sql as sql
from gateway.execute.filters import RowFilter
from gateway.model.conditions import Condition, Operator

SCHEMA = pa.schema(
    [
        ("s", pa.string()),
        ("n", pa.int32()),
        ("f", pa.float64()),
        ("r", pa.float32()),
        ("p", pa.decimal128(6, 2)),
        ("d", pa.date32()),
        ("m", pa.timestamp("us", tz="UTC")),
        ("t", pa.time64("us")),
        ("b", pa.bool_()),
    ]
)


def where(column: str, operator: str, *values: str) -> str:
    wanted = Condition(column=column, operator=Operator(operator), values=values)
    row_filter = RowFilter.of([wanted], SCHEMA)
    text = sql.select_rows(sql.table("a", "b"), SCHEMA, ["n"], row_filter, None)
    return text.removeprefix('SELECT "n" FROM "a"."b" WHERE ')


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (("s", "=", "it's"), "CAST(\"s\" AS TEXT) COLLATE \"C\" = 'it''s'"),
        (("s", "in", "a", "b"), "CAST(\"s\" AS TEXT) COLLATE \"C\" IN ('a', 'b')"),
        (("s", "is null"), '"s" IS NULL'),
        (("s", "is not null"), 'NOT "s" IS NULL'),
        (("n", "not in", "1"), "NOT \"n\" IN (CAST('1' AS BIGINT))"),
        (("f", "<", "0.1"), "\"f\" < CAST('0.1' AS DOUBLE PRECISION)"),
        (
            ("f", ">=", "1"),
            "\"f\" >= CAST('1.0' AS DOUBLE PRECISION) AND \"f\" <> CAST('NaN' AS DOUBLE PRECISION)",
        ),
        (("r", "=", "0.5"), "\"r\" = CAST('0.5' AS REAL)"),
        (("p", "!=", "1.5"), "\"p\" <> CAST('1.50' AS DECIMAL)"),
        (("d", ">", "2024-02-29"), "\"d\" > CAST('2024-02-29' AS DATE)"),
        (
            ("m", "<=", "2024-01-01T08:00:00+08:00"),
            "\"m\" <= CAST('2024-01-01T00:00:00+00:00' AS TIMESTAMPTZ)",
        ),
        (("t", "=", "01:02:03"), "\"t\" = CAST('01:02:03' AS TIME)"),
        (("b", "=", "true"), '"b" = TRUE'),
    ],
)
def test_a_condition_is_written_from_its_typed_value(condition: tuple[str, ...], text: str) -> None:
    assert where(*condition) == text


def test_columns_names_and_limit_are_quoted() -> None:
    text = sql.select_rows(sql.table('s"x', "t;"), SCHEMA, ["s", "p", "n"], RowFilter(()), 5)
    assert text == (
        'SELECT CAST("s" AS TEXT) AS "s", CAST("p" AS TEXT) AS "p", "n" FROM "s""x"."t;" LIMIT 5'
    )


def test_small_decimals_are_written_without_an_exponent() -> None:
    schema = pa.schema([("p", pa.decimal128(38, 30))])
    wanted = Condition(column="p", operator=Operator.EQUAL, values=("0." + "0" * 29 + "1",))
    row_filter = RowFilter.of([wanted], schema)
    assert row_filter.conditions[0].values[0].as_py() == Decimal("1e-30")
    text = sql.select_rows(sql.table("a", "b"), schema, ["p"], row_filter, None)
    assert "CAST('0." + "0" * 29 + "1' AS DECIMAL)" in text
