"""What a probe is told on the health socket: serving, not serving, nobody there."""

import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from typer.testing import CliRunner, Result

from gateway.api.pb import party_pb2, party_pb2_grpc
from gateway.cli.main import program
from gateway.client.probing import require_serving
from gateway.errors import ConfigurationError, NotServing


@pytest.fixture
def place(nursery: Any, make_site: Any) -> Iterator[Any]:
    # A socket's name has at most about a hundred characters.
    with tempfile.TemporaryDirectory(prefix="gw") as short:
        made = make_site(nursery, Path(short) / "g")
        made.configure(health_socket="state/health.sock")
        try:
            yield made
        finally:
            made.close()


def health(folder: Path) -> Result:
    return CliRunner().invoke(program, ["health", str(folder)])


def test_a_process_serves_until_it_is_killed_and_again_when_another_starts(place: Any) -> None:
    socket = place.folder / "state" / "health.sock"
    with place.running() as gateway:
        require_serving(socket)
        assert health(place.folder).exit_code == 0
        gateway.kill()
        assert socket.exists()
        with pytest.raises(NotServing):
            require_serving(socket)
        assert isinstance(health(place.folder).exception, NotServing)
    with place.running() as gateway:
        require_serving(socket)
        assert gateway.stop() == 0
    with pytest.raises(NotServing):
        require_serving(socket)


def test_the_socket_is_in_a_private_folder_and_answers_nothing_else(place: Any) -> None:
    socket = place.folder / "state" / "health.sock"
    assert not socket.parent.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    with place.running(), grpc.insecure_channel(f"unix:{socket}") as channel:
        get_self = party_pb2_grpc.PartyServiceStub(channel).GetSelf
        with pytest.raises(grpc.RpcError) as refused:
            get_self(party_pb2.GetSelfRequest(), timeout=5)
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_socket_outside_the_state_folder_is_refused(place: Any, tmp_path: Path) -> None:
    place.configure(health_socket=str(tmp_path / "open.sock"))
    assert isinstance(health(place.folder).exception, ConfigurationError)


def test_without_a_socket_the_command_says_what_to_set(place: Any) -> None:
    place.configure(health_socket=None)
    failed = health(place.folder).exception
    assert "health_socket" in str(failed)
