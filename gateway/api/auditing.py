"""The audit entry of a call that wrote none itself: who, which rpc, on what, how it ended."""

import re
import threading
from collections.abc import Callable
from typing import Final

import structlog
from google.protobuf.message import Message

from gateway.api.call import Call
from gateway.api.identity import ANONYMOUS
from gateway.api.limits import RateLimiter
from gateway.errors import GatewayError
from gateway.model.audit import AuditEvent

_RESOURCE: Final = re.compile(r"[a-z]{4,20}/[a-z][a-z0-9-]{1,61}[a-z0-9]")
_NAMING_FIELDS: Final = (
    "name",
    "dataset",
    "party",
    "request",
    "policy",
    "consumer",
    "header",
    "case",
    "release",
    "rules",
)
_NEW: Final = {"dataset_id": "datasets"}

log = structlog.get_logger("gateway.api")


def resource_of(request: Message) -> str:
    """The resource a request is about; empty when it names none, or something that is no name:
    free text that a caller wrote has no place in the log."""
    for field, collection in _NEW.items():
        if field in request.DESCRIPTOR.fields_by_name:
            return _if_a_name(f"{collection}/{getattr(request, field)}")
    for field in _NAMING_FIELDS:
        if field in request.DESCRIPTOR.fields_by_name:
            value = getattr(request, field)
            found = resource_of(value) if isinstance(value, Message) else _if_a_name(str(value))
            if found:
                return found
    return ""


def _if_a_name(text: str) -> str:
    return text if _RESOURCE.fullmatch(text) else ""


class CallLog:
    """Writes the entries. Refusals that cost the caller nothing (no identity, too many calls) are
    logged so many a second, and each entry says how many before it were not: otherwise anybody
    could fill the disk with them."""

    def __init__(self, record: Callable[[AuditEvent], object], refusals: RateLimiter) -> None:
        self._record = record
        self._refusals = refusals
        self._unlogged: dict[str, int] = {}
        self._lock = threading.Lock()

    def succeeded(self, call: Call) -> None:
        """Before the answer leaves. Raises when the entry cannot be written: then none does."""
        if not call.writes_entry:
            self._record(_event(call, "ok"))

    def ended(self, call: Call, reason: str) -> None:
        """After a refusal or failure, which stays one whether it can be logged or not."""
        if call.ends_in_log:
            return
        details: dict[str, str] = {}
        if call.actor == ANONYMOUS or reason == "RATE_LIMITED":
            unlogged = self._admitted(call.actor)
            if unlogged is None:
                return
            if unlogged:
                details["unlogged_before"] = str(unlogged)
        try:
            self._record(_event(call, reason, details))
        except GatewayError as error:
            # Without the exception: the log names reasons, and no texts.
            log.warning("audit_entry_lost", action=call.method.action, reason=error.reason)
        except Exception as error:  # noqa: BLE001 - gRPC would send its text to the caller
            kind = type(error).__name__
            log.error("audit_entry_lost", action=call.method.action, reason="INTERNAL", kind=kind)  # noqa: TRY400 - the same

    def _admitted(self, actor: str) -> int | None:
        """How many were passed over since the last entry; None when this one is as well."""
        admitted = self._refusals.admits(actor)
        with self._lock:
            if admitted:
                return self._unlogged.pop(actor, 0)
            self._unlogged[actor] = self._unlogged.get(actor, 0) + 1
            return None


def _event(call: Call, outcome: str, details: dict[str, str] | None = None) -> AuditEvent:
    return AuditEvent(
        actor=call.actor,
        action=call.method.action,
        resource=call.resource,
        outcome=outcome,
        details=details or {},
    )
