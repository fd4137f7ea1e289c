"""What callers write becomes exactly the message that they mean, and messages plain values."""

from datetime import UTC, datetime

import pytest

from gateway.api.pb import audit_pb2, catalog_pb2, grant_pb2, release_pb2
from gateway.client.forms import (
    column_message,
    condition,
    extract_message,
    full_name,
    moment,
    source_message,
)
from gateway.client.plain import number, plain, word, words
from gateway.errors import InvalidRequest
from gateway.model.catalog import Column, CsvSource, ParquetSource, PostgresSource, PushedSource


@pytest.mark.parametrize(
    ("text", "column", "operator", "values"),
    [
        ("age >= 18", "age", ">=", ("18",)),
        ("age<=18", "age", "<=", ("18",)),
        ("age<18", "age", "<", ("18",)),
        ("district = 东城区", "district", "=", ("东城区",)),
        ("district != 东城区", "district", "!=", ("东城区",)),
        ("name =", "name", "=", ("",)),
        ("district in 东城区, 西城区", "district", "in", ("东城区", "西城区")),
        ("district not  in a,b", "district", "not in", ("a", "b")),
        ("phone is null", "phone", "is null", ()),
        ("phone is not null", "phone", "is not null", ()),
        ("marital-status = Never-married", "marital-status", "=", ("Never-married",)),
        ("origin = in between", "origin", "=", ("in between",)),
        ("a > b = c", "a", ">", ("b = c",)),
    ],
)
def test_conditions_are_read(
    text: str, column: str, operator: str, values: tuple[str, ...]
) -> None:
    found = condition(text)
    assert (found.column, found.operator.value, found.values) == (column, operator, values)


@pytest.mark.parametrize(
    "text", ["", "age", "= 3", "age ~ 3", "age between 1 and 2", "age in " + "1," * 1001 + "1"]
)
def test_what_is_no_condition_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        condition(text)
    assert "between 1" not in str(caught.value)


def test_names_may_be_short() -> None:
    assert full_name("datasets", "residents") == "datasets/residents"
    assert full_name("datasets", "datasets/residents") == "datasets/residents"
    assert full_name("datasets", "") == ""


def test_a_text_is_no_list_of_columns() -> None:
    with pytest.raises(InvalidRequest, match="list of names"):
        extract_message("residents", "name", "research")


def test_no_limit_is_no_limit_and_not_zero() -> None:
    assert not extract_message("residents", ["a"], "p").HasField("limit")
    assert extract_message("residents", ["a"], "p", limit=5).limit == 5


def test_moments_need_a_time_zone() -> None:
    with pytest.raises(InvalidRequest, match="time zone"):
        moment(datetime(2025, 1, 1))  # noqa: DTZ001 - the fault
    at = datetime(2025, 1, 1, tzinfo=UTC)
    assert moment(at).ToDatetime(UTC) == at


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (ParquetSource(path="x.parquet"), "parquet"),
        (CsvSource(path="x.csv", delimiter=";", encoding="gb18030", types={"a": "string"}), "csv"),
        (PostgresSource(connection="registry", table="people"), "postgres"),
        (PushedSource(), "pushed"),
    ],
)
def test_every_source_is_told(source: object, kind: str) -> None:
    assert source_message(source).WhichOneof("kind") == kind  # type: ignore[arg-type]


def test_a_column_that_is_not_known_stays_so() -> None:
    message = column_message(Column(name="a", type="string"))
    assert (message.entity, message.grade, message.role) == ("", "", 0)
    known = column_message(Column(name="a", type="", entity="PERSON", role="direct_identifier"))
    assert known.role == catalog_pb2.COLUMN_ROLE_DIRECT_IDENTIFIER


def test_plain_values_have_every_key_and_words() -> None:
    release = release_pb2.Release(
        name="releases/r-1", state=release_pb2.RELEASE_STATE_SEALED, rows=2**40
    )
    release.created.FromDatetime(datetime(2025, 1, 2, 3, 4, tzinfo=UTC))
    shown = plain(release)
    assert set(shown) == {field.name for field in release.DESCRIPTOR.fields}
    assert (shown["state"], shown["rows"]) == ("sealed", 2**40)
    assert shown["created"] == "2025-01-02T03:04:00+00:00"
    assert shown["plan"] is None
    assert shown["expires"] is None
    assert shown["stage"] is None


def test_lists_maps_and_inner_messages_are_plain_too() -> None:
    entry = audit_pb2.AuditEntry(details={"state": "active"})
    assert plain(entry)["details"] == {"state": "active"}
    source = catalog_pb2.DataSet(source=source_message(CsvSource(path="x", types={"a": "int64"})))
    assert plain(source)["source"]["csv"]["types"] == {"a": "int64"}
    assert plain(source)["source"]["parquet"] is None
    grant = grant_pb2.Grant(approvals=[grant_pb2.Approval(role=1, approved=True)])
    assert plain(grant)["approvals"][0]["role"] == "holder"


def test_words_and_numbers_of_enumerations_agree() -> None:
    state = release_pb2.ReleaseState.DESCRIPTOR
    assert words(state)[0] == "denied"
    assert all(word(state, number(state, text) or -1) == text for text in words(state))
    assert number(state, "unspecified") is None
    assert number(state, "nonsense") is None
    assert word(state, 0) is None
    assert word(state, 99) is None
