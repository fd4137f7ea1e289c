"""Grants and the answers of approvers."""

from datetime import datetime

from gateway.api.convert.extracts import reason_to_proto, request_from_proto
from gateway.api.convert.keys import etag
from gateway.api.convert.shape import Shape
from gateway.api.convert.words import GRANT_STATE_NUMBERS, ROLE_NUMBERS
from gateway.api.pb import grant_pb2, types_pb2
from gateway.model.access import Approval, ExtractRequest, Grant, Verdict


def wish(shape: Shape, request: grant_pb2.RequestGrantRequest) -> ExtractRequest | None:
    """The columns and the purpose that a grant is asked for, as an extract of all rows."""
    asked = types_pb2.ExtractRequest(
        dataset=request.dataset,
        columns=request.columns,
        purpose=request.purpose,
        project=request.project,
    )
    return request_from_proto(shape, asked, "")


def period(
    shape: Shape, request: grant_pb2.RequestGrantRequest
) -> tuple[datetime | None, datetime | None]:
    """Beginning (None: now) and end, which is required."""
    begins = ends = None
    if request.HasField("not_before"):
        begins = shape.moment("not_before", request.not_before)
    if shape.present("expires", request):
        ends = shape.moment("expires", request.expires)
    return begins, ends


def to_proto(grant: Grant) -> grant_pb2.Grant:
    """All of it: who may see a grant at all may see its answers."""
    message = grant_pb2.Grant(
        name=grant.name,
        consumer=grant.consumer,
        dataset=grant.dataset,
        columns=grant.columns,
        purpose=grant.purpose,
        project=grant.project or "",
        justification=grant.justification,
        required=[ROLE_NUMBERS[role] for role in grant.required],
        approvals=[_approval(approval) for approval in grant.approvals],
        state=GRANT_STATE_NUMBERS[grant.state],
        etag=etag(grant.revision),
        affected=[reason_to_proto(reason) for reason in grant.affected],
    )
    message.not_before.FromDatetime(grant.not_before)
    message.expires.FromDatetime(grant.expires)
    message.created.FromDatetime(grant.created)
    if grant.revocation is not None:
        message.revocation.party = grant.revocation.party
        message.revocation.reason = grant.revocation.reason
        message.revocation.time.FromDatetime(grant.revocation.at)
    return message


def _approval(approval: Approval) -> grant_pb2.Approval:
    message = grant_pb2.Approval(
        party=approval.party,
        role=ROLE_NUMBERS[approval.role],
        approved=approval.verdict is Verdict.APPROVED,
        reason=approval.reason,
    )
    message.time.FromDatetime(approval.at)
    return message
