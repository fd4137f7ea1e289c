"""Root keys in Vault: what it wraps, what it refuses, and a whole gateway that has no key itself."""

import json
import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from gateway.app.compose import compose
from gateway.app.root_keys import retire, rewrap, rotate
from gateway.config import Keys, VaultTransit, load
from gateway.errors import (
    ConfigurationError,
    FailedPrecondition,
    KeyServiceUnavailable,
    KeyUnavailable,
)
from gateway.model.lifecycle import ReleaseState
from gateway.store.keyring import FileKeyRing
from gateway.store.vault import VaultKeyRing

KEY = bytes(range(32))


@pytest.fixture
def ring(running_vault):
    return VaultKeyRing(running_vault.address())


def test_a_key_is_wrapped_and_opened_for_its_context_only(ring, running_vault):
    wrapped = ring.wrap(KEY, "releases/one")
    assert wrapped.startswith(b"vault:v1:")
    assert (ring.version, ring.versions, ring.version_of(wrapped)) == (1, (1,), 1)
    assert ring.unwrap(wrapped, "releases/one") == KEY
    assert ring.wrap(KEY, "releases/one") != wrapped
    with pytest.raises(KeyUnavailable, match="does not open the key of releases/two"):
        ring.unwrap(wrapped, "releases/two")
    assert {path for _, path in running_vault.vault.asked} == {
        "/v1/transit/keys/gateway",
        "/v1/transit/encrypt/gateway",
        "/v1/transit/decrypt/gateway",
    }


def test_nothing_altered_cut_or_foreign_opens(ring, tmp_path):
    wrapped = ring.wrap(KEY, "releases/one")
    for position in range(len(b"vault:v1:"), len(wrapped), 7):
        changed = bytearray(wrapped)
        changed[position] = ord("A") if changed[position] != ord("A") else ord("B")
        with pytest.raises(KeyUnavailable):
            ring.unwrap(bytes(changed), "releases/one")
    for foreign in (b"", b"vault:v1:", b"vault:v9:AAAA", b"GWK1" + os.urandom(60), wrapped[:30]):
        with pytest.raises(KeyUnavailable):
            ring.unwrap(foreign, "releases/one")


def test_rotation_keeps_old_versions_until_vault_is_told_otherwise(ring, running_vault):
    old = ring.wrap(KEY, "x")
    assert ring.rotate() == 2
    assert ring.versions == (1, 2)
    assert ring.unwrap(old, "x") == KEY
    renewed = ring.rewrap(old, "x")
    assert (ring.version_of(old), ring.version_of(renewed)) == (1, 2)
    with pytest.raises(FailedPrecondition, match="min_decryption_version=2"):
        ring.retire(1)
    running_vault.vault.keys["gateway"].least = 2
    with pytest.raises(KeyUnavailable, match="no longer has"):
        ring.unwrap(old, "x")
    assert ring.unwrap(renewed, "x") == KEY


def test_a_transit_key_that_would_not_bind_or_could_leave_is_refused(running_vault):
    sound = {"derived": True, "exportable": False, "allow_plaintext_backup": False}
    for name, value in sound.items():
        for setting, as_it_should_be in sound.items():
            setattr(running_vault.vault.keys["gateway"], setting, as_it_should_be)
        VaultKeyRing(running_vault.address())
        setattr(running_vault.vault.keys["gateway"], name, not value)
        with pytest.raises(KeyUnavailable, match="must be derived, not exportable, and without"):
            VaultKeyRing(running_vault.address())


