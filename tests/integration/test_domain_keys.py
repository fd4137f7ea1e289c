"""Keys of domains: pinned at first use, kept wrapped, the same until an officer says otherwise."""

import pyarrow as pa
import pytest

from gateway.errors import KeyUnavailable, StoreUnavailable
from gateway.model.key_domains import name_of, owner_of
from gateway.model.lifecycle import ReleaseState
from gateway.ports import Page
from gateway.registry.domain_keys import SecretsWanted
from gateway.store.keyring import FileKeyRing

POLICY = """
format: gateway-policy/1
name: policies/keyed
purposes: {study: A study.}
rules:
  - name: identity-numbers
    match: {entity: [CN_RESIDENT_ID]}
    transform: {kind: reversible_token, scope: project}
  - name: phones
    match: {entity: [CN_MOBILE]}
    transform: {kind: token, scope: project}
"""
COLUMNS = ("resident_id", "phone")
PROJECT = "project:11:city-health"


@pytest.fixture
def ready(any_office):
    any_office.register()
    any_office.activate(POLICY)
    return any_office


def released(office, project="city-health"):
    request = office.request(COLUMNS, purpose="study", project=project)
    office.grant(request)
    release = office.open(request)
    office.rooms.runner.run(release.name)
    release = office.look(release)
    assert release.state is ReleaseState.SEALED, release.ending
    table = pa.ipc.open_stream(office.stream(release)).read_all()
    return release, table.sort_by([(name, "ascending") for name in COLUMNS])


def records(office):
    with office.rooms.store.read() as tx:
        return tx.key_domains(Page(size=100))


def test_a_project_has_one_secret_for_all_its_columns_kept_wrapped_from_its_first_use_on(ready):
    assert records(ready) == []
    request = ready.request(COLUMNS, purpose="study", project="city-health")
    ready.grant(request)
    preview = ready.rooms.opening.preview(ready.consumer, request)
    assert {step.key_version for step in preview.plan.steps} == {1}
    assert records(ready) == []  # a dry run makes nothing
    release, table = released(ready)
    (record,) = records(ready)
    assert (record.owner, record.version, record.name) == (PROJECT, 1, name_of(PROJECT))
    assert ("key_domain.begin", "ok") in ready.actions()
    keys = ready.rooms.domain_keys.keys(release.plan)
    assert len(set(keys.values())) == len(keys) == 2
    for step in release.plan.steps:
        assert owner_of(step.key_domain) == PROJECT
        assert ready.rooms.domain_keys.key(step.key_domain, 1) == keys[step.key_domain]
    _, again = released(ready)
    assert again.equals(table)
    assert [r.revision for r in records(ready)] == [1]


def test_rotating_the_root_key_changes_no_token(ready):
    _, before = released(ready)
    # as another process does it while the gateway runs
    FileKeyRing(ready.settings.keys.ring, ready.rooms.keyring._entropy).rotate()
    assert ready.rooms.keyring.version == 2
    _, after = released(ready)
    assert after.equals(before)


def test_the_root_key_alone_gives_no_key_of_a_domain(ready):
    """What shredding rests on: the keys come from secrets that only the store holds, wrapped."""
    release, _ = released(ready)
    (record,) = records(ready)
    with ready.rooms.store.write() as tx:
        tx.destroy_key(record.secret(1))
    with pytest.raises(KeyUnavailable, match=r"version 1 is missing: restore the store"):
        ready.rooms.domain_keys.keys(release.plan)


def test_keys_that_never_were_are_told_as_such(ready):
    domain = f"{PROJECT}|name:5:phone|transform:5:token"
    with pytest.raises(KeyUnavailable, match="there is no key version 1"):
        ready.rooms.domain_keys.key(domain, 1)
    released(ready)
    with pytest.raises(KeyUnavailable, match="there is no key version 2"):
        ready.rooms.domain_keys.key(domain, 2)


def test_no_key_is_wrapped_while_the_store_is_held(ready, monkeypatch):
    """The ring may be a slow service: others must not wait for it."""
    store, real = ready.rooms.store, FileKeyRing.wrap
    wrapped = []

    def wrap(ring, key, context):
        if not store._turn.acquire(timeout=0):
            raise AssertionError("a key was wrapped inside a writing transaction")
        store._turn.release()
        wrapped.append(context)
        return real(ring, key, context)

    monkeypatch.setattr(FileKeyRing, "wrap", wrap)
    released(ready)
    assert f"{name_of(PROJECT)}/1" in wrapped


def test_two_first_uses_at_once_end_with_one_secret(ready, monkeypatch):
    """Another process makes the domain's first secret between our preparing and our keeping."""
    ours = ready.rooms.domain_keys
    real, other = type(ours).prepare, []

    def prepare(self, owners):
        made = real(self, owners)
        if not other:
            other.append(True)
            other.append(released(ready)[1])
        return made

    monkeypatch.setattr(type(ours), "prepare", prepare)
    _, table = released(ready)
    assert table.equals(other[1])
    assert len(records(ready)) == 1


def test_a_plan_is_not_opened_without_the_secrets_of_all_its_owners(ready):
    release, _ = released(ready)
    plan = release.plan
    elsewhere = plan.but(
        steps=tuple(
            step.but(key_domain=step.key_domain.replace("city-health", "city-wealth"))
            for step in plan.steps
        )
    )
    with pytest.raises(SecretsWanted) as wanted, ready.rooms.store.write() as tx:
        ready.rooms.domain_keys.begin_in(tx, elsewhere, {}, ready.clock.now())
    assert wanted.value.owners == ("project:11:city-wealth",)
    assert not isinstance(wanted.value, StoreUnavailable)
