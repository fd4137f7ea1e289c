"""From a registered data set to a verified extract, without the network."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from gateway.app.compose import compose
from gateway.classify.grading import grade_of
from gateway.cli.main import program
from gateway.errors import (
    UNUSABLE_KEY,
    AlreadyExists,
    CallerError,
    Cancelled,
    ClockMovedBack,
    ConfigurationError,
    Conflict,
    FailedPrecondition,
    InvalidRequest,
    KeyUnavailable,
    NotFound,
    PermissionDenied,
    QuotaExhausted,
    RecordsRejected,
    SourceChanged,
    SourceUnavailable,
    StagingCorrupt,
    StagingUnavailable,
    VerificationFailed,
)
from gateway.model.access import Verdict
from gateway.model.catalog import Column, DataSetDraft, PushedSource
from gateway.model.grades import Grade
from gateway.model.lifecycle import GrantState, ReleaseState
from gateway.model.names import RecipientKind, Role
from gateway.norms.starters import starters
from gateway.ports import Page
from gateway.store.grants import Grants as StoredGrants
from gateway.testing import residents
from gateway.verify import verify_certificate, verify_file


def codes(reasons) -> set[str]:
    return {reason.code for reason in reasons}


def test_an_extract_is_protected_sealed_certified_and_logged(any_office, tmp_path: Path):
    office = any_office
    release = office.sealed()
    assert release.state is ReleaseState.SEALED, release.ending
    table = office.table(release)
    source = pq.read_table(office.data / "residents.parquet")
    assert table.num_rows == source.num_rows == release.sealed.rows
    for name in ("district", "sex"):
        assert sorted(table.column(name).to_pylist()) == sorted(source.column(name).to_pylist())
    for name in ("name", "resident_id", "phone"):
        shown, real = table.column(name), source.column(name)
        assert not pc.any(pc.equal(shown, real)).as_py(), name
    assert pc.count_distinct(table.column("resident_id")).as_py() == table.num_rows
    saved = tmp_path / "extract.arrows"
    saved.write_bytes(office.stream(release))
    verified = verify_file(release.certificate, office.rooms.signer.public_pem(), saved)
    assert verified.predicate.rows == table.num_rows
    assert verified.predicate.plan_digest == release.plan.digest()
    grades = {column.name: column.grade for column in verified.predicate.columns}
    assert (grades["resident_id"], grades["phone"]) == ("general-3", "general-2")
    assert verified.predicate.grade == release.plan.grade == "general-3"
    assert ("grades", "general-3") in {(f.check, f.value) for f in release.sealed.figures}
    assert office.rooms.trail.verify() == (True, len(office.actions()), "")
    assert ("release.open", "ok") in office.actions()
    assert ("release.seal", "ok") in office.actions()


def test_other_file_formats_verify_and_changed_ones_do_not(office, tmp_path: Path):
    release = office.sealed()
    table, public = office.table(release), office.rooms.signer.public_pem()
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=77)
    pa_csv.write_csv(table, tmp_path / "x.csv")
    for name in ("x.parquet", "x.csv"):
        assert verify_file(release.certificate, public, tmp_path / name).file_check
    pq.write_table(table.slice(1), tmp_path / "fewer.parquet")
    pq.write_table(table.set_column(3, "district", table.column("sex")), tmp_path / "other.parquet")
    pq.write_table(table.append_column("more", table.column("sex")), tmp_path / "more.parquet")
    pq.write_table(table.take(list(range(table.num_rows))[::-1]), tmp_path / "order.parquet")
    (tmp_path / "noise.csv").write_bytes(b"\x00\x01")
    for name in (
        "fewer.parquet",
        "other.parquet",
        "more.parquet",
        "order.parquet",
        "noise.csv",
    ):
        with pytest.raises(VerificationFailed, match="step 6"):
            verify_file(release.certificate, public, tmp_path / name)


def test_a_forged_certificate_is_noticed(office):
    release = office.sealed()
    public = office.rooms.signer.public_pem()
    envelope = release.certificate
    for forged in (
        envelope.replace('"payload"', '"payloads"'),
        envelope.replace('"sig"', '"sigs"'),
        envelope[:-20],
        "{}",
        "[]",
    ):
        with pytest.raises(VerificationFailed):
            verify_certificate(forged, public)
    position = envelope.index('"payload"') + 30
    flipped = "A" if envelope[position] != "A" else "B"
    with pytest.raises(VerificationFailed, match="step 2"):
        verify_certificate(envelope[:position] + flipped + envelope[position + 1 :], public)


def test_nothing_is_permitted_without_policy_grant_and_verdict(office):
    office.register()
    with pytest.raises(InvalidRequest, match="purpose"):
        office.rooms.opening.preview(office.consumer, office.request())
    office.activate()
    request = office.request()
    denied = office.open(request)
    assert denied.state is ReleaseState.DENIED
    assert denied.plan is None
    assert codes(denied.decision.reasons) == {"NO_GRANT"}
    office.rooms.runner.run(denied.name)
    assert office.look(denied).state is ReleaseState.DENIED
    with pytest.raises(FailedPrecondition, match="denied"):
        office.stream(denied)


def test_a_dry_run_tells_the_plan_and_charges_nothing(office):
    office.register()
    office.activate()
    office.grant(office.request())
    before = office.actions()
    preview = office.rooms.opening.preview(office.consumer, office.request())
    assert preview.plan is not None
    assert [step.column for step in preview.plan.steps] == list(office.request().columns)
    assert office.actions() == before
    with office.rooms.store.read() as tx:
        usage = tx.usage(
            "parties/consumer", "datasets/residents", office.clock.at.replace(year=2000)
        )
    assert (usage.releases, usage.rows) == (0, 0)
    assert preview.plan.digest() == office.open().plan.digest()


def test_a_retry_gets_the_same_release_and_is_charged_once(any_office):
    office = any_office
    office.register()
    office.activate()
    office.grant(office.request())
    same = office.key("CreateRelease", "request-0001")
    first = office.rooms.opening.open(office.consumer, office.request(), same)
    again = office.rooms.opening.open(office.consumer, office.request(), same)
    assert first == again
    with pytest.raises(AlreadyExists):
        office.rooms.opening.open(
            office.consumer, office.request(), office.key("CreateRelease", "request-0001", "1" * 64)
        )
    with office.rooms.store.read() as tx:
        usage = tx.usage(
            "parties/consumer", "datasets/residents", office.clock.at.replace(year=2000)
        )
    assert usage.releases == 1


def test_quotas_hold_over_releases_and_come_back_with_time(office):
    office.register(residents(100, 7))
    office.activate(QUOTA_POLICY)
    request = office.request(("district", "sex"), purpose="study")
    office.grant(request, days=100)
    office.open(request)
    office.open(request)
    with pytest.raises(QuotaExhausted, match="2 releases"):
        office.open(request)
    with pytest.raises(QuotaExhausted):
        office.rooms.opening.preview(office.consumer, request)
    office.clock.move(days=31)
    assert office.open(request).state is ReleaseState.OPENED


def test_row_quota_counts_reserved_rows_until_the_seal_settles_them(office):
    office.register(residents(300, 3))
    office.activate(QUOTA_POLICY)
    wish = office.request(("district", "sex"), purpose="study", limit=200)
    office.grant(wish, days=100)
    first = office.open(wish)
    with pytest.raises(QuotaExhausted, match="rows"):
        office.open(office.request(("district", "sex"), purpose="study"))
    office.rooms.runner.run(first.name)
    assert office.look(first).sealed.rows == 200


QUOTA_POLICY = """
format: gateway-policy/1
name: policies/quota
purposes: {study: A study.}
rules:
  - name: open-columns
    match: {column: [district, sex]}
    transform: {kind: keep}
    obligations:
      quota: {releases: 2, rows: 400, period_days: 30}