def test_every_refusal_names_its_remedy_and_no_secret(ring, running_vault):
    vault, wrapped = running_vault.vault, ring.wrap(KEY, "x")
    told = {}

    def told_of(name, kind, of=ring):
        with pytest.raises(kind) as caught:
            of.unwrap(wrapped, "x")
        told[name] = caught.value.message

    vault.token = "hvs.another"
    told_of("token", KeyUnavailable)
    vault.token = running_vault.folder.joinpath("token").read_text().strip()
    vault.denied = {"decrypt"}
    told_of("policy", KeyUnavailable)
    vault.denied = set()
    vault.sealed = True
    told_of("sealed", KeyServiceUnavailable)
    vault.sealed = False
    vault.mount = "elsewhere"
    told_of("mount", KeyUnavailable)
    vault.mount = "transit"
    vault.failing = [500] * 10
    told_of("broken", KeyServiceUnavailable)
    vault.failing = [307]
    told_of("standby", KeyServiceUnavailable)
    vault.failing = []
    for garbled in (b"", b"<html>", b"[]", b'{"data": 3}', b'{"data": {"plaintext": "%"}}'):
        vault.garbled = garbled
        with pytest.raises((KeyServiceUnavailable, KeyUnavailable)):
            ring.unwrap(wrapped, "x")
        with pytest.raises(KeyServiceUnavailable):
            ring.wrap(KEY, "x")
    vault.garbled = None
    assert ring.unwrap(wrapped, "x") == KEY
    for name, remedy in {
        "token": "renew", "policy": "policy", "sealed": "unseals", "mount": "keys.vault",
        "broken": "try again", "standby": "try again",
    }.items():  # fmt: skip
        assert remedy in told[name], (name, told[name])
        assert not any(secret in told[name] for secret in ("hvs.", wrapped.decode(), KEY.hex()))
    assert "hvs." not in repr(ring)


def test_a_short_absence_is_waited_for(ring, running_vault):
    running_vault.vault.failing = [503, 472, 500]
    assert ring.unwrap(ring.wrap(KEY, "x"), "x") == KEY


def test_a_rotation_whose_answer_is_lost_is_not_asked_for_again(ring, running_vault):
    running_vault.vault.lost = [502, 502]
    with pytest.raises(KeyServiceUnavailable, match="did not say whether it rotated"):
        ring.rotate()
    running_vault.vault.lost = []
    assert ring.version == 2
    assert ring.rotate() == 3


@pytest.mark.parametrize("more", ["?namespace=x", "/#part", "?", "/v1/transit"])
def test_an_address_with_more_than_host_and_port_is_refused(running_vault, more):
    address = running_vault.address()
    for url in (address.url + more, address.url.replace("://", "://somebody:word@")):
        with pytest.raises(ConfigurationError, match="and no more") as refused:
            VaultKeyRing(replace(address, url=url))
        assert "word" not in refused.value.message


def test_vault_is_spoken_to_over_tls_that_is_checked_only(running_vault, tmp_path):
    with pytest.raises(KeyUnavailable, match=r"certificate of localhost is not trusted"):
        VaultKeyRing(running_vault.address(authority=None))
    with pytest.raises(ConfigurationError, match="holds no certificates"):
        VaultKeyRing(running_vault.address(authority=tmp_path / "none.pem"))
    for url in ("http://localhost:1", "https://", "https://localhost:1/v1", "https://host:x"):
        with pytest.raises(ConfigurationError, match="https://HOST:PORT"):
            VaultKeyRing(running_vault.address(url=url))
    with pytest.raises(KeyServiceUnavailable, match="does not answer"):
        VaultKeyRing(running_vault.address(url="https://127.0.0.1:1"))
    assert ("GET", "/v1/transit/keys/gateway") not in running_vault.vault.asked


def test_the_token_file_is_private_and_read_anew_for_each_call(ring, running_vault):
    token = running_vault.folder / "token"
    wrapped = ring.wrap(KEY, "x")
    running_vault.vault.token = "hvs.renewed"
    token.write_text("hvs.renewed")
    assert ring.unwrap(wrapped, "x") == KEY
    for content in ("", " \n", "two words", "tök"):
        token.write_text(content)
        with pytest.raises(KeyUnavailable, match="holds no Vault token"):
            ring.unwrap(wrapped, "x")
    token.chmod(0o640)
    with pytest.raises(KeyUnavailable, match=f"chmod 600 {token}"):
        ring.unwrap(wrapped, "x")
    token.unlink()
    with pytest.raises(KeyUnavailable, match="is missing"):
        ring.unwrap(wrapped, "x")


