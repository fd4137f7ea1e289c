"""A site: one installation whose gateway processes are real, are killed, and are started again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from sqlalchemy import create_engine, text

from gateway.api.pb import grant_pb2, release_pb2
from gateway.app.setup import STARTERS, initialise
from gateway.client import Client, load_profile
from gateway.client.link import Link
from gateway.model.catalog import ParquetSource, Party
from gateway.model.names import resource
from gateway.store.sql import SqlStore
from gateway.testing import residents

ROOT = Path(__file__).parents[3]
PURPOSE = "public-health-research"
COLUMNS = ("name", "resident_id", "phone", "email", "district", "sex", "birth_date", "income")
CANARY = "zqcanary7391"
STUDY = (ROOT / "tests" / "integration" / "study.yaml").read_text("utf-8")


class Nursery:
    """The program that starts gateway processes (nursery.py)."""

    def __init__(self) -> None:
        self._program = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "nursery.py")],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def order(self, **order: Any) -> dict[str, Any]:
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(json.dumps(order) + "\n")
        self._program.stdin.flush()
        answer: dict[str, Any] = json.loads(self._program.stdout.readline())
        return answer

    def close(self) -> None:
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.close()
        self._program.wait(20)
        self._program.stdout.close()


@dataclass
class Gateway:
    """A gateway process, and clients of it."""

    nursery: Nursery
    folder: Path
    pid: int
    address: str
    metrics: str | None
    log: Path
    ended: bool = False
    _clients: dict[str, Client] = field(default_factory=dict)

    def client(self, party: str) -> Client:
        """A client with that party's certificate. It tries again at once and not for long."""
        if party not in self._clients:
            profile = load_profile(self.folder / "clients" / party / "profile.yaml")
            link = Link.open(profile.at(self.address))
            link._pause = lambda _: None
            self._clients[party] = Client(link)
        return self._clients[party]

    # ---- steps of a journey -------------------------------------------------------------------

    def activate(self, policy: str) -> None:
        draft = self.client("officer").create_policy(policy)
        self.client("second-officer").activate_policy(draft.name, draft.version)

    def grant(self, columns: tuple[str, ...] = COLUMNS, **named: Any) -> grant_pb2.Grant:
        """A grant with every approval that it needs."""
        asked = {"purpose": PURPOSE, "justification": "a study", "dataset": "residents", **named}
        made = self.client("consumer").request_grant(columns=columns, **asked)
        for approver in ("holder", "officer"):
            if made.state == grant_pb2.GRANT_STATE_REQUESTED:
                made = self.client(approver).approve(made, "fits")
        assert made.state == grant_pb2.GRANT_STATE_ACTIVE
        return made

    def ask(self, request_id: str | None = None, **named: Any) -> release_pb2.Release:
        asked = {"dataset": "residents", "columns": COLUMNS, "purpose": PURPOSE, **named}
        return self.client("consumer").request(**asked, request_id=request_id)

    # ---- its end ------------------------------------------------------------------------------

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.await_end()

    def stop(self) -> int:
        os.kill(self.pid, signal.SIGTERM)
        return self.await_end()

    def await_end(self, seconds: float = 20) -> int:
        """How the process ended; it must, within the seconds."""
        told = self.nursery.order(**{"await": self.pid, "seconds": seconds})
        self.ended = True
        self._close()
        assert not told["late"], f"the gateway did not end: {self.log.read_text()[-3000:]}"
        status: int = told["status"]
        return status

    def close(self) -> None:
        if not self.ended:
            self.kill()

    def _close(self) -> None:
        for client in self._clients.values():
            client.close()


