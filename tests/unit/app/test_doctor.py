"""``gateway doctor``: each thing that can be wrong is found, named, and has a remedy."""

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from gateway.app.authority import DevelopmentAuthority
from gateway.app.doctor import Finding, examine
from gateway.app.setup import initialise
from gateway.app.system import SystemClock
from gateway.cli.main import program


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "installation"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    initialise(made, listen=f"127.0.0.1:{port}")
    return made


def found(folder: Path) -> list[Finding]:
    return [f for f in examine(folder / "gateway.yaml") if f.state != "fine"]


def changed(folder: Path, change: Callable[[dict], object]) -> None:
    path = folder / "gateway.yaml"
    settings = yaml.safe_load(path.read_text())
    change(settings)
    path.write_text(yaml.safe_dump(settings))


def test_a_new_installation_has_nothing_wrong_and_stays_as_it_is(folder: Path) -> None:
    before = {
        p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and "state" not in p.parts
    }
    assert {f.state for f in examine(folder / "gateway.yaml")} == {"fine"}
    after = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and "state" not in p.parts}
    assert after == before
    assert not list((folder / "state" / "staging").iterdir())


def forget_the_ring(folder: Path) -> None:
    (folder / "keys" / "ring.json").unlink()


def open_the_ring(folder: Path) -> None:
    (folder / "keys" / "ring.json").chmod(0o644)


def forget_the_store(folder: Path) -> None:
    (folder / "state" / "gateway.db").unlink()


def misplace_the_key(folder: Path) -> None:
    (folder / "tls" / "server.key").write_bytes((folder / "tls" / "authority.key").read_bytes())


def let_the_certificate_end(folder: Path) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=4000)
    issued = DevelopmentAuthority.create(long_ago).issue_server(("localhost",), long_ago)
    (folder / "tls" / "server.pem").write_bytes(issued.certificate)
    (folder / "tls" / "server.key").write_bytes(issued.private_key)


def spoil_the_certificate(folder: Path) -> None:
    (folder / "tls" / "server.pem").write_text("not a certificate")


def lose_a_root(folder: Path) -> None:
    changed(folder, lambda s: s["sources"]["roots"].update(clinic=str(folder / "nowhere")))


def spoil_a_hierarchy(folder: Path) -> None:
    (folder / "hierarchies" / "age.csv").write_text("1;a;*\n1;b;*\n")


def name_a_foreign_address(folder: Path) -> None:
    changed(folder, lambda s: s["server"].update(listen="192.0.2.1:7443"))


def name_an_absent_database(folder: Path) -> None:
    secret = folder / "keys" / "registry.uri"
    secret.write_text("postgresql://who:canary@127.0.0.1:1/none")
    secret.chmod(0o600)
    changed(
        folder,
        lambda s: s["sources"].update(
            connections={"registry": {"file": str(secret)}},
            connection_holders={"registry": ["holder"]},
        ),
    )


def name_an_absent_model(folder: Path) -> None:
    (folder / "model").mkdir()
    changed(folder, lambda s: s.update(text={"engine": "spacy", "path": "model"}))


@pytest.mark.parametrize(
    ("spoil", "part", "told"),
    [
        (forget_the_ring, "settings", "ring.json"),
        (open_the_ring, "settings", "open to others"),
        (forget_the_store, "store", "empty"),
        (misplace_the_key, "tls", "is not the key of"),
        (let_the_certificate_end, "tls", "ended on"),
        (spoil_the_certificate, "tls", "no certificate"),
        (lose_a_root, "sources", "is not there"),
        (spoil_a_hierarchy, "rules", "age.csv"),
        (name_a_foreign_address, "address", "cannot be listened on"),
        (name_an_absent_database, "sources", "does not let us in"),
        (name_an_absent_model, "text", "model"),
    ],
)
def test_what_is_wrong_is_a_fault_with_a_remedy(
    folder: Path, spoil: Callable[[Path], None], part: str, told: str
) -> None:
    spoil(folder)
    faults = [f for f in found(folder) if f.state == "fault"]
    assert [f.part for f in faults if told in f.text] == [part], faults
    assert all(f.remedy for f in faults)
    assert "canary" not in str(faults)
    result = CliRunner().invoke(program, ["doctor", str(folder), "--json"])
    assert result.exit_code == 1
    assert [f["part"] for f in json.loads(result.stdout) if f["state"] == "fault"] == [
        f.part for f in faults
    ]


def test_an_address_that_is_taken_is_a_warning(folder: Path) -> None:
    listen = yaml.safe_load((folder / "gateway.yaml").read_text())["server"]["listen"]
    with socket.create_server(("127.0.0.1", int(listen.rpartition(":")[2]))):
        [finding] = found(folder)
    assert (finding.part, finding.state) == ("address", "warning")
    result = CliRunner().invoke(program, ["doctor", str(folder)])
    assert result.exit_code == 0


def test_keys_of_another_ring_are_counted(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    initialise(other)
    from gateway.app.compose import open_ring
    from gateway.app.system import SystemEntropy
    from gateway.config import load
    from gateway.store.sql import SqlStore

    ring = open_ring(load(other / "gateway.yaml"), SystemEntropy())
    ring.rotate()
    store = SqlStore(load(folder / "gateway.yaml").store.read())
    with store.write() as tx:
        tx.put_key("releases/r-x", ring.wrap(b"0" * 32, "releases/r-x"))
    store.close()
    ring.close()
    [finding] = found(folder)
    assert finding.part == "keys"
    assert finding.text.startswith("1 keys")


def test_a_clock_behind_the_log_is_a_fault(folder: Path) -> None:
    class Behind(SystemClock):
        def now(self) -> datetime:
            return super().now() - timedelta(hours=1)

    faults = [f for f in examine(folder / "gateway.yaml", Behind()) if f.state == "fault"]
    assert "clock" in [f.part for f in faults]
