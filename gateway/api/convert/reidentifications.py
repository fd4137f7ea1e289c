"""Requests for re-identification, both ways. No token is in any of what goes out."""

from collections.abc import Sequence
from datetime import datetime

from gateway.api.convert.keys import etag
from gateway.api.convert.shape import Shape
from gateway.api.convert.words import (
    LEGAL_BASES,
    LEGAL_BASIS_NUMBERS,
    NOTICE_STATE_NUMBERS,
    REIDENTIFICATION_STATE_NUMBERS,
)
from gateway.api.pb import reidentification_pb2
from gateway.errors import InvalidRequest
from gateway.model.access import Approval, Verdict
from gateway.model.reidentification import (
    LONGEST_TOKEN,
    MOST_TOKENS,
    Case,
    Notice,
    Reidentification,
)
from gateway.release.answers import refuse_unfit

_KEY_BYTES = 32


def case_from_proto(
    shape: Shape, message: reidentification_pb2.ReidentificationCase
) -> Case | None:
    """What a requester states."""
    shape.name("case.release", message.release, "releases")
    shape.text("case.column", message.column, 200, least=1)
    basis = shape.coded("case.basis", message.basis, LEGAL_BASES)
    shape.text("case.reason", message.reason, 4000, least=1)
    shape.text("case.case_number", message.case_number, 100, least=1)
    if len(message.recipient_key) != _KEY_BYTES:
        shape.fault("case.recipient_key", f"an X25519 public key: {_KEY_BYTES} bytes")
        return None
    try:
        refuse_unfit(message.recipient_key.hex())
    except InvalidRequest as unfit:
        shape.fault("case.recipient_key", unfit.violations[0].description)
    if not shape.sound:
        return None
    return shape.noun(
        "case",
        Case,
        {
            "release": message.release,
            "column": message.column,
            "entity": message.entity or None,
            "basis": basis,
            "reason": message.reason,
            "case_number": message.case_number,
            "recipient_key": message.recipient_key.hex(),
        },
    )


def tokens_from_proto(shape: Shape, tokens: Sequence[str]) -> tuple[str, ...]:
    """Tokens, none of them longer than any can be; a fault names none. How many may be asked for is
    for the settings to say."""
    if len(tokens) > MOST_TOKENS:
        return tuple(tokens)
    for number, token in enumerate(tokens):
        shape.text(f"tokens[{number}]", token, LONGEST_TOKEN, least=1)
    return tuple(tokens)


def to_proto(asked: Reidentification, now: datetime) -> reidentification_pb2.Reidentification:
    """All of it: who may see a request at all may see what came of it."""
    case, notice = asked.case, asked.notice(now)
    message = reidentification_pb2.Reidentification(
        name=asked.name,
        requester=asked.requester,
        dataset=asked.dataset,
        case=reidentification_pb2.ReidentificationCase(
            release=case.release,
            column=case.column,
            entity=case.entity or "",
            basis=LEGAL_BASIS_NUMBERS[case.basis],
            reason=case.reason,
            case_number=case.case_number,
            recipient_key=bytes.fromhex(case.recipient_key),
        ),
        key_domain=asked.key_domain,
        tokens=asked.tokens,
        approvals=[_approval(approval) for approval in asked.approvals],
        state=REIDENTIFICATION_STATE_NUMBERS[asked.state],
        notices=[_notice(said) for said in asked.notices],
        etag=etag(asked.revision),
    )
    message.created.FromDatetime(asked.created)
    message.expires.FromDatetime(asked.expires)
    if asked.answered is not None:
        message.reversed = asked.answered.reversed
        message.answered.FromDatetime(asked.answered.at)
    if notice is not None:
        message.notice = NOTICE_STATE_NUMBERS[notice]
    return message


def _approval(approval: Approval) -> reidentification_pb2.OfficerApproval:
    message = reidentification_pb2.OfficerApproval(
        party=approval.party,
        approved=approval.verdict is Verdict.APPROVED,
        reason=approval.reason,
    )
    message.time.FromDatetime(approval.at)
    return message


def _notice(notice: Notice) -> reidentification_pb2.Notice:
    message = reidentification_pb2.Notice(
        state=NOTICE_STATE_NUMBERS[notice.state], party=notice.party, reason=notice.reason
    )
    message.time.FromDatetime(notice.at)
    if notice.until is not None:
        message.until.FromDatetime(notice.until)
    return message
