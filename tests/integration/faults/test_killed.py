"""Killed at any instant, a gateway leaves every release sealed and whole, or not readable.

One installation lives through all kills of a test, so that what one of them left behind would be
met by all that follow. Nothing here waits for a lease: a later process has a later clock.
"""

from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

import pyarrow as pa
import pytest

from gateway.api.pb import catalog_pb2, release_pb2
from gateway.client import Unreachable
from gateway.client.streams import pieces
from gateway.errors import FailedPrecondition
from gateway.model.catalog import Column, ParquetSource, PushedSource
from gateway.testing import residents
from gateway.verify import verify_certificate

KILLED = -9
SEALED = release_pb2.RELEASE_STATE_SEALED


def at(point: str, call: int = 1, when: str = "before") -> dict[str, object]:
    return {"point": point, "call": call, "when": when}


# In the order in which a journey meets them. A commit is a charge, the taking up, the seal, or an
# entry of the audit log.
POINTS = [
    at("open"),
    at("wrap"),
    *(at("commit", call, when) for call in (1, 2, 3, 4, 5) for when in ("before", "after")),
    at("take", when="after"),
    at("unwrap"),
    at("source", call=2),
    at("create", when="after"),
    at("write", call=2),
    at("write", call=3, when="torn"),
    at("write", call=3, when="after"),
    at("publish"),
    at("rename"),
    at("rename", when="after"),
    at("publish", when="after"),
    at("seal"),
    at("sign"),
    at("sign", when="after"),
]
INSTANTS = [{"after_ms": 3 + 11 * number} for number in range(14)]


@dataclass
class Journey:
    """One request: how often it is asked, the gateway shall do it once."""

    request_id: str
    release: str | None = None


class Traveller:
    """A consumer who goes on where the gateway died, and looks at everything it promised."""

    def __init__(self, site) -> None:
        self.site = site
        self.journeys: list[Journey] = []

    def begin(self, gateway) -> None:
        """Ask for a release and read it, as long as there is a gateway."""
        consumer = gateway.client("consumer")
        with suppress(Unreachable):
            journey = self.journeys[-1]
            journey.release = gateway.ask(journey.request_id).name
            consumer.read(consumer.wait(journey.release))

    def finish(self, gateway) -> None:
        """The same request again, after a restart."""
        journey, consumer = self.journeys[-1], gateway.client("consumer")
        release = gateway.ask(journey.request_id)
        assert journey.release in (None, release.name)
        journey.release = release.name
        self.whole_or_unreadable(consumer, release.name)
        sealed = consumer.wait(release.name)
        self.whole_or_unreadable(consumer, release.name)
        self.charged_once(release.name, sealed.rows)
        verified = gateway.client("auditor").verify_audit()
        assert verified.whole, verified.fault
        consumer_sees = [r.name for r in consumer.releases()]
        assert len(consumer_sees) == len(set(consumer_sees)) == len(self.journeys)
        if len(self.journeys) % 4:
            gateway.client("holder").recall(release.name, "to make room")

    def whole_or_unreadable(self, consumer, name: str) -> None:
        if consumer.release(name).state != SEALED:
            with suppress(FailedPrecondition):  # unless it was sealed while we asked
                consumer.read(name)
                assert consumer.release(name).state == SEALED
            return
        table = consumer.read(name)  # which compares it with the hash in the record
        verified = verify_certificate(consumer.certificate(name), consumer.public_key())
        hashes = {subject.digests["sha256"] for subject in verified.statement.subject}
        assert hashes == {consumer.release(name).stream_sha256}
        assert verified.predicate.rows == table.num_rows == 4000

    def charged_once(self, name: str, rows: int) -> None:
        assert self.site.select("SELECT rows FROM charge WHERE release = :name", name=name) == [
            (rows,)
        ]
        ((charges,),) = self.site.select("SELECT count(*) FROM charge")
        assert charges == len(self.journeys)

    def survive(self, breaks: list[dict[str, object]]) -> None:
        """One gateway after another: each takes up what the one before it left, then dies."""
        for broken in breaks:
            request_id = uuid4().hex
            with self.site.running(breaks=[broken], armed_by=request_id) as gateway:
                if self.journeys:
                    self.finish(gateway)
                self.journeys.append(Journey(request_id))
                self.begin(gateway)
                if "after_ms" in broken:
                    gateway.kill()
                else:
                    assert gateway.await_end() == KILLED, broken
            assert not self.site.files_with(self.site.canary.encode()), broken
            self.site.later()
        with self.site.running() as gateway:
            self.finish(gateway)
            assert gateway.stop() == 0
        with self.site.running() as gateway:
            kept = {journey.release for journey in self.journeys[3::4]}
            self.site.until(lambda: len(self.site.staged()) == len(kept))
            for name in kept:
                self.whole_or_unreadable(gateway.client("consumer"), name)
                assert gateway.client("consumer").release(name).state == SEALED


@pytest.mark.slow
def test_a_gateway_killed_at_every_step_of_a_release_loses_and_doubles_nothing(site) -> None:
    with site.running() as gateway:
        site.prepare(gateway)
    Traveller(site).survive(POINTS)


@pytest.mark.slow
def test_a_gateway_killed_at_any_instant_loses_and_doubles_nothing(site) -> None:
    with site.running() as gateway:
        site.prepare(gateway)
    Traveller(site).survive(INSTANTS)


