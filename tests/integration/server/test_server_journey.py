"""The whole journey over the wire, each party with its own certificate."""

import hashlib
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gateway.api.pb import (
    audit_pb2,
    catalog_pb2,
    classification_pb2,
    grant_pb2,
    party_pb2,
    policy_pb2,
    protect_pb2,
    release_pb2,
    types_pb2,
)
from gateway.testing import residents
from gateway.verify import verify_certificate
from tests.integration.conftest import STUDY

COLUMNS = ("name", "resident_id", "phone", "district", "sex", "birth_date", "income")
PURPOSE = "public-health-research"


def register(served, name="residents", rows=500):
    pq.write_table(residents(rows, 7), served.office.data / f"{name}.parquet")
    return served.stub("catalog", "holder").RegisterDataSet(
        catalog_pb2.RegisterDataSetRequest(
            request_id=served.new_id(),
            dataset_id=name,
            dataset=catalog_pb2.DataSet(
                title="Residents",
                source=catalog_pb2.Source(
                    parquet=catalog_pb2.ParquetSource(path=f"{name}.parquet")
                ),
            ),
        )
    )


def registered(served):
    """The same as it is once it was classified."""
    get = catalog_pb2.GetDataSetRequest(name=register(served).name)
    return served.stub("catalog", "holder").GetDataSet(get)


def activate(served, text):
    policies = served.stub("policies", "officer")
    draft = policies.CreatePolicy(
        policy_pb2.CreatePolicyRequest(request_id=served.new_id(), text=text)
    )
    request = policy_pb2.ActivatePolicyRequest(
        request_id=served.new_id(), name=draft.name, version=draft.version
    )
    own = served.refused(lambda: policies.ActivatePolicy(request))
    assert (own.code, own.reason) == ("PERMISSION_DENIED", "OWN_RESOURCE")
    return served.stub("policies", "second-officer").ActivatePolicy(request)


def grant(served):
    grants = served.stub("grants", "consumer")
    request = grant_pb2.RequestGrantRequest(
        request_id=served.new_id(),
        dataset="datasets/residents",
        columns=COLUMNS,
        purpose=PURPOSE,
        justification="a study",
    )
    request.expires.FromDatetime(served.office.clock.now() + timedelta(days=10))
    made = grants.RequestGrant(request)
    for party in ("holder", "officer"):
        if made.state == grant_pb2.GRANT_STATE_REQUESTED:
            made = served.stub("grants", party).ApproveGrant(
                grant_pb2.ApproveGrantRequest(
                    request_id=served.new_id(), name=made.name, etag=made.etag, reason="fits"
                )
            )
    assert made.state == grant_pb2.GRANT_STATE_ACTIVE
    return made


def extract(**changes):
    fields = {"dataset": "datasets/residents", "columns": COLUMNS, "purpose": PURPOSE}
    return types_pb2.ExtractRequest(**{**fields, **changes})


def prepared(served, starter):
    register(served)
    activate(served, starter)
    return grant(served)


@pytest.fixture
def starter():
    return STUDY


def opened(served, **changes):
    return served.stub("releases", "consumer").CreateRelease(
        release_pb2.CreateReleaseRequest(request_id=served.new_id(), request=extract(**changes))
    )


