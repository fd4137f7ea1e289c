"""Errors as callers see them: a canonical code, one ErrorInfo, and what the kind of error adds.

The whole answer travels in HTTP/2 trailers, which clients cut off at 8 KiB: text and violations
are shortened to fit, because a client that gets too much gets nothing at all.
"""

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from gateway.errors import (
    DOMAIN,
    UNUSABLE_KEY,
    FailedPrecondition,
    GatewayError,
    HolderError,
    QuotaExhausted,
    ReleaseStopped,
)

DETAILS_KEY: Final = "grpc-status-details-bin"
_TEXT_BYTES: Final = 1200  # percent-encoded, as it travels
_DETAILS_BYTES: Final = 4200  # before base64, which makes them a third longer
_FIELD_CHARACTERS: Final = 300

CODES: Final = {code.name: code for code in grpc.StatusCode}


class Incident(GatewayError):
    """What the caller is told of a fault that nobody foresaw: a number to ask about."""

    def __init__(self, incident: str) -> None:
        super().__init__(
            f"the gateway failed; tell its administrator the incident {incident}",
            incident=incident,
        )


class KeyIncident(Incident):
    """A key cannot be used, or the service that holds it is away. Why that is, is between the gateway
    and whoever runs it: the texts name files, modes and services."""

    code = "UNAVAILABLE"
    reason = "KEY_UNAVAILABLE"

    def __init__(self, incident: str) -> None:
        GatewayError.__init__(
            self,
            f"{UNUSABLE_KEY} the incident {incident}",
            incident=incident,
        )


def status_code(error: GatewayError) -> grpc.StatusCode:
    """The canonical code; INTERNAL for one that nobody knows."""
    return CODES.get(error.code, grpc.StatusCode.INTERNAL)


def rich_status(error: GatewayError) -> status_pb2.Status:
    """The status with its details, small enough for trailers."""
    status = status_pb2.Status(code=status_code(error).value[0], message=_shortened(error.message))
    for detail in _details(error):
        packed = any_pb2.Any()
        packed.Pack(detail)
        if status.ByteSize() + packed.ByteSize() <= _DETAILS_BYTES:
            status.details.append(packed)
    return status


def trailers(status: status_pb2.Status) -> tuple[tuple[str, bytes], ...]:
    """The trailing metadata that carries the details."""
    return ((DETAILS_KEY, status.SerializeToString()),)


def _details(error: GatewayError) -> Iterator[Message]:
    yield error_details_pb2.ErrorInfo(
        reason=error.reason,
        domain=DOMAIN,
        metadata={name: value[:_FIELD_CHARACTERS] for name, value in error.metadata.items()},
    )
    if error.violations:
        yield _bad_request(error)
    subject = error.metadata.get("resource", "")
    if isinstance(error, QuotaExhausted):
        violation = error_details_pb2.QuotaFailure.Violation(
            subject=error.metadata.get("subject", subject), description=_shortened(error.message)
        )
        yield error_details_pb2.QuotaFailure(violations=[violation])
    elif isinstance(error, FailedPrecondition | HolderError | ReleaseStopped):
        yield error_details_pb2.PreconditionFailure(
            violations=[
                error_details_pb2.PreconditionFailure.Violation(
                    type=error.reason, subject=subject, description=_shortened(error.message)
                )
            ]
        )


def _bad_request(error: GatewayError) -> error_details_pb2.BadRequest:
    """As many violations as fit; the last one then says how many more there are."""
    bad = error_details_pb2.BadRequest()
    room = _DETAILS_BYTES // 2
    for number, violation in enumerate(error.violations):
        bad.field_violations.add(
            field=violation.field[:_FIELD_CHARACTERS],
            description=violation.description[:_FIELD_CHARACTERS],
        )
        left = len(error.violations) - number - 1
        if left and bad.ByteSize() > room:
            bad.field_violations.add(field="", description=f"and {left} more")
            break
    return bad


def _shortened(text: str) -> str:
    """The text, cut so that its percent-encoded form fits."""
    if len(quote(text)) <= _TEXT_BYTES:
        return text
    kept, room = [], _TEXT_BYTES
    for character in text:
        room -= len(quote(character))
        if room < 3:
            break
        kept.append(character)
    return "".join(kept) + "…"
