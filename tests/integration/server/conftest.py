"""A real server on loopback: mutual TLS, a certificate for each party, an office behind it."""

import asyncio
import dataclasses
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.rpc import code_pb2, error_details_pb2, status_pb2

from gateway.api.limits import Limits
from gateway.api.pb import (
    audit_pb2_grpc,
    catalog_pb2_grpc,
    classification_pb2_grpc,
    grant_pb2_grpc,
    party_pb2_grpc,
    policy_pb2_grpc,
    protect_pb2_grpc,
    release_pb2_grpc,
    statistics_pb2_grpc,
)
from gateway.api.routes import UseCases
from gateway.api.server import GatewayServer
from gateway.api.tokens import TrustedIssuer, load_keys
from gateway.api.transport import TlsFiles
from gateway.app.authority import DevelopmentAuthority, Issued
from gateway.model.names import RecipientKind, Role

STUBS = {
    "audit": audit_pb2_grpc.AuditServiceStub,
    "catalog": catalog_pb2_grpc.CatalogServiceStub,
    "classification": classification_pb2_grpc.ClassificationServiceStub,
    "grants": grant_pb2_grpc.GrantServiceStub,
    "parties": party_pb2_grpc.PartyServiceStub,
    "policies": policy_pb2_grpc.PolicyServiceStub,
    "protect": protect_pb2_grpc.ProtectServiceStub,
    "releases": release_pb2_grpc.ReleaseServiceStub,
    "statistics": statistics_pb2_grpc.StatisticsServiceStub,
}
ISSUER = "https://login.example.org"
AUDIENCE = "gateway"


@dataclass
class Refusal:
    """A refused call as a client sees it."""

    code: str
    message: str
    details: list[Any]

    @property
    def info(self) -> error_details_pb2.ErrorInfo:
        found = [d for d in self.details if isinstance(d, error_details_pb2.ErrorInfo)]
        assert len(found) == 1, self.details
        return found[0]

    @property
    def reason(self) -> str:
        return self.info.reason

    @property
    def fields(self) -> list[str]:
        return [
            violation.field
            for detail in self.details
            if isinstance(detail, error_details_pb2.BadRequest)
            for violation in detail.field_violations
        ]


KINDS = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.PreconditionFailure,
    error_details_pb2.QuotaFailure,
)


def refusal_of(error: grpc.RpcError) -> Refusal:
    trailing = dict(error.trailing_metadata() or ())
    details = []
    if (packed := trailing.get("grpc-status-details-bin")) is not None:
        status = status_pb2.Status.FromString(packed)
        assert code_pb2.Code.Name(status.code) == error.code().name
        for any_detail in status.details:
            kind = next(k for k in KINDS if any_detail.Is(k.DESCRIPTOR))
            detail = kind()
            any_detail.Unpack(detail)
            details.append(detail)
    return Refusal(error.code().name, error.details(), details)


def refused(call: Callable[[], Any]) -> Refusal:
    """The refusal of a call that must be refused."""
    try:
        answer = call()
        if hasattr(answer, "__next__"):
            list(answer)
    except grpc.RpcError as error:
        return refusal_of(error)
    raise AssertionError("the call was not refused")


@dataclass
class Served:
    """A running server and clients of it."""

    office: Any
    server: GatewayServer
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    authority: DevelopmentAuthority
    issuer_key: ec.EllipticCurvePrivateKey
    cases: UseCases
    _channels: list[grpc.Channel] = field(default_factory=list)
    stopped: bool = False

    refused = staticmethod(refused)

    @staticmethod
    def new_id() -> str:
        return uuid.uuid4().hex

    def files(self, party: str) -> tuple[bytes, bytes]:
        folder = self.office.folder / "clients" / party
        return (folder / "private.key").read_bytes(), (folder / "certificate.pem").read_bytes()

    def channel(self, party: str | None, **more: Any) -> grpc.Channel:
        """Mutual TLS as that party; None: no certificate, on the port for bearer tokens."""
        key, certificate = (None, None) if party is None else self.files(party)
        port = self.server.bearer_port if party is None else self.server.port
        return self.channel_with(key, certificate, port, **more)

    def channel_with(
        self,
        key: bytes | None,
        certificate: bytes | None,
        port: int | None = None,
        options: tuple[tuple[str, Any], ...] = (),
    ) -> grpc.Channel:
        credentials = grpc.ssl_channel_credentials(
            self.authority.root.certificate, key, certificate
        )
        channel = grpc.secure_channel(
            f"127.0.0.1:{port or self.server.port}",
            credentials,
            options=(("grpc.use_local_subchannel_pool", 1), *options),
        )
        self._channels.append(channel)
        return channel

    def stub(self, service: str, party: str | None) -> Any:
        return STUBS[service](self.channel(party))

    def token(self, subject: str = "alice", key: Any = None, **claims: Any) -> str:
        now = int(self.office.clock.now().timestamp())
        usual = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now,
            "nbf": now,
            "exp": now + 600,
        }
        chosen = {k: v for k, v in {**usual, **claims}.items() if v is not None}
        return jwt.encode(chosen, key or self.issuer_key, algorithm="ES256")

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def stop(self, grace: float = 2) -> None:
        if not self.stopped:
            self.stopped = True
            self.run(self.server.stop(grace))

    def close(self) -> None:
        self.stop()
        for channel in self._channels:
            channel.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


