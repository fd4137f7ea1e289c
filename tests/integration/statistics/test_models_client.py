"""A model asked for by the client, over mutual TLS, from a server in a process of its own."""

import base64
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from gateway.app.setup import initialise
from gateway.cli.demo_server import free_address, serving
from gateway.cli.main import program
from gateway.client import Client, connect
from gateway.errors import InvalidRequest, QuotaExhausted, VerificationFailed
from gateway.model.catalog import ParquetSource
from gateway.testing import residents
from gateway.verify import verify_certificate, verify_file
from tests.integration.statistics.conftest import COUNTING, PURPOSE

FEATURES = {"income": ("0", "300000")}


@pytest.mark.timeout(180)
def test_a_client_trains_a_model_within_its_budget(tmp_path: Path) -> None:
    folder = tmp_path / "installation"
    initialise(folder, listen=free_address())
    pq.write_table(residents(3000, 5), folder / "data" / "holder" / "residents.parquet")

    def client(name: str):
        return connect(folder / "clients" / name / "profile.yaml")

    with (
        serving(folder),
        client("holder") as holder,
        client("officer") as officer,
        client("second-officer") as second,
        client("consumer") as consumer,
    ):
        source = ParquetSource(path="residents.parquet")
        holder.register("residents", source, title="R", privacy_unit="resident_id")
        draft = officer.create_policy(COUNTING)
        second.activate_policy(draft.name, draft.version)
        columns = ["resident_id", "sex", "income"]
        grant = consumer.request_grant("residents", columns, PURPOSE, justification="t", days=5)
        holder.approve(grant, "yes")
        officer.approve(grant.name, "yes")
        for recipient in ("consumer", None):
            proposed = officer.propose_budget(
                epsilon="3", delta="1e-6", reason="t", dataset="residents", recipient=recipient
            )
            second.approve_budget(proposed)
        model = consumer.fit_model(
            "standard_scaler", "residents", PURPOSE, FEATURES, epsilon="2", rows=3000
        )
        assert 0 < model.parameters["means"][0] < 300_000
        assert model.card["model"]["rows"] == 3000
        assert model.answer.price.epsilon == "2"
        with pytest.raises(QuotaExhausted):
            consumer.fit_model(
                "k_means", "residents", PURPOSE, FEATURES, epsilon="2", rows=3000, clusters=2
            )
        for wrong in ({"epsilon": "0"}, {"rows": 0}, {"clusters": 2}):
            asked = {"epsilon": "0.1", "rows": 3000, **wrong}
            with pytest.raises(InvalidRequest):
                consumer.fit_model("standard_scaler", "residents", PURPOSE, FEATURES, **asked)
        command_saves_what_verifies(folder, tmp_path, consumer)
        command_says_what_of_a_person_counts(folder)
        sql = "SELECT sex, COUNT(*) AS n FROM residents GROUP BY sex"
        found = consumer.query(
            sql, "residents", PURPOSE, epsilon="0.2", delta="1e-7",
            groups=1, rows=1, minimum_frequency=1_000_000,
        )  # fmt: skip
        assert found.num_rows == 0  # there are not so many persons
        with pytest.raises(InvalidRequest, match="kind"):
            consumer.fit_model("oracle", "residents", PURPOSE, FEATURES, epsilon="1", rows=3000)


def command_says_what_of_a_person_counts(folder: Path) -> None:
    asked = [
        "query", 'SELECT COUNT(*) AS "[/red]" FROM residents', "--dataset", "residents",
        "--purpose", PURPOSE, "--epsilon", "0.1", "--rows", "2",
        "--profile", str(folder / "clients" / "consumer" / "profile.yaml"),
    ]  # fmt: skip
    for more in (["--dry-run"], []):
        told = CliRunner().invoke(program, [*asked, *more])
        assert told.exit_code == 0, told.output
        assert "[/red]" in told.stdout
        assert "at most 1 group, and 2 rows in each" in told.stdout
        assert "rows beyond these bounds are not in it" in " ".join(told.stdout.split())


def command_saves_what_verifies(folder: Path, out: Path, consumer: Client) -> None:
    saved, certificate = out / "n.arrows", out / "n.json"
    asked = CliRunner().invoke(
        program,
        [
            "query", "SELECT COUNT(*) AS n FROM residents", "--dataset", "residents",
            "--purpose", PURPOSE, "--epsilon", "0.5", "-o", str(saved),
            "--certificate", str(certificate),
            "--profile", str(folder / "clients" / "consumer" / "profile.yaml"), "--json",
        ],
    )  # fmt: skip
    assert asked.exit_code == 0, asked.stderr
    with pa.ipc.open_stream(saved) as stream:
        assert stream.read_all().column_names == ["n", "n_lower", "n_upper"]
    key = folder / "signing.pub.pem"
    verify = ["verify", str(certificate), str(saved), "--key", str(key)]
    told = CliRunner().invoke(program, [*verify, "--json"])
    assert told.exit_code == 0, told.stderr
    predicate = json.loads(told.stdout)["statement"]["predicate"]
    assert predicate["answer"] == json.loads(asked.stdout)["name"]
    assert predicate["claim"]["epsilon"] == "1/2"
    assert "guaranteed" in CliRunner().invoke(program, verify).stdout
    saved.write_bytes(saved.read_bytes() + b"\0")
    with pytest.raises(VerificationFailed, match="step 6"):
        verify_file(certificate.read_text(), key.read_bytes(), saved)
    envelope = json.loads(certificate.read_text())
    envelope["payload"] = base64.b64encode(
        base64.b64decode(envelope["payload"]).replace(b'"epsilon":"1/2"', b'"epsilon":"1/9"')
    ).decode()
    with pytest.raises(VerificationFailed, match="step 2"):
        verify_certificate(json.dumps(envelope), key.read_bytes())
