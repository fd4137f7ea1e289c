"""The Python client against a real server in a process of its own, faults included."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.app.authority import DevelopmentAuthority, Issued
from gateway.app.setup import initialise
from gateway.cli.demo_server import free_address, serving
from gateway.client import Client, Denied, DeniedRecords, Profile, Unreachable, connect, plain
from gateway.client.link import Link
from gateway.errors import (
    Conflict,
    FailedPrecondition,
    InvalidRequest,
    KeyServiceUnavailable,
    NotFound,
    PermissionDenied,
    RecordsRejected,
    Unauthenticated,
)
from gateway.model.catalog import Column, ParquetSource, PushedSource
from gateway.testing import residents
from tests.integration.conftest import STUDY

ROWS = 60_000
PURPOSE = "public-health-research"
COLUMNS = ["name", "resident_id", "district", "income"]
ISSUER = "https://issuer.example"


class Installation:
    """A folder made by ``gateway init``, with a data set, policies and a grant."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = free_address()
        self.bearer = free_address()
        self.signing = ec.generate_private_key(ec.SECP256R1())
        config = initialise(folder, listen=self.address)
        public = self.signing.public_key()
        (folder / "issuer.pem").write_bytes(
            public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        settings = yaml.safe_load(config.read_text("utf-8"))
        settings["server"]["listen_bearer"] = self.bearer
        issuer = {"issuer": ISSUER, "audience": "gateway", "keys": str(folder / "issuer.pem")}
        settings["server"]["issuers"] = [issuer]
        config.write_text(yaml.safe_dump(settings), encoding="utf-8")
        pq.write_table(residents(ROWS, 5), folder / "data" / "holder" / "residents.parquet")

    def client(self, name: str) -> Client:
        return connect(self.folder / "clients" / name / "profile.yaml")

    def fill(self) -> None:
        with self.client("holder") as holder, self.client("officer") as officer:
            holder.register("residents", ParquetSource(path="residents.parquet"), title="R")
            draft = officer.create_policy(STUDY)
            with self.client("second-officer") as second:
                second.activate_policy(draft.name, draft.version)
            with self.client("consumer") as consumer:
                grant = consumer.request_grant(
                    "residents", COLUMNS, PURPOSE, justification="a test", days=5
                )
            holder.approve(grant, "yes")
            officer.approve(grant.name, "yes")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("client") / "installation")
    with serving(made.folder):
        made.fill()
        yield made


@pytest.fixture
def consumer(installation: Installation) -> Iterator[Client]:
    with installation.client("consumer") as client:
        yield client


@pytest.fixture
def holder(installation: Installation) -> Iterator[Client]:
    with installation.client("holder") as client:
        yield client


@pytest.fixture
def officer(installation: Installation) -> Iterator[Client]:
    with installation.client("officer") as client:
        yield client


def test_reading_is_the_same_in_every_form(consumer: Client, tmp_path: Path) -> None:
    seen: list[str | None] = []
    release = consumer.wait(
        consumer.request("residents", COLUMNS, PURPOSE),
        lambda now: seen.append(plain(now)["state"]),
    )
    assert seen[-1] == "sealed"
    table = consumer.read(release)
    assert table.num_rows == ROWS
    rows: list[int] = []
    assert pa.Table.from_batches(consumer.batches(release.name, rows.append)).equals(table)
    assert rows == sorted(rows)
    assert rows[-1] == ROWS
    frame = consumer.to_pandas(release)
    assert list(frame.columns) == table.column_names
    assert len(frame) == ROWS
    for name in ("x.arrows", "x.parquet", "x.csv"):
        path = consumer.save(release, tmp_path / name)
        assert consumer.verify(release, path).predicate.rows == ROWS
    assert consumer.verify(release).file_check is None


def test_a_request_id_of_ones_own_makes_one_release(consumer: Client) -> None:
    asked = [
        consumer.request("residents", COLUMNS, PURPOSE, request_id="my-program-0001", limit=5)
        for _ in range(2)
    ]
    assert asked[0].name == asked[1].name
    assert consumer.wait(asked[0]).rows == 5


def test_denials_carry_their_reasons(consumer: Client) -> None:
    with pytest.raises(Denied) as denied:
        consumer.request("residents", [*COLUMNS, "phone"], PURPOSE)
    assert [code for code, _ in denied.value.reasons] == ["GRANT_NARROWER"]
    assert plain(denied.value.release)["state"] == "denied"
    preview = consumer.preview("residents", ["phone"], PURPOSE)
    assert plain(preview)["decision"]["outcome"] == "denied"
    assert preview.name == ""