def test_from_registration_to_a_verified_extract(served, starter):
    prepared(served, starter)
    releases = served.stub("releases", "consumer")
    dry = releases.CreateRelease(
        release_pb2.CreateReleaseRequest(request=extract(), validate_only=True)
    )
    assert not dry.name
    assert dry.plan.digest
    request = release_pb2.CreateReleaseRequest(request_id=served.new_id(), request=extract())
    release = releases.CreateRelease(request)
    assert release.state == release_pb2.RELEASE_STATE_OPENED
    assert releases.CreateRelease(request).name == release.name
    served.office.rooms.runner.run(release.name)

    seen = list(releases.WatchRelease(release_pb2.WatchReleaseRequest(name=release.name)))
    sealed = seen[-1]
    assert sealed.state == release_pb2.RELEASE_STATE_SEALED
    chunks = list(releases.ReadRelease(release_pb2.ReadReleaseRequest(name=release.name)))
    assert [chunk.index for chunk in chunks] == list(range(sealed.chunks))
    assert [chunk.last for chunk in chunks] == [False] * (sealed.chunks - 1) + [True]
    stream = b"".join(chunk.payload for chunk in chunks)
    assert hashlib.sha256(stream).hexdigest() == sealed.stream_sha256
    table = pa.ipc.open_stream(stream).read_all()
    assert table.num_rows == sealed.rows == sum(chunk.rows for chunk in chunks) == 500
    again = list(releases.ReadRelease(release_pb2.ReadReleaseRequest(name=release.name, offset=1)))
    assert again == chunks[1:]

    certificate = releases.GetCertificate(release_pb2.GetCertificateRequest(name=release.name))
    public = releases.GetPublicKey(release_pb2.GetPublicKeyRequest())
    verified = verify_certificate(certificate.envelope, public.pem.encode())
    assert verified.predicate.rows == 500

    auditor = served.stub("audit", "auditor")
    whole = auditor.VerifyAudit(audit_pb2.VerifyAuditRequest())
    assert whole.whole, whole.fault
    entries = auditor.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(page_size=1000)).entries
    done = [(entry.actor, entry.action, entry.outcome) for entry in entries]
    assert ("parties/consumer", "release.read", "STARTED") in done
    assert ("parties/consumer", "release.read", "ok") in done
    assert ("parties/consumer", "rpc.release.get_certificate", "ok") in done
    # The retry changed nothing, so that the use case wrote nothing: the call itself is logged.
    assert ("parties/consumer", "rpc.release.create_release", "ok") in done
    assert auditor.GetCheckpoint(audit_pb2.GetCheckpointRequest()).envelope


def test_a_watched_release_is_seen_at_every_change(served, starter):
    prepared(served, starter)
    releases = served.stub("releases", "consumer")
    release = opened(served)
    watch = releases.WatchRelease(release_pb2.WatchReleaseRequest(name=release.name), timeout=30)
    assert next(watch).state == release_pb2.RELEASE_STATE_OPENED
    served.office.rooms.runner.run(release.name)
    assert [*watch][-1].state == release_pb2.RELEASE_STATE_SEALED


def test_revoking_the_grant_stops_reading(served, starter):
    active = prepared(served, starter)
    release = opened(served)
    served.office.rooms.runner.run(release.name)
    served.stub("grants", "consumer").RevokeGrant(
        grant_pb2.RevokeGrantRequest(request_id=served.new_id(), name=active.name, reason="done")
    )
    found = served.refused(
        lambda: served.stub("releases", "consumer").ReadRelease(
            release_pb2.ReadReleaseRequest(name=release.name)
        )
    )
    assert (found.code, found.reason) == ("PERMISSION_DENIED", "GRANT_REVOKED")


def test_what_a_consumer_may_not_see_is_left_out(served, starter):
    prepared(served, starter)
    name = catalog_pb2.GetDataSetRequest(name="datasets/residents")
    inside = served.stub("catalog", "holder").GetDataSet(name)
    outside = served.stub("catalog", "consumer").GetDataSet(name)
    assert inside.HasField("source")
    assert any(column.evidence for column in inside.columns)
    assert not outside.HasField("source")
    assert not any(column.evidence for column in outside.columns)

    secret = "R&D-SECRET"
    filtered = types_pb2.Condition(column="district", operator="=", values=[secret])
    release = opened(served, filters=[filtered])
    get = release_pb2.GetReleaseRequest(name=release.name)
    for party, shown in (("consumer", True), ("holder", True), ("officer", False)):
        seen = served.stub("releases", party).GetRelease(get)
        assert (secret in str(seen)) is shown, party
        assert seen.request.filters[0].column == "district"
    seen = served.stub("releases", "auditor").GetRelease(get)
    assert secret not in str(seen)
    assert seen.plan.digest == release.plan.digest


