"""Shredding a project's keys: after it nobody takes its tokens back, with whatever is still there."""

import sqlite3
from contextlib import closing

import pyarrow as pa
import pytest

from gateway.app.compose import compose
from gateway.app.root_keys import retire, rewrap, rotate
from gateway.errors import (
    Conflict,
    FailedPrecondition,
    KeyDestroyed,
    KeyUnavailable,
    NotFound,
    PermissionDenied,
)
from gateway.model.key_domains import name_of
from gateway.model.lifecycle import KeyDomainState, ReleaseState
from gateway.ports import Page
from gateway.store.keyring import FileKeyRing
from gateway.transform.siv_tokens import SivTokens

POLICY = """
format: gateway-policy/1
name: policies/keyed
purposes: {study: A study.}
rules:
  - name: identity-numbers
    match: {entity: [CN_RESIDENT_ID]}
    transform: {kind: reversible_token, scope: project}
"""
COLUMNS = ("resident_id",)
NAME = name_of("project:11:city-health")


@pytest.fixture
def ready(any_office):
    any_office.register()
    any_office.activate(POLICY)
    return any_office


def opened(office, project="city-health"):
    request = office.request(COLUMNS, purpose="study", project=project)
    office.grant(request)
    return office.open(request)


def released(office, project="city-health"):
    release = opened(office, project)
    office.rooms.runner.run(release.name)
    release = office.look(release)
    assert release.state is ReleaseState.SEALED, release.ending
    column = pa.ipc.open_stream(office.stream(release)).read_all().column(0).combine_chunks()
    return release, column


def reversed_with(key: bytes, release, column: pa.Array) -> pa.Array:
    return SivTokens(key, [release.plan.steps[0].key_domain.encode()]).reverse(column)


def reversed_column(office, release, column: pa.Array) -> list[str]:
    (key,) = office.rooms.domain_keys.keys(release.plan).values()
    return sorted(reversed_with(key, release, column).drop_null().to_pylist())


def shred(office, name=NAME):
    domains = office.rooms.key_domains
    domains.propose(office.officer, name, "the study is over", office.key())
    return domains.shred(office.second_officer, name, office.key())


def test_after_shredding_nothing_that_is_left_takes_a_token_back(ready):
    office = ready
    release, column = released(office)
    other, others = released(office, "city-wealth")
    real = reversed_column(office, release, column)
    assert real == reversed_column(office, other, others) != []
    with office.rooms.store.read() as tx:
        wrapped = tx.key(f"{NAME}/1")
    assert office.rooms.keyring.unwrap(wrapped, f"{NAME}/1")  # what could be done until now

    shredded = shred(office)
    assert shredded.state is KeyDomainState.SHREDDED
    assert all(version.destroyed for version in shredded.versions)
    with pytest.raises(KeyDestroyed, match="were destroyed"):
        office.rooms.domain_keys.keys(release.plan)
    # The store: no row holds a wrapped secret of the project, in any page of its files.
    with office.rooms.store.read() as tx:
        kept = dict(tx.wrapped_keys("", 1000))
    assert not [resource for resource in kept if resource.startswith(NAME)]
    for file in (office.folder / "state").glob("gateway.db*"):
        assert wrapped not in file.read_bytes(), file
    # The ring with everything that the store still holds: no key of any kind fits.
    domain = release.plan.steps[0].key_domain
    candidates = [office.rooms.keyring.unwrap(blob, resource) for resource, blob in kept.items()]
    candidates += [office.rooms.keyring.derive(text) for text in (domain, NAME, f"{NAME}/1")]
    for key in candidates:
        with pytest.raises(Exception, match="not a token of this domain"):
            reversed_with(key, release, column)
    # A process that starts now knows no more, and other projects lose nothing.
    with closing(compose(office.settings, office.clock)) as again:
        with pytest.raises(KeyDestroyed):
            again.domain_keys.keys(release.plan)
        assert again.domain_keys.keys(other.plan) == office.rooms.domain_keys.keys(other.plan)
    assert ("key_domain.shred", "ok") in office.actions()