def test_a_namespace_goes_with_every_call(running_vault):
    running_vault.vault.namespace = "city/health"
    with pytest.raises(KeyUnavailable, match="Vault has no transit/keys/gateway"):
        VaultKeyRing(running_vault.address())
    ring = VaultKeyRing(running_vault.address(namespace="city/health"))
    assert ring.unwrap(ring.wrap(KEY, "x"), "x") == KEY


# ---- a whole gateway ------------------------------------------------------------------------------


def keys_in_vault(running, settings) -> Keys:
    return Keys(
        vault=VaultTransit(
            address=f"https://localhost:{running.port}",
            key="gateway",
            token_file=running.folder / "token",
            authority=running.folder / "vault-ca.pem",
        ),
        signing=settings.keys.signing,
    )


POLICY = """
format: gateway-policy/1
name: policies/keyed
purposes: {study: A study.}
rules:
  - name: identity-numbers
    match: {entity: [CN_RESIDENT_ID]}
    transform: {kind: token, scope: project}
"""
COLUMNS = ("resident_id",)


@pytest.fixture
def vault_office(installation, running_vault, office_of):
    """An office whose root key is in Vault; there is no key ring on its machine."""
    settings = load(installation / "gateway.yaml")
    settings = settings.model_copy(update={"keys": keys_in_vault(running_vault, settings)})
    (installation / "keys" / "ring.json").unlink()
    office = office_of(settings)
    office.register()
    office.activate(POLICY)
    office.grant(asked(office))
    return office


def asked(office):
    return office.request(COLUMNS, purpose="study", project="city-health")


def opened(office):
    return office.open(asked(office))


def released(office):
    release = opened(office)
    office.rooms.runner.run(release.name)
    release = office.look(release)
    assert release.state is ReleaseState.SEALED, release.ending
    return release, values(office, release)


def values(office, release) -> list[str]:
    table = pa.ipc.open_stream(office.stream(release)).read_all()
    return sorted(table.column(0).drop_null().to_pylist())


def test_a_gateway_releases_and_reads_with_its_root_key_in_vault(vault_office, running_vault):
    office = vault_office
    release, tokens = released(office)
    with office.rooms.store.read() as tx:
        kept = tx.wrapped_keys("", 100)
    assert len(kept) >= 3
    assert all(wrapped.startswith(b"vault:v1:") for _, wrapped in kept)
    assert released(office)[1] == tokens
    # Whoever takes the gateway's token away stops the reading of what is sealed.
    running_vault.vault.token = "hvs.another"
    with pytest.raises(KeyUnavailable, match="renew"):
        values(office, release)
    with pytest.raises(KeyUnavailable, match="renew"):
        compose(office.settings, office.clock)


def test_a_release_waits_for_a_vault_that_is_sealed_and_is_made_later(vault_office, running_vault):
    office = vault_office
    release = opened(office)
    running_vault.vault.sealed = True
    with pytest.raises(KeyServiceUnavailable):
        office.rooms.runner.run(release.name)
    assert office.look(release).state is ReleaseState.RUNNING
    with pytest.raises(KeyServiceUnavailable, match="unseals"):
        opened(office)
    running_vault.vault.sealed = False
    office.clock.move(minutes=2)  # the lease lapses
    office.rooms.runner.run(release.name)
    assert office.look(release).state is ReleaseState.SEALED


def test_a_rotation_in_vault_changes_no_token_and_everything_is_wrapped_anew(
    vault_office, running_vault
):
    office = vault_office
    release, tokens = released(office)
    version, wrapped = rotate(office.settings)
    with office.rooms.store.read() as tx:
        kept = tx.wrapped_keys("", 100)
    assert (version, wrapped) == (2, len(kept))
    assert all(blob.startswith(b"vault:v2:") for _, blob in kept)
    running_vault.vault.keys["gateway"].least = 2
    assert values(office, release) == tokens == released(office)[1]
    with pytest.raises(FailedPrecondition, match="min_decryption_version=2"):
        retire(office.settings, 1)
    # Rotated by Vault's administrator, the same is finished from here, without a right to rotate.
    running_vault.vault.denied = {"rotate"}
    with pytest.raises(KeyUnavailable, match="rotate, for gateway keys rotate"):
        rotate(office.settings)
    running_vault.vault.keys["gateway"].versions[3] = os.urandom(32)
    assert rewrap(office.settings) == len(kept) + 1  # the release that was made since


