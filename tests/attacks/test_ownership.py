"""What belongs to one party is, to others of the same role, the same as what does not exist."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pytest

from gateway.api.pb import (
    catalog_pb2,
    classification_pb2,
    grant_pb2,
    party_pb2,
    policy_pb2,
    release_pb2,
)
from gateway.model.names import RecipientKind, Role
from gateway.testing import residents


@dataclass
class Town:
    """Two of each: who owns what, and who has nothing to do with it."""

    rpcs: object
    grant: grant_pb2.Grant
    release: release_pb2.Release
    pending: grant_pb2.Grant


@pytest.fixture
def town(rpcs) -> Town:
    rpcs.newcomer("other-department", Role.HOLDER, RecipientKind.GOVERNMENT)
    rpcs.newcomer("other-lab", Role.CONSUMER, RecipientKind.RESEARCH)
    grant = rpcs.granted("consumer")
    release = rpcs.create("consumer", rpcs.extract())
    assert release.state == release_pb2.RELEASE_STATE_SEALED
    return Town(rpcs, grant, release, rpcs.ask_grant("consumer", ("district",)))


DATA_SET = "datasets/residents"


def _holders_calls(rpcs, name: str, grant: str, release: str, etag: str) -> dict[str, Callable]:
    catalog = rpcs.stub("catalog", "other-department")
    classification = rpcs.stub("classification", "other-department")
    grants = rpcs.stub("grants", "other-department")
    releases = rpcs.stub("releases", "other-department")
    new_id = rpcs.new_id
    update = catalog_pb2.UpdateDataSetRequest(
        request_id=new_id(), dataset=catalog_pb2.DataSet(name=name, etag=etag, title="Mine")
    )
    update.update_mask.paths.append("title")
    header = catalog_pb2.PushRecordsHeader(request_id=new_id(), dataset=name)
    table = residents(3)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    payload = sink.getvalue().to_pybytes()
    pushed = [
        catalog_pb2.PushRecordsRequest(header=header),
        catalog_pb2.PushRecordsRequest(payload=payload),
    ]
    return {
        "get": lambda: catalog.GetDataSet(catalog_pb2.GetDataSetRequest(name=name)),
        "update": lambda: catalog.UpdateDataSet(update),
        "refresh": lambda: catalog.RefreshDataSet(
            catalog_pb2.RefreshDataSetRequest(request_id=new_id(), name=name)
        ),
        "withdraw": lambda: catalog.WithdrawDataSet(
            catalog_pb2.WithdrawDataSetRequest(request_id=new_id(), name=name)
        ),
        "push": lambda: catalog.PushRecords(iter(pushed)),
        "classify": lambda: classification.ClassifyDataSet(
            classification_pb2.ClassifyDataSetRequest(request_id=new_id(), name=name)
        ),
        "see grant": lambda: grants.GetGrant(grant_pb2.GetGrantRequest(name=grant)),
        "approve": lambda: grants.ApproveGrant(
            grant_pb2.ApproveGrantRequest(request_id=new_id(), name=grant, etag=etag, reason="mine")
        ),
        "refuse": lambda: grants.RefuseGrant(
            grant_pb2.RefuseGrantRequest(request_id=new_id(), name=grant, etag=etag, reason="no")
        ),
        "revoke": lambda: grants.RevokeGrant(
            grant_pb2.RevokeGrantRequest(request_id=new_id(), name=grant, reason="no")
        ),
        "see release": lambda: releases.GetRelease(release_pb2.GetReleaseRequest(name=release)),
        "recall": lambda: releases.RecallRelease(
            release_pb2.RecallReleaseRequest(request_id=new_id(), name=release, reason="mine")
        ),
        "certificate": lambda: releases.GetCertificate(
            release_pb2.GetCertificateRequest(name=release)
        ),
    }


def _consumers_calls(rpcs, grant: str, release: str) -> dict[str, Callable]:
    grants, releases = rpcs.stub("grants", "other-lab"), rpcs.stub("releases", "other-lab")
    return {
        "see grant": lambda: grants.GetGrant(grant_pb2.GetGrantRequest(name=grant)),
        "revoke": lambda: grants.RevokeGrant(
            grant_pb2.RevokeGrantRequest(request_id=rpcs.new_id(), name=grant, reason="no")
        ),
        "see release": lambda: releases.GetRelease(release_pb2.GetReleaseRequest(name=release)),
        "watch": lambda: releases.WatchRelease(release_pb2.WatchReleaseRequest(name=release)),
        "read": lambda: releases.ReadRelease(release_pb2.ReadReleaseRequest(name=release)),
        "cancel": lambda: releases.CancelRelease(
            release_pb2.CancelReleaseRequest(request_id=rpcs.new_id(), name=release)
        ),
        "certificate": lambda: releases.GetCertificate(
            release_pb2.GetCertificateRequest(name=release)
        ),
    }


def _same_as_absent(rpcs, theirs: dict[str, Callable], absent: dict[str, Callable]) -> None:
    for what, call in theirs.items():
        hidden, nothing = rpcs.refused(call), rpcs.refused(absent[what])
        assert hidden.code == "NOT_FOUND", (what, hidden)
        assert (hidden.code, hidden.reason) == (nothing.code, nothing.reason), what
        # But for the name, which the caller gave, not one word tells them apart.
        assert _nameless(hidden.message) == _nameless(nothing.message), what


def _nameless(message: str) -> str:
    return " ".join(word for word in message.split() if "/" not in word)


def test_other_holders_cannot_tell_a_data_set_from_none(town) -> None:
    etag = "r1"
    theirs = _holders_calls(town.rpcs, DATA_SET, town.pending.name, town.release.name, etag)
    absent = _holders_calls(
        town.rpcs, "datasets/no-such", "grants/g-0000000000000000", "releases/r-00000000", etag
    )
    _same_as_absent(town.rpcs, theirs, absent)
    catalog = town.rpcs.stub("catalog", "other-department")
    assert not catalog.ListDataSets(catalog_pb2.ListDataSetsRequest()).datasets
    grants = town.rpcs.stub("grants", "other-department")
    assert not grants.ListGrants(grant_pb2.ListGrantsRequest(dataset=DATA_SET)).grants
    releases = town.rpcs.stub("releases", "other-department")
    assert not releases.ListReleases(release_pb2.ListReleasesRequest(dataset=DATA_SET)).releases


def test_other_consumers_cannot_tell_a_release_from_none(town) -> None:
    theirs = _consumers_calls(town.rpcs, town.grant.name, town.release.name)
    absent = _consumers_calls(town.rpcs, "grants/g-0000000000000000", "releases/r-00000000")
    _same_as_absent(town.rpcs, theirs, absent)
    grants = town.rpcs.stub("grants", "other-lab")
    assert not grants.ListGrants(grant_pb2.ListGrantsRequest(dataset=DATA_SET)).grants
    releases = town.rpcs.stub("releases", "other-lab")
    assert not releases.ListReleases(release_pb2.ListReleasesRequest(dataset=DATA_SET)).releases


def test_a_grant_covers_nobody_but_its_consumer(town) -> None:
    denied = town.rpcs.create("other-lab", town.rpcs.extract())
    assert denied.state == release_pb2.RELEASE_STATE_DENIED
    assert {reason.code for reason in denied.decision.reasons} == {"NO_GRANT"}


@pytest.mark.parametrize("party", ["holder", "officer", "second-officer", "auditor", "admin"])
def test_nobody_but_the_consumer_reads_the_records(town, party) -> None:
    found = town.rpcs.refused(
        lambda: town.rpcs.stub("releases", party).ReadRelease(
            release_pb2.ReadReleaseRequest(name=town.release.name)
        )
    )
    assert (found.code, found.reason) == ("PERMISSION_DENIED", "ROLE_NOT_ALLOWED")


def test_each_approver_answers_once_and_for_one_role_only(town) -> None:
    rpcs = town.rpcs
    pending = rpcs.ask_grant("consumer")
    own = rpcs.refused(lambda: rpcs.approve("consumer", pending))
    assert own.code == "PERMISSION_DENIED"
    by_officer = rpcs.approve("officer", pending)
    assert by_officer.state == grant_pb2.GRANT_STATE_REQUESTED
    for officer in ("officer", "second-officer"):
        # Two officers are not a holder and an officer.
        again = rpcs.refused(lambda officer=officer: rpcs.approve(officer, by_officer))
        assert (again.code, again.reason) == ("FAILED_PRECONDITION", "APPROVAL_NOT_WANTED")
    assert rpcs.approve("holder", by_officer).state == grant_pb2.GRANT_STATE_ACTIVE


def test_nobody_puts_their_own_policy_in_force_by_another_name_or_version(town, study) -> None:
    officer = town.rpcs.stub("policies", "officer")
    text = study.replace("policies/study", "policies/own")
    new_id = town.rpcs.new_id
    for number in (1, 2):
        draft = officer.CreatePolicy(policy_pb2.CreatePolicyRequest(request_id=new_id(), text=text))
        assert draft.version == number
        found = town.rpcs.refused(
            lambda draft=draft: officer.ActivatePolicy(
                policy_pb2.ActivatePolicyRequest(
                    request_id=new_id(), name=draft.name, version=draft.version
                )
            )
        )
        assert (found.code, found.reason) == ("PERMISSION_DENIED", "OWN_RESOURCE")


def test_an_administrator_cannot_become_somebody_else(town) -> None:
    admin = town.rpcs.stub("parties", "admin")
    taken = party_pb2.Party(
        name="parties/consumer", role=2, kind="research", display_name="Mine", subjects=["a|b"]
    )
    found = town.rpcs.refused(
        lambda: admin.CreateParty(
            party_pb2.CreatePartyRequest(request_id=town.rpcs.new_id(), party=taken)
        )
    )
    assert found.code == "ALREADY_EXISTS"
    taken.name, taken.subjects[:] = "parties/newcomer", ["https://login.example.org|alice"]
    found = town.rpcs.refused(
        lambda: admin.CreateParty(
            party_pb2.CreatePartyRequest(request_id=town.rpcs.new_id(), party=taken)
        )
    )
    assert found.code == "ALREADY_EXISTS"


# ---- what belongs to one party's calls -----------------------------------------------------------


def test_a_request_id_of_another_party_is_no_key_to_what_it_made(town) -> None:
    rpcs = town.rpcs
    rpcs.granted("other-lab")
    request_id = rpcs.new_id()
    mine = rpcs.create("consumer", rpcs.extract(), request_id)
    theirs = rpcs.create("other-lab", rpcs.extract(), request_id)
    assert mine.name != theirs.name
    assert theirs.consumer == "parties/other-lab"
    found = rpcs.refused(lambda: rpcs.create("consumer", rpcs.extract(("district",)), request_id))
    assert (found.code, found.reason) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")


def test_a_page_token_is_good_for_the_list_and_the_party_it_was_given_to(town) -> None:
    rpcs = town.rpcs
    rpcs.create("consumer", rpcs.extract())
    rpcs.granted("other-lab")
    rpcs.create("other-lab", rpcs.extract())
    mine = rpcs.stub("releases", "consumer")
    token = mine.ListReleases(release_pb2.ListReleasesRequest(page_size=1)).next_page_token
    assert token
    again = release_pb2.ListReleasesRequest(page_size=1, page_token=token)
    assert len(mine.ListReleases(again).releases) == 1
    other_filter = release_pb2.ListReleasesRequest(page_size=1, page_token=token, dataset=DATA_SET)
    forged = release_pb2.ListReleasesRequest(
        page_size=1, page_token=token[:-2] + ("aa" if token[-2:] != "aa" else "bb")
    )
    calls = {
        "another party": lambda: rpcs.stub("releases", "other-lab").ListReleases(again),
        "another role": lambda: rpcs.stub("releases", "auditor").ListReleases(again),
        "another filter": lambda: mine.ListReleases(other_filter),
        "forged": lambda: mine.ListReleases(forged),
        "another list": lambda: rpcs.stub("grants", "consumer").ListGrants(
            grant_pb2.ListGrantsRequest(page_size=1, page_token=token)
        ),
    }
    for what, call in calls.items():
        found = rpcs.refused(call)
        assert (found.code, found.fields) == ("INVALID_ARGUMENT", ["page_token"]), what
