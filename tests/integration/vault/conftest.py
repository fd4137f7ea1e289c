"""A Vault on loopback that does what Transit does, over TLS: the same paths, texts and statuses.

Written after Vault's HTTP API: base64 in and out, `vault:vN:` ciphertexts, HKDF-SHA256 of the
version's key with the context as info (`derived`), AES-256-GCM with the nonce in front, key
versions with a least one for decryption, and its answers to what it does not accept.
"""

import base64
import binascii
import json
import os
import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.app.authority import DevelopmentAuthority
from gateway.store.vault import VaultAddress

TOKEN = "hvs.simulated-token"
NO_CONTEXT = "missing 'context' for key derivation; the key was created using a derived key"


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, *errors: str) -> None:
        super().__init__(status)
        self.status, self.errors = status, errors


@dataclass
class TransitKey:
    """One named key of the engine, all of its versions."""

    derived: bool = True
    exportable: bool = False
    allow_plaintext_backup: bool = False
    versions: dict[int, bytes] = field(default_factory=lambda: {1: os.urandom(32)})
    least: int = 1

    @property
    def latest(self) -> int:
        return max(self.versions)

    def cipher(self, version: int, asked: dict[str, str]) -> AESGCM:
        if not self.derived:
            return AESGCM(self.versions[version])
        if not asked.get("context"):
            raise Refused(400, NO_CONTEXT)
        context = _decoded(asked["context"], "failed to base64-decode context")
        return AESGCM(HKDF(SHA256(), 32, None, context).derive(self.versions[version]))

    def encrypt(self, asked: dict[str, str], plain: bytes) -> str:
        nonce = os.urandom(12)
        sealed = nonce + self.cipher(self.latest, asked).encrypt(nonce, plain, None)
        return f"vault:v{self.latest}:{base64.b64encode(sealed).decode()}"

    def decrypt(self, asked: dict[str, str]) -> bytes:
        text = asked.get("ciphertext", "")
        if not text.startswith("vault:v"):
            raise Refused(400, "invalid ciphertext: no prefix")
        found = re.fullmatch(r"vault:v([0-9]+):(.*)", text)
        if found is None:
            raise Refused(400, "invalid ciphertext: wrong number of fields")
        version = int(found[1])
        if version > self.latest:
            raise Refused(400, "invalid ciphertext: version is too new")
        if version < self.least:
            raise Refused(400, "ciphertext or signature version is disallowed by policy (too old)")
        sealed = _decoded(found[2], "invalid ciphertext: could not decode base64")
        if len(sealed) < 12 + 16:
            raise Refused(400, "invalid ciphertext: could not decode base64")
        try:
            return self.cipher(version, asked).decrypt(sealed[:12], sealed[12:], None)
        except InvalidTag:
            raise Refused(400, "invalid ciphertext: unable to decrypt") from None


