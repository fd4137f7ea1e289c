"""Profiles: read, found by name, and refused when they are no safe identity."""

from pathlib import Path

import pytest

from gateway.client import Profile, connect, find_profile, load_profile
from gateway.client.profile import private_bytes
from gateway.errors import ConfigurationError, GatewayError

GOOD = "party: parties/lab\naddress: h:1\nauthority: a.pem\ncertificate: c.pem\nprivate_key: k\n"


def profile(folder: Path, text: str = GOOD) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "profile.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    loaded = load_profile(profile(tmp_path / "clients" / "lab"))
    assert loaded.authority == (tmp_path / "clients" / "lab" / "a.pem").resolve()
    assert (loaded.address, loaded.party) == ("h:1", "parties/lab")
    assert loaded.at("other:2").address == "other:2"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not a profile"),
        ("- a\n", "not a profile"),
        ("address: 7\n", "not a profile"),
        (": :", "cannot be read"),
        (GOOD + "insecure: 'true'\n", "unknown insecure"),
        ("address: h:1\n", "authority is missing"),
        ("address: h:1\nauthority: a.pem\n", "needs an identity"),
        ("address: h:1\nauthority: a.pem\ncertificate: c.pem\n", "or neither"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        load_profile(profile(tmp_path, text))


def test_a_missing_profile_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yaml cannot be read"):
        load_profile(tmp_path / "none.yaml")


def test_parties_are_found_in_the_home_folder(tmp_path: Path) -> None:
    path = profile(tmp_path / "clients" / "lab")
    environment = {"GATEWAY_HOME": str(tmp_path)}
    assert find_profile("lab", environment) == path
    assert find_profile("parties/lab", environment) == path
    with pytest.raises(ConfigurationError, match="no party officer; it has lab"):
        find_profile("officer", environment)
    with pytest.raises(ConfigurationError, match="gateway init"):
        find_profile("lab", {"GATEWAY_HOME": str(tmp_path / "elsewhere")})


def test_without_a_name_the_environment_decides(tmp_path: Path) -> None:
    assert find_profile(None, {"GATEWAY_PROFILE": "/p.yaml"}) == Path("/p.yaml")
    with pytest.raises(ConfigurationError, match="--as NAME"):
        find_profile(None, {})


def test_a_private_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    key = tmp_path / "k"
    key.write_bytes(b"secret")
    key.chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600") as caught:
        private_bytes(key)
    assert "secret" not in str(caught.value)
    key.chmod(0o600)
    assert private_bytes(key) == b"secret"


def test_connecting_needs_a_whole_identity(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="identity"):
        connect(address="h:1", authority=tmp_path / "a.pem")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        connect(Profile("h:1", tmp_path / "a", tmp_path / "c", tmp_path / "k"))
