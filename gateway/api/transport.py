"""TLS, and bounds on connections. There is no listener without TLS."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc
import structlog

from gateway.api.limits import MESSAGE_IN_BYTES, MESSAGE_OUT_BYTES
from gateway.errors import ConfigurationError

CHANNEL_OPTIONS: Final[tuple[tuple[str, int], ...]] = (
    ("grpc.max_receive_message_length", MESSAGE_IN_BYTES),
    ("grpc.max_send_message_length", MESSAGE_OUT_BYTES),
    ("grpc.max_metadata_size", 16 << 10),
    ("grpc.max_concurrent_streams", 100),  # of one connection
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_connection_idle_ms", 15 * 60_000),
    # Connections are made anew daily, so that a revoked authority does not live on in them.
    ("grpc.max_connection_age_ms", 24 * 3_600_000),
    ("grpc.max_connection_age_grace_ms", 3_600_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
    ("grpc.http2.max_ping_strikes", 2),
    # A second process on the same port would be given half of the calls: refuse to start instead.
    ("grpc.so_reuseport", 0),
)

log = structlog.get_logger("gateway.api")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. ``client_ca`` is who may issue client certificates."""

    certificate: Path
    private_key: Path
    client_ca: Path


class ServerCertificate:
    """Credentials that follow their files: a renewed certificate is used from the next handshake
    on, without a restart. Files that cannot be read, or do not fit each other, change nothing."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._lock = threading.Lock()
        try:
            self._seen = self._state()
            self._configuration = self._read()
        except OSError as error:
            raise ConfigurationError(
                f"{error.filename} cannot be read: run `gateway init`"
            ) from error

    def credentials(self, *, client_certificates: bool) -> grpc.ServerCredentials:
        """For mutual TLS, or for TLS with bearer tokens."""
        return grpc.dynamic_ssl_server_credentials(
            self._configuration, self._renewed, require_client_authentication=client_certificates
        )

    def _renewed(self) -> grpc.ServerCertificateConfiguration:
        """Called by gRPC at each handshake."""
        try:
            with self._lock:
                seen = self._state()
                if seen != self._seen:
                    self._configuration = self._read()
                    self._seen = seen
                    log.info("server_certificate_renewed", file=self._files.certificate.name)
        except OSError as error:
            log.warning("server_certificate_unreadable", error=type(error).__name__)
        return self._configuration

    def _state(self) -> tuple[tuple[int, int], ...]:
        paths = (self._files.certificate, self._files.private_key, self._files.client_ca)
        return tuple((stat.st_mtime_ns, stat.st_size) for stat in (path.stat() for path in paths))

    def _read(self) -> grpc.ServerCertificateConfiguration:
        pair = (self._files.private_key.read_bytes(), self._files.certificate.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair], self._files.client_ca.read_bytes())