class Site:
    """An installation on a store. ``ahead``: by how many seconds its gateways' clocks go before
    the machine's; ``later`` lets leases lapse without waiting for them."""

    def __init__(self, nursery: Nursery, folder: Path, url: str | None = None) -> None:
        self.nursery = nursery
        self.folder = folder
        self.ahead = 0.0
        self.config = initialise(folder, listen="127.0.0.1:0")
        self.url = url or f"sqlite:///{folder / 'state' / 'gateway.db'}"
        self._running: list[Gateway] = []
        if url is not None:
            self.configure(store={"text": url})
            self._adopt(url)

    def _adopt(self, url: str) -> None:
        store = SqlStore(url)
        with store.write() as tx:
            for new in STARTERS:
                tx.put_party(
                    Party(
                        name=resource("parties", new.identifier),
                        role=new.role,
                        kind=new.kind,
                        display_name=new.display_name,
                    )
                )
        store.close()

    @property
    def data(self) -> Path:
        return self.folder / "data" / "holder"

    @property
    def staging(self) -> Path:
        return self.folder / "state" / "staging"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def configure(self, **settings: Any) -> None:
        """Change the installation's settings; nothing that runs notices."""
        known = yaml.safe_load(self.config.read_text("utf-8"))
        self.config.write_text(yaml.safe_dump({**known, **settings}), "utf-8")
        self.config.chmod(0o600)  # a store's address may hold a password

    def start(self, **order: Any) -> Gateway:
        """A gateway process; see nursery.py for what it may be told."""
        order = {"ahead": self.ahead, "config": str(self.config), "log": str(self.log), **order}
        told = self.nursery.order(start=order)
        assert "address" in told, self.log.read_text()[-3000:]
        gateway = Gateway(
            self.nursery,
            self.folder,
            told["pid"],
            told["address"],
            told["metrics"],
            self.log,
        )
        self._running.append(gateway)
        return gateway

    @contextmanager
    def running(self, **order: Any) -> Iterator[Gateway]:
        gateway = self.start(**order)
        try:
            yield gateway
        finally:
            gateway.close()

    purpose, columns, canary = PURPOSE, COLUMNS, CANARY

    def later(self, seconds: float = 61) -> None:
        self.ahead += seconds

    def close(self) -> None:
        for gateway in self._running:
            gateway.close()

    # ---- what every journey begins with -------------------------------------------------------

    def write(self, table: pa.Table, name: str = "residents") -> None:
        pq.write_table(table, self.data / f"{name}.parquet")

    def prepare(self, gateway: Gateway, policy: str | None = None) -> None:
        """Registered, permitted, granted: the next thing is a request."""
        if not (self.data / "residents.parquet").exists():
            self.write(with_canary(residents(4000, 7)))
        gateway.client("holder").register(
            "residents", ParquetSource(path="residents.parquet"), title="Residents"
        )
        gateway.activate(STUDY if policy is None else policy)
        gateway.grant()

    # ---- looking behind the scenes ------------------------------------------------------------

    def select(self, statement: str, **values: Any) -> list[Any]:
        engine = create_engine(self.url.replace("postgresql:", "postgresql+psycopg:"))
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(text(statement), values)]
        finally:
            engine.dispose()

    def count(self, table: str) -> int:
        ((rows,),) = self.select(f"SELECT count(*) FROM {table}")  # noqa: S608 - a test's own word
        return int(rows)

    def data_keys(self) -> int:
        """Keys of releases and of pushed records; secrets of key domains and of the gateway itself
        outlive them."""
        statement = (
            "SELECT count(*) FROM data_key"
            " WHERE resource NOT LIKE 'keydomains/%' AND resource NOT LIKE 'gateway/%'"
        )
        ((rows,),) = self.select(statement)
        return int(rows)

    def staged(self) -> set[str]:
        return {file.name for file in self.staging.iterdir()}

    @staticmethod
    def until(condition: Callable[[], bool], seconds: float = 20) -> None:
        """Wait for something that a gateway does on its own."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.02)

    def files(self) -> Iterator[Path]:
        """Every file of the installation but the holder's own."""
        for file in self.folder.rglob("*"):
            if file.is_file() and self.data not in file.parents:
                yield file

    def files_with(self, secret: bytes) -> list[Path]:
        return [file for file in self.files() if secret in file.read_bytes()]


def with_canary(table: pa.Table, column: str = "email") -> pa.Table:
    values = pa.array([f"{CANARY}{row}@example.org" for row in range(table.num_rows)])
    return table.set_column(table.schema.get_field_index(column), column, values)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def site(nursery: Nursery, tmp_path: Path) -> Iterator[Site]:
    """A site on SQLite."""
    site = Site(nursery, tmp_path / "site")
    yield site
    site.close()


@pytest.fixture
def postgres_site(nursery: Nursery, tmp_path: Path, postgres_url: str) -> Iterator[Site]:
    """A site on a real PostgreSQL."""
    site = Site(nursery, tmp_path / "site", postgres_url)
    yield site
    site.close()


@pytest.fixture
def make_site() -> type[Site]:
    """For a site on a database that the test has of its own."""
    return Site
