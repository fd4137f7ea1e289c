"""Exit codes, which scripts may rely on."""

from typing import Final

from gateway.errors import GatewayError, VerificationFailed

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_DENIED: Final = 3
EXIT_NOT_FOUND: Final = 4
EXIT_UNAVAILABLE: Final = 5
EXIT_VERIFICATION: Final = 6

_BY_CODE: Final = {
    "INVALID_ARGUMENT": EXIT_USAGE,
    "NOT_FOUND": EXIT_NOT_FOUND,
    "PERMISSION_DENIED": EXIT_NOT_FOUND,
    "UNAUTHENTICATED": EXIT_NOT_FOUND,
    "UNAVAILABLE": EXIT_UNAVAILABLE,
    "DEADLINE_EXCEEDED": EXIT_UNAVAILABLE,
}
# Where the reason says more exactly than the code what a script should do about it.
_BY_REASON: Final = {
    "DENIED": EXIT_DENIED,
    "NO_IDENTITY": EXIT_USAGE,
    "RECALLED": EXIT_NOT_FOUND,
    "EXPIRED": EXIT_NOT_FOUND,
}


def exit_code(error: GatewayError) -> int:
    """The exit code that tells a script what kind of error it was."""
    if isinstance(error, VerificationFailed):
        return EXIT_VERIFICATION
    return _BY_REASON.get(error.reason, _BY_CODE.get(error.code, EXIT_FAILED))
