"""Random tokens in releases: one token a value for good, whoever asks at the same time, till shredded."""

import os
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from gateway.app.compose import compose
from gateway.errors import GatewayFault, KeyDestroyed, StoreUnavailable
from gateway.model.key_domains import name_of
from gateway.model.lifecycle import ReleaseState
from gateway.model.names import RecipientKind, Role
from gateway.registry.token_vault import StoredDomainVault, StoredTokenVault
from gateway.transform.reversal import reverse

POLICY = """
format: gateway-policy/1
name: policies/keyed
purposes: {study: A study.}
rules:
  - name: phones
    match: {entity: [CN_MOBILE]}
    transform: {kind: random_token, scope: project}
"""
DOMAIN = "project:11:city-health|name:5:phone|transform:12:random_token"
SECRET = name_of("project:11:city-health") + "/1"


@pytest.fixture
def ready(any_office):
    any_office.register()
    any_office.activate(POLICY)
    return any_office


def asked(office, project="city-health"):
    return office.request(("phone",), purpose="study", project=project)


def opened(office, who=None, project="city-health"):
    request = asked(office, project)
    office.grant(request, who=who)
    return office.rooms.opening.open(who or office.consumer, request, office.key())


def released(office, who=None, project="city-health"):
    release = opened(office, who, project)
    office.rooms.runner.run(release.name)
    release = office.rooms.custody.get(who or office.consumer, release.name)
    assert release.state is ReleaseState.SEALED, release.ending
    table = pa.ipc.open_stream(office.stream(release, who)).read_all()
    return release, table.column(0).combine_chunks()


def values(column) -> list[str]:
    return sorted(column.drop_null().to_pylist())


def test_tokens_are_random_agree_inside_a_project_and_come_back(ready):
    office = ready
    source = pq.read_table(office.data / "residents.parquet").column("phone").combine_chunks()
    release, tokens = released(office)
    assert pc.all(pc.match_substring_regex(tokens, "^[0-9a-hj-km-np-tv-z]{26}$")).as_py()
    assert len(set(values(tokens))) == len(set(values(source)))
    second = office.another("second-lab", Role.CONSUMER, RecipientKind.RESEARCH)
    assert values(released(office, second)[1]) == values(tokens) == values(released(office)[1])
    assert not set(values(tokens)) & set(values(released(office, project="other-study")[1]))
    (step,) = release.plan.steps
    back = reverse(
        step.transform,
        tokens,
        source_type=pa.string(),
        key=office.rooms.domain_keys.key(DOMAIN, step.key_version),
        domain=DOMAIN,
        vault=StoredTokenVault(office.rooms.store, None).of(DOMAIN, 1),
    )
    assert values(back) == values(source)
    for file in office.folder.rglob("gateway.db*"):
        content = file.read_bytes()
        assert not [phone for phone in values(source)[:50] if phone.encode() in content]


def test_two_gateways_that_meet_the_same_values_at_once_give_them_one_token(ready, monkeypatch):
    """Every look finds nothing until all have looked: what a race would be at its worst."""
    office = ready
    release = opened(office)
    plan = office.look(release).plan
    office.rooms.domain_keys.begin(plan)
    rooms = [
        office.rooms,
        compose(office.settings, office.clock),
        compose(office.settings, office.clock),
    ]
    lookups = [os.urandom(16).hex() for _ in range(500)]
    try:
        vaults = [
            StoredTokenVault(r.store, office.rooms.domain_keys._entropy).of(DOMAIN, 1)
            for r in rooms
        ]
        with ThreadPoolExecutor(6) as pool:
            mixed = [lookups[n * 50 :] + lookups[: n * 50] for n in range(6)]
            found = list(
                pool.map(
                    lambda n: dict(
                        zip(
                            mixed[n], vaults[n % 3].tokens(mixed[n], [b"sealed"] * 500), strict=True
                        )
                    ),
                    range(6),
                )
            )
    finally:
        for other in rooms[1:]:
            other.close()
    assert all(tokens == found[0] for tokens in found)
    assert len(set(found[0].values())) == len(lookups)


def test_what_a_run_left_behind_when_it_failed_is_used_by_the_next(ready, monkeypatch):
    office = ready
    real, seen = StoredDomainVault.tokens, []

    def tokens(self, lookups, sealed):
        seen.append(dict(zip(lookups, real(self, lookups, sealed), strict=True)))
        if len(seen) == 1:
            raise StoreUnavailable("the machine went away between two steps")
        return list(seen[-1].values())

    monkeypatch.setattr(StoredDomainVault, "tokens", tokens)
    release = opened(office)
    with pytest.raises(StoreUnavailable):
        office.rooms.runner.run(release.name)
    office.clock.move(minutes=2)
    office.rooms.runner.run(release.name)
    assert office.look(release).state is ReleaseState.SEALED
    assert seen[0] == seen[1]


def test_a_transaction_that_fails_keeps_no_half_of_its_tokens(ready):
    office = ready
    released(office)
    lookups = [os.urandom(16).hex() for _ in range(20)]

    class Repeats:
        """The same token twice: the second one must not be kept, nor anything beside it."""

        def bytes(self, count: int) -> bytes:
            return bytes(count)

    vault = StoredTokenVault(office.rooms.store, Repeats()).of(DOMAIN, 1)
    with pytest.raises(GatewayFault):
        vault.tokens(lookups, [b"sealed"] * 20)
    with office.rooms.store.read() as tx:
        assert tx.tokens_of(SECRET, lookups) == {}


def test_shredding_a_project_deletes_its_vault_and_nothing_is_added_to_it(ready):
    office = ready
    release, tokens = released(office)
    released(office, project="other-study")
    domains = office.rooms.key_domains
    name = SECRET.removesuffix("/1")
    domains.propose(office.officer, name, "over", office.key())
    domains.shred(office.second_officer, name, office.key())
    with office.rooms.store.read() as tx:
        assert tx.sealed_of_tokens(SECRET, values(tokens)) == {}
    vault = StoredTokenVault(office.rooms.store, office.rooms.domain_keys._entropy).of(DOMAIN, 1)
    with pytest.raises(KeyDestroyed):
        vault.tokens(["1" * 32], [b"sealed"])
    with pytest.raises(KeyDestroyed):
        office.rooms.domain_keys.keys(release.plan)
    assert len(values(released(office, project="other-study")[1])) == len(values(tokens))
    domains.renew(office.officer, name, office.key())
    assert not set(values(released(office)[1])) & set(values(tokens))
