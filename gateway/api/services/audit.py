"""AuditService."""

from gateway.api.call import Call
from gateway.api.convert.pages import Pages
from gateway.api.convert.shape import Shape
from gateway.api.pb import audit_pb2
from gateway.model.audit import AuditEntry
from gateway.registry.trail import Trail


class AuditRpcs:
    """The log."""

    def __init__(self, trail: Trail, pages: Pages) -> None:
        self._trail = trail
        self._pages = pages

    def list_audit_entries(
        self, call: Call, request: audit_pb2.ListAuditEntriesRequest
    ) -> audit_pb2.ListAuditEntriesResponse:
        shape = Shape()
        page = self._pages.page(shape, call, request, usual=100, most=1000)
        shape.done()
        entries = self._trail.entries(int(page.after or "0"), page.size)
        messages, token = self._pages.fill(
            call, request, page, entries, lambda entry: str(entry.sequence), _entry
        )
        return audit_pb2.ListAuditEntriesResponse(entries=messages, next_page_token=token)

    def verify_audit(
        self, call: Call, request: audit_pb2.VerifyAuditRequest
    ) -> audit_pb2.VerifyAuditResponse:
        del call, request
        whole, entries, fault = self._trail.verify()
        return audit_pb2.VerifyAuditResponse(whole=whole, entries=entries, fault=fault)

    def get_checkpoint(
        self, call: Call, request: audit_pb2.GetCheckpointRequest
    ) -> audit_pb2.Checkpoint:
        del call, request
        return audit_pb2.Checkpoint(envelope=self._trail.checkpoint())


def _entry(entry: AuditEntry) -> audit_pb2.AuditEntry:
    message = audit_pb2.AuditEntry(
        sequence=entry.sequence,
        actor=entry.event.actor,
        action=entry.event.action,
        resource=entry.event.resource,
        outcome=entry.event.outcome,
        details=entry.event.details,
        previous=entry.previous,
        hash=entry.hash,
        canonical_json=entry.canonical().decode(),
    )
    message.time.FromDatetime(entry.at)
    return message