def test_a_request_id_for_something_else_is_refused(served, starter):
    register(served)
    catalog = served.stub("catalog", "holder")
    request_id = served.new_id()
    catalog.RefreshDataSet(
        catalog_pb2.RefreshDataSetRequest(request_id=request_id, name="datasets/residents")
    )
    found = served.refused(
        lambda: catalog.RefreshDataSet(
            catalog_pb2.RefreshDataSetRequest(request_id=request_id, name="datasets/others")
        )
    )
    assert found.code in {"NOT_FOUND", "ALREADY_EXISTS"}


def test_updates_need_the_etag_and_change_what_the_mask_names(served):
    made = registered(served)
    catalog = served.stub("catalog", "holder")
    request = catalog_pb2.UpdateDataSetRequest(
        request_id=served.new_id(),
        dataset=catalog_pb2.DataSet(
            name=made.name, etag=made.etag, title="New", description="not in the mask"
        ),
    )
    request.update_mask.paths.append("title")
    updated = catalog.UpdateDataSet(request)
    assert (updated.title, updated.description) == ("New", "")
    request.request_id = served.new_id()
    found = served.refused(lambda: catalog.UpdateDataSet(request))
    assert (found.code, found.reason) == ("ABORTED", "ETAG_MISMATCH")


def test_an_officer_overrides_a_verdict_and_classification_keeps_it(served):
    made = registered(served)
    officer = served.stub("classification", "officer")
    changed = officer.OverrideVerdict(
        classification_pb2.OverrideVerdictRequest(
            request_id=served.new_id(),
            dataset=made.name,
            column="district",
            entity="REGION",
            grade="general-4",
            role=catalog_pb2.COLUMN_ROLE_QUASI_IDENTIFIER,
            reason="small districts",
            etag=made.etag,
        )
    )
    served.stub("classification", "holder").ClassifyDataSet(
        classification_pb2.ClassifyDataSetRequest(request_id=served.new_id(), name=made.name)
    )
    again = served.stub("catalog", "holder").GetDataSet(
        catalog_pb2.GetDataSetRequest(name=made.name)
    )
    assert again.classification.number == changed.classification.number + 1
    for dataset in (changed, again):
        column = next(column for column in dataset.columns if column.name == "district")
        assert (column.grade, column.declared) == ("general-4", True)


def test_policies_can_be_read_tried_and_compared(served, starter):
    prepared(served, starter)
    officer = served.stub("policies", "officer")
    listed = officer.ListPolicies(policy_pb2.ListPoliciesRequest()).policies
    assert [(p.version, p.text) for p in listed] == [(1, "")]
    one = officer.GetPolicy(policy_pb2.GetPolicyRequest(name=listed[0].name))
    assert one.text == starter
    assert one.activated_by == "parties/second-officer"
    purposes = served.stub("policies", "consumer").ListPurposes(policy_pb2.ListPurposesRequest())
    assert PURPOSE in {purpose.name for purpose in purposes.purposes}
    officer.LintPolicy(policy_pb2.LintPolicyRequest(text=starter))
    explained = officer.ExplainDecision(
        policy_pb2.ExplainDecisionRequest(consumer="parties/consumer", request=extract())
    )
    assert explained.decision.outcome != types_pb2.OUTCOME_DENIED
    assert explained.lines
    opened(served)
    diff = officer.DiffPolicy(policy_pb2.DiffPolicyRequest(name=one.name, text=starter))
    assert (diff.compared, len(diff.changed)) == (1, 0)
    retire = policy_pb2.RetirePolicyRequest(request_id=served.new_id(), name=one.name, version=1)
    own = served.refused(lambda: officer.RetirePolicy(retire))
    assert (own.code, own.reason) == ("PERMISSION_DENIED", "OWN_RESOURCE")
    retired = served.stub("policies", "second-officer").RetirePolicy(retire)
    assert retired.state == policy_pb2.POLICY_STATE_RETIRED
    found = served.refused(lambda: opened(served))
    assert (found.code, found.fields) == ("INVALID_ARGUMENT", ["request.purpose"])


