"""``gateway init``: a working, safe installation in one folder.

What it makes: settings, key ring, signing key, database, development authority, certificates for
the server and for one party of each role, and a profile per party for the client commands.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

from gateway.app.authority import DevelopmentAuthority, Issued
from gateway.app.system import SystemClock, SystemEntropy
from gateway.config import CONFIG_NAME, load, require_private
from gateway.errors import (
    AlreadyExists,
    ConfigurationError,
    FailedPrecondition,
    InvalidRequest,
    NotFound,
)
from gateway.model.audit import AuditEvent
from gateway.model.catalog import Party
from gateway.model.names import RecipientKind, Role, identifier, resource
from gateway.store.keyring import FileKeyRing
from gateway.store.migrate import upgrade
from gateway.store.secret_files import write_secret
from gateway.store.signer import FileSigner
from gateway.store.sql import SqlStore

PROFILE_NAME = "profile.yaml"
KEY_NAME = "signing.pub.pem"
STORE_FILE = "keys/store.uri"
PARTS = (CONFIG_NAME, KEY_NAME, "state", "keys", "tls", "clients", "data", "hierarchies")
"""What an installation is made of."""

HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class NewParty:
    """A party to be made, by the last part of its name."""

    identifier: str
    role: Role
    kind: RecipientKind
    display_name: str


STARTERS = (
    NewParty("holder", Role.HOLDER, RecipientKind.GOVERNMENT, "A department that holds data"),
    NewParty("consumer", Role.CONSUMER, RecipientKind.RESEARCH, "An analyst"),
    NewParty("officer", Role.OFFICER, RecipientKind.GOVERNMENT, "A security officer"),
    NewParty("second-officer", Role.OFFICER, RecipientKind.GOVERNMENT, "Another officer"),
    NewParty("auditor", Role.AUDITOR, RecipientKind.GOVERNMENT, "An auditor"),
    NewParty("admin", Role.ADMINISTRATOR, RecipientKind.GOVERNMENT, "Runs the gateway"),
)


def initialise(
    folder: Path,
    *,
    listen: str = "127.0.0.1:7443",
    hosts: tuple[str, ...] = (),
    store: str | None = None,
    parties: tuple[NewParty, ...] = STARTERS,
) -> Path:
    """Make an installation in ``folder`` and return its settings file.

    ``hosts`` are further names that the server's certificate is for; clients are told the first.
    ``store`` is the address of an empty PostgreSQL database, kept in a private file; without it
    the store is SQLite in the folder. AlreadyExists when there is an installation: nothing is overwritten.
    """
    config = folder / CONFIG_NAME
    if taken := [part for part in PARTS if (folder / part).exists()]:
        raise AlreadyExists(
            f"{folder} already holds {', '.join(taken)}: nothing is overwritten; choose another "
            "folder"
        )
    try:
        _build(folder, config, listen, hosts, store, parties)
    except BaseException:
        # Half an installation would be refused as one by the next try.
        for made in (folder / part for part in PARTS):
            if made.is_dir():
                shutil.rmtree(made, ignore_errors=True)
            else:
                made.unlink(missing_ok=True)
        raise
    return config


def _build(
    folder: Path,
    config: Path,
    listen: str,
    hosts: tuple[str, ...],
    store_url: str | None,
    parties: tuple[NewParty, ...],
) -> None:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise InvalidRequest.of("listen", "write ADDRESS:PORT, such as 127.0.0.1:7443")
    clock, entropy = SystemClock(), SystemEntropy()
    for part in ("", "state", "keys", "tls", "clients", "data/holder", "hierarchies"):
        (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    FileKeyRing.create(folder / "keys" / "ring.json", entropy)
    signer = FileSigner.create(folder / "keys" / "signing.pem", entropy)
    _publish(folder / KEY_NAME, signer.public_pem())
    authority = DevelopmentAuthority.create(clock.now())
    _write(folder / "tls" / "authority", authority.root)
    names = tuple(dict.fromkeys((*HOSTS, host.strip("[]"), *hosts)))
    _write(folder / "tls" / "server", authority.issue_server(names, clock.now()))
    if store_url is not None:
        write_secret(folder / STORE_FILE, store_url.encode(), replace=False)
    _publish(config, _settings(listen, store_url is not None).encode())
    settings = load(config)
    upgrade(settings.store.read())
    store = SqlStore(settings.store.read())
    try:
        for party in parties:
            _add(folder, authority, store, party, f"{hosts[0]}:{port}" if hosts else listen)
    finally:
        store.close()


def upgrade_store(config: Path) -> None:
    """Bring the store of an installation to the schema of this program; make a backup before."""
    upgrade(load(config).store.read())


def issue_certificate(config: Path, name: str, address: str | None = None) -> Path:
    """A new certificate of the development authority for a party that exists; its profile.

    ``address`` is where the party reaches the gateway, unless it is where it listens. NotFound for an unknown party, FailedPrecondition when there is no development authority.
    """
    folder = config.resolve().parent
    settings = load(config)
    store = SqlStore(settings.store.read())
    try:
        with store.write() as tx:
            if tx.party(name) is None:
                raise NotFound.resource(name)
            authority = _authority(folder)
            # Whoever has the new certificate acts as the party, so it is in the log first.
            tx.audit(
                AuditEvent(
                    actor="gateway",
                    action="party.certificate",
                    resource=name,
                    outcome="ok",
                    details={"by": "setup on the gateway's machine"},
                ),
                SystemClock().now(),
            )
    finally:
        store.close()
    at = address or settings.server.listen
    return _profile(folder, authority, identifier(name, "parties"), at)


def _authority(folder: Path) -> DevelopmentAuthority:
    stem = folder / "tls" / "authority"
    try:
        require_private(stem.with_suffix(".key"))
        return DevelopmentAuthority(
            Issued(stem.with_suffix(".pem").read_bytes(), stem.with_suffix(".key").read_bytes())
        )
    except (OSError, ConfigurationError) as error:
        raise FailedPrecondition(
            "there is no usable development authority here: use certificates of your own, whose "
            "URI name is urn:gateway:party:NAME"
        ) from error


def _add(
    folder: Path, authority: DevelopmentAuthority, store: SqlStore, new: NewParty, listen: str
) -> Path:
    party = Party(
        name=resource("parties", new.identifier),
        role=new.role,
        kind=new.kind,
        display_name=new.display_name,
    )
    with store.write() as tx:
        if tx.party(party.name) is not None:
            raise AlreadyExists(f"{party.name} exists already", resource=party.name)
        tx.put_party(party)
        tx.audit(
            AuditEvent(
                actor="gateway",
                action="party.create",
                resource=party.name,
                outcome="ok",
                details={"role": party.role, "by": "setup on the gateway's machine"},
            ),
            SystemClock().now(),
        )
    return _profile(folder, authority, new.identifier, listen)


def _profile(folder: Path, authority: DevelopmentAuthority, name: str, listen: str) -> Path:
    client = folder / "clients" / name
    client.mkdir(mode=0o700, parents=True, exist_ok=True)
    issued = authority.issue_party(name, SystemClock().now())
    _publish(client / "certificate.pem", issued.certificate)
    write_secret(client / "private.key", issued.private_key, replace=True)
    _publish(client / "authority.pem", authority.root.certificate)
    profile = {
        "party": resource("parties", name),
        "address": listen,
        "authority": "authority.pem",
        "certificate": "certificate.pem",
        "private_key": "private.key",
    }
    path = client / PROFILE_NAME
    _publish(path, yaml.safe_dump(profile, sort_keys=False).encode())
    return path


def _publish(path: Path, content: bytes) -> None:
    """Write what others may read and, whatever the umask is, nobody else may change."""
    path.write_bytes(content)
    path.chmod(0o644)


def _write(stem: Path, issued: Issued) -> None:
    _publish(stem.with_suffix(".pem"), issued.certificate)
    write_secret(stem.with_suffix(".key"), issued.private_key, replace=False)


def _settings(listen: str, in_file: bool) -> str:
    store = f"file: {STORE_FILE}" if in_file else "text: sqlite:///state/gateway.db"
    return f"""\
# Settings of one gateway. Paths are relative to this file; every value can be overridden by an
# environment variable such as GATEWAY_SERVER__LISTEN. See docs/operating.md.

state: state            # staged data (encrypted) and audit checkpoints; nobody else may read it
store:
  {store}  # text: sqlite:///PATH, or file: PATH of a private file with postgresql://…

server:
  listen: {listen}      # mutual TLS
  certificate: tls/server.pem
  private_key: tls/server.key
  client_ca: tls/authority.pem

keys:
  ring: keys/ring.json
  signing: keys/signing.pem

sources:
  roots:                # holder: folder whose files it may register
    holder: data/holder
  # connections:        # name: address of a PostgreSQL database, in a private file
  #   registry: {{file: keys/registry.uri}}
  # connection_holders: # who may use which connection
  #   registry: [holder]

hierarchies: hierarchies  # NAME.csv files for generalisation (leaf to root, ;-separated)
workers: 2                # releases made at the same time
"""
