"""The one tree of errors: who is at fault, a reason constant, a public text, safe metadata.

Every text here names the thing and the remedy and never holds a cell value, a secret, a count that
depends on data, or the text of a foreign exception. It may be shown to the caller, unless its kind
is ``internal``: such a text tells whoever runs the gateway of paths and services. The
``code`` is the canonical gRPC status name, so that the api room maps errors without a table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

DOMAIN = "gateway.v1"

UNUSABLE_KEY = "a key of the gateway cannot be used now; try again later, or tell its administrator"
"""In place of texts that are internal: all of them are about keys."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with a request: the field (or subject) and what would be right."""

    field: str
    description: str


class GatewayError(Exception):
    """Root of the tree. ``reason`` is an UPPER_SNAKE constant that programs may rely on."""

    code: ClassVar[str] = "INTERNAL"
    reason: str = "INTERNAL"
    internal: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        violations: Sequence[Violation] = (),
        **metadata: str,
    ) -> None:
        super().__init__(message)
        self.message = message
        if reason is not None:
            self.reason = reason
        self.violations = tuple(violations)
        self.metadata: Mapping[str, str] = MappingProxyType(metadata)

    @property
    def public(self) -> str:
        """The text for callers, also where it is kept for them."""
        return UNUSABLE_KEY if self.internal else self.message


# ---- the caller is at fault -------------------------------------------------------------------


class CallerError(GatewayError):
    """The request cannot be served as it was made."""

    code = "INVALID_ARGUMENT"
    reason = "INVALID_REQUEST"


class InvalidRequest(CallerError):
    """Wrong shape: unknown fields, values out of bounds; all violations are collected."""

    @classmethod
    def of(cls, field: str, description: str) -> "InvalidRequest":
        return cls(f"{field}: {description}", violations=[Violation(field, description)])

    @classmethod
    def collected(cls, violations: Sequence[Violation]) -> "InvalidRequest":
        text = "; ".join(
            f"{v.field}: {v.description}" if v.field else v.description for v in violations
        )
        return cls(text, violations=violations)


class Unauthenticated(CallerError):
    """No identity, or one that cannot be trusted (expired, other issuer, not registered)."""

    code = "UNAUTHENTICATED"
    reason = "UNAUTHENTICATED"


class PermissionDenied(CallerError):
    """The party is known and may not do this."""

    code = "PERMISSION_DENIED"
    reason = "PERMISSION_DENIED"


class NotFound(CallerError):
    """Does not exist, or may not be seen by this caller: the same answer for both."""

    code = "NOT_FOUND"
    reason = "NOT_FOUND"

    @classmethod
    def resource(cls, name: str) -> "NotFound":
        return cls(f"{name} does not exist or is not visible to you", resource=name)


class AlreadyExists(CallerError):
    """The identifier is taken."""

    code = "ALREADY_EXISTS"
    reason = "ALREADY_EXISTS"


class Conflict(CallerError):
    """Somebody else changed the resource since it was read: read it again and retry."""

    code = "ABORTED"
    reason = "ETAG_MISMATCH"


class FailedPrecondition(CallerError):
    """The life cycle or state of a thing does not admit this now."""

    code = "FAILED_PRECONDITION"
    reason = "FAILED_PRECONDITION"


class QuotaExhausted(CallerError):
    """A quota of the caller (rows, releases, calls per period) is used up."""

    code = "RESOURCE_EXHAUSTED"
    reason = "QUOTA_EXHAUSTED"


class DeadlineExceeded(CallerError):
    """The caller's time was over before the work was done."""

    code = "DEADLINE_EXCEEDED"
    reason = "DEADLINE_EXCEEDED"


class Cancelled(CallerError):
    """The caller or the operator cancelled the work."""

    code = "CANCELLED"
    reason = "CANCELLED"


# ---- the holder's side is at fault -------------------------------------------------------------


class HolderError(GatewayError):
    """A data set or its source is not as it was registered."""

    code = "FAILED_PRECONDITION"
    reason = "SOURCE_ERROR"


class SourceUnavailable(HolderError):
    """The file is gone, the database does not answer."""

    code = "UNAVAILABLE"
    reason = "SOURCE_UNAVAILABLE"


class SourceChanged(HolderError):
    """The source's schema (or content, while being read) differs from what was registered."""

    reason = "SOURCE_CHANGED"


class RecordsRejected(HolderError):
    """Pushed or declared records do not fit the schema; names row and column, never a value."""

    code = "INVALID_ARGUMENT"
    reason = "RECORDS_REJECTED"


# ---- a release stopped, on purpose --------------------------------------------------------------


class ReleaseStopped(GatewayError):
    """The run ends without a result: nothing half-protected is readable."""

    code = "FAILED_PRECONDITION"
    reason = "RELEASE_STOPPED"


class TransformFailed(ReleaseStopped):
    """A value could not be handled and the policy says stop; names column and transform."""

    reason = "TRANSFORM_FAILED"


class CheckFailed(ReleaseStopped):
    """A check on the output failed: the staged data is destroyed, the release is refused."""

    reason = "CHECK_FAILED"


# ---- we are at fault ----------------------------------------------------------------------------


class GatewayFault(GatewayError):
    """The gateway or the machine under it failed; the caller may retry later."""

    code = "INTERNAL"
    reason = "INTERNAL"


class StoreUnavailable(GatewayFault):
    """The database of records does not answer; nothing was changed."""

    code = "UNAVAILABLE"
    reason = "STORE_UNAVAILABLE"


class NotServing(GatewayFault):
    """A process of the gateway does not serve: not yet, not any more, or not now."""

    code = "UNAVAILABLE"
    reason = "NOT_SERVING"


class StagingUnavailable(GatewayFault):
    """Staging cannot be written (full disk, no permission)."""

    code = "UNAVAILABLE"
    reason = "STAGING_UNAVAILABLE"


class StagingCorrupt(GatewayFault):
    """A sealed file fails its authentication: it is never served."""

    code = "DATA_LOSS"
    reason = "STAGING_CORRUPT"


class KeyUnavailable(GatewayFault):
    """A key is missing, unreadable, too open, or destroyed."""

    code = "FAILED_PRECONDITION"
    reason = "KEY_UNAVAILABLE"
    internal = True


class KeyDestroyed(KeyUnavailable):
    """A key was destroyed on purpose: what was made under it cannot be taken back by anybody."""

    reason = "KEY_DESTROYED"
    internal = False


class KeyServiceUnavailable(GatewayFault):
    """The service that holds the root key does not answer, or is sealed; nothing was changed."""

    code = "UNAVAILABLE"
    reason = "KEY_SERVICE_UNAVAILABLE"
    internal = True


class ConfigurationError(GatewayFault):
    """The configuration is unsafe or incomplete: the gateway refuses to start."""

    code = "FAILED_PRECONDITION"
    reason = "CONFIGURATION"


class ClockMovedBack(GatewayFault):
    """The clock is behind what the log already recorded: nothing is decided until it is right."""

    code = "UNAVAILABLE"
    reason = "CLOCK_MOVED_BACK"


class VerificationFailed(GatewayError):
    """A certificate, file or log is not what it claims; names the step that failed."""

    code = "DATA_LOSS"
    reason = "VERIFICATION_FAILED"
