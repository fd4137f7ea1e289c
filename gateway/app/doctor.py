"""What is wrong with an installation: each part is looked at by itself, as the gateway would use it.

Looks and tries, and leaves everything as it was: a key is wrapped and opened, a stream staged and
destroyed, an address listened on and left. What it says names files, settings and remedies, never a
secret or a value.
"""

import errno
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import adbc_driver_manager
import pyarrow as pa
from adbc_driver_postgresql import dbapi as adbc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.api.tokens import TrustedIssuer
from gateway.app.compose import load_hierarchies, open_ring, open_staging
from gateway.app.setup import KEY_NAME
from gateway.app.system import SystemClock, SystemEntropy
from gateway.app.texts import LazyFinder
from gateway.config import Settings, load
from gateway.errors import ConfigurationError, GatewayError
from gateway.execute.postgres_source import with_timeouts
from gateway.ports import Clock, RootKeys
from gateway.store.signer import FileSigner
from gateway.store.sql import SqlStore

State = Literal["fine", "warning", "fault"]

_SOON: Final = timedelta(days=30)
_LITTLE_DISK: Final = 2 << 30
_AHEAD: Final = timedelta(minutes=1)
_KEYS_AT_ONCE: Final = 1000
_STREAM: Final = "doctor"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one part. ``remedy``: what to do; empty where all is well."""

    part: str
    state: State
    text: str
    remedy: str = ""


Findings = Iterator[Finding]
Examination = tuple[str, Callable[[Settings, Clock], Findings]]


def examine(config: Path, clock: Clock | None = None) -> list[Finding]:
    """Everything that was found, part by part; only the settings when they cannot be read."""
    try:
        settings = load(config)
    except ConfigurationError as error:
        return [Finding("settings", "fault", str(error), "mend it and run this again")]
    found = [Finding("settings", "fine", f"{config} is complete and safe")]
    for part, look in EXAMINATIONS:
        try:
            found += look(settings, clock or SystemClock())
        except GatewayError as error:
            found.append(Finding(part, "fault", str(error), _REMEDIES[part]))
        except OSError as error:
            told = ": ".join(str(t) for t in (error.strerror, error.filename) if t)
            found.append(Finding(part, "fault", told or type(error).__name__, _REMEDIES[part]))
    return found


def _store(settings: Settings, clock: Clock) -> Findings:
    with closing(SqlStore(settings.store.read())) as store, store.read() as tx:
        head = tx.audit_head()
    yield Finding("store", "fine", "it answers, and its schema is this program's")
    if head is not None and head.at > clock.now() + _AHEAD:
        yield Finding(
            "clock",
            "fault",
            f"the newest entry of the log is of {head.at:%Y-%m-%d %H:%M} UTC, which is to come",
            "set the machine's clock right; leases, expiries and certificates go by it",
        )
    else:
        yield Finding("clock", "fine", f"{clock.now():%Y-%m-%d %H:%M} UTC, after the newest entry")


def _keys(settings: Settings, _clock: Clock) -> Findings:
    ring = open_ring(settings, SystemEntropy())
    try:
        key = SystemEntropy().bytes(32)
        if ring.unwrap(ring.wrap(key, _STREAM), _STREAM) != key:
            raise ConfigurationError("the key ring does not give back what it wrapped")
        yield Finding("keys", "fine", f"the key ring wraps and opens, version {ring.version}")
        lost = _unopened(settings, ring)
    finally:
        ring.close()
    if lost:
        yield Finding(
            "keys",
            "fault",
            f"{lost:,} keys in the store are wrapped under a root key that is not in the ring",
            "put the ring in its place that the store was used with; what they protect is lost "
            "without it",
        )
    signer = FileSigner(settings.keys.signing)
    published = settings.state.parent / KEY_NAME
    if published.is_file() and published.read_bytes().strip() != signer.public_pem().strip():
        yield Finding(
            "keys",
            "warning",
            f"{published} is not of the signing key",
            "publish the key that `gateway verify` is to use, or restore the signing key",
        )


def _unopened(settings: Settings, ring: RootKeys) -> int:
    lost, after = 0, ""
    # What is wrong with the store itself was said before.
    with (
        suppress(GatewayError),
        closing(SqlStore(settings.store.read())) as store,
        store.read() as tx,
    ):
        while found := tx.wrapped_keys(after, _KEYS_AT_ONCE):
            lost += sum(not ring.opens(wrapped) for _, wrapped in found)
            after = found[-1][0]
    return lost


def _staging(settings: Settings, _clock: Clock) -> Findings:
    staging = open_staging(settings, SystemEntropy())
    batch = pa.record_batch({"tried": pa.array([1])})
    with staging.create(_STREAM, SystemEntropy().bytes(32), batch.schema) as writer:
        writer.write(batch)
        writer.finish()
    staging.destroy(_STREAM)
    yield Finding("staging", "fine", "a stream was staged and destroyed")
    free = shutil.disk_usage(settings.state).free
    if free < _LITTLE_DISK:
        yield Finding(
            "disk",
            "warning",
            f"{free >> 20:,} MiB are free where {settings.state} is",
            "make room: releases fail on a full disk",
        )
    else:
        yield Finding("disk", "fine", f"{free >> 30:,} GiB are free for the state")


def _tls(settings: Settings, clock: Clock) -> Findings:
    server, now = settings.server, clock.now()
    certificate = _certificate(server.certificate)
    try:
        key = load_pem_private_key(server.private_key.read_bytes(), password=None)
    except (ValueError, TypeError):
        raise ConfigurationError(f"{server.private_key} holds no private key in PEM") from None
    if key.public_key() != certificate.public_key():
        yield Finding(
            "tls",
            "fault",
            f"{server.private_key} is not the key of {server.certificate}",
            "put the two that belong together in their places",
        )
    for path, one in (
        (server.certificate, certificate),
        (server.client_ca, _certificate(server.client_ca)),
    ):
        yield _valid(path, one, now)


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError:
        raise ConfigurationError(f"{path} holds no certificate in PEM") from None


def _valid(path: Path, certificate: x509.Certificate, now: datetime) -> Finding:
    ends = certificate.not_valid_after_utc
    until = f"{path} is valid until {ends:%Y-%m-%d}"
    renew = "renew it; the gateway takes up a new file by itself"
    if certificate.not_valid_before_utc > now:
        return Finding("tls", "fault", f"{path} is not valid yet", "set the clock right, or wait")
    if ends <= now:
        return Finding("tls", "fault", f"{path} ended on {ends:%Y-%m-%d}", renew)
    return Finding("tls", "warning" if ends < now + _SOON else "fine", until, renew)


def _listening(settings: Settings, _clock: Clock) -> Findings:
    for listen in (
        settings.server.listen,
        settings.server.listen_bearer,
        settings.metrics_listen,
    ):
        if listen is not None:
            yield _address(listen)


def _address(listen: str) -> Finding:
    host, _, port = listen.rpartition(":")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return Finding(
                "address",
                "warning",
                f"something listens on {listen}",
                "nothing, if it is this gateway; otherwise give server.listen another port",
            )
        return Finding(
            "address",
            "fault",
            f"{listen} cannot be listened on: {error.strerror}",
            "give server.listen an address of this machine",
        )
    except (ValueError, OverflowError):
        return Finding("address", "fault", f"{listen} is no address", "write ADDRESS:PORT")
    return Finding("address", "fine", f"{listen} is free")


def _sources(settings: Settings, _clock: Clock) -> Findings:
    for holder, root in settings.sources.roots.items():
        if root.is_dir():
            next(root.iterdir(), None)  # whether it can be read
            yield Finding("sources", "fine", f"the folder of {holder} can be read")
        else:
            yield Finding(
                "sources",
                "fault",
                f"{root}, the folder of {holder}, is not there",
                "make it, or mend sources.roots",
            )
    for name, secret in settings.sources.connections.items():
        yield _connection(name, secret.read())
        if not settings.sources.connection_holders.get(name):
            yield Finding(
                "sources",
                "warning",
                f"nobody may use the connection {name}",
                "name its holders in sources.connection_holders",
            )


def _connection(name: str, uri: str) -> Finding:
    try:
        with adbc.connect(with_timeouts(uri)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchall()
    except adbc_driver_manager.Error:
        # Its text may quote the address, which may hold a password.
        return Finding(
            "sources",
            "fault",
            f"the database of the connection {name} does not let us in",
            "look at its address, its user's rights and whether it runs",
        )
    return Finding("sources", "fine", f"the database of the connection {name} answers")


def _rules(settings: Settings, _clock: Clock) -> Findings:
    found = load_hierarchies(settings.hierarchies)
    yield Finding("hierarchies", "fine", f"{len(found.tables)} hierarchies can be used")
    for issuer in settings.server.issuers:
        TrustedIssuer.of_file(issuer.issuer, issuer.audience, issuer.algorithms, issuer.keys)
        yield Finding("issuers", "fine", f"the keys of {issuer.issuer} can be used")


def _text(settings: Settings, _clock: Clock) -> Findings:
    yield Finding(
        "text", "fine", f"finds by {LazyFinder(settings.text).rules.split(';')[1].strip()}"
    )


EXAMINATIONS: Final[tuple[Examination, ...]] = (
    ("store", _store),
    ("keys", _keys),
    ("staging", _staging),
    ("tls", _tls),
    ("address", _listening),
    ("sources", _sources),
    ("rules", _rules),
    ("text", _text),
)

_REMEDIES: Final = {
    "store": "look at its address and whether its database runs",
    "keys": "see `gateway keys show` and docs/operating.md, Keys",
    "staging": "give the gateway a place that it can write to: state, or staging",
    "tls": "see docs/operating.md, Set up",
    "address": "see server.listen",
    "sources": "see sources in docs/operating.md",
    "rules": "mend the file that is named",
    "text": "see text in docs/operating.md",
}
