"""Settings: one YAML file and environment variables, validated once, refused when unsafe.

Paths are relative to the file. ``GATEWAY_SERVER__LISTEN`` and the like override single values;
secrets (database addresses) may be given as the name of a file instead of in the text.
"""

import ipaddress
import stat
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from gateway.errors import ConfigurationError
from gateway.model.keyed_specs import CryptoProfile
from gateway.model.names import is_identifier
from gateway.model.reidentification import MOST_TOKENS

CONFIG_NAME = "gateway.yaml"

_GROUP_OR_WORLD = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Secret(_Section):
    """A secret text: in a file of its own, or here. Never shown in a repr."""

    file: Path | None = None
    text: Annotated[str | None, Field(repr=False)] = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.file is None) == (self.text is None):
            raise ValueError("give either file or text")
        return self

    def read(self) -> str:
        """The secret; ConfigurationError when its file is unreadable or open to others."""
        if self.file is None:
            return self.text or ""
        require_private(self.file)
        return self.file.read_text(encoding="utf-8").strip()


class Issuer(_Section):
    """An issuer of bearer tokens that is trusted, with the keys it signs with."""

    # Without the sign that parts issuer and subject in a party's subjects.
    issuer: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^|]*$")]
    audience: Annotated[str, Field(min_length=1, max_length=500)]
    keys: Path  # JWKS (JSON) or public key (PEM), on disk: nothing is fetched
    algorithms: tuple[str, ...] = ("ES256", "RS256", "PS256", "EdDSA")

    @model_validator(mode="after")
    def _asymmetric(self) -> Self:
        allowed = {"ES256", "ES384", "ES512", "RS256", "RS384", "RS512"}
        allowed |= {"PS256", "PS384", "PS512", "EdDSA"}
        if not self.algorithms or set(self.algorithms) - allowed:
            raise ValueError("algorithms must be asymmetric: " + ", ".join(sorted(allowed)))
        return self


class Server(_Section):
    """The gRPC server. There is no setting that turns TLS off."""

    listen: str = "127.0.0.1:7443"  # mutual TLS
    listen_bearer: str | None = None  # TLS with bearer tokens
    certificate: Path
    private_key: Path
    client_ca: Path
    issuers: tuple[Issuer, ...] = ()
    call_seconds: Annotated[int, Field(ge=1, le=3600)] = 30
    stream_seconds: Annotated[int, Field(ge=1, le=86400)] = 3600
    calls_per_second: Annotated[int, Field(ge=1)] = 500
    concurrent_calls: Annotated[int, Field(ge=1)] = 200
    drain_seconds: Annotated[int, Field(ge=0, le=600)] = 20

    @model_validator(mode="after")
    def _bearer_needs_issuers(self) -> Self:
        if self.listen_bearer is not None and not self.issuers:
            raise ValueError("listen_bearer without issuers would let nobody in")
        return self


class VaultTransit(_Section):
    """A key of Vault's Transit engine, in place of a key ring in a file."""

    address: Annotated[str, Field(pattern=r"^https://[^/@?#]+/?$")]
    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}$")]
    token_file: Path  # private; read for every call
    mount: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$")] = "transit"
    namespace: str | None = None
    authority: Path | None = None  # CA certificates of Vault; None: the system's
    seconds: Annotated[float, Field(ge=0.5, le=60)] = 5.0


class Keys(_Section):
    """Where the root keys (a ring in a file, or Vault) and the signing key are."""

    ring: Path | None = None
    vault: VaultTransit | None = None
    signing: Path

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.ring is None) == (self.vault is None):
            raise ValueError("give either ring or vault")
        return self

    @property
    def private_files(self) -> tuple[Path, ...]:
        """What nobody but the gateway may read."""
        token = None if self.vault is None else self.vault.token_file
        return tuple(path for path in (self.ring, token, self.signing) if path is not None)


class Crypto(_Section):
    """Which ciphers protect values and wrap keys."""

    profile: CryptoProfile = "international"


class Sources(_Section):
    """Which files and databases each holder may register."""

    roots: dict[str, Path] = {}  # holder identifier → folder
    connections: dict[str, Secret] = {}  # connection name → PostgreSQL address
    connection_holders: dict[str, tuple[str, ...]] = {}  # who may use it; absent: nobody