def use_cases(rooms: Any, wake: Callable[[], None] | None = None) -> UseCases:
    """``wake``: without one, what waits for classification is classified before the answer."""

    def classify() -> None:
        for name in rooms.classifier.waiting():
            rooms.classifier.run(name)

    return UseCases(
        parties=rooms.parties,
        catalog=rooms.catalog,
        policies=rooms.policies,
        grants=rooms.grants,
        key_domains=rooms.key_domains,
        opening=rooms.opening,
        custody=rooms.custody,
        protection=rooms.protection,
        reidentifications=rooms.reidentifications,
        reidentifying=rooms.reidentifying,
        statistics=rooms.statistics,
        trail=rooms.trail,
        texts=rooms.texts,
        wake=wake or classify,
        public_key=(rooms.signer.key_id, rooms.signer.public_pem().decode()),
    )


@contextmanager
def serving(office: Any, **changes: Any) -> Iterator[Served]:
    """A server in front of an office; ``limits`` and ``cases`` may be other than usual."""
    folder: Path = office.folder
    authority = DevelopmentAuthority(
        Issued(
            (folder / "tls" / "authority.pem").read_bytes(),
            (folder / "tls" / "authority.key").read_bytes(),
        )
    )
    issuer_key = ec.generate_private_key(ec.SECP256R1())
    public = folder / "issuer.pem"
    public.write_bytes(
        issuer_key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    cases = changes.pop("cases", None) or use_cases(office.rooms)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> GatewayServer:
        server = GatewayServer(
            cases,
            office.rooms.store,
            office.clock,
            TlsFiles(
                folder / "tls" / "server.pem",
                folder / "tls" / "server.key",
                folder / "tls" / "authority.pem",
            ),
            "127.0.0.1:0",
            b"k" * 32,
            listen_bearer="127.0.0.1:0",
            issuers=[
                TrustedIssuer(
                    ISSUER, AUDIENCE, frozenset({"ES256"}), load_keys(public), timedelta(seconds=5)
                )
            ],
            limits=changes.pop("limits", None) or Limits(threads=4, intakes=2, drain_seconds=2),
            **changes,
        )
        await server.start()
        return server

    server = asyncio.run_coroutine_threadsafe(begin(), loop).result(30)
    served = Served(office, server, loop, thread, authority, issuer_key, cases)
    try:
        yield served
    finally:
        served.close()


@dataclass
class Serve:
    """Makes a server with something changed: ``with serve(limits=...) as served``."""

    office: Any

    def __call__(self, **changes: Any) -> Any:
        return serving(self.office, **changes)

    def cases(self, **changes: Any) -> UseCases:
        """The usual use cases with some in other hands."""
        return dataclasses.replace(use_cases(self.office.rooms), **changes)


@pytest.fixture
def serve(office: Any) -> Serve:
    return Serve(office)


@pytest.fixture
def served(office: Any) -> Iterator[Served]:
    """The usual server; also knows a person who comes with tokens, parties/alice."""
    party = office.another("alice", Role.CONSUMER, RecipientKind.RESEARCH)
    with office.rooms.store.write() as tx:
        tx.put_party(party.but(subjects=(f"{ISSUER}|alice",)))
    with serving(office) as running:
        yield running
