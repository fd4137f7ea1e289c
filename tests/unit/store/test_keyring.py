"""The key ring: what it derives, what it refuses, and that it shows nothing."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256, SM3
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

import gateway
from gateway.errors import FailedPrecondition, KeyUnavailable
from gateway.store.keyring import FileKeyRing
from gateway.store.secret_files import changing
from gateway.store.wrapping import unseal

ROOT = Path(gateway.__file__).parents[1]


class CountedEntropy:
    """Different bytes at every call, the same in every run."""

    def __init__(self) -> None:
        self._calls = 0

    def bytes(self, count: int) -> bytes:
        self._calls += 1
        return bytes((self._calls * 37 + n) % 256 for n in range(count))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keyring.json"


@pytest.fixture(params=["international", "national"])
def ring(path: Path, request: pytest.FixtureRequest) -> FileKeyRing:
    FileKeyRing.create(path, CountedEntropy())
    return FileKeyRing(path, CountedEntropy(), request.param)


def test_derives_by_domain(ring: FileKeyRing, path: Path) -> None:
    again = FileKeyRing(path, CountedEntropy())
    assert ring.derive("a") == again.derive("a")
    assert len(ring.derive("a")) == 32
    assert len({ring.derive(d) for d in ("a", "b", "", "a\0", "A", "字段", "wrap", "wrap\0")}) == 8


def test_derivation_is_hkdf_with_the_domain_as_info(ring: FileKeyRing) -> None:
    root = CountedEntropy().bytes(32)
    info = b"gateway-keyring/1\0derive\0" + "字段".encode()
    assert ring.derive("字段") == HKDF(SHA256(), 32, None, info).derive(root)


def test_wrapping_is_undone_only_for_its_context(ring: FileKeyRing) -> None:
    key = bytes(range(32))
    wrapped = ring.wrap(key, "releases/one")
    assert ring.unwrap(wrapped, "releases/one") == key
    assert key not in wrapped
    assert ring.wrap(key, "releases/one") != wrapped
    with pytest.raises(KeyUnavailable, match="releases/two"):
        ring.unwrap(wrapped, "releases/two")


def test_no_bit_of_a_wrapped_key_may_change(ring: FileKeyRing) -> None:
    wrapped = ring.wrap(bytes(32), "releases/one")
    for position in range(len(wrapped)):
        changed = bytearray(wrapped)
        changed[position] ^= 1
        with pytest.raises(KeyUnavailable):
            ring.unwrap(bytes(changed), "releases/one")
    for length in range(len(wrapped)):
        with pytest.raises(KeyUnavailable):
            ring.unwrap(wrapped[:length], "releases/one")


def test_what_one_profile_wrapped_the_other_opens(path: Path) -> None:
    """An installation that changes its profile loses nothing."""
    one = FileKeyRing.create(path, CountedEntropy())
    other = FileKeyRing(path, CountedEntropy(), "national")
    for wraps, magic, opens in ((one, b"GWK1", other), (other, b"GWS1", one)):
        wrapped = wraps.wrap(bytes(32), "releases/one")
        assert wrapped.startswith(magic)
        assert opens.unwrap(wrapped, "releases/one") == bytes(32)
        swapped = {b"GWK1": b"GWS1", b"GWS1": b"GWK1"}[magic] + wrapped[4:]
        with pytest.raises(KeyUnavailable):
            opens.unwrap(swapped, "releases/one")


def test_national_wrapping_is_gcm_over_sm4_under_a_key_from_hkdf_over_sm3(path: Path) -> None:
    """By RFC 5869's own steps over HMAC-SM3, and GCM over SM4 as the vectors of RFC 8998 have it."""
    FileKeyRing.create(path, CountedEntropy())
    ring = FileKeyRing(path, CountedEntropy(), "national")
    wrapped = ring.wrap(bytes(range(32)), "releases/one")
    header, nonce, sealed = wrapped[:8], wrapped[8:20], wrapped[20:]
    root = base64.b64decode(json.loads(path.read_text())["keys"]["1"])

    def hmac_sm3(key: bytes, message: bytes) -> bytes:
        made = HMAC(key, SM3())
        made.update(message)
        return made.finalize()

    key = hmac_sm3(hmac_sm3(bytes(32), root), b"gateway-keyring/1\0wrap\0" + b"\x01")[:16]
    bound = header + b"releases/one"
    assert unseal("national", key, nonce, sealed, bound) == bytes(range(32))


