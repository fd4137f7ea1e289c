"""Failures are decoded into the gateway's own errors; what may pass is tried again, boundedly."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from gateway.api.failures import Incident, rich_status, status_code, trailers
from gateway.api.pb import catalog_pb2
from gateway.app.authority import DevelopmentAuthority
from gateway.client.failures import Unreachable
from gateway.client.link import ATTEMPTS, Link
from gateway.errors import (
    AlreadyExists,
    Conflict,
    DeadlineExceeded,
    FailedPrecondition,
    GatewayError,
    GatewayFault,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    QuotaExhausted,
    RecordsRejected,
    SourceUnavailable,
    StoreUnavailable,
    Unauthenticated,
    Violation,
)


class Failed(grpc.RpcError):
    """A failed call as grpc gives it: error and call in one."""

    def __init__(self, code: grpc.StatusCode, text: str, trailing: Any = ()) -> None:
        super().__init__()
        self._code, self._text, self._trailing = code, text, trailing

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._text

    def trailing_metadata(self) -> Any:
        return self._trailing


def sent(error: GatewayError) -> Failed:
    """The error as it arrives from a gateway."""
    return Failed(status_code(error), error.message, trailers(rich_status(error)))


class Calls:
    """A method of a stub that fails in the given ways and then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.requests: list[Any] = []

    def __call__(self, request: Any, timeout: float) -> str:
        assert timeout > 0
        copy = type(request)()
        copy.CopyFrom(request)
        self.requests.append(copy)
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def link(pauses: list[float]) -> Link:
    channel: Any = None
    return Link(channel, "host:1", pause=pauses.append)


