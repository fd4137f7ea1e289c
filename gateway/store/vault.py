"""The key ring in HashiCorp Vault: its Transit engine wraps every key, and the root never leaves it.

Each key is encrypted by a call of its own under a Transit key that was made with ``derived=true``:
the context (a release's name, say) goes into Vault's key derivation, so a key that is handed over
under another name does not open. What Vault returns, ``vault:v1:…``, names the version of the
Transit key and is kept as it is. Source: Vault HTTP API, Transit secrets engine.

So every unwrapping stands in Vault's own audit log, and whoever takes the gateway's token away
stops it from opening anything. Nothing is ever exported: the calls are encrypt, decrypt, rewrap,
rotate and reading the key's versions. A plain key passes through JSON texts on its way, which
Python cannot overwrite; they are freed at once.
"""

import base64
import binascii
import http.client
import json
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from gateway.errors import (
    ConfigurationError,
    FailedPrecondition,
    KeyServiceUnavailable,
    KeyUnavailable,
)
from gateway.store.secret_files import read_secret

_PREFIX: Final = re.compile(r"vault:v([1-9][0-9]{0,8}):[A-Za-z0-9+/=]+", re.ASCII)
_PAUSES: Final = (0.2, 0.6, 1.5)
"""Seconds between tries: a standby takes over, or a connection was cut."""
_PASSING: Final = frozenset({429, 472, 473, 500, 502, 503, 504})
_WAYS_OUT: Final = ("exportable", "allow_plaintext_backup")
"""Settings that let a Transit key leave Vault, and that cannot be taken back."""
_USUAL_PORT: Final = 8200
_LARGEST_ANSWER: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class VaultAddress:
    """Where the Transit key is, and what the gateway shows to be let in.

    ``url``: ``https://HOST:PORT``. ``token_file`` is a private file and read for every call, so
    whoever renews the token only replaces it. ``authority``: CA certificates (PEM) of Vault's
    certificate; None for the system's. ``seconds``: patience with one call.
    """

    url: str
    key: str
    token_file: Path
    mount: str = "transit"
    namespace: str | None = None
    authority: Path | None = None
    seconds: float = 5.0


