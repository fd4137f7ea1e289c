"""Between protobuf and the model."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.convert import catalog, releases, words
from gateway.api.convert.extracts import plan_to_proto, request_from_proto, request_to_proto
from gateway.api.convert.keys import check_request_id, etag, request_key, revision
from gateway.api.convert.shape import Shape, caller_at_fault
from gateway.api.pb import (
    catalog_pb2,
    grant_pb2,
    keys_pb2,
    options_pb2,
    policy_pb2,
    reidentification_pb2,
    release_pb2,
    types_pb2,
)
from gateway.api.roles import ROLES
from gateway.client import plain
from gateway.errors import InvalidRequest
from gateway.model.access import ExtractRequest, Grant
from gateway.model.catalog import Column, CsvSource, DataSet, Party, SourceVersion
from gateway.model.conditions import Condition, Operator
from gateway.model.decision import Outcome, Reason
from gateway.model.evidence import Coverage, Evidence
from gateway.model.lifecycle import (
    DataSetState,
    GrantState,
    KeyDomainState,
    PolicyState,
    ReidentificationState,
    ReleaseState,
)
from gateway.model.names import ColumnRole, RecipientKind, Role
from gateway.model.plan import Charge, Plan, SchemaCheck, Step
from gateway.model.reidentification import LegalBasis, NoticeState
from gateway.model.release import Stage
from gateway.model.transforms import Keep, ShiftDate
from gateway.ports import StagedChunk

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
SEEN = Evidence(
    kind="value", entity="CN_RESIDENT_ID", detail="looks like one", detail_zh="形似", weight=-7
)


@pytest.mark.parametrize(
    ("members", "table", "enum"),
    [
        (Role, {v: k for k, v in ROLES.items()}, options_pb2.PartyRole),
        (ColumnRole, words.COLUMN_ROLE_NUMBERS, catalog_pb2.ColumnRole),
        (DataSetState, words.DATA_SET_STATE_NUMBERS, catalog_pb2.DataSetState),
        (GrantState, words.GRANT_STATE_NUMBERS, grant_pb2.GrantState),
        (KeyDomainState, words.KEY_DOMAIN_STATE_NUMBERS, keys_pb2.KeyDomainState),
        (PolicyState, words.POLICY_STATE_NUMBERS, policy_pb2.PolicyState),
        (ReleaseState, words.RELEASE_STATE_NUMBERS, release_pb2.ReleaseState),
        (Stage, words.STAGE_NUMBERS, release_pb2.Stage),
        (Outcome, words.OUTCOME_NUMBERS, types_pb2.Outcome),
        (
            ReidentificationState,
            words.REIDENTIFICATION_STATE_NUMBERS,
            reidentification_pb2.ReidentificationState,
        ),
        (LegalBasis, words.LEGAL_BASIS_NUMBERS, reidentification_pb2.LegalBasis),
        (NoticeState, words.NOTICE_STATE_NUMBERS, reidentification_pb2.NoticeState),
    ],
)
def test_vocabularies_have_the_same_members_on_both_sides(members, table, enum):
    assert set(table) == set(members)
    assert sorted(table.values()) == [n for n in enum.values() if n != 0]
    for member, number in table.items():
        assert enum.Name(number).endswith(f"_{member.name}")


@given(
    index=st.integers(0, 2**31 - 1),
    rows=st.integers(0, 2**31 - 1),
    last=st.booleans(),
    payload=st.one_of(st.binary(max_size=300), st.integers(0, 20_000).map(lambda n: b"x" * n)),
)
def test_joined_chunks_are_what_protobuf_would_write(index, rows, last, payload):
    chunk = StagedChunk(index=index, payload=payload, rows=rows, last=last)
    read = release_pb2.ReadReleaseResponse.FromString(releases.chunk_bytes(chunk))
    assert read == release_pb2.ReadReleaseResponse(
        index=index, rows=rows, last=last, payload=payload
    )


conditions = st.builds(
    Condition,
    column=st.text(min_size=1, max_size=20),
    operator=st.just(Operator.IN),
    values=st.lists(st.text(max_size=10), min_size=1, max_size=5).map(tuple),
)


@given(
    columns=st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5, unique=True),
    purpose=st.text(min_size=1, max_size=50),
    project=st.sampled_from([None, "project-1"]),
    filters=st.lists(conditions, max_size=3),
    limit=st.one_of(st.none(), st.integers(1, 2**63 - 1)),
)
def test_requests_come_back_as_they_went(columns, purpose, project, filters, limit):
    request = ExtractRequest(
        dataset="datasets/residents",
        columns=tuple(columns),
        purpose=purpose,
        project=project,
        filters=tuple(filters),
        limit=limit,
    )
    shape = Shape()
    message = request_to_proto(request, with_values=True)
    assert shape.made(request_from_proto(shape, message, "")) == request
    hidden = request_to_proto(request, with_values=False)
    assert not any(condition.values for condition in hidden.filters)


def dataset():
    return DataSet(
        name="datasets/residents",
        title="Residents",
        keywords=("a", "b"),
        retention_days=7,
        source=CsvSource(path="r.csv", delimiter=";", encoding="gb18030", types={"id": "string"}),
        columns=(
            Column(
                name="id",
                type="string",
                evidence=(SEEN,),
                coverage=Coverage(rows=9, present=8, sampled=7),
                rules="2026-01, sha256 abc",
                confidence_percent=90,
            ),
        ),
        holder="parties/bureau",
        version=SourceVersion(fingerprint="a" * 64, schema_digest="b" * 64, rows=9),
        revision=3,
        created=NOW,
        updated=NOW,
    )


def party(role, name="parties/somebody"):
    return Party(name=name, role=role, kind=RecipientKind.GOVERNMENT, display_name="x")


@pytest.mark.parametrize(
    ("caller", "inside"),
    [
        (party(Role.HOLDER, "parties/bureau"), True),
        (party(Role.OFFICER), True),
        (party(Role.AUDITOR), True),
        (party(Role.CONSUMER), False),
        (party(Role.HOLDER, "parties/other"), False),
    ],
)
def test_who_sees_where_a_data_set_lives_and_the_evidence(caller, inside):
    message = catalog.to_proto(dataset(), caller)
    assert message.HasField("source") is inside
    struck = Grant(
        name="grants/g-1",
        consumer="parties/lab",
        dataset="datasets/residents",
        columns=("id",),
        purpose="study",
        not_before=NOW,
        expires=NOW + timedelta(days=1),
        required=(Role.HOLDER,),
        affected=(Reason(code="COLUMN_DENIED", text="id no longer leaves", column="id"),),
        created=NOW,
    )
    told = catalog.to_proto(dataset(), caller, None, [struck]).affected_grants
    assert [g.reasons[0].code for g in told] == (["COLUMN_DENIED"] if inside else [])
    column = message.columns[0]
    assert [plain(piece) for piece in column.evidence] == ([SEEN.model_dump()] if inside else [])
    assert column.HasField("coverage") is inside
    assert bool(column.rules) is inside
    assert message.created.ToDatetime(UTC) == NOW
    assert message.etag == "r3"


def test_a_described_data_set_can_be_registered_again():
    message = catalog.to_proto(dataset(), party(Role.AUDITOR))
    shape = Shape()
    draft = shape.made(catalog.draft(shape, "residents", message, "dataset"))
    assert draft.source == dataset().source
    assert draft.retention_days == 7
    assert draft.columns[0].evidence == ()  # output only
    assert draft.columns[0].coverage is None


@pytest.mark.parametrize("path", ["name", "holder", "state", "columns.name", "*", ""])
def test_masks_name_fields_that_can_be_changed(path):
    shape = Shape()
    catalog.changes(shape, catalog_pb2.DataSet(title="x"), [path])
    with pytest.raises(InvalidRequest) as caught:
        shape.done()
    assert [violation.field for violation in caught.value.violations] == ["update_mask"]


@given(st.integers(1, 10**18))
def test_etags_come_back(number):
    assert revision(Shape(), "etag", etag(number)) == number


@pytest.mark.parametrize("text", ["", "3", "r", "r-1", "r٣", "rr3", "r" + "9" * 30, "R3"])
def test_what_is_no_etag_is_refused(text):
    shape = Shape()
    revision(shape, "etag", text)
    assert not shape.sound


@pytest.mark.parametrize(
    ("length", "sound"), [(0, False), (7, False), (8, True), (100, True), (101, False)]
)
def test_request_ids_have_8_to_100_characters(length, sound):
    shape = Shape()
    check_request_id(shape, "i" * length)
    assert shape.sound is sound


def test_the_key_covers_everything_but_the_id():
    def key(**fields):
        return request_key("/x", catalog_pb2.WithdrawDataSetRequest(**fields))

    one = key(request_id="12345678", name="datasets/a")
    assert one.request_digest == key(request_id="87654321", name="datasets/a").request_digest
    assert one.request_digest != key(request_id="12345678", name="datasets/b").request_digest
    unknown = catalog_pb2.WithdrawDataSetRequest(request_id="12345678", name="datasets/a")
    unknown.MergeFromString(b"\xfa\x01\x01x")  # a field of a newer version
    assert request_key("/x", unknown).request_digest != one.request_digest


@pytest.mark.parametrize("seconds", [-(2**62), 2**62, 253402300800])
def test_times_beyond_the_calendar_are_refused(seconds):
    request = grant_pb2.RequestGrantRequest()
    request.expires.seconds = seconds
    shape = Shape()
    assert shape.moment("expires", request.expires) is None
    assert not shape.sound


def test_a_step_says_by_whom_its_rows_move():
    plain = {"source_type": "date32[day]", "output_type": "date32[day]", "on_unhandled": "stop"}
    plan = Plan(
        dataset="datasets/visits",
        dataset_fingerprint="0" * 64,
        schema_digest="0" * 64,
        recipient="parties/lab",
        purpose="study",
        steps=(
            Step(
                column="day",
                published="day",
                transform=ShiftDate(most_days=3),
                key_domain="domain",
                key_version=1,
                subject="person",
                **plain,
            ),
            Step(column="other", published="other", transform=Keep(), **plain),
        ),
        checks=(SchemaCheck(),),
        charge=Charge(rows=1),
        expires_after_days=1,
    )
    moved, kept = plan_to_proto(plan, with_values=True).steps
    assert (moved.subject, kept.subject) == ("person", "")


def test_a_fault_of_the_whole_request_has_no_empty_name_before_it():
    with pytest.raises(InvalidRequest) as refused, caller_at_fault(""):
        ExtractRequest(dataset="datasets/residents", columns=("a",), purpose="study", project="pp")
    assert refused.value.message.startswith("a project has 3 to 63")
    with pytest.raises(InvalidRequest) as named, caller_at_fault(""):
        raise InvalidRequest.of("tokens", "1 to 100 of them")
    assert named.value.message == "tokens: 1 to 100 of them"