def test_filters_and_errors_are_told_as_they_are(consumer: Client) -> None:
    district = residents(10, 5)["district"][0].as_py()
    release = consumer.request("residents", COLUMNS, PURPOSE, filters=[f"district = {district}"])
    assert set(consumer.read(consumer.wait(release))["district"].to_pylist()) == {district}
    with pytest.raises(InvalidRequest) as caught:
        consumer.request("residents", ["nmae", "incmoe"], PURPOSE)
    assert len(caught.value.violations) == 2
    with pytest.raises(InvalidRequest, match="purpose"):
        consumer.preview("residents", COLUMNS, "advertising")
    with pytest.raises(NotFound):
        consumer.dataset("nothing-here")
    with pytest.raises(PermissionDenied):
        list(consumer.audit_entries())


def test_an_answer_to_what_changed_since_it_was_read_is_refused(
    consumer: Client, holder: Client, officer: Client
) -> None:
    grant = consumer.request_grant("residents", COLUMNS, PURPOSE, justification="again", days=1)
    holder.approve(grant, "yes")
    with pytest.raises(Conflict):
        officer.approve(grant, "as I read it first")
    assert plain(officer.refuse(grant.name, "no need"))["state"] == "refused"
    with pytest.raises(FailedPrecondition):
        consumer.revoke(grant, "too late")
    assert plain(consumer.grant(grant.name))["approvals"][-1]["reason"] == "no need"


def test_records_are_pushed_whole_or_not_at_all(holder: Client) -> None:
    table = residents(70_000, 9).select(["name", "district", "income"])
    columns = [Column(name=f.name, type=str(f.type)) for f in table.schema]
    holder.register("pushed", PushedSource(), title="P", columns=columns)
    assert holder.push("pushed", table).rows == 70_000
    assert holder.push("pushed", table.slice(0, 10).to_reader()).rows == 10
    wrong = table.set_column(2, "income", table["name"])
    with pytest.raises((RecordsRejected, InvalidRequest), match="income"):
        holder.push("pushed", wrong)

    def breaking() -> Iterator[pa.RecordBatch]:
        yield from table.to_batches(max_chunksize=30_000)[:2]
        raise RecordsRejected("row 60001: is wrong")

    with pytest.raises(RecordsRejected, match="row 60001"):
        holder.push("pushed", pa.RecordBatchReader.from_batches(table.schema, breaking()))
    assert holder.dataset("pushed").rows == 10


def test_data_sets_are_described_refreshed_and_withdrawn(
    holder: Client, officer: Client, installation: Installation
) -> None:
    path = installation.folder / "data" / "holder" / "small.parquet"
    pq.write_table(residents(50, 1), path)
    holder.register("small", ParquetSource(path="small.parquet"), title="Before")
    assert holder.update("small", title="After", keywords=["few"]).title == "After"
    assert [d.name for d in holder.search("few")] == ["datasets/small"]
    pq.write_table(residents(60, 1), path)
    assert holder.refresh("small").rows == 60
    verdict = {"entity": "NONE", "grade": "general-1", "role": "other"}
    overridden = officer.override("small", "district", **verdict, reason="a test")
    assert next(c for c in overridden.columns if c.name == "district").grade == "general-1"
    assert next(c for c in holder.classify("small").columns if c.name == "district").declared
    assert plain(holder.withdraw("small"))["state"] == "withdrawn"
    with pytest.raises(InvalidRequest, match="say what to change"):
        holder.update("residents")


def test_policies_are_tried_out(officer: Client) -> None:
    text = STUDY
    assert not [f for f in officer.lint_policy(text) if f.severity == "error"]
    explained = officer.explain("consumer", "residents", COLUMNS, PURPOSE)
    assert any("income" in line for line in explained.lines)
    stricter = text.replace("width: 10000", "width: 50000")
    assert stricter != text
    changes = plain(officer.diff_policy("study", text=stricter))
    assert changes["compared"] > 0
    assert all("income" in " ".join(change["changes"]) for change in changes["changed"])
    draft = officer.create_policy(stricter)
    assert plain(officer.retire_policy(draft.name, draft.version))["state"] == "retired"
    assert {p.version for p in officer.policies()} >= {1, 2}


def test_ones_own_records_are_protected(consumer: Client) -> None:
    table = residents(300, 4).select(["name", "district"])
    asked = {"policy": "study", "purpose": PURPOSE, "recipient_kind": "research"}
    decision, protected = consumer.protect(table, **asked)
    assert decision.columns[0].transform == "mask_form"
    assert protected.num_rows == 300
    assert protected["district"].equals(table["district"])
    with pytest.raises(DeniedRecords, match="NO_"):
        consumer.protect(pa.table({"unheard_of": [b"\x00\x01"]}), **asked)
    texts = consumer.protect_texts(["call 13800138000", "nothing"])
    assert "13800138000" not in texts[0][0]
    assert texts[1] == ("nothing", ())