class Reidentification(_Section):
    """Who may ask for tokens to be taken back, and how many. Two officers decide in any case."""

    authorised: tuple[str, ...] = ()  # party identifiers that may ask about any release
    tokens_per_request: Annotated[int, Field(ge=1, le=MOST_TOKENS)] = 100
    tokens_per_period: Annotated[int, Field(ge=1)] = 500
    requests_per_period: Annotated[int, Field(ge=1)] = 20
    period_days: Annotated[int, Field(ge=1, le=3650)] = 30
    approval_days: Annotated[int, Field(ge=1, le=90)] = 7
    answer_days: Annotated[int, Field(ge=1, le=90)] = 7
    searches_per_day: Annotated[int, Field(ge=1)] = 50

    @field_validator("authorised")
    @classmethod
    def _identifiers(cls, authorised: tuple[str, ...]) -> tuple[str, ...]:
        if not all(is_identifier(party) for party in authorised):
            raise ValueError("name parties without parties/, such as health-bureau")
        return authorised


class Text(_Section):
    """What finds persons' names in free text: jieba's word list, or a language model in a folder.

    There is no setting for a model's name: what has no name cannot be fetched.
    """

    engine: Literal["jieba", "spacy", "stanza", "transformers"] = "jieba"
    path: Path | None = None
    language: str = "zh-hans"  # of a Stanza folder, which may hold several

    @model_validator(mode="after")
    def _model_in_a_folder(self) -> Self:
        if self.engine == "jieba" and self.path is not None:
            raise ValueError("jieba takes no path: name the engine that the folder is for")
        if self.engine != "jieba" and self.path is None:
            raise ValueError(f"{self.engine} needs the path of a folder that holds its model")
        return self


class Settings(BaseSettings):
    """All settings of one gateway process."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="GATEWAY_", env_nested_delimiter="__"
    )

    state: Path  # staging, checkpoints; private to the gateway
    staging: str | None = None  # URI of an object store or folder; None: a folder below state
    store: Secret
    server: Server
    keys: Keys
    crypto: Crypto = Crypto()
    sources: Sources = Sources()
    reidentification: Reidentification = Reidentification()
    hierarchies: Path | None = None
    text: Text = Text()
    workers: Annotated[int, Field(ge=1, le=64)] = 2
    metrics_listen: str | None = None
    health_socket: Path | None = None  # in the state folder: who may ask is who may read that

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file; nothing else is looked at."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    def check(self) -> None:
        """Refuse what would be unsafe to run with; ConfigurationError names the remedy."""
        authority = None if self.keys.vault is None else self.keys.vault.authority
        for private in (self.server.private_key, *self.keys.private_files):
            require_private(private)
        for trusted in (
            self.server.certificate,
            self.server.client_ca,
            *([] if authority is None else [authority]),
            *(issuer.keys for issuer in self.server.issuers),
        ):
            require_unwritable(trusted)
        if not self.state.is_dir():
            raise ConfigurationError(f"{self.state} is missing: run `gateway init`")
        if self.state.stat().st_mode & _GROUP_OR_WORLD:
            raise ConfigurationError(f"{self.state} is open to others: chmod 700 {self.state}")
        if self.metrics_listen is not None and not is_loopback(self.metrics_listen):
            raise ConfigurationError("metrics_listen must be a loopback address")
        if self.health_socket is not None and self.health_socket.parent != self.state:
            raise ConfigurationError("health_socket must lie in the state folder")
        if self.text.path is not None:
            require_unwritable_folder(self.text.path)
        for holder, root in self.sources.roots.items():
            self._refuse_reaching(holder, root.resolve())

    def _refuse_reaching(self, holder: str, root: Path) -> None:
        """What lies below a holder's folder can be registered and so be read."""
        secrets = (self.store, *self.sources.connections.values())
        kept = (
            self.state,
            *self.keys.private_files,
            self.server.private_key,
            *(secret.file for secret in secrets if secret.file is not None),
        )
        if root.is_relative_to(self.state.resolve()) or any(
            path.resolve().is_relative_to(root) for path in kept
        ):
            raise ConfigurationError(
                f"sources.roots.{holder}: keys or records of the gateway lie in {root}: name a "
                "folder that holds nothing but the holder's files"
            )