class VaultKeyRing:
    """Implements ports.KeyRing by a Transit key of Vault. Thread-safe; a connection a call.

    Raises KeyUnavailable for what no second try would change, naming the remedy, and
    KeyServiceUnavailable while Vault is away or sealed.
    """

    def __init__(self, address: VaultAddress) -> None:
        self._address = address
        self._host, self._port = _host_and_port(address.url)
        try:
            self._tls = ssl.create_default_context(cafile=address.authority)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                f"keys.vault.authority: {address.authority} holds no certificates"
            ) from error
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        found = self._key()
        if not found.get("derived") or any(found.get(way) is not False for way in _WAYS_OUT):
            raise KeyUnavailable(
                f"the Transit key {address.key} must be derived, not exportable, and without plain "
                f"backups: make another one with vault write {address.mount}/keys/NAME derived=true"
            )

    def __repr__(self) -> str:
        return f"<VaultKeyRing {self._address.mount}/{self._address.key}>"

    @property
    def version(self) -> int:
        """The newest version of the Transit key."""
        return _number(self._key().get("latest_version"))

    @property
    def versions(self) -> tuple[int, ...]:
        """Every version that Vault still has."""
        keys = self._key().get("keys")
        if not isinstance(keys, Mapping):
            raise _not_understood()
        return tuple(sorted(int(version) for version in keys))

    def wrap(self, key: bytes, context: str) -> bytes:
        """See ports.KeyRing."""
        wanted = {"plaintext": _base64(key), "context": _base64(context.encode())}
        return _ciphertext(self._call("POST", "encrypt", context, wanted))

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """See ports.KeyRing."""
        if not self.holds(wrapped):
            raise KeyUnavailable(
                f"the key of {context} was not wrapped by Vault: run gateway keys rewrap with --from and "
                "the key ring file that was used before"
            )
        wanted = {"ciphertext": wrapped.decode(), "context": _base64(context.encode())}
        plain = self._call("POST", "decrypt", context, wanted).get("plaintext")
        if not isinstance(plain, str) or not plain:
            raise _not_understood()
        try:
            return base64.b64decode(plain, validate=True)
        except binascii.Error:
            raise _not_understood() from None

    def rewrap(self, wrapped: bytes, context: str) -> bytes:
        """The same key under the newest version; Vault shows it to nobody meanwhile."""
        wanted = {"ciphertext": wrapped.decode(), "context": _base64(context.encode())}
        return _ciphertext(self._call("POST", "rewrap", context, wanted))

    def holds(self, wrapped: bytes) -> bool:
        """Whether this is a key that some Transit key wrapped."""
        return _PREFIX.fullmatch(wrapped.decode("latin-1")) is not None

    def opens(self, wrapped: bytes) -> bool:
        """Vault is not asked: only its administrator retires a version, some time after rewrap."""
        return self.holds(wrapped)

    def version_of(self, wrapped: bytes) -> int:
        """The version of the Transit key that a key was wrapped under."""
        found = _PREFIX.fullmatch(wrapped.decode("latin-1"))
        if found is None:
            raise KeyUnavailable("a kept key was not wrapped by Vault")
        return int(found[1])

    def rotate(self) -> int:
        """Begin another version of the Transit key; returns it. Asked for once only: an answer that
        is lost on its way must not become a second version."""
        try:
            self._call("POST", "keys", "the Transit key", {}, "/rotate", pauses=())
        except KeyServiceUnavailable as error:
            raise KeyServiceUnavailable(
                "Vault did not say whether it rotated the key: see gateway keys show; if it did, "
                "run gateway keys rewrap, else rotate again"
            ) from error
        return self.version

    def retire(self, version: int) -> None:
        """Not from here: the gateway's token should not be able to."""
        raise FailedPrecondition(
            "in Vault, as its administrator: vault write "
            f"{self._address.mount}/keys/{self._address.key}/config "
            f"min_decryption_version={version + 1}, then trim",
            reason="KEY_VERSION",
        )

    def close(self) -> None:
        """Nothing is kept between calls."""

    # ---- calls ------------------------------------------------------------------------------------

    def _key(self) -> Mapping[str, Any]:
        return self._call("GET", "keys", "the Transit key", None)

    def _call(
        self,
        method: str,
        action: str,
        of: str,
        wanted: Mapping[str, str] | None,
        end: str = "",
        *,
        pauses: tuple[float, ...] = _PAUSES,
    ) -> Mapping[str, Any]:
        mount, key = quote(self._address.mount), quote(self._address.key, safe="")
        path = f"/v1/{mount}/{action}/{key}{end}"
        status, answer = self._answered(method, path, wanted, pauses)
        if status in (200, 204):
            return _data(answer)
        raise self._refused(status, of)

    def _answered(
        self, method: str, path: str, wanted: Mapping[str, str] | None, pauses: tuple[float, ...]
    ) -> tuple[int, bytes]:
        body = None if wanted is None else json.dumps(wanted).encode()
        for pause in (*pauses, None):
            try:
                status, answer = self._once(method, path, body)
            except ssl.SSLCertVerificationError as error:
                raise KeyUnavailable(
                    f"the certificate of {self._host} is not trusted: see keys.vault.authority"
                ) from error
            except (OSError, http.client.HTTPException) as error:
                if pause is None:
                    raise KeyServiceUnavailable(
                        f"Vault at {self._host}:{self._port} does not answer: try again later"
                    ) from error
            else:
                if pause is None or status not in _PASSING:
                    return status, answer
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _once(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {"X-Vault-Request": "true", "X-Vault-Token": self._token()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._address.namespace is not None:
            headers["X-Vault-Namespace"] = self._address.namespace
        connection = http.client.HTTPSConnection(
            self._host, self._port, timeout=self._address.seconds, context=self._tls
        )
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read(_LARGEST_ANSWER)
        finally:
            connection.close()

    def _token(self) -> str:
        token = read_secret(self._address.token_file).strip()
        if not token or not token.isascii() or any(byte <= 32 or byte == 127 for byte in token):
            raise KeyUnavailable(f"{self._address.token_file} holds no Vault token")
        return token.decode()

    def _refused(self, status: int, of: str) -> KeyUnavailable | KeyServiceUnavailable:
        """What the status means here; Vault's own text might hold what was asked."""
        key = f"{self._address.mount}/keys/{self._address.key}"
        if status == 400:
            return KeyUnavailable(
                f"Vault does not open the key of {of}: it was wrapped for something else, by "
                f"another Transit key, or under a version that {key} no longer has"
            )
        if status == 403:
            return KeyUnavailable(
                "Vault does not accept the gateway's token for this: renew "
                f"{self._address.token_file}, or let its policy read {key} and update encrypt, "
                "decrypt and rewrap (rotate, for gateway keys rotate)"
            )
        if status == 404:
            return KeyUnavailable(
                f"Vault has no {key}: see keys.vault in gateway.yaml, or as Vault's administrator "
                f"vault write {key} derived=true"
            )
        if status == 503:
            return KeyServiceUnavailable("Vault is sealed or down: its administrator unseals it")
        return KeyServiceUnavailable(f"Vault answered with status {status}: try again later")


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port or _USUAL_PORT
    except ValueError:  # a port that is no number
        host, port = None, 0
    # What is cut off silently would be missed: a token in it, or a namespace.
    more = parts.path.strip("/") or "@" in parts.netloc or "?" in url or "#" in url
    if not host or parts.scheme != "https" or more:
        raise ConfigurationError("keys.vault.address: expected https://HOST:PORT and no more")
    return host, port


def _data(answer: bytes) -> Mapping[str, Any]:
    if not answer:
        return {}
    try:
        data = json.loads(answer).get("data")
    except (ValueError, AttributeError):
        # Without the cause: it would quote the answer.
        raise _not_understood() from None
    return data if isinstance(data, dict) else {}


def _ciphertext(data: Mapping[str, Any]) -> bytes:
    text = data.get("ciphertext")
    if not isinstance(text, str) or _PREFIX.fullmatch(text) is None:
        raise _not_understood()
    return text.encode()


def _number(value: object) -> int:
    if type(value) is not int or value < 1:
        raise _not_understood()
    return value


def _base64(plain: bytes) -> str:
    return base64.b64encode(plain).decode()


def _not_understood() -> KeyServiceUnavailable:
    return KeyServiceUnavailable("Vault's answer was not understood: is it a Vault at all?")
