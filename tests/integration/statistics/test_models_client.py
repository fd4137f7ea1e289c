"""A model asked for by the client, over mutual TLS, from a server in a process of its own."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gateway.app.setup import initialise
from gateway.cli.demo_server import free_address, serving
from gateway.client import connect
from gateway.errors import InvalidRequest, QuotaExhausted
from gateway.model.catalog import ParquetSource
from gateway.testing import residents
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
        with pytest.raises(InvalidRequest, match="kind"):
            consumer.fit_model("oracle", "residents", PURPOSE, FEATURES, epsilon="1", rows=3000)
