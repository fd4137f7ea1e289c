"""An office: a whole gateway without its network, on a real store, with a clock that tests set."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gateway.app.compose import Rooms, compose
from gateway.app.setup import initialise
from gateway.config import Secret, Settings, load
from gateway.model.access import ExtractRequest, Grant, Verdict
from gateway.model.catalog import DataSet, DataSetDraft, ParquetSource, Party
from gateway.model.lifecycle import ClassificationState
from gateway.model.names import RecipientKind, Role
from gateway.model.release import Release
from gateway.model.requests import RequestKey
from gateway.testing import residents

COLUMNS = ("name", "resident_id", "phone", "district", "sex", "birth_date", "income")
PURPOSE = "public-health-research"
STUDY = (Path(__file__).parent / "study.yaml").read_text("utf-8")


@dataclass
class HandClock:
    """Implements ports.Clock; stands still unless moved."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


def key(method: str = "test", request_id: str | None = None, digest: str = "0" * 64) -> RequestKey:
    return RequestKey(
        method=method, request_id=request_id or uuid.uuid4().hex, request_digest=digest
    )


class Office:
    """The rooms of one gateway, its parties, and the steps that every journey begins with."""

    def __init__(self, folder: Path, settings: Settings, clock: HandClock) -> None:
        self.folder = folder
        self.settings = settings
        self.clock = clock
        self.rooms: Rooms = compose(settings, clock)
        self.holder = self.party("holder")
        self.consumer = self.party("consumer")
        self.officer = self.party("officer")
        self.second_officer = self.party("second-officer")
        self.auditor = self.party("auditor")

    key = staticmethod(key)

    def party(self, identifier: str) -> Party:
        with self.rooms.store.read() as tx:
            party = tx.party(f"parties/{identifier}")
        assert party is not None
        return party

    def another(self, identifier: str, role: Role, kind: RecipientKind) -> Party:
        party = Party(name=f"parties/{identifier}", role=role, kind=kind, display_name=identifier)
        with self.rooms.store.write() as tx:
            tx.put_party(party)
        return party

    @property
    def data(self) -> Path:
        return self.folder / "data" / "holder"

    def register(self, table: pa.Table | None = None, name: str = "residents") -> DataSet:
        pq.write_table(residents(500, 7) if table is None else table, self.data / f"{name}.parquet")
        draft = DataSetDraft(
            name=f"datasets/{name}", title=name, source=ParquetSource(path=f"{name}.parquet")
        )
        self.rooms.catalog.register(self.holder, draft, key())
        return self.classified(draft.name)

    def classified(self, name: str = "datasets/residents") -> DataSet:
        """The data set once its classification, which the holder or an officer asked for, ran."""
        self.rooms.classifier.run(name)
        newest = self.rooms.catalog.classification(self.holder, name)
        assert newest is not None
        assert newest.state is ClassificationState.DONE, newest.ending
        return self.rooms.catalog.get(self.holder, name)

    def activate(self, text: str | None = None) -> None:
        text = text or STUDY
        draft = self.rooms.policies.create(self.officer, text, key())
        self.rooms.policies.activate(self.second_officer, draft.name, draft.version, key())

    def request(self, columns: Sequence[str] = COLUMNS, **fields: object) -> ExtractRequest:
        return ExtractRequest.model_validate(
            {
                "dataset": "datasets/residents",
                "columns": tuple(columns),
                "purpose": PURPOSE,
                **fields,
            }
        )

    def grant(self, request: ExtractRequest, days: int = 10, who: Party | None = None) -> Grant:
        expires = self.clock.now() + timedelta(days=days)
        grants = self.rooms.grants
        grant = grants.request(who or self.consumer, request, "a study", None, expires, key())
        for approver in (self.holder, self.officer):
            if approver.role in grant.missing:
                grant = grants.answer(
                    approver, grant.name, Verdict.APPROVED, "fits", grant.revision, key()
                )
        return grant

    def open(self, request: ExtractRequest | None = None) -> Release:
        return self.rooms.opening.open(self.consumer, request or self.request(), key())

    def sealed(self) -> Release:
        """A release with everything before it: registered, permitted, granted, run."""
        self.register()
        self.activate()
        self.grant(self.request())
        release = self.open()
        self.rooms.runner.run(release.name)
        return self.look(release)

    def look(self, release: Release) -> Release:
        return self.rooms.custody.get(self.consumer, release.name)

    def stream(self, release: Release, who: Party | None = None) -> bytes:
        chunks = self.rooms.custody.read(who or self.consumer, release.name, 0)
        return b"".join(chunk.payload for chunk in chunks)

    def table(self, release: Release) -> pa.Table:
        return pa.ipc.open_stream(self.stream(release)).read_all()

    def actions(self) -> list[tuple[str, str]]:
        return [(e.event.action, e.event.outcome) for e in self.rooms.trail.entries(0, 1000)]


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """A folder made by ``gateway init``."""
    initialise(tmp_path / "installation")
    return tmp_path / "installation"


@pytest.fixture
def office(installation: Path) -> Iterator[Office]:
    """An office on SQLite."""
    yield from _office(installation, load(installation / "gateway.yaml"))


@pytest.fixture
def postgres_office(installation: Path, postgres_url: str) -> Iterator[Office]:
    """An office whose store is a real PostgreSQL."""
    settings = load(installation / "gateway.yaml")
    # A state folder of its own: the checkpoints of the other database would rightly not fit.
    state = installation / "state-postgres"
    state.mkdir(mode=0o700)
    elsewhere = settings.model_copy(update={"store": Secret(text=postgres_url), "state": state})
    sqlite = compose(settings)
    target = compose(elsewhere)
    with sqlite.store.read() as here, target.store.write() as there:
        for name in ("holder", "consumer", "officer", "second-officer", "auditor"):
            party = here.party(f"parties/{name}")
            assert party is not None
            there.put_party(party)
    sqlite.close()
    target.close()
    yield from _office(installation, elsewhere)


def _office(folder: Path, settings: Settings) -> Iterator[Office]:
    office = Office(folder, settings, HandClock())
    try:
        yield office
    finally:
        office.rooms.close()


@pytest.fixture
def office_of(installation: Path) -> Iterator[Callable[[Settings], Office]]:
    """Opens an office with settings of the test's own."""
    with ExitStack() as stack:

        def opened(settings: Settings) -> Office:
            office = Office(installation, settings, HandClock())
            stack.callback(office.rooms.close)
            return office

        yield opened


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_office(request: pytest.FixtureRequest) -> Office:
    """The same office on each store."""
    name = {"sqlite": "office", "postgres": "postgres_office"}[request.param]
    found: Office = request.getfixturevalue(name)
    return found
