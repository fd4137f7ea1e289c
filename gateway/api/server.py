"""The gRPC server: listeners, health, reflection, start and drain."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.reflection_pb2_grpc import add_ServerReflectionServicer_to_server

from gateway.api.auditing import CallLog
from gateway.api.health import Health
from gateway.api.identity import Recognizer
from gateway.api.interceptor import Door
from gateway.api.limits import Limits, RateLimiter
from gateway.api.metrics import Metrics
from gateway.api.roles import methods
from gateway.api.routes import UseCases, handlers, servicers
from gateway.api.tokens import TrustedIssuer
from gateway.api.transport import CHANNEL_OPTIONS, ServerCertificate, TlsFiles
from gateway.errors import ConfigurationError
from gateway.model.catalog import Party
from gateway.model.requests import RequestKey
from gateway.ports import Clock, Store

_REFUSALS_LOGGED_PER_SECOND = 5.0
_PROBES_AT_ONCE = 8

log = structlog.get_logger("gateway.api")


class GatewayServer:
    """Serves the use cases over mutual TLS, and over TLS with bearer tokens where issuers are
    configured. Make it, start it and stop it in one event loop.

    ``listen`` and ``listen_bearer`` are HOST:PORT, port 0 for any; ``page_key`` (32 bytes) must
    be the same in all processes of one gateway. ``health_socket``: a socket in a private folder
    that answers whether this process serves, and nothing else, to those without a certificate.
    ConfigurationError when it must not start.
    """

    def __init__(
        self,
        cases: UseCases,
        store: Store,
        clock: Clock,
        tls: TlsFiles,
        listen: str,
        page_key: bytes,
        *,
        listen_bearer: str | None = None,
        health_socket: Path | None = None,
        issuers: Sequence[TrustedIssuer] = (),
        limits: Limits | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._limits = limits = limits or Limits()
        table = methods()
        served = handlers(table, servicers(cases, page_key, clock))
        self._store = store
        self._work = ThreadPoolExecutor(limits.threads, thread_name_prefix="call")
        self._intake = ThreadPoolExecutor(limits.intakes, thread_name_prefix="intake")
        self._notes = ThreadPoolExecutor(2, thread_name_prefix="note")
        self._door = Door(
            table,
            Recognizer(store, clock, issuers),
            self._repeats,
            CallLog(cases.trail.record, RateLimiter(_REFUSALS_LOGGED_PER_SECOND, clock.now)),
            RateLimiter(limits.calls_per_second, clock.now),
            limits,
            metrics or Metrics(),
            self._work,
            self._intake,
            self._notes,
        )
        names = sorted({method.service for method in table.values()})
        self._health = Health(self._look, names, limits.health_seconds)
        self._server = aio.server(
            handlers=served,
            interceptors=[self._door],
            options=CHANNEL_OPTIONS,
            maximum_concurrent_rpcs=limits.concurrent_calls,
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._server)
        health_name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
        add_ServerReflectionServicer_to_server(
            reflection.aio.ReflectionServicer([*names, health_name, reflection.SERVICE_NAME]),
            self._server,
        )
        certificate = ServerCertificate(tls)
        self.port = self._listen(listen, certificate, client_certificates=True)
        self.bearer_port = (
            None
            if listen_bearer is None
            else self._listen(listen_bearer, certificate, client_certificates=False)
        )
        self._probes = None if health_socket is None else self._listen_probes(health_socket)

    async def start(self) -> None:
        """Begin to serve."""
        await self._health.start()
        await self._server.start()
        if self._probes is not None:
            await self._probes.start()
        log.info("serving", port=self.port, bearer_port=self.bearer_port)

    async def stop(self, grace: float | None = None) -> None:
        """Drain: no new calls, ``grace`` seconds (as configured unless told) for the ones that
        run, then they are cancelled; what they have to write down is written in any case."""
        await self._health.drain()
        await self._server.stop(self._limits.drain_seconds if grace is None else grace)
        if self._probes is not None:
            await self._probes.stop(None)
        await self._door.finish()
        for pool in (self._work, self._intake, self._notes):
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)
        log.info("stopped")

    async def wait(self) -> None:
        """Until the server has been stopped."""
        await self._server.wait_for_termination()

    def _listen(
        self, address: str, certificate: ServerCertificate, *, client_certificates: bool
    ) -> int:
        credentials = certificate.credentials(client_certificates=client_certificates)
        try:
            return self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise ConfigurationError(
                f"cannot listen on {address}: is the port taken, the address of this machine?"
            ) from error

    def _listen_probes(self, socket: Path) -> aio.Server:
        socket.unlink(missing_ok=True)  # a process that was killed leaves it behind
        server = aio.server(options=CHANNEL_OPTIONS, maximum_concurrent_rpcs=_PROBES_AT_ONCE)
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, server)
        try:
            server.add_insecure_port(f"unix:{socket}")
        except RuntimeError as error:
            raise ConfigurationError(
                f"cannot listen on {socket}: is its name longer than 100 characters?"
            ) from error
        return server

    def _look(self) -> None:
        with self._store.read() as tx:
            tx.party("parties/none")

    def _repeats(self, party: Party, key: RequestKey) -> bool:
        with self._store.read() as tx:
            return tx.remembered(party.name, key.method, key.request_id) is not None
