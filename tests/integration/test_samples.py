"""Samples of persons by policy: the same persons each time, all their rows or none."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from gateway.errors import FailedPrecondition
from gateway.model.catalog import DataSetDraft, ParquetSource
from gateway.model.key_domains import name_of, owner_of
from gateway.model.lifecycle import ReleaseState
from gateway.model.names import RecipientKind, Role
from gateway.ports import Page
from gateway.testing import residents
from gateway.verify import verify_certificate

POLICY = """
format: gateway-policy/1
name: policies/sampled
purposes: {{study: A study.}}
rules:
  - name: places
    match: {{column: [district, household_id]}}
    transform: {{kind: keep}}
    obligations: {{sample_percent: {percent}}}
  - name: sexes
    match: {{column: [sex]}}
    transform: {{kind: keep}}
"""
PEOPLE = 3000


def registered(office, unit: str | None = "resident_id") -> pa.Table:
    """Two visits of each resident, in two orders, and some of nobody."""
    people = residents(PEOPLE, 7).select(["resident_id", "district", "sex", "household_id"])
    marked = people.set_column(
        3, "household_id", pa.array([f"h{number:05}" for number in range(PEOPLE)])
    )
    nobody = marked.slice(0, 50).set_column(0, "resident_id", pa.nulls(50, pa.string()))
    twice = pa.concat_tables([marked, marked.take(list(range(PEOPLE - 1, -1, -1))), nobody])
    pq.write_table(twice, office.data / "visits.parquet")
    office.rooms.catalog.register(
        office.holder,
        DataSetDraft(
            name="datasets/visits",
            title="visits",
            source=ParquetSource(path="visits.parquet"),
            privacy_unit=unit,
        ),
        office.key(),
    )
    office.classified("datasets/visits")
    return twice


def asked(office, columns=("district", "household_id"), **fields):
    return office.request(columns, dataset="datasets/visits", purpose="study", **fields)


def released(office, who=None, **fields):
    who, request = who or office.consumer, asked(office, **fields)
    office.grant(request, who=who)
    release = office.rooms.opening.open(who, request, office.key())
    office.rooms.runner.run(release.name)
    release = office.rooms.custody.get(who, release.name)
    assert release.state is ReleaseState.SEALED, (release.ending, release.decision.reasons)
    return release, pa.ipc.open_stream(office.stream(release, who)).read_all()


def persons(table: pa.Table) -> set[str]:
    return set(table.column("household_id").to_pylist())


def test_a_sample_holds_all_rows_of_some_persons_the_same_ones_each_time(office):
    registered(office)
    office.activate(POLICY.format(percent=30))
    release, table = released(office)
    counts = table.group_by("household_id").aggregate([([], "count_all")])["count_all"]
    assert pc.unique(counts).to_pylist() == [2]  # both visits, and none of those of nobody
    assert 0.26 * PEOPLE < len(persons(table)) < 0.34 * PEOPLE
    assert persons(released(office)[1]) == persons(table)
    # Another recipient has a sample of its own; the parties of a project share one.
    second = office.another("second-lab", Role.CONSUMER, RecipientKind.RESEARCH)
    theirs = persons(released(office, second)[1])
    assert 0.2 < len(theirs & persons(table)) / len(theirs) < 0.4
    shared = persons(released(office, project="city-health")[1])
    assert persons(released(office, second, project="city-health")[1]) == shared
    # What was charged for and left out is given back; the record says what happened.
    with office.rooms.store.read() as tx:
        names = [release.name for release in tx.releases(Page(size=10))]
        assert len(names) == 5
    assert release.sealed.rows == table.num_rows
    assert any("a sample of about 30 %" in reason.text for reason in release.decision.reasons)
    verified = verify_certificate(release.certificate, office.rooms.signer.public_pem())
    sample = verified.predicate.sample
    assert (sample.percent, sample.subject, sample.key_version) == (30, "resident_id", 1)


def test_the_smallest_sample_wins_and_holds_nobody_that_a_larger_one_leaves_out(office):
    registered(office)
    office.activate(POLICY.format(percent=30))
    larger = persons(released(office)[1])
    office.activate(POLICY.format(percent=30).replace("sampled", "second").replace("30", "10"))
    release, table = released(office)
    assert release.decision.sample_percent == 10
    assert persons(table) < larger
    assert 0.07 * PEOPLE < len(persons(table)) < 0.13 * PEOPLE


def test_columns_that_no_sampling_rule_lets_out_leave_whole(office):
    whole = registered(office)
    office.activate(POLICY.format(percent=30))
    release, table = released(office, columns=("sex",))
    assert release.plan.sample is None
    assert table.num_rows == whole.num_rows


def test_without_a_privacy_unit_nothing_is_drawn_and_nothing_leaves(office):
    registered(office, unit=None)
    office.activate(POLICY.format(percent=30))
    request = asked(office)
    office.grant(request)
    with pytest.raises(FailedPrecondition, match="names as its privacy unit") as refused:
        office.rooms.opening.open(office.consumer, request, office.key())
    assert refused.value.reason == "PRIVACY_UNIT_MISSING"


def test_a_shredded_projects_sample_cannot_be_drawn_again(office):
    registered(office)
    office.activate(POLICY.format(percent=30))
    _, before = released(office, project="city-health")
    domains = office.rooms.key_domains
    (name,) = [d.name for d in domains.all(Page(size=9), None) if "city-health" in d.owner]
    domains.propose(office.officer, name, "over", office.key())
    domains.shred(office.second_officer, name, office.key())
    domains.renew(office.officer, name, office.key())
    _, after = released(office, project="city-health")
    assert persons(after) != persons(before)


def test_a_sample_cannot_be_issued_again_under_another_key_and_says_why(office):
    registered(office)
    office.activate(POLICY.format(percent=10))
    release, _ = released(office, project="city-health")
    office.rooms.key_domains.renew(
        office.officer, name_of(owner_of(release.plan.sample.key_domain)), office.key()
    )
    with pytest.raises(FailedPrecondition, match="a sample of persons") as refused:
        office.rooms.opening.reissue(
            office.consumer, release.name, lambda project: project, False, office.key()
        )
    assert refused.value.reason == "SAMPLED"