def _decoded(text: str, fault: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise Refused(400, fault) from None


class Vault:
    """State and switches of the simulator; ``asked`` is every (method, path) that it answered."""

    def __init__(self) -> None:
        self.keys: dict[str, TransitKey] = {"gateway": TransitKey()}
        self.mount = "transit"
        self.token = TOKEN
        self.sealed = False
        self.denied: set[str] = set()  # actions that the token's policy does not have
        self.failing: list[int] = []  # statuses of the next answers, in order
        self.lost: list[int] = []  # the same, but what was asked for is done
        self.namespace: str | None = None
        self.asked: list[tuple[str, str]] = []
        self.garbled: bytes | None = None

    def answer(
        self, method: str, path: str, headers: Any, asked: dict[str, str]
    ) -> dict[str, Any] | None:
        """The data of the answer; Refused with status and errors."""
        self.asked.append((method, path))
        if self.failing:
            raise Refused(self.failing.pop(0), "simulated")
        if self.sealed:
            raise Refused(503, "Vault is sealed")
        if headers.get("X-Vault-Namespace") != self.namespace:
            raise Refused(404, "no handler for route")
        if headers.get("X-Vault-Token") != self.token:
            raise Refused(403, "permission denied")
        found = re.fullmatch(rf"/v1/{self.mount}/(\w+)/([\w.-]+)(/rotate)?", path)
        if found is None:
            raise Refused(404, f'no handler for route "{path}". route entry not found.')
        action, name, rotate = found.groups()
        if ("rotate" if rotate else action) in self.denied:
            raise Refused(403, "1 error occurred:\n\t* permission denied\n\n")
        key = self.keys.get(name)
        if (method, action) == ("GET", "keys"):
            if key is None:
                raise Refused(404)
            return self._described(name, key)
        if method not in ("POST", "PUT"):
            raise Refused(405, "unsupported operation")
        if key is None:
            raise Refused(400, "encryption key not found")
        done = self._worked(action, bool(rotate), key, asked)
        if self.lost:
            raise Refused(self.lost.pop(0), "simulated")
        return done

    def _worked(
        self, action: str, rotate: bool, key: TransitKey, asked: dict[str, str]
    ) -> dict[str, Any] | None:
        if rotate:
            key.versions[key.latest + 1] = os.urandom(32)
            return None
        if action == "encrypt":
            if "plaintext" not in asked:
                raise Refused(400, "missing plaintext to encrypt")
            plain = _decoded(asked["plaintext"], "failed to base64-decode plaintext")
            return {"ciphertext": key.encrypt(asked, plain), "key_version": key.latest}
        if action == "decrypt":
            return {"plaintext": base64.b64encode(key.decrypt(asked)).decode()}
        if action == "rewrap":
            plain = key.decrypt(asked)
            return {"ciphertext": key.encrypt(asked, plain), "key_version": key.latest}
        raise Refused(404, "unsupported path")

    def _described(self, name: str, key: TransitKey) -> dict[str, Any]:
        return {
            "name": name,
            "type": "aes256-gcm96",
            "derived": key.derived,
            "exportable": key.exportable,
            "allow_plaintext_backup": key.allow_plaintext_backup,
            "keys": {str(number): 1_700_000_000 for number in key.versions if number >= key.least},
            "latest_version": key.latest,
            "min_available_version": 0,
            "min_decryption_version": key.least,
            "min_encryption_version": 0,
        }


class _Handler(BaseHTTPRequestHandler):
    vault: Vault

    def log_message(self, *arguments: object) -> None:
        """Nothing: the output of tests is for failures."""

    def _do(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        try:
            asked = json.loads(body) if body else {}
            data = self.vault.answer(self.command, self.path, self.headers, asked)
        except Refused as refused:
            self._send(refused.status, {"errors": list(refused.errors)})
            return
        if data is None:
            self.send_response(204)
            self.end_headers()
        else:
            self._send(
                200, {"request_id": "r", "lease_duration": 0, "data": data, "warnings": None}
            )

    def _send(self, status: int, body: dict[str, Any]) -> None:
        content = (
            self.vault.garbled if self.vault.garbled is not None else json.dumps(body).encode()
        )
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815 - the names that http.server calls


@dataclass
class RunningVault:
    """The simulator, where it is, and what a client needs of it."""

    vault: Vault
    port: int
    folder: Path

    def address(self, **changes: Any) -> VaultAddress:
        given = {
            "url": f"https://localhost:{self.port}",
            "key": "gateway",
            "token_file": self.folder / "token",
            "authority": self.folder / "vault-ca.pem",
            "seconds": 5.0,
        }
        return VaultAddress(**{**given, **changes})


@pytest.fixture
def running_vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningVault]:
    """A Transit engine with a key ``gateway``, reached over TLS on loopback."""
    monkeypatch.setattr("gateway.store.vault._PAUSES", (0.0, 0.0, 0.0))
    folder = tmp_path / "vault"
    folder.mkdir()
    now = datetime.now(UTC)
    authority = DevelopmentAuthority.create(now)
    issued = authority.issue_server(("localhost", "127.0.0.1"), now)
    (folder / "vault-ca.pem").write_bytes(authority.root.certificate)
    (folder / "vault-ca.pem").chmod(0o644)
    (folder / "server.pem").write_bytes(issued.certificate + issued.private_key)
    token = folder / "token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    vault = Vault()
    handler = type("Handler", (_Handler,), {"vault": vault})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield RunningVault(vault, server.server_address[1], folder)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
