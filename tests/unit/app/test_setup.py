"""``gateway init`` makes an installation that is safe, works, and is there whole or not at all."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store

from gateway.api.certificates import Certificates
from gateway.app import setup
from gateway.app.authority import DevelopmentAuthority
from gateway.app.setup import STARTERS, initialise, issue_certificate, upgrade_store
from gateway.client import load_profile
from gateway.config import load
from gateway.errors import AlreadyExists, FailedPrecondition, InvalidRequest, NotFound
from gateway.store.sql import SqlStore


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("setup") / "installation"
    initialise(made)
    return made


def test_the_settings_are_accepted_and_listen_on_loopback(folder: Path) -> None:
    settings = load(folder / "gateway.yaml")
    assert settings.server.listen.startswith("127.0.0.1:")
    assert settings.server.listen_bearer is None


def test_secrets_are_private(folder: Path) -> None:
    secret = [*folder.rglob("*.key"), folder / "keys" / "ring.json", folder / "keys/signing.pem"]
    assert len(secret) == len(STARTERS) + 4
    for path in [*secret, folder / "state", folder / "keys", folder / "state" / "gateway.db"]:
        assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), path


def test_a_party_of_each_role_is_registered_with_a_profile_and_logged(folder: Path) -> None:
    store = SqlStore(load(folder / "gateway.yaml").store.read())
    try:
        with store.read() as tx:
            for party in STARTERS:
                stored = tx.party(f"parties/{party.identifier}")
                assert stored is not None
                assert (stored.role, stored.kind) == (party.role, party.kind)
            assert [e.event.action for e in tx.audit_entries(0, 10)] == ["party.create"] * 6
    finally:
        store.close()
    for party in STARTERS:
        profile = load_profile(folder / "clients" / party.identifier / "profile.yaml")
        assert profile.certificate is not None
        named = Certificates().named(profile.certificate.read_bytes())
        assert named.party == profile.party == f"parties/{party.identifier}"


def test_certificates_are_of_the_authority_and_for_their_use_alone(folder: Path) -> None:
    root = x509.load_pem_x509_certificate((folder / "tls" / "authority.pem").read_bytes())
    server = x509.load_pem_x509_certificate((folder / "tls" / "server.pem").read_bytes())
    client = x509.load_pem_x509_certificate(
        (folder / "clients" / "consumer" / "certificate.pem").read_bytes()
    )
    policy = PolicyBuilder().store(Store([root]))
    policy.build_server_verifier(x509.DNSName("localhost")).verify(server, [])
    policy.build_client_verifier().verify(client, [])
    usage = client.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    with pytest.raises(x509.verification.VerificationError):
        policy.build_client_verifier().verify(server, [])


def test_nothing_is_overwritten(folder: Path) -> None:
    before = (folder / "keys" / "ring.json").read_bytes()
    with pytest.raises(AlreadyExists, match="nothing is overwritten"):
        initialise(folder)
    assert (folder / "keys" / "ring.json").read_bytes() == before


def test_what_fails_halfway_leaves_nothing_but_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("the disk is full")

    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.setattr(setup, "upgrade", full)
    with pytest.raises(OSError, match="full"):
        initialise(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    monkeypatch.undo()
    initialise(tmp_path)
    assert (tmp_path / "gateway.yaml").is_file()


@pytest.mark.parametrize("listen", ["7443", "localhost", ":7443", "localhost:http"])
def test_an_address_without_host_or_port_is_refused(tmp_path: Path, listen: str) -> None:
    with pytest.raises(InvalidRequest, match="ADDRESS:PORT"):
        initialise(tmp_path / "new", listen=listen)


def test_other_machines_are_told_the_name_that_the_certificate_is_for(tmp_path: Path) -> None:
    initialise(tmp_path, listen="0.0.0.0:7443", hosts=("gateway.example",))
    profile = load_profile(tmp_path / "clients" / "consumer" / "profile.yaml")
    assert profile.address == "gateway.example:7443"
    server = x509.load_pem_x509_certificate((tmp_path / "tls" / "server.pem").read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "gateway.example" in names.get_values_for_type(x509.DNSName)


@pytest.mark.postgres
def test_the_store_may_be_postgresql(tmp_path: Path, empty_postgres_url: str) -> None:
    config = initialise(tmp_path, store=empty_postgres_url)
    assert empty_postgres_url not in config.read_text("utf-8")
    store = SqlStore(load(config).store.read())
    try:
        with store.read() as tx:
            assert tx.party("parties/auditor") is not None
    finally:
        store.close()
    upgrade_store(config)


def test_a_new_certificate_for_a_party_that_exists(folder: Path) -> None:
    path = folder / "clients" / "auditor" / "certificate.pem"
    before = path.read_bytes()
    profile = issue_certificate(folder / "gateway.yaml", "parties/auditor", "g.example:1")
    assert path.read_bytes() != before
    assert yaml.safe_load(profile.read_text())["address"] == "g.example:1"
    with pytest.raises(NotFound, match="parties/nobody"):
        issue_certificate(folder / "gateway.yaml", "parties/nobody")


def test_without_the_authority_s_key_no_certificate_is_issued(tmp_path: Path) -> None:
    config = initialise(tmp_path)
    key = tmp_path / "tls" / "authority.key"
    key.chmod(0o644)
    with pytest.raises(FailedPrecondition, match="development authority"):
        issue_certificate(config, "parties/holder")
    key.unlink()
    with pytest.raises(FailedPrecondition, match="development authority"):
        issue_certificate(config, "parties/holder")


def test_nothing_shows_a_private_key() -> None:
    now = datetime.now(UTC)
    authority = DevelopmentAuthority.create(now)
    issued = authority.issue_party("lab", now, timedelta(days=1))
    assert "PRIVATE" not in repr(issued) + repr(authority.root) + repr(authority)


def test_a_new_certificate_for_a_party_is_logged(tmp_path: Path) -> None:
    config = initialise(tmp_path / "installation")
    issue_certificate(config, "parties/officer")
    with pytest.raises(NotFound):
        issue_certificate(config, "parties/nobody")
    store = SqlStore(load(config).store.read())
    try:
        with store.read() as tx:
            newest = tx.audit_head()
    finally:
        store.close()
    assert newest is not None
    assert (newest.event.action, newest.event.resource) == ("party.certificate", "parties/officer")