"""


def test_columns_that_are_too_grave_together_are_not_let_out_under_a_bound(office):
    office.register(residents(300, 3))
    office.activate(BOUNDED_POLICY)
    together, apart = (
        office.request(columns, purpose="study")
        for columns in (("district", "sex", "birth_date"), ("district", "sex"))
    )
    office.grant(together)
    used = len(office.actions())
    with pytest.raises(FailedPrecondition, match="graded general-3, and the policies let leave"):
        office.open(together)
    assert len(office.actions()) == used  # nothing was opened and so nothing charged
    release = office.open(apart)
    office.rooms.runner.run(release.name)
    assert office.look(release).plan.grade == "general-2"
    assert office.look(release).state is ReleaseState.SEALED


BOUNDED_POLICY = """
format: gateway-policy/1
name: policies/bounded
purposes: {study: A study.}
obligations: {max_grade: general-2}
rules:
  - name: open-columns
    match: {column: [district, sex, birth_date]}
    transform: {kind: keep}
"""


def test_a_revoked_grant_stops_reading_between_two_chunks(any_office):
    office = any_office
    release = office.sealed()
    chunks = office.rooms.custody.read(office.consumer, release.name, 0)
    next(chunks)
    office.rooms.grants.revoke(office.holder, release.decision.grant, "misuse", office.key())
    ended = office.rooms.grants.get(office.consumer, release.decision.grant)
    assert (ended.revocation.party, ended.revocation.reason) == ("parties/holder", "misuse")
    with pytest.raises(PermissionDenied, match="revoked"):
        next(chunks)
    with pytest.raises(PermissionDenied, match="revoked"):
        office.stream(release)


def test_only_grants_that_can_still_end_are_looked_at(office, monkeypatch):
    office.register()
    office.activate()
    ended = [office.grant(office.request()) for _ in range(2)]
    for grant in ended:
        office.rooms.grants.revoke(office.holder, grant.name, "no longer needed", office.key())
    office.grant(office.request())
    office.clock.move(days=11)
    looked, original = [], StoredGrants.grants

    def grants(self, page, **filters):
        found = original(self, page, **filters)
        looked.extend(grant.name for grant in found)
        return found

    monkeypatch.setattr(StoredGrants, "grants", grants)
    assert office.rooms.grants.expire() == 1
    assert len(looked) == 1


def test_the_research_starter_leaves_nobody_unique(office):
    office.register(residents(20_000, 3))
    office.activate(next(s.policy for s in starters() if s.name == "gbt43697-research"))
    quasi = ("birth_date", "sex", "district", "ethnicity")
    request = office.request(
        ("name", "phone", "email", "address", "resident_id", *quasi, "household_id")
    )
    office.grant(request)
    release = office.open(request)
    office.rooms.runner.run(release.name)
    table = office.table(office.look(release))
    assert 10_000 < table.num_rows < 20_000
    for name in ("name", "phone", "email", "address"):
        assert table[name].null_count == table.num_rows
    assert len(pc.unique(table["household_id"])) > 1_000
    sizes = table.group_by(list(quasi)).aggregate([([], "count_all")])["count_all"]
    assert pc.min(sizes).as_py() >= 5


def test_a_grant_and_a_release_end_with_their_time(office):
    release = office.sealed()
    office.clock.move(days=11)
    with pytest.raises(PermissionDenied, match="expired"):
        office.stream(release)
    assert codes(office.open().decision.reasons) == {"GRANT_EXPIRED"}
    assert office.rooms.grants.expire() == 1
    assert office.rooms.grants.get(office.consumer, release.decision.grant).state is (
        GrantState.EXPIRED
    )
    office.clock.move(days=200)
    assert office.rooms.custody.expire() == 1
    assert office.look(release).state is ReleaseState.EXPIRED
    with office.rooms.store.read() as tx:
        assert tx.key(release.name) is None
    assert office.rooms.custody.certificate(office.auditor, release.name)


def test_a_recall_destroys_key_and_data(any_office):
    office = any_office
    release = office.sealed()
    with office.rooms.store.read() as tx:
        wrapped = tx.key(release.name)
    office.rooms.custody.recall(office.holder, release.name, "published by mistake", office.key())
    with pytest.raises(FailedPrecondition, match="recalled"):
        office.stream(release)
    with office.rooms.store.read() as tx:
        assert tx.key(release.name) is None
    files = [file for file in office.folder.rglob("*") if file.is_file()]
    assert not [file for file in files if wrapped in file.read_bytes()]
    assert not [file for file in files if "releases" in file.name]


def test_nobody_else_reads_a_release(office):
    release = office.sealed()
    other = office.another("other-lab", Role.CONSUMER, RecipientKind.RESEARCH)
    other_holder = office.another("other-department", Role.HOLDER, RecipientKind.GOVERNMENT)
    for party in (other, office.holder, office.officer, office.auditor, other_holder):
        with pytest.raises(NotFound):
            office.stream(release, party)
    for party in (other, other_holder):
        with pytest.raises(NotFound):
            office.rooms.custody.get(party, release.name)
    with office.rooms.store.write() as tx:
        tx.put_party(office.consumer.but(disabled=True))
    with pytest.raises(PermissionDenied, match="shut out"):
        office.stream(release)


def test_a_cancelled_release_leaves_nothing_to_read(office):
    office.register()
    office.activate()
    office.grant(office.request())
    release = office.open()
    office.rooms.custody.cancel(office.consumer, release.name, office.key())
    office.rooms.runner.run(release.name)
    assert office.look(release).state is ReleaseState.CANCELLED
    with pytest.raises(FailedPrecondition, match="cancelled"):
        office.stream(release)


def test_a_source_that_vanished_or_changed_is_named(office):
    office.register()
    office.activate()
    office.grant(office.request())
    release = office.open()
    table = pq.read_table(office.data / "residents.parquet")
    pq.write_table(table.drop_columns(["income"]), office.data / "residents.parquet")
    office.rooms.runner.run(release.name)
    ended = office.look(release)
    assert (ended.state, ended.ending.reason) == (ReleaseState.FAILED, "SOURCE_CHANGED")
    with pytest.raises(SourceChanged):
        office.open()
    (office.data / "residents.parquet").unlink()
    with pytest.raises(SourceUnavailable):
        office.open()
    with office.rooms.store.read() as tx:
        assert tx.key(release.name) is None


def test_new_rows_of_the_same_schema_are_a_new_version(office):
    first = office.sealed()
    pq.write_table(residents(700, 8), office.data / "residents.parquet")
    second = office.open()
    office.rooms.runner.run(second.name)
    second = office.look(second)
    public = office.rooms.signer.public_pem()
    versions = [
        verify_certificate(release.certificate, public).predicate.dataset.fingerprint
        for release in (first, second)
    ]
    assert versions[0] != versions[1]
    assert second.sealed.rows == 700


def test_a_corrupted_staged_file_is_never_served(office):
    release = office.sealed()
    (staged,) = [f for f in office.folder.rglob("*") if f.is_file() and "releases" in f.name]
    content = bytearray(staged.read_bytes())
    content[len(content) // 2] ^= 1
    staged.write_bytes(content)
    with pytest.raises(StagingCorrupt):
        office.stream(release)


def test_a_full_disk_ends_the_release_and_leaves_nothing(office, monkeypatch):
    office.register()
    office.activate()
    office.grant(office.request())
    release = office.open()
    staging = office.settings.state / "staging"

    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *exc):
            return

        def write(self, batch):
            raise StagingUnavailable("the disk is full")

    monkeypatch.setattr(office.rooms.runner._staging, "create", lambda *_: Full(), raising=True)
    office.rooms.runner.run(release.name)
    ended = office.look(release)
    assert (ended.state, ended.ending.reason) == (ReleaseState.FAILED, "STAGING_UNAVAILABLE")
    assert not [f for f in staging.iterdir() if "releases" in f.name]


def test_nothing_is_decided_while_the_clock_is_behind_the_log(office):
    office.register()
    office.activate()
    office.grant(office.request())
    office.clock.move(hours=-1)
    with pytest.raises(ClockMovedBack):
        office.open()
    office.clock.move(hours=1)
    assert office.open().state is ReleaseState.OPENED


def test_a_shutdown_hands_a_release_back_and_another_process_finishes_it(office):
    office.register()
    office.activate()
    office.grant(office.request())
    release = office.open()
    office.rooms.runner.stop()
    office.rooms.runner.run(release.name)
    assert office.look(release).state is ReleaseState.OPENED
    successor = type(office)(office.folder, office.settings, office.clock)
    try:
        assert release.name in successor.rooms.runner.waiting()
        successor.rooms.runner.run(release.name)
        assert office.look(release).state is ReleaseState.SEALED
        assert office.look(release).attempt == 1
    finally:
        successor.rooms.close()


def test_an_interrupted_release_is_taken_up_when_its_lease_lapsed_but_not_for_ever(office):
    office.register()
    office.activate()
    office.grant(office.request())
    release = office.open()
    for attempt in (1, 2, 3):
        taken = office.rooms.runner._take(release.name)
        assert taken.release.attempt == attempt
        successor = type(office)(office.folder, office.settings, office.clock)
        try:
            assert release.name not in successor.rooms.runner.waiting()
            successor.rooms.runner.run(release.name)  # somebody holds it: does nothing
            assert office.look(release).state is ReleaseState.RUNNING
        finally:
            successor.rooms.close()
        office.clock.move(seconds=61)
    office.rooms.runner.run(release.name)
    ended = office.look(release)
    assert (ended.state, ended.ending.reason) == (ReleaseState.FAILED, "INTERRUPTED")


def test_a_run_that_lost_its_lease_cannot_seal(office):
    office.register()
    office.activate()
    office.grant(office.request())
    release = office.open()
    slow = office.rooms.runner._take(release.name)
    version, result = office.rooms.runner._execute(slow)
    office.clock.move(seconds=61)
    successor = type(office)(office.folder, office.settings, office.clock)
    try:
        assert successor.rooms.runner._take(release.name) is not None
        with pytest.raises(Cancelled):
            office.rooms.runner._seal(slow, version, result)
        assert office.look(release).state is ReleaseState.RUNNING
    finally:
        successor.rooms.close()


def test_a_grant_that_ends_during_the_run_keeps_it_from_being_sealed(office):
    office.register()
    office.activate()
    grant = office.grant(office.request())
    release = office.open()
    running = office.rooms.runner._take(release.name)
    office.rooms.grants.revoke(office.consumer, grant.name, "done", office.key())
    version, result = office.rooms.runner._execute(running)
    with pytest.raises(FailedPrecondition, match="grant"):
        office.rooms.runner._seal(running, version, result)


def test_four_eyes_on_policies(office):
    text = QUOTA_POLICY
    draft = office.rooms.policies.create(office.officer, text, office.key())
    with pytest.raises(PermissionDenied, match="another officer"):
        office.rooms.policies.activate(office.officer, draft.name, 1, office.key())
    office.rooms.policies.activate(office.second_officer, draft.name, 1, office.key())
    with pytest.raises(FailedPrecondition):
        office.rooms.policies.activate(office.second_officer, draft.name, 1, office.key())
    again = office.rooms.policies.create(office.second_officer, text, office.key())
    office.rooms.policies.activate(office.officer, draft.name, again.version, office.key())
    assert office.rooms.policies.get(draft.name, 1).state == "retired"
    assert office.rooms.policies.get(draft.name, 2).state == "active"


def test_four_eyes_on_taking_a_policy_out_of_force(office):
    policies = office.rooms.policies
    office.activate(QUOTA_POLICY)
    (active,) = [p for p in policies.all(Page(size=10)) if p.state == "active"]
    with pytest.raises(PermissionDenied, match="another officer") as refused:
        policies.retire(office.officer, active.name, active.version, office.key())
    assert refused.value.reason == "OWN_RESOURCE"
    assert policies.get(active.name, active.version).state == "active"
    retired = policies.retire(office.second_officer, active.name, active.version, office.key())
    assert retired.state == "retired"
    draft = policies.create(office.officer, QUOTA_POLICY, office.key())
    own = policies.retire(office.officer, draft.name, draft.version, office.key())
    assert own.state == "retired"


def test_grants_are_answered_as_read_and_only_by_whom_they_wait_for(office):
    office.register()
    office.activate()
    other = office.another("other-department", Role.HOLDER, RecipientKind.GOVERNMENT)
    request = office.request()
    expires = office.clock.now() + timedelta(days=5)
    grants = office.rooms.grants
    grant = grants.request(office.consumer, request, "why", None, expires, office.key())
    with pytest.raises(NotFound):
        grants.answer(other, grant.name, Verdict.APPROVED, "mine", 1, office.key())
    with pytest.raises(Conflict):
        grants.answer(office.holder, grant.name, Verdict.APPROVED, "ok", 7, office.key())
    grants.answer(office.holder, grant.name, Verdict.APPROVED, "ok", 1, office.key())
    with pytest.raises(FailedPrecondition):
        grants.answer(office.holder, grant.name, Verdict.APPROVED, "again", 2, office.key())
    refused = grants.answer(
        office.officer, grant.name, Verdict.REFUSED, "too much", 2, office.key()
    )
    assert refused.state is GrantState.REFUSED
    with pytest.raises(CallerError):
        grants.answer(office.officer, grant.name, Verdict.APPROVED, "after all", 3, office.key())
    assert codes(office.open().decision.reasons) == {"GRANT_REFUSED"}


def test_pushed_records_replace_the_ones_before_whole_or_not_at_all(office):
    table = residents(300, 5).select(["name", "district", "sex"])
    columns = tuple(Column(name=f.name, type=str(f.type)) for f in table.schema)
    office.rooms.catalog.register(
        office.holder,
        DataSetDraft(name="datasets/pushed", title="t", source=PushedSource(), columns=columns),
        office.key(),
    )
    first = office.rooms.catalog.push(
        office.holder, "datasets/pushed", table.to_reader(), office.key()
    )
    assert (first.state, first.version.rows) == ("active", 300)

    def broken():
        yield from table.to_batches(max_chunksize=100)
        raise OSError("the connection is gone")

    reader = pa.RecordBatchReader.from_batches(table.schema, broken())
    with pytest.raises(RecordsRejected, match="from row 301 on"):
        office.rooms.catalog.push(office.holder, "datasets/pushed", reader, office.key())
    assert office.rooms.catalog.get(office.holder, "datasets/pushed") == first
    staged = [f for f in (office.settings.state / "staging").iterdir() if "records" in f.name]
    assert len(staged) == 1
    second = office.rooms.catalog.push(
        office.holder, "datasets/pushed", table.slice(0, 10).to_reader(), office.key()
    )
    assert second.version.rows == 10
    with office.rooms.store.read() as tx:
        assert tx.key(first.source.stream) is None
    staged = [f for f in (office.settings.state / "staging").iterdir() if "records" in f.name]
    assert len(staged) == 1


def test_a_holder_raises_a_verdict_and_only_an_officer_weakens_it(office):
    dataset = office.register()
    phone = dataset.find("phone")
    catalog = office.rooms.catalog

    def declare(revision: int, **fields: str):
        changed = {"columns": (phone.but(**fields),)}
        return catalog.update(office.holder, dataset.name, changed, revision, office.key())

    for weaker in ({"grade": "general-1"}, {"role": "other"}, {"entity": "NONE"}):
        with pytest.raises(PermissionDenied, match="officer"):
            declare(dataset.revision, **weaker)
    raised = declare(dataset.revision, grade="general-4")
    assert raised.find("phone").grade == "general-4"
    verdict = ("NONE", "general-1", "other")
    lowered = catalog.override(
        office.officer, dataset.name, "phone", *verdict, "test", raised.revision, office.key()
    )
    assert (lowered.find("phone").grade, lowered.find("phone").declared) == ("general-1", True)
    catalog.classify(office.holder, dataset.name, office.key())
    again = office.classified(dataset.name).find("phone")
    assert (again.grade, again.found.grade) == ("general-1", "general-3")


def test_a_weak_declaration_of_pushed_columns_does_not_survive_the_values(office):
    table = residents(300, 5).select(["phone"]).rename_columns(["c1"])
    harmless = {"entity": "NONE", "grade": "general-2", "role": "other"}
    column = Column(name="c1", type="string", **harmless)
    draft = DataSetDraft(
        name="datasets/pushed", title="t", source=PushedSource(), columns=(column,)
    )
    office.rooms.catalog.register(office.holder, draft, office.key())
    assert office.classified(draft.name).find("c1").entity == "NONE"
    office.rooms.catalog.push(office.holder, "datasets/pushed", table.to_reader(), office.key())
    pushed = office.classified(draft.name)
    assert (pushed.find("c1").entity, pushed.find("c1").declared) == ("CN_MOBILE", False)


def test_no_value_of_the_source_is_found_in_anything_the_gateway_keeps(office, capfd):
    canary = "zqcanary7391"
    table = residents(50, 1)
    emails = pa.array([f"{canary}@example.org"] * 50)
    office.register(table.set_column(table.schema.get_field_index("email"), "email", emails))
    office.activate()
    request = office.request(("email", "district"))
    office.grant(request)
    release = office.open(request)
    office.rooms.runner.run(release.name)
    assert canary.encode() not in office.stream(release)
    output = "".join(capfd.readouterr())
    assert canary not in output
    for file in office.folder.rglob("*"):
        if file.is_file() and file.parent != office.data:
            assert canary.encode() not in file.read_bytes(), file


@pytest.mark.parametrize(("filters", "told"), [(True, {0}), (False, {5000})])
def test_progress_does_not_count_what_a_filter_selects(office, monkeypatch, filters, told):
    office.register(residents(5000, 7))
    office.activate()
    women = {"column": "sex", "operator": "=", "values": ["女"]}
    request = office.request(("district", "sex"), filters=(women,) if filters else ())
    office.grant(request)
    running = office.rooms.runner._take(office.open(request).name)
    report = office.rooms.runner._progress(running.release)
    noted = set()
    monkeypatch.setattr(
        office.rooms.runner, "_note_progress", lambda _name, rows, _now: noted.add(rows)
    )
    office.clock.move(seconds=1)
    report(5000)
    assert noted == told


def test_two_releases_cannot_be_laid_side_by_side_row_by_row(office):
    office.register(residents(2000, 7))
    office.activate()
    wish = office.request(("district", "birth_date"))
    office.grant(wish)
    tables = []
    for _ in range(2):
        release = office.open(wish)
        office.rooms.runner.run(release.name)
        tables.append(office.table(office.look(release)))
    source = pq.read_table(office.data / "residents.parquet")
    births = [table.column("birth_date").to_pylist() for table in tables]
    years = [str(day.year) for day in source.column("birth_date").to_pylist()]
    assert sorted(births[0]) == sorted(births[1])
    # Unrelated rows have the same year of birth in about one case of sixty.
    for one, other in ((births[0], births[1]), (births[0], years)):
        assert sum(a == b for a, b in zip(one, other, strict=True)) < 200


def test_graver_content_under_the_same_columns_is_noticed_before_it_is_released(office):
    harmless = pa.table({"status": ["OK", "closed"] * 200, "district": ["A区"] * 400})
    office.register(harmless)
    office.activate("""
