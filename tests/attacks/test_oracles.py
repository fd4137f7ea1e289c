"""Asking about what one may not see: filters, counts, two names for a column, joined tokens."""

import hashlib

import pyarrow as pa
import pytest

from gateway.api.pb import catalog_pb2, release_pb2, types_pb2
from gateway.errors import GatewayError
from gateway.model.names import RecipientKind, Role
from gateway.testing import residents

SEALED = release_pb2.RELEASE_STATE_SEALED
DENIED = release_pb2.RELEASE_STATE_DENIED
EVERY_OPERATOR = (
    ("=", ["x"]),
    ("!=", ["x"]),
    ("in", ["x", "y"]),
    ("not in", ["x"]),
    ("<", ["x"]),
    (">=", ["x"]),
    ("is null", []),
    ("is not null", []),
)


def condition(column: str, operator: str = "=", values=("x",)) -> types_pb2.Condition:
    return types_pb2.Condition(column=column, operator=operator, values=values)


@pytest.mark.parametrize(("operator", "values"), EVERY_OPERATOR)
@pytest.mark.parametrize("asked", [("name", "district"), ("district",)])
def test_a_filter_on_what_is_hidden_is_denied_whatever_it_says(rpcs, operator, values, asked):
    rpcs.granted("consumer", ("name", "district"))
    wish = rpcs.extract(asked, filters=[condition("name", operator, values)])
    denied = rpcs.create("consumer", wish)
    assert denied.state == DENIED
    assert "FILTER_ON_PROTECTED_COLUMN" in {r.code for r in denied.decision.reasons}
    # The dry run is no way around it, and it does not count rows either.
    dry = rpcs.stub("releases", "consumer").CreateRelease(
        release_pb2.CreateReleaseRequest(request=wish, validate_only=True)
    )
    assert dry.decision.outcome == types_pb2.OUTCOME_DENIED
    assert dry.rows_expected == 0
    assert not dry.plan.digest


@pytest.mark.parametrize("column", ["birth_date", "income", "resident_id"])
def test_generalised_and_tokenised_columns_are_no_filters_either(rpcs, column):
    rpcs.granted("consumer", (column, "district"))
    value = {"birth_date": "1980-01-01", "income": "100000"}.get(column, "x")
    wish = rpcs.extract((column, "district"), filters=[condition(column, ">", [value])])
    assert rpcs.create("consumer", wish).state == DENIED


def test_a_filter_needs_the_grant_that_its_column_needs(rpcs):
    rpcs.granted("consumer", ("sex",))
    wish = rpcs.extract(("sex",), filters=[condition("district")])
    denied = rpcs.create("consumer", wish)
    assert {r.code for r in denied.decision.reasons} == {"GRANT_NARROWER"}


def test_what_a_filter_selects_is_counted_by_nothing_but_a_sealed_release(rpcs):
    rpcs.granted("consumer", ("sex", "district"))
    names = ("district", "sex")
    seen = []
    for value in ("松陵区", "nowhere"):
        wish = rpcs.extract(names, filters=[condition("district", values=[value])])
        dry = rpcs.stub("releases", "consumer").CreateRelease(
            release_pb2.CreateReleaseRequest(request=wish, validate_only=True)
        )
        opened = rpcs.stub("releases", "consumer").CreateRelease(
            release_pb2.CreateReleaseRequest(request_id=rpcs.new_id(), request=wish)
        )
        seen.append((dry.rows_expected, opened.rows_expected, opened.rows_done))
        assert opened.state == release_pb2.RELEASE_STATE_OPENED
    assert seen[0] == seen[1]


CELLS = """
format: gateway-policy/1
name: policies/cells
purposes: {public-health-research: Research.}
rules:
  - name: open-columns
    match: {column: [district, sex]}
    transform: {kind: keep}
    obligations: {min_cell_size: 400}
"""


def test_a_refusal_does_not_tell_how_many_rows_were_too_few(rpcs):
    """Whoever narrows a filter until the answer changes must not be told by how much."""
    rpcs.activate(CELLS)
    rpcs.granted("consumer", ("district", "sex"))
    told = set()
    for value in ("松陵区", "nowhere"):
        wish = rpcs.extract(("district", "sex"), filters=[condition("district", values=[value])])
        ended = rpcs.create("consumer", wish)
        if ended.state == SEALED:
            assert value == "nowhere"  # no rows, no cell that is too small
            continue
        assert ended.state == release_pb2.RELEASE_STATE_REFUSED
        told.add((ended.rows_done, ended.rows, ended.ending_text))
        assert not any(character.isdigit() for character in ended.ending_text.replace("400", ""))
    assert len(told) == 1
    assert {rows for done, rows, _ in told for rows in (done, rows)} == {0}


