"""Unsafe settings are refused, and no refusal shows a value."""

import os
import shutil
from pathlib import Path

import pytest
import yaml

from gateway.app.setup import initialise
from gateway.config import load
from gateway.errors import ConfigurationError

SECRET = "hunter2-of-the-database"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("config") / "installation"
    initialise(folder)
    return folder


@pytest.fixture
def installation(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "installation"))


def change(installation: Path, mode: int = 0o600, **sections: object) -> Path:
    """The settings file with sections merged in."""
    config = installation / "gateway.yaml"
    settings = yaml.safe_load(config.read_text())
    for name, value in sections.items():
        old = settings.get(name)
        merged = isinstance(value, dict) and isinstance(old, dict) and name != "store"
        settings[name] = {**old, **value} if merged else value
    config.write_text(yaml.safe_dump(settings))
    config.chmod(mode)
    return config


def refused(config: Path, *words: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        load(config)
    shown: BaseException | None = error.value
    while shown is not None:
        assert SECRET not in str(shown)
        assert SECRET not in repr(shown)
        shown = shown.__cause__
    for word in words:
        assert word in error.value.message


def test_what_init_made_is_accepted(installation: Path):
    assert load(installation / "gateway.yaml").workers >= 1


@pytest.mark.parametrize("file", ["keys/ring.json", "keys/signing.pem", "tls/server.key"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_secrets_that_are_open_to_others_are_refused(installation: Path, file: str, mode: int):
    (installation / file).chmod(mode)
    refused(installation / "gateway.yaml", file, "chmod 600")


@pytest.mark.parametrize("file", ["tls/authority.pem", "tls/server.pem", "gateway.yaml"])
@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_files_that_say_who_is_trusted_cannot_be_writable_by_others(
    installation: Path, file: str, mode: int
):
    (installation / file).chmod(mode)
    refused(installation / "gateway.yaml", file, "chmod go-w")


def test_keys_of_issuers_cannot_be_missing_or_writable_by_others(installation: Path):
    issuer = {"issuer": "https://i.example", "audience": "gateway", "keys": "tls/jwks.json"}
    config = change(installation, server={"issuers": [issuer]})
    refused(config, "jwks.json", "missing")
    (installation / "tls/jwks.json").write_text("{}")
    (installation / "tls/jwks.json").chmod(0o666)
    refused(config, "jwks.json", "chmod go-w")


def test_an_issuer_cannot_hold_the_sign_that_parts_it_from_the_subject(installation: Path):
    # "a" + "|" + "b|c" would be the same subject as "a|b" + "|" + "c".
    issuer = {"issuer": "https://i.example|x", "audience": "gateway", "keys": "tls/authority.pem"}
    refused(change(installation, server={"issuers": [issuer]}), "issuer")


@pytest.mark.parametrize("root", [".", "keys", "state", "tls", "keys/..", "state/staging"])
def test_a_holders_folder_cannot_reach_what_the_gateway_keeps(installation: Path, root: str):
    (installation / "state/staging").mkdir(exist_ok=True)
    refused(change(installation, sources={"roots": {"holder": root}}), "holder")


def test_a_link_does_not_hide_that_a_holders_folder_reaches_the_keys(installation: Path):
    (installation / "innocent").symlink_to(installation)
    refused(change(installation, sources={"roots": {"holder": "innocent"}}), "holder")


@pytest.mark.parametrize(
    "sections",
    [
        {"store": {"text": f"postgresql://u:{SECRET}@h/d"}},
        {"sources": {"connections": {"one": {"text": f"postgresql://u:{SECRET}@h/d"}}}},
    ],
)
def test_a_secret_in_the_settings_makes_them_a_private_file(installation: Path, sections):
    refused(change(installation, mode=0o644, **sections), "gateway.yaml", "chmod 600")
    settings = load(change(installation, **sections))
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)


@pytest.mark.parametrize(
    "sections",
    [
        {"store": f"postgresql://u:{SECRET}@h/d"},
        {"store": {"text": f"postgresql://u:{SECRET}@h/d", "file": SECRET}},
        {"store": {"texts": SECRET}},
        {"store": {"text": [SECRET]}},
        {"workers": SECRET},
    ],
)
def test_refusals_name_the_field_and_never_the_value(installation: Path, sections):
    refused(change(installation, **sections), next(iter(sections)))


def test_a_secret_from_the_environment_asks_nothing_of_the_file(
    installation: Path, monkeypatch: pytest.MonkeyPatch
):
    config = change(installation, mode=0o644, store={})
    monkeypatch.setenv("GATEWAY_STORE__TEXT", f"postgresql://u:{SECRET}@h/d")
    assert SECRET in load(config).store.read()


def test_init_under_an_open_umask_makes_what_is_accepted(tmp_path: Path):
    before = os.umask(0o000)
    try:
        config = initialise(tmp_path / "installation")
    finally:
        os.umask(before)
    assert load(config).workers >= 1


def test_what_is_no_yaml_is_refused_without_being_quoted(installation: Path):
    config = installation / "gateway.yaml"
    config.write_text(f"store: {{text: {SECRET}\nserver: [")
    refused(config, "YAML")


def test_an_environment_that_cannot_be_read_is_refused(
    installation: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GATEWAY_STORE", SECRET)
    refused(installation / "gateway.yaml", "store")


def test_a_language_model_lies_in_a_folder_that_others_cannot_change(installation: Path):
    folder = installation / "models" / "names"
    folder.mkdir(parents=True)
    config = change(installation, text={"engine": "spacy", "path": "models/names"})
    assert load(config).text.path == folder
    (folder / "config.cfg").write_text("")
    (folder / "config.cfg").chmod(0o666)
    refused(config, "can be changed by others", str(folder))
    shutil.rmtree(folder)
    refused(config, "is no folder", str(folder))
    refused(change(installation, text={"engine": "spacy", "path": None}), "needs the path")
    refused(change(installation, text={"engine": "bert-base"}), "text.engine")
