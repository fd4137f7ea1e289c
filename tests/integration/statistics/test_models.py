"""Models under the same ledger as questions: decided, charged, trained, sealed."""

import json
from fractions import Fraction

import pyarrow as pa
import pytest

from gateway.errors import InvalidRequest, QuotaExhausted
from gateway.model.fitting import Feature, ModelSpec
from gateway.model.lifecycle import AnswerState
from gateway.planning.training import training_sql

INCOME = Feature(column="income", lower="0", upper="300000")


def spec(kind="standard_scaler", **fields) -> ModelSpec:
    return ModelSpec(**{"kind": kind, "features": (INCOME,), "rows": 500, "epsilon": "2", **fields})


def ask(bureau, model: ModelSpec, where="", **fields):
    sql = training_sql("datasets/residents", model, where)
    return bureau.ask(sql, model.epsilon, model=model, **fields)


def test_a_model_is_charged_trained_and_sealed_with_its_card(bureau) -> None:
    bureau.prepare()
    record = ask(bureau, spec())
    assert record.state is AnswerState.SEALED
    assert all(1.99 < Fraction(one.spent) <= 2 for one in record.charged)
    (row,) = bureau.table(record).to_pylist()
    parameters, card = json.loads(row["parameters"]), json.loads(row["card"])
    assert 0 < parameters["means"][0] < 300_000
    assert card["model"]["features"] == [INCOME.model_dump()]
    assert "one row" in card["unit"]
    assert "double precision" in record.plan.claim.rounding


def test_a_classifier_of_texts_is_trained_on_the_rows_of_a_condition(bureau) -> None:
    bureau.prepare()
    sexes = sorted(
        set(pa.parquet.read_table(bureau.office.data / "residents.parquet")["sex"].to_pylist())
    )
    model = spec("naive_bayes", label="sex", classes=tuple(sexes[:2]))
    record = ask(bureau, model, "income > 1000")
    (row,) = bureau.table(record).to_pylist()
    assert json.loads(row["parameters"])["classes"] == sexes[:2]


def test_the_same_model_again_is_free_and_a_budget_that_is_spent_refuses(bureau) -> None:
    bureau.prepare(epsilon="3")
    first = ask(bureau, spec())
    assert ask(bureau, spec()).name == first.name
    with pytest.raises(QuotaExhausted):
        ask(bureau, spec("k_means", clusters=2))
    assert (
        bureau.statistics.answers.get(bureau.office.consumer, first.name).charged == first.charged
    )


def test_a_column_without_a_grant_is_denied_as_feature_label_and_condition(bureau) -> None:
    bureau.columns = ("resident_id", "income")
    bureau.prepare()
    for model, where in (
        (spec(), "district = 'x'"),
        (spec("naive_bayes", label="sex", classes=("a", "b")), ""),
    ):
        assert ask(bureau, model, where).state is AnswerState.DENIED


@pytest.mark.parametrize(
    "where",
    [
        "income > 1 GROUP BY district",
        "income > 1 HAVING x0 > 3",
        "income > 1 ORDER BY x0",
        "income > 1 LIMIT 1",
        "income > 1; DROP TABLE t0",
        "income > (SELECT max(income) FROM residents)",
        "1 = 1 UNION SELECT 1",
    ],
)
def test_a_condition_is_nothing_more_than_a_condition(bureau, where: str) -> None:
    bureau.prepare()
    with pytest.raises(InvalidRequest):
        ask(bureau, spec(), where)
    assert not bureau.staged()


def test_a_feature_that_is_no_number_is_refused_before_anything_is_charged(bureau) -> None:
    bureau.prepare()
    feature = Feature(column="sex", lower="0", upper="1")
    with pytest.raises(InvalidRequest, match="type text"):
        ask(bureau, spec(features=(feature,)))


def test_a_model_spends_what_was_asked_for_and_no_less(bureau) -> None:
    with pytest.raises(ValueError, match="spends all"):
        bureau.request("SELECT COUNT(income) AS x0 FROM residents", "1", model=spec())
