"""What a policy encrypts stays valid, comes back under the key, and meets only where it should."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from gateway.classify import checks
from gateway.model.catalog import DataSetDraft, ParquetSource, Party
from gateway.model.lifecycle import ReleaseState
from gateway.model.names import RecipientKind, Role
from gateway.model.release import Release
from gateway.testing import residents
from gateway.transform.profiles import mobile, resident_id
from gateway.transform.row_order import RowOrder
from gateway.transform.siv_tokens import SivTokens
from gateway.verify import verify_certificate

POLICY = """
format: gateway-policy/1
name: policies/keyed
purposes: {study: A study.}
rules:
  - name: phones
    match: {entity: [CN_MOBILE]}
    transform: {kind: encrypt_identifier, profile: mobile, scope: project}
  - name: identity-numbers
    match: {entity: [CN_RESIDENT_ID]}
    transform:
      {kind: encrypt_identifier, profile: resident_id, last_day: 2030-12-31, scope: project}
  - name: accounts
    match: {entity: [CN_BANK_CARD]}
    transform: {kind: reversible_token, scope: project}
  - name: birth-dates
    match: {column: [birth_date, visit_date]}
    transform: {kind: shift_date, most_days: 30, scope: project}
  - name: incomes
    match: {column: [income]}
    transform: {kind: bounded_noise, step: 100, most_steps: 20}
"""
IDENTIFIERS = ("resident_id", "phone", "bank_card")


@pytest.fixture(autouse=True)
def _source_order(monkeypatch):
    """Rows in the source's order, so that what left can be compared with what came."""
    monkeypatch.setattr("gateway.execute.local.RowOrder", lambda _: RowOrder(None))


@pytest.fixture
def two_sets(office):
    """One population at two departments, in another order, and a second recipient."""
    people = residents(400, 7)
    office.register(people)
    elsewhere = people.take(list(range(399, -1, -1))).slice(0, 300)
    office.register(elsewhere, name="insured")
    office.activate(POLICY)
    office.second = office.another("second-lab", Role.CONSUMER, RecipientKind.RESEARCH)
    return office


def released(office, who: Party, dataset: str, project: str | None, columns=IDENTIFIERS):
    """The sealed release and its table."""
    request = office.request(columns, dataset=dataset, purpose="study", project=project)
    office.grant(request, who=who)
    release = office.rooms.opening.open(who, request, office.key())
    office.rooms.runner.run(release.name)
    release = office.rooms.custody.get(who, release.name)
    assert release.state is ReleaseState.SEALED, (release.ending, release.decision.reasons)
    return release, pa.ipc.open_stream(office.stream(release, who)).read_all()


def decrypted(office, release: Release, table: pa.Table) -> dict[str, pa.Array]:
    """The columns taken back, each with the key that its own domain derives."""
    found = {}
    for step in release.plan.steps:
        key = office.rooms.domain_keys.key(step.key_domain, step.key_version)
        column = table.column(step.published).combine_chunks()
        if step.published == "phone":
            found["phone"] = mobile(key).decrypt(column)
        elif step.published == "resident_id":
            spec = step.transform
            core = resident_id(key, first_day=spec.first_day, last_day=spec.last_day)
            found["resident_id"] = core.decrypt(column)
        else:
            tokens = SivTokens(key, [step.key_domain.encode()])
            found["bank_card"] = tokens.reverse(column)
    return found


def values(table: pa.Table, column: str) -> set[str]:
    return set(table.column(column).drop_null().to_pylist())


def test_encrypted_identifiers_are_valid_come_back_and_meet_only_inside_a_project(two_sets):
    office = two_sets
    source = pq.read_table(office.data / "residents.parquet")
    release, ours = released(office, office.consumer, "datasets/residents", "city-health")

    # Valid for validators that share nothing with what made them, and nobody's own.
    identifiers = ours.column("resident_id").combine_chunks()
    assert checks.resident_id(identifiers).all()
    phones = ours.column("phone").drop_null()
    assert pc.all(pc.match_substring_regex(phones, "^1[3-9][0-9]{9}$")).as_py()
    for name in IDENTIFIERS:
        assert not pc.any(pc.equal(ours.column(name), source.column(name))).as_py(), name
        assert ours.column(name).is_valid().equals(source.column(name).is_valid())

    # Taken back exactly, by whoever has the key.
    back = decrypted(office, release, ours)
    assert {name: column.to_pylist() for name, column in back.items()} == {
        name: source.column(name).to_pylist() for name in IDENTIFIERS
    }

    # The same inside the project, whichever department and recipient.
    _, insured = released(office, office.consumer, "datasets/insured", "city-health")
    _, shared = released(office, office.second, "datasets/residents", "city-health")
    assert shared.equals(ours)
    # Unrelated for two recipients otherwise, and between projects.
    _, alone = released(office, office.consumer, "datasets/residents", None)
    _, theirs = released(office, office.second, "datasets/residents", None)
    _, other = released(office, office.second, "datasets/residents", "city-wealth")
    for name in IDENTIFIERS:
        assert values(insured, name) < values(ours, name)
        extracts = [values(table, name) for table in (ours, alone, theirs, other)]
        assert len(set.union(*extracts)) == sum(map(len, extracts)), name


def test_the_certificate_names_constructions_and_domains_and_no_key(two_sets):
    office = two_sets
    release, _ = released(office, office.consumer, "datasets/residents", "city-health")
    verified = verify_certificate(release.certificate, office.rooms.signer.public_pem())
    columns = {column.name: column for column in verified.predicate.columns}
    assert columns["bank_card"].construction == "AES-SIV (RFC 5297)"
    assert columns["phone"].construction.startswith("FF1 (NIST SP 800-38G)")
    assert columns["phone"].key_domain.startswith("project:11:city-health|name:5:phone")
    for column in columns.values():
        key = office.rooms.domain_keys.key(column.key_domain, column.key_version)
        assert key.hex() not in verified.statement.payload().decode()


def test_dates_and_amounts_are_drawn_by_the_person_that_the_holder_names(office):
    people = residents(400, 7)
    columns = {
        name: people.column(name) for name in ("resident_id", "birth_date", "income", "district")
    }
    twice = pa.table(columns).append_column("visit_date", people.column("birth_date"))
    pq.write_table(pa.concat_tables([twice, twice]), office.data / "visits.parquet")
    office.rooms.catalog.register(
        office.holder,
        DataSetDraft(
            name="datasets/visits",
            title="visits",
            source=ParquetSource(path="visits.parquet"),
            privacy_unit="resident_id",
        ),
        office.key(),
    )
    office.classified("datasets/visits")
    office.activate(POLICY)
    wanted = ("birth_date", "visit_date", "income")
    release, table = released(office, office.consumer, "datasets/visits", None, wanted)
    assert table.column_names == list(wanted)
    assert {step.subject for step in release.plan.steps} == {"resident_id"}
    source = pq.read_table(office.data / "visits.parquet")
    assert table.slice(0, 400).equals(table.slice(400))

    def off(name: str) -> list[int | None]:
        to = pa.int32() if name != "income" else pa.int64()
        moved, real = (t.column(name).cast(to) for t in (table, source))
        return pc.subtract(moved, real).to_pylist()

    days = off("birth_date")
    assert off("visit_date") == days  # all dates of a person by the same
    assert set(days) <= {*range(-30, 0), *range(1, 31)}
    assert len(set(days)) > 40
    noise = {value for value in off("income") if value is not None}
    assert noise <= set(range(-2050, 2051))
    assert len(noise) > 20
    assert {value % 100 for value in table["income"].drop_null().to_pylist()} == {0}