def test_no_derived_key_opens_a_wrapped_one(ring: FileKeyRing) -> None:
    """Wrapping has a key of its own, that no domain leads to."""
    wrapped = ring.wrap(bytes(32), "releases/one")
    header, nonce, sealed = wrapped[:8], wrapped[8:20], wrapped[20:]
    national = header.startswith(b"GWS1")
    for domain in ("", "wrap", "releases/one", "wrap\0"):
        with pytest.raises(InvalidTag):
            unseal(
                "national" if national else "international",
                ring.derive(domain)[: 16 if national else 32],
                nonce,
                sealed,
                header + b"releases/one",
            )


def test_another_ring_opens_nothing(ring: FileKeyRing, tmp_path: Path) -> None:
    entropy = CountedEntropy()
    entropy.bytes(1)
    other = FileKeyRing.create(tmp_path / "other.json", entropy)
    with pytest.raises(KeyUnavailable, match="right key file"):
        other.unwrap(ring.wrap(bytes(32), "releases/one"), "releases/one")


def test_rotation_keeps_old_versions_readable(ring: FileKeyRing, path: Path) -> None:
    old, wrapped = ring.derive("a"), ring.wrap(bytes(32), "releases/one")
    assert ring.rotate() == 2
    for each in (ring, FileKeyRing(path, CountedEntropy())):
        assert each.version == 2
        assert each.derive("a") != old
        assert each.derive("a", version=1) == old
        assert each.unwrap(wrapped, "releases/one") == bytes(32)
        assert each.unwrap(each.wrap(b"k" * 32, "x"), "x") == b"k" * 32
    with pytest.raises(KeyUnavailable, match="version 3"):
        ring.derive("a", version=3)
    assert path.stat().st_mode & 0o777 == 0o600
    assert beside(path) == {path.name, f".{path.name}.lock"}


def beside(path: Path) -> set[str]:
    return {file.name for file in path.parent.iterdir()}


# Rotates ten times, and each time wraps under the new version.
ROTATES = """
import sys
from pathlib import Path
from gateway.app.system import SystemEntropy
from gateway.store.keyring import FileKeyRing

ring = FileKeyRing(Path(sys.argv[1]), SystemEntropy())
print("ready", flush=True)
sys.stdin.readline()
for _ in range(10):
    version = ring.rotate()
    print(version, ring.wrap(bytes(range(32)), "releases/one").hex(), flush=True)
"""


