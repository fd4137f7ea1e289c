"""Profiles: who a client is and where its gateway is, in one small file per party.

``gateway init`` writes ``clients/NAME/profile.yaml``; a party with certificates of its own writes
one by hand. Paths are relative to the file.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import yaml

from gateway.errors import ConfigurationError

PROFILE_VARIABLE: Final = "GATEWAY_PROFILE"
HOME_VARIABLE: Final = "GATEWAY_HOME"

_PATHS: Final = ("authority", "certificate", "private_key", "token_file")
_FIELDS: Final = frozenset({"party", "address", *_PATHS})


@dataclass(frozen=True, slots=True)
class Profile:
    """An address, the authority that the gateway's certificate must come from, and an identity:
    a certificate with its private key, a file that holds a bearer token, or both."""

    address: str
    authority: Path
    certificate: Path | None = None
    private_key: Path | None = None
    token_file: Path | None = None
    party: str | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.private_key is None):
            raise ConfigurationError("a profile has both certificate and private_key, or neither")
        if self.certificate is None and self.token_file is None:
            raise ConfigurationError(
                "a profile needs an identity: certificate and private_key, or token_file"
            )

    def at(self, address: str) -> "Profile":
        """The same identity at another address."""
        return replace(self, address=address)


def load_profile(path: Path) -> Profile:
    """The profile in that file. ConfigurationError says what is wrong with it."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"the profile {path} cannot be read") from error
    if not isinstance(raw, Mapping) or not all(isinstance(v, str) for v in raw.values()):
        raise ConfigurationError(f"{path} is not a profile: a name and a text on each line")
    if unknown := sorted(set(raw) - _FIELDS):
        raise ConfigurationError(f"{path}: unknown {', '.join(unknown)}")
    if missing := sorted({"address", "authority"} - set(raw)):
        raise ConfigurationError(f"{path}: {', '.join(missing)} is missing")
    folder = path.resolve().parent
    paths = {name: folder / raw[name] for name in _PATHS if name in raw}
    return Profile(address=raw["address"], party=raw.get("party"), **paths)


def find_profile(name: str | None, environment: Mapping[str, str] = os.environ) -> Path:
    """The profile file of a party of the installation in the current folder or GATEWAY_HOME;
    without a name, the one that GATEWAY_PROFILE gives. ConfigurationError says what to do."""
    if name is None:
        if given := environment.get(PROFILE_VARIABLE):
            return Path(given)
        raise ConfigurationError(
            f"say who you are: --as NAME, --profile FILE, or the variable {PROFILE_VARIABLE}",
            reason="NO_IDENTITY",
        )
    home = Path(environment.get(HOME_VARIABLE, "."))
    found = home / "clients" / name.removeprefix("parties/") / "profile.yaml"
    if found.is_file():
        return found
    known = sorted(folder.parent.name for folder in home.glob("clients/*/profile.yaml"))
    raise ConfigurationError(
        f"{home.resolve()} has no party {name}; "
        + (
            f"it has {', '.join(known)}" if known else "it is not a folder that `gateway init` made"
        ),
        reason="NO_IDENTITY",
    )


def private_bytes(path: Path) -> bytes:
    """A secret file's content; ConfigurationError when others may read it."""
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"{path} is open to others: chmod 600 {path}")
    return content


def public_bytes(path: Path) -> bytes:
    """A certificate's content; ConfigurationError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read") from error