def test_a_bearer_token_is_an_identity(installation: Installation, tmp_path: Path) -> None:
    with installation.client("admin") as admin:
        admin.add_party(
            "person", role="auditor", kind="government", subjects=[f"{ISSUER}|somebody"]
        )
    token = tmp_path / "token"
    token.touch(0o600)
    profile = Profile(
        installation.bearer,
        installation.folder / "clients" / "admin" / "authority.pem",
        token_file=token,
    )

    def write(**claims: object) -> None:
        now = datetime.now(UTC)
        usual = {"iss": ISSUER, "aud": "gateway", "sub": "somebody", "iat": now, "nbf": now}
        content = usual | {"exp": now + timedelta(minutes=5)} | claims
        token.write_text(jwt.encode(content, installation.signing, algorithm="ES256"))

    with connect(profile) as client:
        write()
        assert client.whoami().name == "parties/person"
        assert client.verify_audit().whole
        # The file is read for every call: a renewed token needs no new connection.
        write(iss="https://other.example")
        with pytest.raises(Unauthenticated):
            client.whoami()
        token.chmod(0o644)
        with pytest.raises(Unauthenticated, match="chmod 600") as caught:
            client.whoami()
        assert caught.value.reason == "TOKEN_UNREADABLE"


def test_a_foreign_or_ended_certificate_gets_no_connection(
    installation: Installation, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    tls = installation.folder / "tls"
    ours = DevelopmentAuthority(
        Issued((tls / "authority.pem").read_bytes(), (tls / "authority.key").read_bytes())
    )

    def refused(issued: Issued) -> Exception:
        (tmp_path / "c.pem").write_bytes(issued.certificate)
        (tmp_path / "k").unlink(missing_ok=True)
        (tmp_path / "k").touch(0o600)
        (tmp_path / "k").write_bytes(issued.private_key)
        profile = Profile(
            installation.address, tls / "authority.pem", tmp_path / "c.pem", tmp_path / "k"
        )
        link = Link.open(profile)
        link._pause = lambda _: None
        with Client(link) as client, pytest.raises((Unauthenticated, Unreachable)) as caught:
            client.whoami()
        return caught.value

    foreign = DevelopmentAuthority.create(now).issue_party("consumer", now)
    assert isinstance(refused(foreign), Unreachable)
    ended = ours.issue_party("consumer", now - timedelta(days=9), timedelta(days=1))
    assert "your certificate ended" in str(refused(ended))


def test_what_is_wrong_with_the_gateways_keys_is_told_to_nobody_but_whoever_runs_it(
    installation: Installation, consumer: Client
) -> None:
    ring = installation.folder / "keys" / "ring.json"
    sealed = consumer.wait(consumer.request("residents", COLUMNS, PURPOSE, limit=5))
    ring.chmod(0o644)
    ring.touch()  # what a new file looks like: it is read again
    try:
        for attempt in (
            lambda: consumer.request("residents", COLUMNS, PURPOSE, limit=5),
            lambda: consumer.read(sealed),
        ):
            with pytest.raises(KeyServiceUnavailable, match="a key of the gateway") as caught:
                attempt()
            told = f"{caught.value.message} {dict(caught.value.metadata)} {caught.value.violations}"
            assert caught.value.reason == "KEY_UNAVAILABLE"
            assert caught.value.metadata["incident"] in caught.value.message
            for inner in (str(installation.folder), "ring", "chmod", "open to"):
                assert inner not in told
    finally:
        ring.chmod(0o600)
        ring.touch()
    assert consumer.read(sealed).num_rows == 5


def test_a_server_that_is_killed_and_started_again_is_read_on(tmp_path: Path) -> None:
    made = Installation(tmp_path / "installation")
    with ExitStack() as second, made.client("consumer") as consumer:
        with serving(made.folder):
            made.fill()
            release = consumer.wait(consumer.request("residents", COLUMNS, PURPOSE))
            whole = consumer.read(release)
            batches = consumer.batches(release)
            received = [next(batches)]
        # Its process is over, in the middle of the stream. Another one comes up while the
        # client is already trying again.
        coming = threading.Thread(target=lambda: second.enter_context(serving(made.folder)))
        coming.start()
        received.extend(batches)
        coming.join()
        assert pa.Table.from_batches(received).equals(whole)
        outcomes = []
        with made.client("auditor") as auditor:
            outcomes = [
                json.loads(e.canonical_json)["event"]["outcome"]
                for e in auditor.audit_entries()
                if e.action == "release.read"
            ]
            assert auditor.verify_audit().whole
        assert outcomes.count("ok") >= 2
