"""Who × what: each rpc of the protos × each role, and each without any identity."""

import re
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, empty_pb2

from gateway.api.pb import options_pb2
from gateway.api.roles import SERVICES, methods
from gateway.errors import ConfigurationError
from gateway.model.names import Role

METHODS = methods()
PARTIES = {
    Role.HOLDER: "holder",
    Role.CONSUMER: "consumer",
    Role.OFFICER: "officer",
    Role.AUDITOR: "auditor",
    Role.ADMINISTRATOR: "admin",
}
PROTOS = Path(__file__).parents[3] / "protos" / "gateway" / "v1"


def call(channel, method, request=b"\xff\xff"):
    """The rpc with a request that is no message of any kind: only who gets past the checks of
    identity and role finds that out."""
    kind = ("stream" if method.request_streaming else "unary") + (
        "_stream" if method.response_streaming else "_unary"
    )
    multi = getattr(channel, kind)(method.path)
    answer = multi(iter([request]) if method.request_streaming else request, timeout=10)
    if method.response_streaming:
        list(answer)
    return answer


@pytest.mark.parametrize("role", list(PARTIES))
def test_each_role_gets_as_far_as_the_protos_say(served, role):
    channel = served.channel(PARTIES[role])
    outcome, expected = {}, {}
    for path, method in METHODS.items():
        found = served.refused(lambda method=method: call(channel, method))
        outcome[path] = (found.code, found.reason)
        allowed = role in method.roles
        expected[path] = (
            ("INVALID_ARGUMENT", "MESSAGE_UNREADABLE")
            if allowed
            else ("PERMISSION_DENIED", "ROLE_NOT_ALLOWED")
        )
    assert outcome == expected
    entries = served.office.rooms.trail.entries(0, 1000)
    assert {e.event.action for e in entries if e.event.outcome != "ok"} == {
        method.action for method in METHODS.values()
    }


def test_nobody_gets_anywhere_without_an_identity(served):
    channel = served.channel(None)
    for method in METHODS.values():
        found = served.refused(lambda method=method: call(channel, method))
        assert (found.code, found.reason) == ("UNAUTHENTICATED", "IDENTITY_MISSING"), method.path


def test_nobody_gets_a_handshake_without_a_certificate_where_one_is_required(served):
    channel = served.channel_with(None, None)
    with pytest.raises(grpc.RpcError) as caught:
        call(channel, next(iter(METHODS.values())))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_every_service_of_the_protos_is_served():
    text = "".join(path.read_text("utf-8") for path in PROTOS.glob("*.proto"))
    written = set(re.findall(r"^service (\w+)", text, re.MULTILINE))
    assert {service.name for service in SERVICES} == written
    assert len(METHODS) == len(re.findall(r"^  rpc \w+", text, re.MULTILINE))
    assert all(method.roles for method in METHODS.values())


def test_an_rpc_without_roles_keeps_the_server_from_starting():
    file = descriptor_pb2.FileDescriptorProto(name="forgotten.proto", package="forgotten")
    file.dependency.append("google/protobuf/empty.proto")
    service = file.service.add(name="ForgottenService")
    empty = ".google.protobuf.Empty"
    service.method.add(name="ReadAll", input_type=empty, output_type=empty)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(empty_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    found = pool.FindServiceByName("forgotten.ForgottenService")
    with pytest.raises(ConfigurationError, match="ReadAll has no allowed_roles"):
        methods([found])


def test_separation_of_duties_in_the_protos():
    allowed = {method.rpc: method.roles for method in METHODS.values()}
    for rpc in ("ReadRelease", "CreateRelease", "ReissueRelease"):
        assert allowed[rpc] == {Role.CONSUMER}
    # Who decides on taking tokens back is never who gets the values, and auditors only look.
    for rpc in ("ApproveReidentification", "RefuseReidentification"):
        assert allowed[rpc] == {Role.OFFICER}
    for rpc in ("RequestReidentification", "AnswerReidentification"):
        assert allowed[rpc] == {Role.CONSUMER, Role.HOLDER}
    assert not allowed["PushRecords"] & {Role.OFFICER, Role.AUDITOR, Role.ADMINISTRATOR}
    for rpc in ("CreatePolicy", "ActivatePolicy", "RetirePolicy", "OverrideVerdict"):
        assert allowed[rpc] == {Role.OFFICER}
    for rpc in ("ApproveGrant", "RefuseGrant"):
        assert allowed[rpc] == {Role.HOLDER, Role.OFFICER}
    for rpc in ("CreateParty", "SetPartyDisabled"):
        assert allowed[rpc] == {Role.ADMINISTRATOR}
    for method in METHODS.values():
        commands = "request_id" in method.request.DESCRIPTOR.fields_by_name
        assert not (commands and Role.AUDITOR in method.roles), method.path
    assert options_pb2.PARTY_ROLE_UNSPECIFIED == 0