def test_of_two_processes_that_rotate_at_once_neither_loses_the_others_root_key(
    path: Path,
) -> None:
    FileKeyRing.create(path, CountedEntropy())
    command = [sys.executable, "-c", ROTATES, str(path)]
    both = [
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    said = []
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in both:
        said += [line.split() for line in process.communicate(timeout=60)[0].splitlines()]
    ring = FileKeyRing(path, CountedEntropy())
    assert sorted(int(version) for version, _ in said) == list(range(2, 22))
    assert ring.versions == tuple(range(1, 22))
    for _, wrapped in said:
        assert ring.unwrap(bytes.fromhex(wrapped), "releases/one") == bytes(range(32))


def test_a_version_is_retired_from_what_the_file_holds_now(
    ring: FileKeyRing, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the file's times do not show that it changed."""
    ring.rotate()
    other = FileKeyRing(path, CountedEntropy())
    other.rotate()
    monkeypatch.setattr("gateway.store.keyring._identity", lambda _: ring._identity)
    ring.retire(1)
    monkeypatch.undo()
    assert FileKeyRing(path, CountedEntropy()).versions == (2, 3)


def test_what_a_killed_process_left_is_removed_when_the_ring_is_opened(path: Path) -> None:
    FileKeyRing.create(path, CountedEntropy())
    dies = (
        "import os, sys; from pathlib import Path; from gateway.store import secret_files as s\n"
        "s.os.fsync = lambda _: os.kill(os.getpid(), 9)\n"
        "s.write_secret(Path(sys.argv[1]), b'all root keys', replace=True)"
    )
    done = subprocess.run([sys.executable, "-c", dies, str(path)], cwd=ROOT, check=False)
    assert done.returncode == -9
    others = {f".{path.name}.of-somebody", f".{path.name}.bak", "other.json"}
    for name in others:
        (path.parent / name).touch()
    assert len(beside(path)) == 6
    FileKeyRing(path, CountedEntropy())
    assert beside(path) == {path.name, f".{path.name}.lock", *others}


def test_a_change_waits_for_another_and_not_for_ever(
    ring: FileKeyRing, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.secret_files._PATIENCE_SECONDS", 0)
    with (
        changing(path),
        pytest.raises(KeyUnavailable, match="being changed by another process"),
    ):
        ring.rotate()
    assert ring.rotate() == 2


def test_a_rotation_by_another_process_is_seen_at_the_next_use(
    ring: FileKeyRing, path: Path
) -> None:
    wrapped = FileKeyRing(path, CountedEntropy())
    assert wrapped.rotate() == 2
    theirs = wrapped.wrap(bytes(32), "releases/one")
    assert ring.unwrap(theirs, "releases/one") == bytes(32)
    assert (ring.version, ring.version_of(ring.wrap(bytes(32), "releases/two"))) == (2, 2)


def test_a_retired_version_opens_nothing_any_more(ring: FileKeyRing, path: Path) -> None:
    wrapped = ring.wrap(bytes(32), "releases/one")
    for version in (1, 2):  # in use, not there
        with pytest.raises(FailedPrecondition, match=f"root key {version} is"):
            ring.retire(version)
    ring.rotate()
    ring.retire(1)
    for each in (ring, FileKeyRing(path, CountedEntropy())):
        assert each.versions == (2,)
        with pytest.raises(KeyUnavailable, match="no version 1"):
            each.unwrap(wrapped, "releases/one")
    # No number is given out twice: what was wrapped under the old one must never seem to fit.
    assert ring.rotate() == 3


def test_root_keys_are_overwritten_when_the_ring_is_closed_or_changes(
    ring: FileKeyRing, path: Path
) -> None:
    first = ring._roots[1]
    assert first != bytes(32)
    FileKeyRing(path, CountedEntropy()).rotate()
    assert ring.version == 2
    assert first == bytes(32)
    held = list(ring._roots.values())
    ring.close()
    assert held == [bytes(32), bytes(32)]
    with pytest.raises(KeyUnavailable, match="was closed"):
        ring.wrap(bytes(32), "releases/one")


def test_a_file_that_is_opened_to_others_later_is_refused_at_the_next_change(
    ring: FileKeyRing, path: Path
) -> None:
    FileKeyRing(path, CountedEntropy()).rotate()
    path.chmod(0o644)
    with pytest.raises(KeyUnavailable, match=f"chmod 600 {path}"):
        ring.wrap(bytes(32), "releases/one")


def test_never_overwritten_by_create(ring: FileKeyRing, path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(KeyUnavailable, match="exists already"):
        FileKeyRing.create(path, CountedEntropy())
    assert path.read_bytes() == before
    assert beside(path) == {path.name, f".{path.name}.lock"}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o601])
def test_refused_when_open_to_others(ring: FileKeyRing, path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(KeyUnavailable, match=f"chmod 600 {path}"):
        FileKeyRing(path, CountedEntropy())


def keys(**changes: object) -> bytes:
    root = base64.b64encode(bytes(32)).decode()
    whole = {"format": "gateway-keyring/1", "current": 1, "keys": {"1": root}}
    return json.dumps(whole | changes).encode()


SHORT = base64.b64encode(b"CANARY-CANARY").decode()
UNUSABLE = {
    "empty": b"",
    "not JSON": b"CANARY",
    "not text": b"\xff\xfe\x00CANARY",
    "a list": b"[]",
    "no keys": keys(keys={}),
    "keys as a list": keys(keys=["CANARY"]),
    "a short key": keys(keys={"1": SHORT}),
    "not base64": keys(keys={"1": "CANARY!"}),
    "a key that is a number": keys(keys={"1": 5}),
    "version not a number": keys(keys={"CANARY": SHORT}),
    "version zero": keys(current=0, keys={"0": base64.b64encode(bytes(32)).decode()}),
    "current missing": keys(current=2),
    "current true": keys(current=True),
    "another format": keys(format="gateway-keyring/9"),
    "too large": b" " * 2_000_000,
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_refused_when_unusable(path: Path, what: str) -> None:
    path.write_bytes(UNUSABLE[what])
    path.chmod(0o600)
    with pytest.raises(KeyUnavailable, match=str(path)) as caught:
        FileKeyRing(path, CountedEntropy())
    assert caught.value.__cause__ is None  # it would quote the file
    assert "CANARY" not in str(caught.value)


def test_refused_when_missing_or_no_file(path: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="gateway init"):
        FileKeyRing(path, CountedEntropy())
    with pytest.raises(KeyUnavailable, match="not a file"):
        FileKeyRing(tmp_path, CountedEntropy())
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(KeyUnavailable, match="not a file"):
        FileKeyRing(tmp_path / "pipe", CountedEntropy())
    with pytest.raises(KeyUnavailable, match="cannot be written"):
        FileKeyRing.create(tmp_path / "none" / "ring.json", CountedEntropy())


def test_shows_nothing(ring: FileKeyRing) -> None:
    assert repr(ring) == "<FileKeyRing version 1>"
