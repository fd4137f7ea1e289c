"""Issuing a release again through a real server over TLS, from Python and the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gateway.app.setup import initialise
from gateway.cli.demo_server import free_address, serving
from gateway.client import Denied, connect, plain
from gateway.errors import FailedPrecondition, InvalidRequest, PermissionDenied
from gateway.model.catalog import ParquetSource
from gateway.testing import residents

ROOT = Path(__file__).parents[2]
POLICY = """
format: gateway-policy/1
name: policies/again
purposes: {study: A study.}
rules:
  - name: identity-numbers
    match: {entity: [CN_RESIDENT_ID]}
    transform: {kind: token, scope: project}
  - name: districts
    match: {column: [district]}
    transform: {kind: keep}
"""
COLUMNS = ["resident_id", "district"]


@pytest.fixture
def folder(tmp_path: Path):
    folder = tmp_path / "installation"
    initialise(folder, listen=free_address())
    pq.write_table(residents(200, 5), folder / "data" / "holder" / "residents.parquet")
    with serving(folder):
        yield folder


def test_the_same_rows_for_another_project_and_for_renewed_keys(folder: Path) -> None:
    def client(party: str):
        return connect(folder / "clients" / party / "profile.yaml")

    def gateway(*words: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "gateway", *words],
            check=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        ).stdout

    with client("holder") as holder, client("officer") as officer, client("consumer") as consumer:
        holder.register("residents", ParquetSource(path="residents.parquet"), title="R")
        draft = officer.create_policy(POLICY)
        with client("second-officer") as second:
            second.activate_policy(draft.name, draft.version)

        def grant(project: str | None) -> None:
            asked = consumer.request_grant(
                "residents", COLUMNS, "study", justification="j", project=project
            )
            for approver in (holder, officer):
                if plain(asked)["state"] == "requested":
                    asked = approver.approve(asked, "yes")

        grant("one")
        first = consumer.wait(consumer.request("residents", COLUMNS, "study", project="one"))
        before = consumer.read(first)
        with pytest.raises(FailedPrecondition, match="every token") as same:
            consumer.reissue(first)
        assert same.value.reason == "SAME_KEYS"
        with pytest.raises(Denied) as denied:
            consumer.reissue(first, project="two")
        assert [code for code, _ in denied.value.reasons] == ["GRANT_NARROWER"]
        with pytest.raises(InvalidRequest, match="3 to 63"):
            consumer.reissue(first, project="No Project")
        with pytest.raises(InvalidRequest, match="or neither"):
            consumer.reissue(first, project="two", without_project=True)
        with pytest.raises(PermissionDenied):
            holder.reissue(first)
        grant("two")
        second_one = consumer.wait(consumer.reissue(first, project="two", keep_original=True))
        assert second_one.reissue_of == first.name
        assert consumer.release(first).reissued_as == second_one.name
        after = consumer.read(second_one)
        assert sorted(after["district"].to_pylist()) == sorted(before["district"].to_pylist())
        assert not set(after["resident_id"].to_pylist()) & set(before["resident_id"].to_pylist())
        grant(None)
        third = consumer.wait(consumer.reissue(second_one, without_project=True))
        assert plain(consumer.release(second_one))["state"] == "recalled"

        # On the command line, once an officer began another version of the keys.
        for domain in officer.key_domains():
            officer.renew_key_domain(domain.name)
        told = json.loads(gateway("release", "reissue", third.name, "--as", "consumer", "--json"))
        assert (told["state"], told["reissue_of"], told["rows"]) == ("sealed", third.name, 200)
