"""What comes back when a call fails: the gateway's own errors, decoded from the rich status.

A caller of the client meets the same tree as the gateway itself raises (``gateway.errors``): the
class says who is at fault, ``reason`` is the constant that programs rely on, ``violations`` and
``metadata`` are those that the gateway sent.
"""

from collections.abc import Iterable
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from gateway.api.pb import release_pb2, statistics_pb2, types_pb2
from gateway.errors import (
    AlreadyExists,
    CallerError,
    Cancelled,
    Conflict,
    DeadlineExceeded,
    FailedPrecondition,
    GatewayError,
    GatewayFault,
    HolderError,
    InvalidRequest,
    KeyServiceUnavailable,
    KeyUnavailable,
    NotFound,
    PermissionDenied,
    QuotaExhausted,
    RecordsRejected,
    SourceChanged,
    SourceUnavailable,
    StagingCorrupt,
    StagingUnavailable,
    StoreUnavailable,
    Unauthenticated,
    Violation,
)

_DETAILS_KEY: Final = "grpc-status-details-bin"

_KINDS: Final[dict[grpc.StatusCode, type[GatewayError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequest,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.ABORTED: Conflict,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.RESOURCE_EXHAUSTED: QuotaExhausted,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.CANCELLED: Cancelled,
    grpc.StatusCode.UNAVAILABLE: StoreUnavailable,
    grpc.StatusCode.DATA_LOSS: StagingCorrupt,
}

# Where the reason says more exactly than the code what is wrong.
_BY_REASON: Final[dict[str, type[GatewayError]]] = {
    **{
        kind.reason: kind
        for kind in (RecordsRejected, SourceChanged, SourceUnavailable, StagingUnavailable)
    },
    # Callers are not told which of the two it is: it may pass.
    KeyUnavailable.reason: KeyServiceUnavailable,
}

_PLUGIN_FAILED: Final = "metadata from plugin failed"
"""What gRPC says when the plugin that reads the token raised an error."""

_PASSING: Final = frozenset({"STORE_UNAVAILABLE", "STILL_ANSWERING", "RATE_LIMITED", "UNREACHABLE"})


class Unreachable(GatewayFault):
    """No gateway answered: it is down, elsewhere, or refused the connection."""

    code = "UNAVAILABLE"
    reason = "UNREACHABLE"


class ClassificationFailed(HolderError):
    """A data set is registered and its columns could not be classified: nothing can be released
    from it until that is tried again, and the text says what to do first."""

    reason = "CLASSIFICATION_FAILED"


class DeniedRecords(CallerError):
    """The gateway decided against protecting or releasing records, or answering a question; carries
    its decision."""

    code = "PERMISSION_DENIED"
    reason = "DENIED"

    def __init__(
        self, decision: types_pb2.Decision | statistics_pb2.QuestionDecision, **metadata: str
    ) -> None:
        reasons = "; ".join(f"{reason.code}: {reason.text}" for reason in decision.reasons)
        super().__init__(f"denied: {reasons}", violations=(), **metadata)
        self.decision = decision

    @property
    def reasons(self) -> tuple[tuple[str, str], ...]:
        """Code and text of each reason."""
        return tuple((reason.code, reason.text) for reason in self.decision.reasons)


class Denied(DeniedRecords):
    """The gateway decided against a request. ``release`` is the record that it keeps of it."""

    def __init__(self, release: release_pb2.Release) -> None:
        super().__init__(release.decision, release=release.name)
        self.release = release


def decoded(error: grpc.RpcError, address: str) -> GatewayError:
    """The gateway's error behind a failed call; Unreachable when no gateway spoke."""
    call: Any = error  # every error of a call is the call itself, which gRPC's types do not say
    code: grpc.StatusCode = call.code()
    text: str = call.details() or ""
    info, violations = _details(call.trailing_metadata() or ())
    if info is None:
        return _without_details(code, text, address)
    kind = _BY_REASON.get(info.reason) or _KINDS.get(code, GatewayFault)
    return kind(text, reason=info.reason, violations=violations, **_metadata(info))


def is_passing(error: GatewayError) -> bool:
    """Whether the same call may succeed in a moment."""
    return error.reason in _PASSING


def _details(
    trailing: Iterable[tuple[str, str | bytes]],
) -> tuple[error_details_pb2.ErrorInfo | None, list[Violation]]:
    status = status_pb2.Status()
    for key, value in trailing:
        if key == _DETAILS_KEY:
            try:
                status.ParseFromString(value)
            except DecodeError:
                return None, []
    info, violations = None, []
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
        elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            bad = error_details_pb2.BadRequest()
            detail.Unpack(bad)
            violations = [Violation(v.field, v.description) for v in bad.field_violations]
    return info, violations


def _metadata(info: error_details_pb2.ErrorInfo) -> dict[str, str]:
    # Names of the constructor's own arguments cannot be metadata as well.
    taken = {"message", "reason", "violations"}
    return {key: value for key, value in info.metadata.items() if key not in taken}


def _without_details(code: grpc.StatusCode, text: str, address: str) -> GatewayError:
    """A status that gRPC itself made, on either side of the connection."""
    if _PLUGIN_FAILED in text:
        cause = text.rpartition("error: ")[2]
        return Unauthenticated(f"the token could not be read: {cause}", reason="TOKEN_UNREADABLE")
    if code is grpc.StatusCode.UNAVAILABLE:
        cause = text.rpartition("last error: ")[2] or "no answer"
        return Unreachable(
            f"no gateway answers at {address} ({cause}). Is it running (`gateway serve`), is the "
            "address right, and does it trust the authority of your certificate?"
        )
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded(
            f"the gateway at {address} did not answer in time; ask again, what it did stays done"
        )
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return FailedPrecondition(
            f"the gateway at {address} does not know this call: it is of another version",
            reason="UNIMPLEMENTED",
        )
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "message larger than max" in text:
        return InvalidRequest(
            "the message is too large for the gateway: send less in one call",
            reason="MESSAGE_TOO_LARGE",
        )
    kind = _KINDS.get(code, GatewayFault)
    return kind(text or f"the call ended with {code.name}", reason=code.name)
