"""Classification and what follows from it, through the client and the command line, on a real
server whose own worker does the work."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gateway.app.setup import initialise
from gateway.cli.demo_server import free_address, serving
from gateway.client import ClassificationFailed, Client, connect, plain
from gateway.errors import PermissionDenied
from gateway.model.catalog import Column, ParquetSource, PushedSource
from gateway.testing import residents
from tests.integration.test_affected_grants import POLICY

VERDICT = {"entity": "REGION", "grade": "general-4", "role": "quasi_identifier"}


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data" / "holder"

    def client(self, name: str) -> Client:
        return connect(self.folder / "clients" / name / "profile.yaml")

    def run(self, who: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gateway", *words, "--as", who],
            check=False,
            cwd=self.folder,
            env={
                **os.environ,
                "GATEWAY_HOME": str(self.folder),
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "COLUMNS": "200",
            },
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("classifying") / "installation"
    initialise(folder, listen=free_address())
    made = Site(folder)
    with serving(folder):
        with made.client("officer") as officer, made.client("second-officer") as second:
            draft = officer.create_policy(POLICY)
            second.activate_policy(draft.name, draft.version)
        yield made


def table(site: Site, name: str, rows: int = 200) -> ParquetSource:
    pq.write_table(residents(rows, 7), site.data / f"{name}.parquet")
    return ParquetSource(path=f"{name}.parquet")


def test_registering_waits_unless_told_not_to(site: Site) -> None:
    with site.client("holder") as holder:
        at_once = holder.register("at-once", table(site, "at-once"), title="A", wait=False)
        assert not any(column.entity for column in at_once.columns)
        assert plain(at_once)["classification"]["state"] in ("pending", "running")
        seen = [plain(now) for now in holder.watch_classification("at-once")]
        assert seen[-1]["state"] == "done"
        assert seen[-1]["columns_done"] == seen[-1]["columns_total"] == len(at_once.columns)
        told: list[str] = []
        waited = holder.register(
            "waited", table(site, "waited"), title="W", progress=lambda now: told.append(now.cause)
        )
        assert {column.name for column in waited.columns if not column.entity} == set()
        assert set(told) == {"registered"}


def test_pushing_waits_too_and_the_columns_are_of_what_was_pushed(site: Site) -> None:
    records = residents(300, 5).select(["phone"]).rename_columns(["c1"])
    columns = [Column(name="c1", type="string")]
    with site.client("holder") as holder:
        holder.register("heap", PushedSource(), title="H", columns=columns)
        pushed = holder.push("heap", records)
        assert [column.entity for column in pushed.columns] == ["CN_MOBILE"]
        again = holder.push("heap", records, wait=False)
        assert again.classification.number == pushed.classification.number + 1
        assert holder.classified("heap").classification.number == again.classification.number


def test_a_failure_says_what_to_do_and_doing_it_helps(site: Site) -> None:
    with site.client("holder") as holder:
        holder.register("lost", table(site, "lost"), title="L")
        file = site.data / "lost.parquet"
        file.rename(site.data / "away.parquet")
        with pytest.raises(ClassificationFailed, match="gateway dataset classify lost") as failed:
            holder.classify("lost")
        assert failed.value.reason == "SOURCE_UNAVAILABLE"
        shown = site.run("holder", "dataset", "show", "lost")
        assert "gateway dataset classify lost" in " ".join(shown.stdout.split())
        refused = site.run("holder", "dataset", "classify", "lost")
        assert refused.returncode != 0
        (site.data / "away.parquet").rename(file)
        assert holder.classify("lost").classification.failure_reason == ""
    with site.client("consumer") as consumer:
        assert consumer.dataset("lost").classification.cause == ""


def test_who_may_watch(site: Site) -> None:
    with site.client("holder") as holder:
        holder.register("watched", table(site, "watched"), title="W")
    for name in ("holder", "officer", "auditor"):
        with site.client(name) as client:
            assert [plain(c)["state"] for c in client.watch_classification("watched")] == ["done"]
    with site.client("consumer") as consumer, pytest.raises(PermissionDenied):
        list(consumer.watch_classification("watched"))


def test_a_verdict_until_a_day_and_the_grants_that_it_affects(site: Site) -> None:
    with site.client("holder") as holder, site.client("officer") as officer:
        holder.register("shared", table(site, "shared"), title="S")
        with site.client("consumer") as consumer:
            grant = consumer.request_grant("shared", ["district"], "study", justification="a test")
            holder.approve(grant, "yes")
            changed = officer.override(
                "shared", "district", **VERDICT, reason="few live there",
                until=datetime.now(UTC) + timedelta(days=3),
            )  # fmt: skip
            (struck,) = changed.affected_grants
            assert struck.grant == grant.name
            assert {r.code for r in struck.reasons} == {"APPROVAL_MISSING", "COLUMN_STRICTER"}
            assert not consumer.dataset("shared").affected_grants
            assert [g.name for g in consumer.grants(affected=True)] == [grant.name]
            assert {r.code for r in consumer.grant(grant.name).affected} == {
                r.code for r in struck.reasons
            }
            seen = next(c for c in consumer.dataset("shared").columns if c.name == "district")
            assert (seen.declared, seen.HasField("declaration")) == (True, False)
            assert not seen.HasField("found")
        column = next(c for c in changed.columns if c.name == "district")
        assert plain(column)["declaration"]["reason"] == "few live there"
        assert column.found.grade == "general-2"
    shown = " ".join(site.run("officer", "dataset", "show", "shared").stdout.split())
    assert "declared by the officer until" in shown
    assert grant.name in shown
    listed = site.run("consumer", "grant", "list", "--affected", "--json").stdout
    assert [g["name"] for g in json.loads(listed)] == [grant.name]


@pytest.mark.parametrize(
    ("until", "said"),
    [("yesterday", "a day such as"), ("2020-01-01", "later than now"), ("2099-12-31", None)],
)
def test_the_day_of_an_override_on_the_command_line(
    site: Site, until: str, said: str | None
) -> None:
    with site.client("holder") as holder:
        if not list(holder.search("dated")):
            holder.register("dated", table(site, "dated"), title="D")
    words = ("dataset", "override", "dated", "district", "--entity", "REGION", "--grade",
             "general-4", "--role", "quasi_identifier", "--reason", "a test", "--until", until,
             "--json")  # fmt: skip
    done = site.run("officer", *words)
    if said is not None:
        assert done.returncode != 0
        assert said in done.stderr
        return
    (column,) = [c for c in json.loads(done.stdout)["columns"] if c["name"] == "district"]
    # The last day is meant whole: it lapses when that is over.
    assert column["declaration"]["until"] == "2100-01-01T00:00:00+00:00"
