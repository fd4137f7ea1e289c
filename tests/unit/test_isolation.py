"""The suite's own rules hold: no network beyond loopback, and a warning fails the test."""

import socket
import warnings

import pytest
from pytest_socket import SocketConnectBlockedError

BEYOND = [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")]  # RFC 5737, RFC 3849


@pytest.mark.parametrize(("family", "address"), BEYOND)
def test_connecting_beyond_loopback_is_blocked(family: socket.AddressFamily, address: str) -> None:
    with (
        socket.socket(family, socket.SOCK_STREAM) as outward,
        pytest.raises(SocketConnectBlockedError),
    ):
        outward.connect((address, 9))


def test_connecting_to_loopback_is_allowed() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
    ):
        assert client.getpeername() == server.getsockname()


def test_a_warning_is_an_error() -> None:
    with pytest.raises(DeprecationWarning):
        warnings.warn("old", DeprecationWarning, stacklevel=1)
