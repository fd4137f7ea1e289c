"""Anonymised extracts of the Adult census over a real server: mutual TLS, its own process."""

import json
import shutil
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from gateway.app.setup import STARTERS, NewParty, initialise
from gateway.cli.demo_server import free_address, serving
from gateway.client import Client, connect, plain
from gateway.errors import FailedPrecondition
from gateway.model.catalog import CsvSource
from gateway.model.names import RecipientKind, Role

FOLDER = Path(__file__).parents[2] / "../shared/data/adult"
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"{FOLDER} is not there (see the README beside it)"
)
QI = ["sex", "age", "race", "marital-status", "education", "native-country", "workclass"]
SENSITIVE = "salary-class"
PURPOSE = "labour-research"
POLICY = """
format: gateway-policy/1
name: policies/{name}
purposes: {{{purpose}: research on work}}
obligations:
  k: 5
  l: {{salary-class: {l}}}
  max_suppression: 0.05
  max_risk: {risk}
  hierarchies: {{{hierarchies}}}
rules:
  - name: census
    match: {{grade: {{}}}}
    transform: {{kind: keep}}
"""


class Census:
    """A gateway that serves Adult, two recipients, and a policy for each of two purposes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        other = NewParty("other", Role.CONSUMER, RecipientKind.RESEARCH, "Another laboratory")
        initialise(folder, listen=free_address(), parties=(*STARTERS, other))
        shutil.copyfile(FOLDER / "adult.csv", folder / "data" / "holder" / "adult.csv")
        for name in QI:
            file = f"adult_hierarchy_{name}.csv"
            shutil.copyfile(FOLDER / file, folder / "hierarchies" / file)

    def client(self, name: str) -> Client:
        return connect(self.folder / "clients" / name / "profile.yaml")

    def fill(self) -> None:
        with self.client("holder") as holder, self.client("officer") as officer:
            holder.register("adult", CsvSource(path="adult.csv", delimiter=";"), title="Adult")
            for column in (*QI, "occupation", SENSITIVE):
                role = "sensitive" if column == SENSITIVE else "quasi_identifier"
                role = "other" if column == "occupation" else role
                officer.override(
                    "adult", column, entity="NONE", grade="general-2", role=role,
                    reason="decided for the test",
                )  # fmt: skip
        self.activate(PURPOSE, 2, "0.09")
        self.activate("in-vain", 3, "0.2")
        for consumer in ("consumer", "other"):
            for purpose in (PURPOSE, "in-vain"):
                self.grant(consumer, purpose)

    def activate(self, purpose: str, values: int, risk: str) -> None:
        named = ", ".join(f"{name}: adult_hierarchy_{name}" for name in QI)
        text = POLICY.format(
            name=f"census-{purpose}", purpose=purpose, l=values, risk=risk, hierarchies=named
        )
        with self.client("officer") as officer, self.client("second-officer") as second:
            draft = officer.create_policy(text)
            second.activate_policy(draft.name, draft.version)

    def grant(self, consumer: str, purpose: str) -> None:
        with self.client(consumer) as client:
            grant = client.request_grant(
                "adult", [*QI, "occupation", SENSITIVE], purpose, justification="test", days=5
            )
            required = plain(client.grant(grant.name))["required"]
        for approver in required:
            with self.client(approver) as client:
                client.approve(grant.name, "fits")


@pytest.fixture(scope="module")
def census(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Census]:
    made = Census(tmp_path_factory.mktemp("census") / "installation")
    with serving(made.folder):
        made.fill()
        yield made


def counted(table: pa.Table) -> Counter[tuple[str, ...]]:
    return Counter(zip(*table.to_pydict().values(), strict=True))


def test_adult_leaves_as_the_policy_demands_and_the_same_for_everybody(census: Census) -> None:
    with census.client("consumer") as consumer, census.client("other") as other:
        preview = plain(consumer.preview("adult", [*QI, SENSITIVE], PURPOSE))
        told = {reason["code"] for reason in preview["decision"]["reasons"]}
        assert "ANONYMITY_FEASIBLE" in told
        stages = []
        release = consumer.wait(
            consumer.request("adult", [*QI, SENSITIVE], PURPOSE),
            lambda now: stages.append(plain(now)["stage"]),
        )
        table = consumer.read(release.name)
        sizes = table.group_by(QI).aggregate([([], "count_all"), (SENSITIVE, "count_distinct")])
        # The highest risk of 0.09 is that of classes of 12, above the k of 5.
        assert min(sizes["count_all"].to_pylist()) >= 12
        assert min(sizes[f"{SENSITIVE}_count_distinct"].to_pylist()) >= 2
        assert table.num_rows >= 30_162 * 95 // 100
        again = other.wait(other.request("adult", [*QI, SENSITIVE], PURPOSE))
        assert counted(other.read(again.name)) == counted(table)
        envelope = json.loads(consumer.certificate(release.name))
        predicate = json.loads(b64decode(envelope["payload"]))["predicate"]
        assert set(predicate["anonymisation"]["goal"]["quasi_identifiers"]) == set(QI)
        measured = {figure["check"] for figure in predicate["figures"]}
        assert {"k_anonymity", "l_diversity", "privacy_models", "attacks", "extracts"} <= measured
        assert consumer.verify(release.name).predicate.rows == table.num_rows


def test_what_no_recoding_reaches_is_said_before_anything_is_charged(census: Census) -> None:
    with census.client("consumer") as consumer:
        with pytest.raises(FailedPrecondition, match="l of salary-class at most 2") as refused:
            consumer.preview("adult", [*QI], "in-vain")
        assert refused.value.reason == "ANONYMITY_INFEASIBLE"


def test_a_filter_is_refused_before_anything_is_charged(census: Census) -> None:
    with census.client("other") as other:
        asked = [*QI, SENSITIVE, "occupation"]
        for value in ("Armed-Forces", "Nobody"):
            for ask in (other.preview, other.request):
                with pytest.raises(FailedPrecondition, match="filter the extract") as refused:
                    ask("adult", asked, PURPOSE, filters=[f"occupation != {value}"])
                assert refused.value.reason == "ANONYMITY_FILTER"