REQUEST = catalog_pb2.RefreshDataSetRequest(name="datasets/residents")


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest.collected([Violation("a", "required"), Violation("b", "too long")]),
        NotFound.resource("datasets/none"),
        PermissionDenied("no", reason="OWN_RESOURCE"),
        AlreadyExists("taken"),
        Conflict("changed"),
        FailedPrecondition("not now", reason="NOT_SEALED", state="opened"),
        QuotaExhausted("used up"),
        RecordsRejected("row 3: column x", row="3", column="x"),
        SourceUnavailable("gone"),
        StoreUnavailable("away"),
        Unauthenticated("who?", reason="TOKEN_EXPIRED"),
        DeadlineExceeded("late"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_arrives_as_it_was_raised(link: Link, error: GatewayError) -> None:
    with pytest.raises(type(error)) as caught:
        link.attempt(Calls_once(sent(error)), attempts=1)
    assert type(caught.value) is type(error)
    assert caught.value.reason == error.reason
    assert caught.value.message == error.message
    assert caught.value.violations == error.violations
    assert dict(caught.value.metadata) == dict(error.metadata)


def Calls_once(failure: Exception) -> Callable[[], str]:  # noqa: N802 - reads like a class
    def once() -> str:
        raise failure

    return once


def test_an_incident_is_our_fault_and_names_its_number(link: Link) -> None:
    with pytest.raises(GatewayFault, match="abc123"):
        link.attempt(Calls_once(sent(Incident("abc123"))), attempts=1)


def test_metadata_named_like_an_argument_does_no_harm(link: Link) -> None:
    status = rich_status(NotFound("none"))
    info = status.details[0]
    from google.rpc import error_details_pb2

    inner = error_details_pb2.ErrorInfo()
    info.Unpack(inner)
    inner.metadata["message"] = "x"
    inner.metadata["violations"] = "y"
    info.Pack(inner)
    failed = Failed(grpc.StatusCode.NOT_FOUND, "none", trailers(status))
    with pytest.raises(NotFound) as caught:
        link.attempt(Calls_once(failed), attempts=1)
    assert dict(caught.value.metadata) == {}


def test_details_that_are_no_status_are_ignored(link: Link) -> None:
    broken = Failed(
        grpc.StatusCode.NOT_FOUND, "none", (("grpc-status-details-bin", b"\xff\xff\xff"),)
    )
    with pytest.raises(NotFound, match="none"):
        link.attempt(Calls_once(broken), attempts=1)


def test_a_message_that_is_too_large_is_no_spent_quota(link: Link) -> None:
    text = "SERVER: Received message larger than max (5000000 vs. 4194304)"
    with pytest.raises(InvalidRequest, match="too large for the gateway"):
        link.attempt(Calls_once(Failed(grpc.StatusCode.RESOURCE_EXHAUSTED, text)), attempts=1)


def test_a_refused_connection_says_what_to_do(link: Link) -> None:
    text = "failed to connect to all addresses; last error: UNKNOWN: Connection refused"
    with pytest.raises(Unreachable, match=r"host:1 \(UNKNOWN: Connection refused\).*serve"):
        link.attempt(Calls_once(Failed(grpc.StatusCode.UNAVAILABLE, text)), attempts=1)


def test_a_command_is_tried_again_under_the_same_request_id(
    link: Link, pauses: list[float]
) -> None:
    calls = Calls(
        Failed(grpc.StatusCode.UNAVAILABLE, "lost"),
        sent(StoreUnavailable("away")),
        sent(QuotaExhausted("slow down", reason="RATE_LIMITED")),
    )
    assert link.command(calls, catalog_pb2.RefreshDataSetRequest()) == "answer"
    ids = {request.request_id for request in calls.requests}
    assert len(calls.requests) == 4
    assert len(ids) == 1
    assert len(ids.pop()) >= 8
    assert len(pauses) == 3
    assert pauses == sorted(pauses)


def test_two_commands_have_two_request_ids(link: Link) -> None:
    calls = Calls()
    link.command(calls, catalog_pb2.RefreshDataSetRequest())
    link.command(calls, catalog_pb2.RefreshDataSetRequest())
    assert len({request.request_id for request in calls.requests}) == 2


def test_trying_again_ends(link: Link, pauses: list[float]) -> None:
    calls = Calls(*[Failed(grpc.StatusCode.UNAVAILABLE, "lost")] * 100)
    with pytest.raises(Unreachable):
        link.call(calls, REQUEST)
    assert len(calls.requests) == ATTEMPTS
    assert sum(pauses) < 10


@pytest.mark.parametrize(
    "error",
    [
        SourceUnavailable("the file is gone"),
        QuotaExhausted("used up"),
        NotFound("none"),
        DeadlineExceeded("late"),
    ],
    ids=lambda error: error.reason,
)
def test_what_will_not_pass_is_not_tried_again(
    link: Link, pauses: list[float], error: GatewayError
) -> None:
    with pytest.raises(type(error)):
        link.call(Calls(sent(error)), REQUEST)
    assert pauses == []


def test_pages_are_followed_to_the_last(link: Link) -> None:
    answers = {
        "": catalog_pb2.ListDataSetsResponse(
            datasets=[catalog_pb2.DataSet(name="a")], next_page_token="t"
        ),
        "t": catalog_pb2.ListDataSetsResponse(datasets=[catalog_pb2.DataSet(name="b")]),
    }

    def method(request: Any, timeout: float) -> Any:
        return answers[request.page_token]

    found = link.pages(method, catalog_pb2.ListDataSetsRequest(), "datasets")
    assert [dataset.name for dataset in found] == ["a", "b"]


def test_an_ended_certificate_is_named_as_the_cause() -> None:
    channel: Any = None
    past = datetime.now(UTC) - timedelta(days=30)
    authority = DevelopmentAuthority.create(past)
    ended = authority.issue_party("lab", past, timedelta(days=1)).certificate
    link = Link(channel, "host:1", certificate=ended)
    with pytest.raises(Unauthenticated, match="your certificate ended on") as caught:
        link.attempt(Calls_once(Failed(grpc.StatusCode.UNAVAILABLE, "handshake")), attempts=1)
    assert caught.value.reason == "CERTIFICATE_EXPIRED"