def test_two_different_officers_are_needed(ready):
    office, domains = ready, ready.rooms.key_domains
    released(office)
    with pytest.raises(FailedPrecondition, match="is active; it cannot become shredded"):
        domains.shred(office.officer, NAME, office.key())
    domains.propose(office.officer, NAME, "over", office.key())
    with pytest.raises(PermissionDenied, match="another officer shreds"):
        domains.shred(office.officer, NAME, office.key())
    with pytest.raises(FailedPrecondition, match="is shredding; it cannot become shredding"):
        domains.propose(office.second_officer, NAME, "over", office.key())
    with pytest.raises(FailedPrecondition, match="shred or withdraw that first"):
        domains.renew(office.officer, NAME, office.key())
    # Proposed is not done: everything still works, and any officer may refuse.
    released(office)
    domains.withdraw(office.second_officer, NAME, office.key())
    with pytest.raises(FailedPrecondition, match="is not to be shredded"):
        domains.withdraw(office.officer, NAME, office.key())
    with pytest.raises(FailedPrecondition, match="is active; it cannot become shredded"):
        domains.shred(office.second_officer, NAME, office.key())
    assert domains.get(NAME).state is KeyDomainState.ACTIVE
    with pytest.raises(NotFound):
        domains.propose(office.officer, name_of("project:5:other"), "over", office.key())


def test_each_step_happens_once_however_often_it_is_asked_for(ready):
    office, domains = ready, ready.rooms.key_domains
    released(office)
    keys = [office.key() for _ in range(4)]
    for _ in range(2):
        assert domains.propose(office.officer, NAME, "over", keys[0]).revision >= 2
    domains.withdraw(office.officer, NAME, keys[1])
    domains.propose(office.officer, NAME, "over", keys[2])
    for _ in range(2):
        shredded = domains.shred(office.second_officer, NAME, keys[3])
    assert shredded.revision == domains.get(NAME).revision == 5
    done = [action for action, _ in office.actions() if action.startswith("key_domain.")]
    assert done == [
        "key_domain.begin", "key_domain.propose_shredding", "key_domain.withdraw_shredding",
        "key_domain.propose_shredding", "key_domain.shred",
    ]  # fmt: skip


def test_what_runs_while_its_key_is_shredded_is_not_sealed(ready, monkeypatch):
    office = ready
    released(office)
    release = opened(office)
    runner = office.rooms.runner
    real = type(runner._executor).run

    def run(self, *arguments):
        result = real(self, *arguments)
        shred(office)
        return result

    monkeypatch.setattr(type(runner._executor), "run", run)
    runner.run(release.name)
    ended = office.look(release)
    assert (ended.state, ended.ending.reason) == (ReleaseState.FAILED, "KEY_DESTROYED")


def test_a_shredded_project_begins_anew_only_on_purpose_and_unrelated(ready):
    office = ready
    before, tokens = released(office)
    waiting = opened(office)
    shred(office)
    office.rooms.runner.run(waiting.name)
    assert office.look(waiting).ending.reason == "KEY_DESTROYED"
    request = office.request(COLUMNS, purpose="study", project="city-health")
    for ask in (office.rooms.opening.preview, lambda *_: office.open(request)):
        with pytest.raises(KeyDestroyed, match=f"gateway keys renew {NAME}"):
            ask(office.consumer, request)
    office.rooms.key_domains.renew(office.officer, NAME, office.key())
    after, anew = released(office)
    assert [step.key_version for step in after.plan.steps] == [2]
    assert not set(tokens.drop_null().to_pylist()) & set(anew.drop_null().to_pylist())
    assert reversed_column(office, after, anew)
    with pytest.raises(KeyDestroyed):
        office.rooms.domain_keys.keys(before.plan)