@pytest.mark.slow
@pytest.mark.postgres
def test_the_same_holds_on_postgresql(postgres_site) -> None:
    with postgres_site.running() as gateway:
        postgres_site.prepare(gateway)
    commits = [point for point in POINTS if point["point"] == "commit"]
    Traveller(postgres_site).survive([*commits, at("publish"), at("rename", when="after")])


def test_a_release_whose_gateways_all_die_fails_in_the_end_and_is_not_readable(site) -> None:
    with site.running() as gateway:
        site.prepare(gateway)
    request_id = uuid4().hex
    with site.running(breaks=[at("run")]) as gateway:
        with suppress(Unreachable):
            gateway.ask(request_id)
        assert gateway.await_end() == KILLED
    for _ in range(2):
        site.later()
        # Nobody asks: each gateway takes it up by itself as soon as it starts.
        assert site.start(breaks=[at("seal")]).await_end() == KILLED
    site.later()
    with site.running() as gateway:
        consumer = gateway.client("consumer")
        release = gateway.ask(request_id)
        site.until(lambda: consumer.release(release).state == release_pb2.RELEASE_STATE_FAILED)
        assert consumer.release(release).ending_reason == "INTERRUPTED"
        with pytest.raises(FailedPrecondition):
            consumer.read(release)
        assert site.data_keys() == 0
        assert site.select("SELECT count(*) FROM charge") == [(1,)]
        assert gateway.client("auditor").verify_audit().whole
    with site.running():
        site.until(lambda: not site.staged())


@pytest.mark.parametrize(
    "broken",
    [at("classify"), at("classify", when="after"), at("keep", when="after")],
    ids=lambda broken: f"{broken['when']}-{broken['point']}",
)
def test_a_classification_whose_gateway_dies_is_done_by_the_next_and_once(site, broken) -> None:
    site.write(residents(500, 7))
    source = ParquetSource(path="residents.parquet")
    with site.running(breaks=[broken]) as gateway:
        with suppress(Unreachable):
            gateway.client("holder").register("residents", source, title="R", wait=False)
        assert gateway.await_end() == KILLED
    site.later()
    with site.running() as gateway:
        found = gateway.client("holder").classified("residents")
        assert all(column.entity for column in found.columns)
        entries = [entry.action for entry in gateway.client("auditor").audit_entries()]
        assert entries.count("dataset.classified") == 1


@pytest.mark.parametrize(
    "broken",
    [at("commit"), at("commit", when="after"), at("destroy"), at("destroy", when="after")],
    ids=lambda broken: f"{broken['when']}-{broken['point']}",
)
def test_a_recall_that_is_killed_has_happened_or_not_and_its_retry_completes_it(
    site, broken
) -> None:
    request_id = uuid4().hex
    with site.running(breaks=[broken], armed_by=request_id) as gateway:
        site.prepare(gateway)
        consumer, holder = gateway.client("consumer"), gateway.client("holder")
        release = consumer.wait(gateway.ask())
        recall = release_pb2.RecallReleaseRequest(
            request_id=request_id, name=release.name, reason="published by mistake"
        )
        with pytest.raises(Unreachable):
            holder._link.call(holder._releases.RecallRelease, recall)
        assert gateway.await_end() == KILLED
    with site.running() as gateway:
        consumer, holder = gateway.client("consumer"), gateway.client("holder")
        recalled = broken != at("commit")
        assert (consumer.release(release).state == SEALED) is not recalled
        if recalled:
            with pytest.raises(FailedPrecondition):
                consumer.read(release)
        else:
            assert consumer.read(release).num_rows == 4000
        holder._link.call(holder._releases.RecallRelease, recall)
        with pytest.raises(FailedPrecondition):
            consumer.read(release)
        site.until(lambda: not site.staged())


PUSH = [
    at("receive"),
    at("write", call=2),
    at("rename", when="after"),
    at("receive", when="after"),
    at("commit"),
    at("commit", when="after"),
    at("destroy"),
]


def test_pushed_records_are_the_old_or_the_new_ones_when_the_gateway_dies(site) -> None:
    table = residents(3000, 5).select(["name", "district", "email"])
    columns = tuple(Column(name=f.name, type=str(f.type)) for f in table.schema)
    with site.running() as gateway:
        holder = gateway.client("holder")
        holder.register("pushed", PushedSource(), title="Pushed", columns=columns)
        holder.push("pushed", table.slice(0, 1000))
    rows = 1000
    for number, broken in enumerate(PUSH):
        request_id, more = uuid4().hex, 1001 + number
        with site.running(breaks=[broken], armed_by=request_id) as gateway:
            with pytest.raises(Unreachable):
                push(gateway, table.slice(0, more), request_id)
            assert gateway.await_end() == KILLED
        with site.running() as gateway:
            found = gateway.client("holder").dataset("pushed").rows
            assert found in (rows, more)
            assert site.data_keys() == 1
            push(gateway, table.slice(0, more), request_id)
            rows = gateway.client("holder").dataset("pushed").rows
            assert rows == more


def push(gateway, table: pa.Table, request_id: str) -> None:
    """As the client does it, with a request id of our own."""
    holder = gateway.client("holder")

    def messages():
        header = catalog_pb2.PushRecordsHeader(request_id=request_id, dataset="datasets/pushed")
        yield catalog_pb2.PushRecordsRequest(header=header)
        for piece in pieces(table):
            yield catalog_pb2.PushRecordsRequest(payload=piece)

    holder._link.attempt(lambda: holder._catalog.PushRecords(messages(), timeout=20))
