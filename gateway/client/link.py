"""One connection to a gateway: identity, deadlines, bounded retries, decoded errors."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import uuid4

import grpc
from cryptography import x509

from gateway.client.failures import Unreachable, decoded, is_passing
from gateway.client.profile import Profile, private_bytes, public_bytes
from gateway.errors import DeadlineExceeded, GatewayError, Unauthenticated

T = TypeVar("T")

CALL_SECONDS: Final = 30.0
STREAM_SECONDS: Final = 3600.0
_WATCH_SECONDS: Final = 300.0
ATTEMPTS: Final = 6
"""Tries of one call; with the pauses between them, some six seconds."""

_FIRST_PAUSE: Final = 0.2
_LARGEST_MESSAGE: Final = 256 << 20  # a chunk holds at least one row, however large that is


class Link:
    """Makes calls. Everything is safe to try again: commands carry a request id, and the gateway
    answers a second try with what the first one made. ``pause`` waits, in seconds."""

    def __init__(
        self,
        channel: grpc.Channel,
        address: str,
        *,
        certificate: bytes | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.channel = channel
        self.address = address
        self._certificate = certificate
        self._pause = pause

    @classmethod
    def open(cls, profile: Profile) -> "Link":
        """A connection with that identity. Nothing is sent before the first call."""
        certificate = public_bytes(profile.certificate) if profile.certificate else None
        key = private_bytes(profile.private_key) if profile.private_key else None
        credentials = grpc.ssl_channel_credentials(
            public_bytes(profile.authority), private_key=key, certificate_chain=certificate
        )
        if profile.token_file is not None:
            credentials = grpc.composite_channel_credentials(
                credentials, grpc.metadata_call_credentials(_Bearer(profile.token_file))
            )
        options = [
            ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
            # The gateway is where the profile says and nowhere else.
            ("grpc.enable_http_proxy", 0),
        ]
        channel = grpc.secure_channel(profile.address, credentials, options)
        return cls(channel, profile.address, certificate=certificate)

    def close(self) -> None:
        self.channel.close()

    # ---- calls ----------------------------------------------------------------------------------

    def call(self, method: Callable[..., T], request: Any, seconds: float = CALL_SECONDS) -> T:
        """One answer to one request."""
        return self.attempt(lambda: method(request, timeout=seconds))

    def command(self, method: Callable[..., T], request: Any, seconds: float = CALL_SECONDS) -> T:
        """A call that changes something: under one new request id, however often it is tried."""
        request.request_id = new_request_id()
        return self.call(method, request, seconds)

    def pages(self, method: Callable[..., Any], request: Any, field: str) -> Iterator[Any]:
        """The items of a list, over all of its pages."""
        while True:
            answer = self.call(method, request)
            yield from getattr(answer, field)
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    def stream(
        self, method: Callable[..., Any], request: Any, seconds: float = STREAM_SECONDS
    ) -> Iterator[Any]:
        """The messages of one stream, not tried again; given up, it is cancelled."""
        call = method(request, timeout=seconds)
        try:
            yield from call
        except grpc.RpcError as error:
            raise self.failure(error) from error
        finally:
            call.cancel()

    def follow(
        self, method: Callable[..., Any], request: Any, ended: Callable[[Any], bool]
    ) -> Iterator[Any]:
        """The messages of a watch until one of them is the last, also over lost connections."""
        failures, over = 0, False
        while not over:
            try:
                for now in self.stream(method, request, _WATCH_SECONDS):
                    failures = 0
                    yield now
                    # The gateway ends the stream after this one; cut off, it would be logged so.
                    over = ended(now)
            except DeadlineExceeded:
                continue
            except GatewayError as failure:
                failures += 1
                if failures >= ATTEMPTS or not is_passing(failure):
                    raise
            if not over:
                self.wait(max(1, failures))

    def attempt(self, once: Callable[[], T], attempts: int = ATTEMPTS) -> T:
        """The result of ``once``, tried again while what is wrong may pass."""
        for number in range(1, attempts + 1):
            try:
                return once()
            except grpc.RpcError as error:
                failure = self.failure(error)
                if number == attempts or not is_passing(failure):
                    raise failure from error
            self.wait(number)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def wait(self, number: int) -> None:
        """The pause after try ``number``: twice as long each time, and never quite the same, so
        that many clients do not come back at one moment."""
        self._pause(_FIRST_PAUSE * 2 ** (number - 1) * random.uniform(0.8, 1.2))  # noqa: S311

    def failure(self, error: grpc.RpcError) -> GatewayError:
        """The gateway's error; of a refused connection, the cause where it can be known here."""
        failure = decoded(error, self.address)
        if isinstance(failure, Unreachable) and (ended := self._ended()) is not None:
            return Unauthenticated(
                f"your certificate ended on {ended:%Y-%m-%d %H:%M} UTC: have a new one issued "
                "(with a development authority: `gateway party certificate NAME`)",
                reason="CERTIFICATE_EXPIRED",
            )
        return failure

    def _ended(self) -> datetime | None:
        """When our own certificate ended, if it did; the handshake does not say so."""
        if self._certificate is None:
            return None
        end = x509.load_pem_x509_certificate(self._certificate).not_valid_after_utc
        return end if end < datetime.now(UTC) else None


class Calls:
    """The base of every service's part of the client."""

    def __init__(self, link: Link) -> None:
        self._link = link


def new_request_id() -> str:
    """An id that no other command has."""
    return str(uuid4())


class _Bearer(grpc.AuthMetadataPlugin):
    """Reads the token anew for every call: whoever renews it only has to replace the file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __repr__(self) -> str:
        return "<bearer token of a file>"

    def __call__(
        self,
        context: grpc.AuthMetadataContext,  # noqa: ARG002 - the same token for every method
        callback: grpc.AuthMetadataPluginCallback,
    ) -> None:
        try:
            token = private_bytes(self._file).decode().strip()
        except (GatewayError, UnicodeDecodeError) as error:
            callback((), error)
        else:
            callback((("authorization", f"Bearer {token}"),), None)