def test_a_renewed_domain_takes_old_tokens_back_and_makes_new_ones_under_the_new_version(ready):
    office = ready
    before, tokens = released(office)
    renewed = office.rooms.key_domains.renew(office.officer, NAME, office.key())
    assert renewed.version == 2
    after, anew = released(office)
    assert not set(tokens.drop_null().to_pylist()) & set(anew.drop_null().to_pylist())
    assert reversed_column(office, before, tokens) == reversed_column(office, after, anew)
    (old,) = office.rooms.domain_keys.keys(before.plan).values()
    with pytest.raises(Exception, match="not a token of this domain"):
        reversed_with(old, after, anew)
    assert [office.look(r).plan.steps[0].key_version for r in (before, after)] == [1, 2]
    with pytest.raises(KeyUnavailable, match="there is no key version 3"):
        office.rooms.domain_keys.key(before.plan.steps[0].key_domain, 3)


def test_a_renewal_that_was_overtaken_is_refused(ready, monkeypatch):
    office, domains = ready, ready.rooms.key_domains
    released(office)
    keys, real = office.rooms.domain_keys, type(office.rooms.domain_keys).fresh

    def fresh(self, owner, version):
        monkeypatch.setattr(type(keys), "fresh", real)
        domains.renew(office.second_officer, NAME, office.key())
        return real(self, owner, version)

    monkeypatch.setattr(type(keys), "fresh", fresh)
    with pytest.raises(Conflict, match="changed meanwhile"):
        domains.renew(office.officer, NAME, office.key())
    assert domains.get(NAME).version == 2


# ---- root keys and backups ------------------------------------------------------------------------


def test_a_rotation_wraps_everything_anew_and_changes_nothing_else(ready):
    office = ready
    release, column = released(office)
    real = reversed_column(office, release, column)
    told = []
    version, wrapped = rotate(office.settings, told.append)
    with office.rooms.store.read() as tx:
        kept = tx.wrapped_keys("", 1000)
    assert (version, wrapped) == (2, len(kept)) == (2, told[-1])
    assert {office.rooms.keyring.version_of(blob) for _, blob in kept} == {2}
    assert reversed_column(office, release, column) == real
    assert office.stream(release)  # sealed before, readable still
    assert rewrap(office.settings) == 0
    with pytest.raises(FailedPrecondition, match="root key 2 is in use"):
        retire(office.settings, 2)
    retire(office.settings, 1)
    assert office.rooms.keyring.versions == (2,)
    assert reversed_column(office, release, column) == real
    assert [a for a, _ in office.actions() if a.startswith("root_key.")] == [
        "root_key.rotate", "root_key.rewrap", "root_key.retire",
    ]  # fmt: skip


def test_a_root_key_that_is_still_needed_is_not_retired_and_rewrap_ends_what_was_interrupted(ready):
    office = ready
    release, column = released(office)
    FileKeyRing(office.settings.keys.ring, office.rooms.keyring._entropy).rotate()
    with pytest.raises(FailedPrecondition, match="run gateway keys rewrap"):
        retire(office.settings, 1)
    assert rewrap(office.settings) >= 3  # the release's, the project's, the pages'
    retire(office.settings, 1)
    assert reversed_column(office, release, column)


def test_what_was_wrapped_and_not_kept_before_its_root_key_was_retired_is_wrapped_again(
    ready, monkeypatch
):
    """Rotated and retired by another process after the gateway wrapped the keys of a project's
    first release, and before the transaction that keeps them."""
    office = ready
    real = type(office.rooms.domain_keys).prepare

    def prepare(self, owners):
        made = real(self, owners)
        monkeypatch.setattr(type(self), "prepare", real)
        rotate(office.settings)
        retire(office.settings, 1)
        return made

    monkeypatch.setattr(type(office.rooms.domain_keys), "prepare", prepare)
    release, column = released(office)
    assert reversed_column(office, release, column)
    assert office.rooms.keyring.versions == (2,)
    with office.rooms.store.read() as tx:
        kept = tx.wrapped_keys("", 1000)
    assert {office.rooms.keyring.version_of(blob) for _, blob in kept} == {2}
    assert release.name in dict(kept)
    assert office.actions().count(("release.open", "ok")) == 1


