"""Questions with differential privacy over the wire: shapes, roles, prices, tables, budgets."""

import hashlib

import pyarrow as pa
import pytest
from google.rpc import error_details_pb2

from gateway.api.pb import statistics_pb2
from tests.integration.statistics.conftest import PURPOSE, SQL, Bureau

ROWS_OF_MANY = (
    "SELECT WIDTH_BUCKET(income, 0, 500000, 9000) AS b, WIDTH_BUCKET(income, 0, 500000, 6) AS c, "
    "COUNT(*) AS n FROM residents GROUP BY 1, 2"
)


@pytest.fixture
def asked(served):
    """A server in front of a data set with budgets, and how it is asked."""
    Bureau(served.office).prepare(epsilon="2", delta="1e-18")

    def ask(party="consumer", **fields):
        given = {
            "request_id": served.new_id(),
            "dataset": "datasets/residents",
            "sql": SQL,
            "purpose": PURPOSE,
            "epsilon": "0.5",
        }
        request = statistics_pb2.QueryRequest(**{**given, **fields})
        return served.stub("statistics", party).Query(request)

    return ask


def test_a_dry_run_then_the_answer_with_what_is_left(served, asked) -> None:
    price = asked(validate_only=True, request_id="")
    assert price.name == ""
    assert (price.price.epsilon, price.price.delta) == ("0.5", "0")
    assert price.price.affordable
    (error,) = price.price.errors
    assert (error.column, error.mechanism) == ("n", "discrete_laplace")
    assert float(error.half_width) > 0
    assert [left.left for left in price.left] == ["2"]
    answer = asked()
    assert answer.state == statistics_pb2.ANSWER_STATE_SEALED
    assert answer.price.plan_digest == price.price.plan_digest
    assert [left.left for left in answer.left] == ["1.5"]
    assert hashlib.sha256(answer.table).hexdigest() == answer.table_sha256
    table = pa.ipc.open_stream(answer.table).read_all()
    assert table.column_names == ["n", "n_lower", "n_upper"]
    assert asked().reused
    assert "private-answer" not in answer.table.decode("latin-1")
    assert answer.certificate


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"epsilon": ""}, ["epsilon"]),
        ({"epsilon": "0"}, ["epsilon"]),
        ({"epsilon": "-1"}, ["epsilon"]),
        ({"epsilon": "NaN"}, ["epsilon"]),
        ({"epsilon": "inf"}, ["epsilon"]),
        ({"epsilon": "1e99"}, [""]),
        ({"delta": ""}, ["delta"]),
        ({"delta": "0"}, ["delta"]),
        ({"delta": "0.5"}, [""]),
        ({"groups": 0}, ["groups"]),
        ({"rows": 0, "groups": -3}, ["groups", "rows"]),
        ({"minimum_frequency": 0}, ["minimum_frequency"]),
        ({"request_id": "short"}, ["request_id"]),
        ({"dataset": "residents"}, ["dataset"]),
        ({"sql": ""}, ["sql"]),
        ({"purpose": ""}, ["purpose"]),
        ({"sql": "SELECT * FROM residents"}, ["sql"]),
    ],
    ids=str,
)
def test_what_is_out_of_shape_is_named_and_free(served, asked, fields, named) -> None:
    refusal = served.refused(lambda: asked(**fields))
    assert refusal.code == "INVALID_ARGUMENT"
    assert set(named) <= set(refusal.fields)
    (budget,) = budgets(served)
    assert (budget.spent, budget.charges) == ("0", 0)


def budgets(served, party="consumer"):
    request = statistics_pb2.ListBudgetsRequest()
    return served.stub("statistics", party).ListBudgets(request).budgets


def test_a_spent_budget_is_a_quota_failure_that_names_the_budget(served, asked) -> None:
    asked(epsilon="1.9")
    refusal = served.refused(lambda: asked(epsilon="0.2"))
    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "BUDGET_EXHAUSTED")
    (failure,) = [d for d in refusal.details if isinstance(d, error_details_pb2.QuotaFailure)]
    (mine,) = budgets(served)
    assert failure.violations[0].subject == mine.name
    request = statistics_pb2.GetBudgetRequest(name=mine.name)
    whole = served.stub("statistics", "consumer").GetBudget(request)
    assert [point.spent for point in whole.burn_down] == ["1.9"]
    assert (whole.spent, whole.left, whole.charges) == ("1.9", "0.1", 1)


def test_a_table_that_is_too_large_for_its_answer_is_read_in_chunks(served, asked) -> None:
    answer = asked(sql=ROWS_OF_MANY)
    assert answer.table == b""
    assert answer.chunks > 1
    request = statistics_pb2.ReadAnswerRequest(name=answer.name)
    chunks = list(served.stub("statistics", "consumer").ReadAnswer(request))
    stream = b"".join(chunk.payload for chunk in chunks)
    assert hashlib.sha256(stream).hexdigest() == answer.table_sha256
    assert pa.ipc.open_stream(stream).read_all().num_rows > 60_000
    refusal = served.refused(lambda: served.stub("statistics", "officer").ReadAnswer(request))
    assert refusal.reason == "ROLE_NOT_ALLOWED"


def test_others_see_that_there_is_an_answer_and_not_what_it_says(served, asked) -> None:
    answer = asked()
    request = statistics_pb2.GetAnswerRequest(name=answer.name)
    for party, sees_question in (("holder", True), ("officer", False), ("auditor", False)):
        seen = served.stub("statistics", party).GetAnswer(request)
        assert seen.table == b""
        assert not seen.left
        assert bool(seen.sql) is sees_question
        assert bool(seen.price.plan_json) is sees_question
    listed = served.stub("statistics", "consumer").ListAnswers(statistics_pb2.ListAnswersRequest())
    assert [one.name for one in listed.answers] == [answer.name]
    assert listed.answers[0].table == b""


def test_nobody_but_officers_sets_budgets_and_officers_ask_nothing(served, asked) -> None:
    scope = statistics_pb2.BudgetScope(
        kind=statistics_pb2.BUDGET_KIND_DATA_SET, dataset="datasets/residents"
    )

    def propose(party, **fields):
        given = {"scope": scope, "epsilon": "90", "delta": "1e-6", "reason": "more"}
        request = statistics_pb2.ProposeBudgetRequest(
            request_id=served.new_id(), **{**given, **fields}
        )
        return served.stub("statistics", party).ProposeBudget(request)

    for party in ("consumer", "holder", "auditor"):
        assert served.refused(lambda p=party: propose(p)).reason == "ROLE_NOT_ALLOWED"
    assert served.refused(lambda: asked("officer")).reason == "ROLE_NOT_ALLOWED"
    for fields in ({"epsilon": "-1"}, {"epsilon": "101"}, {"epsilon": ""}, {"delta": "0"}):
        assert served.refused(lambda f=fields: propose("officer", **f)).code == "INVALID_ARGUMENT"
    mixed = statistics_pb2.BudgetScope(
        kind=statistics_pb2.BUDGET_KIND_DATA_SET,
        dataset="datasets/residents",
        recipient="parties/consumer",
    )
    assert served.refused(lambda: propose("officer", scope=mixed)).code == "INVALID_ARGUMENT"
    proposed = propose("officer")
    own = statistics_pb2.ApproveBudgetRequest(
        request_id=served.new_id(), name=proposed.name, etag=proposed.etag
    )
    stub = served.stub("statistics", "officer")
    assert served.refused(lambda: stub.ApproveBudget(own)).reason == "OWN_RESOURCE"
