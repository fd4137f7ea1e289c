"""Several gateway processes on one store, and processes that are killed in the middle."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import gateway
from gateway.store.sql import SqlStore
from gateway.store.verify_audit import entries_of, verify

ROOT = Path(gateway.__file__).parents[1]
SINCE = datetime(2020, 1, 1, tzinfo=UTC)

# Charges releases/r0 … one after the other, each once whoever comes first; an entry for each.
WORKER = """
import sys
from datetime import UTC, datetime
from gateway.errors import AlreadyExists
from gateway.model.audit import AuditEvent
from gateway.store.sql import SqlStore

url, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = SqlStore(url)
print("ready", flush=True)
for number in range(count):
    release = f"releases/r{number}"
    now = datetime.now(UTC)
    event = AuditEvent(actor=name, action="release.open", resource=release, outcome="ok")
    try:
        with store.write() as tx:
            used = tx.usage("parties/ann", "datasets/one", datetime(2020, 1, 1, tzinfo=UTC)).rows
            tx.charge(release, "parties/ann", "datasets/one", 1, now)
            tx.put_key(release, name.encode())
            tx.audit(event.but(details={"used": str(used)}), now)
    except AlreadyExists:
        continue
    print(number, flush=True)
store.close()
"""


def start(url: str, name: str, count: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, url, name, str(count)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_neither_double_nor_fork(store: SqlStore, store_url: str) -> None:
    workers = [start(store_url, f"gateway-{n}", 120) for n in range(2)]
    done = [worker.communicate(timeout=60)[0].split()[1:] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    # Each release was charged by exactly one of them.
    assert sorted(int(n) for lines in done for n in lines) == list(range(120))
    entries = list(entries_of(store))
    assert verify(entries) == 120
    assert [int(e.event.details["used"]) for e in entries] == list(range(120))
    with store.read() as tx:
        assert tx.usage("parties/ann", "datasets/one", SINCE).rows == 120


@pytest.mark.parametrize("after", [0, 1, 5, 17])
def test_killed_between_and_in_transactions(store: SqlStore, store_url: str, after: int) -> None:
    worker = start(store_url, "gateway-1", 10_000)
    assert worker.stdout is not None
    for _ in range(after + 1):  # "ready" is the first line
        worker.stdout.readline()
    worker.kill()  # SIGKILL, wherever it is now
    confirmed = after + len(worker.communicate()[0].split())
    with store.write() as tx:  # its locks are gone
        charged = tx.usage("parties/ann", "datasets/one", SINCE).rows
        entries = tx.audit_entries(0, 10_000)
        keys = [tx.key(entry.event.resource) for entry in entries]
    # All of each transaction or nothing of it, and nothing that was confirmed is lost.
    assert verify(entries) == charged == len(keys)
    assert None not in keys
    assert charged >= confirmed