def test_an_officers_filter_on_a_hidden_column_is_not_a_consumers(rpcs):
    """A policy may hold rows back by what it hides; the consumer cannot lay a filter over it."""
    text = CELLS.replace(
        "min_cell_size: 400", "row_filters: [{column: income, operator: '>', values: ['50000']}]"
    )
    rpcs.activate(text)
    rpcs.granted("consumer", ("district", "income"))
    held_back = rpcs.create("consumer", rpcs.extract(("district",)))
    assert held_back.state == SEALED
    assert 0 < held_back.rows < 500
    for filters in ([condition("income", "<", ["60000"])], [condition("income", "is null", [])]):
        denied = rpcs.create("consumer", rpcs.extract(("district",), filters=filters))
        assert denied.state == DENIED


# ---- one column, two names -----------------------------------------------------------------------


def declare_element(rpcs, column: str, element: str) -> None:
    catalog = rpcs.stub("catalog", "holder")
    now = catalog.GetDataSet(catalog_pb2.GetDataSetRequest(name="datasets/residents"))
    request = catalog_pb2.UpdateDataSetRequest(
        request_id=rpcs.new_id(),
        dataset=catalog_pb2.DataSet(
            name=now.name,
            etag=now.etag,
            columns=[catalog_pb2.Column(name=column, element=element)],
        ),
    )
    request.update_mask.paths.append("columns")
    catalog.UpdateDataSet(request)


def test_a_column_is_not_had_twice_under_its_two_names(rpcs):
    declare_element(rpcs, "phone", "mobile_phone")
    rpcs.granted("consumer", ("phone", "district"))
    twice = rpcs.extract(("phone", "mobile_phone"))
    found = rpcs.refused(lambda: rpcs.create("consumer", twice))
    assert found.code == "INVALID_ARGUMENT"
    for name in ("phone", "mobile_phone"):
        assert rpcs.create("consumer", rpcs.extract((name,))).state == SEALED
        # Nor does the other name slip past the rule for filters.
        wish = rpcs.extract(("district",), filters=[condition(name)])
        assert rpcs.create("consumer", wish).state == DENIED


def test_the_element_of_one_column_is_no_mask_for_the_name_of_another(office):
    """`phone` published as `address` beside a column `address`: two columns of one name."""
    office.register()
    office.activate()
    before = office.rooms.catalog.get(office.holder, "datasets/residents")
    changed = {"columns": (before.find("phone").but(element="address"),)}
    with pytest.raises(GatewayError):
        office.rooms.catalog.update(
            office.holder, before.name, changed, before.revision, office.key()
        )


# ---- tokens of two recipients ----------------------------------------------------------------------


def tokens(rpcs, consumer: str, project: str = "", **named) -> set[str]:
    release = rpcs.create(consumer, rpcs.extract(("resident_id",), project=project, **named))
    assert release.state == SEALED, release.decision
    chunks = rpcs.stub("releases", consumer).ReadRelease(
        release_pb2.ReadReleaseRequest(name=release.name)
    )
    stream = b"".join(chunk.payload for chunk in chunks)
    assert hashlib.sha256(stream).hexdigest() == release.stream_sha256
    return set(pa.ipc.open_stream(stream).read_all().column("resident_id").to_pylist())


def test_tokens_of_two_recipients_meet_only_in_a_project_that_both_were_granted(rpcs):
    rpcs.newcomer("other-lab", Role.CONSUMER, RecipientKind.RESEARCH)
    alone: dict[str, set[str]] = {}
    for consumer in ("consumer", "other-lab"):
        for project in ("", "joint-study", "of-" + consumer):
            rpcs.granted(consumer, ("resident_id",), project)
        alone[consumer] = tokens(rpcs, consumer)
        assert alone[consumer] == tokens(rpcs, consumer)
        assert len(alone[consumer]) == 500
    assert not alone["consumer"] & alone["other-lab"]
    joint = tokens(rpcs, "consumer", "joint-study")
    assert joint == tokens(rpcs, "other-lab", "joint-study")
    assert not joint & (alone["consumer"] | alone["other-lab"])
    assert not tokens(rpcs, "consumer", "of-consumer") & tokens(rpcs, "other-lab", "of-other-lab")
    # A project is joined by a grant, and not by naming it.
    denied = rpcs.create("other-lab", rpcs.extract(("resident_id",), project="of-consumer"))
    assert denied.state == DENIED


def test_protecting_values_of_ones_own_gives_no_dictionary_of_anothers_tokens(office):
    """A holder who protects a guessed identity number gets no token that a consumer was given."""
    table = residents(500, 7)
    office.register(table)
    office.activate()
    wish = office.request(("resident_id",))
    office.grant(wish)
    release = office.open(wish)
    office.rooms.runner.run(release.name)
    given = set(office.table(release).column("resident_id").to_pylist())
    for caller in (office.holder, office.consumer):
        protection = office.rooms.protection.records(
            caller,
            "policies/study",
            "public-health-research",
            RecipientKind.RESEARCH,
            (),
            table.select(["resident_id"]).to_reader(),
        )
        stream = b"".join(chunk.payload for chunk in protection.chunks)
        found = set(pa.ipc.open_stream(stream).read_all().column(0).to_pylist())
        assert len(found) == 500
        assert not found & given