def test_parties_are_added_listed_and_shut_out(served):
    admin = served.stub("parties", "admin")
    party = party_pb2.Party(
        name="parties/newcomer", role=2, kind="research", display_name="New", subjects=["a|b"]
    )
    request = party_pb2.CreatePartyRequest(request_id=served.new_id(), party=party)
    assert admin.CreateParty(request) == party
    assert admin.CreateParty(request) == party
    names = []
    token = ""
    while True:
        page = admin.ListParties(party_pb2.ListPartiesRequest(page_size=3, page_token=token))
        names += [p.name for p in page.parties]
        token = page.next_page_token
        if not token:
            break
    assert names == sorted(names)
    assert "parties/newcomer" in names
    consumer = served.stub("parties", "consumer")
    assert consumer.GetSelf(party_pb2.GetSelfRequest()).name == "parties/consumer"
    admin.SetPartyDisabled(
        party_pb2.SetPartyDisabledRequest(
            request_id=served.new_id(), name="parties/consumer", disabled=True
        )
    )
    found = served.refused(lambda: consumer.GetSelf(party_pb2.GetSelfRequest()))
    assert (found.code, found.reason) == ("UNAUTHENTICATED", "PARTY_DISABLED")


def test_each_call_leaves_one_entry(served):
    catalog = served.stub("catalog", "holder")
    log = served.office.rooms.trail

    def new(call):
        before = len(log.entries(0, 1000))
        call()
        entries = [entry.event for entry in log.entries(before, 1000)]
        # What the gateway does by itself afterwards has entries of its own.
        return [(e.action, e.outcome) for e in entries if e.actor != "gateway"]

    name, request_id = "datasets/residents", served.new_id()
    get = catalog_pb2.GetDataSetRequest(name=name)
    refresh = catalog_pb2.RefreshDataSetRequest(request_id=request_id, name=name)
    withdraw = catalog_pb2.WithdrawDataSetRequest(request_id=served.new_id(), name=name)
    again = catalog_pb2.WithdrawDataSetRequest(request_id=served.new_id(), name=name)
    assert new(lambda: served.refused(lambda: catalog.GetDataSet(get))) == [
        ("rpc.catalog.get_data_set", "NOT_FOUND")
    ]
    assert new(lambda: register(served)) == [("dataset.register", "ok")]
    assert new(lambda: catalog.GetDataSet(get)) == [("rpc.catalog.get_data_set", "ok")]
    assert new(lambda: catalog.RefreshDataSet(refresh)) == [("dataset.refresh", "ok")]
    repeated = [("rpc.catalog.refresh_data_set", "ok")]
    assert new(lambda: catalog.RefreshDataSet(refresh)) == repeated
    assert new(lambda: catalog.WithdrawDataSet(withdraw)) == [("dataset.withdraw", "ok")]
    assert new(lambda: served.refused(lambda: catalog.WithdrawDataSet(again))) == [
        ("rpc.catalog.withdraw_data_set", "INVALID_TRANSITION")
    ]


def test_texts_come_back_in_order(served):
    texts = ["call 13800138000", "", "mail a@example.com or 13800138000"]
    protect = served.stub("protect", "holder").ProtectTexts
    answer = protect(protect_pb2.ProtectTextsRequest(texts=texts))
    assert [(text.text, list(text.entities)) for text in answer.texts] == [
        ("call <CN_MOBILE>", ["CN_MOBILE"]),
        ("", []),
        ("mail <EMAIL_ADDRESS> or <CN_MOBILE>", ["EMAIL_ADDRESS", "CN_MOBILE"]),
    ]
    rules = protect_pb2.TextRules(entities=["EMAIL_ADDRESS"])
    answer = protect(protect_pb2.ProtectTextsRequest(texts=texts, rules=rules))
    assert answer.texts[2].text == "mail <EMAIL_ADDRESS> or 13800138000"