def test_an_installation_moves_from_a_file_to_vault_and_keeps_its_tokens(
    installation, running_vault, office_of
):
    settings = load(installation / "gateway.yaml")
    before = office_of(settings)
    before.register()
    before.activate(POLICY)
    before.grant(asked(before))
    release, tokens = released(before)
    moved = settings.model_copy(update={"keys": keys_in_vault(running_vault, settings)})
    ring = installation / "keys" / "ring.json"
    with pytest.raises(FailedPrecondition, match="--from"):
        rewrap(moved)
    assert rewrap(moved, earlier=ring) >= 3
    assert rewrap(moved, earlier=ring) == 0  # as after an interruption at its end
    ring.unlink()
    after = office_of(moved)
    assert values(after, release) == tokens == released(after)[1]


def test_neither_key_nor_token_stands_in_what_the_gateway_writes(vault_office, running_vault):
    office = vault_office
    real, plain = VaultKeyRing.wrap, []

    def wrap(ring, key, context):
        plain.append(key)
        return real(ring, key, context)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VaultKeyRing, "wrap", wrap)
        release, _ = released(office)
    token = running_vault.folder.joinpath("token").read_bytes().strip()
    written = b"".join(f.read_bytes() for f in office.folder.rglob("*") if f.is_file())
    assert len(plain) >= 2
    assert token not in written
    assert not any(key in written or key.hex().encode() in written for key in plain)
    assert not any(key.hex() in release.certificate for key in plain)


# ---- settings -------------------------------------------------------------------------------------


def written_settings(installation: Path, vault: str) -> Path:
    file = installation / "gateway.yaml"
    file.write_text(file.read_text().replace("  ring: keys/ring.json\n", vault), encoding="utf-8")
    return file


VAULT_SECTION = """\
  vault:
    address: https://localhost:{port}
    key: gateway
    token_file: keys/vault.token
    authority: keys/vault-ca.pem
"""


def test_the_settings_name_vault_in_place_of_a_file(installation, running_vault, office_of):
    for name in ("token", "vault-ca.pem"):
        target = installation / "keys" / name.replace("token", "vault.token")
        target.write_bytes((running_vault.folder / name).read_bytes())
        target.chmod(0o600)
    file = written_settings(installation, VAULT_SECTION.format(port=running_vault.port))
    office = office_of(load(file))
    assert repr(office.rooms.keyring) == "<VaultKeyRing transit/gateway>"
    token = installation / "keys" / "vault.token"
    token.chmod(0o644)
    with pytest.raises(ConfigurationError, match=f"chmod 600 {token}"):
        load(file)
    token.chmod(0o600)
    (installation / "keys" / "vault-ca.pem").chmod(0o666)
    with pytest.raises(ConfigurationError, match="can be changed by others"):
        load(file)


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("", "give either ring or vault"),
        ("  ring: keys/ring.json\n" + VAULT_SECTION.format(port=1), "give either ring or vault"),
        (VAULT_SECTION.format(port=1).replace("https", "http"), "keys.vault.address"),
        (VAULT_SECTION.format(port=1).replace("key: gateway", "key: a/b"), "keys.vault.key"),
    ],
)
def test_unclear_or_unsafe_settings_are_refused(installation, section, told):
    with pytest.raises(ConfigurationError, match=told):
        load(written_settings(installation, section))


def test_a_ring_in_a_file_says_what_is_wrong_with_what_vault_wrapped(installation):
    settings = load(installation / "gateway.yaml")
    with closing(compose(settings)) as rooms:
        assert isinstance(rooms.keyring, FileKeyRing)
        with pytest.raises(KeyUnavailable, match="not a wrapped key"):
            rooms.keyring.unwrap(b"vault:v1:" + b"A" * 60, "releases/one")
        assert json.loads(settings.keys.ring.read_text())["current"] == 1
