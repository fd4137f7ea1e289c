"""One gateway process: rooms, background work and server, started and stopped in order."""

import asyncio
import signal
from dataclasses import dataclass

from gateway.api.limits import Limits
from gateway.api.metrics import Metrics, MetricsPort
from gateway.api.routes import UseCases
from gateway.api.server import GatewayServer
from gateway.api.tokens import TrustedIssuer
from gateway.api.transport import TlsFiles
from gateway.app.compose import Rooms, compose
from gateway.app.system import SystemClock
from gateway.config import Settings
from gateway.ports import Clock


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the process listens, with the ports it really got."""

    mutual_tls: str
    bearer: str | None
    metrics: str | None


class Process:
    """Start it, and stop it once. On stop: no new calls, running calls end, runs hand their
    releases back, a checkpoint of the audit log is written, the store is closed."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self.rooms: Rooms = compose(settings, self._clock)
        self._server: GatewayServer | None = None
        self._metrics_port: MetricsPort | None = None

    async def start(self) -> Addresses:
        """Serve. ConfigurationError when an address cannot be listened on."""
        settings, server_settings = self._settings, self._settings.server
        metrics = Metrics()
        self._server = GatewayServer(
            use_cases(self.rooms),
            self.rooms.store,
            self._clock,
            TlsFiles(
                server_settings.certificate,
                server_settings.private_key,
                server_settings.client_ca,
            ),
            server_settings.listen,
            self.rooms.page_key,
            listen_bearer=server_settings.listen_bearer,
            health_socket=settings.health_socket,
            issuers=[
                TrustedIssuer.of_file(i.issuer, i.audience, i.algorithms, i.keys)
                for i in server_settings.issuers
            ],
            limits=Limits(
                call_seconds=server_settings.call_seconds,
                stream_seconds=server_settings.stream_seconds,
                calls_per_second=server_settings.calls_per_second,
                concurrent_calls=server_settings.concurrent_calls,
                drain_seconds=server_settings.drain_seconds,
            ),
            metrics=metrics,
        )
        if settings.metrics_listen is not None:
            self._metrics_port = MetricsPort(metrics, settings.metrics_listen)
        self.rooms.worker.start()
        await self._server.start()
        return Addresses(
            _with_port(server_settings.listen, self._server.port),
            None
            if server_settings.listen_bearer is None or self._server.bearer_port is None
            else _with_port(server_settings.listen_bearer, self._server.bearer_port),
            None
            if settings.metrics_listen is None or self._metrics_port is None
            else _with_port(settings.metrics_listen, self._metrics_port.port),
        )

    async def stop(self) -> None:
        """Drain and end."""
        if self._server is not None:
            await self._server.stop()
        if self._metrics_port is not None:
            await asyncio.to_thread(self._metrics_port.close)
        await asyncio.to_thread(self.rooms.worker.stop)
        self.rooms.close()

    async def until_signal(self) -> None:
        """Wait for SIGTERM or SIGINT."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await stop.wait()


def use_cases(rooms: Rooms) -> UseCases:
    """What the api calls of the rooms."""
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
        wake=rooms.worker.wake,
        public_key=(rooms.signer.key_id, rooms.signer.public_pem().decode()),
    )


def _with_port(listen: str, port: int) -> str:
    return f"{listen.rpartition(':')[0]}:{port}"
