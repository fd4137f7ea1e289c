"""Every way to forge the log that the verification claims to find."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.errors import StagingUnavailable, VerificationFailed
from gateway.model.audit import GENESIS, AuditEntry, AuditEvent, AuditPosition, Checkpoint
from gateway.store.signer import FileSigner
from gateway.store.sql import SqlStore
from gateway.store.verify_audit import CheckpointFile, checkpoints, entries_of, verify

NOW = datetime(2025, 3, 1, tzinfo=UTC)


class SystemEntropy:
    def bytes(self, count: int) -> bytes:
        return os.urandom(count)


def chain(count: int, *, actor: str = "parties/ann") -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for number in range(1, count + 1):
        event = AuditEvent(actor=actor, action="test.run", resource=f"r/{number}", outcome="ok")
        previous = entries[-1].hash if entries else GENESIS
        at = NOW + timedelta(seconds=number)
        entries.append(AuditEntry.chained(number, at, event, previous))
    return entries


def rechained(entries: list[AuditEntry]) -> list[AuditEntry]:
    """The same events, numbered and chained anew, as somebody without the key can do."""
    made: list[AuditEntry] = []
    for number, entry in enumerate(entries, start=1):
        previous = made[-1].hash if made else GENESIS
        made.append(AuditEntry.chained(number, entry.at, entry.event, previous))
    return made


def edited(entry: AuditEntry) -> AuditEntry:
    return entry.but(event=entry.event.but(outcome="DENIED"))


def anchor(entry: AuditEntry) -> Checkpoint:
    return Checkpoint(sequence=entry.sequence, hash=entry.hash, at=entry.at)


FORGERIES: dict[str, tuple[Callable[[list[AuditEntry]], list[AuditEntry]], int]] = {
    "edited": (lambda e: [*e[:4], edited(e[4]), *e[5:]], 5),
    "edited and hashed anew": (
        lambda e: [
            *e[:4],
            AuditEntry.chained(5, e[4].at, edited(e[4]).event, e[4].previous),
            *e[5:],
        ],
        6,
    ),
    "time changed": (lambda e: [*e[:4], e[4].but(at=e[4].at + timedelta(1)), *e[5:]], 5),
    "removed in the middle": (lambda e: [*e[:4], *e[5:]], 5),
    "removed at the beginning": (lambda e: e[1:], 1),
    "two exchanged": (lambda e: [*e[:4], e[5], e[4], *e[6:]], 5),
    "two exchanged and renumbered": (
        lambda e: [*e[:4], e[5].but(sequence=5), e[4].but(sequence=6), *e[6:]],
        5,
    ),
    "repeated": (lambda e: [*e[:5], e[4], *e[5:]], 6),
    "cut at the end": (lambda e: e[:8], 9),
    "emptied": (lambda _: [], 1),
    "rewritten as a whole": (lambda e: rechained([*e[:4], edited(e[4]), *e[5:]]), 10),
    "rewritten without one": (lambda e: rechained([*e[:4], *e[5:]]), 10),
    "forged time": (
        lambda e: rechained([*e[:4], e[4].but(at=NOW - timedelta(1)), *e[5:]]),
        5,
    ),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_forgery_is_found_where_it_is(what: str) -> None:
    forge, sequence = FORGERIES[what]
    entries = chain(10)
    with pytest.raises(VerificationFailed, match=f"^audit entry {sequence}:") as caught:
        verify(forge(entries), [anchor(entries[-1])])
    assert caught.value.metadata["sequence"] == str(sequence)


def test_genuine_logs() -> None:
    entries = chain(10)
    named = AuditPosition(sequence=3, hash=entries[2].hash)
    anchors = [anchor(entries[4]), anchor(entries[9]), anchor(entries[4]), named]
    assert verify(entries, anchors) == 10
    assert verify([], []) == 0


def test_a_certificate_s_position_convicts_a_rewritten_log() -> None:
    entries = chain(10)
    named = AuditPosition(sequence=7, hash=entries[6].hash)
    with pytest.raises(VerificationFailed, match=r"^audit entry 7: the log was written anew"):
        verify(chain(10, actor="parties/bea"), [named])


def test_two_records_that_differ() -> None:
    one, other = chain(3), chain(3, actor="parties/bea")
    with pytest.raises(VerificationFailed, match=r"^audit entry 3: .*forked"):
        verify(one, [anchor(one[2]), anchor(other[2])])


@pytest.fixture
def signer(tmp_path: Path) -> FileSigner:
    return FileSigner.create(tmp_path / "signing.pem", SystemEntropy())


def test_checkpoints_are_written_every_so_often(signer: FileSigner, tmp_path: Path) -> None:
    file = tmp_path / "audit.checkpoints"
    entries = chain(25)
    record = CheckpointFile(file, signer, every=10)
    assert [e.sequence for e in entries if record.advance(e)] == [10, 20]
    assert not record.advance(None, now=True)
    assert record.advance(entries[-1], now=True)
    assert not record.advance(entries[-1], now=True)
    found = checkpoints(file, signer.public_pem())
    assert found == [anchor(entries[n - 1]) for n in (10, 20, 25)]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_restart_appends(signer: FileSigner, tmp_path: Path) -> None:
    file, entries = tmp_path / "audit.checkpoints", chain(3)
    CheckpointFile(file, signer).advance(entries[0], now=True)
    CheckpointFile(file, signer).advance(entries[2], now=True)
    assert [c.sequence for c in checkpoints(file, signer.public_pem())] == [1, 3]


def test_a_line_that_a_crash_had_cut(signer: FileSigner, tmp_path: Path) -> None:
    file, entries = tmp_path / "audit.checkpoints", chain(3)
    CheckpointFile(file, signer).advance(entries[0], now=True)
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:50])
    assert [c.sequence for c in checkpoints(file, signer.public_pem())] == [1]
    CheckpointFile(file, signer).advance(entries[2], now=True)
    assert [c.sequence for c in checkpoints(file, signer.public_pem())] == [1, 3]


def test_a_later_checkpoint_does_not_cover_up_a_rewritten_log(
    signer: FileSigner, tmp_path: Path
) -> None:
    file, entries = tmp_path / "audit.checkpoints", chain(10)
    record = CheckpointFile(file, signer)
    record.advance(entries[5], now=True)
    forged = rechained([*entries[:2], edited(entries[2]), *entries[3:]])
    record.advance(forged[-1], now=True)
    with pytest.raises(VerificationFailed, match=r"^audit entry 6: the log was written anew"):
        verify(forged, checkpoints(file, signer.public_pem()))


def test_checkpoints_of_another_key(signer: FileSigner, tmp_path: Path) -> None:
    file, entries = tmp_path / "audit.checkpoints", chain(1)
    other = FileSigner.create(tmp_path / "other.pem", SystemEntropy())
    CheckpointFile(file, other).advance(entries[0], now=True)
    with pytest.raises(VerificationFailed, match="line 1"):
        checkpoints(file, signer.public_pem())


def test_an_edited_checkpoint(signer: FileSigner, tmp_path: Path) -> None:
    file, entries = tmp_path / "audit.checkpoints", chain(2)
    CheckpointFile(file, signer).advance(entries[0], now=True)
    CheckpointFile(file, signer).advance(entries[1], now=True)
    first, second = (json.loads(line) for line in file.read_text().splitlines())
    first["payload"] = second["payload"]
    file.write_text(json.dumps(first) + "\n")
    with pytest.raises(VerificationFailed, match="line 1"):
        checkpoints(file, signer.public_pem())


def test_something_else_that_the_gateway_signed(signer: FileSigner, tmp_path: Path) -> None:
    file, entries = tmp_path / "audit.checkpoints", chain(1)
    payload = anchor(entries[0]).canonical()
    file.write_text(signer.sign(payload, "application/vnd.in-toto+json") + "\n")
    with pytest.raises(VerificationFailed, match="line 1"):
        checkpoints(file, signer.public_pem())


def test_checkpoints_that_cannot_be_read_or_written(signer: FileSigner, tmp_path: Path) -> None:
    with pytest.raises(VerificationFailed, match="cannot be read"):
        checkpoints(tmp_path / "none", signer.public_pem())
    with pytest.raises(StagingUnavailable, match="cannot be written"):
        CheckpointFile(tmp_path / "none" / "file", signer).advance(chain(1)[0], now=True)


SQL_FORGERIES = {
    "edited": "UPDATE audit SET body = replace(body, 'r/3', 'r/9') WHERE sequence = 3",
    "no entry any more": "UPDATE audit SET body = 'CANARY' WHERE sequence = 3",
    "spaces put in": "UPDATE audit SET body = replace(body, ',', ', ') WHERE sequence = 3",
    "removed": "DELETE FROM audit WHERE sequence = 3",
    "renumbered": "UPDATE audit SET sequence = 30 WHERE sequence = 3",
}


@pytest.mark.parametrize("what", SQL_FORGERIES)
def test_forgery_in_the_database(store: SqlStore, what: str) -> None:
    """Somebody who owns the database and first drops the triggers."""
    with store.write() as tx:
        for entry in chain(5):
            tx.audit(entry.event, entry.at)
    assert verify(entries_of(store)) == 5
    with store._engine.connect() as connection, connection.begin():
        names = (
            ("audit_no_update", "audit_no_delete")
            if connection.dialect.name == "sqlite"
            else ("audit_no_change",)
        )
        for name in names:
            on = "" if connection.dialect.name == "sqlite" else " ON audit"
            connection.exec_driver_sql(f"DROP TRIGGER {name}{on}")
        connection.exec_driver_sql(SQL_FORGERIES[what])
    with pytest.raises(VerificationFailed, match=r"^audit entry (3|30)") as caught:
        verify(entries_of(store))
    assert "CANARY" not in f"{caught.value}{caught.value.__cause__}"
