"""The office and the server of the integration tests, for those who attack them."""

from datetime import timedelta
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gateway.api.pb import grant_pb2, policy_pb2, release_pb2, types_pb2
from gateway.model.names import RecipientKind, Role


def _conftest(folder: str) -> ModuleType:
    """That folder's conftest: fixtures reach down a tree of folders, and not across."""
    path = Path(__file__).parents[1] / folder / "conftest.py"
    spec = spec_from_file_location(folder.replace("/", "_") + "_conftest", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_office, _server = _conftest("integration"), _conftest("integration/server")
installation, office = _office.installation, _office.office
served, serve = _server.served, _server.serve

PURPOSE = _office.PURPOSE
COLUMNS = _office.COLUMNS


class Rpcs:
    """What parties do over the network, each with its own certificate."""

    def __init__(self, served: Any) -> None:
        self.served = served
        self.refused = served.refused
        self.new_id = served.new_id

    def stub(self, service: str, party: str) -> Any:
        return self.served.stub(service, party)

    def newcomer(self, name: str, role: Role, kind: RecipientKind) -> str:
        """Another party, with a certificate of its own."""
        self.served.office.another(name, role, kind)
        issued = self.served.authority.issue_party(name, self.served.office.clock.now())
        folder = self.served.office.folder / "clients" / name
        folder.mkdir()
        (folder / "certificate.pem").write_bytes(issued.certificate)
        (folder / "private.key").write_bytes(issued.private_key)
        return name

    def activate(self, text: str) -> policy_pb2.Policy:
        draft = self.stub("policies", "officer").CreatePolicy(
            policy_pb2.CreatePolicyRequest(request_id=self.new_id(), text=text)
        )
        return self.stub("policies", "second-officer").ActivatePolicy(
            policy_pb2.ActivatePolicyRequest(
                request_id=self.new_id(), name=draft.name, version=draft.version
            )
        )

    def ask_grant(
        self, consumer: str, columns: tuple[str, ...] = COLUMNS, project: str = "", **named: Any
    ) -> grant_pb2.Grant:
        wish = {"dataset": "datasets/residents", "purpose": PURPOSE, **named}
        request = grant_pb2.RequestGrantRequest(
            request_id=self.new_id(),
            columns=columns,
            project=project,
            justification="a study",
            **wish,
        )
        request.expires.FromDatetime(self.served.office.clock.now() + timedelta(days=10))
        return self.stub("grants", consumer).RequestGrant(request)

    def approve(self, party: str, grant: grant_pb2.Grant) -> grant_pb2.Grant:
        return self.stub("grants", party).ApproveGrant(
            grant_pb2.ApproveGrantRequest(
                request_id=self.new_id(), name=grant.name, etag=grant.etag, reason="fits"
            )
        )

    def granted(self, consumer: str, *arguments: Any, **named: Any) -> grant_pb2.Grant:
        grant = self.ask_grant(consumer, *arguments, **named)
        for party in ("holder", "officer"):
            if grant.state == grant_pb2.GRANT_STATE_REQUESTED:
                grant = self.approve(party, grant)
        return grant

    @staticmethod
    def extract(columns: tuple[str, ...] = COLUMNS, **changes: Any) -> types_pb2.ExtractRequest:
        fields = {"dataset": "datasets/residents", "columns": columns, "purpose": PURPOSE}
        return types_pb2.ExtractRequest(**{**fields, **changes})

    def create(
        self, consumer: str, request: types_pb2.ExtractRequest, request_id: str | None = None
    ) -> release_pb2.Release:
        """Asked for and, when it was permitted, made."""
        release = self.stub("releases", consumer).CreateRelease(
            release_pb2.CreateReleaseRequest(
                request_id=request_id or self.new_id(), request=request
            )
        )
        self.served.office.rooms.runner.run(release.name)
        return self.stub("releases", consumer).GetRelease(
            release_pb2.GetReleaseRequest(name=release.name)
        )


@pytest.fixture
def rpcs(served: Any) -> Rpcs:
    """A server with a registered data set and an active policy."""
    served.office.register()
    rpcs = Rpcs(served)
    rpcs.activate(_office.STUDY)
    return rpcs


@pytest.fixture
def study() -> str:
    """The text of the policy in force."""
    return str(_office.STUDY)
