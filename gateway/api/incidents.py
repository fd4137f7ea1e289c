"""What becomes of an exception: an error that the caller may see, or an incident with a number."""

import secrets
import traceback

import structlog

from gateway.api.call import Call
from gateway.api.failures import Incident, KeyIncident
from gateway.errors import Cancelled, DeadlineExceeded, GatewayError

log = structlog.get_logger("gateway.api")


def foreseen(call: Call, fault: Exception, *, over: bool) -> GatewayError:
    """The error that the caller is told; ``over``: the time of the call is."""
    if over and isinstance(fault, TimeoutError | Cancelled):
        return DeadlineExceeded("the time of the call was over before its work was done")
    incident = secrets.token_hex(8)
    if isinstance(fault, GatewayError):
        if not fault.internal:
            return fault
        log.error(
            "incident",
            incident=incident,
            method=call.method.path,
            party=call.actor,
            reason=fault.reason,
            text=fault.message,
        )
        return KeyIncident(incident)
    # Types and places only: the text of a foreign exception may hold a value.
    kinds: list[str] = []
    cause: BaseException | None = fault
    while cause is not None and len(kinds) < 8:
        kinds.append(f"{type(cause).__module__}.{type(cause).__qualname__}")
        cause = cause.__cause__ or cause.__context__
    log.error(
        "incident",
        incident=incident,
        method=call.method.path,
        party=call.actor,
        exceptions=kinds,
        places=[
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(fault.__traceback__)
        ],
    )
    return Incident(incident)