def load(path: Path) -> Settings:
    """The settings of that file, checked. ConfigurationError says what to change."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path} does not exist: run `gateway init`") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        # Without the cause: it would quote lines of the file.
        raise ConfigurationError(f"{path} cannot be read as YAML") from None
    if not isinstance(raw, dict):
        raise ConfigurationError(f"{path} is empty: run `gateway init`")
    try:
        settings = Settings(**_absolute(raw, path.resolve().parent))
    except ValidationError as error:
        # Field names and messages only: pydantic's own text would quote the values.
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError(f"{path}: {faults}") from None
    except SettingsError as error:
        # pydantic-settings names the variable; its cause would quote the value.
        raise ConfigurationError(f"the environment cannot be read: {error}") from None
    require_unwritable(path)
    if _holds_secret(raw):
        require_private(path)
    settings.check()
    return settings


def require_private(path: Path) -> None:
    """ConfigurationError unless the file is there and nobody but its owner may touch it."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: run `gateway init`") from error
    if mode & _GROUP_OR_WORLD:
        raise ConfigurationError(f"{path} is open to others: chmod 600 {path}")


def require_unwritable(path: Path) -> None:
    """ConfigurationError unless the file is there and nobody but its owner may change it."""
    if not path.is_file():
        raise ConfigurationError(f"{path} is missing: run `gateway init`")
    if path.stat().st_mode & _OTHERS_WRITE:
        raise ConfigurationError(f"{path} can be changed by others: chmod go-w {path}")


def require_unwritable_folder(folder: Path) -> None:
    """ConfigurationError unless the folder is there and nobody but its owner may change it or
    anything in it: a model decides what is found."""
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is no folder: name one that is there")
    for path in (folder, *folder.rglob("*")):
        if path.stat().st_mode & _OTHERS_WRITE:
            raise ConfigurationError(f"{path} can be changed by others: chmod -R go-w {folder}")


def _holds_secret(raw: dict[str, Any]) -> bool:
    """Whether an address of a database, which may hold a password, stands in the file itself."""
    sources = raw.get("sources") or {}
    secrets = (raw.get("store"), *(sources.get("connections") or {}).values())
    texts = [secret.get("text") for secret in secrets if isinstance(secret, dict)]
    return any(text is not None and not str(text).startswith(_SQLITE) for text in texts)


def is_loopback(listen: str) -> bool:
    """Whether ``host:port`` is an address of this machine alone."""
    host = listen.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_SQLITE = "sqlite:///"
_PATHS = {
    "state": None,
    "hierarchies": None,
    "health_socket": None,
    "text": {"path": None},
    "store": {"file": None},
    "keys": {
        "ring": None,
        "signing": None,
        "vault": {"token_file": None, "authority": None},
    },
    "server": {"certificate": None, "private_key": None, "client_ca": None},
}


def _absolute(raw: dict[str, Any], base: Path) -> dict[str, Any]:
    """The same settings with every path made absolute, taken from the file's own folder."""
    settings: dict[str, Any] = _resolve(raw, _PATHS, base)
    sources = dict(settings.get("sources") or {})
    sources["roots"] = {
        holder: str(base / Path(str(folder)).expanduser())
        for holder, folder in (sources.get("roots") or {}).items()
    }
    sources["connections"] = {
        name: _resolve(secret, {"file": None}, base)
        for name, secret in (sources.get("connections") or {}).items()
    }
    settings["sources"] = sources
    store = settings.get("store")
    text = store.get("text") if isinstance(store, dict) else None
    if isinstance(text, str) and text.startswith(_SQLITE):
        place = _SQLITE + str(base / Path(text.removeprefix(_SQLITE)))
        settings["store"] = {**settings["store"], "text": place}
    server = dict(settings.get("server") or {})
    server["issuers"] = [
        _resolve(issuer, {"keys": None}, base) for issuer in server.get("issuers") or ()
    ]
    settings["server"] = server
    return settings


def _resolve(raw: Any, paths: dict[str, Any], base: Path) -> Any:
    if not isinstance(raw, dict):
        return raw
    resolved = dict(raw)
    for name, inner in paths.items():
        value = raw.get(name)
        if inner is not None:
            resolved[name] = _resolve(value, inner, base) if value is not None else value
        elif isinstance(value, str):
            resolved[name] = str(base / Path(value).expanduser())
    return {name: value for name, value in resolved.items() if value is not None}