format: gateway-policy/1
name: policies/harmless
purposes: {study: A study.}
rules:
  - name: harmless
    match: {grade: {at_most: general-2}}
    transform: {kind: keep}
""")
    request = office.request(("status", "district"), purpose="study")
    office.grant(request)
    first = office.open(request)
    assert first.state is ReleaseState.OPENED
    ids = residents(400, 3).column("resident_id")
    graver = harmless.set_column(0, "status", ids)
    pq.write_table(graver, office.data / "residents.parquet")
    office.rooms.runner.run(first.name)  # it was planned over the harmless content
    assert office.look(first).ending.reason == "SOURCE_CHANGED"
    assert not office.rooms.opening.preview(office.consumer, request).decision.permitted
    second = office.open(request)
    assert second.state is ReleaseState.DENIED
    dataset = office.rooms.catalog.get(office.holder, "datasets/residents")
    assert (dataset.find("status").entity, grade_of(dataset)) == ("CN_RESIDENT_ID", "general-4")
    # A verdict does not become milder by itself when the content does.
    pq.write_table(harmless, office.data / "residents.parquet")
    assert office.open(request).state is ReleaseState.DENIED


def test_identifiers_anywhere_in_a_source_are_seen_when_it_is_registered(office, monkeypatch):
    monkeypatch.setattr("gateway.execute.sampling._ALL_VALUES", 1000)
    ids = residents(2000, 3).column("resident_id").to_pylist()
    table = pa.table({"status": ["OK"] * 8000 + ids})
    assert office.register(table).find("status").effective_grade.rank >= Grade.GENERAL_4.rank


def test_staging_can_lie_on_any_file_system_of_arrow(office, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    settings = office.settings.model_copy(update={"staging": elsewhere.as_uri()})
    moved = type(office)(office.folder, settings, office.clock)
    try:
        release = moved.sealed()
        assert moved.table(release).num_rows == release.sealed.rows
        assert list(elsewhere.iterdir())
        assert not list((settings.state / "staging").iterdir())
        moved.rooms.custody.recall(moved.holder, release.name, "enough", moved.key())
        assert not list(elsewhere.iterdir())
    finally:
        moved.rooms.close()
    for wrong in ("nowhere://x", "not a uri"):
        with pytest.raises(ConfigurationError, match="staging"):
            compose(settings.model_copy(update={"staging": wrong}))


def test_a_release_that_fails_over_a_key_does_not_say_where_the_key_is(office):
    office.register()
    office.activate()
    office.grant(office.request())
    release = office.open()
    ring = office.folder / "keys" / "ring.json"
    ring.chmod(0o644)
    ring.touch()  # it is read again
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        office.rooms.runner.run(release.name)
    failed = office.look(release)
    assert (failed.state, failed.ending.reason) == (ReleaseState.FAILED, "KEY_UNAVAILABLE")
    assert failed.ending.text == UNUSABLE_KEY


def test_gateway_verify_shows_what_made_the_tokens_and_under_which_key(office, tmp_path):
    release = office.sealed()
    certificate, key = tmp_path / "certificate.json", tmp_path / "key.pem"
    certificate.write_text(office.rooms.custody.certificate(office.consumer, release.name))
    key.write_bytes(office.rooms.signer.public_pem())
    asked = ["verify", str(certificate), "--key", str(key)]
    shown = " ".join(CliRunner().invoke(program, asked).output.split())
    keyed = [step for step in release.plan.steps if step.key_domain is not None]
    assert keyed
    assert "key domain" in shown
    predicate = verify_certificate(certificate.read_text(), key.read_bytes()).predicate
    made = [column for column in predicate.columns if column.construction is not None]
    assert made
    for column in made:
        assert column.construction.split()[0] in shown
