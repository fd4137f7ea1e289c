"""Releases and the chunks of sealed streams."""

from gateway.api.convert.extracts import decision_to_proto, plan_to_proto, request_to_proto
from gateway.api.convert.words import RELEASE_STATE_NUMBERS, STAGE_NUMBERS
from gateway.api.pb import release_pb2
from gateway.model.access import ExtractRequest
from gateway.model.catalog import Party
from gateway.model.lifecycle import ReleaseState
from gateway.model.names import Role
from gateway.model.release import Release
from gateway.ports import StagedChunk
from gateway.release.opening import Preview

_PAYLOAD_KEY = bytes([release_pb2.ReadReleaseResponse.PAYLOAD_FIELD_NUMBER << 3 | 2])


def to_proto(release: Release, caller: Party) -> release_pb2.Release:
    """The record as the caller may see it.

    Filter values go to the consumer and the holder, rows to these and to auditors, progress to
    the consumer; of a release that was refused or failed nobody learns how many rows it had.
    """
    with_values = caller.role in (Role.CONSUMER, Role.HOLDER)
    with_rows = with_values or caller.role is Role.AUDITOR
    alive = release.state in (ReleaseState.RUNNING, ReleaseState.SEALED)
    message = release_pb2.Release(
        name=release.name,
        consumer=release.consumer,
        request=request_to_proto(release.request, with_values=with_values),
        state=RELEASE_STATE_NUMBERS[release.state],
        decision=decision_to_proto(release.decision),
        stage=STAGE_NUMBERS[release.stage],
        rows_done=release.rows_done if alive and caller.role is Role.CONSUMER else 0,
        rows_expected=release.rows_expected,
        percent=release.percent if alive and caller.role is Role.CONSUMER else 0,
        reissue_of="" if release.reissue is None else release.reissue.original,
        reissued_as=release.reissued_as or "",
    )
    if release.plan is not None:
        message.plan.CopyFrom(plan_to_proto(release.plan, with_values=with_values))
    if release.ending is not None:
        message.ending_reason = release.ending.reason
        message.ending_text = release.ending.text
    if release.sealed is not None:
        message.stream_sha256 = release.sealed.stream_sha256
        message.content_digest = release.sealed.content_digest
        message.rows = release.sealed.rows if with_rows else 0
        message.chunks = release.sealed.chunks
    message.created.FromDatetime(release.created)
    message.updated.FromDatetime(release.updated)
    if release.expires is not None:
        message.expires.FromDatetime(release.expires)
    return message


def preview_to_proto(
    preview: Preview, request: ExtractRequest, caller: Party
) -> release_pb2.Release:
    """A dry run: decision and plan, with no name and no state of its own unless denied."""
    message = release_pb2.Release(
        consumer=caller.name,
        request=request_to_proto(request, with_values=True),
        decision=decision_to_proto(preview.decision),
    )
    if preview.plan is None:
        message.state = release_pb2.RELEASE_STATE_DENIED
    else:
        message.plan.CopyFrom(plan_to_proto(preview.plan, with_values=True))
        message.rows_expected = preview.plan.charge.rows
    return message


def chunk_bytes(chunk: StagedChunk) -> bytes:
    """A ReadReleaseResponse on the wire.

    The payload is the last field and is joined on instead of being copied into a message and out
    of it again, which costs a third of the speed of reading; order of fields has no meaning.
    """
    head = release_pb2.ReadReleaseResponse(index=chunk.index, rows=chunk.rows, last=chunk.last)
    size, length = len(chunk.payload), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return b"".join((head.SerializeToString(), _PAYLOAD_KEY, bytes(length), chunk.payload))