def test_a_renewal_whose_root_key_was_retired_meanwhile_is_refused(ready, monkeypatch):
    office = ready
    released(office)
    keys, real = office.rooms.domain_keys, type(office.rooms.domain_keys).fresh

    def fresh(self, owner, version):
        made = real(self, owner, version)
        monkeypatch.setattr(type(keys), "fresh", real)
        rotate(office.settings)
        retire(office.settings, 1)
        return made

    monkeypatch.setattr(type(keys), "fresh", fresh)
    with pytest.raises(FailedPrecondition, match="retired meanwhile"):
        office.rooms.key_domains.renew(office.officer, NAME, office.key())
    assert office.rooms.key_domains.renew(office.officer, NAME, office.key()).version == 2


def test_nobody_keeps_a_key_between_the_look_at_all_of_them_and_the_retiring(office, monkeypatch):
    office.register()
    office.activate(POLICY)
    released(office)
    rotate(office.settings)
    real, tried = FileKeyRing.retire, []

    def retiring(ring, version):
        path = office.folder / "state" / "gateway.db"
        with (
            closing(sqlite3.connect(path, timeout=0)) as another,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            another.execute("BEGIN IMMEDIATE")
        tried.append(version)
        real(ring, version)

    monkeypatch.setattr(FileKeyRing, "retire", retiring)
    retire(office.settings, 1)
    assert tried == [1]


def test_a_key_that_is_destroyed_while_it_is_wrapped_anew_stays_destroyed(ready, monkeypatch):
    office = ready
    released(office)
    real = FileKeyRing.wrap

    def wrap(ring, key, context):
        if context == f"{NAME}/1":
            shred(office)
        return real(ring, key, context)

    monkeypatch.setattr(FileKeyRing, "wrap", wrap)
    rotate(office.settings)
    with office.rooms.store.read() as tx:
        assert tx.key(f"{NAME}/1") is None


def test_a_backup_of_the_store_opens_nothing_once_its_root_key_is_retired(office, tmp_path):
    """The operator kept a copy of the database from before the shredding, and not of the ring."""
    office.register()
    office.activate(POLICY)
    released(office)
    backup = tmp_path / "backup.db"
    with (
        closing(sqlite3.connect(office.folder / "state" / "gateway.db")) as source,
        closing(sqlite3.connect(backup)) as target,
    ):
        source.backup(target)
    shred(office)
    with closing(sqlite3.connect(backup)) as copy:
        query = "SELECT wrapped FROM data_key WHERE resource = ?"
        (wrapped,) = copy.execute(query, (f"{NAME}/1",)).fetchone()
    assert office.rooms.keyring.unwrap(wrapped, f"{NAME}/1")  # said in the guide: backups count
    rotate(office.settings)
    retire(office.settings, 1)
    with pytest.raises(KeyUnavailable, match="no version 1"):
        office.rooms.keyring.unwrap(wrapped, f"{NAME}/1")


def test_the_list_shows_records_and_no_secrets(ready):
    office = ready
    released(office)
    released(office, "city-wealth")
    (first, second) = office.rooms.key_domains.all(Page(size=10), None)
    assert first.name < second.name
    assert office.rooms.key_domains.all(Page(size=10, after=first.name), None) == [second]
    assert office.rooms.key_domains.all(Page(size=10), KeyDomainState.SHREDDED) == []
    shred(office)
    (gone,) = office.rooms.key_domains.all(Page(size=10), KeyDomainState.SHREDDED)
    assert gone.shredding.reason == "the study is over"
    with office.rooms.store.read() as tx:
        shown = "".join(
            d.model_dump_json() for d in office.rooms.key_domains.all(Page(size=9), None)
        )
        for _, wrapped in tx.wrapped_keys("", 100):
            assert wrapped.hex() not in shown
